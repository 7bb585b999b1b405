<?php
// Verifies and acknowledges payout notifications signed as the dialect @DIALECT@ says. PHP 8.1 or later.
// Serve: PAYOUT_NOTIFY_KEY=... php -S 127.0.0.1:8080 notify.php
// In a rotation PAYOUT_NOTIFY_RETIRED_KEY is accepted too.
// Test:  php notify.php VECTORS.json ...
declare(strict_types=1);
const SIGN_FIELD = @SIGN_FIELD@;
const READS_SIGN_TYPE = @READS_SIGN_TYPE@;
const SCHEMES = [ // The first one holds where sign_type says nothing.
    @ALGORITHM@ => ['before_key' => @BEFORE_KEY@, 'key' => @KEY_FORM@, 'separator' => @SEPARATOR@,
        'upper' => @UPPER@, 'keep_empty' => @KEEP_EMPTY@, 'nulls' => @NULLS@,
        'signed' => [@SIGNED@], 'unsigned' => [@UNSIGNED@]],
];
const SUCCESS = @SUCCESS@;
const REFUSAL = @REFUSAL@;
// Fields that always come. Without them a value such as "x&fee=0" could swallow a field unseen.
const REQUIRED = [@REQUIRED@];
const STATUS_FIELD = @STATUS_FIELD@, STATUS_IS_NUMBER = @STATUS_IS_NUMBER@;
const METHOD = @METHOD@, CONTENT_TYPE = @CONTENT_TYPE@; // Without a content type the fields are in the query.
const MAX_BODY = 65536;
const MAX_DEPTH = 127;
const TOKEN = '~\G[ \t\n\r]*+("(?:[^"\\\\\x00-\x1f]++|\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
    . '|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|[{}\[\],:])~';
const PLAIN = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS | JSON_THROW_ON_ERROR;

/** The members of a JSON object, name => [kind, text]; a ValueError or JsonException where it is none. */
function members(string $json): array
{
    $valid = preg_match('//u', $json) && preg_match_all(TOKEN, $json, $found);
    if (!$valid || trim(substr($json, strlen(implode('', $found[0]))), " \t\n\r") !== '' || $found[1][0] !== '{') {
        throw new ValueError('no JSON object');
    }
    $tokens = ['', ...array_reverse($found[1])];
    $members = children($tokens, 1);
    return $tokens === [''] ? $members : throw new ValueError('data after the object');
}

/** The members of an object by name, or the values of an array by number. */
function children(array &$tokens, int $depth): array
{
    $close = array_pop($tokens) === '{' ? '}' : ']';
    $mark = end($tokens) === $close ? array_pop($tokens) : ',';
    for ($found = []; $mark === ',' && $depth <= MAX_DEPTH; $mark = array_pop($tokens)) {
        $name = count($found);
        if ($close === '}') {
            [$kind, $name] = value($tokens, $depth);
            if ($kind !== 'string' || array_key_exists($name, $found) || array_pop($tokens) !== ':') {
                throw new ValueError('no name, or a name twice');
            }
        }
        $found[$name] = value($tokens, $depth);
    }
    return $mark === $close ? $found : throw new ValueError('not closed, or nested too deep');
}

/** One value as [kind, text]: digits as written, nested values as compact JSON. */
function value(array &$tokens, int $depth): array
{
    $token = (string) end($tokens);
    if ($token === '{' || $token === '[') {
        $parts = [];
        foreach (children($tokens, $depth + 1) as $name => [$kind, $text]) {
            $text = ['string' => json_encode($text, PLAIN), 'null' => 'null'][$kind] ?? $text;
            $parts[] = $token === '{' ? json_encode((string) $name, PLAIN) . ":$text" : $text;
        }
        return $token === '{' ? ['object', '{' . implode(',', $parts) . '}'] : ['array', '[' . implode(',', $parts) . ']'];
    }
    array_pop($tokens);
    return match (true) {
        $token === 'null' => ['null', ''],
        $token === 'true', $token === 'false' => ['boolean', $token],
        str_starts_with($token, '"') => ['string', json_decode($token, false, 2, JSON_THROW_ON_ERROR)],
        preg_match('/^[-0-9]/', $token) === 1 => ['number', $token],
        default => throw new ValueError('no value'),
    };
}

/** The same of the pairs of a form or a query, whose values are all texts: parse_str would rename some. */
function pairs(string $text): array
{
    $members = [];
    foreach (explode('&', $text) as $pair) {
        [$name, $value, $more] = [...array_map('urldecode', explode('=', $pair)), null, null];
        if ($value === null || $more !== null || array_key_exists($name, $members) || !preg_match('//u', $name . $value)) {
            throw new ValueError('no pair, or a name twice');
        }
        $members[$name] = ['string', $value];
    }
    return $members;
}

function signature(array $members, string $algorithm, string $key): string
{
    $scheme = SCHEMES[$algorithm];
    ksort($members, SORT_STRING);
    $pairs = [];
    foreach ($members as $name => [$kind, $text]) {
        $is_listed = $scheme['signed'] === [] || in_array((string) $name, $scheme['signed'], true);
        $is_kept = $kind === 'null' ? $scheme['nulls'] !== 'drop' : $text !== '' || $scheme['keep_empty'];
        if ($is_listed && $is_kept && !in_array((string) $name, $scheme['unsigned'], true)) {
            $pairs[] = "$name=" . ($kind === 'null' && $scheme['nulls'] === 'text' ? 'null' : $text);
        }
    }
    $data = implode($scheme['separator'], $pairs) . $scheme['before_key']
        . ['plain' => $key, 'md5' => md5($key), 'none' => ''][$scheme['key']];
    $digest = $algorithm === 'hmac-sha256' ? hash_hmac('sha256', $data, $key) : hash($algorithm, $data);
    return $scheme['upper'] ? strtoupper($digest) : $digest;
}

