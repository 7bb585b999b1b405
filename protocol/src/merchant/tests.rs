//! Tests of the library for merchants.

use std::error::Error as _;

use super::*;
use crate::canonical::canonicalize;
use crate::signature::{attach, sign};

const BODY: &str = r#"{"payout_id":"POT1","payout_cl_id":"c1","platform_id":"PF1","amount":400000,
    "real_amount":399000,"fee":3200,"status":3,"create_time":1567614049,"update_time":1567614111}"#;

fn key() -> Key {
    Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
}

fn signed(json: &str, algorithm: Algorithm) -> String {
    let payload = Payload::parse(json.as_bytes()).unwrap();
    let scheme = Dialect::platform().scheme(algorithm).unwrap();
    attach(&payload, scheme, &sign(&canonicalize(&payload, scheme), scheme, &key()))
}

fn verified(from: &str, to: &str) -> Result<Notification, Rejection> {
    assert!(BODY.contains(from), "{from}");
    verify(signed(&BODY.replace(from, to), Algorithm::Md5).as_bytes(), &key())
}

#[test]
fn a_good_notification_is_read_whole() {
    for algorithm in [Algorithm::Md5, Algorithm::HmacSha256] {
        let notification = verify(signed(BODY, algorithm).as_bytes(), &key()).unwrap();
        assert_eq!(notification.kind, Kind::Payout);
        assert_eq!(notification.order_id, "POT1");
        assert_eq!(notification.merchant_order_id, "c1");
        assert_eq!(notification.platform_id, "PF1");
        assert_eq!(notification.amount_cents, Some(400_000));
        assert_eq!(notification.real_amount_cents, Some(399_000));
        assert_eq!(notification.fee_cents, Some(3200));
        assert_eq!(notification.status_code, 3);
        assert_eq!(notification.create_time, Some(1_567_614_049));
        assert_eq!(notification.error_message, None);
        assert_eq!(notification.algorithm, algorithm);
        assert_eq!(notification.findings, []);
        assert_eq!(notification.age_at(1_567_614_171), Some(60));
        assert_eq!(notification.age_at(i64::MIN), Some(i64::MIN));
    }
}

#[test]
fn each_status_is_a_state() {
    for (code, state) in [
        ("0", OrderState::Open),
        ("2", OrderState::Open),
        ("3", OrderState::Succeeded),
        ("4", OrderState::Failed),
        ("5", OrderState::Failed),
        ("6", OrderState::Open),
        ("7", OrderState::Unknown),
        ("\"3\"", OrderState::Succeeded),
    ] {
        let notification = verified("\"status\":3", &format!("\"status\":{code}")).unwrap();
        assert_eq!(notification.state(), state, "{code}");
    }
}

#[test]
fn a_deposit_succeeds_with_another_number() {
    let deposit = BODY.replace("payout_", "payment_").replace("\"status\":3", "\"status\":2");
    let notification = verify(signed(&deposit, Algorithm::Md5).as_bytes(), &key()).unwrap();
    assert_eq!(notification.kind, Kind::Deposit);
    assert_eq!(notification.order_id, "POT1");
    assert_eq!(notification.state(), OrderState::Succeeded);
}

#[test]
fn other_ways_to_write_a_value_are_no_refusal() {
    let notification = verified("400000", "\"1000.0000\"").unwrap();
    assert_eq!(notification.amount_cents, None);
    assert_eq!(notification.amount_text, "1000.0000");
    let notification = verified("1567614111", "\"2019-09-04T16:21:51Z\"").unwrap();
    assert_eq!((notification.update_time, notification.age_at(0)), (None, None));
    assert_eq!(notification.findings.len(), 1);
    let notification = verified("\"fee\":3200", "\"fee\":3200,\"error_msg\":\"no bank\"").unwrap();
    assert_eq!(notification.error_message.as_deref(), Some("no bank"));
    assert_eq!(verified("\"real_amount\":399000,", "").unwrap().real_amount_cents, None);
}

