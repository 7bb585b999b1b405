//! All that a language does at once when it prints what its JSON parser read.

use super::super::encodings;
use super::super::numbers;
use super::super::printing::{self, Query, Style, print};
use super::Writing::{Member, Pairs, WithNulls};
use super::{Deviation, Scope, ValueRule, ValueText, Writing, on_text_or_nested};
use crate::diagnosis::entry::{Entry, Tree};

const RULE: &str = "values are signed as they stand in the JSON: digits as written, true and false, arrays and objects as compact JSON";

const fn language(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    fix: &'static str,
    writing: Writing,
) -> ValueRule {
    let deviation = Deviation::new(ValueText, code, does, RULE, cause, fix);
    ValueRule { deviation, writing, scope: Scope::Language }
}

const UNENCODED: &str = "sign the raw values; encode only what travels in a URL";
const PHP: &str = "write booleans as true and false, arrays with json_encode($v, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), and keep the digits of floats";
const QUERY: &str = "join name=value by hand instead of http_build_query()";
const JS: &str = "JSON.stringify() arrays and objects, and keep the digits of numbers with a parser that hands out the source";
const PYTHON: &str = "write true and false, json.dumps(v, ensure_ascii=False, separators=(',', ':')) for lists and dicts, and read numbers with parse_float=str";
const JAVA: &str = "read into a JsonNode or JsonElement, sign text with asText() and nested values as their JSON, and keep numbers as BigDecimal";
const GO: &str = "decode with UseNumber() into json.Number, and json.Marshal() nested values";

fn styled(entry: &Entry, style: &Style) -> Option<String> {
    entry.string().is_none().then(|| print(&entry.tree, style))
}

fn php(entry: &Entry, nested: &Style) -> Option<String> {
    let printed = entry.nested().map(|tree| print(tree, nested));
    printed.or_else(|| Some(printing::php_string(&entry.tree)))
}

fn query(entry: &Entry, query: Query) -> Option<String> {
    printing::php_query(&entry.name, &entry.tree, query)
}

fn lower_case(entry: &Entry, encode: fn(&str) -> String) -> Option<String> {
    on_text_or_nested(entry, |text| encode(text).to_ascii_lowercase())
}

fn is_null(entry: &Entry) -> bool {
    entry.tree == Tree::Null
}

