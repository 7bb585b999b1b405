//! How languages print arrays and objects, one style each.

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
/// JSON with `<`, `>` and `&` escaped and members sorted.
pub(super) const GO_JSON: Style = Style {
    text: |t| encodings::escape_html_in_json(&json_string(t)),
    number: |t| or_plain(t, numbers::go_json),
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
    print_into(tree, style, &mut out);
    out
}

fn print_into(tree: &Tree, style: &Style, out: &mut String) {
    match tree {
        Tree::Null => out.push_str(style.words[0]),
        Tree::Bool(true) => out.push_str(style.words[1]),
        Tree::Bool(false) => out.push_str(style.words[2]),
        Tree::Number(digits) => out.push_str(&(style.number)(digits)),
        Tree::Text(text) => out.push_str(&(style.text)(text)),
        Tree::List(items) => {
            out.push_str(style.list.0);
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { style.item } else { "" });
                print_into(item, style, out);
            }
            out.push_str(style.list.1);
        }
        Tree::Map(members) => {
            let mut members: Vec<(&str, &Tree)> =
                members.iter().map(|(name, value)| (name.as_str(), value)).collect();
            if style.members == Members::Sorted {
                members.sort_by_key(|(name, _)| *name);
            }
            object_into(&members, style, out);
        }
    }
}

pub(super) fn object(members: &[(&str, &Tree)], style: &Style) -> String {
    let mut out = String::new();
    object_into(members, style, &mut out);
    out
}

fn object_into(members: &[(&str, &Tree)], style: &Style, out: &mut String) {
    if members.is_empty() {
        out.push_str(style.empty_map);
        return;
    }
    out.push_str(style.map.0);
    for (index, (name, value)) in members.iter().enumerate() {
        out.push_str(if index > 0 { style.item } else { "" });
        out.push_str(&(style.text)(name));
        out.push_str(style.pair);
        print_into(value, style, out);
    }
    out.push_str(style.map.1);
}

/// JSON over several lines, each level indented by so many spaces; `None` beyond [`MAX_TEXT`].
pub(super) fn pretty(tree: &Tree, indent: usize) -> Option<String> {
    let mut out = String::new();
    pretty_into(tree, indent, 0, &mut out)?;
    Some(out)
}

fn pretty_into(tree: &Tree, indent: usize, depth: usize, out: &mut String) -> Option<()> {
    let (open, close, length) = match tree {
        Tree::List(items) => ('[', ']', items.len()),
        Tree::Map(members) => ('{', '}', members.len()),
        scalar => {
            print_into(scalar, &JSON, out);
            return Some(());
        }
    };
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * depth));
    };
    out.push(open);
    for index in 0..length {
        out.push_str(if index > 0 { "," } else { "" });
        line(depth + 1, out);
        let value = match tree {
            Tree::Map(members) => {
                let (name, value) = members.get(index)?;
                out.push_str(&json_string(name));
                out.push_str(": ");
                value
            }
            Tree::List(items) => items.get(index)?,
            scalar => scalar,
        };
        pretty_into(value, indent, depth + 1, out)?;
    }
    if length > 0 {
        line(depth, out);
    }
    out.push(close);
    (out.len() <= MAX_TEXT).then_some(())
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
    let join = |parts: Vec<String>| parts.join(",");
    match tree {
        Tree::List(items) => join(items.iter().map(php_string).collect()),
        Tree::Map(members) => join(members.iter().map(|(_, value)| php_string(value)).collect()),
        scalar => php_string(scalar),
    }
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
    let text = match tree {
        Tree::Null => return Some(()),
        Tree::Bool(value) => u8::from(*value).to_string(),
        Tree::Number(digits) => query.write(&or_plain(digits, numbers::php_number)),
        Tree::Text(text) => query.write(text),
        Tree::List(items) => {
            for (index, item) in items.iter().enumerate() {
                php_query_item(name, &index.to_string(), item, query, out)?;
            }
            return Some(());
        }
        Tree::Map(members) => {
            for (key, item) in members {
                php_query_item(name, key, item, query, out)?;
            }
            return Some(());
        }
    };
    if !out.is_empty() {
        out.push('&');
    }
    out.push_str(name);
    out.push('=');
    out.push_str(&text);
    (out.len() <= MAX_TEXT).then_some(())
}

fn php_query_item(
    name: &mut String,
    key: &str,
    item: &Tree,
    query: Query,
    out: &mut String,
) -> Option<()> {
    let length = name.len();
    let key = query.write(key);
    name.push_str(&match query {
        Query::Decoded => format!("[{key}]"),
        _ => format!("%5B{key}%5D"),
    });
    let written = php_query_into(name, item, query, out);
    name.truncate(length);
    written
}

/// An array's items as pairs of one name: `a=1&a=2`; `None` for anything else.
pub(super) fn repeated(name: &str, tree: &Tree) -> Option<String> {
    let Tree::List(items) = tree else { return None };
    let item = |item: &Tree| match item {
        Tree::Text(text) => text.clone(),
        other => print(other, &JSON),
    };
    Some(items.iter().map(|i| format!("{name}={}", item(i))).collect::<Vec<_>>().join("&"))
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
        assert_eq!(pretty(&object, 2).unwrap(), "{\n  \"b\": 1,\n  \"a\": \"x,\\\"y:\"\n}");
        assert_eq!(php_query("l", &list, Query::Form).unwrap(), "l%5B0%5D=12345&l%5B1%5D=67890");
        assert_eq!(php_query("o", &object, Query::Decoded).unwrap(), "o[b]=1&o[a]=x,\"y:");
        assert_eq!(php_implode(&list), "12345,67890");
    }
}
