//! How long a search takes that finds nothing: on an ordinary payload, and on a hostile one.
//!
//! `cargo bench --profile dist --features diagnosis --bench diagnosis` prints medians of several runs, compiled as packages
//! are: milliseconds, and how many digests a second are tried, their strings made, for one of the md-5 crate over the
//! payload's own canonical string. `PAYOUT_NOTIFY_BENCH_VECTORS` takes shorter vectors: `sse2`, `avx2` or `avx512`.

// A benchmark prints its result.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use payout_notify_protocol::internal::batch::choose_vectors;
use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::{Diagnosis, Dialect, Key, Payload, diagnose};

const RUNS: usize = 31;

/// How many bare digests are timed in each run.
const BARE: u32 = 10_000;

const KEY: &[u8] = b"ThisIsYourSecretKey123";

/// The sister deployments' shape: a zero, an empty member, Chinese text, a URL.
const ORDINARY: &str = r#""payout_id":"POT00000103","payout_cl_id":"c0ffee00000000000000000000000001","platform_id":"PF0014","amount":400000,"real_amount":0,"fee":0,"status":5,"error_msg":"银行 卡号/错误","memo":"","notify_url":"https://m.example/cb?a=1","create_time":1567614049,"update_time":1567614111"#;

/// A hundred members, each with text that every encoder changes, up to the limit of a search.
fn hostile() -> String {
    let member = |n: usize| match n % 4 {
        0 => format!(r#""M_{n}":"{}""#, "中 /é&+%41<\\\"".repeat(11)),
        1 => format!(r#""m{n}":[{}1.10]"#, "[1,".repeat(24) + &"0],".repeat(24)),
        2 => format!(r#""{n}":{{"b":"{}","a":null}}"#, "~*'".repeat(44)),
        _ => format!(r#""n_{n}":1234567890{n}.50"#),
    };
    (0..98).map(member).collect::<Vec<_>>().join(",")
}

/// One member as long as a search allows, which grows when it is indented.
fn nested() -> String {
    let row = format!("{}0{}", "[".repeat(100), "]".repeat(100));
    format!(r#""rows":[{}0]"#, format!("{row},").repeat(78))
}

fn measure(name: &str, members: &str, sign: &str) {
    let body = format!("{{{members},\"sign\":\"{sign}\"}}");
    let Ok(payload) = Payload::parse(body.as_bytes()) else {
        println!("{name}: the payload cannot be read");
        return;
    };
    let Ok(key) = Key::try_new(KEY.to_vec()) else { return };
    let text = canonicalize(&payload, Dialect::platform().first());
    let signed = [text.as_str().as_bytes(), b"&", KEY].concat();
    let mut found = Diagnosis::default();
    let (mut times, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let start = Instant::now();
        found = diagnose(&payload, Dialect::platform(), &key, &[]);
        times.push(start.elapsed());
        let start = Instant::now();
        for _ in 0..BARE {
            black_box(Md5::digest(black_box(&signed)));
        }
        bare.push(start.elapsed() / BARE);
    }
    let (time, bare) = (median(times), median(bare));
    println!(
        "{name}: {:.1} ms (median of {RUNS}), {} bytes, {} strings, {} digests ({:.2} for one bare), {} hits",
        time.as_secs_f64() * 1e3,
        body.len(),
        found.strings,
        found.digests,
        found.digests as f64 * bare.as_secs_f64() / time.as_secs_f64(),
        found.hits.len(),
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    if let Ok(name) = std::env::var("PAYOUT_NOTIFY_BENCH_VECTORS") {
        choose_vectors(&name);
    }
    let (md5, hmac) = ("0".repeat(32), "0".repeat(64));
    measure("ordinary, MD5", ORDINARY, &md5);
    measure("ordinary, HMAC-SHA256", ORDINARY, &hmac);
    measure("hostile, MD5", &hostile(), &md5);
    measure("hostile, HMAC-SHA256", &hostile(), &hmac);
    measure("nested, MD5", &nested(), &md5);
    measure("hostile, unpadded", &hostile(), &"1".repeat(31));
}
