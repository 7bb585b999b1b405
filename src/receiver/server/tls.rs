//! Who the listener says it is over TLS: a certificate from files, or one that it makes itself.

use crate::clock::wall_time;
use crate::files;
use std::io::{self};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::mask::Untrusted;
use jiff::{Timestamp, tz::TimeZone};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, InconsistentKeys, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const MAX_FILE_BYTES: u64 = 1024 * 1024;

const MAX_CERTIFICATES: usize = 32;

/// What one connection may hold of unsent plain text; the rest waits in the socket.
const UNSENT_BYTES: usize = 16 * 1024;

const VALIDITY: Duration = Duration::from_secs(366 * 24 * 60 * 60);

const BACKDATED: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone)]
pub struct TlsIdentity {
    acceptor: TlsAcceptor,
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsIdentity(..)")
    }
}

#[derive(Clone, Debug)]
pub struct SelfSigned {
    pub identity: TlsIdentity,
    pub cert_pem: String,
    /// The SHA-256 of the certificate, as `AA:BB:…`, the way openssl prints it.
    pub sha256_fingerprint: String,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{} cannot be read", Untrusted::path(.path))]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is longer than 1 MiB", Untrusted::path(.path))]
    TooLong { path: PathBuf },
    #[error("{} holds no certificate; expected a PEM file with BEGIN CERTIFICATE", Untrusted::path(.path))]
    NoCertificate { path: PathBuf },
    #[error("{} holds more than {MAX_CERTIFICATES} certificates", Untrusted::path(.path))]
    TooManyCertificates { path: PathBuf },
    #[error("a certificate in {} cannot be understood: {reason}", Untrusted::path(.path))]
    BadCertificate { path: PathBuf, reason: String },
    #[error("{} holds no private key; expected a PEM file with BEGIN PRIVATE KEY", Untrusted::path(.path))]
    NoKey { path: PathBuf },
    #[error("the private key in {} is encrypted; expected one without a password", Untrusted::path(.path))]
    EncryptedKey { path: PathBuf },
    /// The private key cannot be understood; nothing of it is quoted.
    #[error("the private key in {} cannot be understood", Untrusted::path(.path))]
    BadKey { path: PathBuf },
    #[error("the private key in {} is not that of the certificate in {}", Untrusted::path(.key), Untrusted::path(.certificate))]
    Mismatch { certificate: PathBuf, key: PathBuf },
    #[error("no certificate can be made for {}: {reason}", Untrusted::new(.names))]
    Unmakeable { names: String, reason: String },
    #[error("TLS cannot be set up: {0}")]
    SetUp(String),
}

impl TlsIdentity {
    /// Reads a certificate with its chain, and its private key (PKCS#8, PKCS#1 or SEC1), from PEM
    /// files; both may be in one. A key that is another certificate's is refused.
    pub fn from_pem_files(certificate: &Path, key: &Path) -> Result<TlsIdentity, TlsError> {
        let chain = chain_of(certificate, &read(certificate)?)?;
        let private_key = key_of(key, &read(key)?)?;
        config(chain, private_key).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() }
            }
            Error::InvalidCertificate(reason) => TlsError::BadCertificate {
                path: certificate.to_owned(),
                reason: reason.to_string(),
            },
            // The ring provider says so where it cannot load a key.
            Error::General(_) => TlsError::BadKey { path: key.to_owned() },
            other => TlsError::SetUp(other.to_string()),
        })
    }

    pub fn self_signed(names: &[String]) -> Result<SelfSigned, TlsError> {
        let unmakeable = |reason: String| TlsError::Unmakeable { names: names.join(", "), reason };
        if names.is_empty() {
            return Err(unmakeable("at least one name is needed".to_owned()));
        }
        let make = || -> Result<_, rcgen::Error> {
            let mut params = CertificateParams::new(names)?;
            params.distinguished_name.push(DnType::CommonName, "payout-notify listener");
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let start = wall_time().saturating_sub(BACKDATED).unwrap_or(Timestamp::MIN);
            // The type is a library's that nothing else needs, so it is not named.
            let day_of = |time: Timestamp| {
                let date = time.to_zoned(TimeZone::UTC).date();
                let [month, day] =
                    [date.month(), date.day()].map(|part| u8::try_from(part).unwrap_or(1));
                rcgen::date_time_ymd(i32::from(date.year()), month, day)
            };
            params.not_before = day_of(start);
            params.not_after = day_of(start.saturating_add(VALIDITY).unwrap_or(Timestamp::MAX));
            let key = KeyPair::generate()?;
            Ok((params.self_signed(&key)?, key))
        };
        let (certificate, key) = make().map_err(|error| unmakeable(error.to_string()))?;
        let private_key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| TlsError::SetUp(error.to_owned()))?;
        let identity = config(vec![certificate.der().clone()], private_key)
            .map_err(|error| TlsError::SetUp(error.to_string()))?;
        let sha256_fingerprint = fingerprint(certificate.der());
        Ok(SelfSigned { identity, cert_pem: certificate.pem(), sha256_fingerprint })
    }

    /// Sets TLS up on a connection; `heard` is called once the client has said anything.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        heard: impl FnOnce(),
    ) -> Result<TlsStream<TcpStream>, HandshakeFailure> {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1..) => heard(),
            _ => return Err(HandshakeFailure::Silent),
        }
        if first[0].is_ascii_alphabetic() || first[0] == b'\r' {
            return Err(HandshakeFailure::PlainHttp(stream));
        }
        let handshake =
            self.acceptor.accept_with(stream, |tls| tls.set_buffer_limit(Some(UNSENT_BYTES)));
        handshake.await.map_err(|error| HandshakeFailure::Broken(explain(&error)))
    }
}

#[derive(Debug)]
pub(super) enum HandshakeFailure {
    /// The client left without a word.
    Silent,
    /// What came is most likely a request without TLS; nothing of it has been read.
    PlainHttp(TcpStream),
    Broken(String),
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsIdentity, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsIdentity { acceptor: TlsAcceptor::from(Arc::new(config)) })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let text = files::read_bounded(path, MAX_FILE_BYTES)
        .map_err(|source| TlsError::Read { path: path.to_owned(), source })?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(TlsError::TooLong { path: path.to_owned() });
    }
    Ok(text)
}

fn chain_of(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let path = || path.to_owned();
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(text) {
        if chain.len() == MAX_CERTIFICATES {
            return Err(TlsError::TooManyCertificates { path: path() });
        }
        chain.push(certificate.map_err(|error| TlsError::BadCertificate {
            path: path(),
            reason: error.to_string(),
        })?);
    }
    if chain.is_empty() { Err(TlsError::NoCertificate { path: path() }) } else { Ok(chain) }
}

fn key_of(path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    let path = path.to_owned();
    let has = |words: &[u8]| text.windows(words.len()).any(|window| window == words);
    // PKCS#8 says it in its first line, the older forms in a header of their own.
    if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
        return Err(TlsError::EncryptedKey { path });
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey { path },
        _ => TlsError::BadKey { path },
    })
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate);
    let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

fn explain(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match cause {
        Some(Error::AlertReceived(alert)) => {
            format!(
                "the client broke the handshake off ({alert:?}); does it trust the certificate?"
            )
        }
        Some(Error::NoApplicationProtocol) => "the client does not offer HTTP/1.1".to_owned(),
        Some(Error::PeerIncompatible(reason)) => {
            format!("the client shares no TLS version or cipher with this server ({reason:?})")
        }
        Some(Error::InvalidMessage(_)) => "the client does not speak TLS".to_owned(),
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the client left in the handshake".to_owned()
        }
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