#[test]
fn each_rejection_has_its_code() {
    let code = |body: &str| verify(body.as_bytes(), &key()).unwrap_err().code();
    assert_eq!(code("not json"), PlatformCode::NotJson);
    assert_eq!(code(r#"{"a":1,"a":1}"#), PlatformCode::NotJson);
    assert_eq!(code(BODY), PlatformCode::BadSignature);
    let altered = signed(BODY, Algorithm::Md5).replace("400000", "500000");
    assert_eq!(code(&altered), PlatformCode::BadSignature);
    let missing = verified("\"payout_id\":\"POT1\",", "").unwrap_err();
    assert_eq!(missing.code(), PlatformCode::InvalidParameters);
    assert_eq!(
        missing.to_string(),
        "a field cannot be used; payout_id: the required field is missing"
    );
    assert_eq!(verified("\"status\":3", "\"status\":[]").unwrap_err().code().code(), "0002");
}

#[test]
fn a_rejection_tells_its_cause() {
    let rejection = verify(b"{", &key()).unwrap_err();
    assert_eq!(rejection.to_string(), "the body is not a valid payload");
    assert!(rejection.source().unwrap().to_string().starts_with("line 1, column 2"));
}

#[test]
fn a_demanded_digest_is_held() {
    let verifier = Verifier::new(key()).require(Algorithm::HmacSha256);
    assert!(verifier.verify(signed(BODY, Algorithm::HmacSha256).as_bytes()).is_ok());
    let rejection = verifier.verify(signed(BODY, Algorithm::Md5).as_bytes()).unwrap_err();
    assert!(matches!(rejection, Rejection::Signature(Mismatch::NotAsRequired { .. })));
    assert!(!format!("{verifier:?}").contains("Secret"));
}

#[test]
fn a_sibling_platform_gets_the_reply_that_it_waits_for() {
    let of = |id| Verifier::new(key()).dialect(Dialect::built_in(id).unwrap().clone());
    let wechat = of("wechat-v2").acknowledgement();
    assert_eq!(wechat.content_type(), "text/xml;charset=utf-8");
    assert_eq!(of("platform").acknowledgement(), Acknowledgement::ok());
}

#[test]
fn a_refusal_is_json_with_the_code_and_nothing_of_the_digest() {
    let rejection = verify(BODY.as_bytes(), &key()).unwrap_err();
    let refusal = Acknowledgement::refuse(&rejection);
    assert_eq!(refusal.status(), 200);
    assert_eq!(refusal.body(), r#"{"error_code":"0004","error_msg":"bad signature"}"#);
    assert_eq!(Acknowledgement::with_code(PlatformCode::Success), Acknowledgement::ok());
    assert_eq!(Acknowledgement::with_code(PlatformCode::UnsupportedMethod).status(), 405);
}

#[test]
fn a_member_inside_an_id_is_refused_though_the_signature_holds() {
    let body = signed(BODY, Algorithm::Md5);
    let twin = body
        .replace("\"real_amount\":399000,", "")
        .replace("\"PF1\"", "\"PF1&real_amount=399000\"");
    assert_ne!(twin, body);
    let rejection = verify(twin.as_bytes(), &key()).unwrap_err();
    assert_eq!(rejection.code(), PlatformCode::InvalidParameters, "{rejection}");
}

#[test]
fn the_numbers_and_the_form_of_a_deployment_are_its_own() {
    let numbers = StatusTable::try_new([(3, "cancelled"), (4, "success")]).unwrap();
    let verifier = Verifier::new(key()).statuses(numbers);
    for (code, state) in [(3, OrderState::Failed), (4, OrderState::Succeeded)] {
        let body = BODY.replace("\"status\":3", &format!("\"status\":{code}"));
        let body = signed(&body, Algorithm::Md5);
        assert_eq!(verifier.verify(body.as_bytes()).unwrap().state(), state, "{code}");
    }
    let scheme = Dialect::platform().first();
    let payload = form::read(b"a=1&b=x+y", Encoding::Form).unwrap();
    let sign = sign(&canonicalize(&payload, scheme), scheme, &key());
    let body = format!("a=1&b=x+y&sign={}", sign.as_str());
    assert!(Verifier::new(key()).verify_payload(body.as_bytes()).is_err());
    let verifier = Verifier::new(key()).encoding(Encoding::Form);
    assert_eq!(verifier.verify_payload(body.as_bytes()).unwrap().members().len(), 3);
}

#[test]
fn an_id_with_one_of_the_two_signs_of_a_pair_is_no_pair() {
    for (id, is_refused) in [("a&b", false), ("a=b", false), ("a&b=c", true), ("a=b&", true)] {
        let rejection = verified("\"POT1\"", &format!("\"{id}\"")).err();
        let code = rejection.map(|rejection| rejection.code());
        assert_eq!(code, is_refused.then_some(PlatformCode::InvalidParameters), "{id}");
    }
}
