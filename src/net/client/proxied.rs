//! Requests through a proxy: the only file that names reqwest.
//!
//! reqwest builds the tunnel or asks the proxy with the whole URL. Left alone it follows redirects,
//! repeats requests, reads the environment and decodes replies; all of it is off here.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{ACCEPT_ENCODING, HeaderValue};
use reqwest::{Client, Url, redirect, retry};
use rustls::ClientConfig;

use super::progress::{Progress, Wire};
use super::{ClientError, HttpReply, HttpRequest};
use crate::net::failure::{ConnectionPhase, failure, timed_out};
use crate::net::outcome::{FailureKind, TransportFailure};
use crate::net::phases::{AttemptPhase, Phases, Stamp};
use crate::net::proxy::{Proxy, ProxyError};
use crate::net::target::Target;
use crate::net::tls::{Tls, TlsSettings, config_without_roots};
use crate::net::trace::Log;

#[derive(Debug)]
pub(super) struct Proxied {
    proxy: Proxy,
    client: Client,
}

impl Proxied {
    pub(super) fn try_new(
        proxy: Proxy,
        target: &Target,
        tls: &TlsSettings,
    ) -> Result<Self, ClientError> {
        // A proxy that is reached over TLS needs the settings for itself.
        let tls = match target.is_https() || proxy.is_https() {
            true => ClientConfig::clone(&Tls::try_new(tls)?.config(None)),
            false => config_without_roots()?,
        };
        let broken = |error: reqwest::Error| ProxyError::Unusable(error.without_url().to_string());
        let mut way = reqwest::Proxy::all(proxy.url()).map_err(broken)?;
        if let Some(credentials) = proxy.credentials() {
            way = way.custom_http_auth(credentials.clone());
        }
        let client = Client::builder()
            .no_proxy()
            .proxy(way)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // A connection used again may have gone stale, and then the attempt would fail.
            .pool_max_idle_per_host(0)
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(broken)?;
        unchanged(target, target.uri()).ok_or(ProxyError::Rewritten)?;
        Ok(Proxied { proxy, client })
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(super) async fn exchange(
        &self,
        request: HttpRequest<'_>,
        log: Log,
    ) -> (Result<HttpReply, TransportFailure>, Phases) {
        let (is_https, limit) = (request.target.is_https(), request.options.timeout);
        let has_body = !request.body.is_empty();
        let reaching = ConnectionPhase::Reaching { is_https };
        let progress = Arc::new(Progress::new(reaching, log));
        progress.begin(reaching, Stamp::now());
        let exchanged = tokio::time::timeout(limit, self.send(request, &progress)).await;
        let exchanged = exchanged.unwrap_or_else(|_| {
            let failed = timed_out(progress.phase(), limit);
            Err(match progress.phase() {
                ConnectionPhase::Exchanging => failed,
                _ => self.proxy.was_silent(&failed, is_https),
            })
        });
        let phases = progress.finish(&exchanged, limit, |phases| {
            let phases = phases.without(AttemptPhase::Send);
            // When the connection was there is known from the body alone.
            if has_body { phases } else { phases.without(AttemptPhase::FirstByte) }
        });
        (exchanged, phases)
    }

    async fn send(
        &self,
        request: HttpRequest<'_>,
        progress: &Arc<Progress>,
    ) -> Result<HttpReply, TransportFailure> {
        let HttpRequest { target, options, reply_limit, .. } = request;
        let url = unchanged(target, request.uri).ok_or_else(|| {
            TransportFailure::new(FailureKind::Other, &ProxyError::Rewritten.to_string())
        })?;
        let reaching = progress.phase();
        let mut headers = request.headers();
        if options.accepts_gzip {
            headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        }
        progress.log.note(|| format!("* through the proxy {}", self.proxy));
        progress.log.head('>', || format!("{} {url} HTTP/1.1", request.method), &headers);
        let mut message = reqwest::Request::new(request.method.clone(), url);
        *message.headers_mut() = headers;
        let wire = Arc::<Wire>::default();
        progress.watch(&wire);
        let (rest, noting) = (request.body.clone(), Arc::clone(progress));
        let body = Noted { rest, progress: noting, wire: Arc::clone(&wire) };
        if body.rest.is_empty() {
            // Nobody asks for it, so nobody could note it.
            progress.begin(ConnectionPhase::Exchanging, Stamp::now());
            wire.note_end();
            wire.note_written(Stamp::now());
        }
        *message.body_mut() = Some(reqwest::Body::wrap(body));
        let classify = |error| self.classify(error, reaching);
        let mut response = self.client.execute(message).await.map_err(classify)?;
        wire.note_read();
        let first = || format!("{:?} {}", response.version(), response.status());
        progress.log.head('<', first, response.headers());
        let headers = std::mem::take(response.headers_mut());
        let mut reply = HttpReply::new(response.status().as_u16(), headers);
        if let Some(failed) = self.proxy.reply(reply.status, &reply.headers, target.is_https()) {
            return Err(failed);
        }
        reply.is_cut = reply_limit.refuses(response.content_length().unwrap_or_default());
        while !reply.is_cut
            && let Some(part) = response.chunk().await.map_err(classify)?
        {
            reply.take(&part, reply_limit);
        }
        Ok(reply)
    }

    fn classify(&self, error: reqwest::Error, reaching: ConnectionPhase) -> TransportFailure {
        // The URL may hold credentials.
        let error = error.without_url();
        let phase = if error.is_dns() {
            ConnectionPhase::Resolving
        } else if error.is_connect() {
            reaching
        } else {
            ConnectionPhase::Exchanging
        };
        let failed = failure(&error, phase);
        if phase == ConnectionPhase::Exchanging {
            failed
        } else {
            self.proxy.explain(failed, &error)
        }
    }
}

/// The URL of a request as reqwest has it; `None` where it would send another path or query.
fn unchanged(target: &Target, uri: &hyper::Uri) -> Option<Url> {
    let scheme = if target.is_https() { "https" } else { "http" };
    let authority = target.authority().to_str().ok()?;
    let text = format!("{scheme}://{authority}{uri}");
    Url::parse(&text).ok().filter(|url| url.as_str() == text)
}

/// A body that notes when it is asked for, so when there is a connection.
struct Noted {
    rest: Bytes,
    progress: Arc<Progress>,
    wire: Arc<Wire>,
}

impl Body for Noted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.progress.reach(ConnectionPhase::Exchanging);
            self.wire.note_end();
            self.wire.note_written(Stamp::now());
        }
        Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
