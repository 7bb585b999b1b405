use super::*;
use crate::report::summary::latency::LatencyFigures;
use crate::report::summary::sample;
use proptest::prelude::*;

fn refusal(text: &str) -> String {
    Gate::parse(text).unwrap_err().to_string()
}

fn verdict(text: &str, summary: &DeliverySummary) -> GateVerdict {
    Gate::parse(text).unwrap().evaluate(summary).verdict
}

#[test]
fn gates_are_read_with_and_without_blanks() {
    for text in [
        "p99>200ms",
        "acked<100%",
        "retried>1%",
        "exhausted>0",
        "p50 >= 1.5s",
        "rate<450/s",
        "p99.9 > 500us",
        "MAX>=2s",
        "mean>10 ms",
        "failed>0.5 %",
        "throttled!=0",
        "unknown>0",
        "duplicates==3",
        "p95≥1s",
        "rate<450",
    ] {
        assert!(Gate::parse(text).is_ok(), "{text}: {:?}", Gate::parse(text));
    }
    let gate = Gate::parse(" p50 >= 1.5s ").unwrap();
    assert_eq!(
        (gate.text(), gate.limit),
        ("p50 >= 1.5s", Figure::Time(Duration::from_millis(1500)))
    );
}

#[test]
fn a_refusal_names_the_part_and_what_is_near() {
    for (text, part) in [
        ("p98>200ms", "did you mean p90?"),
        ("ackd<100%", "did you mean acked?"),
        ("exhausted", "has no operator"),
        ("zebra>1", "\"zebra\" is not a metric; there are p50, p90"),
        ("p99=>200ms", "did you mean >=?"),
        ("p99<>200ms", "did you mean !=?"),
        ("p99>200", "p99 takes us, ms or s, not a plain number"),
        ("p99>200sec", "did you mean s?"),
        ("p99>1%", "not \"%\""),
        ("rate<450rps", "rate takes /s, not \"rps\", did you mean /s?"),
        ("acked<100ms", "acked takes % or no unit, not \"ms\""),
        ("acked<101%", "at most 100%"),
        ("acked<0.5", "write a % behind a share"),
        ("throttled>1%", "throttled takes no unit"),
        ("p99>", "is no limit"),
        ("p99>-5ms", "is no limit"),
        ("p99>1e9s", "is no limit"),
        ("p99>1.2.3s", "is no limit"),
        ("p99>99999999999999999999s", "is no limit"),
        (">5ms", "is not a metric"),
    ] {
        let told = refusal(text);
        let is_named = told.contains(part) || (part == "is no limit" && told.contains("takes"));
        assert!(is_named, "{text}: {told}");
    }
    assert_eq!(Gate::parse(&"9".repeat(10_000)), Err(GateError::TooLong));
}

#[test]
fn a_gate_fails_where_its_condition_holds() {
    let summary = sample::summary(2000);
    for failing in [
        "p99>200ms",
        "acked<100%",
        "retried>1%",
        "exhausted>0",
        "failed>=1",
        "rate<101/s",
        "max>9s",
    ] {
        assert_eq!(verdict(failing, &summary), GateVerdict::Failed, "{failing}");
    }
    for passing in [
        "p50>5s",
        "acked<90%",
        "exhausted>5%",
        "throttled>0",
        "unknown!=0",
        "duplicates>0%",
        "mean>9s",
    ] {
        assert_eq!(verdict(passing, &summary), GateVerdict::Passed, "{passing}");
    }
    let told = Gate::parse("exhausted>0").unwrap().evaluate(&summary);
    assert_eq!(told.explanation(), "exhausted is 4");
}

#[test]
fn without_an_attempt_every_gate_fails() {
    let empty = DeliverySummary::new(sample::facts(10));
    for (name, metric) in METRICS {
        let unit = match metric {
            Metric::Quantile(_) | Metric::Max | Metric::Mean => "ms",
            _ => "",
        };
        let result = Gate::parse(&format!("{name}>0{unit}")).unwrap().evaluate(&empty);
        assert_eq!((result.verdict, result.is_passed()), (GateVerdict::NoData, false), "{name}");
    }
}

