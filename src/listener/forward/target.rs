//! Where callbacks are forwarded to: the URL, read strictly, and a connection to it.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::PathAndQuery;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::failure::{Failure, is_shortage};
use super::{ForwardError, Reach};

const CONNECT_TURN: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) authority: HeaderValue,
    /// The host without brackets.
    host: String,
    port: u16,
    path: String,
    query: Option<String>,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, ForwardError> {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        if rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
            // The URL is shown and kept; a password must be neither.
            return Err(ForwardError::Credentials);
        }
        let wrong = |why: &str| ForwardError::Url { url: url.to_owned(), why: why.to_owned() };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http") => {}
            Some("https") => return Err(ForwardError::Https(url.to_owned())),
            _ => return Err(wrong("it does not begin with http://")),
        }
        if !url.is_ascii() {
            return Err(wrong("what is not ASCII must be percent-encoded"));
        }
        let uri: Uri = url.parse().map_err(|error| wrong(&format!("{error}")))?;
        let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
        let host = authority.host();
        let port = match &authority.as_str()[host.len()..] {
            "" => 80,
            rest => {
                let port = rest.strip_prefix(':').and_then(|digits| digits.parse().ok());
                port.filter(|port| *port > 0).ok_or_else(|| wrong("its port is not 1 to 65535"))?
            }
        };
        if host.is_empty() {
            return Err(wrong("it has no host"));
        }
        Ok(Target {
            url: url.to_owned(),
            authority: HeaderValue::from_str(authority.as_str())
                .map_err(|error| wrong(&error.to_string()))?,
            host: host.trim_matches(['[', ']']).to_ascii_lowercase(),
            port,
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
        })
    }

    pub(super) fn uri_for(&self, callback_path: &str) -> Result<Uri, Failure> {
        let received = callback_path.split_once('?').map(|(_, query)| query);
        let queries: Vec<&str> = self.query.as_deref().into_iter().chain(received).collect();
        let whole = match queries.is_empty() {
            true => self.path.clone(),
            false => format!("{}?{}", self.path, queries.join("&")),
        };
        let whole = PathAndQuery::try_from(whole).map_err(|_| Failure::Unsendable("query"))?;
        Ok(Uri::from(whole))
    }

    pub(super) fn reach(&self) -> Reach {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return reach_of(address.to_canonical());
        }
        let host = self.host.trim_end_matches('.');
        let ends = |end: &str| host.ends_with(end);
        if host == "localhost" || ends(".localhost") {
            Reach::ThisMachine
        } else if !host.contains('.') || [".local", ".internal", ".lan"].into_iter().any(ends) {
            // Such names are given out by a container network or a router.
            Reach::PrivateNetwork
        } else {
            Reach::Elsewhere
        }
    }

    pub(super) fn is(&self, bound: SocketAddr) -> bool {
        if self.port != bound.port() {
            return false;
        }
        let (own, bound) = (self.host.parse::<IpAddr>().ok(), bound.ip().to_canonical());
        let is_local = |address: IpAddr| address.is_loopback() || address.is_unspecified();
        match own.map(|own| own.to_canonical()) {
            Some(own) if own == bound => true,
            // The unspecified address stands for this machine, whichever side has it.
            Some(own) => {
                (own.is_unspecified() || bound.is_unspecified()) && is_local(own) && is_local(bound)
            }
            None => self.reach() == Reach::ThisMachine && is_local(bound),
        }
    }

    pub(super) async fn connect(&self) -> Result<TcpStream, Failure> {
        let found = lookup_host((self.host.as_str(), self.port)).await;
        let found = found.map_err(|error| match is_shortage(&error) {
            true => Failure::NoRoom(error.to_string()),
            false => Failure::NotFound(error.to_string()),
        })?;
        let found: Vec<_> = found.collect();
        let mut failed = None;
        for (at, address) in found.iter().enumerate() {
            let connecting = TcpStream::connect(address);
            // The last one may use all the time that is left.
            let connected = match at + 1 == found.len() {
                true => connecting.await,
                false => timeout(CONNECT_TURN, connecting)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            };
            match connected {
                Ok(stream) => {
                    // A request in two parts must not wait for an acknowledgement; best effort.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                // The next address would fail alike.
                Err(error) if is_shortage(&error) => {
                    return Err(Failure::NoRoom(error.to_string()));
                }
                // One that refuses says most: the machine is there and the application is not.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    failed = Some(Failure::Refused);
                }
                Err(error) => {
                    failed.get_or_insert(Failure::Unreachable(error.to_string()));
                }
            }
        }
        Err(failed.unwrap_or_else(|| Failure::NotFound("it has no address".to_owned())))
    }
}

