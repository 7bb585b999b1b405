//! Questions about the way to an endpoint that no single notification answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::internal::acknowledgement::{Conclusion, ReplyWarning};

use super::control::{Control, Controls};
use super::report::{Exchange, Status};
use super::sender::{Sender, Sent};
use crate::net::outcome::Outcome;
use crate::net::probing::{addresses, connect, handshake};
use crate::sender::schedule::format_duration;

const SAMPLES: usize = 5;

pub(super) const MOST_OF_A_PROBE: u64 = SAMPLES as u64;

const MAX_BEGINNING: usize = 4096;

const FEW_DAYS: i64 = 21;

#[derive(Clone, Debug)]
pub(super) struct Probed {
    pub(super) finding: Finding,
    pub(super) exchanges: Vec<Exchange>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Good(String),
    Watch(String),
    Bad(String),
    NotThere(String),
    Unknown(String),
}

impl Finding {
    pub(super) fn status(&self, bad: Status) -> Status {
        match self {
            Finding::Good(_) => Status::Passed,
            Finding::Watch(_) => Status::Warned,
            Finding::Bad(_) => bad,
            Finding::NotThere(_) => Status::Skipped,
            Finding::Unknown(_) => Status::Inconclusive,
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Finding::Good(text)
            | Finding::Watch(text)
            | Finding::Bad(text)
            | Finding::NotThere(text)
            | Finding::Unknown(text) => text,
        }
    }
}

impl From<Finding> for Probed {
    fn from(finding: Finding) -> Probed {
        Probed { finding, exchanges: Vec::new() }
    }
}

pub(super) struct Prober<'a> {
    pub(super) sender: &'a Sender,
    pub(super) controls: &'a Controls<'a>,
    pub(super) opening: &'a Control,
}

