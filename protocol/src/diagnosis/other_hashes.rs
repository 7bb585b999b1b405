//! Hashes that the platform does not use: SHA-1, SHA-224, SHA-384, SHA-512 and their HMACs.

use super::Deviation;
use super::deviations::{deviation, that_does};
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
        ("-newline", Hash::Hmac(kind), "{S}\n"),
        ("-with-key", Hash::Hmac(kind), "{S}&{K}"),
        ("-with-label", Hash::Hmac(kind), "{S}&key={K}"),
        ("-swapped", Hash::SwappedHmac(kind), "{S}"),
    ]
    .map(|(ending, hash, template)| {
        let deviation = Deviation { rule, fix, ..deviation(&format!("hmac-{name}{ending}")) };
        let is_frequent = ending.is_empty();
        FormRule { is_frequent, ..FormRule::new(deviation, Form::parse(hash, template)) }
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

/// SHA3 of this width, plain with the key at its usual places and as an HMAC.
pub(super) fn sha3(width: Width, ruling: &Form) -> Vec<FormRule> {
    if matches!(width, Width::Sixteen | Width::Twenty) {
        return Vec::new();
    }
    let kind = Kind::Sha3(width);
    let bits = width as usize * 8;
    let (rule, fix) = key_rule(ruling);
    [
        ("sha3", Hash::Plain(kind), "{S}&{K}", "SHA3", "over the string, & and the key"),
        ("sha3", Hash::Plain(kind), "{S}{K}", "SHA3", "over the string and the key"),
        ("sha3", Hash::Plain(kind), "{S}&key={K}", "SHA3", "over the string, &key= and the key"),
        ("hmac-sha3", Hash::Hmac(kind), "{S}", "HMAC-SHA3", "over the string"),
        ("hmac-sha3", Hash::Hmac(kind), "{S}&{K}", "HMAC-SHA3", "over the string, & and the key"),
    ]
    .into_iter()
    .map(|(code, hash, template, name, over)| {
        let described = that_does(code, format!("takes {name}-{bits} {over}"));
        FormRule::new(Deviation { rule, fix, ..described }, Form::parse(hash, template))
    })
    .collect()
}
