
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

