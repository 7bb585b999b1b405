//! One table of situations, each met by both engines, and the requests as a server sees them.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, Conclusion, Refusal};

use super::peers::*;
use super::*;
use crate::net::options::{Connections, HeaderRule};

/// What came of a request: a status or the code of a failure, and what is said of it.
fn told(outcome: &Outcome) -> (String, String) {
    match outcome {
        Outcome::Reply(reply) => {
            let conclusion = outcome.conclusion();
            let why = outcome.explanation(conclusion.as_ref()).unwrap_or_default();
            (reply.status.to_string(), why)
        }
        Outcome::NoReply(failure) => {
            assert!(!failure.detail.contains("s3cret"), "{failure:?}");
            (failure.code().to_owned(), failure.explanation())
        }
    }
}

async fn both(url: &str, limit: Duration, tls: TlsSettings) -> [(String, String); 2] {
    let mut all = Vec::new();
    for config in [without_proxy(), through(proxy())] {
        let config = ClientConfig { tls: tls.clone(), ..config };
        all.push(told(&send_with(url, options(|o| o.timeout = limit), config).await));
    }
    all.try_into().unwrap()
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(150);

/// Both engines give the same code and the same text.
#[track_caller]
fn assert_same(name: &str, found: &[(String, String); 2], code: &str, part: &str) {
    let [direct, proxied] = found;
    assert_eq!(direct.0, code, "{name}: {}", direct.1);
    assert!(direct.1.contains(part), "{name}: {}", direct.1);
    assert_eq!(direct, proxied, "{name}");
}

#[tokio::test]
async fn what_a_server_does_has_one_name_and_one_text() {
    let head = "HTTP/1.1 200 OK\r\n";
    let gzip = format!("{head}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc");
    let table = [
        ("acknowledgement", acknowledgement(), "200", ""),
        (
            "redirect",
            "HTTP/1.1 307 X\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "307",
            "not followed",
        ),
        ("nothing", String::new(), "closed-early", "before the reply was complete"),
        ("half a head", format!("{head}Content-Le"), "closed-early", "before the reply"),
        ("half a body", format!("{head}Content-Length: 50\r\n\r\n{{"), "closed-early", "duplicate"),
        (
            "half a chunk",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{"),
            "closed-early",
            "duplicate",
        ),
        (
            "a bad chunk",
            format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "invalid-reply",
            "does the port speak HTTP",
        ),
        (
            "a bad length",
            format!("{head}Content-Length: x\r\n\r\n"),
            "invalid-reply",
            "does the port speak HTTP",
        ),
        ("another protocol", "SSH-2.0-OpenSSH_9.9\r\n".to_owned(), "invalid-reply", "speak HTTP"),
        (
            "an endless head",
            format!("{head}X: {}", "x".repeat(1 << 20)),
            "invalid-reply",
            "speak HTTP",
        ),
        ("gzip that was not asked for", gzip, "200", "gzip"),
    ];
    for (name, reply, code, part) in table {
        let server = serve(move |mut stream| {
            read_request(&mut stream);
            // One that has read enough may close first.
            let _ = std::io::Write::write_all(&mut stream, reply.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
        });
        let found = both(&format!("http://{server}/"), LONG, TlsSettings::default()).await;
        assert_same(name, &found, code, part);
    }
}

#[tokio::test]
async fn a_reset_and_a_silence_have_one_name_and_one_text() {
    let reset = serve(|mut stream| {
        read_request(&mut stream);
        // Closing with no linger time sends a reset instead of an end.
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let found = both(&format!("http://{reset}/"), LONG, TlsSettings::default()).await;
    assert_same("reset", &found, "connection-reset", "broke the connection off");
    let silent = serve(|mut stream| {
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    let found = both(&format!("http://{silent}/"), SHORT, TlsSettings::default()).await;
    assert_same("silence", &found, "timeout", "no complete reply within 150ms; the merchant may");
    let dripping = serve(|mut stream| {
        let drip = |bytes: &[u8], stream: &mut std::net::TcpStream| {
            std::io::Write::write_all(stream, bytes).is_ok()
        };
        read_request(&mut stream);
        drip(b"HTTP/1.1 200 OK\r\n\r\n", &mut stream);
        while drip(b" ", &mut stream) {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let found = both(&format!("http://{dripping}/"), SHORT, TlsSettings::default()).await;
    assert_same("dripping", &found, "timeout", "no complete reply within 150ms");
}

#[tokio::test]
async fn what_tls_refuses_has_one_name_and_one_text() {
    let trusting = |own: &TestCertificates| {
        let trust = crate::net::tls::Trust::parse(own.authority.as_bytes()).unwrap();
        TlsSettings { trust, identity: None }
    };
    let wrong = issued(&["shop.example"], |_| ());
    let old = issued(&["localhost"], |made| made.not_after = rcgen::date_time_ymd(2020, 1, 2));
    let own = self_signed(&["localhost"]);
    for (name, shown, trusted, part) in [
        ("wrong name", &wrong, &wrong, "not for localhost, but for shop.example"),
        ("expired", &old, &old, "expired on 2020-01-02"),
        ("self-signed", &own, &wrong, "self-signed"),
    ] {
        let (url, merchant) = https(shown, None, 2);
        assert_same(name, &both(&url, LONG, trusting(trusted)).await, "tls", part);
        tokio::task::spawn_blocking(|| merchant.join().unwrap()).await.unwrap();
    }
    let plain = serve(|mut stream| {
        // As HTTP servers do: what comes before the hello would pass for the proxy's own reply.
        let _ = std::io::Read::read(&mut stream, &mut [0; 1]);
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    let found = both(&format!("https://{plain}/"), LONG, trusting(&own)).await;
    assert_same("not TLS", &found, "tls", "does not speak TLS");
}

// What happens between a proxy and an endpoint only the proxy knows, so the codes differ there.
#[tokio::test]
async fn what_a_proxy_hides_is_told_as_the_proxys() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = serve(|mut stream| {
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    for (name, url, limit, direct, part) in [
        ("no address", "http://a..b/".to_owned(), LONG, "resolve", "nothing was sent"),
        ("no address", "https://a..b/".to_owned(), LONG, "resolve", "nothing was sent"),
        ("refused", format!("http://{closed}/"), LONG, "connection-refused", "nothing listens"),
        ("refused", format!("https://{closed}/"), LONG, "connection-refused", "nothing listens"),
        // reqwest shows the tunnel and the handshake in it as one step.
        ("hanging handshake", format!("https://{silent}/"), SHORT, "tls", "nothing was sent"),
    ] {
        let [one, other] = both(&url, limit, TlsSettings::default()).await;
        assert_eq!(one.0, direct, "{name}: {}", one.1);
        assert!(one.1.contains(part), "{name}: {}", one.1);
        assert_eq!(other.0, "proxy", "{name}: {}", other.1);
        assert!(other.1.contains("the proxy http://127.0.0.1:"), "{name}: {}", other.1);
        let is_neutral = other.1.contains("or the merchant behind it did not answer");
        assert_eq!(is_neutral, name == "hanging handshake", "{name}: {}", other.1);
    }
}

// Other systems bound no queue of connections.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_without_an_answer_sent_nothing() {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let connect =
        || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
    let held: Vec<_> = std::iter::from_fn(connect).take(100).collect();
    assert!(held.len() < 100, "the queue of connections is not full");
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://{address}/");
        let (code, why) = told(&send(&url, options(|o| o.timeout = SHORT)).await);
        assert_eq!(code, "connect", "{why}");
        assert!(why.contains("nothing was sent") && why.contains("within 150ms"), "{why}");
    }
}

#[tokio::test]
async fn what_a_proxy_does_is_not_the_merchants() {
    let refusing = |status: &'static str| {
        serve(move |mut stream| {
            read_head(&mut stream);
            let reply = format!("HTTP/1.1 {status}\r\nVia: 1.1 p\r\nContent-Length: 0\r\n\r\n");
            let _ = std::io::Write::write_all(&mut stream, reply.as_bytes());
        })
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = serve(|mut stream| {
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    for (proxy, scheme, code, part) in [
        (refusing("407 Auth"), "http", "proxy", "(407)"),
        (refusing("407 Auth"), "https", "proxy", "(407)"),
        (refusing("403 No"), "https", "proxy", "refused to connect to the merchant"),
        (refusing("502 Bad"), "http", "proxy", "502 came from the proxy"),
        (refusing("502 Bad"), "https", "proxy", "refused to connect to the merchant"),
        (closed, "http", "proxy", "gave no connection"),
        (closed, "https", "proxy", "gave no connection"),
        (silent, "https", "proxy", "within 150ms"),
        (silent, "https", "proxy", "or the merchant behind it did not answer, so nothing was sent"),
        // The request was with the proxy: whether it was passed on is not known.
        (silent, "http", "timeout", "may have processed"),
    ] {
        let url = format!("{scheme}://shop.example/");
        let (found, why) =
            told(&send_with(&url, options(|o| o.timeout = SHORT), through(proxy)).await);
        assert_eq!(found, code, "{scheme} {part}: {why}");
        assert!(why.contains(part), "{scheme}: {why}");
    }
}

/// The request as a server sees it, through either engine; the lines of the head in order of name.
async fn seen(url_tail: &str, request: RequestOptions, config: ClientConfig) -> String {
    let (tell, told) = mpsc::channel();
    let server = serve(move |mut stream| {
        let _ = tell.send(read_request(&mut stream));
        let _ = std::io::Write::write_all(&mut stream, acknowledgement().as_bytes());
    });
    let url = format!("http://user:s3cret@{server}{url_tail}");
    let (client, message) = client(&url, request, config);
    let message = message.with_headers(&[("x-test".into(), "yes".into())]);
    let outcome = client.send(&message).await.outcome;
    assert_eq!(outcome.conclusion(), Some(Conclusion::Acknowledged(Vec::new())), "{outcome:?}");
    let seen = told.recv().unwrap().unwrap().replace(&server.to_string(), "(server)");
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    lines[1..].sort_unstable();
    format!("{}\n\n{body}", lines.join("\n"))
}

#[tokio::test]
async fn both_engines_send_the_protocols_request() {
    let direct = seen("/notify?a=1", options(|_| ()), without_proxy()).await;
    assert_eq!(
        direct,
        format!(
            "POST /notify?a=1 HTTP/1.1\naccept: */*\nauthorization: Basic dXNlcjpzM2NyZXQ=\n\
             content-length: 7\ncontent-type: application/json;charset=utf-8\nhost: (server)\n\
             user-agent: {USER_AGENT_TEXT}\nx-test: yes\n\n{BODY}"
        )
    );
    let proxied = seen("/notify?a=1", options(|_| ()), through(proxy())).await;
    let is_own = |line: &&str| !line.starts_with("proxy-authorization: Basic ");
    assert_eq!(proxied.lines().filter(is_own).collect::<Vec<_>>().join("\n"), direct);
    assert!(proxied.contains("proxy-authorization: Basic dXNlcjpzM2NyZXQ="), "{proxied}");
    let rules = ["User-Agent:", "Host: shop.example", "X-Test: no", "X-A: 1", "X-A: 2"];
    let rules = rules.map(|rule| HeaderRule::parse(rule).unwrap());
    let change = || options(|o| o.headers = rules.to_vec());
    let direct = seen("/", change(), without_proxy()).await;
    assert!(direct.contains("host: shop.example\nx-a: 1\nx-a: 2\nx-test: yes\n"), "{direct}");
    assert!(!direct.contains("user-agent"), "{direct}");
    let proxied = seen("/", change(), through(proxy())).await;
    assert_eq!(proxied.lines().filter(is_own).collect::<Vec<_>>().join("\n"), direct);
}

#[tokio::test]
async fn a_target_goes_out_byte_for_byte_or_not_at_all() {
    for tail in ["/a/../b", "/n?q='x'", "/./x//y?{}|^", "/%7e%2E%2e/'"] {
        let direct = seen(tail, options(|_| ()), without_proxy()).await;
        assert!(direct.starts_with(&format!("POST {tail} HTTP/1.1\n")), "{direct}");
    }
    for tail in ["/a/../b", "/n?q='x'", "/./x"] {
        let target = Target::parse(&format!("http://shop.example{tail}")).unwrap();
        let refused = Client::try_new(&target, through("127.0.0.1:1".parse().unwrap()));
        assert!(matches!(refused, Err(ClientError::Proxy(ProxyError::Rewritten))), "{tail}");
    }
}

#[tokio::test]
async fn a_huge_reply_is_cut() {
    let server = serve(|mut stream| {
        read_request(&mut stream);
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n");
        // The sender hangs up long before this is through.
        let part = [b'x'; MAX_REPLY_BYTES];
        while std::io::Write::write_all(&mut stream, &part).is_ok() {}
    });
    for config in [without_proxy(), through(proxy())] {
        let outcome = send_with(&format!("http://{server}/"), options(|_| ()), config).await;
        assert!(matches!(&outcome, Outcome::Reply(r) if r.body.len() == MAX_REPLY_BYTES + 1));
        assert_eq!(outcome.conclusion(), Some(Conclusion::NotAcknowledged(Refusal::TooLong)));
    }
}

#[tokio::test]
async fn a_proxy_is_in_the_way_of_some_options() {
    let target = Target::parse("http://shop.example/").unwrap();
    let client = Client::try_new(&target, through("127.0.0.1:1".parse().unwrap())).unwrap();
    let half = options(|o| o.is_half_closed = true);
    assert!(client.permits(&half).is_err());
    assert!(client.permits(&options(|o| o.connections = Connections::Reused)).is_ok());
    let request = Request::new(target, Arc::new(half), BODY);
    assert_eq!(told(&client.send(&request).await.outcome).0, "other");
}

#[tokio::test]
async fn a_client_serves_one_endpoint() {
    let (client, _) = client("http://127.0.0.1:1/", options(|_| ()), without_proxy());
    let other = Request::new(Target::parse("http://127.0.0.1:2/").unwrap(), Arc::default(), BODY);
    assert!(told(&client.send(&other).await.outcome).1.contains("another endpoint"));
}

#[tokio::test]
async fn localhost_is_both_loopback_addresses() {
    // A machine without IPv6 has nothing to show.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            read_request(&mut stream);
            let _ = std::io::Write::write_all(&mut stream, acknowledgement().as_bytes());
        }
    });
    for host in ["localhost", "shop.localhost", "LOCALHOST.", "[::1]"] {
        let outcome = send(&format!("http://{host}:{port}/"), options(|_| ())).await;
        assert_eq!(body_of(outcome), ACKNOWLEDGEMENT_BODY.as_bytes(), "{host}");
    }
}

/// A merchant that acknowledges one request on each connection, and then closes it at once or when
/// it has read the next.
fn closing(reads_next: bool) -> std::net::SocketAddr {
    serve(move |mut stream| {
        read_request(&mut stream);
        let _ = std::io::Write::write_all(&mut stream, acknowledgement().as_bytes());
        if reads_next {
            read_request(&mut stream);
        }
    })
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_no_attempt() {
    let url = format!("http://{}/", closing(false));
    let (client, request) = client(&url, reused(), without_proxy());
    for _ in 0..10 {
        body_of(client.send(&request).await.outcome);
        // The runtime sees nothing meanwhile: only the socket itself knows of the end.
        thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_kept_connection_that_ends_without_a_reply_is_stale() {
    let url = format!("http://{}/", closing(true));
    let (client, request) = client(&url, reused(), without_proxy());
    body_of(client.send(&request).await.outcome);
    let (code, why) = told(&client.send(&request).await.outcome);
    assert_eq!(code, "stale-connection", "{why}");
    assert!(why.contains("may or may not") && why.contains("duplicate"), "{why}");
    // A byte of a reply is the merchant's own failure.
    let half = serve(|mut stream| {
        read_request(&mut stream);
        let _ = std::io::Write::write_all(&mut stream, acknowledgement().as_bytes());
        read_request(&mut stream);
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 2");
    });
    let (client, request) =
        super::peers::client(&format!("http://{half}/"), reused(), without_proxy());
    body_of(client.send(&request).await.outcome);
    assert_eq!(told(&client.send(&request).await.outcome).0, "closed-early");
}
