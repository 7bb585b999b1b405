//! The files of an exported test: the plan as data, set into the engine's script.

use std::time::Duration;

use protocol::internal::acknowledgement::AcknowledgementRule;
use protocol::internal::scheme::Suffix;
use protocol::{Layout, Scheme};
use serde_json::{Value as Json, json};

use super::LoadEngine;
use super::order::OrderKind;
use crate::net::options::RequestOptions;

const LOCUST: &str = include_str!("locust.py");
const K6: &str = include_str!("k6.js");
const ARTILLERY: &str = include_str!("artillery.yml");
const ARTILLERY_ORDERS: &str = include_str!("artillery.mjs");
const COMMON: &str = include_str!("common.js");

const MOST_USERS: f64 = 5000.0;

pub(super) struct ScriptPlan {
    pub(super) url: String,
    pub(super) count: u64,
    pub(super) per_second: f64,
    pub(super) duration: Duration,
    pub(super) timeout: Duration,
    pub(super) scheme: &'static Scheme,
    pub(super) acknowledgement: AcknowledgementRule,
    pub(super) layout: &'static Layout,
    pub(super) orders: Vec<OrderKind>,
}

pub(super) fn files(engine: LoadEngine, plan: &ScriptPlan) -> Vec<(&'static str, String)> {
    match engine {
        LoadEngine::Locust => {
            let mut data = plan.orders_json();
            data["url"] = json!(plan.url);
            data["origin"] = json!(origin(&plan.url));
            data["count"] = json!(plan.count);
            data["orders_per_second"] = json!(plan.per_second);
            data["timeout_s"] = json!(plan.timeout.as_secs_f64());
            // The text is between three quotes: a quote in it is written as JSON can.
            let text = lay_out(&data, 0).replace('\'', "\\u0027");
            vec![("locustfile.py", LOCUST.replace("@PLAN@", &text))]
        }
        LoadEngine::K6 => {
            let text = lay_out(&plan.k6_json(), 0);
            let common = COMMON.replace("@PLAN@", &text);
            vec![("payout-notify-k6.js", K6.replace("@COMMON@", &common))]
        }
        LoadEngine::Artillery => {
            let common = COMMON.replace("@PLAN@", &lay_out(&plan.orders_json(), 0));
            vec![
                ("artillery.yml", plan.artillery()),
                ("orders.mjs", ARTILLERY_ORDERS.replace("@COMMON@", &common)),
            ]
        }
    }
}

impl ScriptPlan {
    fn orders_json(&self) -> Json {
        let (suffix, before) = match &self.scheme.suffix {
            Suffix::Nothing => ("nothing", ""),
            Suffix::Key(before) => ("key", &**before),
            Suffix::Md5OfKey(before) => ("md5-of-key", &**before),
        };
        let (kind, reply) = match &self.acknowledgement {
            AcknowledgementRule::ErrorCode => ("error-code", None),
            AcknowledgementRule::Members(reply) => ("members", Some(reply)),
            AcknowledgementRule::ReturnCode => ("return-code", None),
            AcknowledgementRule::Word(word) => ("word", Some(word)),
        };
        let options = RequestOptions::default().laid_out(self.layout);
        json!({
            "scheme": {
                "algorithm": self.scheme.algorithm.id(),
                "suffix": suffix,
                "before_key": before,
                "digest": self.scheme.digest_case.name(),
            },
            "acknowledgement": {"kind": kind, "reply": reply},
            "method": options.method.as_str(),
            "content_type": options.content_type,
            "in_query": options.is_in_query,
            "orders": self.orders,
        })
    }

    fn k6_json(&self) -> Json {
        let (rate, unit) = whole_rate(self.per_second, self.count, self.duration);
        // One more interval: the last order is due at its very end.
        let duration = self.duration.as_secs_f64() + 1.0 / self.per_second;
        let users = |seconds: f64| (self.per_second * seconds).ceil().clamp(1.0, MOST_USERS);
        let mut data = self.orders_json();
        data["url"] = json!(self.url);
        data["count"] = json!(self.count);
        data["rate"] = json!(rate);
        data["rate_unit"] = json!(unit);
        data["duration"] = json!(format!("{}ms", (duration * 1000.0).ceil()));
        // Users for replies of half a second from the start, and for the slowest at the most.
        data["users"] = json!(users(0.5) as u64);
        data["most_users"] = json!(users(self.timeout.as_secs_f64().max(1.0)) as u64);
        data["timeout_s"] = json!(self.timeout.as_secs_f64());
        data
    }