pub(super) static RULES: [ValueRule; 24] = [
    language(
        "printed-php",
        "prints values as PHP does: true as 1, false as nothing, floats re-printed, arrays as Array",
        "PHP string conversion after json_decode()",
        PHP,
        Member(|e| Some(printing::php_string(&e.tree))),
    ),
    language(
        "printed-php-json",
        "prints values as PHP does, with arrays through json_encode() without flags",
        "PHP string conversion after json_decode()",
        PHP,
        Member(|e| php(e, &printing::PHP_JSON)),
    ),
    language(
        "printed-php-plain",
        "prints values as PHP does, with arrays as unescaped JSON",
        "PHP string conversion after json_decode()",
        PHP,
        Member(|e| php(e, &printing::PHP_PLAIN_JSON)),
    ),
    language(
        "printed-json-php",
        "writes every value with json_encode(): strings in quotes and escaped, floats re-printed",
        "json_encode() in the loop, without flags",
        PHP,
        Member(|e| Some(print(&e.tree, &printing::PHP_JSON))),
    ),
    language(
        "printed-json-php-plain",
        "writes every value with json_encode(): strings in quotes, floats re-printed",
        "json_encode($v, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES) in the loop",
        PHP,
        Member(|e| Some(print(&e.tree, &printing::PHP_PLAIN_JSON))),
    ),
    language(
        "nested-php-pretty",
        "signs nested JSON as PHP decodes and encodes it, over several lines ({} becomes [])",
        "json_encode(json_decode(…, true), JSON_PRETTY_PRINT)",
        PHP,
        Member(|e| {
            e.nested().and_then(|tree| Some(printing::pretty(tree, 4)?.replace("{}", "[]")))
        }),
    ),
    language(
        "query-php",
        "writes pairs as http_build_query() does: encoded, booleans as 1 and 0, a%5B0%5D= for arrays",
        "PHP http_build_query()",
        QUERY,
        Pairs(|e| query(e, Query::Form)),
    ),
    language(
        "query-php-raw",
        "writes pairs as http_build_query() does with PHP_QUERY_RFC3986",
        "PHP http_build_query(…, PHP_QUERY_RFC3986)",
        QUERY,
        Pairs(|e| query(e, Query::Percent)),
    ),
    language(
        "query-php-decoded",
        "writes pairs as urldecode(http_build_query()) does: booleans as 1 and 0, a[0]= for arrays",
        "PHP urldecode(http_build_query(…))",
        QUERY,
        Pairs(|e| query(e, Query::Decoded)),
    ),
    language(
        "printed-js",
        "prints values as JavaScript does: numbers re-printed, arrays as a,b, objects as [object Object]",
        "template strings or String(v) after JSON.parse()",
        JS,
        Member(|e| Some(printing::js_string(&e.tree)).filter(|_| !is_null(e))),
    ),
    language(
        "printed-js-json",
        "prints values as JavaScript does: numbers re-printed, inside arrays and objects too",
        "JSON.parse(), and JSON.stringify() for arrays and objects",
        JS,
        Member(|e| styled(e, &printing::JS_JSON)),
    ),
    language(
        "printed-js-quoted",
        "writes every value with JSON.stringify(): strings in quotes, numbers re-printed",
        "JSON.stringify() in the loop",
        JS,
        Member(|e| Some(print(&e.tree, &printing::JS_JSON))),
    ),
    language(
        "printed-python",
        "prints values as Python does: True and False, floats re-printed, lists as ['a', 'b']",
        "str(v) or f-strings after json.loads()",
        PYTHON,
        Member(|e| styled(e, &printing::PYTHON)),
    ),
    language(
        "printed-python-null",
        "prints values as Python does, None for null included",
        "str(v) or f-strings after json.loads()",
        PYTHON,
        WithNulls(|e| styled(e, &printing::PYTHON)),
    ),
    language(
        "printed-python-json",
        "writes values as json.dumps() does, strings without quotes",
        "json.dumps(v) for everything that is no string",
        PYTHON,
        Member(|e| styled(e, &printing::PYTHON_JSON)),
    ),
    language(
        "printed-python-quoted",
        "writes every value with json.dumps(): strings in quotes, \\uXXXX, spaces in lists",
        "json.dumps() in the loop",
        PYTHON,
        Member(|e| Some(print(&e.tree, &printing::PYTHON_JSON))),
    ),
    language(
        "printed-java",
        "prints values as Java does: doubles re-printed, lists as [a, b], maps as {a=1}",
        "Jackson or fastjson into Map<String, Object>, and String.valueOf()",
        JAVA,
        Member(|e| styled(e, &printing::JAVA)),
    ),
    language(
        "printed-gson",
        "prints values as Gson's map holds them: every number a double, lists as [1.0, 2.0]",
        "Gson into Map<String, Object>, and String.valueOf()",
        JAVA,
        Member(|e| styled(e, &printing::GSON)),
    ),
    language(
        "printed-gson-null",
        "prints values as Gson's map holds them, null included",
        "Gson into Map<String, Object>, and string concatenation",
        JAVA,
        WithNulls(|e| styled(e, &printing::GSON)),
    ),
    language(
        "printed-go",
        "prints values as Go does: numbers as float64, lists as [a b], maps as map[a:1]",
        "json.Unmarshal into map[string]interface{}, and fmt.Sprint or %v",
        GO,
        Member(|e| styled(e, &printing::GO)),
    ),
    language(
        "printed-go-null",
        "prints values as Go does, <nil> for null included",
        "json.Unmarshal into map[string]interface{}, and fmt.Sprint or %v",
        GO,
        WithNulls(|e| styled(e, &printing::GO)),
    ),
    language(
        "urlencode-lower-all",
        "URL-encodes the values and puts the result in lower case, letters of the text included",
        "PHP strtolower(urlencode($v))",
        UNENCODED,
        Member(|e| lower_case(e, encodings::form_php)),
    ),
    language(
        "urlencode-lower-all-java",
        "URL-encodes the values and puts the result in lower case, letters of the text included",
        "Java URLEncoder.encode(v).toLowerCase()",
        UNENCODED,
        Member(|e| lower_case(e, encodings::form_java)),
    ),
    language(
        "printed-go-encoded",
        "prints numbers as Go's float64 and URL-encodes the values",
        "fmt.Sprint into url.Values, and Encode()",
        GO,
        Member(|e| match e.number() {
            Some(digits) => numbers::go_float(digits).map(|text| encodings::form_go(&text)),
            None => Some(encodings::form_go(&e.text)),
        }),
    ),
];
