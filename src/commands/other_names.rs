//! What other programs call the subcommands and options.

/// Names of subcommands elsewhere, and ours.
pub(super) const SUBCOMMANDS: &[(&[&str], &str)] = &[
    (&["send", "post", "notify", "fire", "run", "load"], "simulate URL"),
    (&["serve", "server", "mock", "receive", "start", "watch"], "listen"),
    (&["test", "audit", "scan"], "check URL"),
    (&["validate", "diagnose", "debug", "verifysign"], "verify FILE"),
    (&["generate", "code", "example"], "snippet LANG"),
    (&["init", "setup"], "config init"),
    (&["replay", "resend"], "inbox replay latest --to URL"),
    (&["list", "ls", "log", "history"], "inbox list"),
    (&["completion"], "completions SHELL"),
];

/// Names of options elsewhere, and ours, the best first; a name in capitals is an argument without
/// a name, and what begins with `>` goes to stdout.
pub(super) const OPTIONS: &[(&[&str], &[&str])] = &[
    (&["-p", "--port", "--host", "--address", "--addr", "-b"], &["bind"]),
    (&["-u", "--url", "--uri", "--endpoint", "--target", "--notify-url"], &["URL", "to", "FILE"]),
    (
        &[
            "-k",
            "--secret",
            "--token",
            "--password",
            "--api-key",
            "--apikey",
            "--secret-key",
            "--sign-key",
            "--key-env",
            "--app-secret",
        ],
        &["key-file"],
    ),
    (&["-n", "--requests", "--number", "--num", "--last", "--total"], &["count", "limit"]),
    (&["--rps", "--qps", "-r"], &["rate", "max-rate"]),
    (
        &["-c", "--threads", "--workers", "--parallel", "--vus", "--users"],
        &["concurrency", "jobs", "rate"],
    ),
    (&["-H", "--headers"], &["header"]),
    (&["-d", "--data", "--body", "--payload", "--file", "-f"], &["FILE", "from", "orders"]),
    (&["-o", "--output", "--save"], &["report", "out", ">FILE"]),
    (&["--json", "-j"], &["format json"]),
    (&["--junit"], &["report junit=FILE"]),
    (&["--html"], &["report html=FILE"]),
    (&["--sarif"], &["report sarif=FILE"]),
    (&["--tap"], &["report tap=FILE"]),
    (
        &["--algorithm", "--algo", "--alg", "--sign-type", "--hmac", "--md5", "--hash", "--method"],
        &["sign-type", "require"],
    ),
    (&["--signature", "--sign"], &["computed", "print sign"]),
    (&["--lang", "--language", "-l"], &["LANG"]),
    (&["--shell"], &["SHELL"]),
    (&["--name"], &["NAME|LIST", "only"]),
    (&["--retry", "--attempts", "--max-retry"], &["retries", "max-retries"]),
    (&["-y", "--force", "--assume-yes"], &["yes"]),
    (&["--filter", "--case", "--tests", "-t"], &["only", "grep"]),
    (&["--exclude", "--ignore"], &["skip"]),
    (&["--engine", "--tool"], &["to k6"]),
    (&["--cert", "--certificate", "-E"], &["tls-cert", "client-cert"]),
    (&["--https", "--tls", "--ssl"], &["tls-self-signed"]),
    (&["--ca", "--ca-cert"], &["cacert"]),
    (&["--db", "--database"], &["inbox", "journal"]),
    (&["--forward", "--upstream", "--proxy-to"], &["forward-to"]),
    (&["--curl"], &["print curl"]),
    (&["--amount", "--fee", "--order", "--field"], &["set", "order"]),
    (&["-q", "--silent"], &["quiet"]),
];