#[test]
fn orders_that_never_ended_are_not_acknowledged() {
    let mut summary = sample::summary(100);
    summary.facts.orders = Some(200);
    assert_eq!(verdict("acked<60%", &summary), GateVerdict::Failed);
    summary.facts.orders = None;
    assert_eq!(verdict("acked<60%", &summary), GateVerdict::Passed);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        let _ = Gate::parse(&text);
    }

    #[test]
    fn near_misses_are_read_or_refused(
        text in "(p9{1,2}|max|acked|rate)[ ]?[<>=!]{1,3}[ ]?[0-9.]{0,30}(ms|s|us|%|/s|x)?"
    ) {
        if let Ok(gate) = Gate::parse(&text) {
            let opposite = |c| Gate { fails_if: c, ..gate.clone() };
            let summary = sample::summary(200);
            let below = opposite(&[Ordering::Less]).evaluate(&summary).is_passed();
            let above = opposite(&[Ordering::Greater, Ordering::Equal]).evaluate(&summary).is_passed();
            prop_assert_ne!(below, above);
        }
    }
}

#[test]
fn each_comparison_holds_below_at_and_above_its_limit_as_it_is_written() {
    let summary = sample::summary(2000);
    assert_eq!(summary.orders.exhausted, 4);
    for (sign, holds) in [
        ("<", [true, false, false]),
        ("<=", [true, true, false]),
        ("≤", [true, true, false]),
        (">", [false, false, true]),
        (">=", [false, true, true]),
        ("≥", [false, true, true]),
        ("=", [false, true, false]),
        ("==", [false, true, false]),
        ("!=", [true, false, true]),
        ("≠", [true, false, true]),
    ] {
        for (limit, holds) in [5, 4, 3].into_iter().zip(holds) {
            let expected = if holds { GateVerdict::Failed } else { GateVerdict::Passed };
            assert_eq!(verdict(&format!("exhausted{sign}{limit}"), &summary), expected, "{sign}");
        }
    }
}

#[test]
fn a_limit_is_read_in_its_unit() {
    let micros = |micros| Figure::Time(Duration::from_micros(micros));
    for (text, limit) in [
        ("max>250us", micros(250)),
        ("max>250µs", micros(250)),
        ("max>250ms", micros(250_000)),
        ("max>250s", micros(250_000_000)),
        ("rate<2/s", Figure::Rate(2.0)),
        ("acked<100%", Figure::Percent(100.0)),
        ("acked<100", Figure::Count(100)),
    ] {
        assert_eq!(Gate::parse(text).unwrap().limit, limit, "{text}");
    }
}

#[test]
fn each_time_is_measured_by_its_own_figure() {
    let mut summary = sample::summary(10);
    summary.latency = LatencyFigures::new();
    (1..=1000).for_each(|it| summary.latency.record(Duration::from_millis(it)));
    for (name, millis) in [
        ("p50", 500),
        ("mean", 500),
        ("p90", 900),
        ("p95", 950),
        ("p99", 990),
        ("p99.9", 999),
        ("max", 1000),
    ] {
        let at = |limit| verdict(&format!("{name}>{limit}ms"), &summary);
        let verdicts = (at(millis - 4), at(millis + 4));
        assert_eq!(verdicts, (GateVerdict::Failed, GateVerdict::Passed), "{name}");
    }
    // The largest and the mean are exact; a quantile is known to three digits.
    summary.latency = LatencyFigures::new();
    summary.latency.record(Duration::from_micros(200_001));
    for (gate, expected) in [
        ("max>200ms", GateVerdict::Failed),
        ("mean>200ms", GateVerdict::Failed),
        ("p99>200ms", GateVerdict::Passed),
    ] {
        assert_eq!(verdict(gate, &summary), expected, "{gate}");
    }
}

