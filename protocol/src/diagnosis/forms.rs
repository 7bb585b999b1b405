//! Deviations in where the key goes and which digest is taken.

use std::borrow::Cow;

use md5::{Digest as _, Md5};

use super::Deviation;
use super::Dimension::{Digest, KeyForm};
use super::digest::Width;
use super::form_rows::FORM_ROWS;
use super::hashing::Hash;
use crate::scheme::{Algorithm, Scheme, Suffix};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    String,
    Key,
    /// The lower-case MD5 of the key.
    Md5OfKey,
    Text(Cow<'static, str>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) hash: Hash,
    pub(super) parts: Vec<Part>,
}

impl Form {
    pub(super) fn of(scheme: &Scheme) -> Form {
        let rest = match &scheme.suffix {
            Suffix::Nothing => vec![],
            Suffix::Key(before) => vec![Part::Text(before.clone()), Part::Key],
            Suffix::Md5OfKey(before) => vec![Part::Text(before.clone()), Part::Md5OfKey],
        };
        let mut parts = vec![Part::String];
        parts.extend(rest.into_iter().filter(|part| *part != Part::Text(Cow::Borrowed(""))));
        Form { hash: Hash::of(scheme.algorithm), parts }
    }

    /// Reads `{S}&key={K}`, where `{M}` is the MD5 of the key.
    pub(super) fn parse(hash: Hash, template: &str) -> Form {
        let mut parts = Vec::new();
        let mut rest = template;
        while !rest.is_empty() {
            let (part, length) = match rest {
                _ if rest.starts_with("{S}") => (Part::String, 3),
                _ if rest.starts_with("{K}") => (Part::Key, 3),
                _ if rest.starts_with("{M}") => (Part::Md5OfKey, 3),
                _ => {
                    let end = rest.find('{').unwrap_or(rest.len()).max(1);
                    (Part::Text(rest[..end].to_owned().into()), end)
                }
            };
            parts.push(part);
            rest = &rest[length..];
        }
        Form { hash, parts }
    }

    pub(super) fn masked(&self, string: &str) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::String => string,
                Part::Key => "[key]",
                Part::Md5OfKey => "md5([key])",
                Part::Text(text) => text,
            })
            .collect()
    }
}

impl Part {
    /// Hands the part's bytes on.
    pub(super) fn feed(&self, string: &[u8], key: &[u8], mut take: impl FnMut(&[u8])) {
        match self {
            Part::String => take(string),
            Part::Key => take(key),
            Part::Md5OfKey => take(hex::encode(Md5::digest(key)).as_bytes()),
            Part::Text(text) => take(text.as_bytes()),
        }
    }
}

const LABELS: [&str; 25] = [
    "secret",
    "secret_key",
    "signkey",
    "api_key",
    "appkey",
    "k",
    "Key",
    "token",
    "appSecret",
    "KEY",
    "secretKey",
    "apiKey",
    "app_key",
    "app_secret",
    "sign_key",
    "signKey",
    "appKey",
    "apikey",
    "merchant_key",
    "merchantKey",
    "mch_key",
    "md5key",
    "private_key",
    "pwd",
    "password",
];

pub(super) struct FormRule {
    pub(super) deviation: Deviation,
    pub(super) form: Form,
    pub(super) is_frequent: bool,
}

const FREQUENT: [&str; 11] = [
    "key-prefix",
    "no-separator",
    "key-ampersand",
    "double-ampersand",
    "hmac-md5",
    "hmac-sha256",
    "hmac-with-key-appended",
    "hmac-with-label-appended",
    "hmac-swapped",
    "sha256",
    "sha256-label",
];

pub(super) fn key_rule(own: &Form) -> (&'static str, &'static str) {
    let after: Vec<&str> = own
        .parts
        .iter()
        .map(|part| match part {
            Part::String => "S",
            Part::Key => "K",
            Part::Md5OfKey => "M",
            Part::Text(text) => text.as_ref(),
        })
        .collect();
    match (own.hash, after.concat().as_str()) {
        (Hash::Md5, "S&K") => (
            "MD5 over the string, then & and the key once, with nothing such as key= before it",
            "md5(string + \"&\" + key)",
        ),
        (Hash::HmacSha256, "S") => (
            "HMAC-SHA256 over the string alone, with the key as the HMAC's key",
            "hmac_sha256(key, string), with nothing appended: hash_hmac('sha256', $string, $key), hmac.new(key, string, sha256), createHmac('sha256', key).update(string)",
        ),
        _ => (
            "the key stands where the scheme puts it, once, and nothing else does",
            "end the string exactly as the rule's masked string shows",
        ),
    }
}

pub(super) fn forms(width: Width, own: &Form) -> Vec<FormRule> {
    forms_of(width, own, own)
}

pub(super) fn forms_of(width: Width, own: &Form, ruling: &Form) -> Vec<FormRule> {
    let (rule, fix) = key_rule(ruling);
    let finished = |code, hash: Hash, does: Cow<'static, str>, cause, form| {
        let dimension = if hash == own.hash { KeyForm } else { Digest };
        let mut deviation = Deviation::new(dimension, code, "", rule, cause, fix);
        deviation.does = does;
        FormRule { deviation, form, is_frequent: FREQUENT.contains(&code) }
    };
    let labelled = |hash: Hash, code, label: &'static str| {
        let does = match hash {
            Hash::Md5 => format!("writes &{label}= before the key"),
            _ => format!("takes HMAC-SHA256 and appends &{label}= and the key too"),
        };
        let form = Form::parse(hash, &format!("{{S}}&{label}={{K}}"));
        finished(code, hash, does.into(), "another platform's rule", form)
    };
    let wechat = finished(
        "key-prefix",
        Hash::Md5,
        "writes &key= before the key".into(),
        "WeChat Pay habit",
        Form::parse(Hash::Md5, "{S}&key={K}"),
    );
    let rows = FORM_ROWS.iter().map(|row| {
        let form = Form::parse(row.hash, row.template);
        finished(row.code, row.hash, row.does.into(), row.cause, form)
    });
    let labels = LABELS.into_iter().map(|label| labelled(Hash::Md5, "key-label", label));
    let hmac_labels =
        LABELS.into_iter().map(|label| labelled(Hash::HmacSha256, "hmac-with-other-label", label));
    std::iter::once(wechat)
        .chain(labels)
        .chain(rows)
        .chain(hmac_labels)
        .filter(|rule| rule.form.hash.width() == width && rule.form != *own)
        .collect()
}

pub(super) fn other_algorithm(used: Algorithm, said: Algorithm) -> Deviation {
    let mut deviation = Deviation::new(
        Digest,
        "other-algorithm",
        "",
        "sign_type says which digest is taken; where it is absent the documents say MD5",
        "sign_type and the code were not changed together",
        "take the digest that sign_type names, or change sign_type",
    );
    deviation.does = format!("takes {used}, where the payload is to be signed with {said}").into();
    deviation
}