function verified(array $members, string $key): bool
{
    [$kind, $sign] = $members[SIGN_FIELD] ?? ['null', ''];
    [$said_kind, $said] = READS_SIGN_TYPE ? $members['sign_type'] ?? ['null', ''] : ['null', ''];
    $algorithm = array_key_first(SCHEMES);
    if ($said !== '') {
        $algorithm = $said_kind === 'string' ? strtolower($said) : '';
    } elseif (preg_match('/^[0-9a-fA-F]{64}$/D', $sign)) {
        $algorithm = array_values(array_intersect(['hmac-sha256', 'sha256'], array_keys(SCHEMES)))[0] ?? $algorithm;
    }
    return $kind === 'string' && $sign !== '' && isset(SCHEMES[$algorithm])
        && hash_equals(signature($members, $algorithm, $key), $sign);
}

/** Whether the fields are there, plain, and not hidden inside another value. */
function usable(array $members): bool
{
    foreach (REQUIRED as $name) {
        [$kind, $text] = $members[$name] ?? ['null', ''];
        if (!in_array($kind, ['string', 'number'], true) || $text === '') {
            return false;
        }
    }
    foreach ([...REQUIRED, 'real_amount'] as $name) {
        foreach ($members as [, $text]) {
            if (str_contains($text, current(SCHEMES)['separator'] . "$name=")) {
                return false;
            }
        }
    }
    return !STATUS_IS_NUMBER || preg_match('/^[0-9]+$/D', $members[STATUS_FIELD][1]) === 1;
}

/** Called for every verified notification, duplicates and late ones included. */
function settle(array $members): void
{
    // credit once: in the transaction that stores @ID_FIELD@
    //   BEGIN; INSERT INTO payouts(payout_id, ...) ... ON CONFLICT DO NOTHING; credit or refund only where a
    //   row was inserted or its status became final; COMMIT. Throw where that fails: it is sent again.
    // @STATUS_NOTE@
}

/** The HTTP status and the code of the reply. */
function answer(string $method, string $content_type, string $body, array $keys): array
{
    if ($method !== METHOD) {
        return [405, '0023'];
    }
    if (CONTENT_TYPE !== '' && strtolower(trim(explode(';', $content_type)[0])) !== CONTENT_TYPE) {
        return [415, '0022'];
    }
    if (strlen($body) > MAX_BODY) {
        return [413, '0002'];
    }
    try {
        $members = CONTENT_TYPE === 'application/json' ? members($body) : pairs($body);
    } catch (ValueError | JsonException) {
        return [400, '0021'];
    }
    if (!array_filter($keys, fn($key) => verified($members, $key))) {
        return [401, '0004'];
    }
    if (!usable($members)) {
        return [400, '0002'];
    }
    settle($members);
    return [200, '0000'];
}

function selftest(array $paths): int
{
    $checks = $failures = 0;
    foreach ($paths as $path) {
        $data = json_decode(file_get_contents($path), true, 512, JSON_THROW_ON_ERROR);
        foreach (array_is_list($data) ? $data : [$data] as $vector) {
            foreach (SCHEMES as $algorithm => $scheme) {
                $tries = [];
                foreach ($vector['cases'] ?? [] as $case) {
                    $tries[] = [$case['digest'], $case['code'] === ['md5' => 'OK-MD5', 'hmac-sha256' => 'OK-HMAC'][$algorithm]];
                }
                $right = $vector[strtr($algorithm, '-', '_')] ?? null;
                if ($right !== null) {
                    $other = $scheme['upper'] ? strtolower($right) : strtoupper($right);
                    array_push($tries, [$right, true], [$other, false], [substr($right, 1), false], ['', false], [true, false]);
                }
                foreach ($tries as [$sign, $wanted]) {
                    $members = members($vector['payload']);
                    $members[SIGN_FIELD] = $sign === true ? ['boolean', 'true'] : ['string', $sign];
                    if (in_array('sign_type', $scheme['unsigned'], true)) {
                        $members['sign_type'] = ['string', $algorithm];
                    }
                    $checks++;
                    if (verified($members, $vector['key']) !== $wanted) {
                        $failures++;
                        echo 'failed: ', $vector['id'] ?? 'near miss', " $algorithm\n";
                    }
                }
            }
        }
    }
    echo $failures ? "$failures of $checks checks failed\n" : "ok: $checks checks\n";
    return $failures || !$checks ? 1 : 0;
}

ini_set('display_errors', PHP_SAPI === 'cli' ? '1' : '0');
if (PHP_SAPI === 'cli') {
    exit(selftest(array_slice($argv, 1)));
}
$keys = array_map(fn($name) => (string) getenv($name), ['PAYOUT_NOTIFY_KEY', 'PAYOUT_NOTIFY_RETIRED_KEY']);
$is_set = $keys[0] !== '';
$keys = array_filter($keys, fn($key) => $key !== ''); // Anyone can sign with an empty key.
$body = CONTENT_TYPE === '' ? $_SERVER['QUERY_STRING'] ?? '' : (string) file_get_contents('php://input', false, null, 0, MAX_BODY + 1);
[$status, $code] = $is_set ? answer($_SERVER['REQUEST_METHOD'], $_SERVER['CONTENT_TYPE'] ?? '', $body, $keys) : [500, '9999'];
http_response_code($status);
header('Content-Type: ' . (SUCCESS[0] === '{' ? 'application/json;charset=utf-8' : 'text/plain'));
echo $status === 200 ? SUCCESS : str_replace('CODE', $code, REFUSAL);