fn reach_of(address: IpAddr) -> Reach {
    let is_here = address.is_loopback() || address.is_unspecified();
    let is_private = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => is_local_v6(v6),
    };
    match (is_here, is_private) {
        (true, _) => Reach::ThisMachine,
        (false, true) => Reach::PrivateNetwork,
        (false, false) => Reach::Elsewhere,
    }
}

fn is_local_v6(address: Ipv6Addr) -> bool {
    address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_http_url_is_taken() {
        for url in ["http://localhost:3000/notify", "HTTP://127.0.0.1", "http://[::1]:1/a?b=c"] {
            assert!(Target::parse(url).is_ok(), "{url}");
        }
        assert!(matches!(Target::parse("https://localhost/"), Err(ForwardError::Https(_))));
        for url in ["http://a:secret@h/", "https://a:secret@h", "a:secret@h:1", "http://:secret @"]
        {
            let error = Target::parse(url).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{url}");
        }
        for url in [
            "",
            "localhost:3000",
            "localhost:3000/notify",
            "ftp://h/",
            "http://",
            "http:///notify",
            "http://:3000/",
            "http://h:0/",
            "http://h:/",
            "http://h:70000/",
            "http://h:x/",
            "http://h/ a",
            "http://h/é",
        ] {
            assert!(matches!(Target::parse(url), Err(ForwardError::Url { .. })), "{url}");
        }
    }

    #[test]
    fn the_path_is_the_urls_and_the_query_is_both() {
        let uri = |url: &str, path: &str| {
            Target::parse(url).unwrap().uri_for(path).map(|uri| uri.to_string())
        };
        for (url, path, expected) in [
            ("http://h", "/x", "/"),
            ("http://h/notify", "/x", "/notify"),
            ("http://h/notify#part", "/x?a=%20b&c", "/notify?a=%20b&c"),
            ("http://h/notify?t=1", "/x", "/notify?t=1"),
            ("http://h/notify?t=1", "/x?a=1?b", "/notify?t=1&a=1?b"),
            ("http://h/notify", "/x?", "/notify?"),
            ("http://h/notify", "*", "/notify"),
        ] {
            assert_eq!(uri(url, path).unwrap(), expected, "{url} {path}");
        }
        assert!(uri("http://h/", "/x?a b").is_err());
        assert!(uri("http://h/", &format!("/x?{}", "a".repeat(70_000))).is_err());
    }

    #[test]
    fn how_far_a_host_is_shows_in_its_name() {
        for (url, reach) in [
            ("http://localhost:3000/", Reach::ThisMachine),
            ("http://app.localhost/", Reach::ThisMachine),
            ("http://127.9.9.9/", Reach::ThisMachine),
            ("http://[::1]/", Reach::ThisMachine),
            ("http://[::ffff:127.0.0.1]/", Reach::ThisMachine),
            ("http://0.0.0.0/", Reach::ThisMachine),
            ("http://192.168.1.2/", Reach::PrivateNetwork),
            ("http://[fd00::1]/", Reach::PrivateNetwork),
            ("http://app:3000/", Reach::PrivateNetwork),
            ("http://host.docker.internal/", Reach::PrivateNetwork),
            ("http://8.8.8.8/", Reach::Elsewhere),
            ("http://example.com/", Reach::Elsewhere),
            ("http://localhost.example.com/", Reach::Elsewhere),
        ] {
            assert_eq!(Target::parse(url).unwrap().reach(), reach, "{url}");
        }
    }

    #[test]
    fn the_listener_itself_is_recognized() {
        let is = |url: &str, bound: &str| Target::parse(url).unwrap().is(bound.parse().unwrap());
        for (url, bound) in [
            ("http://127.0.0.1:8787/", "127.0.0.1:8787"),
            ("http://localhost:8787/", "127.0.0.1:8787"),
            ("http://localhost:8787/", "0.0.0.0:8787"),
            ("http://0.0.0.0:8787/", "127.0.0.1:8787"),
            ("http://127.0.0.1:8787/", "[::]:8787"),
            ("http://10.0.0.1:8787/", "10.0.0.1:8787"),
        ] {
            assert!(is(url, bound), "{url} {bound}");
        }
        for (url, bound) in [
            ("http://127.0.0.1:3000/", "127.0.0.1:8787"),
            ("http://127.0.0.2:8787/", "127.0.0.1:8787"),
            ("http://example.com:8787/", "0.0.0.0:8787"),
        ] {
            assert!(!is(url, bound), "{url} {bound}");
        }
    }
}
