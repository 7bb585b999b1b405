<?php
// A small merchant that does it right, on PHP's own server: verify, credit once, acknowledge.
//   PAYOUT_NOTIFY_KEY=... CREDIT_FILE=credits.txt php merchant.php 8080
// REQUIRE_HMAC=1 refuses MD5. DIALECT=epay takes the notifications of epay. A line of CREDIT_FILE is
// "order amount"; observe.py adds them up.

const MAX_BYTES = 1 << 20, MAX_DEPTH = 127;
define('EPAY', getenv('DIALECT') === 'epay');
const SUCCESS = EPAY ? 'TRADE_SUCCESS' : '3', CANCELLED = '4', FAILED = '5';
const IDS = EPAY ? ['trade_no', 'out_trade_no', 'pid'] : ['payout_id', 'payout_cl_id', 'platform_id'];
const OTHERS = EPAY ? [] : ['fee', 'create_time', 'update_time'];
const AMOUNT = EPAY ? 'money' : 'amount', STATUS = EPAY ? 'trade_status' : 'status';
const HTTP_STATUS = ['0021' => 400, '0022' => 415, '0023' => 405];
const TOKEN = '/"(?:[^"\\\\]++|\\\\.)*+"|[-0-9][-+0-9.eE]*+|true|false|null|[{}\[\],:]/s';
const PLAIN = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS | JSON_THROW_ON_ERROR;

// The members of a JSON object as [kind, text], where text is what is signed: json_decode alone would
// turn 1.10 into 1.1, round long numbers, and keep the last of two equal members.
function parse(string $body): array
{
    // Throws on what is not JSON, so that the tokens are where they must be.
    json_decode($body, true, MAX_DEPTH, JSON_THROW_ON_ERROR);
    preg_match_all(TOKEN, $body, $found);
    [$kind, , $members] = read(new ArrayIterator($found[0]), 0);
    return $kind === '{' ? $members : throw new JsonException('not an object');
}

function read(ArrayIterator $tokens, int $depth): array
{
    $next = fn (): string => [$tokens->current(), $tokens->next()][0];
    $open = $next();
    if ($open[0] === '"') {
        $text = json_decode($open, false, 2, JSON_THROW_ON_ERROR);
        return ['string', $depth === 1 ? $text : json_encode($text, PLAIN)];
    }
    if ($open !== '{' && $open !== '[') {
        return [$open === 'null' ? 'null' : 'other', $open];
    }
    $members = $parts = [];
    while (!in_array($tokens->current(), ['}', ']'], true)) {
        $tokens->current() === ',' && $next();
        $name = $open === '{' ? json_decode($next(), false, 2, JSON_THROW_ON_ERROR) : count($members);
        !array_key_exists($name, $members) || throw new JsonException('duplicate field');
        $before = $open === '{' ? json_encode($name, PLAIN) . $next() : '';
        $members[$name] = read($tokens, $depth + 1);
        $parts[] = $before . $members[$name][1];
    }
    return [$open, $open . implode(',', $parts) . $next(), $members];
}

// The pairs of a query in the same form: parse_str would rename fields and keep the last of two.
function parse_pairs(string $query): array
{
    $members = [];
    foreach (explode('&', $query) as $pair) {
        [$name, $text, $more] = [...array_map('urldecode', explode('=', $pair)), null, null];
        if ($text === null || $more !== null || array_key_exists($name, $members) || !preg_match('//u', $name . $text)) {
            throw new JsonException('not a pair, or a name twice');
        }
        $members[$name] = ['string', $text];
    }
    return $members;
}

