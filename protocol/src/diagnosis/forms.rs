//! Deviations in where the key goes and which digest is taken.

use std::borrow::Cow;

use md5::{Digest as _, Md5};

use super::Deviation;
use super::Dimension::{Digest, KeyForm};
use super::deviations::{deviation, that_does};
use super::digest::Width;
use super::hashing::{Hash, Kind};
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
        self.with_parts(string, "[key]", "md5([key])")
    }

    fn with_parts(&self, string: &str, key: &str, md5_of_key: &str) -> String {
        let text = |part| match part {
            &Part::String => string,
            Part::Key => key,
            Part::Md5OfKey => md5_of_key,
            Part::Text(text) => text,
        };
        self.parts.iter().map(text).collect()
    }
}

impl Form {
    /// Writes what is digested behind what `out` holds.
    pub(super) fn write(&self, string: &[u8], key: &[u8], out: &mut Vec<u8>) {
        for part in &self.parts {
            part.feed(string, key, |bytes| out.extend_from_slice(bytes));
        }
    }

    pub(super) fn text(&self, string: &[u8], key: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(string.len() + 64);
        self.write(string, key, &mut text);
        text
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

/// The names before the key in `&name=`, besides `key`.
pub(super) const LABELS: &str = "\
    secret secret_key signkey api_key appkey k Key token appSecret KEY secretKey apiKey \
    app_key app_secret sign_key signKey appKey apikey merchant_key merchantKey mch_key md5key \
    private_key pwd password appsecret secretkey Secret apiSecret api_secret salt Md5Key MD5Key \
    merchantKey mchKey accessKey access_key privateKey payKey paykey";

/// What is tried with every string.
pub(super) const FREQUENT: &str = "\
    key-prefix no-separator key-ampersand double-ampersand hmac-md5 hmac-sha256 \
    hmac-with-key-appended hmac-with-label-appended hmac-swapped sha256 sha256-label";

/// What is tried with every string of the long part.
const COMMON: &str = "\
    key-prefix no-separator hmac-with-key-appended hmac-with-label-appended sha256 hmac-sha1 \
    hmac-sha512";

/// What is tried with the values of a few fields, besides.
const OF_FEW: &str = "pipe-key comma-key key-first sha256-bare hmac-sha256";

/// A code, the hash, and the text: `{S}` is the string, `{K}` the key, `{M}` the MD5 of the key.
pub(super) const FORM_ROWS: [(&str, Hash, &str); 67] = {
    use Hash::{
        DoubleMd5, DoubleMd5Upper, DoubleSha256, Hmac, HmacOfHmac, HmacOfMd5, HmacOfSha256,
        Md5AndKey, Md5OfMd5AndRest, Plain, SwappedHmac,
    };
    use Kind::{Md5, Sha256};
    [
        ("key-ampersand", Plain(Md5), "{S}&{K}"),
        ("no-separator", Plain(Md5), "{S}{K}"),
        ("double-ampersand", Plain(Md5), "{S}&&{K}"),
        ("key-equals", Plain(Md5), "{S}key={K}"),
        ("double-ampersand-label", Plain(Md5), "{S}&&key={K}"),
        ("key-first", Plain(Md5), "{K}{S}"),
        ("key-first-ampersand", Plain(Md5), "{K}&{S}"),
        ("key-label-first", Plain(Md5), "key={K}&{S}"),
        ("key-both-ends", Plain(Md5), "{K}{S}{K}"),
        ("key-both-ends-ampersand", Plain(Md5), "{K}&{S}&{K}"),
        ("key-twice", Plain(Md5), "{S}&{K}&{K}"),
        ("key-twice-bare", Plain(Md5), "{S}&{K}{K}"),
        ("md5-of-key", Plain(Md5), "{S}&{M}"),
        ("md5-of-key-bare", Plain(Md5), "{S}{M}"),
        ("md5-of-key-label", Plain(Md5), "{S}&key={M}"),
        ("no-key", Plain(Md5), "{S}"),
        ("trailing-ampersand", Plain(Md5), "{S}&"),
        ("key-trailing-ampersand", Plain(Md5), "{S}&{K}&"),
        ("pipe-key", Plain(Md5), "{S}|{K}"),
        ("comma-key", Plain(Md5), "{S},{K}"),
        ("newline-key", Plain(Md5), "{S}\n{K}"),
        ("newline-key-label", Plain(Md5), "{S}\nkey={K}"),
        ("semicolon-key", Plain(Md5), "{S};{K}"),
        ("space-key", Plain(Md5), "{S} {K}"),
        ("hash-key", Plain(Md5), "{S}#{K}"),
        ("plus-key", Plain(Md5), "{S}+{K}"),
        ("colon-key", Plain(Md5), "{S}:{K}"),
        ("dash-key", Plain(Md5), "{S}-{K}"),
        ("underscore-key", Plain(Md5), "{S}_{K}"),
        ("newline-at-end", Plain(Md5), "{S}&{K}\n"),
        ("newline-in-string", Plain(Md5), "{S}\n&{K}"),
        ("hmac-md5-newline", Hmac(Md5), "{S}\n"),
        ("hmac-md5", Hmac(Md5), "{S}"),
        ("hmac-md5-with-key", Hmac(Md5), "{S}&{K}"),
        ("hmac-md5-with-label", Hmac(Md5), "{S}&key={K}"),
        ("hmac-md5-swapped", SwappedHmac(Md5), "{S}"),
        ("double-md5", DoubleMd5, "{S}&{K}"),
        ("double-md5-upper", DoubleMd5Upper, "{S}&{K}"),
        ("double-md5-bare", DoubleMd5, "{S}{K}"),
        ("md5-then-key", Md5OfMd5AndRest, "{S}{K}"),
        ("md5-then-ampersand-key", Md5OfMd5AndRest, "{S}&{K}"),
        ("hmac-sha256", Hmac(Sha256), "{S}"),
        ("hmac-with-key-appended", Hmac(Sha256), "{S}&{K}"),
        ("hmac-with-label-appended", Hmac(Sha256), "{S}&key={K}"),
        ("hmac-with-bare-key", Hmac(Sha256), "{S}{K}"),
        ("hmac-swapped", SwappedHmac(Sha256), "{S}"),
        ("sha256", Plain(Sha256), "{S}&{K}"),
        ("sha256-label", Plain(Sha256), "{S}&key={K}"),
        ("sha256-bare", Plain(Sha256), "{S}{K}"),
        ("hmac-with-key-first", Hmac(Sha256), "{K}{S}"),
        ("hmac-with-trailing-ampersand", Hmac(Sha256), "{S}&"),
        ("hmac-of-md5", HmacOfMd5, "{S}"),
        ("hmac-newline", Hmac(Sha256), "{S}\n"),
        ("hmac-windows-newline", Hmac(Sha256), "{S}\r\n"),
        ("hmac-newline-after-key", Hmac(Sha256), "{S}&{K}\n"),
        ("sha256-newline", Plain(Sha256), "{S}&{K}\n"),
        ("hmac-of-hex", HmacOfSha256, "{S}"),
        ("hmac-twice", HmacOfHmac, "{S}"),
        ("md5-and-key", Md5AndKey(""), "{S}&{K}"),
        ("md5-and-key", Md5AndKey("&"), "{S}&{K}"),
        ("md5-and-key", Md5AndKey("&key="), "{S}&{K}"),
        ("md5-and-key", Md5AndKey(""), "{S}{K}"),
        ("sha256-twice", DoubleSha256, "{S}&{K}"),
        ("hmac-swapped-with-key", SwappedHmac(Sha256), "{S}&{K}"),
        ("sha256-no-key", Plain(Sha256), "{S}"),
        ("sha256-key-first", Plain(Sha256), "{K}{S}"),
        ("sha256-key-both-ends", Plain(Sha256), "{K}{S}{K}"),
    ]
};

pub(super) struct FormRule {
    pub(super) deviation: Deviation,
    pub(super) form: Form,
    pub(super) is_frequent: bool,
    pub(super) is_common: bool,
    /// Whether it is tried with the values of a few fields.
    pub(super) is_of_few: bool,
    /// Whether the key is neither in the text nor an HMAC's.
    pub(super) is_keyless: bool,
}

impl FormRule {
    pub(super) fn new(deviation: Deviation, form: Form) -> FormRule {
        let is_in = |list: &str| list.split(' ').any(|code| code == deviation.code);
        let has_key = form.parts.iter().any(|part| matches!(part, Part::Key | Part::Md5OfKey));
        FormRule {
            is_frequent: is_in(FREQUENT),
            is_common: is_in(COMMON),
            is_of_few: is_in(COMMON) || is_in(OF_FEW),
            is_keyless: !has_key && matches!(form.hash, Hash::Plain(_)),
            deviation,
            form,
        }
    }
}

/// What the scheme of a form says of the key, and the fix for code that departs from it.
pub(super) fn key_rule(own: &Form) -> (&'static str, &'static str) {
    match (own.hash, own.with_parts("S", "K", "M").as_str()) {
        (Hash::Plain(Kind::Md5), "S&K") => (
            "MD5 over the string, then & and the key once, with nothing such as key= before it",
            "md5(string + \"&\" + key)",
        ),
        (Hash::Hmac(Kind::Sha256), "S") => (
            "HMAC-SHA256 over the string alone, with the key as the HMAC's key",
            "hmac_sha256(key, string), with nothing appended: hash_hmac('sha256', $string, $key), hmac.new(key, string, sha256), createHmac('sha256', key).update(string)",
        ),
        _ => (
            "the key is where the scheme puts it, once, and nothing else is",
            "end the string exactly as the rule's masked string shows",
        ),
    }
}

pub(super) fn forms(width: Width, own: &Form) -> Vec<FormRule> {
    forms_of(width, own, own)
}

pub(super) fn forms_of(width: Width, own: &Form, ruling: &Form) -> Vec<FormRule> {
    const MD5: Hash = Hash::Plain(Kind::Md5);
    const HMAC: Hash = Hash::Hmac(Kind::Sha256);
    let (rule, fix) = key_rule(ruling);
    let finished = |described: Deviation, hash: Hash, template: &str| {
        let dimension = if hash == own.hash { KeyForm } else { Digest };
        let deviation = Deviation { dimension, rule, fix, ..described };
        FormRule::new(deviation, Form::parse(hash, template))
    };
    let labelled = |code, hash, does: fn(&str) -> String| {
        LABELS.split(' ').map(move |label| {
            finished(that_does(code, does(label)), hash, &format!("{{S}}&{label}={{K}}"))
        })
    };
    let labels = labelled("key-label", MD5, |label| format!("writes &{label}= before the key"));
    let hmac_labels = labelled("hmac-with-other-label", HMAC, |label| {
        format!("takes HMAC-SHA256 and appends &{label}= and the key too")
    });
    let rows = FORM_ROWS.iter().map(|(code, hash, form)| finished(deviation(code), *hash, form));
    std::iter::once(finished(deviation("key-prefix"), MD5, "{S}&key={K}"))
        .chain(labels)
        .chain(rows)
        .chain(hmac_labels)
        .filter(|rule| rule.form.hash.width() == width && rule.form != *own)
        .collect()
}

pub(super) fn other_algorithm(used: Algorithm, said: Algorithm) -> Deviation {
    let does = format!("takes {used}, where the payload is to be signed with {said}");
    that_does("other-algorithm", does)
}
