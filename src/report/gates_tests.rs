use super::*;
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
        ("zebra>1", "\"zebra\" is no metric; there are p50, p90"),
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
        (">5ms", "is no metric"),
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
            let opposite = |c| Gate { comparison: c, ..gate.clone() };
            let summary = sample::summary(200);
            let below = opposite(Comparison::Less).evaluate(&summary).is_passed();
            let above = opposite(Comparison::GreaterOrEqual).evaluate(&summary).is_passed();
            prop_assert_ne!(below, above);
        }
    }
}
