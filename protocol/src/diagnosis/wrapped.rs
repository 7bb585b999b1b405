//! Values as a language prints what holds them: an optional, a list with one item, a typed number.

use super::Deviation;
use super::compose::ValueChoice;
use super::deviations::that_does;
use super::entry::Entry;
use super::generated::choice;

/// How a number is printed, how a text, `{v}` being its own text, and where that happens.
const FORMS: [(&str, &str, &str); 37] = [
    ("Some({v})", "Some(\"{v}\")", "Rust {:?} of an Option: unwrap or ? is missing"),
    ("Some({v})", "Some({v})", "Scala or OCaml: an Option, printed"),
    ("Optional[{v}]", "Optional[{v}]", "Java Optional.toString(): orElseThrow() is missing"),
    (
        "Optional({v})",
        "Optional(\"{v}\")",
        "Swift: an optional in string interpolation, not unwrapped",
    ),
    ("Ok({v})", "Ok(\"{v}\")", "Rust {:?} of a Result"),
    ("Just {v}", "Just \"{v}\"", "Haskell show of a Maybe"),
    ("Number({v})", "String(\"{v}\")", "Rust {:?} of a serde_json::Value"),
    (
        "[Number: {v}]",
        "[String: '{v}']",
        "JavaScript util.inspect() of new Number() or new String()",
    ),
    ("[{v}]", "[{v}]", "Go fmt.Sprint() of url.Values or a slice, Java List.toString()"),
    ("['{v}']", "['{v}']", "Python: lists with one item, as parse_qs() returns them"),
    ("[\"{v}\"]", "[\"{v}\"]", "JSON or Ruby: lists with one item"),
    ("[{v}]", "[\"{v}\"]", "JSON: lists with one item"),
    ("[ {v} ]", "[ '{v}' ]", "JavaScript util.inspect() of arrays with one item"),
    ("({v},)", "('{v}',)", "Python: a comma after the value makes a tuple"),
    ("{{v} true}", "{{v} true}", "Go fmt.Sprint() of sql.NullInt64 or sql.NullString"),
    ("{{v}}", "{{v}}", "Go fmt.Sprint() of a struct with one field"),
    ("{v}", "b'{v}'", "Python str() of bytes: decode() is missing"),
    ("b'{v}'", "b'{v}'", "Python str() of bytes: decode() is missing"),
    ("Decimal('{v}')", "{v}", "Python repr() of a Decimal"),
    ("Decimal('{v}')", "'{v}'", "Python repr() of a Decimal and of strings"),
    ("Decimal('{v}')", "Decimal('{v}')", "Python repr() of a Decimal"),
    ("({v}/1)", "{v}", "Ruby inspect of a Rational"),
    ("{v}/1", "{v}", "Ruby to_s of a Rational, Python Fraction"),
    ("{v}+0i", "{v}", "a complex number, printed"),
    ("+{v}", "{v}", "printf with %+d"),
    ("%!s(int={v})", "{v}", "Go fmt %s of an int"),
    ("%!s(int64={v})", "{v}", "Go fmt %s of an int64"),
    ("%!s(float64={v})", "{v}", "Go fmt %s of a float64"),
    ("{v}", "%!d(string={v})", "Go fmt %d of a string"),
    ("NumberLong({v})", "{v}", "the MongoDB shell's notation"),
    ("NumberLong(\"{v}\")", "{v}", "the MongoDB shell's notation"),
    ("{\"$numberLong\":\"{v}\"}", "{v}", "MongoDB extended JSON"),
    ("{\"$numberInt\":\"{v}\"}", "{v}", "MongoDB extended JSON"),
    ("int({v})", "{v}", "PHP var_dump(), a typed value, printed"),
    ("'{v}'", "'{v}'", "PHP var_export(), SQL literals"),
    ("{v}\n", "{v}\n", "values that are read with the newline at their end"),
    ("<{v}>", "<{v}>", "a template's brackets that were not removed"),
];

type Group = fn(&Entry) -> bool;

/// All values, the numbers, the texts, the amounts, the times.
const GROUPS: [Group; 5] = [
    |_| true,
    |entry| entry.number().is_some(),
    |entry| entry.string().is_some(),
    Entry::is_money,
    Entry::is_time,
];

/// The forms for all values, and for those of one type or meaning.
pub(super) fn groups(entries: &[Entry]) -> Vec<ValueChoice> {
    values(entries, false)
}

/// The forms for each value alone.
pub(super) fn alone(entries: &[Entry]) -> Vec<ValueChoice> {
    if entries.len() > MAX_ALONE { Vec::new() } else { values(entries, true) }
}

fn values(entries: &[Entry], is_alone: bool) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    for (number, text, cause) in FORMS {
        let write = |entry: &Entry| {
            let form = if entry.number().is_some() { number } else { text };
            entry.digits().filter(|_| !entry.is_signature).map(|own| form.replacen("{v}", own, 1))
        };
        let texts: Vec<Option<String>> = entries.iter().map(write).collect();
        let mut push = |chosen: &dyn Fn(usize, &Entry) -> bool| {
            let texts = entries.iter().zip(&texts).enumerate();
            let texts = texts.map(|(at, (entry, text))| text.clone().filter(|_| chosen(at, entry)));
            found.extend(choice(entries, described(cause), texts.collect()));
        };
        match is_alone {
            true => (0..entries.len()).for_each(|only| push(&|at, _| at == only)),
            false => GROUPS.iter().for_each(|group| push(&|_, entry| group(entry))),
        }
    }
    found
}

/// The most fields of which each is written so alone.
const MAX_ALONE: usize = 20;

fn described(cause: &'static str) -> Deviation {
    let does = "signs values as a language prints what holds them".to_owned();
    Deviation { cause: cause.into(), ..that_does("value-printed", does) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::entry::entries;
    use crate::dialect::Dialect;
    use crate::payload::Payload;

    #[test]
    fn braces_around_a_value_stay() {
        let payload = Payload::parse(br#"{"a":5,"b":"x","sign":"s"}"#).unwrap();
        let entries = entries(&payload, Dialect::platform().first());
        let all: Vec<Vec<String>> = groups(&entries)
            .iter()
            .map(|one| one.texts.iter().flatten().cloned().collect())
            .collect();
        for texts in [["{5 true}", "{x true}"], ["Some(5)", "Some(\"x\")"], ["{5}", "{x}"]] {
            assert!(all.contains(&texts.map(str::to_owned).to_vec()), "{texts:?}");
        }
    }
}
