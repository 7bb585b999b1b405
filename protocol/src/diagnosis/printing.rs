//! How languages print arrays and objects, one style each.

mod languages;

pub(super) use languages::*;

use super::entry::Tree;
use super::{encodings, numbers};
use crate::edit::json_string;

/// The longest text that a value may become, in bytes: indented JSON can grow a hundredfold.
pub(super) const MAX_TEXT: usize = 64 * 1024;

type Print = fn(&str) -> String;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Members {
    Received,
    Sorted,
}

#[derive(Clone, Copy)]
pub(super) struct Style {
    list: (&'static str, &'static str),
    map: (&'static str, &'static str),
    item: &'static str,
    pair: &'static str,
    words: [&'static str; 3],
    text: Print,
    number: Print,
    members: Members,
    empty_map: &'static str,
    /// Whether the names of members have no quotation marks.
    bare_names: bool,
    /// How many spaces indent each level, where each item has its line; beyond [`MAX_TEXT`] the text
    /// is not complete.
    indent: Option<usize>,
}

impl Style {
    pub(super) fn is_compact_as_received(&self) -> bool {
        let is_compact = (self.item, self.pair, self.indent) == (",", ":", None);
        is_compact && self.members == Members::Received
    }
}

fn plain(text: &str) -> String {
    text.to_owned()
}

pub(super) const JSON: Style = Style {
    list: ("[", "]"),
    map: ("{", "}"),
    item: ",",
    pair: ":",
    words: ["null", "true", "false"],
    text: json_string,
    number: plain,
    members: Members::Received,
    empty_map: "{}",
    bare_names: false,
    indent: None,
};

/// Compact JSON with sorted members.
pub(super) const SORTED: Style = Style { members: Members::Sorted, ..JSON };
pub(super) const SPACED: Style = Style { item: ", ", pair: ": ", ..JSON };
pub(super) const ASCII: Style =
    Style { text: |t| encodings::escape_unicode(&json_string(t)), ..JSON };
pub(super) const SLASHES: Style =
    Style { text: |t| encodings::escape_slash(&json_string(t)), ..JSON };
pub(super) const ESCAPED: Style = Style { text: escaped, ..JSON };
pub(super) const SPACED_ASCII: Style = Style { item: ", ", pair: ": ", ..ASCII };
pub(super) const PRETTY: Style = Style { pair: ": ", indent: Some(4), ..JSON };
pub(super) const PRETTY_2: Style = Style { indent: Some(2), ..PRETTY };
/// JSON with `<`, `>` and `&` escaped and members sorted.
pub(super) const GO_JSON: Style = Style {
    text: |t| encodings::escape_html_in_json(&json_string(t)),
    number: |t| or_plain(t, numbers::js_number),
    ..SORTED
};
pub(super) const PHP_JSON: Style =
    Style { number: |t| or_plain(t, numbers::php_json), empty_map: "[]", ..ESCAPED };
pub(super) const PHP_PLAIN_JSON: Style = Style { text: json_string, ..PHP_JSON };
pub(super) const JS_JSON: Style = Style { number: |t| or_plain(t, numbers::js_number), ..JSON };
pub(super) const PYTHON_JSON: Style =
    Style { number: |t| or_plain(t, numbers::python_number), ..SPACED_ASCII };
/// The same with sorted members.
pub(super) const PYTHON_SORTED_JSON: Style = Style { members: Members::Sorted, ..PYTHON_JSON };
/// System.Text.Json: everything beyond ASCII and what HTML treats specially, in capitals.
pub(super) const SYSTEM_TEXT_JSON: Style = Style { text: system_text_json, ..JSON };
pub(super) const GSON_JSON: Style = Style { text: gson, ..JSON };
pub(super) const UPPER_ASCII: Style =
    Style { text: |t| encodings::escape_unicode_upper(&json_string(t)), ..JSON };
/// Rails: `<`, `>` and `&` escaped, members as received.
pub(super) const HTML_JSON: Style =
    Style { text: |t| encodings::escape_html_in_json(&json_string(t)), ..JSON };
/// Ruby 3.3 and before: `{"b"=>1}`.
pub(super) const RUBY_OLD: Style = Style {
    number: |t| or_plain(t, numbers::python_number),
    item: ", ",
    pair: "=>",
    words: ["nil", "true", "false"],
    ..JSON
};
pub(super) const RUBY: Style = Style { pair: " => ", ..RUBY_OLD };
/// JSON with a space after `:` only, or after `,` only.
pub(super) const SPACED_PAIRS: Style = Style { pair: ": ", ..JSON };
pub(super) const SPACED_ITEMS: Style = Style { item: ", ", ..JSON };

/// How JSON libraries write text, and in whose words.
pub(super) const TEXTS: [(Print, &str, &str); 9] = [
    (
        json_string,
        "",
        "JSON.stringify(), json.dumps(ensure_ascii=False), JSON.generate, json_encode() with JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES",
    ),
    (
        |t| encodings::escape_unicode(&json_string(t)),
        "with \\uXXXX",
        "Python json.dumps() with its default ensure_ascii, PHP json_encode() with JSON_UNESCAPED_SLASHES",
    ),
    (
        |t| encodings::escape_slash(&json_string(t)),
        "with \\/",
        "PHP json_encode() with JSON_UNESCAPED_UNICODE",
    ),
    (escaped, "with \\uXXXX and \\/", "PHP json_encode() without flags"),
    (
        |t| encodings::escape_unicode_upper(&json_string(t)),
        "with \\uXXXX in capitals",
        "Java StringEscapeUtils, fastjson's BrowserCompatible",
    ),
    (
        system_text_json,
        "as System.Text.Json does (\\uXXXX in capitals, \\u0022, \\u0026)",
        "C# JsonSerializer.Serialize() without JavaScriptEncoder.UnsafeRelaxedJsonEscaping",
    ),
    (
        gson,
        "as Gson does (\\u003d, \\u0027, \\u0026, \\u003c)",
        "Java Gson.toJson() without disableHtmlEscaping()",
    ),
    (
        |t| encodings::escape_html_in_json(&json_string(t)),
        "with \\u0026, \\u003c and \\u003e",
        "Go json.Marshal() without SetEscapeHTML(false), Rails to_json",
    ),
    (
        php_hex,
        "with \\u0022, \\u0027, \\u0026 and \\u003C",
        "PHP json_encode() with JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT",
    ),
];

/// How they write the numbers that they read.
pub(super) const NUMBERS: [(Print, &str); 5] = [
    (plain, ""),
    (
        |t| or_plain(t, numbers::js_number),
        "with the numbers inside re-printed as JavaScript and PHP do (1.0 as 1)",
    ),
    (|t| or_plain(t, numbers::php_json), "with the numbers inside re-printed as PHP does"),
    (
        |t| or_plain(t, numbers::python_number),
        "with the numbers inside re-printed as Python, Ruby and Java do (2.50 as 2.5)",
    ),
    (
        |t| or_plain(t, numbers::java_double),
        "with the numbers inside re-printed as doubles (1 as 1.0)",
    ),
];

/// The styles of JSON libraries: how text and numbers are written, the order, the spaces. Each has its
/// description and where it is seen.
pub(super) fn json_styles() -> Vec<(Style, String, &'static str)> {
    let orders = [(Members::Received, ""), (Members::Sorted, "with sorted names")];
    let spaces = [
        (",", ":", None, ""),
        (", ", ": ", None, "with spaces"),
        (",", ": ", None, "with spaces after :"),
        (", ", ":", None, "with spaces after ,"),
        (",", ": ", Some(2), "over several lines"),
        (",", ": ", Some(4), "over several lines"),
    ];
    let maps = [("{}", ""), ("[]", "with {} as []")];
    let mut styles = Vec::new();
    for (number, of_numbers) in NUMBERS {
        for (members, order) in orders {
            for (item, pair, indent, space) in spaces {
                for (text, of_text, cause) in TEXTS {
                    for (empty_map, of_map) in maps {
                        let words = [of_text, order, space, of_numbers, of_map];
                        let words: Vec<&str> =
                            words.into_iter().filter(|word| !word.is_empty()).collect();
                        let style =
                            Style { text, number, members, item, pair, empty_map, indent, ..JSON };
                        styles.push((style, words.join(", "), cause));
                    }
                }
            }
        }
    }
    styles
}

fn system_text_json(text: &str) -> String {
    let quoted = encodings::escape_unicode_upper(&json_string(text));
    let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    let mut out = String::from("\"");
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('"') => out.push_str("\\u0022"),
                Some(escape) => out.extend(['\\', escape]),
                None => {}
            },
            '<' | '>' | '&' | '\'' | '+' | '`' | '\u{7f}' => {
                out.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn gson(text: &str) -> String {
    let escaped = encodings::escape_html_in_json(&json_string(text));
    escaped.replace('=', "\\u003d").replace('\'', "\\u0027")
}

fn php_hex(text: &str) -> String {
    let quoted = escaped(text);
    let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default().replace("\\\"", "\\u0022");
    let inner = inner.replace('\'', "\\u0027").replace('&', "\\u0026");
    format!("\"{}\"", inner.replace('<', "\\u003C").replace('>', "\\u003E"))
}

/// Java: `[12345, 67890]` and `{a=1, b=2}`.
pub(super) const JAVA: Style = Style {
    item: ", ",
    pair: "=",
    text: plain,
    number: |t| or_plain(t, numbers::java_number),
    ..JSON
};
/// Java over Gson's numbers: `[1.0, 2.0]`.
pub(super) const GSON: Style = Style { number: |t| or_plain(t, numbers::java_double), ..JAVA };
/// Python: `['12345', '67890']` and `{'a': 1}`.
pub(super) const PYTHON: Style = Style {
    words: ["None", "True", "False"],
    text: python_repr,
    number: |t| or_plain(t, numbers::python_number),
    ..SPACED
};
/// Go: `[12345 67890]` and `map[a:1 b:2]`.
pub(super) const GO: Style = Style {
    map: ("map[", "]"),
    item: " ",
    words: ["<nil>", "true", "false"],
    text: plain,
    number: |t| or_plain(t, numbers::go_float),
    members: Members::Sorted,
    empty_map: "map[]",
    ..JSON
};

fn or_plain(text: &str, print: fn(&str) -> Option<String>) -> String {
    print(text).unwrap_or_else(|| text.to_owned())
}

fn escaped(text: &str) -> String {
    encodings::escape_slash(&encodings::escape_unicode(&json_string(text)))
}

pub(super) fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{3000}' => out.push_str("\\u3000"),
            '\u{a0}' => out.push_str("\\xa0"),
            control if u32::from(control) < 0x20 || control == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(control)));
            }
            character if character == quote => {
                out.push('\\');
                out.push(character);
            }
            character => out.push(character),
        }
    }
    out.push(quote);
    out
}

