//! The inspector's page beside the listener: where it is served, and where it gets what it shows.

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
    Explanation, Extent, Inspector, Outgoing, Pending, Query, Source, State, sign_again,
};
use crate::keyring::Keyring;
use crate::mask::Untrusted;
use crate::net::client::{Client, ClientConfig};
use crate::net::outcome::Outcome;
use crate::net::target::Target;
use crate::net::transport::{Request, Transport};
use crate::receiver::broadcast::EntryBroadcast;
use crate::receiver::callback::Callback;
use crate::receiver::inbox::{Filter, Inbox, Side};
use crate::receiver::pipeline::Pipeline;
use crate::receiver::received::{AppReply, Forwarded, Received};
use crate::receiver::server::Server;
use crate::receiver::server::limits::Limits;
use crate::receiver::verify::Contract;

const LAST_REPLIES: Duration = Duration::from_millis(500);

pub(super) struct InspectorPage {
    inspector: Inspector,
    stop: mpsc::Sender<()>,
    serving: JoinHandle<()>,
}

pub(super) struct Bound {
    server: Server,
    address: SocketAddr,
    pub(super) broadcast: EntryBroadcast,
}

impl Bound {
    pub(super) async fn bind(address: SocketAddr) -> Result<Bound, CommandError> {
        if !address.ip().is_loopback() {
            return Err(CommandError::usage(format!("the inspector cannot be on {address}")).hint(
                "it is for this machine only: --inspect=127.0.0.1:PORT, or a bare --inspect",
            ));
        }
        let cannot = |error| {
            CommandError::environment(format!("cannot serve the inspector on {address}"))
                .because(error)
                .hint("choose another port with --inspect=127.0.0.1:PORT")
        };
        let server = Server::bind(address, Limits::default()).await.map_err(cannot)?;
        let address = server.local_addr().map_err(cannot)?;
        Ok(Bound { server, address, broadcast: EntryBroadcast::new() })
    }

    pub(super) fn serve(
        self,
        pipeline: &Pipeline,
        inbox: &Arc<Inbox>,
        others: Arc<Vec<(String, Key)>>,
        listen_url: String,
        config: ClientConfig,
    ) -> Result<InspectorPage, CommandError> {
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
        let shelf = StoredEntries {
            inbox: Arc::clone(inbox),
            contract: pipeline.contract,
            keys: Arc::clone(&pipeline.keys),
            others,
            rule: pipeline.rule.clone(),
            config,
            state,
        };
        let inspector =
            Inspector::try_new(self.address, Arc::new(shelf), self.broadcast).map_err(|error| {
                CommandError::environment("the inspector has no token").because(error)
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
        Ok(InspectorPage { inspector, stop, serving })
    }
}

impl InspectorPage {
    pub(super) fn url(&self) -> String {
        self.inspector.url()
    }

    pub(super) async fn close(self) {
        self.inspector.close();
        let _ = self.stop.try_send(());
        // A page that does not end in time ends with the process.
        let _ = tokio::time::timeout(LAST_REPLIES, self.serving).await;
    }
}

struct StoredEntries {
    inbox: Arc<Inbox>,
    contract: Contract,
    keys: Arc<Keyring>,
    others: Arc<Vec<(String, Key)>>,
    rule: AcknowledgementRule,
    config: ClientConfig,
    state: State,
}

impl Source for StoredEntries {
    fn search(
        &self,
        query: &Query,
        take: &mut dyn FnMut(&Received) -> ControlFlow<()>,
    ) -> Result<Option<u64>, String> {
        let filter = Filter {
            order: query.order.clone(),
            status: query.status,
            validity: query.verdict,
            before: query.before,
            side: Side::NewestFirst,
            // The page's search looks at more than the body, so it is not left to the file.
            ..Filter::default()
        };
        let reader = self.inbox.reader().map_err(|error| error.to_string())?;
        let searched = reader.search(&filter, |entry| {
            if query.admits(&entry) { take(&entry) } else { ControlFlow::Continue(()) }
        });
        searched.map_err(|error| error.to_string())
    }

    fn entry(&self, id: u64) -> Result<Option<Arc<Received>>, String> {
        let entry = self.inbox.reader().and_then(|reader| reader.entry(id));
        entry.map(|entry| entry.map(Arc::new)).map_err(|error| error.to_string())
    }

    fn explain(&self, entry: &Received, extent: Extent) -> Explanation {
        Explanation::new(entry, &self.contract, &self.keys, &self.others, extent)
    }

    fn sign(&self, text: &[u8], encoding: Encoding) -> Result<Vec<u8>, String> {
        sign_again(text, encoding, &self.contract, self.keys.first())
    }

    fn send(&self, request: Outgoing) -> Pending<Forwarded> {
        let (rule, config) = (self.rule.clone(), self.config.clone());
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

    fn statuses(&self) -> StatusTable {
        self.contract.statuses
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
    let outcome = client.send(&sent).await;
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
