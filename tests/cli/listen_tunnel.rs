//! `listen --tunnel` with programs that are everywhere in the place of a tunnel client;
//! `tests/tunnel.py` has a real one.

use std::fs;

use crate::harness::{
    KEY, Listening, Merchant, Output, Scripted, free_port, payout_notify, signed_success,
};

/// Whether a process has these words.
fn is_running(words: &str) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.into_iter().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").trim() == words
    })
}

fn tunnel(client: &str, more: &[&str]) -> Output {
    let listen =
        ["listen", "--bind", ":0", "--no-inbox", "--tunnel", client, "--tunnel-wait", "1s"];
    payout_notify(&[&listen, more].concat()).key(KEY).run()
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_runs_beside_the_listener_and_ends_with_it() {
    let port = free_port();
    let (bind, url) = (port.to_string(), format!("http://127.0.0.1:{port}/in"));
    let sleep = format!("sleep {port}");
    let client = "sh -c 'sleep {port} & exec sleep {port}'";
    let arguments = ["--bind", &bind, "--tunnel", client, "--tunnel-url", &url];
    let program = payout_notify(&["listen", "--format", "json", "--no-inbox"]);
    let listening = Listening::of(program.args(&arguments).key(KEY));
    assert_eq!(listening.ready["tunnel_url"], url.as_str(), "{}", listening.ready);
    assert!(is_running(&sleep));
    listening.post(&signed_success());
    // The probe does not count as a callback.
    assert_eq!(listening.callback()["number"], 1);
    let ended = listening.interrupt();
    ended.output.exits(0);
    assert_eq!(ended.summary["callbacks"], 1);
    assert!(!is_running(&sleep));
}

#[test]
fn a_client_that_cannot_help_is_an_error_of_the_environment() {
    tunnel("no-such-client {port}", &[]).exits(4).remarks(&["no-such-client cannot be started"]);
    tunnel("false {port}", &[]).exits(4).remarks(&["the tunnel client ended with exit code 1"]);
    tunnel("sh -c 'echo at https://docs.example/page; exec sleep 9{port}'", &[]).exits(4).remarks(
        &["the tunnel client printed no public URL within 1s", "docs.example", "--tunnel-url"],
    );
    let other = Listening::start(&[]);
    tunnel("sleep 9{port}", &["--tunnel-url", &other.url])
        .exits(4)
        .remarks(&["was not reached through the tunnel within 1s", "something else answers there"]);
}

#[test]
fn what_is_not_the_tunnel_is_tried_once_or_never() {
    for (more, requests) in [("", 1), ("echo see http://127.0.0.1:PORT/docs; ", 0)] {
        let other = Merchant::tolerating(&[Scripted::Json(404, "{}"); 5]);
        let url = other.url();
        let url = url.split("/notify").next().unwrap();
        let more = more.replace("http://127.0.0.1:PORT", url);
        let client = format!(
            "sh -c '{more}echo {url}; echo at http://localhost:{{port}}; exec sleep 9{{port}}'"
        );
        let output = tunnel(&client, &[]).exits(4);
        assert_eq!(other.received().len(), requests, "{output}");
        if requests == 1 {
            output.remarks(&["something else answers there, with status 404"]);
        }
    }
    // A service that is not ready yet is asked again, less and less often.
    let other = Merchant::tolerating(&[Scripted::Json(502, "{}"); 5]);
    let url = other.url();
    let url = url.split("/notify").next().unwrap();
    tunnel(&format!("sh -c 'echo {url}; exec sleep 9{{port}}'"), &[]).exits(4);
    assert!((1..=4).contains(&other.received().len()));
}

#[test]
fn a_wrong_tunnel_is_a_matter_of_usage() {
    tunnel("ssh -R 80:localhost:8787 host", &[]).exits(2).remarks(&["write {port}"]);
    tunnel("'", &[]).exits(2).remarks(&["a quotation mark is not closed"]);
    tunnel("sleep {port}", &["--tunnel-url", "ftp://h"]).exits(2);
    tunnel("sleep {port}", &["--tunnel-url", "http://u:p@h/"]).exits(2).hides("u:p");
    payout_notify(&["listen", "--tunnel-url", "http://h/"]).key(KEY).run().exits(2);
}
