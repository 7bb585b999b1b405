
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'payout-notify' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
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
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show the whole story in about a second: sign, send, retry, verify, acknowledge')
            [CompletionResult]::new('sign', 'sign', [CompletionResultType]::ParameterValue, 'Sign a payload and print it')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verify a payload''s signature')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Send a notification to a merchant as the platform does, with its retries')
            [CompletionResult]::new('schedule', 'schedule', [CompletionResultType]::ParameterValue, 'Show when the attempts of a retry schedule are planned')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Listen as a local merchant: show each callback, verify it, and answer as the protocol says')
            [CompletionResult]::new('dialects', 'dialects', [CompletionResultType]::ParameterValue, 'List the dialects: how sibling platforms sign, and which reply they want')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'payout-notify;demo' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;sign' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How to sign: md5, hmac-sha256 or sha256; unless told, as the payload''s sign_type says, else as the dialect does first')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'In which form the payload is written, and printed again')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The URL in the curl command')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many threads share the work; unless told, one a core')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set a member; VALUE is JSON if it parses as JSON, else a string')
            [CompletionResult]::new('--set-str', '--set-str', [CompletionResultType]::ParameterName, 'Set a member to a string')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Take a member out')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Read one payload a line (NDJSON) and write one line for each; goes on after a bad line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;verify' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'In which form the payload is written')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Refuse any other signature: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'For whom the output is written')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many threads share the work; unless told, one a core')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--other-key-file', '--other-key-file', [CompletionResultType]::ParameterName, 'Try this key too when a signature does not match; may be given several times')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Let warnings about the fields count')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Show each step from the members to the digest, and what the signature does not protect')
            [CompletionResult]::new('--show-expected', '--show-expected', [CompletionResultType]::ParameterName, 'On a mismatch, show the signature that would have matched')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Read one payload a line (NDJSON) and write one line for each; goes on after a bad line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;simulate' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'The status: success, cancelled, failed or a number')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml')
            [CompletionResult]::new('--sign-type', '--sign-type', [CompletionResultType]::ParameterName, 'How to sign: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--schedule', '--schedule', [CompletionResultType]::ParameterName, 'When to retry: backoff, even, ten-in-total, or a list such as 15s,30s,5m')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'How many retries may follow the first notification [default: 10]')
            [CompletionResult]::new('--window', '--window', [CompletionResultType]::ParameterName, 'The time after the order''s completion in which the platform tries')
            [CompletionResult]::new('--speed', '--speed', [CompletionResultType]::ParameterName, 'Let waits pass faster; replies take as long as they take')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a whole reply')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'For whom the output is written')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set a member; VALUE is JSON if it parses as JSON, else a string')
            [CompletionResult]::new('--set-str', '--set-str', [CompletionResultType]::ParameterName, 'Set a member to a string')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Take a member out')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Send this many orders with fresh ids; --set may hold {n}, {uuid}, {now}, {1..500}')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Send the orders of this file: one payload a line, or CSV with a header')
            [CompletionResult]::new('--from-format', '--from-format', [CompletionResultType]::ParameterName, 'What --from holds: ndjson or csv; unless told, by the file''s name')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Make ids, values, statuses and jitter the same each time')
            [CompletionResult]::new('--mix', '--mix', [CompletionResultType]::ParameterName, 'Mix statuses, such as success=90,failed=8,cancelled=2')
            [CompletionResult]::new('--duplicates', '--duplicates', [CompletionResultType]::ParameterName, 'Send this share of the orders twice')
            [CompletionResult]::new('--concurrency', '--concurrency', [CompletionResultType]::ParameterName, 'How many attempts may be under way at once without --rate [default: 16]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Start orders at this rate, such as 500/s, however slow the merchant is')
            [CompletionResult]::new('--ramp', '--ramp', [CompletionResultType]::ParameterName, 'Reach the rate after this time')
            [CompletionResult]::new('--max-in-flight', '--max-in-flight', [CompletionResultType]::ParameterName, 'The most attempts under way in any case [default: 1000]')
            [CompletionResult]::new('--jitter', '--jitter', [CompletionResultType]::ParameterName, 'Vary the delays by this share, from the seed')
            [CompletionResult]::new('--journal', '--journal', [CompletionResultType]::ParameterName, 'Record each attempt in this file before it is sent, and its outcome after')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write a report: json=, junit=, html= or ndjson=FILE; several may be given')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'Fail if this holds, such as ''p99>200ms'' or ''acked<100%''; several may be given')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header, in the place of an own one; "Name:" leaves it out; several may be given')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Whether attempts share connections')
            [CompletionResult]::new('--lose-replies', '--lose-replies', [CompletionResultType]::ParameterName, 'Lose this share of the replies: the merchant is called again although it answered')
            [CompletionResult]::new('--upload-rate', '--upload-rate', [CompletionResultType]::ParameterName, 'Send the body no faster than this, for example 1KB/s')
            [CompletionResult]::new('--slow-upload', '--slow-upload', [CompletionResultType]::ParameterName, 'Spread the body over this time, for example 2s')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Use this address for a host and port, as curl does; several may be given')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust merchants whose certificate one of these vouches for (PEM), and no others')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Show this certificate to a merchant who asks for one (PEM)')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The private key of --client-cert (PEM); without it the key is in the certificate''s file')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the timeline and send nothing')
            [CompletionResult]::new('--honor-retry-after', '--honor-retry-after', [CompletionResultType]::ParameterName, 'Wait as long as a reply''s Retry-After asks')
            [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'Go on with the run of the journal, at its schedule and speed')
            [CompletionResult]::new('--half-close', '--half-close', [CompletionResultType]::ParameterName, 'Shut the sending side down after the request, and read the reply on the other')
            [CompletionResult]::new('--chunked', '--chunked', [CompletionResultType]::ParameterName, 'Send the body in chunks, without Content-Length')
            [CompletionResult]::new('--accept-gzip', '--accept-gzip', [CompletionResultType]::ParameterName, 'Ask for a reply in gzip, and decompress it')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Check no certificate: whoever answers is taken for the merchant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;schedule' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'How many retries may follow the first notification [default: 10]')
            [CompletionResult]::new('--window', '--window', [CompletionResultType]::ParameterName, 'The time after the order''s completion in which the platform tries [default: 1h]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'For whom the output is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;listen' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'Where to listen: HOST:PORT, a port (on loopback), or :0 for a free port')
            [CompletionResult]::new('--dialect', '--dialect', [CompletionResultType]::ParameterName, 'How the platform signs: a name that `dialects` lists, or a FILE.toml')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'In which form callbacks are taken: the platform POSTs JSON')
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Refuse any other signature: md5, hmac-sha256 or sha256')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after this many callbacks; exit with 1 if fewer were valid')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'End after this time')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'For whom the output is written')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Read the key from this file; one trailing newline is dropped')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key itself: others on this machine can see it')
            [CompletionResult]::new('--other-key-file', '--other-key-file', [CompletionResultType]::ParameterName, 'Try this key too when a signature does not match; may be given several times')
            [CompletionResult]::new('--allow-remote', '--allow-remote', [CompletionResultType]::ParameterName, 'Listen on an address that other machines can reach')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;dialects' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'What to print')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'For whom the output is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'payout-notify;help' {
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show the whole story in about a second: sign, send, retry, verify, acknowledge')
            [CompletionResult]::new('sign', 'sign', [CompletionResultType]::ParameterValue, 'Sign a payload and print it')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verify a payload''s signature')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Send a notification to a merchant as the platform does, with its retries')
            [CompletionResult]::new('schedule', 'schedule', [CompletionResultType]::ParameterValue, 'Show when the attempts of a retry schedule are planned')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Listen as a local merchant: show each callback, verify it, and answer as the protocol says')
            [CompletionResult]::new('dialects', 'dialects', [CompletionResultType]::ParameterValue, 'List the dialects: how sibling platforms sign, and which reply they want')
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
        'payout-notify;help;schedule' {
            break
        }
        'payout-notify;help;listen' {
            break
        }
        'payout-notify;help;dialects' {
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