#[test]
fn each_count_is_a_share_of_its_own_whole() {
    let mut summary = sample::report(2000).summary;
    summary.facts.orders = Some(3000);
    let measured = |text: &str| Gate::parse(text).unwrap().evaluate(&summary).measured;
    let orders = &summary.orders;
    for (name, part, whole) in [
        ("acked", orders.acknowledged, 3000),
        ("exhausted", orders.exhausted, 3000),
        ("retried", orders.retried, 3000),
        ("duplicates", orders.duplicates, 3000),
        ("failed", summary.failed_attempts(), summary.attempts()),
    ] {
        assert_eq!(measured(&format!("{name}>0")), Some(Figure::Count(part)), "{name}");
        let share = 100.0 * part as f64 / whole as f64;
        let Some(Figure::Percent(percent)) = measured(&format!("{name}>0%")) else { panic!() };
        assert!((percent - share).abs() < 1e-9, "{name}: {percent}, not {share}");
    }
    assert_eq!(measured("throttled>0"), Some(Figure::Count(1)));
    assert_eq!(measured("unknown>0"), Some(Figure::Count(1)));
}

#[test]
fn the_end_of_a_kept_connection_is_not_held_against_the_merchant() {
    let mut summary = DeliverySummary::new(sample::facts(4));
    let events = sample::with_codes(&[
        &["acknowledged"],
        &["stale-connection", "acknowledged"],
        &["stale-connection"],
        &["timeout", "acknowledged"],
    ]);
    events.iter().for_each(|event| summary.fold(event));
    assert_eq!(summary.stale(), (2, 1));
    for (gate, expected) in [
        ("failed>1", GateVerdict::Passed),
        ("failed>25%", GateVerdict::Passed),
        ("failed>=25%", GateVerdict::Failed),
        ("failed>=1", GateVerdict::Failed),
        ("exhausted>0", GateVerdict::Passed),
        ("acked<100%", GateVerdict::Passed),
        ("acked<4", GateVerdict::Failed),
    ] {
        assert_eq!(verdict(gate, &summary), expected, "{gate}");
    }
}

#[test]
fn a_gate_is_read_up_to_its_limits() {
    let with_zeros = |zeros: usize| Gate::parse(&format!("p99>{}ms", "0".repeat(zeros)));
    assert!(with_zeros(58).is_ok());
    assert_eq!(with_zeros(59), Err(GateError::TooLong));
    assert!(Gate::parse("exhausted>1000000000000").is_ok());
    assert!(matches!(Gate::parse("exhausted>1000000000001"), Err(GateError::Number(_))));
}

#[test]
fn an_operator_or_a_unit_that_does_not_exist_has_its_nearest() {
    for (sign, expected) in
        [("=<", "<="), ("=>", ">="), ("===", "="), ("<>", "!="), ("~", "!="), ("!", "!=")]
    {
        let sign = sign.to_owned();
        let error = Gate::parse(&format!("p99{sign}200ms")).unwrap_err();
        assert_eq!(error, GateError::Operator { sign, nearest: expected });
    }
    for (metric, unit, expected) in [
        ("p99", "msec", Some("ms")),
        ("max", "M", Some("ms")),
        ("mean", "usec", Some("us")),
        ("p50", "u", Some("us")),
        ("p99", "Sec", Some("s")),
        ("p99", "S", Some("s")),
        ("p99", "", None),
        ("p99", "min", None),
        ("rate", "s", Some("/s")),
        ("rate", "Hz", Some("/s")),
        ("rate", "ms", None),
        ("rate", "%", None),
        ("acked", "s", None),
        ("throttled", "ms", None),
    ] {
        match Gate::parse(&format!("{metric}>1{unit}")).unwrap_err() {
            GateError::Unit { nearest, .. } => assert_eq!(nearest, expected, "{metric} {unit}"),
            other => panic!("{metric} {unit}: {other:?}"),
        }
    }
}