// Every member received is signed, known or not; sign_type chooses the digest.
function is_signed(array $members): bool
{
    [[$kind, $sign], [$type_kind, $type]] = [$members['sign'] ?? ['null', ''], $members['sign_type'] ?? ['null', '']];
    if ($type_kind === 'null' || $type === '') {
        $type = preg_match('/^[0-9a-f]{64}$/iD', $sign) ? 'HMAC-SHA256' : 'MD5';
    }
    unset($members['sign'], $members['sign_type']);
    ksort($members, SORT_STRING);
    $members = array_filter($members, fn ($value) => $value[0] !== 'null' && $value[1] !== '');
    $signed = implode('&', array_map(fn ($name, $value) => "$name=$value[1]", array_keys($members), $members));
    $key = getenv('PAYOUT_NOTIFY_KEY');
    $expected = match (strtoupper($type)) {
        'HMAC-SHA256' => EPAY ? null : hash_hmac('sha256', $signed, $key),
        'MD5' => getenv('REQUIRE_HMAC') === '1' ? null : md5($signed . (EPAY ? '' : '&') . $key),
        default => null,
    };
    return $kind === 'string' && $expected !== null && hash_equals($expected, $sign);
}

// Credits an order once, and returns when that is on the disk: only then it may be acknowledged.
// A database would hold the order as a unique key, in the transaction that credits.
function credit(string $order, string $amount): void
{
    $file = fopen(getenv('CREDIT_FILE') ?: 'credits.txt', 'a+');
    flock($file, LOCK_EX);
    if (!str_contains("\n" . stream_get_contents($file, null, 0), "\n$order ")) {
        fwrite($file, "$order $amount\n");
        fsync($file);
    }
}

// The platform's code for a request.
function code_for(string $method, string $type): string
{
    if ($method !== (EPAY ? 'GET' : 'POST')) {
        return '0023';
    }
    if (!EPAY && strtolower(trim(explode(';', $type)[0])) !== 'application/json') {
        return '0022';
    }
    $body = EPAY ? $_SERVER['QUERY_STRING'] ?? '' : file_get_contents('php://input', false, null, 0, MAX_BYTES + 1);
    try {
        $read = EPAY ? 'parse_pairs' : 'parse';
        $members = strlen($body) > MAX_BYTES ? throw new JsonException('too long') : $read($body);
        if (!is_signed($members)) {
            return '0004';
        }
    } catch (JsonException) {
        return '0021';
    }
    // A field that is missing may have been moved into another one's text: "&" is not escaped when signing.
    foreach ([...IDS, ...OTHERS] as $at => $name) {
        [$kind, $text] = $members[$name] ?? ['null', ''];
        if ($kind === 'null' || ($at < 3 && $kind !== 'string') || !preg_match('/^[^&\s]+$/D', $text)) {
            return '0002';
        }
    }
    if (!preg_match('/^([0-9]{1,16})(?:\.([0-9]{2})0*)?$/D', $members[AMOUNT][1] ?? '', $amount)
        || !preg_match(EPAY ? '/^TRADE_[A-Z]+$/D' : '/^[0-9]{1,2}$/D', $members[STATUS][1] ?? '')) {
        return '0002';
    }
    if ($members[STATUS][1] === SUCCESS) {
        // Sisters of the platform write the major unit, and it with decimals: 123.4500 is 12345 cents.
        credit($members[IDS[0]][1], $amount[1] . ($amount[2] ?? (EPAY ? '00' : '')));
    } elseif (in_array($members[STATUS][1], [CANCELLED, FAILED], true)) {
        credit($members[IDS[0]][1], '0'); // The order is final: a success that comes later is not credited.
    }
    return '0000'; // A payout that failed is acknowledged too.
}

if (PHP_SAPI === 'cli') {
    // Port 0 is any free port: PHP's server does not tell which one it took, so it is chosen here.
    $address = stream_socket_get_name(stream_socket_server('tcp://127.0.0.1:' . ($argv[1] ?? 0)), false);
    echo "listening on http://$address/\n";
    $options = ['-d', 'display_errors=0', '-d', 'enable_post_data_reading=0', '-d', 'memory_limit=256M'];
    pcntl_exec(PHP_BINARY, [...$options, '-S', $address, __FILE__], ['PHP_CLI_SERVER_WORKERS' => '8'] + getenv());
}
$code = code_for($_SERVER['REQUEST_METHOD'], $_SERVER['CONTENT_TYPE'] ?? '');
header('Content-Type: ' . (EPAY ? 'text/plain' : 'application/json;charset=utf-8'), true, HTTP_STATUS[$code] ?? 200);
echo EPAY ? ($code === '0000' ? 'success' : 'fail') : json_encode(['error_code' => $code]);
