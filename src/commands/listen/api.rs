//! The API and the inspector's page beside the listener: where they are served, and what they do.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion};
use protocol::{Encoding, Key, StatusTable};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::CommandError;
use crate::inspector::{
    Explanation, Extent, Inspector, Outgoing, Pages, Pending, Replies, Source, State, sign_again,
};
use crate::mask::Untrusted;
use crate::net::client::{Client, ClientConfig};
use crate::net::outcome::Outcome;
use crate::net::target::Target;
use crate::net::transport::{Request, Transport};
use crate::receiver::broadcast::EntryBroadcast;
use crate::receiver::callback::Callback;
use crate::receiver::events::{ApiInfo, Event};
use crate::receiver::inbox::{Filter, Inbox};
use crate::receiver::pipeline::{Pipeline, locked};
use crate::receiver::received::{AppReply, Forwarded, Received};
use crate::receiver::replies::Runner;
use crate::receiver::server::Server;
use crate::receiver::server::limits::Limits;

const LAST_REPLIES: Duration = Duration::from_millis(500);

pub(super) struct RunningApi {
    inspector: Inspector,
    stop: mpsc::Sender<()>,
    serving: JoinHandle<()>,
}

/// Where the API is served, and whether with the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct ApiPlan {
    pub(super) address: SocketAddr,
    pub(super) pages: Pages,
}

pub(super) struct Bound {
    server: Server,
    plan: ApiPlan,
    pub(super) broadcast: EntryBroadcast,
}

impl Bound {
    pub(super) async fn bind(plan: ApiPlan) -> Result<Bound, CommandError> {
        let ApiPlan { address, pages } = plan;
        let (what, flag) = match pages {
            Pages::Inspector => ("the inspector", "--inspect"),
            Pages::None => ("the API", "--api"),
        };
        if !address.ip().is_loopback() {
            return Err(CommandError::usage(format!("{what} cannot be on {address}")).hint(
                format!("it is for this machine only: {flag}=127.0.0.1:PORT, or a bare {flag}"),
            ));
        }
        let cannot = |error| {
            CommandError::environment(format!("cannot serve {what} on {address}"))
                .because(error)
                .hint(format!("choose another port with {flag}=127.0.0.1:PORT"))
        };
        // Who waits for callbacks and leaves must make room for others.
        let limits = Limits { answers_half_closed: false, ..Limits::default() };
        let server = Server::bind(address, limits).await.map_err(cannot)?;
        let address = server.local_addr().map_err(cannot)?;
        let plan = ApiPlan { address, pages };
        Ok(Bound { server, plan, broadcast: EntryBroadcast::new() })
    }

    pub(super) fn serve(
        self,
        pipeline: &Arc<Pipeline>,
        inbox: &Arc<Inbox>,
        others: Arc<Vec<(String, Key)>>,
        listen_url: String,
        config: ClientConfig,
    ) -> Result<RunningApi, CommandError> {
        let state = State {
            listen_url,
            key_fingerprint: pipeline.keys.fingerprint(0).to_owned(),
            dialect: Untrusted::new(&pipeline.contract.dialect.id).to_string(),
            forward_url: pipeline
                .forwarder
                .as_ref()
                .map(|forwarder| forwarder.target().to_string()),
            sample: None,
        };
        let listener = Listener {
            pipeline: Arc::clone(pipeline),
            inbox: Arc::clone(inbox),
            others,
            config,
            state,
        };
        let ApiPlan { address, pages } = self.plan;
        let inspector = Inspector::try_new(address, pages, Arc::new(listener), self.broadcast)
            .map_err(|error| {
                CommandError::environment("there is no randomness for a token").because(error)
            })?;
        let (stop, stopped) = mpsc::channel(2);
        let handler = {
            let inspector = inspector.clone();
            move |request: Callback| inspector.handle(request)
        };
        let server = self.server;
        let serving = tokio::spawn(async move {
            server.serve(handler, stopped).await;
        });
        Ok(RunningApi { inspector, stop, serving })
    }
}

impl RunningApi {
    pub(super) fn page_url(&self) -> Option<String> {
        self.inspector.page_url()
    }

    pub(super) fn info(&self) -> ApiInfo {
        ApiInfo { token: self.inspector.token().to_owned(), url: self.inspector.api_url() }
    }

