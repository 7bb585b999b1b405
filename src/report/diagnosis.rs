//! Why a signature does not match, in words that a merchant's developer can act on.

use serde_json::{Value, json};

use super::line::Line;
use crate::protocol::diagnosis::{Diagnosis, Hit, MAX_SEARCHED_BYTES, MAX_SEARCHED_MEMBERS};

/// The diagnosis for a person: the simplest hit in full, the others in a line each.
#[must_use]
pub fn lines(diagnosis: &Diagnosis) -> Vec<Line> {
    let Some((first, others)) = diagnosis.hits.split_first() else {
        let next = "compare your code's string with the canonical one; --other-key-file FILE tries another key";
        let hint = Line::new().plain("  ").accent("hint:").plain(" ").plain(next);
        return vec![nothing_fits(diagnosis), hint];
    };
    let mut lines =
        vec![Line::new().strong("likely cause").plain(format!(": the code {}", does(first)))];
    for deviation in &first.deviations {
        let row =
            |name: &str, text: &'static str| Line::new().dim(format!("  {name:<9}  ")).plain(text);
        lines.push(row("rule", deviation.rule));
        lines.push(row("seen in", deviation.cause));
        lines.push(Line::new().dim("  fix        ").good(deviation.fix));
    }
    if let Some(difference) = &first.difference {
        let at = format!("  differs    at byte {}: ", difference.at);
        lines.push(Line::new().dim(at).plain(format!("the rule has   {}", difference.rule)));
        lines.push(
            Line::new().dim("             ").plain(format!("the code has   {}", difference.theirs)),
        );
    }
    lines.extend(
        others.iter().map(|hit| Line::new().dim("or").plain(format!(": the code {}", does(hit)))),
    );
    lines
}

/// The simplest hit in one line, for a callback that just came.
#[must_use]
pub fn short_line(diagnosis: &Diagnosis) -> Line {
    match diagnosis.hits.first() {
        None => nothing_fits(diagnosis),
        Some(hit) => {
            let fixes: Vec<&str> = hit.deviations.iter().map(|deviation| deviation.fix).collect();
            Line::new()
                .strong("likely cause")
                .plain(format!(": the sender {}; ", does(hit)))
                .dim(fixes.join("; "))
        }
    }
}

fn does(hit: &Hit) -> String {
    let parts: Vec<&str> = hit.deviations.iter().map(|deviation| &*deviation.does).collect();
    parts.join(", and ")
}

fn nothing_fits(diagnosis: &Diagnosis) -> Line {
    if diagnosis.digests == 0 {
        return Line::new().strong("no mistake was looked for").plain(format!(
            ": no digest has this form, or the payload has over {} KiB or {MAX_SEARCHED_MEMBERS} members",
            MAX_SEARCHED_BYTES / 1024
        ));
    }
    Line::new()
        .strong("no known mistake fits")
        .plain(": a wrong key, or a value was altered")
        .dim(format!(" ({} digests tried)", diagnosis.digests))
}

/// The diagnosis for a program: the hits, simplest first.
#[must_use]
pub fn json(diagnosis: Option<&Diagnosis>) -> Value {
    let hits = diagnosis.map(|diagnosis| diagnosis.hits.as_slice()).unwrap_or_default();
    hits.iter()
        .map(|hit| {
            let deviations: Vec<Value> = hit
                .deviations
                .iter()
                .map(|deviation| {
                    json!({
                        "code": deviation.code,
                        "dimension": deviation.dimension.code(),
                        "does": deviation.does,
                        "rule": deviation.rule,
                        "cause": deviation.cause,
                        "fix": deviation.fix,
                    })
                })
                .collect();
            json!({
                "code": hit.code(),
                "summary": format!("the code {}", does(hit)),
                "deviations": deviations,
                "difference": hit.difference.as_ref().map(|difference| json!({
                    "at": difference.at,
                    "rule": difference.rule,
                    "theirs": difference.theirs,
                })),
            })
        })
        .collect()
}
