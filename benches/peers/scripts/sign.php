<?php
// Signs NDJSON by the platform's MD5 rule, as a merchant would in PHP.

$key = getenv('PAYOUT_NOTIFY_KEY');
$flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;

function sign(array $payload, string $key, int $flags): string
{
    unset($payload['sign'], $payload['sign_type']);
    ksort($payload, SORT_STRING);
    $pairs = [];
    foreach ($payload as $name => $value) {
        if ($value === '' || $value === null) {
            continue;
        }
        if (is_bool($value)) {
            $value = $value ? 'true' : 'false';
        } elseif (is_array($value)) {
            $value = json_encode($value, $flags);
        }
        $pairs[] = "$name=$value";
    }
    return md5(implode('&', $pairs) . '&' . $key);
}

$lines = fopen($argv[1], 'r');
while (($line = fgets($lines)) !== false) {
    $payload = json_decode($line, true);
    if ($payload === null) {
        continue;
    }
    $payload['sign'] = sign($payload, $key, $flags);
    echo json_encode($payload, $flags), "\n";
}
