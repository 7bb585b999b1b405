//! What each step of the flow costs: parse, canonicalize, sign, verify, judge, diagnose.
//!
//! `cargo bench --features diagnosis --bench functions` measures all, `-- sign` those whose name holds "sign", and
//! `-- --quick` briefly. The bare digests over the same text stand beside the signatures.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use payout_notify_protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, Reply, judge};
use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::signature::{SignatureBatch, attach, sign, verify};
use payout_notify_protocol::{Algorithm, Dialect, Key, Payload, Scheme, diagnose};
use sha2::Sha256;

const KEY: &[u8] = b"ThisIsYourSecretKey123";

/// The platform's published example; its signature is a placeholder that no key produces.
const EXAMPLE: &str = r#"{"payout_id":"POT00000102","payout_cl_id":"97a968b4a9db497c8c03198e395a38c6","platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":2,"create_time":1567614049,"update_time":1567614111,"sign":"d2e4534fce8c1d1053bbf59fd8ae4464"}"#;

/// The sister deployments' shape: an empty member, Chinese text with an escape, a URL.
const ESCAPED: &str = r#"{"payout_id":"POT00000103","payout_cl_id":"c0ffee00000000000000000000000001","platform_id":"PF0014","amount":400000,"real_amount":0,"fee":0,"status":5,"error_msg":"银行\u5361号\/错误","memo":"","notify_url":"https://m.example/cb?a=1","create_time":1567614049,"update_time":1567614111}"#;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    parsing(&mut criterion);
    let dialect = Dialect::platform();
    if let (Ok(key), Ok(example)) = (Key::try_new(KEY.to_vec()), Payload::parse(EXAMPLE.as_bytes()))
    {
        for algorithm in [Algorithm::Md5, Algorithm::HmacSha256] {
            if let Some(scheme) = dialect.scheme(algorithm) {
                signing(&mut criterion, &example, scheme, &key);
                verifying(&mut criterion, &example, scheme, &key);
            }
        }
        criterion.bench_function("diagnose/no match", |bencher| {
            bencher.iter(|| diagnose(black_box(&example), dialect, &key, &[]));
        });
    }
    together(&mut criterion);
    bare(&mut criterion);
    judging(&mut criterion);
    criterion.final_summary();
}

/// A payload with that many members of text beside the example's own.
fn long(members: usize) -> String {
    let mut body = EXAMPLE.trim_end_matches('}').to_owned();
    for number in 0..members {
        let _written = write!(body, r#","field_{number}":"value {number}""#);
    }
    body.push('}');
    body
}

/// Many strings at once beside each alone: both pass the time of one batch.
fn together(criterion: &mut Criterion) {
    const COUNT: usize = 512;
    let (Ok(key), Ok(example)) = (Key::try_new(KEY.to_vec()), Payload::parse(EXAMPLE.as_bytes()))
    else {
        return;
    };
    for algorithm in Algorithm::ALL {
        let scheme = Scheme { algorithm, ..Dialect::platform().first().clone() };
        let canonical = canonicalize(&example, &scheme);
        let mut group = criterion.benchmark_group(format!("digests/{algorithm}"));
        group.throughput(Throughput::Elements(COUNT as u64));
        group.bench_function("alone", |bencher| {
            let alone = || sign(black_box(&canonical), &scheme, &key);
            bencher.iter(|| (0..COUNT).map(|_| alone()).collect::<Vec<_>>());
        });
        group.bench_function("together", |bencher| {
            let mut batch = SignatureBatch::default();
            bencher.iter(|| {
                (0..COUNT).for_each(|_| batch.push(black_box(&canonical), &scheme, &key));
                batch.sign(&scheme, &key).collect::<Vec<_>>()
            });
        });
        group.finish();
    }
}

fn parsing(criterion: &mut Criterion) {
    let scheme = Dialect::platform().first();
    for (name, body) in
        [("example", EXAMPLE.into()), ("escaped", ESCAPED.into()), ("200 members", long(190))]
    {
        let Ok(payload) = Payload::parse(body.as_bytes()) else { continue };
        let bytes = Throughput::Bytes(body.len() as u64);
        let mut group = criterion.benchmark_group("parse");
        group.throughput(bytes.clone()).bench_function(name, |bencher| {
            bencher.iter(|| Payload::parse(black_box(body.as_bytes())));
        });
        group.finish();
        let mut group = criterion.benchmark_group("canonicalize");
        group.throughput(bytes).bench_function(name, |bencher| {
            bencher.iter(|| canonicalize(black_box(&payload), scheme));
        });
        group.finish();
    }
}

fn signing(criterion: &mut Criterion, payload: &Payload<'_>, scheme: &Scheme, key: &Key) {
    let (name, canonical) = (scheme.algorithm.id(), canonicalize(payload, scheme));
    let mut group = criterion.benchmark_group("sign");
    group.bench_function(name, |bencher| {
        bencher.iter(|| sign(black_box(&canonical), scheme, key));
    });
    let whole = format!("{name}, from bytes to signed body");
    group.bench_function(whole, |bencher| {
        bencher.iter(|| {
            let payload = Payload::parse(black_box(EXAMPLE.as_bytes()));
            payload.map(|payload| {
                attach(&payload, scheme, &sign(&canonicalize(&payload, scheme), scheme, key))
            })
        });
    });
    group.finish();
}

fn verifying(criterion: &mut Criterion, payload: &Payload<'_>, scheme: &Scheme, key: &Key) {
    let signed = attach(payload, scheme, &sign(&canonicalize(payload, scheme), scheme, key));
    let Ok(signed) = Payload::parse(signed.as_bytes()) else { return };
    let mut group = criterion.benchmark_group("verify");
    for (name, payload) in [("match", &signed), ("mismatch", payload)] {
        group.bench_function(format!("{}, {name}", scheme.algorithm.id()), |bencher| {
            bencher.iter(|| verify(black_box(payload), key, Dialect::platform(), None));
        });
    }
    group.finish();
}

/// The digest crates over the text that the signatures are made of, and nothing else.
fn bare(criterion: &mut Criterion) {
    let Ok(payload) = Payload::parse(EXAMPLE.as_bytes()) else { return };
    let text = canonicalize(&payload, Dialect::platform().first());
    let text = text.as_str().as_bytes();
    let mut group = criterion.benchmark_group("bare digest");
    group.bench_function("md5", |bencher| {
        bencher.iter(|| {
            let mut md5 = Md5::new_with_prefix(black_box(text));
            md5.update(b"&");
            md5.update(KEY);
            md5.finalize()
        });
    });
    group.bench_function("hmac-sha256", |bencher| {
        bencher.iter(|| {
            let mac = Hmac::<Sha256>::new_from_slice(KEY).map(|mac| mac.chain_update(text));
            black_box(mac.map(|mac| mac.finalize()))
        });
    });
    group.finish();
}

fn judging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    for (name, body) in
        [("acknowledged", ACKNOWLEDGEMENT_BODY.as_bytes()), ("refused", b"<html>OK</html>")]
    {
        let content_type = Some("application/json".to_owned());
        let reply = Reply { status: 200, content_type, body: body.to_vec(), ..Reply::default() };
        group.bench_function(name, |bencher| bencher.iter(|| judge(black_box(&reply))));
    }
    group.finish();
}
