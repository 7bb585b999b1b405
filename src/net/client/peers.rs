//! Merchants and proxies as bytes on real sockets, and requests to them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol::internal::acknowledgement::ACKNOWLEDGEMENT_BODY;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{Client, ClientConfig};
use crate::net::options::{Connections, RequestOptions};
use crate::net::outcome::{Outcome, TransportFailure};
use crate::net::proxy::ProxyRule;
use crate::net::target::Target;
use crate::net::transport::{Request, Transport};

pub(in crate::net) const BODY: &str = r#"{"a":1}"#;

pub(in crate::net) fn acknowledgement() -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        ACKNOWLEDGEMENT_BODY.len(),
        ACKNOWLEDGEMENT_BODY
    )
}

pub(in crate::net) fn options(change: impl FnOnce(&mut RequestOptions)) -> RequestOptions {
    let mut options = RequestOptions::default();
    change(&mut options);
    options
}

pub(in crate::net) fn reused() -> RequestOptions {
    options(|o| o.connections = Connections::Reused)
}

pub(in crate::net) fn client(
    url: &str,
    options: RequestOptions,
    config: ClientConfig,
) -> (Client, Request) {
    let target = Target::parse(url).unwrap();
    let client = Client::try_new(&target, config).unwrap();
    (client, Request::new(target, Arc::new(options), BODY))
}

pub(in crate::net) async fn send_with(
    url: &str,
    options: RequestOptions,
    config: ClientConfig,
) -> Outcome {
    let (client, request) = client(url, options, config);
    client.send(&request).await.outcome
}

pub(in crate::net) async fn send(url: &str, options: RequestOptions) -> Outcome {
    send_with(url, options, without_proxy()).await
}

/// No proxy, whatever the environment of the tests says.
pub(in crate::net) fn without_proxy() -> ClientConfig {
    ClientConfig { proxy: ProxyRule::Direct, ..ClientConfig::default() }
}

pub(in crate::net) fn through(proxy: SocketAddr) -> ClientConfig {
    let proxy = ProxyRule::parse(&format!("http://user:s3cret@{proxy}")).unwrap();
    ClientConfig { proxy, ..ClientConfig::default() }
}

#[track_caller]
pub(in crate::net) fn failure(outcome: &Outcome) -> &TransportFailure {
    match outcome {
        Outcome::NoReply(failure) => failure,
        Outcome::Reply(reply) => panic!("a reply: {reply:?}"),
    }
}

#[track_caller]
pub(in crate::net) fn body_of(outcome: Outcome) -> Vec<u8> {
    match outcome {
        Outcome::Reply(reply) => reply.body,
        Outcome::NoReply(failure) => panic!("no reply: {failure:?}"),
    }
}

/// Reads a request's head and its body, by length or in chunks; `None` where the client hung up.
pub(in crate::net) fn read_request(stream: &mut impl Read) -> Option<String> {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    let mut until = |seen: &mut Vec<u8>, end: &dyn Fn(&[u8]) -> bool| {
        while !end(seen) {
            if stream.read(&mut byte).ok()? == 0 {
                return None;
            }
            seen.extend(byte);
        }
        Some(())
    };
    until(&mut seen, &|seen| seen.ends_with(b"\r\n\r\n"))?;
    let head = String::from_utf8(seen.clone()).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => {
            let whole = seen.len() + length.parse::<usize>().unwrap();
            until(&mut seen, &|seen| seen.len() == whole)?;
        }
        None => until(&mut seen, &|seen| seen.ends_with(b"\r\n0\r\n\r\n"))?,
    }
    Some(String::from_utf8(seen).unwrap())
}

/// A merchant that takes one connection and gives back what its handler gives.
pub(in crate::net) fn merchant<T: Send + 'static>(
    handle: impl FnOnce(&mut TcpStream) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/notify?a=1", listener.local_addr().unwrap());
    let thread = thread::spawn(move || handle(&mut listener.accept().unwrap().0));
    (url, thread)
}

/// A server that handles every connection on a thread of its own, until the tests end.
pub(in crate::net) fn serve(handle: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let handle = handle.clone();
            thread::spawn(move || handle(stream));
        }
    });
    address
}

/// A proxy that passes requests on and builds tunnels, and answers 502 where it cannot.
pub(in crate::net) fn proxy() -> SocketAddr {
    serve(|mut client| {
        let Some((line, head)) = read_head(&mut client) else { return };
        let is_tunnel = line.starts_with("CONNECT ");
        let place = line.split(' ').nth(1).unwrap_or_default();
        let place = place.trim_start_matches("http://");
        let (address, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        // Whatever the host's name is, the merchants of the tests are on this machine.
        let port = address.rsplit(':').next().unwrap_or_default();
        let refusal = "HTTP/1.1 502 Bad Gateway\r\nVia: 1.1 p\r\nContent-Length: 0\r\n\r\n";
        let is_known = !address.contains("..");
        let server = TcpStream::connect(format!("127.0.0.1:{port}")).ok().filter(|_| is_known);
        let Some(mut server) = server else {
            let _ = client.write_all(refusal.as_bytes());
            return;
        };
        let begun = match is_tunnel {
            true => client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n"),
            false => write!(
                server,
                "{}\r\n{head}",
                line.replacen(&format!("http://{address}{path}"), path, 1)
            ),
        };
        begun.unwrap();
        let (mut from_client, mut to_server) =
            (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || {
            let _ = io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        // A merchant's reset is passed on: one with no time to linger, once the other thread is through.
        let how = match io::copy(&mut server, &mut client) {
            Ok(_) => Shutdown::Both,
            Err(_) => Shutdown::Read,
        };
        if how == Shutdown::Read {
            socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        }
        let _ = client.shutdown(how);
    })
}

/// The first line of a request without its end, and the rest of its head.
pub(in crate::net) fn read_head(stream: &mut TcpStream) -> Option<(String, String)> {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        seen.extend(byte);
    }
    let head = String::from_utf8(seen).ok()?;
    let (line, rest) = head.split_once("\r\n")?;
    Some((line.to_owned(), rest.to_owned()))
}

/// A certificate and its key, both in PEM, and the authority's certificate.
pub(in crate::net) struct TestCertificates {
    pub(in crate::net) certificate: String,
    pub(in crate::net) key: String,
    pub(in crate::net) authority: String,
}

pub(in crate::net) fn issued(
    names: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> TestCertificates {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "the authority");
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    TestCertificates {
        certificate: params.signed_by(&key, &issuer).unwrap().pem(),
        key: key.serialize_pem(),
        authority: issuer.pem(),
    }
}

pub(in crate::net) fn self_signed(names: &[&str]) -> TestCertificates {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = made.cert.pem();
    TestCertificates {
        authority: certificate.clone(),
        certificate,
        key: made.signing_key.serialize_pem(),
    }
}

/// A merchant on https that answers every connection, and counts the requests.
pub(in crate::net) fn https(
    own: &TestCertificates,
    clients: Option<&TestCertificates>,
    connections: usize,
) -> (String, JoinHandle<usize>) {
    let chain = |pem: &str| -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(chain(&clients.authority));
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .unwrap(),
            )
        }
    };
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let config = Arc::new(builder.with_single_cert(chain(&own.certificate), key).unwrap());
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
