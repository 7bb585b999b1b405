//! A dialect filled into a language's template.
//!
//! In a template `@NAME@` stands for a literal; the lines from the one with `@ALGORITHM@` to the
//! one with `@UNSIGNED@` are repeated for each scheme.

use protocol::internal::acknowledgement::AcknowledgementRule;
use protocol::internal::layout::STATUSES;
use protocol::internal::scheme::{DigestCase, Empties, Suffix};
use protocol::{Algorithm, Dialect, Layout, Scheme, Status, StatusTable, StatusValue, Transport};

use super::language::Language;

/// The fields that a notification always has (the protocol's section 1), where the dialect sends
/// them: `real_amount` is not sent everywhere.
const REQUIRED: [&str; 8] = [
    "payout_id",
    "payout_cl_id",
    "platform_id",
    "amount",
    "fee",
    "status",
    "create_time",
    "update_time",
];

pub(super) fn snippet(
    language: Language,
    dialect: &Dialect,
    required: Option<Algorithm>,
) -> String {
    filled(language.template(), language, dialect, required)
}

/// The parts of Node's snippet with the dialect's schemes, for another script.
pub fn node_schemes(dialect: &Dialect) -> String {
    let part = between(Language::Node.template(), "const SIGN_FIELD", "const SUCCESS");
    filled(part, Language::Node, dialect, None)
}

/// The parts of Node's snippet that read JSON and pairs, for another script.
pub fn node_parsing() -> &'static str {
    between(Language::Node.template(), "const MAX_DEPTH", "function signature(")
}

/// What a text has from one mark up to the next.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap_or(text.len());
    let rest = &text[start..];
    &rest[..rest.find(to).unwrap_or(rest.len())]
}

fn filled(
    template: &str,
    language: Language,
    dialect: &Dialect,
    required: Option<Algorithm>,
) -> String {
    let mut out = String::new();
    let mut lines = template.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if !line.contains("@ALGORITHM@") {
            fill(line, &mut out, |name| dialect_value(name, language, dialect));
            continue;
        }
        let mut row = line.to_owned();
        while !row.contains("@UNSIGNED@")
            && let Some(line) = lines.next()
        {
            row.push_str(line);
        }
        for scheme in schemes(dialect, required) {
            fill(&row, &mut out, |name| scheme_value(name, language, scheme));
        }
    }
    out
}

pub(super) fn schemes(
    dialect: &Dialect,
    required: Option<Algorithm>,
) -> impl Iterator<Item = &Scheme> {
    let may = move |scheme: &&Scheme| required.is_none_or(|only| only == scheme.algorithm);
    dialect.schemes.iter().filter(may)
}

fn fill(template: &str, out: &mut String, value: impl Fn(&str) -> Option<String>) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        out.push_str(before);
        let filled = after.split_once('@').and_then(|(name, rest)| Some((value(name)?, rest)));
        let (filled, after) = filled.unwrap_or_else(|| ("@".to_owned(), after));
        out.push_str(&filled);
        rest = after;
    }
    out.push_str(rest);
}

fn list<'a>(language: Language, names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| language.literal(name)).collect::<Vec<_>>().join(", ")
}

fn dialect_value(name: &str, language: Language, dialect: &Dialect) -> Option<String> {
    Some(match name {
        // An id has letters, digits and a few signs, so that it may be in a comment.
        "DIALECT" => dialect.id.to_string(),
        "SIGN_FIELD" => language.literal(dialect.sign_field()),
        "READS_SIGN_TYPE" => language.boolean(dialect.reads_sign_type()).to_owned(),
        "SUCCESS" => language.literal(&dialect.success_reply),
        "REFUSAL" => language.literal(refusal(&dialect.acknowledgement())),
        "REQUIRED" => {
            let names = REQUIRED.into_iter().filter_map(|logical| dialect.layout.name(logical));
            list(language, names)
        }
        "STATUS_FIELD" => language.literal(dialect.layout.name("status").unwrap_or_default()),
        "STATUS_IS_NUMBER" => {
            let has_word = |status: &StatusValue| matches!(status, StatusValue::Word(_));
            language.boolean(!dialect.layout.statuses.iter().any(has_word)).to_owned()
        }
        "STATUS_NOTE" => status_note(&dialect.layout),
        "ID_FIELD" => plain(dialect.layout.name("payout_id").unwrap_or_default()),
        "METHOD" => language.literal(&dialect.layout.method),
        "CONTENT_TYPE" => language.literal(match dialect.layout.transport {
            Transport::Form => "application/x-www-form-urlencoded",
            Transport::Query => "",
            _ => "application/json",
        }),
        _ => return None,
    })
}

