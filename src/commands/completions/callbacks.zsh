# The names of the profiles that apply in this folder.
(( $+functions[_payout_notify_profiles] )) ||
_payout_notify_profiles() {
    local -a names
    names=(${(f)"$(payout-notify config profiles 2>/dev/null)"})
    compadd -V profiles -- $names
}

# The numbers of the newest callbacks, which only the inbox itself knows.
(( $+functions[_payout_notify_callbacks] )) ||
_payout_notify_callbacks() {
    local -a numbers inbox
    local at=${words[(I)--inbox]}
    (( at )) && inbox=(--inbox ${(Q)words[at + 1]})
    numbers=(latest ${(f)"$(payout-notify inbox list --limit 20 --format json $inbox 2>/dev/null |
        sed -n 's/.*"id":\([0-9][0-9]*\)[,}].*/\1/p')"})
    compadd -V callbacks -- $numbers
}