    fn artillery(&self) -> String {
        let milliseconds = self.duration.as_millis().max(1);
        let arrivals = match is_whole(self.per_second) && self.duration.subsec_nanos() == 0 {
            true => format!("arrivalRate: {}", self.per_second),
            // Only whole rates are shared among Artillery's workers.
            false => format!("arrivalCount: {}", self.count),
        };
        let duration = match milliseconds % 1000 {
            0 => (milliseconds / 1000).to_string(),
            _ => format!("{milliseconds}ms"),
        };
        // Artillery would take double braces for a placeholder of its own.
        let url = self.url.replace('{', "%7B");
        let options = RequestOptions::default().laid_out(self.layout);
        ARTILLERY
            .replace("@ORIGIN@", &json!(origin(&url)).to_string())
            .replace("@TIMEOUT@", &self.timeout.as_secs_f64().to_string())
            .replace("@DURATION@", &duration)
            .replace("@ARRIVALS@", &arrivals)
            .replace("@METHOD@", &options.method.as_str().to_lowercase())
            .replace("@CONTENT_TYPE@", options.content_type)
            .replace("@URL@", &json!(url).to_string())
    }
}

fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    &url[..end]
}

fn is_whole(number: f64) -> bool {
    number >= 1.0 && (number - number.round()).abs() < 1e-9
}

/// A rate as k6 expects it: a whole number of orders in a unit of time.
fn whole_rate(per_second: f64, count: u64, duration: Duration) -> (u64, String) {
    let units = [(1.0, "1s"), (60.0, "1m"), (3600.0, "1h"), (1000.0, "1000s")];
    match units.into_iter().find(|(seconds, _)| is_whole(per_second * seconds)) {
        // In range: a rate is bounded.
        Some((seconds, unit)) => ((per_second * seconds).round() as u64, unit.to_owned()),
        None => (count, format!("{}ms", duration.as_millis().max(1))),
    }
}

fn lay_out(value: &Json, depth: usize) -> String {
    let (indent, end) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Json::Object(members) => {
            let lines: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!("{indent}{}: {}", json!(name), lay_out(value, depth + 1))
                })
                .collect();
            format!("{{\n{}\n{end}}}", lines.join(",\n"))
        }
        Json::Array(items) if items.first().is_some_and(Json::is_object) => {
            let lines: Vec<String> =
                items.iter().map(|item| format!("{indent}{}", lay_out(item, depth + 1))).collect();
            format!("[\n{}\n{end}]", lines.join(",\n"))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_whole_in_some_unit() {
        let minute = Duration::from_secs(60);
        assert_eq!(whole_rate(500.0, 1, minute), (500, "1s".to_owned()));
        assert_eq!(whole_rate(0.5, 1, minute), (30, "1m".to_owned()));
        assert_eq!(whole_rate(1.0 / 3.0, 20, minute), (20, "1m".to_owned()));
        assert_eq!(whole_rate(0.001, 1, minute), (1, "1000s".to_owned()));
        assert_eq!(whole_rate(1.0001, 7, minute), (7, "60000ms".to_owned()));
    }

    #[test]
    fn the_origin_is_scheme_and_server() {
        for (url, expected) in [
            ("http://a:80/b?c", "http://a:80"),
            ("https://a?c", "https://a"),
            ("http://[::1]:8/", "http://[::1]:8"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }

    #[test]
    fn data_is_laid_out_as_json() {
        let data = json!({"a": [{"b": [1, ["x"]]}], "c": {}, "d": []});
        let text = lay_out(&data, 0);
        assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), data);
        assert!(text.contains("\"b\": [1,[\"x\"]]"), "{text}");
    }
}
