//! Arrays and objects printed in another way than as compact JSON.

use super::super::printing::{self, Query, Style, print};
use super::Writing::{Member, Pairs};
use super::{NESTED, ValueRule, rule};
use crate::diagnosis::entry::{Entry, Tree};

const FIX: &str = "sign the compact JSON of the value: json_encode($v, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), JSON.stringify(v), json.dumps(v, ensure_ascii=False, separators=(',', ':'))";

type Write = fn(&Entry) -> Option<String>;

const fn nested(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, NESTED, cause, FIX, Member(write))
}

const fn pairs(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, NESTED, cause, FIX, Pairs(write))
}

fn styled(entry: &Entry, style: &Style) -> Option<String> {
    entry.nested().map(|tree| print(tree, style))
}

pub(super) static RULES: [ValueRule; 23] = [
    nested("array-word", "signs the word Array", "PHP string conversion of an array", |e| {
        e.nested().map(printing::php_string)
    }),
    nested(
        "array-joined",
        "signs arrays as 12345,67890 and objects as [object Object]",
        "JavaScript String(v), template strings, or + over the values",
        |e| e.nested().map(printing::js_string),
    ),
    nested("array-php", "signs arrays as 12345,67890", "PHP implode(',', $v)", |e| {
        e.nested().map(printing::php_implode)
    }),
    nested(
        "array-only-joined",
        "signs arrays as 12345,67890, and objects as JSON",
        "join(',') on arrays",
        |e| matches!(e.tree, Tree::List(_)).then(|| printing::js_string(&e.tree)),
    ),
    nested(
        "array-java",
        "signs arrays as [12345, 67890] and objects as {a=1, b=2}",
        "Java List.toString() and Map.toString()",
        |e| styled(e, &printing::JAVA),
    ),
    nested(
        "array-only-java",
        "signs arrays as [12345, 67890], and objects as JSON",
        "Java List.toString()",
        |e| matches!(e.tree, Tree::List(_)).then(|| print(&e.tree, &printing::JAVA)),
    ),
    nested(
        "array-java-gson",
        "signs arrays as [1.0, 2.0] and objects as {a=1.0}",
        "Gson into Map<String, Object>, and toString()",
        |e| styled(e, &printing::GSON),
    ),
    nested(
        "array-python",
        "signs arrays as ['12345', '67890']",
        "Python str(list) or str(dict)",
        |e| styled(e, &printing::PYTHON),
    ),
    nested(
        "array-go",
        "signs arrays as [12345 67890] and objects as map[a:1 b:2]",
        "Go fmt.Sprint or %v of a slice or map",
        |e| styled(e, &printing::GO),
    ),
    nested(
        "json-spaced",
        "signs nested JSON with spaces",
        "Python json.dumps() without separators=(',', ':')",
        |e| styled(e, &printing::SPACED),
    ),
    nested(
        "nested-spaced-escaped",
        "signs nested JSON with spaces and \\uXXXX",
        "Python json.dumps() with its defaults",
        |e| styled(e, &printing::SPACED_ASCII),
    ),
    nested(
        "nested-escaped",
        "signs nested JSON with \\uXXXX and \\/",
        "PHP json_encode() without flags",
        |e| styled(e, &printing::ESCAPED),
    ),
    nested(
        "nested-unicode-escaped",
        "signs nested JSON with \\uXXXX",
        "PHP json_encode() without JSON_UNESCAPED_UNICODE, Python json.dumps() with ensure_ascii",
        |e| styled(e, &printing::ASCII),
    ),
    nested(
        "nested-slash-escaped",
        "signs nested JSON with \\/",
        "PHP json_encode() without JSON_UNESCAPED_SLASHES",
        |e| styled(e, &printing::SLASHES),
    ),
    nested(
        "nested-sorted",
        "signs nested JSON with its members sorted",
        "json.dumps(sort_keys=True), a TreeMap, a recursive ksort()",
        |e| styled(e, &printing::SORTED),
    ),
    nested(
        "nested-html-escaped",
        "signs nested JSON with \\u0026, \\u003c and \\u003e, members sorted",
        "Go json.Marshal() of a map",
        |e| styled(e, &printing::GO_JSON),
    ),
    nested(
        "nested-pretty",
        "signs nested JSON over several lines, indented by four spaces",
        "PHP JSON_PRETTY_PRINT, Python json.dumps(indent=4)",
        |e| e.nested().and_then(|tree| printing::pretty(tree, 4)),
    ),
    nested(
        "nested-pretty-2",
        "signs nested JSON over several lines, indented by two spaces",
        "JSON.stringify(v, null, 2), Jackson and Gson pretty printers",
        |e| e.nested().and_then(|tree| printing::pretty(tree, 2)),
    ),
    nested(
        "nested-php",
        "signs nested JSON as PHP decodes and encodes it ({} becomes [])",
        "json_encode(json_decode(…, true))",
        |e| styled(e, &printing::PHP_PLAIN_JSON),
    ),
    nested(
        "nested-php-escaped",
        "signs nested JSON as PHP decodes and encodes it, with \\uXXXX and \\/ ({} becomes [])",
        "json_encode(json_decode(…, true)) without flags",
        |e| styled(e, &printing::PHP_JSON),
    ),
    pairs(
        "array-indexed",
        "writes arrays as a[0]=…&a[1]=…",
        "PHP urldecode(http_build_query())",
        |e| e.nested().and_then(|tree| printing::php_query(&e.name, tree, Query::Decoded)),
    ),
    pairs(
        "array-indexed-encoded",
        "writes arrays as a%5B0%5D=…",
        "PHP http_build_query()",
        |e| e.nested().and_then(|tree| printing::php_query(&e.name, tree, Query::Form)),
    ),
    pairs(
        "array-repeated",
        "writes arrays as a=…&a=…",
        "URLSearchParams.append(), Go url.Values, Python urlencode(doseq=True)",
        |e| printing::repeated(&e.name, &e.tree),
    ),
];
