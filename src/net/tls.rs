//! Whom an `https` sender trusts, how it shows who it is, and what a failed handshake means.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::mask::Untrusted;
use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    Error, OtherError, RootCertStore, SignatureScheme,
};

mod certificate;

pub(super) use certificate::read as read_certificate;

/// The most certificates that are read from one file; a system's whole store has about 150.
const MAX_CERTIFICATES: usize = 2_000;

#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    pub trust: Trust,
    pub identity: Option<Identity>,
}

#[derive(Clone, Debug, Default)]
pub enum Trust {
    #[default]
    Machine,
    Only(Arc<RootCertStore>),
    Anyone,
}

impl Trust {
    /// Trusts the authorities in a PEM file, and no other.
    pub fn parse(pem: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(|error| TlsError::Certificate(error.to_string()))?;
        }
        Ok(Trust::Only(Arc::new(roots)))
    }
}

#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl Identity {
    pub fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
        Ok(Identity { chain, key: Arc::new(key) })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.chain.len())
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        if certificates.len() == MAX_CERTIFICATES {
            return Err(TlsError::TooMany);
        }
        certificates.push(certificate.map_err(|error| TlsError::Certificate(error.to_string()))?);
    }
    if certificates.is_empty() { Err(TlsError::NoCertificate) } else { Ok(certificates) }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("there is no certificate in it; expected a PEM file with BEGIN CERTIFICATE")]
    NoCertificate,
    #[error("there are more than {MAX_CERTIFICATES} certificates in it")]
    TooMany,
    #[error("a certificate in it cannot be read: {0}")]
    Certificate(String),
    #[error("there is no readable private key in it; expected an unencrypted PEM file")]
    NoKey,
    #[error("TLS cannot be set up: {0}")]
    SetUp(String),
}

/// What the connections to one endpoint share.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    verifier: Verifier,
}

pub(super) type SeenChain = Arc<Mutex<Vec<CertificateDer<'static>>>>;

impl Tls {
    pub(super) fn try_new(settings: &TlsSettings) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let same = || Arc::clone(&provider);
        let trusted: Option<Arc<dyn ServerCertVerifier>> = match &settings.trust {
            Trust::Machine => {
                Some(Arc::new(rustls_platform_verifier::Verifier::new(same()).map_err(set_up)?))
            }
            Trust::Only(roots) => Some(
                WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), same())
                    .build()
                    .map_err(set_up)?,
            ),
            Trust::Anyone => None,
        };
        let verifier = Verifier { trusted, provider: same(), seen: None };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(set_up)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier.clone()));
        let config = match &settings.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key }) => {
                builder.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(set_up)?
            }
        };
        Ok(Tls { config: Arc::new(config), verifier })
    }

    /// The settings of one connection; the chain that the server shows is put into `seen`, also where
    /// it is refused.
    pub(super) fn config(&self, seen: Option<SeenChain>) -> Arc<ClientConfig> {
        if seen.is_none() {
            return Arc::clone(&self.config);
        }
        let mut config = ClientConfig::clone(&self.config);
        let verifier = Verifier { seen, ..self.verifier.clone() };
        config.dangerous().set_certificate_verifier(Arc::new(verifier));
        Arc::new(config)
    }
}

/// Settings that trust no certificate: made without loading the CA store, and never used.
pub(super) fn config_without_roots() -> Result<ClientConfig, TlsError> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(set_up)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn set_up(error: impl fmt::Display) -> TlsError {
    TlsError::SetUp(error.to_string())
}

/// What `--verbose` shows of a handshake: version, cipher, and the server's certificates.
pub(super) fn describe(
    connection: Option<&ClientConnection>,
    seen: &[CertificateDer<'_>],
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(connection) = connection
        && let Some(version) = connection.protocol_version()
        && let Some(suite) = connection.negotiated_cipher_suite()
    {
        lines.push(format!("* TLS: {version:?}, {:?}", suite.suite()));
    }
    // A handshake that resumes a session shows no chain again.
    let chain = match (seen, connection.and_then(|one| one.peer_certificates())) {
        ([], Some(known)) => known,
        (seen, _) => seen,
    };
    lines.extend((1..).zip(chain).map(|(number, certificate)| {
        match certificate::read(certificate) {
            Some(facts) => format!("* certificate {number}: {}", Untrusted::new(facts)),
            None => format!("* certificate {number} cannot be read"),
        }
    }));
    lines
}

#[derive(Debug, thiserror::Error)]
#[error("the certificate is self-signed")]
struct SelfSigned;

/// Verifies certificates, and tells a self-signed one from one of an unknown CA.
#[derive(Clone, Debug)]
struct Verifier {
    /// `None` accepts every certificate; the handshake must still prove that its key is there.
    trusted: Option<Arc<dyn ServerCertVerifier>>,
    provider: Arc<CryptoProvider>,
    seen: Option<SeenChain>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(seen) = &self.seen {
            let chain = std::iter::once(end_entity).chain(intermediates);
            *seen.lock().unwrap_or_else(PoisonError::into_inner) =
                chain.map(|one| one.clone().into_owned()).collect();
        }
        let Some(trusted) = &self.trusted else { return Ok(ServerCertVerified::assertion()) };
        trusted
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| match error {
                // A bad signature where a trusted certificate of the same name has another key.
                Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::BadSignature,
                ) if is_self_signed(end_entity) => {
                    CertificateError::Other(OtherError(Arc::new(SelfSigned))).into()
                }
                other => other,
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate)
        .is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}

pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => explain_certificate(error),
        Error::AlertReceived(alert) => explain_alert(*alert),
        Error::InvalidMessage(_) => "what answers there does not speak TLS; should the URL begin \
                                     with http://, or is it another port?"
            .to_owned(),
        Error::PeerIncompatible(_) => {
            format!("the merchant and this tool share no TLS version or cipher ({error})")
        }
        other => format!(
            "the TLS handshake failed; check the certificate, and whether the port speaks https \
             ({other})"
        ),
    }
}

fn explain_certificate(error: &CertificateError) -> String {
    use CertificateError as Bad;
    let date = |time: &UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |time| time.to_string())
    };
    match error {
        Bad::Expired => "the merchant's certificate has expired; renew it".to_owned(),
        Bad::ExpiredContext { not_after, .. } => format!(
            "the merchant's certificate expired on {}; renew it (or is this machine's clock wrong?)",
            date(not_after)
        ),
        Bad::NotValidYet => "the merchant's certificate is not valid yet; check both clocks".into(),
        Bad::NotValidYetContext { not_before, .. } => format!(
            "the merchant's certificate is not valid before {}; check both clocks",
            date(not_before)
        ),
        Bad::UnknownIssuer => "no CA that this machine trusts signed the merchant's \
                               certificate; let the merchant send its intermediate certificates, \
                               or name the authority's with --cacert FILE"
            .to_owned(),
        Bad::NotValidForName => {
            "the merchant's certificate is for another host; use a host name that is in it".into()
        }
        Bad::NotValidForNameContext { expected, presented } => format!(
            "the merchant's certificate is not for {}, but for {}; use a host name that is in it, \
             or issue one for this host",
            Untrusted::new(expected.to_str()),
            match presented.iter().map(|name| plain_name(name)).collect::<Vec<_>>() {
                names if names.is_empty() => "no host at all".to_owned(),
                names => Untrusted::new(names.join(", ")).to_string(),
            }
        ),
        Bad::Revoked => "the merchant's certificate was revoked; it needs a new one".to_owned(),
        Bad::Other(OtherError(cause)) if cause.is::<SelfSigned>() => {
            "the merchant's certificate is self-signed, so no CA signed it; trust it with \
             --cacert FILE (the newest one), or check nothing with --insecure"
                .to_owned()
        }
        Bad::BadSignature => "the merchant's certificate carries an authority's name but not its \
                              signature; is the --cacert FILE an older one of the same name?"
            .to_owned(),
        Bad::Other(OtherError(cause)) if is_authority_as_merchant(cause.as_ref()) => {
            "the merchant shows an authority's certificate (CA:TRUE, as openssl req -x509 makes it) \
             as its own; issue one with basicConstraints=CA:FALSE, or check nothing with --insecure"
                .to_owned()
        }
        other => format!("the merchant's certificate cannot be accepted ({other})"),
    }
}

/// A name of a certificate without the kind around it: `DnsName("shop.example")`.
fn plain_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn is_authority_as_merchant(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn explain_alert(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => "the merchant demands a client certificate; give it with \
                                       --client-cert FILE and --client-key FILE"
            .to_owned(),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied
        | Alert::DecryptError => {
            format!("the merchant refused the client certificate ({alert:?}); check --client-cert")
        }
        Alert::HandshakeFailure => "the merchant refused the handshake; it may demand a client \
                                    certificate (--client-cert) or share no cipher with this tool"
            .to_owned(),
        Alert::UnrecognisedName => {
            "the merchant has no certificate for this host name; check the URL".to_owned()
        }
        Alert::ProtocolVersion => {
            "the merchant speaks none of TLS 1.2 and 1.3; older versions are not safe".to_owned()
        }
        other => format!("the merchant broke the TLS handshake off ({other:?})"),
    }
}

#[cfg(test)]
mod tests;
