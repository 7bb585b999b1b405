use super::*;

const KEY: &str = "ThisIsYourSecretKey123";

fn key() -> Key {
    Key::try_new(KEY.as_bytes().to_vec()).unwrap()
}

fn mismatch(json: &str, required: Option<Algorithm>) -> Option<Mismatch> {
    let payload = Payload::parse(json.as_bytes()).unwrap();
    verify(&payload, &key(), Dialect::platform(), required).mismatch().cloned()
}

#[test]
fn every_byte_has_its_two_digits() {
    for first in (0..=u8::MAX).step_by(32) {
        let digest: Vec<u8> = (first..=first + 31).collect();
        for length in [16, 20, 32] {
            let lower = hex::encode(&digest[..length]);
            let written = |case| Signature::write(&digest[..length], case);
            assert_eq!(written(DigestCase::Lower).as_str(), lower);
            assert_eq!(written(DigestCase::Upper).as_str(), lower.to_uppercase());
            let debug = format!("{:?}", written(DigestCase::Lower));
            assert_eq!(debug, format!("Signature({} digits)", 2 * length));
        }
    }
}

#[test]
fn only_the_same_digits_match() {
    for length in [16, 32] {
        let digest: Vec<u8> = (0x9a..).take(length).collect();
        let signature = Signature::write(&digest, DigestCase::Lower);
        let right = signature.as_str().to_owned();
        assert!(signature.matches(&right));
        for at in 0..right.len() {
            for other in ["0", "f", "F", " ", "\0"] {
                let mut wrong = right.clone();
                wrong.replace_range(at..=at, other);
                assert_eq!(signature.matches(&wrong), wrong == right, "{wrong:?}");
            }
            assert!(!signature.matches(&right[..at]), "the first {at} digits");
            assert!(!signature.matches(&right[at + 1..]), "the digits after {at}");
        }
        for wrong in [
            format!("{right}0"),
            format!("0{right}"),
            format!("{right}\n"),
            format!(" {right}"),
            format!("{right}{right}"),
            right.to_uppercase(),
        ] {
            assert!(!signature.matches(&wrong), "{wrong:?}");
        }
    }
}

