//! What can be learnt of the way to a merchant without sending a notification.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::http::Url;
use super::outcome::{FailureKind, TransportFailure};
use super::tls::client_config;
use super::transport::Target;
use super::wire::{Place, addresses_of};
use super::wire_failure::{Phase, failure, timed_out};
use super::wire_settings::{ResolveRule, WireSettings};

mod certificate;

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
    let place = place(target.url())?;
    let mut found = within(Phase::Resolving, limit, addresses_of(&place, rules)).await??;
    found.truncate(MAX_ADDRESSES);
    Ok(found)
}

pub async fn connect(address: SocketAddr, limit: Duration) -> Result<(), TransportFailure> {
    let phase = Phase::Connecting;
    let connected = within(phase, limit, TcpStream::connect(address)).await?;
    connected.map(drop).map_err(|error| failure(&error, phase))
}

pub async fn handshake(
    target: &Target,
    address: SocketAddr,
    wire: &WireSettings,
    limit: Duration,
) -> Result<TlsFacts, TransportFailure> {
    let no_tls = |text: String| TransportFailure::new(FailureKind::Tls, &text);
    let config = client_config(&wire.tls).map_err(|error| no_tls(error.to_string()))?;
    let name = ServerName::try_from(target.host().to_owned())
        .map_err(|error| no_tls(error.to_string()))?;
    let began = Instant::now();
    let stream = within(Phase::Connecting, limit, TcpStream::connect(address)).await?;
    let stream = stream.map_err(|error| failure(&error, Phase::Connecting))?;
    let connector = TlsConnector::from(Arc::new(config));
    let left = limit.saturating_sub(began.elapsed());
    let shaken = within(Phase::Securing, left, connector.connect(name, stream)).await?;
    let shaken = shaken.map_err(|error| failure(&error, Phase::Securing))?;
    let (_, connection) = shaken.get_ref();
    let chain = connection.peer_certificates().unwrap_or_default();
    Ok(TlsFacts {
        version: connection.protocol_version().map_or_else(String::new, |it| format!("{it:?}")),
        chain: chain.len(),
        expires_at: chain.first().and_then(|own| certificate::expires_at(own)),
    })
}

/// Whether an address belongs to the own machine or to a network that is not public: loopback,
/// RFC 1918, RFC 4193 (`fc00::/7`) and link-local.
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

fn place(url: &Url) -> Result<Place, TransportFailure> {
    let none = || TransportFailure::new(FailureKind::Other, "the URL cannot be requested");
    Place::of(url).ok_or_else(none)
}

async fn within<T>(
    phase: Phase,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, TransportFailure> {
    timeout(limit, work).await.map_err(|_| timed_out(phase, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_no_stranger_has_are_local() {
        for text in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.1.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "0.0.0.0",
        ] {
            assert!(is_local(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "172.32.0.1",
            "172.15.0.1",
            "192.169.0.1",
            "11.0.0.1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
            "100.64.0.1",
        ] {
            assert!(!is_local(text.parse().unwrap()), "{text}");
        }
    }
}
