//! Servers that do nothing but answer.

use std::convert::Infallible;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use payout_notify_protocol::Acknowledgement;
use tokio::net::TcpListener;

use crate::Result;

/// What a server does with a request.
#[derive(Clone, Copy)]
struct Behaviour {
    reads_body: bool,
    status: StatusCode,
}

/// Serves as `sink` (reads the body, acknowledges), `bare` (acknowledges at once, leaves the body to
/// hyper) or `refuse` (reads the body, answers 500).
pub async fn serve(kind: &str) -> Result<()> {
    let status = if kind == "refuse" { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    let behaviour = Behaviour { reads_body: kind != "bare", status };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/notify", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| answer(request, behaviour));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    behaviour: Behaviour,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    if behaviour.reads_body {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
    }
    let acknowledgement = Acknowledgement::ok();
    let body = Bytes::copy_from_slice(acknowledgement.body().as_bytes());
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = behaviour.status;
    let content_type = HeaderValue::from_static(acknowledgement.content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    Ok(response)
}