#[test]
fn each_result_has_its_code_and_shows_what_was_measured() {
    let mut summary = sample::summary(2000);
    summary.latency = LatencyFigures::new();
    summary.latency.record(Duration::from_millis(312));
    let shown = |text: &str, summary: &DeliverySummary| {
        let result = Gate::parse(text).unwrap().evaluate(summary);
        (result.verdict.code(), result.explanation())
    };
    assert_eq!(shown("max>200ms", &summary), ("failed", "max is 312 ms".to_owned()));
    assert_eq!(shown("max>400ms", &summary), ("passed", "max is 312 ms".to_owned()));
    let (_, share) = shown("acked<0%", &summary);
    assert!(share.starts_with("acked is ") && share.ends_with('%'), "{share}");
    let (_, rate) = shown("rate<1/s", &summary);
    assert!(rate.starts_with("rate is ") && rate.ends_with("/s"), "{rate}");
    let empty = DeliverySummary::new(sample::facts(10));
    let (code, nothing) = shown("p99.9>1s", &empty);
    assert!(code == "no-data" && nothing.contains("p99.9"), "{code} {nothing}");
}

#[test]
fn a_phase_has_the_metrics_of_times_and_no_others() {
    for (text, phase, metric) in [
        ("ttfb.p99>200ms", AttemptPhase::FirstByte, Metric::Quantile(0.99)),
        ("ttfb.p99.9 > 1s", AttemptPhase::FirstByte, Metric::Quantile(0.999)),
        ("CONNECT.P95>=50ms", AttemptPhase::Connect, Metric::Quantile(0.95)),
        ("connect.max>1s", AttemptPhase::Connect, Metric::Max),
        ("tls.mean>10ms", AttemptPhase::Tls, Metric::Mean),
        ("resolve.p50>5ms", AttemptPhase::Resolve, Metric::Quantile(0.5)),
        ("send.p90>5ms", AttemptPhase::Send, Metric::Quantile(0.9)),
    ] {
        let gate = Gate::parse(text).unwrap();
        assert_eq!((gate.phase, gate.metric), (Some(phase), metric), "{text}");
    }
    for (text, part) in [
        ("ttfb>200ms", "\"ttfb\" is not a metric, did you mean ttfb.p99?"),
        ("connect.p98>200ms", "did you mean connect.p90?"),
        ("connect.acked>1", "did you mean connect."),
        ("ttfb.>1s", "did you mean ttfb.p99?"),
        ("tffb.p99>1s", "did you mean ttfb.p99?"),
        ("reply.p99>1s", "of the phases resolve, connect, tls, send, ttfb their times"),
        ("first-byte.p99>1s", "is not a metric"),
        (".p99>1s", "is not a metric"),
        ("p99.ttfb>1s", "is not a metric"),
        ("ttfb.p99>1%", "ttfb.p99 takes us, ms or s, not \"%\""),
        ("connect.max>5", "connect.max takes us, ms or s, not a plain number"),
    ] {
        let told = refusal(text);
        assert!(told.contains(part), "{text}: {told}");
    }
}

#[test]
fn a_gate_on_a_phase_measures_that_phase_alone() {
    let summary = sample::summary(2000);
    let first_bytes = summary.phases.of(AttemptPhase::FirstByte).unwrap();
    assert!(first_bytes.count() > 10 * summary.phases.of(AttemptPhase::Connect).unwrap().count());
    for (gate, expected) in [
        ("connect.max>300us", GateVerdict::Passed),
        ("connect.max>=300us", GateVerdict::Failed),
        ("connect.p50!=300us", GateVerdict::Passed),
        ("send.mean>40us", GateVerdict::Passed),
        ("ttfb.p50>1ms", GateVerdict::Failed),
        // An attempt without a first byte counts with the time that it waited for one.
        ("ttfb.max>9s", GateVerdict::Failed),
        ("ttfb.max>11s", GateVerdict::Passed),
        // No attempt had a handshake, and missing data passes no gate.
        ("tls.p99>1s", GateVerdict::NoData),
    ] {
        assert_eq!(verdict(gate, &summary), expected, "{gate}");
    }
    let told = |gate: &str| Gate::parse(gate).unwrap().evaluate(&summary).explanation();
    assert_eq!(told("connect.max>1s"), "connect.max is 300 µs");
    assert_eq!(told("tls.p99>1s"), "there is nothing to measure tls.p99 by");
}
