//! `listen` under TLS.

use std::fs;

use crate::harness::{KEY, Listening, exchange, json_post, payout_notify, signed_success};

#[test]
fn a_certificate_made_for_the_run_is_trusted_by_who_gets_it() {
    let listening = Listening::start(&["--tls-self-signed", "--tls-cert-out", "cert.pem"]);
    assert!(listening.url.starts_with("https://127.0.0.1:"), "{}", listening.url);
    let fingerprint = listening.ready["certificate_sha256"].as_str().unwrap();
    assert!(fingerprint.len() >= 64, "{fingerprint}");
    let cert = listening.running().work().join("cert.pem");
    assert!(fs::read_to_string(&cert).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let run = ["simulate", &listening.url, "--cacert"];
    payout_notify(&run).arg(&cert).key(KEY).run().exits(0).says(&["acknowledged after 1 attempt"]);
    assert_eq!(listening.callback()["valid"], true);
    let distrusting = payout_notify(&["simulate", &listening.url, "--schedule", "1ms"]).key(KEY);
    distrusting.run().exits(1).says(&["certificate"]);
    // Who speaks plainly is told so.
    let plain = exchange(listening.address, json_post(&signed_success()));
    assert_eq!(plain.status, 400);
    assert!(plain.body.contains("https://"), "{}", plain.body);
    listening.interrupt().output.exits(0);
}

#[test]
fn files_that_are_no_identity_are_named() {
    let listen = |arguments: &[&str]| {
        let program = payout_notify(&[&["listen", "--bind", ":0"], arguments].concat()).key(KEY);
        program.file("a.pem", "no certificate").file("b.pem", "no key").run()
    };
    listen(&["--tls-cert", "a.pem", "--tls-key", "b.pem"]).exits(3).remarks(&["TLS", "a.pem"]);
    listen(&["--tls-cert", "away.pem", "--tls-key", "b.pem"]).exits(3).remarks(&["away.pem"]);
    listen(&["--tls-cert", "a.pem"]).exits(2).remarks(&["--tls-key"]);
    listen(&["--tls-cert-out", "c.pem"]).exits(2).remarks(&["--tls-self-signed"]);
    listen(&["--tls-self-signed", "--tls-cert-out", "no/such/c.pem"]).exits(4);
}
