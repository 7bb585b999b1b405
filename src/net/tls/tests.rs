//! Papers good and bad, shown to the sender by a merchant on https.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use protocol::internal::acknowledgement::ACKNOWLEDGEMENT_BODY;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::net::http::{HttpSettings, HttpTransport};
use crate::net::transport::{Target, Transport};
use crate::net::wire::tests::{
    acknowledgement, body_of, failure, read_request, reused, send, settings, transport,
};
use crate::net::wire_settings::{ResolveRule, WireSettings, WriteSide};

/// A certificate and its key, both in PEM, and the authority's certificate.
struct Papers {
    certificate: String,
    key: String,
    authority: String,
}

fn papers(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Papers {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "the authority");
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    Papers {
        certificate: params.signed_by(&key, &issuer).unwrap().pem(),
        key: key.serialize_pem(),
        authority: issuer.pem(),
    }
}

fn self_signed(names: &[&str]) -> Papers {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = made.cert.pem();
    Papers { authority: certificate.clone(), certificate, key: made.signing_key.serialize_pem() }
}

/// A merchant on https that answers every connection, and tells how many requests it got.
fn https(
    papers: &Papers,
    clients: Option<&Papers>,
    connections: usize,
) -> (String, JoinHandle<usize>) {
    let certificates = |pem: &str| -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(papers) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(&papers.authority));
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .unwrap(),
            )
        }
    };
    let key = PrivateKeyDer::from_pem_slice(papers.key.as_bytes()).unwrap();
    let config =
        Arc::new(builder.with_single_cert(certificates(&papers.certificate), key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let thread = thread::spawn(move || {
        let mut served = 0;
        for _ in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            let mut stream =
                StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            while read_request(&mut stream).is_some() {
                served += 1;
                if stream.write_all(acknowledgement().as_bytes()).is_err() {
                    break;
                }
            }
            // The client still reads the alert that says why.
            let _ = stream.sock.shutdown(Shutdown::Write);
            let _ = stream.sock.read_to_end(&mut Vec::new());
        }
        served
    });
    (url, thread)
}

fn trusting(papers: &Papers) -> TlsSettings {
    let trust = Trust::Only(Authorities::parse(papers.authority.as_bytes()).unwrap());
    TlsSettings { trust, identity: None }
}

/// The ordinary way and the tool's own connections, with the same certificates.
fn both_ways(tls: TlsSettings) -> [WireSettings; 2] {
    let local = ResolveRule::parse("*:1:127.0.0.1").unwrap();
    [
        settings(|s| s.tls = tls.clone()),
        settings(|s| {
            s.tls = tls.clone();
            s.resolve = vec![local];
        }),
    ]
}

#[tokio::test]
async fn https_works_with_the_certificate_that_is_trusted() {
    let papers = self_signed(&["localhost"]);
    let anyone = TlsSettings { trust: Trust::Anyone, identity: None };
    let (url, merchant) = https(&papers, None, 4);
    for tls in [trusting(&papers), anyone] {
        for wire in both_ways(tls) {
            assert_eq!(body_of(send(&url, wire).await), ACKNOWLEDGEMENT_BODY.as_bytes());
            tokio::task::yield_now().await;
        }
    }
    let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
    assert_eq!(join.await.unwrap(), 4);
}

#[tokio::test]
async fn https_keeps_and_half_closes_connections_too() {
    let papers = self_signed(&["localhost"]);
    let (url, merchant) = https(&papers, None, 2);
    let (transport, request) = transport(&url, WireSettings { tls: trusting(&papers), ..reused() });
    body_of(transport.send(&request).await);
    body_of(transport.send(&request).await);
    drop(transport);
    let half = settings(|s| {
        s.tls = trusting(&papers);
        s.write_side = WriteSide::HalfClosed;
    });
    body_of(send(&url, half).await);
    let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
    assert_eq!(join.await.unwrap(), 3);
}

/// The explanations of both ways, which must be one and the same.
async fn refused(papers: &Papers, tls: TlsSettings) -> String {
    let (url, merchant) = https(papers, None, 2);
    let mut told = Vec::new();
    for wire in both_ways(tls) {
        let outcome = send(&url, wire).await;
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
    let unknown = refused(&papers(&["localhost"], |_| ()), stranger).await;
    assert_says(&unknown, &["no authority", "--cacert"]);
    let elsewhere = papers(&["shop.example"], |_| ());
    let wrong_host = refused(&elsewhere, trusting(&elsewhere)).await;
    assert_says(&wrong_host, &["not for localhost", "shop.example"]);
    let old = papers(&["localhost"], |params| params.not_after = rcgen::date_time_ymd(2020, 1, 2));
    assert_says(&refused(&old, trusting(&old)).await, &["expired on 2020-01-02", "renew"]);
    let early =
        papers(&["localhost"], |params| params.not_before = rcgen::date_time_ymd(2999, 1, 1));
    assert_says(&refused(&early, trusting(&early)).await, &["not valid before 2999-01-01"]);
    let authority = papers(&["localhost"], |params| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    assert_says(&refused(&authority, trusting(&authority)).await, &["CA:FALSE"]);
}

#[tokio::test]
async fn a_client_certificate_is_demanded_and_given() {
    let papers = self_signed(&["localhost"]);
    let client = self::papers(&["client"], |_| ());
    let (url, merchant) = https(&papers, Some(&client), 4);
    for wire in both_ways(trusting(&papers)) {
        let outcome = send(&url, wire).await;
        assert_eq!(failure(&outcome).code(), "tls");
        assert_says(&failure(&outcome).explanation(), &["client certificate", "--client-cert"]);
    }
    let identity = Identity::parse(client.certificate.as_bytes(), client.key.as_bytes()).unwrap();
    assert_eq!(format!("{identity:?}"), "Identity(1 certificates)");
    let known = TlsSettings { identity: Some(identity), ..trusting(&papers) };
    for wire in both_ways(known) {
        body_of(send(&url, wire).await);
    }
    let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
    assert_eq!(join.await.unwrap(), 2);
}

#[test]
fn papers_that_cannot_be_read_are_refused() {
    assert!(Authorities::parse(b"").is_err());
    assert!(Authorities::parse(b"-----BEGIN CERTIFICATE-----\n!\n-----END").is_err());
    let (one, other) = (self_signed(&["a"]), self_signed(&["b"]));
    assert!(Identity::parse(one.certificate.as_bytes(), b"no key").is_err());
    let mixed = Identity::parse(one.certificate.as_bytes(), other.key.as_bytes()).unwrap();
    let wire = settings(|s| s.tls = TlsSettings { identity: Some(mixed), ..trusting(&one) });
    let target = Target::parse("https://localhost/").unwrap();
    let settings = HttpSettings { wire, ..HttpSettings::default() };
    assert!(HttpTransport::try_new(&target, settings).is_err());
}