    pub(super) async fn close(self) {
        self.inspector.close();
        let _ = self.stop.try_send(());
        // A page that does not end in time ends with the process.
        let _ = tokio::time::timeout(LAST_REPLIES, self.serving).await;
    }
}

/// The listener as the API sees it.
struct Listener {
    pipeline: Arc<Pipeline>,
    inbox: Arc<Inbox>,
    others: Arc<Vec<(String, Key)>>,
    config: ClientConfig,
    state: State,
}

impl Source for Listener {
    fn search(
        &self,
        filter: &Filter,
        take: &mut dyn FnMut(&Received) -> ControlFlow<()>,
    ) -> Result<Option<u64>, String> {
        let reader = self.inbox.reader().map_err(|error| error.to_string())?;
        let searched = reader.search(filter, |entry| take(&entry));
        searched.map_err(|error| error.to_string())
    }

    fn entry(&self, id: u64) -> Result<Option<Arc<Received>>, String> {
        let entry = self.inbox.reader().and_then(|reader| reader.entry(id));
        entry.map(|entry| entry.map(Arc::new)).map_err(|error| error.to_string())
    }

    fn explain(&self, entry: &Received, extent: Extent) -> Explanation {
        let Pipeline { contract, keys, .. } = &*self.pipeline;
        Explanation::new(entry, contract, keys, &self.others, extent)
    }

    fn sign(&self, text: &[u8], encoding: Encoding) -> Result<Vec<u8>, String> {
        sign_again(text, encoding, &self.pipeline.contract, self.pipeline.keys.first())
    }

    fn send(&self, request: Outgoing) -> Pending<Forwarded> {
        let (rule, config) = (self.pipeline.rule.clone(), self.config.clone());
        Box::pin(async move {
            let began = Instant::now();
            let url = request.url.clone().into();
            let result = send(request, rule, config).await;
            Forwarded { url, elapsed: began.elapsed(), result }
        })
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn replies(&self) -> Replies {
        Replies::of(locked(&self.pipeline.program).as_ref())
    }

    fn set_replies(&self, program: Option<Runner>) -> Result<(), String> {
        if self.pipeline.application().is_some() {
            return Err("the application's replies are given back".to_owned());
        }
        *locked(&self.pipeline.program) = program;
        let Replies { reply, plan, .. } = self.replies();
        let what = match reply {
            Some(_) => format!("replies through the API: {}", plan.join("; ")),
            None => "replies through the API: the usual ones".to_owned(),
        };
        self.pipeline.events.send(Event::Changed(what));
        Ok(())
    }

    fn reset(&self, through: Option<u64>) -> Pending<Result<u64, String>> {
        let pipeline = Arc::clone(&self.pipeline);
        Box::pin(async move { pipeline.reset(through).await.map_err(|error| error.to_string()) })
    }

    fn statuses(&self) -> StatusTable {
        self.pipeline.contract.statuses
    }
}

async fn send(
    request: Outgoing,
    rule: AcknowledgementRule,
    config: ClientConfig,
) -> Result<AppReply, String> {
    if request.method != "POST" {
        return Err(format!(
            "cannot be sent {}: only POST can be sent again",
            Untrusted::new(&request.method)
        ));
    }
    let target = Target::parse(&request.url).map_err(|error| error.to_string())?;
    let client = Client::try_new(&target, config).map_err(|error| error.to_string())?;
    let mut headers = Vec::new();
    for (name, value) in request.headers {
        let value = String::from_utf8(value).map_err(|_| {
            format!("cannot be sent the header {}: it is not text", Untrusted::new(&name))
        })?;
        headers.push((name, value));
    }
    let sent = Request::new(target, Arc::default(), request.body.to_vec()).with_headers(&headers);
    let outcome = client.send(&sent).await.outcome;
    let conclusion = outcome.conclusion_by(&rule);
    let remark = outcome.explanation(conclusion.as_ref());
    match outcome {
        Outcome::NoReply(failure) => Err(failure.explanation()),
        Outcome::Reply(reply) => Ok(AppReply {
            status: reply.status,
            headers: reply
                .content_type
                .map(|value| ("content-type".to_owned(), value.into_bytes()))
                .into_iter()
                .collect(),
            body: reply.body.into(),
            acknowledges: matches!(conclusion, Some(Conclusion::Acknowledged(_))),
            remark,
        }),
    }
}