impl Prober<'_> {
    pub(super) async fn ask(&self, name: &str) -> Probed {
        match name {
            "dns" => self.dns().await.into(),
            "connect" => self.connect().await.into(),
            "tls" => self.tls().await.into(),
            "ipv6" => self.ipv6().await.into(),
            "redirect" => self.of_opening(redirect),
            "html" => self.of_opening(html),
            "content-type" => self.of_opening(content_type),
            "latency" => self.latency().await,
            "keep-alive" => self.keep_alive().await,
            _ => Finding::NotThere(format!("there is no probe {name:?}")).into(),
        }
    }

    fn limit(&self) -> Duration {
        self.sender.wiring().options.timeout
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, Finding> {
        let wiring = self.sender.wiring();
        addresses(&wiring.target, &wiring.client.config().resolve, self.limit())
            .await
            .map_err(|failure| Finding::Bad(failure.explanation()))
    }

    async fn dns(&self) -> Finding {
        match self.addresses().await {
            Ok(found) => Finding::Good(format!("it has {}", listed(&found))),
            Err(bad) => bad,
        }
    }

    async fn connect(&self) -> Finding {
        let found = match self.addresses().await {
            Ok(found) => found,
            Err(bad) => return bad,
        };
        let mut refused = None;
        let mut made = Vec::new();
        for address in &found {
            match connect(*address, self.limit()).await {
                Ok(()) => made.push(*address),
                Err(failure) => {
                    refused.get_or_insert(format!("{address}: {}", failure.explanation()));
                }
            }
        }
        match refused {
            None => Finding::Good(format!("{} can be connected to", listed(&found))),
            Some(why) if made.is_empty() => Finding::Bad(why),
            Some(why) => Finding::Watch(format!("only {} answers; {why}", listed(&made))),
        }
    }

    async fn tls(&self) -> Finding {
        let wiring = self.sender.wiring();
        if !wiring.target.is_https() {
            return Finding::NotThere("the URL is not https".to_owned());
        }
        let first = match self.addresses().await {
            Ok(found) => found.first().copied(),
            Err(bad) => return bad,
        };
        let Some(address) = first else {
            return Finding::Bad("there is no address".to_owned());
        };
        let facts =
            match handshake(&wiring.target, address, &wiring.client.config().tls, self.limit())
                .await
            {
                Ok(facts) => facts,
                Err(failure) => return Finding::Bad(failure.explanation()),
            };
        let start = format!("{}, a chain of {}", facts.version, facts.chain);
        let Some(expires_at) = facts.expires_at else { return Finding::Good(start) };
        let days = expires_at.as_second().saturating_sub(Timestamp::now().as_second()) / 86_400;
        let text = format!("{start}; the merchant's own is good for {days} more days");
        if days < FEW_DAYS { Finding::Watch(text) } else { Finding::Good(text) }
    }

    async fn ipv6(&self) -> Finding {
        let found = match self.addresses().await {
            Ok(found) => found,
            Err(bad) => return bad,
        };
        let Some(address) = found.iter().find(|address| address.is_ipv6()) else {
            return Finding::NotThere("the host has no IPv6 address".to_owned());
        };
        match connect(*address, self.limit()).await {
            Ok(()) => Finding::Good(format!("{address} can be connected to")),
            Err(failure) => Finding::Bad(format!("{address}: {}", failure.explanation())),
        }
    }

    fn of_opening(&self, look: fn(&Sent) -> Finding) -> Probed {
        match self.opening.sent() {
            Some(sent) => {
                let finding = look(sent);
                let exchanges = match finding {
                    Finding::Good(_) => Vec::new(),
                    _ => vec![sent.exchange.clone()],
                };
                Probed { finding, exchanges }
            }
            None => Finding::Unknown("there was no reply to look at".to_owned()).into(),
        }
    }

    async fn latency(&self) -> Probed {
        let mut took = Vec::new();
        for _ in 0..SAMPLES {
            let Ok(message) = self.controls.message() else { break };
            let sent = self.sender.send(&message, Default::default(), "latency").await;
            if !sent.is_acknowledged() {
                let text = format!("a good notification was {}", sent.exchange.conclusion);
                return Probed { finding: Finding::Bad(text), exchanges: vec![sent.exchange] };
            }
            took.push(sent.exchange.elapsed);
        }
        took.sort_unstable();
        let (Some(half), Some(most)) = (took.get(took.len() / 2), took.last()) else {
            return Finding::Unknown("no notification could be made".to_owned()).into();
        };
        let limit = self.limit();
        let text = format!(
            "half within {}, all within {}, of {} that one attempt has",
            in_milliseconds(*half),
            in_milliseconds(*most),
            format_duration(limit)
        );
        match *most > limit / 2 {
            true => Finding::Watch(text).into(),
            false => Finding::Good(text).into(),
        }
    }

    async fn keep_alive(&self) -> Probed {
        for which in ["first", "second"] {
            let Ok(message) = self.controls.message() else { break };
            let start = Instant::now();
            let (outcome, conclusion) = self.sender.send_on_kept(&message).await;
            if let Some(why) = outcome.explanation(conclusion.as_ref()) {
                let took = in_milliseconds(start.elapsed());
                let text = format!("the {which} on one connection: {why} (after {took})");
                return Finding::Bad(text).into();
            }
        }
        Finding::Good("two notifications on one connection are acknowledged".to_owned()).into()
    }
}

fn redirect(sent: &Sent) -> Finding {
    match &sent.outcome {
        Outcome::Reply(reply) if (300..400).contains(&reply.status) => Finding::Bad(format!(
            "a POST is answered with a redirect ({}), and the platform does not follow it",
            reply.status
        )),
        Outcome::Reply(reply) => Finding::Good(format!("a POST is answered with {}", reply.status)),
        Outcome::NoReply(failure) => Finding::Unknown(failure.explanation()),
    }
}

fn html(sent: &Sent) -> Finding {
    let Outcome::Reply(reply) = &sent.outcome else {
        return Finding::Unknown("there was no reply to look at".to_owned());
    };
    match !sent.is_acknowledged() && begins_like_a_page(&reply.body) {
        true => Finding::Bad(format!(
            "the reply is an HTML page (status {}): a challenge, login or error page in the place \
             of the handler's own reply",
            reply.status
        )),
        false => Finding::Good("the reply is not an HTML page".to_owned()),
    }
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

fn content_type(sent: &Sent) -> Finding {
    let said = match &sent.exchange.received {
        Ok(received) => received.content_type.as_deref().unwrap_or("none"),
        Err(why) => return Finding::Unknown(why.clone()),
    };
    match &sent.conclusion {
        Some(Conclusion::Acknowledged(warnings))
            if warnings.contains(&ReplyWarning::ContentType) =>
        {
            Finding::Watch(format!(
                "the content type of the acknowledgement is {said}, not application/json"
            ))
        }
        Some(Conclusion::Acknowledged(_)) => {
            Finding::Good(format!("the content type of the acknowledgement is {said}"))
        }
        _ => Finding::Unknown("there was no acknowledgement to look at".to_owned()),
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
