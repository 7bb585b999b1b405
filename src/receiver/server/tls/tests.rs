//! Identities good and bad, and clients that speak TLS well, badly, or not at all.

use std::fs;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::receiver::reply::Reply;
use crate::receiver::server::Server;
use crate::receiver::server::event::ServerEvent;
use crate::receiver::server::handler_output::{Answer, WireEnd, WireScript, WireStep};
use crate::receiver::server::limits::Limits;
use crate::receiver::server::tests::rig::{
    PATIENCE, Running, SHORT, post, read_to_end, read_until, small,
};

/// A folder of its own, removed at the end.
struct CertificateFolder(PathBuf);

impl CertificateFolder {
    fn new(name: &str) -> CertificateFolder {
        let name = format!("payout-notify-tls-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        CertificateFolder(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for CertificateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names() -> Vec<String> {
    ["localhost", "127.0.0.1"].map(str::to_owned).to_vec()
}

async fn start(limits: Limits, made: &SelfSigned) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::from_listener(listener, limits).with_tls(made.identity.clone());
    Running::answering(server, |callback| match &callback.body[..] {
        b"reset" => Answer::Wire(WireScript {
            steps: vec![WireStep::Write("HTTP/1.1 2".into())],
            end: WireEnd::Reset,
        }),
        b"close" => Answer::Wire(WireScript {
            steps: vec![WireStep::Write("HTTP/1.1 2".into())],
            end: WireEnd::Close,
        }),
        b"big" => Reply::new(200, "text/plain", vec![b'x'; 1 << 22]).into(),
        _ => Reply::new(200, "text/plain", "fine").into(),
    })
}

fn client(trusted: &SelfSigned, protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.cert_pem.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config).into()
}

async fn connect(
    server: &Running,
    connector: &TlsConnector,
) -> io::Result<ClientStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, server.connect().await).await
}