pub(super) fn print(tree: &Tree, style: &Style) -> String {
    let mut out = String::new();
    print_into(tree, style, 0, &mut out);
    out
}

pub(super) fn object(members: &[(&str, &Tree)], style: &Style) -> String {
    let mut out = String::new();
    object_into(members, style, 0, &mut out);
    out
}

fn print_into(tree: &Tree, style: &Style, depth: usize, out: &mut String) {
    match tree {
        Tree::Null => out.push_str(style.words[0]),
        Tree::Bool(true) => out.push_str(style.words[1]),
        Tree::Bool(false) => out.push_str(style.words[2]),
        Tree::Number(digits) => out.push_str(&(style.number)(digits)),
        Tree::Text(text) => out.push_str(&(style.text)(text)),
        Tree::List(items) => {
            let items = items.iter().map(|item| (None, item));
            items_into(items, style.list, style, depth, out);
        }
        Tree::Map(members) => {
            let mut members: Vec<(&str, &Tree)> =
                members.iter().map(|(name, value)| (name.as_str(), value)).collect();
            if style.members == Members::Sorted {
                members.sort_by_key(|(name, _)| *name);
            }
            object_into(&members, style, depth, out);
        }
    }
}

fn object_into(members: &[(&str, &Tree)], style: &Style, depth: usize, out: &mut String) {
    if members.is_empty() {
        return out.push_str(style.empty_map);
    }
    let members = members.iter().map(|(name, value)| (Some(*name), *value));
    items_into(members, style.map, style, depth, out);
}

