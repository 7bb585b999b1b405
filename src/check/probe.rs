//! Questions about the way to an endpoint that no single notification answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::internal::acknowledgement::{Conclusion, ReplyWarning};

use super::case::Probe;
use super::control::{Control, Controls};
use super::report::{Exchange, Status};
use super::sender::Sent;
use crate::clock::wall_time;
use crate::net::outcome::{FailureKind, Outcome};
use crate::net::probing::{addresses, connect, handshake};
use crate::sender::schedule::format_duration;

use Resolution::{Bad, Good, NotThere, Unknown, Watch};

const SAMPLES: usize = 5;

pub(super) const MOST_OF_A_PROBE: u64 = SAMPLES as u64;

const MAX_BEGINNING: usize = 4096;

const FEW_DAYS: i64 = 21;

#[derive(Clone, Debug)]
pub(super) struct ProbeFinding {
    pub(super) found: Resolution,
    pub(super) text: String,
    pub(super) exchanges: Vec<Exchange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    Good,
    Watch,
    Bad,
    NotThere,
    Unknown,
}

impl Resolution {
    pub(super) fn status(self, bad: Status) -> Status {
        match self {
            Good => Status::Passed,
            Watch => Status::Warned,
            Bad => bad,
            NotThere => Status::Skipped,
            Unknown => Status::Inconclusive,
        }
    }
}

fn finding(found: Resolution, text: impl Into<String>) -> ProbeFinding {
    ProbeFinding { found, text: text.into(), exchanges: Vec::new() }
}

pub(super) struct Prober<'a> {
    pub(super) controls: &'a Controls<'a>,
    pub(super) opening: &'a Control,
}

/// A finding; as an error where it ends the probe early.
type Probed = Result<ProbeFinding, ProbeFinding>;

impl Prober<'_> {
    pub(super) async fn ask(&self, probe: Probe) -> ProbeFinding {
        let probed = match probe {
            Probe::Dns => self.dns().await,
            Probe::Connect => self.connect().await,
            Probe::Tls => self.tls().await,
            Probe::Ipv6 => self.ipv6().await,
            Probe::Redirect => self.of_opening(redirect),
            Probe::Html => self.of_opening(html),
            Probe::ContentType => self.of_opening(content_type),
            Probe::Latency => self.latency().await,
            Probe::KeepAlive => self.keep_alive().await,
        };
        probed.unwrap_or_else(|early| early)
    }

    fn limit(&self) -> Duration {
        self.controls.sender.wiring().options.timeout
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, ProbeFinding> {
        let wiring = self.controls.sender.wiring();
        addresses(&wiring.target, &wiring.client.config().resolve, self.limit())
            .await
            .map_err(|failure| finding(Bad, failure.explanation()))
    }

    async fn dns(&self) -> Probed {
        Ok(finding(Good, format!("it has {}", listed(&self.addresses().await?))))
    }

    async fn connect(&self) -> Probed {
        let found = self.addresses().await?;
        let mut refused = None;
        let mut made = Vec::new();
        for address in &found {
            match connect(*address, self.limit()).await {
                Ok(_) => made.push(*address),
                Err(failure) => {
                    refused.get_or_insert(format!("{address}: {}", failure.explanation()));
                }
            }
        }
        Ok(match refused {
            None => finding(Good, format!("{} can be connected to", listed(&found))),
            Some(why) if made.is_empty() => finding(Bad, why),
            Some(why) => finding(Watch, format!("only {} answers; {why}", listed(&made))),
        })
    }

    async fn tls(&self) -> Probed {
        let wiring = self.controls.sender.wiring();
        if !wiring.target.is_https() {
            return Err(finding(NotThere, "the URL is not https"));
        }
        let found = self.addresses().await?;
        let address = found.first().ok_or_else(|| finding(Bad, "there is no address"))?;
        let facts = handshake(&wiring.target, *address, &wiring.client.config().tls, self.limit())
            .await
            .map_err(|failure| finding(Bad, failure.explanation()))?;
        let start = format!("{}, a chain of {}", facts.version, facts.chain);
        let Some(expires_at) = facts.expires_at else { return Ok(finding(Good, start)) };
        let days = expires_at.as_second().saturating_sub(wall_time().as_second()) / 86_400;
        let text = format!("{start}; the merchant's own is good for {days} more days");
        Ok(finding(if days < FEW_DAYS { Watch } else { Good }, text))
    }

    async fn ipv6(&self) -> Probed {
        let found = self.addresses().await?;
        let address = found.iter().find(|address| address.is_ipv6());
        let address = address.ok_or_else(|| finding(NotThere, "the host has no IPv6 address"))?;
        Ok(match connect(*address, self.limit()).await {
            Ok(_) => finding(Good, format!("{address} can be connected to")),
            Err(failure) => finding(Bad, format!("{address}: {}", failure.explanation())),
        })
    }

    fn of_opening(&self, look: fn(&Sent) -> ProbeFinding) -> Probed {
        let sent = self.opening.sent.as_ref();
        let sent = sent.ok_or_else(|| finding(Unknown, "there was no reply to look at"))?;
        let mut finding = look(sent);
        if finding.found != Good {
            finding.exchanges.push(sent.exchange.clone());
        }
        Ok(finding)
    }

    async fn latency(&self) -> Probed {
        let mut took = Vec::new();
        for _ in 0..SAMPLES {
            let Ok(message) = self.controls.message().await else { break };
            let sent = self.controls.sender.send(&message, Default::default(), "latency").await;
            if !sent.is_acknowledged() {
                let text = format!("a good notification was {}", sent.exchange.conclusion);
                return Err(ProbeFinding { exchanges: vec![sent.exchange], ..finding(Bad, text) });
            }
            took.push(sent.exchange.elapsed);
        }
        took.sort_unstable();
        let (Some(half), Some(most)) = (took.get(took.len() / 2), took.last()) else {
            return Err(finding(Unknown, "no notification could be made"));
        };
        let limit = self.limit();
        let text = format!(
            "half within {}, all within {}, of {} that one attempt has",
            in_milliseconds(*half),
            in_milliseconds(*most),
            format_duration(limit)
        );
        Ok(finding(if *most > limit / 2 { Watch } else { Good }, text))
    }

    async fn keep_alive(&self) -> Probed {
        let mut text = "two notifications on one connection are acknowledged";
        for which in ["first", "second"] {
            let Ok(message) = self.controls.message().await else { break };
            let start = Instant::now();
            let (mut outcome, mut conclusion) = self.controls.sender.send_on_kept(&message).await;
            if outcome.is(FailureKind::StaleConnection) {
                text = "the endpoint closed the kept connection as it was used again, which a server \
                        may do; the same notification is acknowledged on a new one";
                (outcome, conclusion) = self.controls.sender.send_on_kept(&message).await;
            }
            if let Some(why) = outcome.explanation(conclusion.as_ref()) {
                let took = in_milliseconds(start.elapsed());
                let text = format!("the {which} on one connection: {why} (after {took})");
                return Err(finding(Bad, text));
            }
        }
        Ok(finding(Good, text))
    }
}

