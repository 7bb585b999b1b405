//! The measuring half of `benches/bulk.sh`: makes lines, times the bare digest, times commands.
//!
//! Whole runs of seconds, in turn, several rounds.
//!
//! Settings, from the environment: `PAYOUT_NOTIFY` (the program to measure), `BULK_LINES`
//! (1,000,000), `BULK_PEER_LINES` (200,000), `BULK_ROUNDS` (7).

#![allow(clippy::print_stdout, reason = "a tool for measuring prints its figures")]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use md5::{Digest, Md5};
use payout_notify_protocol::internal::batch::has_vectors;
use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::signature::{attach, sign};
use payout_notify_protocol::{Dialect, Key, Payload};

type Outcome<T> = Result<T, Box<dyn Error>>;

const KEY: &str = "ThisIsYourSecretKey123";

/// One thing to measure and what each run took, in seconds.
struct Contestant {
    name: String,
    lines: usize,
    work: Work,
    seconds: Vec<f64>,
}

enum Work {
    /// The md-5 crate over canonical strings in memory.
    BareDigest(Vec<String>),
    /// A command that reads the lines and writes to nowhere.
    Command { program: PathBuf, arguments: Vec<String>, vectors: &'static str },
}

fn main() -> Outcome<()> {
    let lines = setting("BULK_LINES", 1_000_000)?;
    let peer_lines = setting("BULK_PEER_LINES", 200_000)?;
    let rounds = setting("BULK_ROUNDS", 7)?;
    let folder = std::env::temp_dir().join(format!("payout-notify-bulk-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = measure(&folder, lines, peer_lines, rounds);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn setting(name: &str, default: usize) -> Outcome<usize> {
    Ok(match std::env::var(name) {
        Ok(text) => text.parse()?,
        Err(_) => default,
    })
}

fn measure(folder: &Path, lines: usize, peer_lines: usize, rounds: usize) -> Outcome<()> {
    let (all, few) = (folder.join("all.ndjson"), folder.join("few.ndjson"));
    write_lines(&all, lines)?;
    write_lines(&few, peer_lines)?;
    let mut contestants = contestants(&all, &few, lines, peer_lines)?;
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        for contestant in &mut contestants {
            let seconds = contestant.work.run()?;
            contestant.seconds.push(seconds);
        }
    }
    print_results(&mut contestants);
    Ok(())
}

/// A notification as real ones are mixed: from 150 to 2,000 bytes, a tenth with escapes or Chinese text.
fn line(number: usize) -> String {
    let text = match number % 20 {
        0 => r#","error_msg":"\u94f6\u884c \"closed\"","notify_url":"https:\/\/m.example\/cb""#
            .to_owned(),
        10 => r#","error_msg":"银行卡号错误","memo":"""#.to_owned(),
        7 => format!(r#","memo":"{}""#, "a longer remark ".repeat(number / 20 % 110)),
        _ => String::new(),
    };
    let status = [3, 3, 3, 3, 3, 3, 3, 4, 5][number % 9];
    format!(
        r#"{{"payout_id":"POT{number:08}","payout_cl_id":"97a968b4a9db497c8c03198e{number:08x}","platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":{status},"create_time":1567614049,"update_time":1567614111{text}}}"#
    )
}

/// The lines, each signed, but for one in a thousand that is cut off.
fn write_lines(path: &Path, count: usize) -> Outcome<()> {
    let key = Key::try_new(KEY.as_bytes().to_vec())?;
    let scheme = Dialect::platform().first();
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..count {
        let line = line(number);
        let payload = Payload::parse(line.as_bytes())?;
        let signed = attach(&payload, scheme, &sign(&canonicalize(&payload, scheme), scheme, &key));
        let end = if is_bad(number) { signed.len() - 20 } else { signed.len() };
        // No character of several bytes is so near to the end.
        writeln!(file, "{}", &signed[..end])?;
    }
    file.flush()?;
    Ok(())
}

fn is_bad(number: usize) -> bool {
    number % 1000 == 999
}

fn contestants(
    all: &Path,
    few: &Path,
    lines: usize,
    peer_lines: usize,
) -> Outcome<Vec<Contestant>> {
    let scheme = Dialect::platform().first();
    let canonical = (0..lines)
        .filter(|number| !is_bad(*number))
        .map(|number| {
            let line = line(number);
            let payload = Payload::parse(line.as_bytes())?;
            Ok(canonicalize(&payload, scheme).as_str().to_owned())
        })
        .collect::<Outcome<Vec<String>>>()?;
    let new = |name: String, lines, work| Contestant { name, lines, work, seconds: Vec::new() };
    let mut list = vec![new("md-5 crate alone".into(), lines, Work::BareDigest(canonical))];
    let program =
        PathBuf::from(std::env::var_os("PAYOUT_NOTIFY").ok_or("PAYOUT_NOTIFY: which program?")?);
    for (command, jobs, vectors) in [
        ("sign", "1", "avx512"),
        ("sign", "1", "avx2"),
        ("sign", "1", "sse2"),
        ("sign", "1", ""),
        ("sign", "2", ""),
        ("verify", "1", ""),
        ("verify", "2", ""),
    ] {
        if !vectors.is_empty() && !has_vectors(vectors) {
            println!("this processor has no {vectors}");
            continue;
        }
        let file = all.display().to_string();
        let arguments = [command, "--lines", "--jobs", jobs, &file].map(str::to_owned).to_vec();
        let name = format!("{command} --jobs {jobs} {vectors}");
        let work = Work::Command { program: program.clone(), arguments, vectors };
        list.push(new(name.trim_end().to_owned(), lines, work));
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    for (program, script) in [("python3", "sign.py"), ("node", "sign.mjs"), ("php", "sign.php")] {
        let installed = Command::new(program).arg("--version").output();
        if !installed.is_ok_and(|output| output.status.success()) {
            println!("{program} is not installed");
            continue;
        }
        let arguments =
            [peers.join(script), few.to_owned()].map(|path| path.display().to_string()).to_vec();
        list.push(new(
            program.into(),
            peer_lines,
            Work::Command { program: program.into(), arguments, vectors: "" },
        ));
    }
    Ok(list)
}

impl Work {
    /// Runs once and returns the seconds it took.
    fn run(&self) -> Outcome<f64> {
        let start = Instant::now();
        match self {
            Work::BareDigest(strings) => {
                for text in strings {
                    let mut md5 = Md5::new();
                    md5.update(text.as_bytes());
                    md5.update(b"&");
                    md5.update(KEY.as_bytes());
                    black_box(md5.finalize());
                }
            }
            Work::Command { program, arguments, vectors } => {
                let mut command = Command::new(program);
                if !vectors.is_empty() {
                    command.env("PAYOUT_NOTIFY_BENCH_VECTORS", vectors);
                }
                let status = command
                    .args(arguments)
                    .env("PAYOUT_NOTIFY_KEY", KEY)
                    .stdout(File::create("/dev/null")?)
                    .stderr(Stdio::null())
                    .status()?;
                // 3: some lines are bad.
                if !matches!(status.code(), Some(0 | 3)) {
                    return Err(format!("{} failed: {status}", program.display()).into());
                }
            }
        }
        Ok(start.elapsed().as_secs_f64())
    }
}

fn print_results(contestants: &mut [Contestant]) {
    println!(
        "\n{:<18} {:>9} {:>10} {:>17} {:>12} {:>8}",
        "", "lines", "ns per line", "spread", "lines/s", "to bare"
    );
    let mut bare = f64::NAN;
    for contestant in contestants {
        contestant.seconds.sort_by(f64::total_cmp);
        let seconds = &contestant.seconds;
        let nanoseconds = |seconds: f64| seconds * 1e9 / contestant.lines as f64;
        let median = nanoseconds(seconds[seconds.len() / 2]);
        if bare.is_nan() {
            bare = median;
        }
        println!(
            "{:<18} {:>9} {:>10.0} {:>17} {:>12.0} {:>8.2}",
            contestant.name,
            contestant.lines,
            median,
            format!(
                "{:.0}–{:.0}",
                nanoseconds(seconds[0]),
                nanoseconds(seconds[seconds.len() - 1])
            ),
            1e9 / median,
            median / bare,
        );
    }
}
