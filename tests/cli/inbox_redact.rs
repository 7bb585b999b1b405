//! `--redact`: a field's value is in no output of the inbox.

use crate::harness::{KEY, Listening, Output, Sandbox, payout_notify, signed};

const NAME: &str = "Bob Smith";

struct Kept {
    sandbox: Sandbox,
}

impl Kept {
    fn new() -> Kept {
        let sandbox = Sandbox::new();
        let path = sandbox.work().join("inbox.db");
        let listening = Listening::of(Listening::program(&[]).arg("--inbox").arg(&path));
        for body in [
            signed(
                r#"{"payout_id":"POT8881","payout_cl_id":"c1","platform_id":"PF0014","amount":777700,"real_amount":777700,"fee":0,"status":3,"create_time":1567614049,"update_time":1567614111,"account":{"name":"Bob Smith"},"memo":"to Bob Smith"}"#,
            ),
            // Neither is signed, and the second cannot be read.
            r#"{"payout_id":"POT8881","name":"Bob Smith"}"#.to_owned(),
            r#"{"name":"Bob Smith"#.to_owned(),
        ] {
            listening.post(&body);
            listening.callback();
        }
        listening.interrupt().output.exits(0);
        Kept { sandbox }
    }

    fn run(&self, line: &str) -> Output {
        let words: Vec<&str> = line.split(' ').collect();
        let path = self.sandbox.work().join("inbox.db");
        payout_notify(&[&["inbox"], &words[..]].concat()).arg("--inbox").arg(&path).key(KEY).run()
    }
}

#[test]
fn a_redacted_value_is_in_no_output() {
    let kept = Kept::new();
    for line in [
        "list",
        "list --format json",
        "wait --count 3",
        "wait --format json",
        "show 1",
        "show 2",
        "show 3",
        "show 1 --format json",
        "show 3 --format json",
        "export",
        "export --limit 3",
        "export --print http",
        "export --print curl",
        "diff 1 1",
    ] {
        let line = format!("{line} --redact name --redact payout_id --redact amount");
        let output = kept.run(&line).exits(0);
        let output = output.hides(NAME).hides("Smith").hides("POT8881").hides("7777.00");
        // Another field may have the same value; it was not named.
        assert!(!output.stdout.contains("\"amount\":777700"), "{line}: {output}");
        if line.contains("json") || line.starts_with("export") {
            output.says(&["[redacted]"]);
        }
    }
    let fields = "--redact name,payout_id --redact amount,real_amount";
    for line in ["diff 1 2", "diff 1 2 --format json", "diff 2 1", "diff 1 3"] {
        let output = kept.run(&format!("{line} {fields}")).exits(1);
        output.hides(NAME).hides("Smith").hides("POT8881").hides("777700");
    }
    kept.run("diff 1 2").exits(1).says(&[NAME]);
    kept.run("show 1").exits(0).says(&[NAME, "POT8881"]);
    kept.run("list").exits(0).says(&["POT8881", "7777.00"]);
}

#[test]
fn a_field_that_no_callback_has_is_warned_of() {
    let kept = Kept::new();
    let output = kept.run("list --redact nome --redact name").exits(0);
    let expected = "no callback has the field \"nome\": nothing was redacted for it";
    let output = output.remarks(&[expected]);
    assert!(!output.stderr.contains("\"name\""), "{output}");
}