fn tls_failures(server: &Running) -> Vec<String> {
    let events = server.events.lock().unwrap();
    let reasons = events.iter().filter_map(|event| match event {
        ServerEvent::TlsFailed { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    reasons.collect()
}

#[tokio::test]
async fn callbacks_come_over_tls_and_are_answered() {
    let made = TlsIdentity::self_signed(&names()).unwrap();
    let server = start(small(), &made).await;
    let connector = client(&made, &["h2", "http/1.1"]);
    let mut stream = connect(&server, &connector).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    for _ in 0..2 {
        stream.write_all(post("abc").as_bytes()).await.unwrap();
        read_until(&mut stream, "fine").await;
    }
    stream.write_all(post("close").as_bytes()).await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "HTTP/1.1 2");
    let mut stream = connect(&server, &connector).await.unwrap();
    stream.write_all(post("reset").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
    let error = timeout(PATIENCE, read).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(server.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_client_over_tls_that_never_reads_is_dropped() {
    let made = TlsIdentity::self_signed(&names()).unwrap();
    let server = start(Limits { write_timeout: SHORT, ..small() }, &made).await;
    let mut stream = connect(&server, &client(&made, &[])).await.unwrap();
    stream.write_all(post("big").repeat(9).as_bytes()).await.unwrap();
    let is_slow = |event: &ServerEvent| matches!(event, ServerEvent::SlowReader { .. });
    server.until(|it| it.told(is_slow) == 1).await;
}

#[tokio::test]
async fn failed_handshakes_are_told_in_words() {
    let made = TlsIdentity::self_signed(&names()).unwrap();
    let other = TlsIdentity::self_signed(&names()).unwrap();
    let server = start(Limits { header_timeout: SHORT, ..small() }, &made).await;
    let refusal = server.answer_to(post("abc")).await;
    assert!(refusal.starts_with("HTTP/1.1 400 "), "{refusal}");
    let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{refusal}");
    assert!(connect(&server, &client(&other, &[])).await.is_err());
    assert!(connect(&server, &client(&made, &["h2"])).await.is_err());
    server.answer_to("\x16\x03\x01\x00\x05hello").await;
    // A begun handshake that is not finished in time; silence is no event.
    server.answer_to("\x16\x03").await;
    server.answer_to("").await;
    drop(server.connect().await);
    server.until(|it| tls_failures(it).len() == 5).await;
    let reasons = tls_failures(&server);
    for (reason, words) in reasons.iter().zip([
        "plain HTTP",
        "does it trust the certificate?",
        "does not offer HTTP/1.1",
        "",
        "not whole in time",
    ]) {
        assert!(reason.contains(words), "{reasons:?}");
    }
    assert_eq!(server.received(), 0);
    assert_eq!(server.stopped().await.tls_failed, 5);
}

#[test]
fn an_identity_is_read_from_files() {
    let folder = CertificateFolder::new("good");
    let made = TlsIdentity::self_signed(&names()).unwrap();
    let (certificate, key) = papers();
    let (certificate, key) = (folder.file("c.pem", &certificate), folder.file("k.pem", &key));
    TlsIdentity::from_pem_files(&certificate, &key).unwrap();
    let other = folder.file("o.pem", &made.cert_pem);
    let error = TlsIdentity::from_pem_files(&other, &key).unwrap_err();
    assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
    assert!(error.to_string().contains("o.pem") && error.to_string().contains("k.pem"));
}

fn papers() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(names()).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn what_is_no_identity_is_refused_by_name() {
    let folder = CertificateFolder::new("bad");
    let (certificate, key) = papers();
    let good = (folder.file("c.pem", &certificate), folder.file("k.pem", &key));
    let refused = |certificate: &Path, key: &Path| {
        let error = TlsIdentity::from_pem_files(certificate, key).unwrap_err();
        format!("{error:?} {error}")
    };
    let fake = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
    for (text, variant) in [
        (String::new(), "NoCertificate"),
        (key.clone(), "NoCertificate"),
        (certificate.replace("-----END", "-----XXX"), "BadCertificate"),
        (fake("CERTIFICATE"), "BadCertificate"),
        (certificate.repeat(40), "TooManyCertificates"),
        ("x".repeat(2 << 20), "TooLong"),
    ] {
        let said = refused(&folder.file("bad.pem", &text), &good.1);
        assert!(said.starts_with(variant) && said.contains("bad.pem"), "{variant}: {said}");
    }
    for (text, variant) in [
        (certificate.clone(), "NoKey"),
        (fake("PRIVATE KEY"), "BadKey"),
        (fake("RSA PRIVATE KEY"), "BadKey"),
        (fake("EC PRIVATE KEY"), "BadKey"),
        (key.replace("-----END", "-----XXX"), "BadKey"),
        (fake("ENCRYPTED PRIVATE KEY"), "EncryptedKey"),
    ] {
        let said = refused(&good.0, &folder.file("bad.pem", &text));
        assert!(said.starts_with(variant) && said.contains("bad.pem"), "{variant}: {said}");
        let secret = key.lines().nth(1).unwrap();
        assert!(!said.contains(secret), "{said}");
    }
    let said = refused(&folder.0.join("none.pem"), &good.1);
    assert!(said.starts_with("Read") && said.contains("none.pem"), "{said}");
}

#[test]
fn a_made_certificate_has_its_names_and_its_fingerprint() {
    let made = TlsIdentity::self_signed(&["::1".to_owned(), "a.example".to_owned()]).unwrap();
    assert_eq!(made.sha256_fingerprint.len(), 32 * 3 - 1);
    let der = CertificateDer::from_pem_slice(made.cert_pem.as_bytes()).unwrap();
    assert_eq!(made.sha256_fingerprint, fingerprint(&der));
    let certificate = webpki::EndEntityCert::try_from(&der).unwrap();
    for name in ["a.example", "::1"] {
        let name = ServerName::try_from(name).unwrap();
        certificate.verify_is_valid_for_subject_name(&name).unwrap();
    }
    for names in [vec![], vec!["\u{e9}".to_owned()]] {
        let error = TlsIdentity::self_signed(&names).unwrap_err();
        assert!(matches!(error, TlsError::Unmakeable { .. }), "{error}");
    }
}