fn redirect(sent: &Sent) -> ProbeFinding {
    let status = match &sent.outcome {
        Outcome::Reply(reply) => reply.status,
        Outcome::NoReply(failure) => return finding(Unknown, failure.explanation()),
    };
    if !(300..400).contains(&status) {
        return finding(Good, format!("a POST is answered with {status}"));
    }
    let what = "a POST is answered with a redirect";
    finding(Bad, format!("{what} ({status}), and the platform does not follow it"))
}

fn html(sent: &Sent) -> ProbeFinding {
    let Outcome::Reply(reply) = &sent.outcome else {
        return finding(Unknown, "there was no reply to look at");
    };
    if sent.is_acknowledged() || !begins_like_a_page(&reply.body) {
        return finding(Good, "the reply is not an HTML page");
    }
    let text = format!(
        "the reply is an HTML page (status {}): a challenge, login or error page in the place of \
         the handler's own reply",
        reply.status
    );
    finding(Bad, text)
}

/// Whether a body begins like an HTML page, whatever its content type says.
///
/// PHP labels every reply as text/html where the handler sets nothing else, so the label does not count.
fn begins_like_a_page(body: &[u8]) -> bool {
    const BEGINNINGS: [&str; 6] = ["<html", "<head", "<body", "<title", "<meta", "<script"];
    let beginning = String::from_utf8_lossy(&body[..body.len().min(MAX_BEGINNING)]).to_lowercase();
    let mut text = beginning.trim_start_matches('\u{feff}').trim_start();
    // An XML declaration and comments may come first.
    for (open, close) in [("<?xml", "?>"), ("<!--", "-->"), ("<!--", "-->")] {
        if let Some((_, after)) = text.strip_prefix(open).and_then(|it| it.split_once(close)) {
            text = after.trim_start();
        }
    }
    let doctype = text.strip_prefix("<!doctype").map(str::trim_start);
    doctype.is_some_and(|name| name.starts_with("html"))
        || BEGINNINGS.iter().any(|tag| text.starts_with(tag))
}

fn content_type(sent: &Sent) -> ProbeFinding {
    let said = match &sent.exchange.received {
        Ok(received) => received.content_type.as_deref().unwrap_or("none"),
        Err(why) => return finding(Unknown, why),
    };
    let Some(Conclusion::Acknowledged(warnings)) = &sent.conclusion else {
        return finding(Unknown, "there was no acknowledgement to look at");
    };
    let text = format!("the content type of the acknowledgement is {said}");
    match warnings.contains(&ReplyWarning::ContentType) {
        true => finding(Watch, format!("{text}, not application/json")),
        false => finding(Good, text),
    }
}

fn listed(addresses: &[SocketAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    texts.join(", ")
}

fn in_milliseconds(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_like_one() {
        for page in [
            "<!doctype html>",
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">",
            "\r\n  <!DOCTYPE\tHTML><p>Wait",
            "\u{feff}<html lang=en>",
            "<HTML><HEAD>",
            "<head><title>Just a moment...</title>",
            "<title>Login</title>",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html>",
            "<!-- one --> <!-- two --><html>",
            "<script>location='/login'</script>",
        ] {
            assert!(begins_like_a_page(page.as_bytes()), "{page}");
        }
        for reply in [
            "",
            "success",
            "{\"error_code\":\"0004\",\"error_msg\":\"<html>\"}",
            "OK <html>",
            "<br />\n<b>Warning</b>: Undefined index in notify.php",
            "<xml><return_code>FAIL</return_code></xml>",
            "<?xml version=\"1.0\"?><xml/>",
            "<!doctype xml>",
            "<!-- never closed <html>",
        ] {
            assert!(!begins_like_a_page(reply.as_bytes()), "{reply}");
        }
        assert!(!begins_like_a_page(&[0xff, 0xfe, 0x3c]));
    }
}
