//! The package's promised surface: each item by name, with its signature.
//!
//! A change that breaks a merchant's code breaks the compilation of this file. It needs no feature:
//! `cargo test -p payout-notify-protocol --test public_surface` builds what such a merchant builds.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::error::Error;
use std::process::Command;

use payout_notify_protocol::{
    Acknowledgement, Algorithm, Dialect, EmptyKey, Encoding, Finding, Key, Kind, MAX_BYTES,
    MAX_DEPTH, Member, Mismatch, NoSuchDigest, Notification, OrderState, Payload, PayloadError,
    PayloadProblem, PlatformCode, Rejection, Scheme, Severity, Signer, SigningError, Status,
    StatusTable, UnknownSignType, Value, Verifier, is_json_type, sign, verify,
};

/// What a function's type must be; a wider or narrower one does not fit.
macro_rules! promised {
    ($($item:expr => $type:ty),* $(,)?) => { $( let _: $type = $item; )* };
}

#[test]
fn every_function_has_its_signature() {
    promised! {
        verify => fn(&[u8], &Key) -> Result<Notification, Rejection>,
        is_json_type => fn(&str) -> bool,
        MAX_BYTES => usize,
        MAX_DEPTH => usize,
        sign => fn(&[u8], &Key) -> Result<String, SigningError>,
        Key::try_new => fn(Vec<u8>) -> Result<Key, EmptyKey>,
        Key::try_new => fn(String) -> Result<Key, EmptyKey>,
        Key::try_new => fn(&'static str) -> Result<Key, EmptyKey>,
        Key::fingerprint => fn(&Key) -> String,
        Verifier::new => fn(Key) -> Verifier,
        Verifier::require => fn(Verifier, Algorithm) -> Verifier,
        Verifier::dialect => fn(Verifier, Dialect) -> Verifier,
        Verifier::encoding => fn(Verifier, Encoding) -> Verifier,
        Verifier::verify => fn(&Verifier, &[u8]) -> Result<Notification, Rejection>,
        Verifier::verify_payload => for<'b> fn(&Verifier, &'b [u8]) -> Result<Payload<'b>, Rejection>,
        Verifier::acknowledgement => fn(&Verifier) -> Acknowledgement,
        Signer::new => fn(Key) -> Signer,
        Signer::algorithm => fn(Signer, Algorithm) -> Signer,
        Signer::dialect => fn(Signer, Dialect) -> Signer,
        Signer::encoding => fn(Signer, Encoding) -> Signer,
        Signer::sign => fn(&Signer, &[u8]) -> Result<String, SigningError>,
        Acknowledgement::ok => fn() -> Acknowledgement,
        Acknowledgement::refuse => fn(&Rejection) -> Acknowledgement,
        Acknowledgement::with_code => fn(PlatformCode) -> Acknowledgement,
        Acknowledgement::status => fn(&Acknowledgement) -> u16,
        Acknowledgement::content_type => fn(&Acknowledgement) -> &'static str,
        Acknowledgement::body => fn(&Acknowledgement) -> &str,
        Notification::state => fn(&Notification) -> OrderState,
        Notification::age_at => fn(&Notification, i64) -> Option<i64>,
        Rejection::code => fn(&Rejection) -> PlatformCode,
        PlatformCode::code => fn(PlatformCode) -> &'static str,
        PlatformCode::status => fn(PlatformCode) -> u16,
        PlatformCode::message => fn(PlatformCode) -> &'static str,
        Dialect::platform => fn() -> &'static Dialect,
        Dialect::built_in => fn(&str) -> Option<&'static Dialect>,
        Dialect::scheme => fn(&Dialect, Algorithm) -> Option<&Scheme>,
        Mismatch::code => fn(&Mismatch) -> &'static str,
        Mismatch::explanation => fn(&Mismatch) -> String,
        Algorithm::name => fn(Algorithm) -> &'static str,
        Severity::name => fn(Severity) -> &'static str,
        |text| text.parse() => fn(&str) -> Result<Algorithm, UnknownSignType>,
        |bytes| Payload::parse(bytes) => for<'a> fn(&'a [u8]) -> Result<Payload<'a>, PayloadError>,
        Status::of => fn(Kind, i64) -> Option<Status>,
        StatusTable::status => fn(&StatusTable, Kind, i64) -> Option<Status>,
        Verifier::statuses => fn(Verifier, StatusTable) -> Verifier,
    }
}

/// The fields that a merchant reads; never called, because it need only compile.
#[allow(dead_code, reason = "it is compiled, and that is the test")]
fn every_field_has_its_type(
    notification: Notification,
    finding: Finding,
    error: PayloadError,
    missing: NoSuchDigest,
) {
    promised! {
        notification.kind => Kind,
        notification.order_id => String,
        notification.merchant_order_id => String,
        notification.platform_id => String,
        notification.amount_text => String,
        notification.amount_cents => Option<i64>,
        notification.real_amount_cents => Option<i64>,
        notification.fee_cents => Option<i64>,
        notification.status_code => i64,
        notification.status => Option<Status>,
        notification.create_time => Option<i64>,
        notification.update_time => Option<i64>,
        notification.error_message => Option<String>,
        notification.algorithm => Algorithm,
        notification.findings => Vec<Finding>,
        finding.severity => Severity,
        finding.code => &'static str,
        finding.member => Option<String>,
        finding.message => String,
        error.problem => PayloadProblem,
        error.line => usize,
        error.column => usize,
        error.member => Option<String>,
        missing.dialect => String,
        missing.algorithm => Algorithm,
    }
}

