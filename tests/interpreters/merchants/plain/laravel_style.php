<?php
// A payout notification handler in Laravel's idiom, for PHP's own server.
//
//     php laravel_style.php PORT FOLDER
//
// It knows the orders of FOLDER/orders.txt ("payout_cl_id amount" per line) and keeps its books in a SQLite-like
// file of lines, FOLDER/books.txt: "payout_cl_id credited|refunded cents". A lock on a file is its transaction.

if (PHP_SAPI === 'cli') {
    [, $port, $folder] = $argv;
    if ($port === '0') {
        $socket = stream_socket_server('tcp://127.0.0.1:0');
        $port = substr(strrchr(stream_socket_get_name($socket, false), ':'), 1);
        fclose($socket);
    }
    echo "http://127.0.0.1:$port/api/payout/notify\n";
    fclose(STDOUT);
    putenv("FOLDER=$folder");
    putenv('PHP_CLI_SERVER_WORKERS=8');
    pcntl_exec(PHP_BINARY, ['-d', 'display_errors=0', '-S', "127.0.0.1:$port", __FILE__]);
}

const KEY = 'ThisIsYourSecretKey123';
const STATUS_SUCCESS = 3;
const STATUS_CANCELLED = 4;
const STATUS_FAILED = 5;

final class HttpException extends RuntimeException
{
}

function abort(int $status): never
{
    throw new HttpException('', $status);
}

final class NotifyController
{
    /** @return array<string, string> */
    public function __invoke(array $input): array
    {
        if (!is_string($input['sign'] ?? null) || !hash_equals($this->sign($input), $input['sign'])) {
            return ['error_code' => '0004', 'error_msg' => 'invalid sign'];
        }
        $this->validate($input);
        $lock = fopen(getenv('FOLDER') . '/lock', 'c');
        flock($lock, LOCK_EX);
        try {
            return $this->settle($input);
        } finally {
            fclose($lock);
        }
    }

    private function sign(array $input): string
    {
        unset($input['sign'], $input['sign_type']);
        $input = array_filter($input, fn ($value) => $value !== null && $value !== '');
        ksort($input, SORT_STRING);
        $pairs = [];
        foreach ($input as $name => $value) {
            if (is_array($value) || is_bool($value)) {
                $value = json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
            }
            $pairs[] = "$name=$value";
        }
        return md5(implode('&', $pairs) . '&' . KEY);
    }

    private function validate(array $input): void
    {
        foreach (['payout_id', 'payout_cl_id', 'platform_id'] as $name) {
            is_string($input[$name] ?? null) || abort(422);
        }
        is_numeric($input['amount'] ?? null) || abort(422);
        is_numeric($input['status'] ?? null) || abort(422);
    }

    private function settle(array $input): array
    {
        $order = null;
        foreach (file(getenv('FOLDER') . '/orders.txt', FILE_IGNORE_NEW_LINES) as $line) {
            $cut = strrpos($line, ' ');
            if (substr($line, 0, $cut) === $input['payout_cl_id']) {
                $order = (int) substr($line, $cut + 1);
            }
        }
        if ($order === null) {
            abort(404);
        }
        if ($order !== (int) $input['amount']) {
            return ['error_code' => '0002', 'error_msg' => 'amount differs'];
        }
        $status = (int) $input['status'];
        if (!in_array($status, [STATUS_SUCCESS, STATUS_CANCELLED, STATUS_FAILED], true)) {
            return ['error_code' => '0000'];
        }
        $books = getenv('FOLDER') . '/books.txt';
        foreach (is_file($books) ? file($books, FILE_IGNORE_NEW_LINES) : [] as $line) {
            if (str_starts_with($line, $input['payout_cl_id'] . "\t")) {
                return ['error_code' => '0000'];
            }
        }
        $what = $status === STATUS_SUCCESS ? 'credited' : 'refunded';
        file_put_contents($books, "{$input['payout_cl_id']}\t$what\t$order\n", FILE_APPEND);
        return ['error_code' => '0000'];
    }
}

// What the framework does around it: the route, the JSON, the error pages.
try {
    $path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
    $path === '/api/payout/notify' || abort(404);
    $_SERVER['REQUEST_METHOD'] === 'POST' || abort(405);
    $input = [];
    if (str_contains($_SERVER['CONTENT_TYPE'] ?? '', 'json')) {
        $input = json_decode(file_get_contents('php://input'), true) ?? [];
    }
    $answer = (new NotifyController())(is_array($input) ? $input : []);
    header('Content-Type: application/json');
    echo json_encode($answer);
} catch (HttpException $error) {
    http_response_code($error->getCode());
    header('Content-Type: text/html; charset=utf-8');
    echo '<!DOCTYPE html><html lang="en"><head><title>Error</title></head><body>', $error->getCode(), '</body></html>';
} catch (Throwable) {
    http_response_code(500);
    header('Content-Type: text/html; charset=utf-8');
    echo '<!DOCTYPE html><html lang="en"><head><title>Server Error</title></head><body>500</body></html>';
}
