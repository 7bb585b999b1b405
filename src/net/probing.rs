//! What can be learnt of the way to a merchant without sending a notification.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::failure::{Phase, failure, timed_out};
use super::outcome::{FailureKind, TransportFailure};
use super::resolve::{ResolveRule, addresses_of};
use super::target::Target;
use super::tls::{Tls, TlsSettings, read_certificate};

const MAX_ADDRESSES: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// The version, such as `TLSv1_3`.
    pub version: String,
    pub chain: usize,
    /// When the merchant's own certificate expires; `None` where it cannot be read.
    pub expires_at: Option<Timestamp>,
}

/// The addresses that a target's requests go to, at most 16.
pub async fn addresses(
    target: &Target,
    rules: &[ResolveRule],
    limit: Duration,
) -> Result<Vec<SocketAddr>, TransportFailure> {
    let mut found = within(Phase::Resolving, limit, addresses_of(target, rules)).await??;
    found.truncate(MAX_ADDRESSES);
    Ok(found)
}

pub async fn connect(address: SocketAddr, limit: Duration) -> Result<TcpStream, TransportFailure> {
    let phase = Phase::Connecting;
    let connected = within(phase, limit, TcpStream::connect(address)).await?;
    connected.map_err(|error| failure(&error, phase))
}

/// Whether one of a target's addresses takes a connection.
pub async fn takes_connections(target: &Target, rules: &[ResolveRule], limit: Duration) -> bool {
    for address in addresses(target, rules, limit).await.unwrap_or_default() {
        // Where nothing listens, a connection may meet itself: both ends then have one address.
        let is_other = |one: TcpStream| one.local_addr().ok() != one.peer_addr().ok();
        if connect(address, limit).await.is_ok_and(is_other) {
            return true;
        }
    }
    false
}

pub async fn handshake(
    target: &Target,
    address: SocketAddr,
    tls: &TlsSettings,
    limit: Duration,
) -> Result<TlsFacts, TransportFailure> {
    let no_tls = |text: String| TransportFailure::new(FailureKind::Tls, &text);
    let tls = Tls::try_new(tls).map_err(|error| no_tls(error.to_string()))?;
    let name = ServerName::try_from(target.host().to_owned())
        .map_err(|error| no_tls(error.to_string()))?;
    let began = Instant::now();
    let stream = connect(address, limit).await?;
    let connector = TlsConnector::from(tls.config(None));
    let left = limit.saturating_sub(began.elapsed());
    let shaken = within(Phase::Securing, left, connector.connect(name, stream)).await?;
    let shaken = shaken.map_err(|error| failure(&error, Phase::Securing))?;
    let (_, connection) = shaken.get_ref();
    let chain = connection.peer_certificates().unwrap_or_default();
    Ok(TlsFacts {
        version: connection.protocol_version().map_or_else(String::new, |it| format!("{it:?}")),
        chain: chain.len(),
        expires_at: chain.first().and_then(|own| read_certificate(own)?.expires_at),
    })
}

async fn within<T>(
    phase: Phase,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, TransportFailure> {
    timeout(limit, work).await.map_err(|_| timed_out(phase, limit))
}
