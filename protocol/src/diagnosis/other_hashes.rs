//! Hashes that the platform does not use: SHA-1, SHA-224, SHA-384, SHA-512 and their HMACs.

use super::Deviation;
use super::deviations::deviation;
use super::digest::Width;
use super::forms::{Form, FormRule, forms_of, key_rule};
use super::hashing::{Hash, Kind};

const OTHERS: [(Kind, &str); 4] = [
    (Kind::Sha1, "sha1"),
    (Kind::Sha224, "sha224"),
    (Kind::Sha384, "sha384"),
    (Kind::Sha512, "sha512"),
];

pub(super) struct Standing {
    /// The plain digest, with the key where the rule has it.
    pub(super) own: Form,
    pub(super) deviation: Deviation,
    pub(super) forms: Vec<FormRule>,
}

/// The hash whose digests have this width; `None` where the platform has one of that width.
///
/// `ruling` is what the payload's own scheme does.
pub(super) fn standing(width: Width, ruling: &Form) -> Option<Standing> {
    let (kind, name) = OTHERS.into_iter().find(|(kind, _)| kind.width() == width)?;
    let (rule, fix) = key_rule(ruling);
    let own = match ruling.parts.as_slice() {
        // The key of an HMAC is not in its text.
        [_] => Form::parse(Hash::Plain(kind), "{S}&{K}"),
        parts => Form { hash: Hash::Plain(kind), parts: parts.to_vec() },
    };
    let hmacs = [
        ("", Hash::Hmac(kind), "{S}"),
        ("-with-key", Hash::Hmac(kind), "{S}&{K}"),
        ("-with-label", Hash::Hmac(kind), "{S}&key={K}"),
        ("-swapped", Hash::SwappedHmac(kind), "{S}"),
    ]
    .map(|(ending, hash, template)| FormRule {
        deviation: Deviation { rule, fix, ..deviation(&format!("hmac-{name}{ending}")) },
        form: Form::parse(hash, template),
        is_frequent: ending.is_empty(),
    });
    let md5 = Hash::Plain(Kind::Md5);
    let own_md5 = Form { hash: md5, parts: own.parts.clone() };
    let plain = forms_of(Width::Sixteen, &own_md5, ruling)
        .into_iter()
        .filter(|rule| rule.form.hash == md5)
        .map(|rule| FormRule { form: Form { hash: own.hash, parts: rule.form.parts }, ..rule });
    let forms = hmacs.into_iter().chain(plain).collect();
    Some(Standing { deviation: Deviation { rule, fix, ..deviation(name) }, own, forms })
}
