//! The settings of a dialect file that say how a notification is laid out.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use toml::{Spanned, Value};

use super::{FileDialect, MAX_NAMES, MAX_TEXT, Texts, bounded, one_of, quoted};
use crate::layout::{Amounts, Constant, FIELDS, Layout, STATUSES, StatusValue, Times, Transport};
use crate::nearest::unknown;
use crate::status::StatusTable;
use crate::toml_span::{SpannedResult, wrong};
use crate::untrusted::Untrusted;
use crate::xml;

const METHODS: [&str; 2] = ["POST", "GET"];

pub(super) fn read(file: FileDialect) -> SpannedResult<Layout> {
    let mut layout = Layout::PLATFORM;
    if let Some(name) = file.transport {
        layout.transport = one_of(&name, Transport::ALL, Transport::name)?;
    }
    if layout.transport == Transport::Query {
        layout.method = Cow::Borrowed("GET");
    }
    if let Some(name) = file.method {
        let method = one_of(&name, METHODS, |method| method)?;
        if method == "GET" && layout.transport != Transport::Query {
            return wrong(&name.span(), "a GET has no body: its fields are in the query");
        }
        layout.method = Cow::Borrowed(method);
    }
    if let Some(name) = file.amounts {
        layout.amounts = one_of(&name, Amounts::ALL, Amounts::name)?;
    }
    if let Some(name) = file.times {
        layout.times = one_of(&name, Times::ALL, Times::name)?;
    }
    read_fields(file.fields, &mut layout)?;
    let mut last = 0..0;
    for (name, value) in file.statuses {
        let index = index_of(&name, &STATUSES)?;
        let span = value.span();
        last = span.clone();
        layout.statuses[index] = match value.into_inner() {
            Value::String(text) if text.len() > MAX_TEXT => {
                return wrong(&span, format!("it is longer than {MAX_TEXT} bytes"));
            }
            Value::String(text) if text.is_empty() => StatusValue::Never,
            Value::String(text) => StatusValue::Word(text.into()),
            Value::Integer(code) => StatusValue::Number(code),
            _ => return wrong(&span, "a status is a number or a text"),
        };
        check_status(&layout, index, &span)?;
    }
    check_table(&layout, &last)?;
    layout.constants = read_constants(file.constants, &layout)?;
    Ok(layout)
}

fn index_of<const N: usize>(
    name: &Spanned<String>,
    known: &[&'static str; N],
) -> SpannedResult<usize> {
    match known.iter().position(|known| known == name.get_ref()) {
        Some(index) => Ok(index),
        None => wrong(&name.span(), unknown(name.get_ref(), *known)),
    }
}

fn read_fields(fields: Texts, layout: &mut Layout) -> SpannedResult<()> {
    let mut last = 0..0;
    for (logical, name) in fields {
        let index = index_of(&logical, &FIELDS)?;
        let span = name.span();
        let needed = ["payout_id", "amount", "status"];
        if name.get_ref().is_empty() && needed.contains(&FIELDS[index]) {
            return wrong(&span, format!("every notification has {}", FIELDS[index]));
        }
        check_element(&name, layout)?;
        layout.fields[index] = bounded(Some(name), "", MAX_TEXT)?.into();
        last = span;
    }
    let sent = || layout.fields.iter().filter(|name| !name.is_empty());
    match sent().find(|name| sent().filter(|other| other == name).count() > 1) {
        Some(name) => wrong(&last, format!("two fields have the name {:?}", Untrusted::new(name))),
        None => Ok(()),
    }
}

/// Refuses a name that no element of XML can have.
fn check_element(name: &Spanned<String>, layout: &Layout) -> SpannedResult<()> {
    let text = name.get_ref();
    match layout.transport == Transport::Xml && !text.is_empty() && !xml::is_name(text) {
        true => wrong(
            &name.span(),
            format!("{:?} cannot be the name of an XML element", Untrusted::new(text)),
        ),
        false => Ok(()),
    }
}

/// Refuses a status that is never sent although it must be, and one that another has already.
fn check_status(layout: &Layout, index: usize, span: &Range<usize>) -> SpannedResult<()> {
    let value = &layout.statuses[index];
    if index == 0 && *value == StatusValue::Never {
        return wrong(span, "without a success there is nothing to notify");
    }
    let is_same = |other: &StatusValue| text_of(other).is_some_and(|it| Some(it) == text_of(value));
    let twin =
        layout.statuses.iter().enumerate().find(|(at, other)| *at != index && is_same(other));
    match twin {
        Some((twin, _)) => wrong(span, format!("{} has the same value", STATUSES[twin])),
        None => Ok(()),
    }
}

/// Refuses a number that a status has by the platform's table, where another one was given it.
fn check_table(layout: &Layout, span: &Range<usize>) -> SpannedResult<()> {
    let table = StatusTable::PLATFORM;
    let numbers = [table.success(), table.failed(), table.cancelled(), table.processing()];
    for (index, number) in numbers.into_iter().enumerate() {
        let taker =
            layout.statuses.iter().position(|value| text_of(value) == Some(number.to_string()));
        if let (StatusValue::Table, Some(taker)) = (&layout.statuses[index], taker) {
            let (name, taker) = (STATUSES[index], STATUSES[taker]);
            let problem = format!(
                "{number} would mean {taker} and {name}: give {name} a value, or \"\" where it is \
                 never notified"
            );
            return wrong(span, problem);
        }
    }
    Ok(())
}

fn text_of(value: &StatusValue) -> Option<String> {
    match value {
        StatusValue::Word(word) => Some(word.to_string()),
        StatusValue::Number(code) => Some(code.to_string()),
        StatusValue::Table | StatusValue::Never => None,
    }
}

fn read_constants(given: Texts, layout: &Layout) -> SpannedResult<Cow<'static, [Constant]>> {
    let mut constants = Vec::new();
    for (name, value) in given {
        let span = name.span();
        check_element(&name, layout)?;
        let text = bounded(Some(name), "", MAX_TEXT)?;
        if text.is_empty() || layout.fields.iter().any(|field| *field == text) {
            return wrong(&span, "a constant has a name that no other field has");
        }
        if constants.len() == MAX_NAMES {
            return wrong(&span, format!("there are more than {MAX_NAMES} constants"));
        }
        constants.push((text.into(), bounded(Some(value), "", MAX_TEXT)?.into()));
    }
    Ok(constants.into())
}

