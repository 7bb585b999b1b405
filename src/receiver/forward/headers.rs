//! Which headers are passed on, and which belong to one connection alone.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::receiver::callback::Callback;

/// Headers of one connection (RFC 9110 section 7.6.1); those of a proxy are told by their start.
const HOP_BY_HOP: [&str; 6] =
    ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// Headers as they are kept: names in lower case, values as sent.
type Headers = [(String, Vec<u8>)];

/// The headers that are not of one connection alone, in order.
pub(super) fn end_to_end(headers: &Headers) -> impl Iterator<Item = &(String, Vec<u8>)> {
    let named = named_by_connection(headers);
    headers.iter().filter(move |(name, _)| !is_hop_by_hop(name, &named))
}

fn is_hop_by_hop(name: &str, named: &[String]) -> bool {
    HOP_BY_HOP.iter().any(|known| name.eq_ignore_ascii_case(known))
        || name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("proxy-"))
        || named.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn named_by_connection(headers: &Headers) -> Vec<String> {
    let lists = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    lists
        .flat_map(|(_, value)| value.split(|byte| *byte == b','))
        .filter_map(|name| std::str::from_utf8(name.trim_ascii()).ok())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The headers of a callback as the application gets them: values and order as received. `Host` is
/// the application's, and the received one is in `X-Forwarded-Host`, unless a proxy before the
/// listener has put there who was asked first. `Content-Length` is that of the body, no longer
/// chunked. `Expect` is left out: the sender and the listener settled it. `Accept-Encoding` stays,
/// since the reply goes back to the sender. `None`: one of them cannot be sent on.
pub(super) fn for_application(callback: &Callback, host: &HeaderValue) -> Option<HeaderMap> {
    let (mut received_host, mut has_length) = (None, false);
    let mut to_send: Vec<(&str, &[u8])> = Vec::with_capacity(callback.headers.len() + 2);
    let length = callback.body.len().to_string();
    let named = named_by_connection(&callback.headers);
    for (name, value) in &callback.headers {
        match name.to_ascii_lowercase().as_str() {
            "host" if received_host.is_none() => {
                received_host = Some(value);
                to_send.push(("host", host.as_bytes()));
            }
            "host" | "expect" => {}
            "content-length" | "transfer-encoding" => {
                if !has_length {
                    to_send.push(("content-length", length.as_bytes()));
                }
                has_length = true;
            }
            _ if is_hop_by_hop(name, &named) => {}
            _ => to_send.push((name, value)),
        }
    }
    let has_outer_host =
        to_send.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-host"));
    match received_host {
        None => to_send.push(("host", host.as_bytes())),
        Some(value) if !has_outer_host => to_send.push(("x-forwarded-host", value)),
        Some(_) => {}
    }
    if !has_length && !callback.body.is_empty() {
        to_send.push(("content-length", length.as_bytes()));
    }
    map_of(&to_send)
}

fn map_of(headers: &[(&str, &[u8])]) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        map.try_append(name, HeaderValue::from_bytes(value).ok()?).ok()?;
    }
    Some(map)
}
