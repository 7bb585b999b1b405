//! How languages without a JSON of their own here print arrays and objects.

use super::super::numbers;
use super::{JSON, Members, Style, or_plain, plain, python_repr};

/// JavaScript `util.inspect()` of what is short: `{ b: 1, a: [ 'x' ] }`.
pub(in crate::diagnosis) const INSPECT: Style = Style {
    list: ("[ ", " ]"),
    map: ("{ ", " }"),
    item: ", ",
    pair: ": ",
    text: python_repr,
    number: |t| or_plain(t, numbers::js_number),
    bare_names: true,
    ..JSON
};
/// YAML's flow style and Dart: `{b: 1, a: [x]}`.
pub(in crate::diagnosis) const FLOW: Style = Style { item: ", ", pair: ": ", text: plain, ..JSON };
/// Groovy: `[b:1, a:[x]]`.
pub(in crate::diagnosis) const GROOVY: Style =
    Style { map: ("[", "]"), item: ", ", text: plain, empty_map: "[:]", ..JSON };
/// Swift: `["b": 1, "a": ["x"]]`.
pub(in crate::diagnosis) const SWIFT: Style =
    Style { map: ("[", "]"), item: ", ", pair: ": ", empty_map: "[:]", ..JSON };
/// Scala: `Map(b -> 1, a -> List(x))`.
pub(in crate::diagnosis) const SCALA: Style = Style {
    list: ("List(", ")"),
    map: ("Map(", ")"),
    item: ", ",
    pair: " -> ",
    text: plain,
    empty_map: "Map()",
    ..JSON
};
/// Elixir `inspect()`: `%{"b" => 1, "a" => ["x"]}`.
pub(in crate::diagnosis) const ELIXIR: Style = Style {
    map: ("%{", "}"),
    item: ", ",
    pair: " => ",
    words: ["nil", "true", "false"],
    empty_map: "%{}",
    members: Members::Sorted,
    ..JSON
};
/// A C# anonymous object: `{ b = 1, a = x }`.
pub(in crate::diagnosis) const ANONYMOUS: Style = Style {
    map: ("{ ", " }"),
    item: ", ",
    pair: " = ",
    words: ["", "True", "False"],
    text: plain,
    empty_map: "{ }",
    ..JSON
};
