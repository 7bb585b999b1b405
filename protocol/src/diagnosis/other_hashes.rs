//! Hashes that the platform does not use: SHA-1, SHA-224, SHA-384, SHA-512 and their HMACs.

use super::Deviation;
use super::Dimension::Digest;
use super::digest::Width;
use super::forms::{Form, FormRule, forms_of, key_rule};
use super::hashing::{Hash, OtherHash};
use crate::scheme::Algorithm;

struct Row {
    hash: OtherHash,
    name: &'static str,
    codes: [&'static str; 5],
}

macro_rules! row {
    ($hash:ident, $name:literal, $code:literal) => {
        Row {
            hash: OtherHash::$hash,
            name: $name,
            codes: [
                $code,
                concat!("hmac-", $code),
                concat!("hmac-", $code, "-with-key"),
                concat!("hmac-", $code, "-with-label"),
                concat!("hmac-", $code, "-swapped"),
            ],
        }
    };
}

static ROWS: [Row; 4] = [
    row!(Sha1, "SHA-1", "sha1"),
    row!(Sha224, "SHA-224", "sha224"),
    row!(Sha384, "SHA-384", "sha384"),
    row!(Sha512, "SHA-512", "sha512"),
];

const HMACS: [(&str, &str); 4] = [
    ("{S}", "over the string"),
    ("{S}&{K}", "and appends & and the key to the string too"),
    ("{S}&key={K}", "and appends &key= and the key to the string too"),
    ("{S}", "with its arguments swapped"),
];

const CAUSE: &str = "another platform's rule, or another name in hash(), createHash(), \
     MessageDigest.getInstance(), hashlib or openssl dgst";

pub(super) struct Standing {
    /// The plain digest, with the key where the MD5 rule has it.
    pub(super) own: Form,
    pub(super) deviation: Deviation,
    pub(super) forms: Vec<FormRule>,
}

/// The hash whose digests have this width; `None` where the platform has one of that width.
///
/// `rule` is what the payload's own scheme does.
pub(super) fn standing(width: Width, rule: &Form) -> Option<Standing> {
    let row = ROWS.iter().find(|row| Hash::Other(row.hash).width() == width)?;
    let own = Form::parse(Hash::Other(row.hash), "{S}&{K}");
    let md5 = Form::parse(Hash::Md5, "{S}&{K}");
    let plain = forms_of(Width::Sixteen, &md5, rule);
    let plain = plain
        .into_iter()
        .filter(|rule| rule.form.hash == Hash::Md5)
        .map(|rule| FormRule { form: Form { hash: own.hash, parts: rule.form.parts }, ..rule });
    let forms = hmacs(row, rule).chain(plain).collect();
    Some(Standing { deviation: plain_deviation(row, rule), own, forms })
}

fn plain_deviation(row: &Row, rule: &Form) -> Deviation {
    let (text, fix) = key_rule(rule);
    let mut deviation = Deviation::new(Digest, row.codes[0], "", text, CAUSE, fix);
    deviation.does = format!("takes {} over the string and the key", row.name).into();
    deviation
}

fn hmacs(row: &Row, rule: &Form) -> impl Iterator<Item = FormRule> {
    let (text, fix) = key_rule(rule);
    HMACS.into_iter().zip(&row.codes[1..]).enumerate().map(move |(index, (hmac, code))| {
        let (template, does) = hmac;
        let hash = match does.ends_with("swapped") {
            true => Hash::SwappedOtherHmac(row.hash),
            false => Hash::OtherHmac(row.hash),
        };
        let mut deviation = Deviation::new(Digest, code, "", text, CAUSE, fix);
        deviation.does = format!("takes HMAC-{} {does}", row.name.replace('-', "")).into();
        FormRule { deviation, form: Form::parse(hash, template), is_frequent: index == 0 }
    })
}

pub(super) fn all() -> Vec<Deviation> {
    let Some(scheme) = crate::dialect::Dialect::platform().scheme(Algorithm::Md5) else {
        return Vec::new();
    };
    let rule = Form::of(scheme);
    let of_row = |row| {
        let hmacs = hmacs(row, &rule).map(|form| form.deviation);
        std::iter::once(plain_deviation(row, &rule)).chain(hmacs).collect::<Vec<_>>()
    };
    ROWS.iter().flat_map(of_row).collect()
}
