
# The numbers of the newest callbacks, which only the inbox itself knows.
_payout_notify_callbacks() {
    local i inbox=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --inbox ]] || continue
        # Readline takes --inbox=FILE for three words.
        [[ ${COMP_WORDS[i + 1]} == "=" ]] && ((i++))
        inbox=(--inbox "${COMP_WORDS[i + 1]}")
    done
    echo latest
    payout-notify inbox list --limit 20 --format json "${inbox[@]}" 2>/dev/null |
        sed -n 's/.*"id":\([0-9][0-9]*\)[,}].*/\1/p'
}

_payout_notify_with_callbacks() {
    local before=${COMP_WORDS[COMP_CWORD - 1]} word=$2
    if [[ ${COMP_WORDS[COMP_CWORD]} == "=" ]]; then
        word=""
    elif [[ $before == "=" ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [[ $before == --profile ]]; then
        COMPREPLY=($(compgen -W "$(payout-notify config profiles 2>/dev/null)" -- "$word"))
        return
    fi
    _payout_notify "$@"
    local i action=""
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
            show | diff | replay | delete) action="${COMP_WORDS[i]}" ;;
        esac
    done
    if [[ " ${COMP_WORDS[*]:1:COMP_CWORD-1} " == *" inbox "* && -n $action && $2 != -* && $3 != -* ]]; then
        COMPREPLY=($(compgen -W "$(_payout_notify_callbacks)" -- "$2"))
    fi
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _payout_notify_with_callbacks -o nosort -o bashdefault -o default payout-notify
else
    complete -F _payout_notify_with_callbacks -o bashdefault -o default payout-notify
fi
complete -r payout_notify
