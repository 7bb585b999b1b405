//! A dialect filled into a language's template.
//!
//! In a template `@NAME@` stands for a literal; the lines from the one with `@ALGORITHM@` to the
//! one with `@UNSIGNED@` are repeated for each scheme.

use protocol::internal::acknowledgement::AcknowledgementRule;
use protocol::internal::scheme::{DigestCase, Empties, Suffix};
use protocol::{Algorithm, Dialect, Scheme};

use super::language::Language;

/// The fields that a notification always has (the protocol's section 1): `real_amount` is not sent
/// everywhere.
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
    let mut out = String::new();
    let mut lines = language.template().split_inclusive('\n');
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
        // An id has letters, digits and a few signs, so that it may stand in a comment.
        "DIALECT" => dialect.id.to_string(),
        "SIGN_FIELD" => language.literal(dialect.sign_field()),
        "READS_SIGN_TYPE" => language.boolean(dialect.reads_sign_type()).to_owned(),
        "SUCCESS" => language.literal(&dialect.success_reply),
        "REFUSAL" => language.literal(refusal(&dialect.acknowledgement())),
        "REQUIRED" => list(language, REQUIRED.into_iter()),
        _ => return None,
    })
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
                let mark = "credit once: in the transaction that stores payout_id";
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
    fn a_value_that_looks_like_a_name_stays() {
        let mut out = String::new();
        fill("@A@ a@b @B@", &mut out, |name| (name == "A").then(|| "@A@".to_owned()));
        assert_eq!(out, "@A@ a@b @B@");
    }
}
