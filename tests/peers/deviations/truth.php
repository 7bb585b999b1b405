<?php
// PHP's share of the invalid signatures. Run by generate.py, whose head says how to regenerate.

declare(strict_types=0);
error_reporting(E_ALL & ~E_DEPRECATED & ~E_WARNING & ~E_NOTICE);
ini_set('display_errors', 'stderr');
ini_set('precision', '14');
ini_set('serialize_precision', '-1');

/** The rule's pairs as [name, text], sorted by bytes. */
function rule_pairs(array $tokens): array
{
    $pairs = [];
    foreach ($tokens as [$name, $kind, $text]) {
        if (in_array($name, ['sign', 'sign_type'], true) || $kind === 'null' || $text === '') {
            continue;
        }
        $pairs[] = [$name, $text];
    }
    usort($pairs, fn ($a, $b) => strcmp($a[0], $b[0]));
    return $pairs;
}

function join_pairs(array $pairs): string
{
    return implode('&', array_map(fn ($pair) => $pair[0] . '=' . $pair[1], $pairs));
}

foreach (json_decode(stream_get_contents(STDIN), true) as $payload) {
    $key = $payload['key'];
    $hmac = $payload['algorithm'] === 'hmac';
    $tokens = $payload['tokens'];
    $kinds = $texts = [];
    foreach ($tokens as [$name, $kind, $text]) {
        $kinds[$name] = $kind;
        $texts[$name] = $text;
    }
    $data = json_decode($payload['body'], true);
    $pairs = rule_pairs($tokens);
    $S = join_pairs($pairs);

    $case = function (string $mistake, $says, string $sign) use ($payload) {
        echo json_encode(
            ['mistake' => $mistake, 'payload' => $payload['name'], 'sign' => $sign, 'says' => (array) $says],
            JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES
        ), "\n";
    };
    $finish = fn (string $string): string => $hmac ? hash_hmac('sha256', $string, $key) : md5($string . '&' . $key);
    $string = fn (string $mistake, $says, string $text) => $case($mistake, $says, $finish($text));
    // Members that a condition on the decoded value keeps, with the text that the rule signs.
    $pick = function (callable $keep) use ($data, $texts): string {
        $kept = [];
        foreach ($data as $name => $value) {
            if ($name !== 'sign_type' && $keep($value)) {
                $kept[] = [(string) $name, $texts[$name]];
            }
        }
        usort($kept, fn ($a, $b) => strcmp($a[0], $b[0]));
        return join_pairs($kept);
    };
    // The rule's pairs with the text of strings and nested values changed.
    $values = fn (callable $change, array $of = ['string', 'array', 'object']): string => join_pairs(array_map(
        fn ($pair) => [$pair[0], in_array($kinds[$pair[0]], $of, true) ? $change($pair[1]) : $pair[1]],
        $pairs
    ));

    // Keys and digests.
    if ($hmac) {
        $case('hash_hmac-swapped', 'hmac-swapped', hash_hmac('sha256', $key, $S));
        $case('hash-instead', 'sha256', hash('sha256', $S . '&' . $key));
        $case('strtoupper', 'upper', strtoupper(hash_hmac('sha256', $S, $key)));
        $case('base64_encode-raw', 'base64', base64_encode(hash_hmac('sha256', $S, $key, true)));
        $case('base64_encode-hex', 'base64-of-hex', base64_encode(hash_hmac('sha256', $S, $key)));
        $case('hash_hmac-md5', 'hmac-md5', hash_hmac('md5', $S, $key));
        $case('wechat', 'hmac-with-label-appended+upper', strtoupper(hash_hmac('sha256', $S . '&key=' . $key, $key)));
    } else {
        $case('strtoupper', 'upper', strtoupper(md5($S . '&' . $key)));
        $case('substr', 'middle-16', substr(md5($S . '&' . $key), 8, 16));
        $case('base64_encode-raw', 'base64', base64_encode(md5($S . '&' . $key, true)));
        $case('base64_encode-hex', 'base64-of-hex', base64_encode(md5($S . '&' . $key)));
        $case('hash_hmac-md5', 'hmac-md5', hash_hmac('md5', $S, $key));
        $case('hash_hmac-swapped', 'hmac-md5-swapped', hash_hmac('md5', $key, $S));
        $case('md5-md5', 'double-md5', md5(md5($S . '&' . $key)));
        $case('md5-strtoupper-md5', 'double-md5-upper', md5(strtoupper(md5($S . '&' . $key))));
        $case('md5-then-key', 'md5-then-key', md5(md5($S) . $key));
        $case('wechat', 'key-prefix+upper', strtoupper(md5($S . '&key=' . $key)));
        $case('alipay', 'no-separator', md5($S . $key));
        $loop = '';
        foreach ($pairs as [$name, $text]) {
            $loop .= $name . '=' . $text . '&';
        }
        $case('loop-then-key', 'double-ampersand', md5($loop . '&' . $key));
        $case('loop-then-label', 'double-ampersand-label', md5($loop . '&key=' . $key));
        $case('md5-key', ['md5-of-key', 'key-md5'], md5($S . '&' . md5($key)));
        $case('strtolower-all', ['lower-case-text', 'lower-case-ascii'], md5(strtolower($S . '&' . $key)));
        $case('strtoupper-all', ['upper-case-text', 'upper-case-ascii'], md5(strtoupper($S . '&' . $key)));
        $case('urlencode-all', 'text-urlencoded', md5(urlencode($S . '&' . $key)));
    }

    // Which fields.
    $string('empty', ['drop-zero', 'drop-falsy', 'field-dropped'], $pick(fn ($v) => !empty($v)));
    $filtered = array_filter($data);
    $string('array_filter', ['drop-zero', 'drop-falsy', 'field-dropped'], $pick(fn ($v) => (bool) $v));
    $string('isset', ['keep-empty-string'], $pick(fn ($v) => isset($v)));
    $string('not-equal-empty', ['drop-false', 'drop-falsy'], $pick(fn ($v) => $v != ''));
    $string('strlen', ['drop-false', 'drop-falsy'], $pick(fn ($v) => is_array($v) || strlen((string) $v) > 0));
    $string('trim-check', ['drop-blank', 'drop-false', 'drop-zero', 'drop-blank-or-false'], $pick(fn ($v) => is_array($v) || trim((string) $v) !== ''));
    $string('equals-zero', ['drop-zero-number', 'drop-zero', 'drop-falsy'], $pick(fn ($v) => $v !== '' && $v !== null && !(is_scalar($v) && $v == 0)));
    $string('keep-all', ['keep-empty', 'keep-empty-string', 'null-empty'], $pick(fn ($v) => true));
    $string('is_array', ['drop-nested'], $pick(fn ($v) => !is_array($v) && $v !== '' && $v !== null));
    $string('is_string', ['strings-only', 'field-dropped'], $pick(fn ($v) => is_string($v) && $v !== ''));

    // Order. PHP makes whole numbers of names that look like them.
    $keep = [];
    foreach ($tokens as [$name, $kind, $text]) {
        if (!in_array($name, ['sign', 'sign_type'], true) && $kind !== 'null' && $text !== '') {
            $keep[$name] = $text;
        }
    }
    $of = function (array $map): string {
        $parts = [];
        foreach ($map as $name => $text) {
            $parts[] = $name . '=' . $text;
        }
        return implode('&', $parts);
    };
    $string('unsorted', 'doc-order', $of($keep));
    $sorted = $keep;
    ksort($sorted);
    $string('ksort', ['numeric-first', 'numeric-loose'], $of($sorted));
    $sorted = $keep;
    krsort($sorted);
    $string('krsort', ['reverse-order', 'reverse-numeric'], $of($sorted));
    $sorted = $keep;
    asort($sorted, SORT_STRING);
    $string('asort-string', 'sorted-values', $of($sorted));
    $sorted = $keep;
    asort($sorted);
    $string('asort', ['sorted-values', 'sorted-values-numeric'], $of($sorted));
    $sorted = $keep;
    ksort($sorted, SORT_STRING | SORT_FLAG_CASE);
    $string('ksort-flag-case', 'case-insensitive', $of($sorted));
    $sorted = $keep;
    ksort($sorted, SORT_NATURAL);
    $string('ksort-natural', ['natural-order', 'numeric-first'], $of($sorted));
    $list = array_map(fn ($n, $t) => "$n=$t", array_keys($keep), $keep);
    sort($list, SORT_STRING);
    $string('sort-pairs', 'sorted-pairs', implode('&', $list));

    // Value text.
    $string('urlencode', ['urlencode'], $values('urlencode'));
    $string('rawurlencode', ['urlencode-raw', 'urlencode'], $values('rawurlencode'));
    $string('urlencode-lower', ['urlencode-lower-all', 'urlencode-lower', 'lower-case-string'], $values(fn ($t) => strtolower(urlencode($t))));
    $string('urlencode-lower-hex', ['urlencode-lower', 'urlencode'], $values(fn ($t) => preg_replace_callback('/%[0-9A-F]{2}/', fn ($m) => strtolower($m[0]), urlencode($t))));
    $string('urlencode-urlencode', 'double-urlencode', $values(fn ($t) => urlencode(urlencode($t))));
    $string('urldecode', ['urldecode', 'urldecode-percent', 'plus-to-space'], $values('urldecode'));
    $string('rawurldecode', ['urldecode-percent', 'urldecode'], $values('rawurldecode'));
    $string('trim', ['trimmed', 'trimmed-ascii', 'drop-blank'], $values('trim'));
    $string('preg_replace-spaces', ['collapsed-spaces', 'collapsed-ascii'], $values(fn ($t) => preg_replace('/\s+/', ' ', $t)));
    $string('str_replace-space', ['spaces-removed-ascii', 'spaces-removed', 'trimmed'], $values(fn ($t) => str_replace(' ', '', $t), ['string']));
    $string('htmlspecialchars', ['html-escaped'], $values('htmlspecialchars', ['string']));
    $string('htmlspecialchars-compat', ['html-escaped-compat', 'html-escaped'], $values(fn ($t) => htmlspecialchars($t, ENT_COMPAT), ['string']));
    $string('htmlspecialchars-all', ['html-separators', 'html-escaped'], $payload['name'] === 'text' ? $S : htmlspecialchars($S, ENT_NOQUOTES));
    $string('addslashes', ['slashes-added', 'unicode-escaped'], $values('addslashes', ['string']));
    $string('html_entity_decode', ['html-unescaped'], $values('html_entity_decode', ['string']));
    if (function_exists('mb_convert_encoding')) {
        $string('mb-gbk', ['gbk'], mb_convert_encoding($S, 'GBK', 'UTF-8'));
    }
    if (function_exists('iconv') && ($gbk = @iconv('UTF-8', 'GBK', $S)) !== false) {
        $string('iconv-gbk', ['gbk'], $gbk);
    }
    $string('utf8_decode', ['latin-1', 'question-marks'], utf8_decode($S));
    $string('utf8_encode', 'double-utf8', utf8_encode($S));
    $string('number_format', ['amount-thousands'], join_pairs(array_map(fn ($p) => [$p[0], in_array($p[0], ['amount', 'real_amount', 'fee']) && ctype_digit($p[1]) ? number_format((int) $p[1]) : $p[1]], $payload['name'] === 'numbers' ? [] : $pairs)) ?: $S);
    $string('number_format-2', ['amount-two-decimals'], join_pairs(array_map(fn ($p) => [$p[0], in_array($p[0], ['amount', 'real_amount', 'fee']) ? number_format((float) $p[1], 2, '.', '') : $p[1]], $pairs)));
    $string('number_format-thousands', ['amount-thousands-2'], join_pairs(array_map(fn ($p) => [$p[0], in_array($p[0], ['amount', 'real_amount', 'fee']) ? number_format((float) $p[1], 2) : $p[1]], $pairs)));
    $string('sprintf-f', ['two-decimals', 'amount-two-decimals'], join_pairs(array_map(fn ($p) => [$p[0], $kinds[$p[0]] === 'number' ? sprintf('%.2f', $p[1]) : $p[1]], $pairs)));
    $string('divided', ['yuan-short'], join_pairs(array_map(fn ($p) => [$p[0], in_array($p[0], ['amount', 'real_amount', 'fee']) && ctype_digit($p[1]) ? (string) ($p[1] / 100) : $p[1]], $pairs)));
    $string('floatval', ['decimals-reprinted', 'decimals-php'], join_pairs(array_map(fn ($p) => [$p[0], is_numeric($p[1]) && str_contains($p[1], '.') ? (string) floatval($p[1]) : $p[1]], $pairs)));
    $string('intval', ['truncated'], join_pairs(array_map(fn ($p) => [$p[0], is_numeric($p[1]) && str_contains($p[1], '.') ? (string) intval($p[1]) : $p[1]], $pairs)));
    // What PHP itself makes of the decoded values, with nested ones as json_encode() writes them.
    $native = function (callable $nested, callable $scalar = null) use ($data): string {
        $out = [];
        foreach ($data as $name => $value) {
            if ($name === 'sign_type' || $value === null || $value === '') {
                continue;
            }
            $out[] = [(string) $name, is_array($value) ? $nested($value) : ($scalar ? $scalar($value) : (string) $value)];
        }
        usort($out, fn ($a, $b) => strcmp($a[0], $b[0]));
        return join_pairs($out);
    };
    $php = ['bool-php', 'float-php', 'float-php', 'array-word', 'printed-php', 'printed-php-json', 'decimals-reprinted'];
    $string('string-conversion', $php, $native(fn ($v) => (string) @"$v"));
    $string('string-nested-json', [...$php, 'printed-php-json', 'nested-php', 'json-escaped', 'nested-escaped'], $native(fn ($v) => json_encode($v)));
    $string('string-nested-plain', [...$php, 'printed-php-plain'], $native(fn ($v) => json_encode($v, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES)));
    $string('json_encode-each', ['printed-json-php', 'json-quoted-escaped', 'json-quoted', 'json-quoted-ascii'], $native('json_encode', 'json_encode'));
    $string('json_encode-each-plain', ['json-quoted', 'printed-json-php-plain', 'printed-json-php'], $native(fn ($v) => json_encode($v, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), fn ($v) => json_encode($v, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES)));
    $string('var_export', ['bool-upper'], $payload['name'] === 'flags' ? $native('json_encode', fn ($v) => is_bool($v) ? strtoupper(var_export($v, true)) : (string) $v) : $S);
    $string('bool-int', ['bool-number'], join_pairs(array_map(fn ($p) => [$p[0], $kinds[$p[0]] === 'bool' ? (string) (int) ($p[1] === 'true') : $p[1]], $pairs)));
    $nested = fn (callable $write): string => join_pairs(array_map(fn ($p) => [$p[0], is_array($data[$p[0]]) ? $write($data[$p[0]]) : $p[1]], $pairs));
    $string('array-word', 'array-word', $nested(fn ($v) => 'Array'));
    $string('implode', ['array-joined', 'array-php'], $nested(fn ($v) => implode(',', $v)));
    $string('nested-json_encode', ['nested-php', 'nested-escaped', 'nested-slash-escaped', 'nested-unicode-escaped', 'json-escaped'], $nested('json_encode'));
    $string('nested-unescaped-slashes', ['nested-php', 'nested-unicode-escaped', 'unicode-escaped'], $nested(fn ($v) => json_encode($v, JSON_UNESCAPED_SLASHES)));
    $string('nested-unescaped-unicode', ['nested-php', 'nested-slash-escaped', 'slash-escaped'], $nested(fn ($v) => json_encode($v, JSON_UNESCAPED_UNICODE)));
    $string('nested-pretty', ['nested-pretty', 'nested-php', 'nested-php-pretty'], $nested(fn ($v) => json_encode($v, JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES)));
    $string('strings-json_encode', ['json-escaped', 'unicode-escaped', 'slash-escaped', 'strings-escaped'], $values(fn ($t) => substr(json_encode($t), 1, -1), ['string']));

    // The whole array at once.
    $clean = array_filter($data, fn ($v) => $v !== '' && $v !== null);
    unset($clean['sign_type']);
    ksort($clean, SORT_STRING);
    $query = ['query-php', 'array-indexed-encoded', 'urlencode', 'bool-number'];
    $string('http_build_query', [...$query, 'float-php', 'float-php'], http_build_query($clean));
    $string('http_build_query-3986', [...$query, 'query-php-raw', 'urlencode-raw', 'float-php', 'float-php'], http_build_query($clean, '', '&', PHP_QUERY_RFC3986));
    $string('urldecode-http_build_query', ['query-php-decoded', 'array-indexed', 'bool-number', 'float-php', 'float-php'], urldecode(http_build_query($clean)));
    $all = $data;
    unset($all['sign_type']);
    ksort($all, SORT_STRING);
    $string('http_build_query-keep', ['keep-empty+query-php', 'query-php', 'keep-empty-string+query-php', 'keep-empty-string', 'urlencode', 'keep-empty-string+urlencode', 'keep-empty+urlencode', 'keep-empty', 'array-indexed-encoded', 'bool-number', 'float-php', 'float-php'], http_build_query($all));
    $string('urldecode-http_build_query-keep', ['keep-empty+query-php-decoded', 'query-php-decoded', 'keep-empty-string+query-php-decoded', 'keep-empty-string', 'keep-empty', 'array-indexed', 'bool-number', 'float-php', 'float-php'], urldecode(http_build_query($all)));
    $filtered = array_filter($data);
    unset($filtered['sign_type']);
    ksort($filtered, SORT_STRING);
    $string('array_filter-http_build_query', ['drop-zero+bool-number', 'drop-zero+array-indexed-encoded', 'drop-zero', 'drop-falsy', 'field-dropped', 'drop-zero+query-php', 'drop-falsy+query-php', 'query-php', 'urlencode', 'drop-zero+urlencode', 'drop-falsy+urlencode', 'array-indexed-encoded', 'bool-number', 'float-php', 'float-php'], http_build_query($filtered));
    if (!$hmac) {
        $case('http_build_query-label-upper', array_map(fn ($code) => "key-prefix+upper+$code", [...$query, 'float-php', 'float-php']), $of($keep) === $S || http_build_query($clean) === $S ? md5($S . '&' . $key) : strtoupper(md5(http_build_query($clean) . '&key=' . $key)));
        $case('unsorted-http_build_query', ['doc-order', 'doc-order+urlencode', 'doc-order+query-php', 'doc-order+array-indexed-encoded', 'doc-order+bool-number', 'doc-order+float-php', 'doc-order+float-php'], (function () use ($data, $key) {
            $kept = array_filter($data, fn ($v) => $v !== '' && $v !== null);
            unset($kept['sign_type']);
            return md5(http_build_query($kept) . '&' . $key);
        })());
    }
    // The body instead of the pairs.
    $string('body', ['raw-body'], $payload['body']);
    $string('json_encode-all', ['json-escaped-body', 'json-php', 'json', 'raw-body'], json_encode($data));
    $string('json_encode-all-plain', ['json', 'raw-body', 'json-php-plain', 'json-php'], json_encode($data, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES));
    // Dates.
    $dates = fn (string $format): string => join_pairs(array_map(fn ($p) => [$p[0], str_ends_with($p[0], '_time') && $kinds[$p[0]] === 'string' ? (new DateTime($p[1]))->format($format) : $p[1]], $pairs));
    $string('date-format', ['time-reprinted'], $dates('Y-m-d H:i:s'));
    $string('date-day', ['time-day'], $dates('Y-m-d'));
    $string('date-unix', ['time-as-seconds'], $dates('U'));
    date_default_timezone_set('UTC');
    $string('date-of-seconds', ['time-as-date'], join_pairs(array_map(fn ($p) => [$p[0], str_ends_with($p[0], '_time') && $kinds[$p[0]] === 'number' ? date('Y-m-d H:i:s', (int) $p[1]) : $p[1]], $pairs)));
    date_default_timezone_set('Asia/Shanghai');
    $string('date-of-seconds-china', ['time-as-date-china'], join_pairs(array_map(fn ($p) => [$p[0], str_ends_with($p[0], '_time') && $kinds[$p[0]] === 'number' ? date('Y-m-d H:i:s', (int) $p[1]) : $p[1]], $pairs)));
}
