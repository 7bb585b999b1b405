# The names of the profiles that apply in this folder.
function __fish_payout_notify_profiles
    payout-notify config profiles 2>/dev/null
end
# The numbers of the newest callbacks, which only the inbox itself knows.
function __fish_payout_notify_callbacks
    set -l words (commandline -opc)
    set -l inbox
    if set -l at (contains -i -- --inbox $words)
        set inbox --inbox $words[(math $at + 1)]
    end
    echo latest
    payout-notify inbox list --limit 20 --format json $inbox 2>/dev/null | sed -n 's/.*"id":\([0-9][0-9]*\)[,}].*/\1/p'
end
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show diff replay delete" -f -a "(__fish_payout_notify_callbacks)"
complete -c payout-notify -l profile -r -f -a "(__fish_payout_notify_profiles)"
