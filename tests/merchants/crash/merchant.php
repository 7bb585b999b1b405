<?php
// A merchant in PHP that keeps an append-only ledger, with one chosen flaw: php merchant.php MODE PORT FOLDER
//
// PHP's own server has four worker processes. Without a flaw (`right`) one of them at a time books, holds a lock
// of the system meanwhile, and acknowledges when the booking is on the disk. FOLDER/ledger.txt is what was
// booked; observe.py shows it. `--list` prints the modes, each with the report that describes the flaw.
declare(strict_types=1);

const KEY = 'ThisIsYourSecretKey123';
const MOVES = ['3' => 'credited', '4' => 'refunded', '5' => 'refunded'];
const CALL = 20_000; // Microseconds that a call to a database takes.
const MODES = [
    'right' => '-',
    'lock-directory-left' => 'express-idempotency#32: a crash leaves the lock, here a directory',
    'race-between-workers' => 'woocommerce-payments#3520: two workers look before either has written',
    'option-written-back' => 'The-Leetcode-City#361: the whole list is read, changed and written',
    'reply-before-work' => 'PHP manual, fastcgi_finish_request: the work is after the reply, and dies with the process',
];

function lines(string $path): array
{
    return is_file($path) ? file($path, FILE_IGNORE_NEW_LINES) : [];
}

function is_booked(string $folder, string $order): bool
{
    foreach (lines("$folder/ledger.txt") as $line) {
        if (strtok($line, ' ') === $order) {
            return true;
        }
    }
    return false;
}

function write(string $folder, string $line): void
{
    $file = fopen("$folder/ledger.txt", 'a');
    fwrite($file, "$line\n");
    fsync($file);
}

function is_signed(array $payload): bool
{
    $sign = (string) ($payload['sign'] ?? '');
    unset($payload['sign'], $payload['sign_type']);
    $payload = array_filter($payload, fn ($value) => $value !== '' && $value !== null);
    ksort($payload, SORT_STRING);
    $text = implode('&', array_map(fn ($name, $value) => "$name=$value", array_keys($payload), $payload));
    return hash_equals(strlen($sign) === 64 ? hash_hmac('sha256', $text, KEY) : md5($text . '&' . KEY), $sign);
}

function book(string $mode, string $folder, string $order, string $line): string
{
    switch ($mode) {
        case 'lock-directory-left':
            if (is_booked($folder, $order)) {
                return '0000';
            }
            if (!@mkdir("$folder/$order.lock")) {
                return '0009';
            }
            usleep(CALL);
            is_booked($folder, $order) || write($folder, $line);
            rmdir("$folder/$order.lock");
            return '0000';
        case 'race-between-workers':
            if (!is_booked($folder, $order)) {
                usleep(CALL);
                write($folder, $line);
            }
            return '0000';
        case 'option-written-back':
            if (!is_booked($folder, $order)) {
                $all = lines("$folder/ledger.txt");
                usleep(CALL);
                $new = "$folder/ledger." . getmypid();
                file_put_contents($new, implode("\n", [...$all, $line]) . "\n");
                rename($new, "$folder/ledger.txt");
            }
            return '0000';
    }
    $lock = fopen("$folder/lock", 'c');
    flock($lock, LOCK_EX);
    is_booked($folder, $order) || write($folder, $line);
    return '0000';
}

function code_for(string $mode, string $folder): string
{
    $payload = json_decode(file_get_contents('php://input'), true);
    $order = $payload['payout_id'] ?? null;
    if (!is_string($order) || !preg_match('/^[^&\s]+$/D', $order) || !is_int($payload['amount'] ?? null)) {
        return '0021';
    }
    if (!is_signed($payload)) {
        return '0004';
    }
    $what = MOVES[(string) $payload['status']] ?? null;
    if ($what === null) {
        return '0000';
    }
    $line = "$order $what {$payload['amount']}";
    if ($mode !== 'reply-before-work') {
        return book($mode, $folder, $order, $line);
    }
    register_shutdown_function(function () use ($folder, $order, $line) {
        while (ob_get_level()) {
            ob_end_flush();
        }
        flush();
        usleep(CALL);
        book('right', $folder, $order, $line);
    });
    return '0000';
}

if (PHP_SAPI === 'cli') {
    if ($argv[1] === '--list') {
        foreach (MODES as $name => $source) {
            echo "$name\t$source\n";
        }
        exit;
    }
    [, $mode, $port, $folder] = $argv;
    is_dir($folder) || mkdir($folder, 0700, true);
    $options = ['-d', 'display_errors=0', '-d', 'log_errors=0', '-d', 'enable_post_data_reading=0', '-q'];
    $environment = ['PHP_CLI_SERVER_WORKERS' => '4', 'MERCHANT_MODE' => $mode, 'MERCHANT_FOLDER' => $folder];
    pcntl_exec(PHP_BINARY, [...$options, '-S', "127.0.0.1:$port", __FILE__], $environment + getenv());
}
ob_start();
$code = code_for(getenv('MERCHANT_MODE'), getenv('MERCHANT_FOLDER'));
$content = json_encode(['error_code' => $code]);
header('Content-Type: application/json', true, $code === '0009' ? 503 : 200);
header('Content-Length: ' . strlen($content));
header('Connection: close');
echo $content;