#[test]
fn what_follows_the_canonical_string_is_signed_in_its_order() {
    let hmac = |text: String| {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    };
    let md5 = |text: String| hex::encode(Md5::digest(text));
    let sha256 = |text: String| hex::encode(Sha256::digest(text));
    let key_digest = md5(KEY.to_owned());
    let payload = Payload::parse(br#"{"b":2,"a":1}"#).unwrap();
    for (algorithm, suffix, expected) in [
        (Algorithm::Md5, Suffix::Nothing, md5("a=1&b=2".to_owned())),
        (Algorithm::Md5, Suffix::Key("&".into()), md5(format!("a=1&b=2&{KEY}"))),
        (Algorithm::Md5, Suffix::Key("".into()), md5(format!("a=1&b=2{KEY}"))),
        (Algorithm::Md5, Suffix::Md5OfKey("&".into()), md5(format!("a=1&b=2&{key_digest}"))),
        (Algorithm::Sha256, Suffix::Key("&key=".into()), sha256(format!("a=1&b=2&key={KEY}"))),
        (Algorithm::HmacSha256, Suffix::Nothing, hmac("a=1&b=2".to_owned())),
        (Algorithm::HmacSha256, Suffix::Key("&key=".into()), hmac(format!("a=1&b=2&key={KEY}"))),
    ] {
        for digest_case in [DigestCase::Lower, DigestCase::Upper] {
            let first = Dialect::platform().first().clone();
            let scheme = Scheme { algorithm, suffix: suffix.clone(), digest_case, ..first };
            let signature = sign(&canonicalize(&payload, &scheme), &scheme, &key());
            assert_eq!(signature.as_str(), in_case(&expected, digest_case), "{scheme:?}");
        }
    }
}

#[test]
fn the_length_is_counted_in_characters_around_that_of_the_scheme() {
    let length = |given, expected| Mismatch::Length { given, expected };
    for (given, sign_type, expected) in [
        ("x".repeat(31), "MD5", length(31, 32)),
        ("x".repeat(32), "MD5", Mismatch::Digest),
        ("x".repeat(33), "MD5", length(33, 32)),
        ("é".repeat(16), "MD5", length(16, 32)),
        ("é".repeat(31), "MD5", length(31, 32)),
        ("é".repeat(32), "MD5", Mismatch::Digest),
        ("0".repeat(31), "MD5", length(31, 32)),
        ("0".repeat(33), "MD5", length(33, 32)),
        ("0".repeat(64), "MD5", length(64, 32)),
        ("0".repeat(64), "", Mismatch::Digest),
        ("0".repeat(63), "", length(63, 32)),
        ("x".repeat(64), "", length(64, 32)),
        ("0".repeat(32), "HMAC-SHA256", length(32, 64)),
        ("0".repeat(64), "HMAC-SHA256", Mismatch::Digest),
        ("0".repeat(65), "HMAC-SHA256", length(65, 64)),
        (
            "0".repeat(40),
            "HMAC-SHA256",
            Mismatch::OtherHash { hash: "SHA-1", given: 40, expected: 64 },
        ),
        (
            "0".repeat(128),
            "HMAC-SHA256",
            Mismatch::OtherHash { hash: "SHA-512", given: 128, expected: 64 },
        ),
        ("x".repeat(40), "MD5", length(40, 32)),
        ("".to_owned(), "MD5", Mismatch::Empty),
        (" ".to_owned(), "MD5", length(1, 32)),
    ] {
        let json = format!(r#"{{"a":1,"sign":"{given}","sign_type":"{sign_type}"}}"#);
        assert_eq!(mismatch(&json, None), Some(expected), "{json}");
    }
}

#[test]
fn a_demanded_digest_is_the_one_that_is_expected() {
    use Algorithm::{HmacSha256, Md5};
    let payload = Payload::parse(br#"{"a":1}"#).unwrap();
    for (signed_by, required, matches, demanded) in [
        (Md5, None, true, Md5),
        (Md5, Some(Md5), true, Md5),
        (Md5, Some(HmacSha256), false, HmacSha256),
        (HmacSha256, Some(HmacSha256), true, HmacSha256),
        (HmacSha256, Some(Md5), false, Md5),
    ] {
        let dialect = Dialect::platform();
        let scheme = dialect.scheme(signed_by).unwrap();
        let signature = sign(&canonicalize(&payload, scheme), scheme, &key());
        let body = attach(&payload, scheme, &signature);
        let payload = Payload::parse(body.as_bytes()).unwrap();
        let verification = verify(&payload, &key(), dialect, required);
        assert_eq!(verification.mismatch().is_none(), matches, "{signed_by} {required:?}");
        assert_eq!(verification.scheme.algorithm, signed_by);
        assert_eq!(verification.given.as_deref(), Some(signature.as_str()));
        assert_eq!(demanded_scheme(dialect, &verification).algorithm, demanded);
        let expected = expected(&payload, &key(), dialect, &verification);
        assert_eq!(expected.as_str().len(), demanded.digits());
    }
}

#[test]
fn each_mismatch_has_its_code_and_only_digests_can_be_diagnosed() {
    let unknown = UnknownSignType("RSA".to_owned());
    for (mismatch, code, can_be_diagnosed) in [
        (Mismatch::Missing, "missing", false),
        (Mismatch::Empty, "empty", false),
        (Mismatch::NotText("null"), "not-text", false),
        (Mismatch::UnknownSignType(unknown), "unknown-sign-type", false),
        (Mismatch::NotAsRequired { required: Algorithm::Md5 }, "not-as-required", false),
        (Mismatch::Length { given: 1, expected: 32 }, "length", true),
        (Mismatch::OtherHash { hash: "SHA-1", given: 40, expected: 32 }, "length", true),
        (Mismatch::Case(DigestCase::Lower), "case", true),
        (
            Mismatch::Notation { written: "as a UUID".to_owned(), case: DigestCase::Lower },
            "notation",
            true,
        ),
        (Mismatch::Digest, "digest", true),
    ] {
        assert_eq!((mismatch.code(), mismatch.can_be_diagnosed()), (code, can_be_diagnosed));
    }
}
