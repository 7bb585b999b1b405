# What Tab makes of lines: ask.zsh FOLDER-WITH-THE-SCRIPT FILE-FOR-THE-ANSWERS LINE...
#
# An interactive shell on a terminal of its own is asked, as a person asks it.
zmodload zsh/zpty || exit 77
folder=$1 answers=$2
shift 2
: >$answers
zpty shell 'exec zsh -f -i'
zpty -w shell "fpath=(${(q)folder} \$fpath); autoload -Uz compinit; compinit -D -u"
zpty -w shell "setopt no_beep no_auto_menu; tab() { zle complete-word; print -r -- \$BUFFER >>${(q)answers}; zle kill-buffer }"
zpty -w shell "zle -N tab; bindkey '^I' tab; print ready >>${(q)answers}"
lines=0
for line in '' "$@"; do
    [[ -n $line ]] && zpty -w -n shell "$line"$'\t'
    (( lines += 1 ))
    for ((wait = 0; wait < 600; wait++)); do
        # What the terminal shows is of no interest; unread it would stop the shell.
        while zpty -r -t shell shown; do :; done
        (( $(wc -l <$answers) >= lines )) && break
        sleep 0.05
    done
done
zpty -d shell
tail -n +2 $answers
