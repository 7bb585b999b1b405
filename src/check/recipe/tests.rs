use jiff::Timestamp;

use super::*;
use crate::protocol::dialect::Dialect;
use crate::protocol::key::Key;
use crate::protocol::payload::Payload;
use crate::protocol::scheme::Algorithm;
use crate::protocol::signature::{Answer, Mismatch, verify};

fn now() -> Timestamp {
    Timestamp::from_second(1_567_614_111).unwrap()
}

fn key() -> Key {
    Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
}

fn workshop(algorithm: Algorithm) -> Workshop {
    let statuses = StatusNumbers::default();
    Workshop::try_new(key(), Dialect::platform(), algorithm, 7, statuses).unwrap()
}

fn recipe(lines: &[&str]) -> Recipe {
    Recipe { operations: lines.iter().map(|line| (*line).to_owned()).collect() }
}

fn made(algorithm: Algorithm, lines: &[&str]) -> String {
    let mut history = History::new("test");
    let message = workshop(algorithm).message(&recipe(lines), now(), &mut history).unwrap();
    String::from_utf8(message.body).unwrap()
}

fn md5(lines: &[&str]) -> String {
    made(Algorithm::Md5, lines)
}

fn answer(body: &str) -> Answer {
    let payload = Payload::parse(body.as_bytes()).unwrap();
    verify(&payload, &key(), Dialect::platform(), None).answer
}

#[test]
fn the_control_verifies_under_every_digest_and_dialect() {
    assert_eq!(
        md5(&["success", "sign"]),
        concat!(
            r#"{"payout_id":"CHECK-d86ae0da8a7e7784","payout_cl_id":"CHECK-Cd86ae0da8a7e7784","platform_id":"PF0014","#,
            r#""amount":12345,"real_amount":12345,"fee":95,"status":3,"create_time":1567614049,"update_time":1567614111,"sign":"c9cab8147728f7d4050f28675a7f4ed5"}"#
        )
    );
    for dialect in &crate::protocol::dialect::DIALECTS {
        for scheme in dialect.schemes.iter() {
            let statuses = StatusNumbers::default();
            let workshop =
                Workshop::try_new(key(), dialect, scheme.algorithm, 7, statuses).unwrap();
            let mut history = History::new("test");
            let message = workshop.message(&Recipe::control(), now(), &mut history).unwrap();
            let payload = Payload::parse(&message.body).unwrap();
            let required = Some(scheme.algorithm);
            assert_eq!(verify(&payload, &key(), dialect, required).answer, Answer::Match);
        }
    }
}

#[test]
fn unsound_signatures_do_not_verify() {
    let digest = Answer::Mismatch(Mismatch::Digest);
    assert_eq!(answer(&md5(&["success", "sign wrong-key"])), digest);
    assert_eq!(answer(&md5(&["success", "sign no-key"])), digest);
}