/// Compiles only while each of these cases exists.
#[allow(dead_code, reason = "it is compiled, and that is the test")]
fn every_case_has_its_name(rejection: &Rejection, payload: &Payload<'_>) -> Option<String> {
    match rejection {
        Rejection::Unreadable(PayloadError {
            problem: PayloadProblem::DuplicateMember(_), ..
        }) => {}
        Rejection::Signature(
            Mismatch::Missing | Mismatch::Digest | Mismatch::NotAsRequired { .. },
        ) => {}
        Rejection::Fields(findings) => return Some(findings.first()?.message.clone()),
        _ => {}
    }
    let member: &Member<'_> = payload.get("memo")?;
    match &member.value {
        Value::String(text) => Some(text.to_string()),
        Value::Number(digits) | Value::Array(digits) | Value::Object(digits) => {
            Some((*digits).to_owned())
        }
        Value::Bool(_) | Value::Null => None,
    }
}

/// Why a body cannot be signed; compiles only while each of these cases exists.
#[allow(dead_code, reason = "it is compiled, and that is the test")]
fn every_signing_error_has_its_name(error: SigningError) -> String {
    match error {
        SigningError::InvalidPayload(PayloadError { line, .. }) => line.to_string(),
        SigningError::UnknownSignType(UnknownSignType(name)) => name,
        SigningError::NoSuchDigest(NoSuchDigest { dialect, .. }) => dialect,
        _ => String::new(),
    }
}

#[test]
fn what_is_signed_is_verified_and_a_key_may_be_a_string() {
    let key = Key::try_new(String::from("ThisIsYourSecretKey123")).unwrap();
    assert!(matches!(Key::try_new(""), Err(EmptyKey)));
    let body = sign(br#"{"payout_id":"POT1"}"#, &key).unwrap();
    assert!(Verifier::new(key.clone()).verify_payload(body.as_bytes()).is_ok());
    let signer = Signer::new(key.clone()).algorithm(Algorithm::HmacSha256);
    let body = signer.sign(br#"{"payout_id":"POT1"}"#).unwrap();
    let verifier = Verifier::new(key.clone()).require(Algorithm::HmacSha256);
    assert!(verifier.verify_payload(body.as_bytes()).is_ok());
    assert!(matches!(sign(b"[]", &key), Err(SigningError::InvalidPayload(_))));
    let rsa = sign(br#"{"sign_type":"RSA"}"#, &key).unwrap_err();
    assert_eq!(rsa, SigningError::UnknownSignType(UnknownSignType("RSA".to_owned())));
    let sha256 = Signer::new(key).algorithm(Algorithm::Sha256).sign(b"{}").unwrap_err();
    assert!(matches!(sha256, SigningError::NoSuchDigest(_)), "{sha256}");
}

#[test]
fn a_server_can_share_it_between_threads_and_hand_errors_on() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    fn error<T: Error + Send + Sync + 'static>() {}
    shared::<Verifier>();
    shared::<Signer>();
    shared::<Key>();
    shared::<Notification>();
    shared::<Acknowledgement>();
    error::<Rejection>();
    error::<EmptyKey>();
    error::<PayloadError>();
    error::<SigningError>();
    error::<NoSuchDigest>();
    error::<UnknownSignType>();
}

#[test]
fn the_codes_and_states_have_their_names() {
    let codes = [
        PlatformCode::Success,
        PlatformCode::InvalidParameters,
        PlatformCode::BadSignature,
        PlatformCode::NotJson,
        PlatformCode::UnsupportedContentType,
        PlatformCode::UnsupportedMethod,
    ];
    assert_eq!(codes.map(PlatformCode::code), ["0000", "0002", "0004", "0021", "0022", "0023"]);
    let states = [OrderState::Open, OrderState::Succeeded, OrderState::Failed, OrderState::Unknown];
    assert_eq!(states.len(), 4);
    let kinds = [Kind::Payout, Kind::Deposit];
    let success = kinds.map(|kind| Status::of(kind, 2).unwrap().name);
    assert_eq!(success, ["processing", "success"]);
}

/// What the package brings without features: a merchant's server must not get a runtime with it.
#[test]
fn without_features_it_brings_few_crates() {
    let cargo = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["-p", "payout-notify-protocol", "--no-default-features", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let tree = String::from_utf8(cargo.stdout).unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let mut names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.contains(&"md-5"), "{names:?}");
    for heavy in [
        "clap",
        "tokio",
        "hyper",
        "reqwest",
        "rustls",
        "rusqlite",
        "serde",
        "serde_json",
        "toml",
        "jiff",
        "encoding_rs",
    ] {
        assert!(!names.contains(&heavy), "{heavy} is in {names:?}");
    }
    assert!(names.len() <= 30, "{} crates: {names:?}", names.len());
}
