# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_payout_notify_global_optspecs
    string join \n color= profile= h/help V/version
end

function __fish_payout_notify_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_payout_notify_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_payout_notify_using_subcommand
    set -l cmd (__fish_payout_notify_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c payout-notify -n "__fish_payout_notify_needs_command" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_needs_command" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -s V -l version -d 'Print version'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "demo" -d 'Show the whole story in about a second: sign, send, retry, verify, acknowledge'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "sign" -d 'Sign a payload and print it'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "verify" -d 'Verify a payload\'s signature'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "simulate" -d 'Send a notification to a merchant as the platform does, with its retries'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "check" -d 'Check whether a merchant\'s endpoint is safe to go live: verifies, acknowledges, credits once'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "schedule" -d 'Show when the attempts of a retry schedule are planned'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "export" -d 'Write a load test with fresh, signed orders for Locust, k6 or Artillery'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "listen" -d 'Listen as a local merchant: keep each callback, show it, verify it, and answer as the protocol requires'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "inbox" -d 'Show, compare, export and send again what listen received and kept'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "dialects" -d 'List the dialects: how sibling platforms sign, and which reply they want'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "mcp" -d 'Serve the commands as tools to an agent: the Model Context Protocol on stdin and stdout'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "snippet" -d 'Print a small verifier and acknowledging handler in a merchant\'s language'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "schema" -d 'Print a JSON Schema, an OpenAPI document or a Postman collection'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "config" -d 'Show the effective settings and where they come from, or write a settings file'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c payout-notify -n "__fish_payout_notify_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand demo" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand demo" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l sign-type -d 'How to sign: md5, hmac-sha256 or sha256; unless told, by the payload\'s sign_type, else as the dialect does first' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l input -d 'In which form the payload is written, and printed again' -r -f -a "auto\t'Told by how it begins, or by method and content type'
json\t'A JSON object: what the platform sends'
form\t'The name=value pairs of a form body'
query\t'The pairs of a query string, alone or in a URL'
xml\t'One XML element with an element for each field'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l print -d 'What to print' -r -f -a "body\t'The signed payload'
sign\t'The signature alone'
canonical\t'The canonical string, the key masked'
curl\t'A curl command that sends the signed payload'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l url -d 'The URL in the curl command [default: http://127.0.0.1:8787/]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l jobs -d 'How many threads share the work; unless told, one per core' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l set -d 'Set a member; VALUE is JSON if it parses as JSON, else a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l set-str -d 'Set a member to a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l unset -d 'Take a member out' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -l lines -d 'Read one payload per line (NDJSON) and write one line for each, verify a table or JSON; a bad line does not end it'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand sign" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l input -d 'In which form the payload is written' -r -f -a "auto\t'Told by how it begins, or by method and content type'
json\t'A JSON object: what the platform sends'
form\t'The name=value pairs of a form body'
query\t'The pairs of a query string, alone or in a URL'
xml\t'One XML element with an element for each field'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l require -d 'Refuse any other signature: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l computed -d 'Explain this digest, which your code computed for the payload, beside the payload\'s own' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l string-file -d 'Compare the string that your code signs with the rule\'s; - reads stdin' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l format -d 'Output format [default: human; with --lines into a file or pipe: json]' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l jobs -d 'How many threads share the work; unless told, one per core' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l other-key-file -d 'Try this key too when a signature does not match; may be given several times' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l strict -d 'Let warnings about the fields count'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l explain -d 'Show each step from the fields to the digest, and what the signature does not protect; with --lines the string that is signed'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l show-expected -d 'On a mismatch, show the signature that would have matched'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -l lines -d 'Read one payload per line (NDJSON) and write one line for each, verify a table or JSON; a bad line does not end it'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l status -d 'The status: success, cancelled, failed or a number' -r -f -a "success\t''
cancelled\t''
failed\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l sign-type -d 'How to sign: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l schedule -d 'When to retry: backoff, even, ten-in-total, or a list such as 15s,30s,5m [default: backoff]' -r -f -a "backoff\t''
even\t''
ten-in-total\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l retries -d 'How many retries may follow the first notification [default: 10]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l window -d 'The time after the order\'s completion in which the platform tries [default: 1h]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l speed -d 'Speed up the waits between attempts; replies are not sped up [default: 1x]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l timeout -d 'How long to wait for a whole reply [default: 10s]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l redact -d 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l set -d 'Set a member; VALUE is JSON if it parses as JSON, else a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l set-str -d 'Set a member to a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l unset -d 'Take a member out' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l count -d 'Send this many orders with fresh ids; --set may hold {uuid}, {now}, {hex:8}, {1..500}' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l from -d 'Send the orders of this file: one payload per line, or CSV with a header; - reads stdin' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l from-format -d 'The format of --from: ndjson or csv; unless told, by the file\'s name' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l seed -d 'Make ids, values, statuses and jitter the same each time' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l mix -d 'Mix statuses, such as success=90,failed=8,cancelled=2' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l life -d 'Send several notifications of each order, such as \'processing, 2s, success\'; pauses count from the order\'s start, and several lives have weights, such as \'success, failed=20\'' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l duplicates -d 'Send this share of the orders twice' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l concurrency -d 'How many attempts may be in flight at once without --rate [default: 16]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l rate -d 'Start orders at this rate, such as 500/s, however slow the merchant is' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l ramp -d 'Reach the rate after this time' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l max-in-flight -d 'Hard limit on attempts in flight [default: 1000]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l jitter -d 'Vary the delays by this share, from the seed' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l journal -d 'Record each attempt in this file before it is sent, and its outcome after; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l report -d 'Write a report: json=, junit=, html= or ndjson=FILE; several may be given. A link, and a file that payout-notify did not write, are not replaced' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l fail-if -d 'Fail if this is met, such as \'p99>200ms\', \'ttfb.p99>100ms\' or \'acked<100%\'; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l header -d 'Send this header, in the place of an own one; "Name:" leaves it out; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l connections -d 'Whether attempts share connections' -r -f -a "fresh\t'Every attempt makes its own connection'
reused\t'Connections are kept and used again'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l lose-replies -d 'Lose this share of the replies: the merchant is called again although it answered' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l upload-rate -d 'Send the body no faster than this, for example 1KB/s' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l slow-upload -d 'Spread the body over this time, for example 2s' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l resolve -d 'Use this address for a host and port, as curl does; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l cacert -d 'Trust only certificates signed by one of these CAs (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l client-cert -d 'Present this certificate where one is asked for (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l client-key -d 'The private key of --client-cert (PEM); without it the key is in the certificate\'s file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l proxy -d 'Go through this proxy, or none [default: the environment\'s, except for private networks]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l yes -d 'Send to the URL of a project\'s payout-notify.toml without being asked, also where it is neither on this machine nor in a private network'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l dry-run -d 'Print the timeline and send nothing'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l honor-retry-after -d 'Wait as long as a reply\'s Retry-After asks'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l resume -d 'Continue the journal\'s run as it began: its orders, schedule, rate and dialect'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l half-close -d 'Shut the sending side down after the request, and read the reply on the other'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l chunked -d 'Send the body in chunks, without Content-Length'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l accept-gzip -d 'Ask for a reply in gzip, and decompress it'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -s v -l verbose -d 'Show of each attempt on stderr: addresses, TLS, and the heads of request and reply'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -l insecure -d 'Accept any certificate: whoever answers is trusted'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l sign-type -d 'How to sign: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l require -d 'The endpoint must refuse any other signature: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l platform-id -d 'The platform_id of the orders, for an endpoint that refuses any but its own' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l orders -d 'Orders that the merchant knows, each used once: CSV with payout_id,payout_cl_id,amount, or one JSON object per line' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l prepare -d 'Run this before each new order, so that the merchant knows it: PAYOUT_CHECK_ORDER, _CLIENT_ID, _AMOUNT and _PLATFORM_ID are in its environment' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l set -d 'Set a member; VALUE is JSON if it parses as JSON, else a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l set-str -d 'Set a member to a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l unset -d 'Take a member out' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l redact -d 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l suite -d 'Add the cases of this folder\'s *.toml files; several may be given' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l only -d 'Only these groups or cases; NAME* takes all that begin so; several may be given' -r -f -a "reachability\t''
acknowledgement\t''
authenticity\t''
interoperability\t''
idempotency\t''
robustness\t''
retry\t''
reach-dns\t''
reach-connect\t''
reach-tls\t''
reach-redirect\t''
reach-challenge\t''
reach-content-type\t''
reach-latency\t''
reach-keep-alive\t''
reach-ipv6\t''
ack-success\t''
ack-failed\t''
ack-cancelled\t''
ack-failed-unpaid\t''
ack-failed-bare\t''
ack-not-final\t''
ack-expect-continue\t''
ack-chunked\t''
ack-content-type-plain\t''
ack-content-type-parameter\t''
ack-no-user-agent\t''
auth-no-sign\t''
auth-empty-sign\t''
auth-null-sign\t''
auth-wrong-key\t''
auth-retired-key\t''
auth-failure-retired-key\t''
auth-no-key\t''
auth-upper-case\t''
auth-last-digit\t''
auth-short-sign\t''
auth-changed-payout-id\t''
auth-changed-payout-cl-id\t''
auth-changed-platform-id\t''
auth-changed-amount\t''
auth-changed-real-amount\t''
auth-changed-fee\t''
auth-changed-status\t''
auth-changed-create-time\t''
auth-changed-update-time\t''
auth-changed-error-msg\t''
auth-changed-space\t''
auth-added-field\t''
auth-added-zero\t''
auth-removed-field\t''
auth-swapped-ids\t''
auth-old-signature\t''
auth-sign-type-unknown\t''
auth-sign-type-downgrade\t''
auth-sign-type-swapped\t''
auth-md5\t''
auth-md5-untyped\t''
auth-other-amount\t''
auth-failure-other-amount\t''
auth-no-status\t''
auth-unknown-status\t''
auth-status-letters\t''
auth-status-true\t''
auth-status-word\t''
auth-own-key\t''
auth-smaller-amount\t''
auth-amount-beside-real-amount\t''
auth-unknown-order\t''
auth-reserved-id\t''
auth-id-other-case\t''
auth-id-space\t''
auth-id-longer\t''
auth-id-wildcard\t''
auth-id-full-width\t''
auth-id-zero\t''
auth-other-client-id\t''
auth-client-id-longer\t''
auth-other-payout-id\t''
auth-payout-id-zero\t''
auth-twin-fee\t''
auth-twin-status\t''
auth-twin-real-amount\t''
auth-duplicate-last\t''
auth-duplicate-first\t''
auth-duplicate-status\t''
auth-name-case-amount\t''
auth-name-case-sign\t''
auth-hmac-made-up\t''
auth-form\t''
auth-query\t''
auth-query-override\t''
auth-sign-true\t''
auth-sign-zero\t''
auth-sign-zero-e\t''
auth-sign-empty-array\t''
auth-sign-array\t''
auth-sign-object\t''
auth-amount-array\t''
interop-shuffled\t''
interop-pretty\t''
interop-unknown-fields\t''
interop-sign-type\t''
interop-error-msg\t''
interop-unicode\t''
interop-unicode-escaped\t''
interop-emoji\t''
interop-decomposed\t''
interop-slashes\t''
interop-special\t''
interop-outer-spaces\t''
interop-zero-fee\t''
interop-zero-text\t''
interop-empty-error-msg\t''
interop-null\t''
interop-no-real-amount\t''
interop-big-number\t''
interop-number-text\t''
interop-array\t''
interop-name-order\t''
interop-long-ids\t''
interop-decimal-strings\t''
interop-iso-times\t''
interop-status-text\t''
interop-failure-status-text\t''
interop-numbers-text\t''
idem-again\t''
idem-failure-again\t''
idem-cancelled-again\t''
idem-signed-again\t''
idem-failure-signed-again\t''
idem-respelled\t''
idem-failure-respelled\t''
idem-status-text\t''
idem-other-platform-id\t''
idem-at-once\t''
idem-failure-at-once\t''
idem-reply-lost\t''
idem-failure-reply-lost\t''
idem-replay\t''
idem-failure-replay\t''
idem-replay-after-others\t''
idem-failure-replay-after-others\t''
idem-orders-at-once\t''
idem-failure-orders-at-once\t''
idem-after-forgery\t''
idem-failure-after-forgery\t''
idem-failure-after-altered-forgery\t''
idem-after-other-amount\t''
idem-failure-after-other-amount\t''
idem-mixed-at-once\t''
idem-success-after-failure\t''
idem-failure-after-success\t''
idem-cancelled-after-failure\t''
idem-success-after-processing\t''
idem-failure-after-processing\t''
idem-out-of-order\t''
idem-failure-out-of-order\t''
idem-ids-alike\t''
idem-ids-case\t''
idem-ids-space\t''
robust-malformed\t''
robust-truncated\t''
robust-empty\t''
robust-empty-object\t''
robust-array\t''
robust-null\t''
robust-prototype\t''
robust-types\t''
robust-not-utf8\t''
robust-lone-surrogate\t''
robust-deep\t''
robust-large\t''
robust-get\t''
robust-get-query\t''
robust-put\t''
robust-form\t''
robust-content-type\t''
robust-slow-upload\t''
robust-half-close\t''
retry-success\t''
retry-failure\t''
retry-after-all\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l skip -d 'Without these groups or cases; several may be given' -r -f -a "reachability\t''
acknowledgement\t''
authenticity\t''
interoperability\t''
idempotency\t''
robustness\t''
retry\t''
reach-dns\t''
reach-connect\t''
reach-tls\t''
reach-redirect\t''
reach-challenge\t''
reach-content-type\t''
reach-latency\t''
reach-keep-alive\t''
reach-ipv6\t''
ack-success\t''
ack-failed\t''
ack-cancelled\t''
ack-failed-unpaid\t''
ack-failed-bare\t''
ack-not-final\t''
ack-expect-continue\t''
ack-chunked\t''
ack-content-type-plain\t''
ack-content-type-parameter\t''
ack-no-user-agent\t''
auth-no-sign\t''
auth-empty-sign\t''
auth-null-sign\t''
auth-wrong-key\t''
auth-retired-key\t''
auth-failure-retired-key\t''
auth-no-key\t''
auth-upper-case\t''
auth-last-digit\t''
auth-short-sign\t''
auth-changed-payout-id\t''
auth-changed-payout-cl-id\t''
auth-changed-platform-id\t''
auth-changed-amount\t''
auth-changed-real-amount\t''
auth-changed-fee\t''
auth-changed-status\t''
auth-changed-create-time\t''
auth-changed-update-time\t''
auth-changed-error-msg\t''
auth-changed-space\t''
auth-added-field\t''
auth-added-zero\t''
auth-removed-field\t''
auth-swapped-ids\t''
auth-old-signature\t''
auth-sign-type-unknown\t''
auth-sign-type-downgrade\t''
auth-sign-type-swapped\t''
auth-md5\t''
auth-md5-untyped\t''
auth-other-amount\t''
auth-failure-other-amount\t''
auth-no-status\t''
auth-unknown-status\t''
auth-status-letters\t''
auth-status-true\t''
auth-status-word\t''
auth-own-key\t''
auth-smaller-amount\t''
auth-amount-beside-real-amount\t''
auth-unknown-order\t''
auth-reserved-id\t''
auth-id-other-case\t''
auth-id-space\t''
auth-id-longer\t''
auth-id-wildcard\t''
auth-id-full-width\t''
auth-id-zero\t''
auth-other-client-id\t''
auth-client-id-longer\t''
auth-other-payout-id\t''
auth-payout-id-zero\t''
auth-twin-fee\t''
auth-twin-status\t''
auth-twin-real-amount\t''
auth-duplicate-last\t''
auth-duplicate-first\t''
auth-duplicate-status\t''
auth-name-case-amount\t''
auth-name-case-sign\t''
auth-hmac-made-up\t''
auth-form\t''
auth-query\t''
auth-query-override\t''
auth-sign-true\t''
auth-sign-zero\t''
auth-sign-zero-e\t''
auth-sign-empty-array\t''
auth-sign-array\t''
auth-sign-object\t''
auth-amount-array\t''
interop-shuffled\t''
interop-pretty\t''
interop-unknown-fields\t''
interop-sign-type\t''
interop-error-msg\t''
interop-unicode\t''
interop-unicode-escaped\t''
interop-emoji\t''
interop-decomposed\t''
interop-slashes\t''
interop-special\t''
interop-outer-spaces\t''
interop-zero-fee\t''
interop-zero-text\t''
interop-empty-error-msg\t''
interop-null\t''
interop-no-real-amount\t''
interop-big-number\t''
interop-number-text\t''
interop-array\t''
interop-name-order\t''
interop-long-ids\t''
interop-decimal-strings\t''
interop-iso-times\t''
interop-status-text\t''
interop-failure-status-text\t''
interop-numbers-text\t''
idem-again\t''
idem-failure-again\t''
idem-cancelled-again\t''
idem-signed-again\t''
idem-failure-signed-again\t''
idem-respelled\t''
idem-failure-respelled\t''
idem-status-text\t''
idem-other-platform-id\t''
idem-at-once\t''
idem-failure-at-once\t''
idem-reply-lost\t''
idem-failure-reply-lost\t''
idem-replay\t''
idem-failure-replay\t''
idem-replay-after-others\t''
idem-failure-replay-after-others\t''
idem-orders-at-once\t''
idem-failure-orders-at-once\t''
idem-after-forgery\t''
idem-failure-after-forgery\t''
idem-failure-after-altered-forgery\t''
idem-after-other-amount\t''
idem-failure-after-other-amount\t''
idem-mixed-at-once\t''
idem-success-after-failure\t''
idem-failure-after-success\t''
idem-cancelled-after-failure\t''
idem-success-after-processing\t''
idem-failure-after-processing\t''
idem-out-of-order\t''
idem-failure-out-of-order\t''
idem-ids-alike\t''
idem-ids-case\t''
idem-ids-space\t''
robust-malformed\t''
robust-truncated\t''
robust-empty\t''
robust-empty-object\t''
robust-array\t''
robust-null\t''
robust-prototype\t''
robust-types\t''
robust-not-utf8\t''
robust-lone-surrogate\t''
robust-deep\t''
robust-large\t''
robust-get\t''
robust-get-query\t''
robust-put\t''
robust-form\t''
robust-content-type\t''
robust-slow-upload\t''
robust-half-close\t''
retry-success\t''
retry-failure\t''
retry-after-all\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l report -d 'Write a report: json, junit, tap, sarif, html or github; several may be given. A link, and a file that payout-notify did not write, are not replaced' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l fail-on -d 'Exit with 1 for this too; inconclusive always does; several may be given' -r -f -a "warn\t'A case with a warning'
flaky\t'A case that passed only on the second try'
inconclusive\t'A case without a verdict'
unverified\t'A case that claims what nothing verified; --observe does'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l bundle -d 'Write each failed case to this folder, to be sent again with --replay' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l replay -d 'Send one failed case again from its file; no key is needed' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l start -d 'The command that starts the merchant; no shell reads it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l stop -d 'Stop the merchant with this command, in the place of a signal' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l restart -d 'Start it again with this command' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l fresh -d 'Empty the merchant\'s data with this command, before a failing history is played again' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l stop-signal -d 'What a kill sends: KILL, TERM, INT or QUIT' -r -f -a "KILL\t''
TERM\t''
INT\t''
QUIT\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l for -d 'Explore so long; cutting a failure down takes up to a minute more' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l histories -d 'Play at most so many histories' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l settle -d 'Judge the books when they have stood still for so long' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l disk -d 'Fill this small file system too, a tmpfs of at most 256 MiB with the merchant\'s data' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l max-rate -d 'Start no more requests than this, for example 20/s' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l timeout -d 'How long to wait for a whole reply [default: 10s]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l observe -d 'Run this to see what was credited: it prints a number or JSON, for PAYOUT_CHECK_ORDER' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l observe-stream -d 'The same with a command that is started once: for each line with an order as JSON it prints one line' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l observe-within -d 'How long the merchant may take to credit what it acknowledged' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l wait -d 'Wait so long until the endpoint takes connections; nothing is sent meanwhile' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l seed -d 'The seed of the order ids: the same seed gives the same ids' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l retired-key-file -d 'The key before a rotation that is over: the endpoint must refuse what is signed with it' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l header -d 'Send this header, in the place of an own one; "Name:" leaves it out; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l resolve -d 'Use this address for a host and port, as curl does; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l cacert -d 'Trust only certificates signed by one of these CAs (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l client-cert -d 'Present this certificate where one is asked for (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l client-key -d 'The private key of --client-cert (PEM); without it the key is in the certificate\'s file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l proxy -d 'Go through this proxy, or none [default: the environment\'s, except for private networks]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l list -d 'List the cases and send nothing'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l explore -d 'Start the merchant, kill it at drawn moments, send what a platform would, and hold laws against its books; needs --start and --observe'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l yes -d 'Check an endpoint that is neither on this machine nor in a private network'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -s v -l verbose -d 'Show every case in full, and on stderr of each request: addresses, TLS, and the heads of request and reply'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -l insecure -d 'Accept any certificate: whoever answers is trusted'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schedule" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schedule" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schedule" -l retries -d 'How many retries may follow the first notification [default: 10]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schedule" -l window -d 'The time after the order\'s completion in which the platform tries [default: 1h]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schedule" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schedule" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l to -d 'The engine that is to run the test' -r -f -a "locust\t'Locust, in Python: a master with workers'
k6\t'Grafana k6: one machine, or many by its operator'
artillery\t'Artillery, on Node: one machine, or a fleet of them'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l out -d 'Write to this file, or into this folder; Artillery\'s test is two files and needs a folder. A file that was edited, or that payout-notify did not write, is not replaced' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l status -d 'The status: success, cancelled, failed or a number' -r -f -a "success\t''
cancelled\t''
failed\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l sign-type -d 'How to sign: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l timeout -d 'How long to wait for a whole reply [default: 10s]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l rate -d 'Start orders at this rate, all machines together' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l count -d 'Send this many orders in all; --set may hold {uuid}, {now}, {hex:8}, {1..500}' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l duration -d 'Send for this time [default: 1m]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l mix -d 'Mix statuses, such as success=90,failed=8,cancelled=2' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l set -d 'Set a member; VALUE is JSON if it parses as JSON, else a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l set-str -d 'Set a member to a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -l unset -d 'Take a member out' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l bind -d 'Where to listen: HOST:PORT, a port (on loopback), or :0 for a free port' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l input -d 'In which form callbacks are taken [default: as the dialect sends them; the platform POSTs JSON]' -r -f -a "auto\t'Told by how it begins, or by method and content type'
json\t'A JSON object: what the platform sends'
form\t'The name=value pairs of a form body'
query\t'The pairs of a query string, alone or in a URL'
xml\t'One XML element with an element for each field'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l require -d 'Refuse any other signature: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l count -d 'End after this many callbacks; exit with 1 if fewer were valid' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l for -d 'End after this time' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l keep -d 'Keep at most this many callbacks; the oldest go first' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l keep-for -d 'Keep callbacks at most this long, such as 7d' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l reply -d 'Answer by this program, step by step: \'fail*3, hang 35s, reset, ok\'' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l reply-per -d 'Whose replies are counted together: order, connection or all' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l seed -d 'The seed of the program\'s chances' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l forward-to -d 'Send each callback on to this application (http or https), byte for byte' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l reply-from -d 'Whose reply the sender gets [default: app; with --reply: listener]' -r -f -a "app\t'The application\'s, as it is'
listener\t'The listener\'s'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l forward-retry -d 'Wait this long for an application that refuses connections' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l forward-timeout -d 'Wait this long for the application\'s reply' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l resolve -d 'Use this address for a host and port, as curl does; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l cacert -d 'Trust only certificates signed by one of these CAs (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l client-cert -d 'Present this certificate where one is asked for (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l client-key -d 'The private key of --client-cert (PEM); without it the key is in the certificate\'s file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l proxy -d 'Go through this proxy, or none [default: the environment\'s, except for private networks]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l max-retries -d 'The retries that the sender may make' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l expect-schedule -d 'The schedule that the sender must keep: a preset, or a list of delays' -r -f -a "backoff\t''
even\t''
ten-in-total\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l sender-timeout -d 'How long the sender waits for a reply; a later acknowledgement does not bind it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l api -d 'Serve an HTTP API for tests on this loopback address, or a free port: list and wait for callbacks, change the replies, sign, send again' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l inspect -d 'Serve a page that shows callbacks as they come, and the API, on this loopback address or a free port' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l tunnel -d 'Start this tunnel client without a shell, and end it with the listener: \'cloudflared tunnel --url http://localhost:{port}\'. {port} is the listener\'s port' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l tunnel-url -d 'The tunnel\'s public URL, where its client prints none' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l tunnel-wait -d 'Wait this long until the listener can be reached through the tunnel' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l tls-cert -d 'Speak HTTPS with this certificate and its chain (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l tls-key -d 'The certificate\'s private key (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l tls-cert-out -d 'Write the certificate made for this run to this file, for the sender\'s --cacert. Of the files that exist it replaces only one that an earlier run wrote' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l other-key-file -d 'Try this key too when a signature does not match; may be given several times' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l allow-remote -d 'Listen on an address that other machines can reach'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -s q -l quiet -d 'Show no callbacks, only the beginning, what goes wrong, and the summary'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -s v -l verbose -d 'Show headers and body too, and on stderr how the application is reached'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l no-inbox -d 'Keep nothing'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l insecure -d 'Accept any certificate: whoever answers is trusted'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l referee -d 'Hold the sender to its contract; a breach exits with 1'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -l tls-self-signed -d 'Speak HTTPS with a certificate made for this run'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "list" -d 'List the newest callbacks, one per line, the newest last'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "wait" -d 'Wait until the callbacks that a test expects are here, and list them'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "show" -d 'Show one callback in full: the request, what is signed, the verdict, the reply'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "diff" -d 'Compare two callbacks: their members, headers and bytes'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "replay" -d 'Send callbacks again, once each, and judge the replies as the platform does'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "export" -d 'Write callbacks to stdout, the oldest first'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "delete" -d 'Delete callbacks; no listener may work with the inbox'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "prune" -d 'Delete the oldest callbacks and give their room back; no listener may work with the inbox'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and not __fish_seen_subcommand_from list wait show diff replay export delete prune help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l limit -d 'The most callbacks: the newest ones' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l redact -d 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l order -d 'Those of this order' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l status -d 'Those with this status: success, cancelled, failed or a number' -r -f -a "success\t''
cancelled\t''
failed\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l verdict -d 'Those that were valid when they came, or those that were not' -r -f -a "valid\t'A valid signature, and every required field'
invalid\t'Anything else'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l since -d 'Those that came since: a time such as 2026-01-31T12:00:00Z, a day, or how long ago (10m)' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l until -d 'Those that came until then' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l grep -d 'Those with this text in the body, path, order id, code or explanation, in either case' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l count -d 'How many callbacks to wait for' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l within -d 'How long to wait' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l after -d 'Count only what comes after this callback: its number, or latest for new ones' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l redact -d 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l order -d 'Those of this order' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l status -d 'Those with this status: success, cancelled, failed or a number' -r -f -a "success\t''
cancelled\t''
failed\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l verdict -d 'Those that were valid when they came, or those that were not' -r -f -a "valid\t'A valid signature, and every required field'
invalid\t'Anything else'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l since -d 'Those that came since: a time such as 2026-01-31T12:00:00Z, a day, or how long ago (10m)' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l until -d 'Those that came until then' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l grep -d 'Those with this text in the body, path, order id, code or explanation, in either case' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from wait" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l require -d 'Refuse any other signature: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l redact -d 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l other-key-file -d 'Try this key too when a signature does not match; may be given several times' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from diff" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from diff" -l redact -d 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from diff" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from diff" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from diff" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l to -d 'Where they go: the application\'s notify URL; by default the profile\'s url' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l sign-type -d 'How to sign again: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l timeout -d 'How long to wait for a whole reply [default: 10s]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l set -d 'Set a member; VALUE is JSON if it parses as JSON, else a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l set-str -d 'Set a member to a string' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l unset -d 'Take a member out' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l header -d 'Send this header, in the place of an own one; "Name:" leaves it out; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l connections -d 'Whether attempts share connections' -r -f -a "fresh\t'Every attempt makes its own connection'
reused\t'Connections are kept and used again'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l lose-replies -d 'Lose this share of the replies: the merchant is called again although it answered' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l upload-rate -d 'Send the body no faster than this, for example 1KB/s' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l slow-upload -d 'Spread the body over this time, for example 2s' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l resolve -d 'Use this address for a host and port, as curl does; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l cacert -d 'Trust only certificates signed by one of these CAs (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l client-cert -d 'Present this certificate where one is asked for (PEM)' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l client-key -d 'The private key of --client-cert (PEM); without it the key is in the certificate\'s file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l proxy -d 'Go through this proxy, or none [default: the environment\'s, except for private networks]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l yes -d 'Send to the URL of a project\'s payout-notify.toml without being asked, also where it is neither on this machine nor in a private network'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l resign -d 'Sign again although nothing changes'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l half-close -d 'Shut the sending side down after the request, and read the reply on the other'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l chunked -d 'Send the body in chunks, without Content-Length'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l accept-gzip -d 'Ask for a reply in gzip, and decompress it'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -s v -l verbose -d 'Show of each attempt on stderr: addresses, TLS, and the heads of request and reply'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -l insecure -d 'Accept any certificate: whoever answers is trusted'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l print -d 'What to print' -r -f -a "ndjson\t'One JSON object per line'
http\t'Requests as .http files hold them'
curl\t'Commands for a POSIX shell'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l limit -d 'The most callbacks: the newest ones' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l redact -d 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l order -d 'Those of this order' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l status -d 'Those with this status: success, cancelled, failed or a number' -r -f -a "success\t''
cancelled\t''
failed\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l verdict -d 'Those that were valid when they came, or those that were not' -r -f -a "valid\t'A valid signature, and every required field'
invalid\t'Anything else'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l since -d 'Those that came since: a time such as 2026-01-31T12:00:00Z, a day, or how long ago (10m)' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l until -d 'Those that came until then' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l grep -d 'Those with this text in the body, path, order id, code or explanation, in either case' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from delete" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from delete" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from delete" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from prune" -l keep -d 'How many of the newest stay [default: 10000, or all with --keep-for]' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from prune" -l keep-for -d 'Only those stay that came within this time, for example 7d' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from prune" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from prune" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from prune" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the newest callbacks, one per line, the newest last'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "wait" -d 'Wait until the callbacks that a test expects are here, and list them'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one callback in full: the request, what is signed, the verdict, the reply'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Compare two callbacks: their members, headers and bytes'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "replay" -d 'Send callbacks again, once each, and judge the replies as the platform does'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write callbacks to stdout, the oldest first'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Delete callbacks; no listener may work with the inbox'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Delete the oldest callbacks and give their room back; no listener may work with the inbox'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and not __fish_seen_subcommand_from learn help" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and not __fish_seen_subcommand_from learn help" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and not __fish_seen_subcommand_from learn help" -l print -d 'What to print' -r -f -a "table\t'A table, or data with --format json'
toml\t'A file that --dialect reads'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and not __fish_seen_subcommand_from learn help" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and not __fish_seen_subcommand_from learn help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and not __fish_seen_subcommand_from learn help" -a "learn" -d 'Find out how a platform signs, from callbacks that are known to be good'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and not __fish_seen_subcommand_from learn help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and __fish_seen_subcommand_from learn" -l id -d 'The name of the dialect' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and __fish_seen_subcommand_from learn" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and __fish_seen_subcommand_from learn" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and __fish_seen_subcommand_from learn" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and __fish_seen_subcommand_from learn" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and __fish_seen_subcommand_from learn" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and __fish_seen_subcommand_from help" -f -a "learn" -d 'Find out how a platform signs, from callbacks that are known to be good'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand dialects; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -l allow-host -d 'Let check and simulate send to this host too; may be given several times' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -l observe -d 'Let check run this to see what was credited: it prints a number or JSON, for PAYOUT_CHECK_ORDER' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -l inbox -d 'The inbox [default: inbox.db in the user\'s state folder]; a link is followed only if it is your own and leads to a file' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -l key-file -d 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys' -r -F
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -l key -d 'The key itself: others on this machine can see it' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -l allow-remote -d 'Let check and simulate send to any host'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand mcp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand snippet" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand snippet" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand snippet" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand snippet" -l require -d 'Refuse any other signature: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand snippet" -l print -d 'What to print' -r -f -a "code\t'The snippet'
vectors\t'Signature vectors of the dialect, with which a snippet tests itself'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand snippet" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schema" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schema" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schema" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schema" -l sign-type -d 'How the collection signs: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and not __fish_seen_subcommand_from show profiles init help" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and not __fish_seen_subcommand_from show profiles init help" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and not __fish_seen_subcommand_from show profiles init help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and not __fish_seen_subcommand_from show profiles init help" -f -a "show" -d 'Show the effective settings and where each comes from; of the key only the source and fingerprint'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and not __fish_seen_subcommand_from show profiles init help" -f -a "profiles" -d 'Print the names of the profiles that can be chosen here, one per line'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and not __fish_seen_subcommand_from show profiles init help" -f -a "init" -d 'Write a settings file with one profile; a file that is there is never touched'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and not __fish_seen_subcommand_from show profiles init help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from show" -l format -d 'Output format' -r -f -a "human\t'For a person'
json\t'For a program: one JSON object per line'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from show" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from profiles" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from profiles" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from profiles" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l key-env -d 'Take the key from this environment variable' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l key-file -d 'Take the key from this file; the path counts from the settings file\'s folder' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l key-command -d 'Take the key from what this program prints; one word each time; only in your own file' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l platform-id -d 'The platform_id of orders that are made' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l sign-type -d 'How to sign: md5, hmac-sha256 or sha256' -r -f -a "md5\t''
hmac-sha256\t''
sha256\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l dialect -d 'How the platform signs: a name that `dialects` lists, or a FILE.toml' -r -f -a "platform\t''
fork\t''
wechat-v2\t''
epay\t''
jeepay\t''
epusdt\t''
tokenpay\t''
pockyt\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l url -d 'The merchant\'s notify URL' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l schedule -d 'When to retry' -r -f -a "backoff\t''
even\t''
ten-in-total\t''"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l timeout -d 'How long to wait for a whole reply' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l header -d 'Send this header; several may be given' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l reply -d 'How listen answers' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -l user -d 'Write your own file, not this folder\'s'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the effective settings and where each comes from; of the key only the source and fingerprint'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "profiles" -d 'Print the names of the profiles that can be chosen here, one per line'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "init" -d 'Write a settings file with one profile; a file that is there is never touched'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand completions" -l color -d 'When to use colours' -r -f -a "auto\t'Only on a terminal that can show them and is not asked to stay plain'
always\t'Everywhere, whatever the environment says'
never\t'Nowhere'"
complete -c payout-notify -n "__fish_payout_notify_using_subcommand completions" -l profile -d 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE' -r
complete -c payout-notify -n "__fish_payout_notify_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "demo" -d 'Show the whole story in about a second: sign, send, retry, verify, acknowledge'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "sign" -d 'Sign a payload and print it'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "verify" -d 'Verify a payload\'s signature'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "simulate" -d 'Send a notification to a merchant as the platform does, with its retries'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "check" -d 'Check whether a merchant\'s endpoint is safe to go live: verifies, acknowledges, credits once'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "schedule" -d 'Show when the attempts of a retry schedule are planned'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "export" -d 'Write a load test with fresh, signed orders for Locust, k6 or Artillery'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "listen" -d 'Listen as a local merchant: keep each callback, show it, verify it, and answer as the protocol requires'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "inbox" -d 'Show, compare, export and send again what listen received and kept'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "dialects" -d 'List the dialects: how sibling platforms sign, and which reply they want'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "mcp" -d 'Serve the commands as tools to an agent: the Model Context Protocol on stdin and stdout'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "snippet" -d 'Print a small verifier and acknowledging handler in a merchant\'s language'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "schema" -d 'Print a JSON Schema, an OpenAPI document or a Postman collection'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "config" -d 'Show the effective settings and where they come from, or write a settings file'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "completions" -d 'Print the completion script of a shell'
complete -c payout-notify -n "__fish_payout_notify_using_subcommand help; and not __fish_seen_subcommand_from demo sign verify simulate check schedule export listen inbox dialects mcp snippet schema config completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
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
complete -c payout-notify -n "__fish_seen_subcommand_from sign verify simulate check export listen dialects snippet schema" -l dialect -r -F
