//! Replies as hyper writes them: the handler's, and the server's own.

use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{Response, StatusCode};

use crate::receiver::callback::Bytes;
use crate::receiver::reply::Reply;
use crate::receiver::server::event::Refusal;

pub(super) fn refuse(refusal: Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::BrokenBody => plain(StatusCode::BAD_REQUEST, "the body is broken\n"),
        Refusal::BadHost => plain(StatusCode::BAD_REQUEST, "exactly one Host header is needed\n"),
        Refusal::TransferCoding => {
            plain(StatusCode::BAD_REQUEST, "the only transfer coding is chunked, once\n")
        }
        Refusal::SlowBody => plain(StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n"),
        Refusal::BodyTooLarge => plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n"),
        Refusal::OutOfRoom => plain(StatusCode::SERVICE_UNAVAILABLE, "no room, try again later\n"),
    }
}

pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The handler's reply as hyper writes it; nothing where HTTP does not allow it.
pub(super) fn response_of(reply: Reply) -> Option<Response<Full<Bytes>>> {
    let status = StatusCode::from_u16(reply.status).ok().filter(|s| !s.is_informational())?;
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = status;
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // Two opinions on where a reply ends are none.
        if [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(&name) {
            continue;
        }
        let value = HeaderValue::from_bytes(value).ok()?;
        response.headers_mut().try_append(name, value).ok()?;
    }
    if status.is_client_error() || status.is_server_error() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Some(response)
}