/// What the statuses mean, for a comment.
fn status_note(layout: &Layout) -> String {
    if layout.statuses == Layout::PLATFORM.statuses {
        return "status 3 is success; 4 and 5 are failures; others are on their way.".to_owned();
    }
    let statuses = StatusTable::PLATFORM;
    let value = |status: Status| {
        let (name, json) = layout.status(status.code.into(), &statuses);
        let is_named = STATUSES.contains(&status.name);
        let is_sent = is_named && layout.notifies(status.code.into(), &statuses);
        is_sent.then(|| format!("{} {} is {}", plain(&name), plain(&json), status.name))
    };
    let values: Vec<String> = statuses.payouts().filter_map(value).collect();
    format!("{}.", values.join("; "))
}

/// A text of a dialect in a comment, where nothing may end the comment.
fn plain(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.chars().filter(is_plain).collect()
}

fn refusal(rule: &AcknowledgementRule) -> &'static str {
    match rule {
        AcknowledgementRule::ErrorCode | AcknowledgementRule::Members(_) => {
            r#"{"error_code":"CODE"}"#
        }
        AcknowledgementRule::ReturnCode => "<xml><return_code>FAIL</return_code></xml>",
        AcknowledgementRule::Word(_) => "fail CODE",
    }
}

fn scheme_value(name: &str, language: Language, scheme: &Scheme) -> Option<String> {
    let (before, form) = match &scheme.suffix {
        Suffix::Nothing => ("", "none"),
        Suffix::Key(before) => (&**before, "plain"),
        Suffix::Md5OfKey(before) => (&**before, "md5"),
    };
    Some(match name {
        "ALGORITHM" => language.literal(scheme.algorithm.id()),
        "BEFORE_KEY" => language.literal(before),
        "KEY_FORM" => language.literal(form),
        "SEPARATOR" => language.literal(&scheme.separator),
        "UPPER" => language.boolean(scheme.digest_case == DigestCase::Upper).to_owned(),
        "NULLS" => language.literal(scheme.nulls.name()),
        "SIGNED" => {
            list(language, scheme.signed.iter().flat_map(|it| it.iter()).map(AsRef::as_ref))
        }
        "KEEP_EMPTY" => language.boolean(scheme.empties == Empties::Keep).to_owned(),
        "UNSIGNED" => list(language, scheme.left_out.iter().map(AsRef::as_ref)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use protocol::internal::dialect::DIALECTS;

    use super::*;

    #[test]
    fn every_snippet_is_filled_and_marks_where_to_credit() {
        for language in Language::value_variants() {
            for dialect in &DIALECTS {
                let text = snippet(*language, dialect, None);
                let mark = "credit once: in the transaction that stores ";
                assert!(text.contains(mark) && text.contains("PAYOUT_NOTIFY_KEY"), "{text}");
                assert!(text.is_ascii(), "{language:?} {}", dialect.id);
                let left = text.split('@').find(|part| {
                    part.len() > 2 && part.chars().all(|c| c.is_ascii_uppercase() || c == '_')
                });
                assert_eq!(left, None, "{language:?} {}", dialect.id);
            }
        }
    }

    #[test]
    fn a_demanded_digest_is_the_only_one() {
        let text = snippet(Language::Go, Dialect::platform(), Some(Algorithm::HmacSha256));
        assert!(!text.contains("{\"md5\", \"&\""), "{text}");
        assert!(text.contains("{\"hmac-sha256\", \"\", \"none\", \"&\", false, false,"), "{text}");
    }

    #[test]
    fn what_a_dialect_says_of_fields_and_transport_is_filled_in() {
        let text = snippet(Language::Python, Dialect::built_in("epay").unwrap(), None);
        for part in [
            "REQUIRED = ['trade_no', 'out_trade_no', 'pid', 'money', 'trade_status']",
            "STATUS_FIELD, STATUS_IS_NUMBER = 'trade_status', False",
            "METHOD, CONTENT_TYPE = 'GET', ''",
            "# trade_status TRADE_SUCCESS is success.",
            "that stores trade_no",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let mut own = Dialect::built_in("jeepay").unwrap().clone();
        own.layout.fields[0] = "no\nsystem()".into();
        own.layout.statuses[0] = StatusValue::Word("*/ \n}system()".into());
        let text = snippet(Language::Php, &own, None);
        assert!(text.contains("state nsystem is success"), "{text}");
        assert!(text.contains("that stores nosystem\n"), "{text}");
    }

    #[test]
    fn a_value_that_looks_like_a_name_stays() {
        let mut out = String::new();
        fill("@A@ a@b @B@", &mut out, |name| (name == "A").then(|| "@A@".to_owned()));
        assert_eq!(out, "@A@ a@b @B@");
    }
}
