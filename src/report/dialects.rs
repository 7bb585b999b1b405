//! Dialects as a table for a person, and as data for a program.

use std::borrow::Cow;

use protocol::internal::dialect::DIALECTS;
use protocol::internal::layout::{FIELDS, STATUSES};
use protocol::{Dialect, Layout, Scheme, StatusTable};
use serde_json::{Value, json};

use super::json;
use super::line::Line;
use crate::mask::Untrusted;

/// The columns' widths; with two spaces between them the table fits into 80 columns.
const WIDTHS: [usize; 6] = [9, 11, 9, 6, 7, 10];

fn row(cells: [&str; 6], last: &str) -> String {
    let mut text = String::new();
    for (cell, width) in cells.into_iter().zip(WIDTHS) {
        text.push_str(&format!("{cell:<width$}  "));
    }
    text.push_str(last);
    text.trim_end().to_owned()
}

fn scheme_row(id: &str, scheme: &Scheme) -> String {
    let after = scheme.suffix.notation() + &scheme.composition.notation();
    let cells = [
        id,
        scheme.algorithm.id(),
        &after,
        scheme.digest_name(),
        scheme.empties_name(),
        &scheme.sign_field,
    ];
    let not_signed = match &scheme.signed {
        Some(names) => format!("all but {}", names.join(", ")),
        None => scheme.left_out.join(", "),
    };
    row(cells, &not_signed)
}

/// What is built in has no key: a sign field such as `signature` may well be the same word.
pub fn is_built_in(dialect: &Dialect) -> bool {
    DIALECTS.iter().any(|known| std::ptr::eq(known, dialect))
}

fn layout_line(layout: &Layout) -> String {
    let named = |logical| layout.name(logical).unwrap_or("nothing");
    let id = match layout.has_own_names() {
        true => format!("; payout_id is {}, amount {}", named("payout_id"), named("amount")),
        false => String::new(),
    };
    let (amounts, times) = (layout.amounts.name(), layout.times.name());
    format!("  {} {}{id}; {amounts}, {times}", layout.method, layout.transport.name())
}

pub fn lines(dialects: &[&Dialect]) -> Vec<Line> {
    let head = ["DIALECT", "ALGORITHM", "AFTER S", "DIGEST", "EMPTIES", "SIGN FIELD"];
    let mut lines = vec![Line::new().strong(row(head, "NOT SIGNED"))];
    for dialect in dialects {
        let text = |text: String| {
            if is_built_in(dialect) { text } else { Untrusted::new(text).to_string() }
        };
        for (index, scheme) in dialect.schemes.iter().enumerate() {
            let id = if index == 0 { &*dialect.id } else { "" };
            let row = scheme_row(id, scheme);
            lines.push(match row.strip_prefix(id) {
                Some(rest) if index == 0 => {
                    Line::new().accent(text(id.to_owned())).plain(text(rest.to_owned()))
                }
                _ => Line::new().plain(text(row)),
            });
        }
        let title = format!("  {}; success reply {}", dialect.title, dialect.success_reply);
        lines.push(Line::new().dim(text(title)));
        if dialect.layout != Layout::PLATFORM {
            lines.push(Line::new().dim(text(layout_line(&dialect.layout))));
        }
    }
    lines
}

pub fn json(dialects: &[&Dialect]) -> String {
    let body: Vec<Value> = dialects.iter().map(|dialect| dialect_json(dialect)).collect();
    json::line("dialects", &json!({"dialects": body}))
}

/// A table of names; a `null` is what is not sent or never notified.
type Map = serde_json::Map<String, Value>;

fn dialect_json(dialect: &Dialect) -> Value {
    let layout = &dialect.layout;
    let is_own = is_built_in(dialect);
    let text = |text: &str| if is_own { text.to_owned() } else { Untrusted::new(text).to_string() };
    let texts = |names: &[Cow<'_, str>]| names.iter().map(|it| text(it)).collect::<Vec<_>>();
    let field = |logical: &'static str| (logical.to_owned(), json!(layout.name(logical).map(text)));
    let constant = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| json!({"name": text(name), "value": text(value)});
    let statuses = StatusTable::PLATFORM;
    let status = |name: &'static str| {
        let code = statuses.payouts().find(|status| status.name == name);
        let code = code.map_or(0, |status| status.code.into());
        let json = layout.value("status", &code.to_string(), &statuses);
        let value = layout.notifies(code, &statuses).then(|| serde_json::from_str(&json).ok());
        (name.to_owned(), value.flatten().unwrap_or(Value::Null))
    };
    let schemes: Vec<Value> = dialect
        .schemes
        .iter()
        .map(|scheme| {
            json!({
                "algorithm": scheme.algorithm.id(),
                "string": Some(scheme.composition.notation()).filter(|string| !string.is_empty()).map(|string| text(&string)),
                "after": text(&scheme.suffix.notation()),
                "order": scheme.composition.order.name(),
                "pairs": scheme.composition.pairs.name(),
                "values": scheme.composition.values.name(),
                "separator": text(&scheme.separator),
                "digest": scheme.digest_name(),
                "empties": scheme.empties_name(),
                "nulls": scheme.nulls.name(),
                "signed": scheme.signed.as_deref().map(texts),
                "not_signed": texts(&scheme.left_out),
                "sign_field": text(&scheme.sign_field),
            })
        })
        .collect();
    json!({
        "id": text(&dialect.id),
        "title": text(&dialect.title),
        "success_reply": text(&dialect.success_reply),
        "transport": layout.transport.name(),
        "method": layout.method,
        "amounts": layout.amounts.name(),
        "times": layout.times.name(),
        "fields": FIELDS.into_iter().map(field).collect::<Map>(),
        "statuses": STATUSES.into_iter().map(status).collect::<Map>(),
        "constants": layout.constants.iter().map(constant).collect::<Vec<Value>>(),
        "schemes": schemes,
    })
}

#[cfg(test)]
mod tests {
    use protocol::internal::dialect::DIALECTS;

    use super::*;

    #[test]
    fn the_built_in_dialects_fit_into_80_columns() {
        let all: Vec<&Dialect> = DIALECTS.iter().collect();
        let lines = lines(&all);
        for line in &lines {
            let text: String = line.spans.iter().map(|span| &*span.text).collect();
            assert!(text.chars().count() <= 80, "{text}");
        }
        let schemes: usize = all.iter().map(|dialect| dialect.schemes.len()).sum();
        let layouts = all.iter().filter(|dialect| dialect.layout != Layout::PLATFORM).count();
        assert_eq!(lines.len(), 1 + schemes + all.len() + layouts);
    }

    #[test]
    fn a_program_gets_every_setting() {
        let text = json(&[Dialect::platform()]);
        let value: Value = serde_json::from_str(&text).unwrap();
        let dialect = &value["dialects"][0];
        assert_eq!(dialect["id"], "platform");
        assert_eq!(dialect["schemes"][0]["after"], "&KEY");
        assert_eq!(dialect["schemes"][1]["algorithm"], "hmac-sha256");
        assert_eq!(dialect["schemes"][1]["not_signed"], json!(["sign", "sign_type"]));
    }
}
