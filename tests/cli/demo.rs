//! `demo`: the whole story, without any setting.

use crate::harness::{KEY, payout_notify};

#[test]
fn the_demo_tells_the_whole_story() {
    let output = payout_notify(&["demo"]).run().exits(0).hides(KEY).says(&[
        "27ca8ef2e36642099131bfbca52c5ffc",
        "update_time=1567614111&[key]",
        "delivery 1, signature matches; hangs",
        "delivery 2, signature matches; answers 500",
        "delivery 3, signature matches; answers the number 0",
        "delivery 4, signature matches; answers {\"error_code\":\"0000\"}",
        "no complete reply within",
        "status 500 is not 2xx",
        "error_code is the number 0; it must be the string \"0000\"",
        "acknowledged after 4 attempts",
        "payout-notify listen",
    ]);
    let attempts = output.stdout.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(attempts, 4, "{output}");
    assert_eq!(output.stderr, "", "{output}");
}