fn items_into<'t>(
    items: impl ExactSizeIterator<Item = (Option<&'t str>, &'t Tree)>,
    (open, close): (&str, &str),
    style: &Style,
    depth: usize,
    out: &mut String,
) {
    let line = |depth: usize, out: &mut String| {
        if let Some(indent) = style.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    let is_empty = items.len() == 0;
    out.push_str(open);
    for (index, (name, value)) in items.enumerate() {
        if style.indent.is_some() && out.len() > MAX_TEXT {
            return;
        }
        out.push_str(if index > 0 { style.item } else { "" });
        line(depth + 1, out);
        if let Some(name) = name {
            match style.bare_names {
                true => out.push_str(name),
                false => out.push_str(&(style.text)(name)),
            }
            out.push_str(style.pair);
        }
        print_into(value, style, depth + 1, out);
    }
    if !is_empty {
        line(depth, out);
    }
    out.push_str(close);
}

/// JavaScript `String(value)`: `12345,67890`, and `[object Object]` for an object.
pub(super) fn js_string(tree: &Tree) -> String {
    match tree {
        Tree::List(items) => {
            let item = |item: &Tree| match item {
                Tree::Null => String::new(),
                item => js_string(item),
            };
            items.iter().map(item).collect::<Vec<_>>().join(",")
        }
        Tree::Map(_) => "[object Object]".to_owned(),
        Tree::Number(digits) => or_plain(digits, numbers::js_number),
        Tree::Text(text) => text.clone(),
        scalar => print(scalar, &JSON),
    }
}

/// PHP `(string)`: booleans as `1` and nothing, arrays as the word `Array`.
pub(super) fn php_string(tree: &Tree) -> String {
    match tree {
        Tree::Null | Tree::Bool(false) => String::new(),
        Tree::Bool(true) => "1".to_owned(),
        Tree::Number(digits) => or_plain(digits, numbers::php_number),
        Tree::Text(text) => text.clone(),
        Tree::List(_) | Tree::Map(_) => "Array".to_owned(),
    }
}

pub(super) fn php_implode(tree: &Tree) -> String {
    let parts: Vec<String> = match tree {
        Tree::List(items) => items.iter().map(php_string).collect(),
        Tree::Map(members) => members.iter().map(|(_, value)| php_string(value)).collect(),
        scalar => return php_string(scalar),
    };
    parts.join(",")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    Form,
    /// Encoded, a space as `%20`.
    Percent,
    Decoded,
}

impl Query {
    fn write(self, text: &str) -> String {
        match self {
            Query::Form => encodings::form_php(text),
            Query::Percent => encodings::percent(text),
            Query::Decoded => text.to_owned(),
        }
    }
}

/// PHP `http_build_query()` of one member: `a[0]=1&a[1]=2`, booleans as 1 and 0, no nulls; `None`
/// beyond [`MAX_TEXT`].
pub(super) fn php_query(name: &str, tree: &Tree, query: Query) -> Option<String> {
    let mut out = String::new();
    php_query_into(&mut query.write(name), tree, query, &mut out)?;
    Some(out)
}

fn php_query_into(name: &mut String, tree: &Tree, query: Query, out: &mut String) -> Option<()> {
    let items: Vec<(String, &Tree)> = match tree {
        Tree::Null => vec![],
        Tree::List(items) => (0..).map(|at: u32| at.to_string()).zip(items).collect(),
        Tree::Map(members) => members.iter().map(|(key, item)| (key.clone(), item)).collect(),
        Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {
            let text = match tree {
                Tree::Bool(true) => "1".to_owned(),
                Tree::Bool(false) => "0".to_owned(),
                scalar => query.write(&php_string(scalar)),
            };
            out.push_str(if out.is_empty() { "" } else { "&" });
            out.push_str(&format!("{name}={text}"));
            vec![]
        }
    };
    for (key, item) in items {
        let length = name.len();
        let key = query.write(&key);
        name.push_str(&match query {
            Query::Decoded => format!("[{key}]"),
            Query::Form | Query::Percent => format!("%5B{key}%5D"),
        });
        php_query_into(name, item, query, out)?;
        name.truncate(length);
    }
    (out.len() <= MAX_TEXT).then_some(())
}

/// A value's text, not quoted; arrays and objects as JSON.
pub(super) fn bare(tree: &Tree) -> String {
    match tree {
        Tree::Text(text) => text.clone(),
        other => print(other, &JSON),
    }
}

/// The values inside at every level, without their names.
pub(super) fn leaves(tree: &Tree, separator: &str) -> String {
    match tree {
        Tree::List(items) => {
            items.iter().map(|item| leaves(item, separator)).collect::<Vec<_>>().join(separator)
        }
        Tree::Map(members) => {
            let values = members.iter().map(|(_, item)| leaves(item, separator));
            values.collect::<Vec<_>>().join(separator)
        }
        scalar => bare(scalar),
    }
}

/// An array's items as pairs of one name: `a=1&a=2`; `None` for anything else.
pub(super) fn repeated(name: &str, tree: &Tree) -> Option<String> {
    let Tree::List(items) = tree else { return None };
    Some(items.iter().map(|i| format!("{name}={}", bare(i))).collect::<Vec<_>>().join("&"))
}

/// The members of an object as `a=x&b=1`, at every level; `None` for anything else.
pub(super) fn inner_query(tree: &Tree, sorted: bool, separator: &str) -> Option<String> {
    let Tree::Map(members) = tree else { return None };
    let mut members: Vec<&(String, Tree)> = members.iter().collect();
    if sorted {
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    let text = |tree: &Tree| inner_query(tree, sorted, separator).unwrap_or_else(|| bare(tree));
    let pairs = members.iter().map(|(name, value)| format!("{name}={}", text(value)));
    Some(pairs.collect::<Vec<_>>().join(separator))
}

/// Every value inside with a name of its own, such as `a.b=1&a.0=2`, as `join` makes it from the outer
/// name and the inner one.
pub(super) fn flattened(name: &str, tree: &Tree, join: &dyn Fn(&str, &str) -> String) -> String {
    let items: Vec<(String, &Tree)> = match tree {
        Tree::List(items) => (0..).map(|at: u32| at.to_string()).zip(items).collect(),
        Tree::Map(members) => members.iter().map(|(key, item)| (key.clone(), item)).collect(),
        scalar => return format!("{name}={}", bare(scalar)),
    };
    let pairs = items.iter().map(|(key, item)| flattened(&join(name, key), item, join));
    pairs.collect::<Vec<_>>().join("&")
}

/// PHP `serialize()` of what `json_decode(…, true)` reads.
pub(super) fn php_serialized(tree: &Tree) -> String {
    let text = |text: &str| format!("s:{}:\"{text}\";", text.len());
    let list = |count: usize, items: String| format!("a:{count}:{{{items}}}");
    match tree {
        Tree::Null => "N;".to_owned(),
        Tree::Bool(value) => format!("b:{};", u8::from(*value)),
        Tree::Number(digits) => {
            let kind = if digits.parse::<i64>().is_ok() { 'i' } else { 'd' };
            format!("{kind}:{};", or_plain(digits, numbers::php_json))
        }
        Tree::Text(value) => text(value),
        Tree::List(items) => {
            let item = |(at, item): (usize, &Tree)| format!("i:{at};{}", php_serialized(item));
            list(items.len(), items.iter().enumerate().map(item).collect())
        }
        Tree::Map(members) => {
            let member = |(name, value): &(String, Tree)| text(name) + &php_serialized(value);
            list(members.len(), members.iter().map(member).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Value;

    #[test]
    fn each_language_prints_lists_in_its_own_way() {
        let list = Tree::of(&Value::Array(r#"["12345", "67890"]"#)).unwrap();
        let object = Tree::of(&Value::Object(r#"{"b":1,"a":"x,\"y:"}"#)).unwrap();
        assert_eq!(js_string(&list), "12345,67890");
        assert_eq!(print(&list, &JAVA), "[12345, 67890]");
        assert_eq!(print(&list, &PYTHON), "['12345', '67890']");
        assert_eq!(print(&list, &GO), "[12345 67890]");
        assert_eq!(print(&list, &SPACED), r#"["12345", "67890"]"#);
        assert_eq!(print(&object, &SPACED), r#"{"b": 1, "a": "x,\"y:"}"#);
        assert_eq!(print(&object, &GO), "map[a:x,\"y: b:1]");
        assert_eq!(print(&object, &PYTHON), "{'b': 1, 'a': 'x,\"y:'}");
        assert_eq!(print(&object, &PRETTY_2), "{\n  \"b\": 1,\n  \"a\": \"x,\\\"y:\"\n}");
        assert_eq!(php_query("l", &list, Query::Form).unwrap(), "l%5B0%5D=12345&l%5B1%5D=67890");
        assert_eq!(php_query("o", &object, Query::Decoded).unwrap(), "o[b]=1&o[a]=x,\"y:");
        assert_eq!(php_implode(&list), "12345,67890");
    }
    #[test]
    fn a_value_grows_to_its_limit_and_no_further() {
        // Each item has eight bytes with its line, and the last one begins at the limit.
        let list = Tree::List(vec![Tree::Number("00".to_owned()); 9000]);
        assert_eq!(print(&list, &PRETTY).len(), MAX_TEXT + 8);
        assert_eq!(print(&list, &JSON).len(), 3 * 9000 + 1);
        for (length, fits) in [(MAX_TEXT - 2, true), (MAX_TEXT - 1, false)] {
            let text = Tree::Text("x".repeat(length));
            assert_eq!(php_query("a", &text, Query::Decoded).is_some(), fits, "{length}");
        }
    }
}
