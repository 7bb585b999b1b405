
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'payout-notify' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements

    # The names of profiles and the numbers of callbacks, which the program itself is asked for.
    $before = @($commandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    $asked = @()
    if ($before.Count -gt 0 -and $before[-1] -eq '--profile') {
        $asked = @(payout-notify config profiles 2>$null)
    } elseif ($before.Count -gt 2 -and $before[1] -eq 'inbox' -and
        $before[2] -in 'show', 'diff', 'replay', 'delete' -and
        -not $before[-1].StartsWith('-') -and -not $wordToComplete.StartsWith('-')) {
        $asked = @('latest') + @(payout-notify inbox list --limit 20 --format json 2>$null |
            ForEach-Object { ($_ | ConvertFrom-Json).id })
    }
    if ($asked.Count -gt 0) {
        return $asked | Where-Object { "$_" -like "$wordToComplete*" } |
            ForEach-Object { [CompletionResult]::new("$_") }
    }

    $command = @(
        'payout-notify'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'payout-notify' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show the whole story in about a second: sign, send, retry, verify, acknowledge')
            [CompletionResult]::new('sign', 'sign', [CompletionResultType]::ParameterValue, 'Sign a payload and print it')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verify a payload''s signature')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Send a notification to a merchant as the platform does, with its retries')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check whether a merchant''s endpoint is safe to go live: verifies, acknowledges, credits once')
            [CompletionResult]::new('schedule', 'schedule', [CompletionResultType]::ParameterValue, 'Show when the attempts of a retry schedule are planned')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write a load test with fresh, signed orders for Locust, k6 or Artillery')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Listen as a local merchant: keep each callback, show it, verify it, and answer as the protocol requires')
            [CompletionResult]::new('inbox', 'inbox', [CompletionResultType]::ParameterValue, 'Show, compare, export and send again what listen received and kept')
            [CompletionResult]::new('dialects', 'dialects', [CompletionResultType]::ParameterValue, 'List the dialects: how sibling platforms sign, and which reply they want')
            [CompletionResult]::new('mcp', 'mcp', [CompletionResultType]::ParameterValue, 'Serve the commands as tools to an agent: the Model Context Protocol on stdin and stdout')
            [CompletionResult]::new('snippet', 'snippet', [CompletionResultType]::ParameterValue, 'Print a small verifier and acknowledging handler in a merchant''s language')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print a JSON Schema, an OpenAPI document or a Postman collection')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the effective settings and where they come from, or write a settings file')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;demo' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;sign' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How to sign: md5, hmac-sha256 or sha256; unless told, by the payload''s sign_type, else as the dialect does first')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'In which form the payload is written, and printed again')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The URL in the curl command [default: http://127.0.0.1:8787/]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many threads share the work; unless told, one per core')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set a member; VALUE is JSON if it parses as JSON, else a string')
            [CompletionResult]::new('--set-str', '--set-str', [CompletionResultType]::ParameterName, 'Set a member to a string')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Take a member out')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Read one payload per line (NDJSON) and write one line for each, verify a table or JSON; a bad line does not end it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;verify' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'In which form the payload is written')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Refuse any other signature: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--computed', '--computed', [CompletionResultType]::ParameterName, 'Explain this digest, which your code computed for the payload, beside the payload''s own')
            [CompletionResult]::new('--string-file', '--string-file', [CompletionResultType]::ParameterName, 'Compare the string that your code signs with the rule''s; - reads stdin')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format [default: human; with --lines into a file or pipe: json]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many threads share the work; unless told, one per core')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--other-key-file', '--other-key-file', [CompletionResultType]::ParameterName, 'Try this key too when a signature does not match; may be given several times')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Let warnings about the fields count')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Show each step from the fields to the digest, and what the signature does not protect; with --lines the string that is signed')
            [CompletionResult]::new('--show-expected', '--show-expected', [CompletionResultType]::ParameterName, 'On a mismatch, show the signature that would have matched')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Read one payload per line (NDJSON) and write one line for each, verify a table or JSON; a bad line does not end it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;simulate' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'The status: success, cancelled, failed or a number')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How to sign: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--schedule', '--schedule', [CompletionResultType]::ParameterName, 'When to retry: backoff, even, ten-in-total, or a list such as 15s,30s,5m [default: backoff]')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'How many retries may follow the first notification [default: 10]')
            [CompletionResult]::new('--window', '--window', [CompletionResultType]::ParameterName, 'The time after the order''s completion in which the platform tries [default: 1h]')
            [CompletionResult]::new('--speed', '--speed', [CompletionResultType]::ParameterName, 'Speed up the waits between attempts; replies are not sped up [default: 1x]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a whole reply [default: 10s]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set a member; VALUE is JSON if it parses as JSON, else a string')
            [CompletionResult]::new('--set-str', '--set-str', [CompletionResultType]::ParameterName, 'Set a member to a string')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Take a member out')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Send this many orders with fresh ids; --set may hold {uuid}, {now}, {hex:8}, {1..500}')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Send the orders of this file: one payload per line, or CSV with a header; - reads stdin')
            [CompletionResult]::new('--from-format', '--from-format', [CompletionResultType]::ParameterName, 'The format of --from: ndjson or csv; unless told, by the file''s name')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Make ids, values, statuses and jitter the same each time')
            [CompletionResult]::new('--mix', '--mix', [CompletionResultType]::ParameterName, 'Mix statuses, such as success=90,failed=8,cancelled=2')
            [CompletionResult]::new('--life', '--life', [CompletionResultType]::ParameterName, 'Send several notifications of each order, such as ''processing, 2s, success''; pauses count from the order''s start, and several lives have weights, such as ''success, failed=20''')
            [CompletionResult]::new('--duplicates', '--duplicates', [CompletionResultType]::ParameterName, 'Send this share of the orders twice')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'How many attempts may be in flight at once without --rate [default: 16]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Start orders at this rate, such as 500/s, however slow the merchant is')
            [CompletionResult]::new('--ramp', '--ramp', [CompletionResultType]::ParameterName, 'Reach the rate after this time')
            [CompletionResult]::new('--max-in-flight', '--max-in-flight', [CompletionResultType]::ParameterName, 'Hard limit on attempts in flight [default: 1000]')
            [CompletionResult]::new('--jitter', '--jitter', [CompletionResultType]::ParameterName, 'Vary the delays by this share, from the seed')
            [CompletionResult]::new('--journal', '--journal', [CompletionResultType]::ParameterName, 'Record each attempt in this file before it is sent, and its outcome after; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write a report: json=, junit=, html= or ndjson=FILE; several may be given. A link, and a file that payout-notify did not write, are not replaced')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'Fail if this is met, such as ''p99>200ms'', ''ttfb.p99>100ms'' or ''acked<100%''; several may be given')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header, in the place of an own one; "Name:" leaves it out; several may be given')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Whether attempts share connections')
            [CompletionResult]::new('--lose-replies', '--lose-replies', [CompletionResultType]::ParameterName, 'Lose this share of the replies: the merchant is called again although it answered')
            [CompletionResult]::new('--upload-rate', '--upload-rate', [CompletionResultType]::ParameterName, 'Send the body no faster than this, for example 1KB/s')
            [CompletionResult]::new('--slow-upload', '--slow-upload', [CompletionResultType]::ParameterName, 'Spread the body over this time, for example 2s')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Use this address for a host and port, as curl does; several may be given')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust only certificates signed by one of these CAs (PEM)')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Present this certificate where one is asked for (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The private key of --client-cert (PEM); without it the key is in the certificate''s file')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Go through this proxy, or none [default: the environment''s, except for private networks]')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Send to the URL of a project''s payout-notify.toml without being asked, also where it is neither on this machine nor in a private network')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the timeline and send nothing')
            [CompletionResult]::new('--honor-retry-after', '--honor-retry-after', [CompletionResultType]::ParameterName, 'Wait as long as a reply''s Retry-After asks')
            [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'Continue the journal''s run as it began: its orders, schedule, rate and dialect')
            [CompletionResult]::new('--half-close', '--half-close', [CompletionResultType]::ParameterName, 'Shut the sending side down after the request, and read the reply on the other')
            [CompletionResult]::new('--chunked', '--chunked', [CompletionResultType]::ParameterName, 'Send the body in chunks, without Content-Length')
            [CompletionResult]::new('--accept-gzip', '--accept-gzip', [CompletionResultType]::ParameterName, 'Ask for a reply in gzip, and decompress it')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show of each attempt on stderr: addresses, TLS, and the heads of request and reply')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show of each attempt on stderr: addresses, TLS, and the heads of request and reply')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate: whoever answers is trusted')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;check' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How to sign: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'The endpoint must refuse any other signature: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--platform-id', '--platform-id', [CompletionResultType]::ParameterName, 'The platform_id of the orders, for an endpoint that refuses any but its own')
            [CompletionResult]::new('--orders', '--orders', [CompletionResultType]::ParameterName, 'Orders that the merchant knows, each used once: CSV with payout_id,payout_cl_id,amount, or one JSON object per line')
            [CompletionResult]::new('--prepare', '--prepare', [CompletionResultType]::ParameterName, 'Run this before each new order, so that the merchant knows it: PAYOUT_CHECK_ORDER, _CLIENT_ID, _AMOUNT and _PLATFORM_ID are in its environment')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set a member; VALUE is JSON if it parses as JSON, else a string')
            [CompletionResult]::new('--set-str', '--set-str', [CompletionResultType]::ParameterName, 'Set a member to a string')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Take a member out')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one')
            [CompletionResult]::new('--suite', '--suite', [CompletionResultType]::ParameterName, 'Add the cases of this folder''s *.toml files; several may be given')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Only these groups or cases; NAME* takes all that begin so; several may be given')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Without these groups or cases; several may be given')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write a report: json, junit, tap, sarif, html or github; several may be given. A link, and a file that payout-notify did not write, are not replaced')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Exit with 1 for this too; inconclusive always does; several may be given')
            [CompletionResult]::new('--bundle', '--bundle', [CompletionResultType]::ParameterName, 'Write each failed case to this folder, to be sent again with --replay')
            [CompletionResult]::new('--replay', '--replay', [CompletionResultType]::ParameterName, 'Send one failed case again from its file; no key is needed')
            [CompletionResult]::new('--start', '--start', [CompletionResultType]::ParameterName, 'The command that starts the merchant; no shell reads it')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'Stop the merchant with this command, in the place of a signal')
            [CompletionResult]::new('--restart', '--restart', [CompletionResultType]::ParameterName, 'Start it again with this command')
            [CompletionResult]::new('--fresh', '--fresh', [CompletionResultType]::ParameterName, 'Empty the merchant''s data with this command, before a failing history is played again')
            [CompletionResult]::new('--stop-signal', '--stop-signal', [CompletionResultType]::ParameterName, 'What a kill sends: KILL, TERM, INT or QUIT')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Explore so long; cutting a failure down takes up to a minute more')
            [CompletionResult]::new('--histories', '--histories', [CompletionResultType]::ParameterName, 'Play at most so many histories')
            [CompletionResult]::new('--settle', '--settle', [CompletionResultType]::ParameterName, 'Judge the books when they have stood still for so long')
            [CompletionResult]::new('--disk', '--disk', [CompletionResultType]::ParameterName, 'Fill this small file system too, a tmpfs of at most 256 MiB with the merchant''s data')
            [CompletionResult]::new('--max-rate', '--max-rate', [CompletionResultType]::ParameterName, 'Start no more requests than this, for example 20/s')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a whole reply [default: 10s]')
            [CompletionResult]::new('--observe', '--observe', [CompletionResultType]::ParameterName, 'Run this to see what was credited: it prints a number or JSON, for PAYOUT_CHECK_ORDER')
            [CompletionResult]::new('--observe-stream', '--observe-stream', [CompletionResultType]::ParameterName, 'The same with a command that is started once: for each line with an order as JSON it prints one line')
            [CompletionResult]::new('--observe-within', '--observe-within', [CompletionResultType]::ParameterName, 'How long the merchant may take to credit what it acknowledged')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait so long until the endpoint takes connections; nothing is sent meanwhile')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'The seed of the order ids: the same seed gives the same ids')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--retired-key-file', '--retired-key-file', [CompletionResultType]::ParameterName, 'The key before a rotation that is over: the endpoint must refuse what is signed with it')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header, in the place of an own one; "Name:" leaves it out; several may be given')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Use this address for a host and port, as curl does; several may be given')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust only certificates signed by one of these CAs (PEM)')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Present this certificate where one is asked for (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The private key of --client-cert (PEM); without it the key is in the certificate''s file')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Go through this proxy, or none [default: the environment''s, except for private networks]')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'List the cases and send nothing')
            [CompletionResult]::new('--explore', '--explore', [CompletionResultType]::ParameterName, 'Start the merchant, kill it at drawn moments, send what a platform would, and hold laws against its books; needs --start and --observe')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Check an endpoint that is neither on this machine nor in a private network')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show every case in full, and on stderr of each request: addresses, TLS, and the heads of request and reply')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show every case in full, and on stderr of each request: addresses, TLS, and the heads of request and reply')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate: whoever answers is trusted')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;schedule' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'How many retries may follow the first notification [default: 10]')
            [CompletionResult]::new('--window', '--window', [CompletionResultType]::ParameterName, 'The time after the order''s completion in which the platform tries [default: 1h]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;export' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'The engine that is to run the test')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write to this file, or into this folder; Artillery''s test is two files and needs a folder. A file that was edited, or that payout-notify did not write, is not replaced')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'The status: success, cancelled, failed or a number')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How to sign: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a whole reply [default: 10s]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Start orders at this rate, all machines together')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Send this many orders in all; --set may hold {uuid}, {now}, {hex:8}, {1..500}')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Send for this time [default: 1m]')
            [CompletionResult]::new('--mix', '--mix', [CompletionResultType]::ParameterName, 'Mix statuses, such as success=90,failed=8,cancelled=2')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set a member; VALUE is JSON if it parses as JSON, else a string')
            [CompletionResult]::new('--set-str', '--set-str', [CompletionResultType]::ParameterName, 'Set a member to a string')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Take a member out')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;listen' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'Where to listen: HOST:PORT, a port (on loopback), or :0 for a free port')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'In which form callbacks are taken [default: as the dialect sends them; the platform POSTs JSON]')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Refuse any other signature: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after this many callbacks; exit with 1 if fewer were valid')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'End after this time')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep at most this many callbacks; the oldest go first')
            [CompletionResult]::new('--keep-for', '--keep-for', [CompletionResultType]::ParameterName, 'Keep callbacks at most this long, such as 7d')
            [CompletionResult]::new('--reply', '--reply', [CompletionResultType]::ParameterName, 'Answer by this program, step by step: ''fail*3, hang 35s, reset, ok''')
            [CompletionResult]::new('--reply-per', '--reply-per', [CompletionResultType]::ParameterName, 'Whose replies are counted together: order, connection or all')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'The seed of the program''s chances')
            [CompletionResult]::new('--forward-to', '--forward-to', [CompletionResultType]::ParameterName, 'Send each callback on to this application (http or https), byte for byte')
            [CompletionResult]::new('--reply-from', '--reply-from', [CompletionResultType]::ParameterName, 'Whose reply the sender gets [default: app; with --reply: listener]')
            [CompletionResult]::new('--forward-retry', '--forward-retry', [CompletionResultType]::ParameterName, 'Wait this long for an application that refuses connections')
            [CompletionResult]::new('--forward-timeout', '--forward-timeout', [CompletionResultType]::ParameterName, 'Wait this long for the application''s reply')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Use this address for a host and port, as curl does; several may be given')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust only certificates signed by one of these CAs (PEM)')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Present this certificate where one is asked for (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The private key of --client-cert (PEM); without it the key is in the certificate''s file')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Go through this proxy, or none [default: the environment''s, except for private networks]')
            [CompletionResult]::new('--max-retries', '--max-retries', [CompletionResultType]::ParameterName, 'The retries that the sender may make')
            [CompletionResult]::new('--expect-schedule', '--expect-schedule', [CompletionResultType]::ParameterName, 'The schedule that the sender must keep: a preset, or a list of delays')
            [CompletionResult]::new('--sender-timeout', '--sender-timeout', [CompletionResultType]::ParameterName, 'How long the sender waits for a reply; a later acknowledgement does not bind it')
            [CompletionResult]::new('--api', '--api', [CompletionResultType]::ParameterName, 'Serve an HTTP API for tests on this loopback address, or a free port: list and wait for callbacks, change the replies, sign, send again')
            [CompletionResult]::new('--inspect', '--inspect', [CompletionResultType]::ParameterName, 'Serve a page that shows callbacks as they come, and the API, on this loopback address or a free port')
            [CompletionResult]::new('--tunnel', '--tunnel', [CompletionResultType]::ParameterName, 'Start this tunnel client without a shell, and end it with the listener: ''cloudflared tunnel --url http://localhost:{port}''. {port} is the listener''s port')
            [CompletionResult]::new('--tunnel-url', '--tunnel-url', [CompletionResultType]::ParameterName, 'The tunnel''s public URL, where its client prints none')
            [CompletionResult]::new('--tunnel-wait', '--tunnel-wait', [CompletionResultType]::ParameterName, 'Wait this long until the listener can be reached through the tunnel')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Speak HTTPS with this certificate and its chain (PEM)')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'The certificate''s private key (PEM)')
            [CompletionResult]::new('--tls-cert-out', '--tls-cert-out', [CompletionResultType]::ParameterName, 'Write the certificate made for this run to this file, for the sender''s --cacert. Of the files that exist it replaces only one that an earlier run wrote')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--other-key-file', '--other-key-file', [CompletionResultType]::ParameterName, 'Try this key too when a signature does not match; may be given several times')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Listen on an address that other machines can reach')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Show no callbacks, only the beginning, what goes wrong, and the summary')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Show no callbacks, only the beginning, what goes wrong, and the summary')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show headers and body too, and on stderr how the application is reached')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show headers and body too, and on stderr how the application is reached')
            [CompletionResult]::new('--no-inbox', '--no-inbox', [CompletionResultType]::ParameterName, 'Keep nothing')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate: whoever answers is trusted')
            [CompletionResult]::new('--referee', '--referee', [CompletionResultType]::ParameterName, 'Hold the sender to its contract; a breach exits with 1')
            [CompletionResult]::new('--tls-self-signed', '--tls-self-signed', [CompletionResultType]::ParameterName, 'Speak HTTPS with a certificate made for this run')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the newest callbacks, one per line, the newest last')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until the callbacks that a test expects are here, and list them')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one callback in full: the request, what is signed, the verdict, the reply')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two callbacks: their members, headers and bytes')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Send callbacks again, once each, and judge the replies as the platform does')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write callbacks to stdout, the oldest first')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete callbacks; no listener may work with the inbox')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Delete the oldest callbacks and give their room back; no listener may work with the inbox')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;inbox;list' {
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'The most callbacks: the newest ones')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one')
            [CompletionResult]::new('--order', '--order', [CompletionResultType]::ParameterName, 'Those of this order')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Those with this status: success, cancelled, failed or a number')
            [CompletionResult]::new('--verdict', '--verdict', [CompletionResultType]::ParameterName, 'Those that were valid when they came, or those that were not')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Those that came since: a time such as 2026-01-31T12:00:00Z, a day, or how long ago (10m)')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Those that came until then')
            [CompletionResult]::new('--grep', '--grep', [CompletionResultType]::ParameterName, 'Those with this text in the body, path, order id, code or explanation, in either case')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox;wait' {
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How many callbacks to wait for')
            [CompletionResult]::new('--within', '--within', [CompletionResultType]::ParameterName, 'How long to wait')
            [CompletionResult]::new('--after', '--after', [CompletionResultType]::ParameterName, 'Count only what comes after this callback: its number, or latest for new ones')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one')
            [CompletionResult]::new('--order', '--order', [CompletionResultType]::ParameterName, 'Those of this order')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Those with this status: success, cancelled, failed or a number')
            [CompletionResult]::new('--verdict', '--verdict', [CompletionResultType]::ParameterName, 'Those that were valid when they came, or those that were not')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Those that came since: a time such as 2026-01-31T12:00:00Z, a day, or how long ago (10m)')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Those that came until then')
            [CompletionResult]::new('--grep', '--grep', [CompletionResultType]::ParameterName, 'Those with this text in the body, path, order id, code or explanation, in either case')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox;show' {
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Refuse any other signature: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--other-key-file', '--other-key-file', [CompletionResultType]::ParameterName, 'Try this key too when a signature does not match; may be given several times')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox;diff' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox;replay' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Where they go: the application''s notify URL; by default the profile''s url')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How to sign again: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a whole reply [default: 10s]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set a member; VALUE is JSON if it parses as JSON, else a string')
            [CompletionResult]::new('--set-str', '--set-str', [CompletionResultType]::ParameterName, 'Set a member to a string')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Take a member out')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header, in the place of an own one; "Name:" leaves it out; several may be given')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Whether attempts share connections')
            [CompletionResult]::new('--lose-replies', '--lose-replies', [CompletionResultType]::ParameterName, 'Lose this share of the replies: the merchant is called again although it answered')
            [CompletionResult]::new('--upload-rate', '--upload-rate', [CompletionResultType]::ParameterName, 'Send the body no faster than this, for example 1KB/s')
            [CompletionResult]::new('--slow-upload', '--slow-upload', [CompletionResultType]::ParameterName, 'Spread the body over this time, for example 2s')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Use this address for a host and port, as curl does; several may be given')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust only certificates signed by one of these CAs (PEM)')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Present this certificate where one is asked for (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The private key of --client-cert (PEM); without it the key is in the certificate''s file')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Go through this proxy, or none [default: the environment''s, except for private networks]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Send to the URL of a project''s payout-notify.toml without being asked, also where it is neither on this machine nor in a private network')
            [CompletionResult]::new('--resign', '--resign', [CompletionResultType]::ParameterName, 'Sign again although nothing changes')
            [CompletionResult]::new('--half-close', '--half-close', [CompletionResultType]::ParameterName, 'Shut the sending side down after the request, and read the reply on the other')
            [CompletionResult]::new('--chunked', '--chunked', [CompletionResultType]::ParameterName, 'Send the body in chunks, without Content-Length')
            [CompletionResult]::new('--accept-gzip', '--accept-gzip', [CompletionResultType]::ParameterName, 'Ask for a reply in gzip, and decompress it')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show of each attempt on stderr: addresses, TLS, and the heads of request and reply')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show of each attempt on stderr: addresses, TLS, and the heads of request and reply')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept any certificate: whoever answers is trusted')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox;export' {
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'The most callbacks: the newest ones')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace the values of this field by [redacted], in all that is shown: a field of the body or the query, or a header. Several are separated by commas, or given one by one')
            [CompletionResult]::new('--order', '--order', [CompletionResultType]::ParameterName, 'Those of this order')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'Those with this status: success, cancelled, failed or a number')
            [CompletionResult]::new('--verdict', '--verdict', [CompletionResultType]::ParameterName, 'Those that were valid when they came, or those that were not')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Those that came since: a time such as 2026-01-31T12:00:00Z, a day, or how long ago (10m)')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Those that came until then')
            [CompletionResult]::new('--grep', '--grep', [CompletionResultType]::ParameterName, 'Those with this text in the body, path, order id, code or explanation, in either case')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox;delete' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox;prune' {
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'How many of the newest stay [default: 10000, or all with --keep-for]')
            [CompletionResult]::new('--keep-for', '--keep-for', [CompletionResultType]::ParameterName, 'Only those stay that came within this time, for example 7d')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;inbox;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the newest callbacks, one per line, the newest last')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until the callbacks that a test expects are here, and list them')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one callback in full: the request, what is signed, the verdict, the reply')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two callbacks: their members, headers and bytes')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Send callbacks again, once each, and judge the replies as the platform does')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write callbacks to stdout, the oldest first')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete callbacks; no listener may work with the inbox')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Delete the oldest callbacks and give their room back; no listener may work with the inbox')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;inbox;help;list' {
            break
        }
        'payout-notify;inbox;help;wait' {
            break
        }
        'payout-notify;inbox;help;show' {
            break
        }
        'payout-notify;inbox;help;diff' {
            break
        }
        'payout-notify;inbox;help;replay' {
            break
        }
        'payout-notify;inbox;help;export' {
            break
        }
        'payout-notify;inbox;help;delete' {
            break
        }
        'payout-notify;inbox;help;prune' {
            break
        }
        'payout-notify;inbox;help;help' {
            break
        }
        'payout-notify;dialects' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('learn', 'learn', [CompletionResultType]::ParameterValue, 'Find out how a platform signs, from callbacks that are known to be good')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;dialects;learn' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'The name of the dialect')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;dialects;help' {
            [CompletionResult]::new('learn', 'learn', [CompletionResultType]::ParameterValue, 'Find out how a platform signs, from callbacks that are known to be good')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;dialects;help;learn' {
            break
        }
        'payout-notify;dialects;help;help' {
            break
        }
        'payout-notify;mcp' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--allow-host', '--allow-host', [CompletionResultType]::ParameterName, 'Let check and simulate send to this host too; may be given several times')
            [CompletionResult]::new('--observe', '--observe', [CompletionResultType]::ParameterName, 'Let check run this to see what was credited: it prints a number or JSON, for PAYOUT_CHECK_ORDER')
            [CompletionResult]::new('--inbox', '--inbox', [CompletionResultType]::ParameterName, 'The inbox [default: inbox.db in the user''s state folder]; a link is followed only if it is your own and leads to a file')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped. What only verifies takes several keys')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Let check and simulate send to any host')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;snippet' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Refuse any other signature: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;schema' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform]')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How the collection signs: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;config' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the effective settings and where each comes from; of the key only the source and fingerprint')
            [CompletionResult]::new('profiles', 'profiles', [CompletionResultType]::ParameterValue, 'Print the names of the profiles that can be chosen here, one per line')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write a settings file with one profile; a file that is there is never touched')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;config;show' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;config;profiles' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;config;init' {
            [CompletionResult]::new('--key-env', '--key-env', [CompletionResultType]::ParameterName, 'Take the key from this environment variable')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Take the key from this file; the path counts from the settings file''s folder')
            [CompletionResult]::new('--key-command', '--key-command', [CompletionResultType]::ParameterName, 'Take the key from what this program prints; one word each time; only in your own file')
            [CompletionResult]::new('--platform-id', '--platform-id', [CompletionResultType]::ParameterName, 'The platform_id of orders that are made')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How to sign: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The merchant''s notify URL')
            [CompletionResult]::new('--schedule', '--schedule', [CompletionResultType]::ParameterName, 'When to retry')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a whole reply')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header; several may be given')
            [CompletionResult]::new('--reply', '--reply', [CompletionResultType]::ParameterName, 'How listen answers')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Write your own file, not this folder''s')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;config;help' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the effective settings and where each comes from; of the key only the source and fingerprint')
            [CompletionResult]::new('profiles', 'profiles', [CompletionResultType]::ParameterValue, 'Print the names of the profiles that can be chosen here, one per line')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write a settings file with one profile; a file that is there is never touched')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;config;help;show' {
            break
        }
        'payout-notify;config;help;profiles' {
            break
        }
        'payout-notify;config;help;init' {
            break
        }
        'payout-notify;config;help;help' {
            break
        }
        'payout-notify;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;help' {
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show the whole story in about a second: sign, send, retry, verify, acknowledge')
            [CompletionResult]::new('sign', 'sign', [CompletionResultType]::ParameterValue, 'Sign a payload and print it')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verify a payload''s signature')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Send a notification to a merchant as the platform does, with its retries')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check whether a merchant''s endpoint is safe to go live: verifies, acknowledges, credits once')
            [CompletionResult]::new('schedule', 'schedule', [CompletionResultType]::ParameterValue, 'Show when the attempts of a retry schedule are planned')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write a load test with fresh, signed orders for Locust, k6 or Artillery')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Listen as a local merchant: keep each callback, show it, verify it, and answer as the protocol requires')
            [CompletionResult]::new('inbox', 'inbox', [CompletionResultType]::ParameterValue, 'Show, compare, export and send again what listen received and kept')
            [CompletionResult]::new('dialects', 'dialects', [CompletionResultType]::ParameterValue, 'List the dialects: how sibling platforms sign, and which reply they want')
            [CompletionResult]::new('mcp', 'mcp', [CompletionResultType]::ParameterValue, 'Serve the commands as tools to an agent: the Model Context Protocol on stdin and stdout')
            [CompletionResult]::new('snippet', 'snippet', [CompletionResultType]::ParameterValue, 'Print a small verifier and acknowledging handler in a merchant''s language')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print a JSON Schema, an OpenAPI document or a Postman collection')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the effective settings and where they come from, or write a settings file')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;help;demo' {
            break
        }
        'payout-notify;help;sign' {
            break
        }
        'payout-notify;help;verify' {
            break
        }
        'payout-notify;help;simulate' {
            break
        }
        'payout-notify;help;check' {
            break
        }
        'payout-notify;help;schedule' {
            break
        }
        'payout-notify;help;export' {
            break
        }
        'payout-notify;help;listen' {
            break
        }
        'payout-notify;help;inbox' {
            break
        }
        'payout-notify;help;dialects' {
            break
        }
        'payout-notify;help;mcp' {
            break
        }
        'payout-notify;help;snippet' {
            break
        }
        'payout-notify;help;schema' {
            break
        }
        'payout-notify;help;config' {
            break
        }
        'payout-notify;help;completions' {
            break
        }
        'payout-notify;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
