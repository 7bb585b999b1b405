//! From a host to addresses, and from addresses to a connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::failure::{ConnectionPhase, failure, is_shortage};
use super::outcome::{FailureKind, TransportFailure};
use super::target::{Target, is_localhost};
use super::trace::Log;

/// How long one of several addresses may take before the next is tried.
const CONNECT_TURN: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveRule {
    /// The host in lower case; `None` means every host.
    host: Option<String>,
    port: u16,
    addresses: Vec<IpAddr>,
}

impl ResolveRule {
    pub fn parse(text: &str) -> Result<Self, ResolveError> {
        let wrong = ResolveError;
        let (host, rest) = text.split_once(':').ok_or(wrong("expected HOST:PORT:ADDRESS"))?;
        let (port, rest) = rest.split_once(':').ok_or(wrong("expected HOST:PORT:ADDRESS"))?;
        let is_host = |c: char| !(c.is_whitespace() || c.is_control() || "/@[]".contains(c));
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(wrong("the host must be a name, or *"));
        }
        let port = port.parse().ok().filter(|port| *port != 0);
        let port = port.ok_or(wrong("the port must be between 1 and 65535"))?;
        let address = |text: &str| text.trim().trim_matches(['[', ']']).parse().ok();
        let addresses: Option<Vec<IpAddr>> = rest.split(',').map(address).collect();
        let addresses = addresses.ok_or(wrong("the address must be an IP address"))?;
        let host = (host != "*").then(|| host.trim_end_matches('.').to_ascii_lowercase());
        Ok(ResolveRule { host, port, addresses })
    }

    pub fn addresses_for(&self, host: &str, port: u16) -> Option<&[IpAddr]> {
        let host = host.trim_end_matches('.');
        let is_meant = self.port == port
            && self.host.as_ref().is_none_or(|meant| meant.eq_ignore_ascii_case(host));
        is_meant.then_some(&self.addresses)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ResolveError(&'static str);

/// The addresses that requests to a target go to, at least one.
pub(super) async fn addresses_of(
    target: &Target,
    rules: &[ResolveRule],
) -> Result<Vec<SocketAddr>, TransportFailure> {
    match known_addresses(target, rules) {
        Some(known) => Ok(known),
        None => look_up(target).await,
    }
}

/// The addresses of a target that need no look-up.
pub(super) fn known_addresses(target: &Target, rules: &[ResolveRule]) -> Option<Vec<SocketAddr>> {
    let (host, port) = (target.host(), target.port());
    let with_port = |address: IpAddr| SocketAddr::new(address, port);
    if let Ok(address) = host.parse() {
        return Some(vec![with_port(address)]);
    }
    let chosen = rules.iter().find_map(|rule| rule.addresses_for(host, port))?;
    Some(chosen.iter().copied().map(with_port).collect())
}

pub(super) async fn look_up(target: &Target) -> Result<Vec<SocketAddr>, TransportFailure> {
    let (host, port) = (target.host(), target.port());
    let with_port = |address: IpAddr| SocketAddr::new(address, port);
    let found = lookup_host((host, port)).await.map(Iterator::collect::<Vec<_>>);
    let found = match found {
        // Whatever the machine's hosts file contains, a server may listen on either (RFC 6761).
        _ if is_localhost(host) => {
            let mut found = found.unwrap_or_default();
            for own in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
                if !found.contains(&with_port(own)) {
                    found.push(with_port(own));
                }
            }
            found
        }
        found => found.map_err(|error| failure(&error, ConnectionPhase::Resolving))?,
    };
    if found.is_empty() {
        return Err(TransportFailure::new(FailureKind::Resolve, "no address was found"));
    }
    Ok(found)
}

/// A connection to the first address that answers; the error is that of the address that says most.
pub(super) async fn connect(addresses: &[SocketAddr], log: &Log) -> io::Result<TcpStream> {
    let mut failed: Option<io::Error> = None;
    for (at, address) in addresses.iter().enumerate() {
        let connecting = TcpStream::connect(address);
        // The last one may use all the time that the attempt has left.
        let connected = match at + 1 == addresses.len() {
            true => connecting.await,
            false => timeout(CONNECT_TURN, connecting)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        };
        match connected {
            Ok(stream) => {
                log.note(|| format!("* connected to {address}"));
                // Without it a request in two parts waits for an acknowledgement; best effort.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            // The next address would fail alike.
            Err(error) if is_shortage(&error) || is_out_of_ports(&error, address.ip()) => {
                return Err(error);
            }
            Err(error) => {
                log.note(|| format!("* {address}: {error}"));
                let is_worth_more = match (&failed, error.kind()) {
                    (None, _) => true,
                    // A family of addresses that this machine does not have says nothing.
                    (Some(_), io::ErrorKind::AddrNotAvailable) => false,
                    // One that refuses says most: the machine is there and nothing listens.
                    (Some(known), _) => known.kind() != io::ErrorKind::ConnectionRefused,
                };
                if is_worth_more {
                    failed = Some(error);
                }
            }
        }
    }
    Err(failed.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}

/// Whether a connection to this machine failed for want of a port, not of the address.
fn is_out_of_ports(error: &io::Error, address: IpAddr) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        && address.is_loopback()
        && UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_rules_mean_one_host_and_port() {
        let rule = ResolveRule::parse("Shop.example:443:127.0.0.1,[::1]").unwrap();
        let addresses = rule.addresses_for("shop.EXAMPLE.", 443).unwrap();
        assert_eq!(addresses, ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert_eq!(rule.addresses_for("shop.example", 80), None);
        assert_eq!(rule.addresses_for("other.example", 443), None);
        let every = ResolveRule::parse("*:80:::1").unwrap();
        assert!(every.addresses_for("any.example", 80).is_some());
        for text in ["", "h", "h:1", "h:0:1.2.3.4", "h:70000:1.2.3.4", ":1:1.2.3.4", "h:1:name"] {
            assert!(ResolveRule::parse(text).is_err(), "{text}");
        }
        for text in ["h:1:", "h:1:1.2.3.4,", "a b:1:1.2.3.4", "-h/x:1:1.2.3.4"] {
            assert!(ResolveRule::parse(text).is_err(), "{text}");
        }
    }
}
