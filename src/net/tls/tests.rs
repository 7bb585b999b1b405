//! Certificates good and bad, shown to the sender by a merchant on https.

use std::sync::{Arc, Mutex};

use protocol::internal::acknowledgement::ACKNOWLEDGEMENT_BODY;
use rcgen::IsCa;

use super::*;
use crate::net::client::peers::*;
use crate::net::client::{Client, ClientConfig};
use crate::net::options::RequestOptions;
use crate::net::target::Target;
use crate::net::trace::Trace;
use crate::net::transport::Transport;

fn trusting(own: &TestCertificates) -> TlsSettings {
    let trust = Trust::parse(own.authority.as_bytes()).unwrap();
    TlsSettings { trust, identity: None }
}

/// The direct way and the one through a proxy, with the same certificates.
fn both_ways(tls: TlsSettings) -> [ClientConfig; 2] {
    [
        ClientConfig { tls: tls.clone(), ..ClientConfig::default() },
        ClientConfig { tls, ..through(proxy()) },
    ]
}

#[tokio::test]
async fn https_works_with_the_certificate_that_is_trusted() {
    let own = self_signed(&["localhost"]);
    let anyone = TlsSettings { trust: Trust::Anyone, identity: None };
    let (url, merchant) = https(&own, None, 4);
    for tls in [trusting(&own), anyone] {
        for config in both_ways(tls) {
            assert_eq!(
                body_of(send_with(&url, RequestOptions::default(), config).await),
                ACKNOWLEDGEMENT_BODY.as_bytes()
            );
            tokio::task::yield_now().await;
        }
    }
    let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
    assert_eq!(join.await.unwrap(), 4);
}

#[tokio::test]
async fn https_keeps_and_half_closes_connections_too() {
    let own = self_signed(&["localhost"]);
    let (url, merchant) = https(&own, None, 2);
    let config = || ClientConfig { tls: trusting(&own), ..ClientConfig::default() };
    let (client, request) = client(&url, reused(), config());
    body_of(client.send(&request).await.outcome);
    body_of(client.send(&request).await.outcome);
    drop(client);
    let half = options(|o| o.is_half_closed = true);
    body_of(send_with(&url, half, config()).await);
    let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
    assert_eq!(join.await.unwrap(), 3);
}

/// The explanations of both ways, which must be one and the same.
async fn refused(own: &TestCertificates, tls: TlsSettings) -> String {
    let (url, merchant) = https(own, None, 2);
    let mut told = Vec::new();
    for config in both_ways(tls) {
        let outcome = send_with(&url, RequestOptions::default(), config).await;
        assert_eq!(failure(&outcome).code(), "tls");
        told.push(failure(&outcome).explanation());
    }
    let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
    assert_eq!(join.await.unwrap(), 0);
    assert_eq!(told[0], told[1]);
    told.remove(0)
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    assert!(text.chars().count() < 300, "it would be cut: {text}");
}

#[tokio::test]
async fn a_refused_certificate_is_explained() {
    let stranger = trusting(&self_signed(&["localhost"]));
    let own = refused(&self_signed(&["localhost"]), stranger.clone()).await;
    assert_says(&own, &["self-signed", "--cacert", "--insecure"]);
    let unknown = refused(&issued(&["localhost"], |_| ()), stranger).await;
    assert_says(&unknown, &["no CA that this machine trusts", "--cacert"]);
    let elsewhere = issued(&["shop.example"], |_| ());
    let wrong_host = refused(&elsewhere, trusting(&elsewhere)).await;
    assert_says(&wrong_host, &["not for localhost", "shop.example"]);
    let old = issued(&["localhost"], |params| params.not_after = rcgen::date_time_ymd(2020, 1, 2));
    assert_says(&refused(&old, trusting(&old)).await, &["expired on 2020-01-02", "renew"]);
    let early =
        issued(&["localhost"], |params| params.not_before = rcgen::date_time_ymd(2999, 1, 1));
    assert_says(&refused(&early, trusting(&early)).await, &["not valid before 2999-01-01"]);
    let authority = issued(&["localhost"], |params| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    assert_says(&refused(&authority, trusting(&authority)).await, &["CA:FALSE"]);
}

#[tokio::test]
async fn a_client_certificate_is_demanded_and_given() {
    let own = self_signed(&["localhost"]);
    let client = issued(&["client"], |_| ());
    let (url, merchant) = https(&own, Some(&client), 4);
    for config in both_ways(trusting(&own)) {
        let outcome = send_with(&url, RequestOptions::default(), config).await;
        assert_eq!(failure(&outcome).code(), "tls");
        assert_says(&failure(&outcome).explanation(), &["client certificate", "--client-cert"]);
    }
    let identity = Identity::parse(client.certificate.as_bytes(), client.key.as_bytes()).unwrap();
    assert_eq!(format!("{identity:?}"), "Identity(1 certificates)");
    let known = TlsSettings { identity: Some(identity), ..trusting(&own) };
    for config in both_ways(known) {
        body_of(send_with(&url, RequestOptions::default(), config).await);
    }
    let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
    assert_eq!(join.await.unwrap(), 2);
}

#[test]
fn papers_that_cannot_be_read_are_refused() {
    assert!(Trust::parse(b"").is_err());
    assert!(Trust::parse(b"-----BEGIN CERTIFICATE-----\n!\n-----END").is_err());
    let (one, other) = (self_signed(&["a"]), self_signed(&["b"]));
    assert!(Identity::parse(one.certificate.as_bytes(), b"no key").is_err());
    let mixed = Identity::parse(one.certificate.as_bytes(), other.key.as_bytes()).unwrap();
    let tls = TlsSettings { identity: Some(mixed), ..trusting(&one) };
    let target = Target::parse("https://localhost/").unwrap();
    assert!(Client::try_new(&target, ClientConfig { tls, ..ClientConfig::default() }).is_err());
}

#[tokio::test]
async fn a_trace_shows_the_chain_also_where_it_is_refused() {
    for (own, is_trusted) in [(self_signed(&["localhost"]), true), (self_signed(&["x"]), false)] {
        let (url, merchant) = https(&own, None, 1);
        let shown: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&shown);
        let trace = Trace::new(move |_, lines| sink.lock().unwrap().extend_from_slice(lines));
        let config =
            ClientConfig { tls: trusting(&own), trace: Some(trace), ..ClientConfig::default() };
        let outcome = send_with(&url, RequestOptions::default(), config).await;
        let shown = shown.lock().unwrap().join("\n");
        let connected = "* connected to 127.0.0.1:";
        let chain = "* certificate 1: rcgen self signed cert, issued by rcgen self signed cert, \
                     expires 4096-01-01T00:00:00Z";
        assert!(shown.contains(connected) && shown.contains(chain), "{shown}");
        assert!(shown.starts_with("* localhost has the addresses"), "{shown}");
        // What was not sent is not shown.
        assert_eq!(shown.contains("> POST / HTTP/1.1\n"), is_trusted, "{shown}");
        assert_eq!(shown.contains("* TLS: TLSv1_3, TLS13_"), is_trusted, "{shown}");
        assert_eq!(shown.contains("< HTTP/1.1 200 OK\n"), is_trusted, "{shown}");
        assert_eq!(outcome.status().is_some(), is_trusted);
        let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
        join.await.unwrap();
    }
}