pub(super) fn write(layout: &Layout, out: &mut String) {
    let platform = Layout::PLATFORM;
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "# How the request travels: json, form, query or xml.\ntransport = {}\nmethod = {}\namounts = \
         {}\ntimes = {}\n",
        quoted(layout.transport.name()),
        quoted(&layout.method),
        quoted(layout.amounts.name()),
        quoted(layout.times.name()),
    );
    if layout.fields != platform.fields {
        out.push_str(
            "\n# This platform's fields by their names here; \"\" is not sent.\n[fields]\n",
        );
        for (logical, name) in FIELDS.iter().zip(&layout.fields) {
            let _ = writeln!(out, "{logical} = {}", quoted(name));
        }
    }
    if layout.statuses != platform.statuses {
        out.push_str(
            "\n# What a status is here; one that is \"\" is never notified.\n[statuses]\n",
        );
        for (name, value) in STATUSES.iter().zip(&layout.statuses) {
            let value = match value {
                StatusValue::Table => continue,
                StatusValue::Never => quoted(""),
                StatusValue::Word(word) => quoted(word),
                StatusValue::Number(code) => code.to_string(),
            };
            let _ = writeln!(out, "{name} = {value}");
        }
    }
    if !layout.constants.is_empty() {
        out.push_str("\n# Fields that are the same in every notification.\n[constants]\n");
        for (name, value) in layout.constants.iter() {
            let _ = writeln!(out, "{} = {}", key(name), quoted(value));
        }
    }
}

/// A name as a key of a table: quoted where it would not be read as one.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect_file::parse;

    fn layout(top: &str) -> Result<Layout, String> {
        let text = format!("id = 'x'\n{top}\n[[scheme]]\nalgorithm = 'md5'\n");
        parse(&text).map(|dialect| dialect.layout).map_err(|error| error.to_string())
    }

    #[test]
    fn each_setting_changes_what_it_names() {
        let layout = layout(
            "transport = 'query'\namounts = 'text'\ntimes = 'compact'\n[fields]\npayout_id = 'no'\nfee = \
             ''\n[statuses]\nsuccess = 'OK'\nfailed = ''\n[constants]\ntype = 'x'",
        )
        .unwrap();
        assert_eq!((layout.transport, &*layout.method), (Transport::Query, "GET"));
        assert_eq!((layout.amounts, layout.times), (Amounts::Text, Times::Compact));
        let names = ["payout_id", "fee", "amount", "other"].map(|name| layout.name(name));
        assert_eq!(names, [Some("no"), None, Some("amount"), Some("other")]);
        assert_eq!(layout.statuses[..2], [StatusValue::Word("OK".into()), StatusValue::Never]);
        assert_eq!(layout.constants[..], [("type".into(), "x".into())]);
    }

    #[test]
    fn what_could_not_be_sent_or_read_back_is_refused_with_its_place() {
        for (top, problem) in [
            ("transport = 'post'", "line 2, column 13: \"post\" is unknown"),
            ("method = 'GET'", "line 2, column 10: a GET has no body"),
            ("method = 'PUT'", "line 2, column 10: \"PUT\" is unknown"),
            ("amounts = 'yuan'", "\"yuan\" is unknown"),
            ("[fields]\npayoutid = 'x'", "line 3, column 1: \"payoutid\" is unknown"),
            ("[fields]\namount = ''", "line 3, column 10: every notification has amount"),
            ("[fields]\nfee = 'amount'", "line 3, column 7: two fields have the name"),
            ("[statuses]\nsucces = 1", "line 3, column 1: \"succes\" is unknown"),
            ("[statuses]\nsuccess = ''", "without a success"),
            ("[statuses]\nsuccess = 1\nfailed = '1'", "has the same value"),
            ("[statuses]\nsuccess = true", "line 3, column 11: a status is a number or a text"),
            ("[statuses]\nsuccess = 2", "2 would mean success and processing"),
            ("[fields]\npayout_id = 'sign'", "\"sign\" carries the signature and nothing else"),
            ("[constants]\nsign = '1'", "\"sign\" carries the signature and nothing else"),
            (
                "transport = 'xml'\n[fields]\npayout_id = 'a b'",
                "line 4, column 13: \"a b\" cannot be the name of an XML element",
            ),
            ("[constants]\namount = '1'", "line 3, column 1: a constant has a name"),
        ] {
            let found = layout(top).expect_err(top);
            assert!(found.contains(problem), "{top}: {found}");
        }
    }
}
