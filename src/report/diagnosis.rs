//! Why a signature does not match, in words that a merchant's developer can act on.

use protocol::internal::diagnosis::{MAX_SEARCHED_BYTES, MAX_SEARCHED_MEMBERS};
use protocol::{Deviation, Diagnosis, Difference, Dimension, Hit};
use serde::Serialize;

use super::line::Line;
use crate::mask::Untrusted;

const CODE: &str = "the code";

pub fn lines(diagnosis: &Diagnosis) -> Vec<Line> {
    let Some((first, others)) = diagnosis.hits.split_first() else {
        let next = "compare your code's string with the canonical one; --other-key-file FILE tries another key";
        let hint = Line::new().plain("  ").accent("hint:").plain(" ").plain(next);
        return vec![nothing_fits(diagnosis), hint];
    };
    // Mistakes made here, such as a misread key, are told in one sentence with what is valid without them.
    let is_theirs = first.deviations.iter().all(|one| one.dimension != Dimension::Verifier);
    let is_numbered = is_theirs && first.deviations.len() > 1;
    let mut lines = vec![Line::new().strong("likely cause").plain(if is_numbered {
        format!(": {} mistakes together", first.deviations.len())
    } else {
        format!(": {}", first.summary(CODE))
    })];
    for (number, deviation) in first.deviations.iter().enumerate() {
        let number = number + 1;
        let row = |name: &str| Line::new().dim(format!("  {name:<9}  "));
        if is_numbered {
            let alone = Hit { deviations: vec![deviation.clone()], difference: None };
            lines.push(row(&format!("mistake {number}")).strong(alone.summary(CODE)));
        }
        lines.push(row("rule").plain(deviation.rule));
        lines.push(row("seen in").plain(deviation.cause.clone()));
        lines.push(row("fix").good(deviation.fix));
    }
    if let Some(difference) = &first.difference {
        let at = format!("{DIFFERS}   at byte {}: ", difference.at);
        lines.push(
            Line::new()
                .dim(at)
                .plain(format!("the rule has   {}", Untrusted::new(&difference.rule))),
        );
        lines.push(
            Line::new()
                .dim("             ")
                .plain(format!("the code has   {}", Untrusted::new(&difference.theirs))),
        );
    }
    lines.extend(
        others.iter().map(|hit| Line::new().dim("or").plain(format!(": {}", hit.summary(CODE)))),
    );
    lines
}

pub fn short_line(diagnosis: &Diagnosis) -> Line {
    match diagnosis.hits.first() {
        None => nothing_fits(diagnosis),
        Some(hit) => {
            let fixes: Vec<&str> = hit.deviations.iter().map(|deviation| deviation.fix).collect();
            Line::new()
                .strong("likely cause")
                .plain(format!(": {}; ", hit.summary("the sender")))
                .dim(fixes.join("; "))
        }
    }
}

fn nothing_fits(diagnosis: &Diagnosis) -> Line {
    if diagnosis.digests == 0 {
        return Line::new().strong("no mistake was looked for").plain(format!(
            ": no digest has this form, or the payload has over {} KiB or {MAX_SEARCHED_MEMBERS} fields",
            MAX_SEARCHED_BYTES / 1024
        ));
    }
    Line::new()
        .strong("no known mistake fits")
        .plain(": a wrong key, or a value was altered")
        .dim(format!(" ({} digests tried)", diagnosis.digests))
}

#[derive(Serialize)]
pub struct HitJson<'a> {
    code: String,
    deviations: Vec<DeviationJson<'a>>,
    difference: Option<DifferenceJson<'a>>,
    summary: String,
}

#[derive(Serialize)]
struct DeviationJson<'a> {
    cause: &'a str,
    code: &'a str,
    dimension: &'a str,
    does: &'a str,
    fix: &'a str,
    rule: &'a str,
}

#[derive(Serialize)]
pub struct DifferenceJson<'a> {
    at: usize,
    rule: Untrusted<&'a str>,
    theirs: Untrusted<&'a str>,
}

/// What was found; `signer` is who made the mistake, in words.
pub fn hits<'a>(diagnosis: Option<&'a Diagnosis>, signer: &str) -> Vec<HitJson<'a>> {
    let hits = diagnosis.map(|diagnosis| diagnosis.hits.as_slice()).unwrap_or_default();
    let hit = |hit: &'a Hit| HitJson {
        code: hit.code(),
        deviations: hit.deviations.iter().map(deviation).collect(),
        difference: hit.difference.as_ref().map(difference_json),
        summary: hit.summary(signer),
    };
    hits.iter().map(hit).collect()
}

pub fn json(diagnosis: Option<&Diagnosis>) -> Vec<HitJson<'_>> {
    hits(diagnosis, CODE)
}

fn deviation(deviation: &Deviation) -> DeviationJson<'_> {
    DeviationJson {
        cause: &deviation.cause,
        code: deviation.code,
        dimension: deviation.dimension.code(),
        does: &deviation.does,
        fix: deviation.fix,
        rule: deviation.rule,
    }
}

pub fn difference_json(difference: &Difference) -> DifferenceJson<'_> {
    DifferenceJson {
        at: difference.at,
        rule: Untrusted::new(&difference.rule),
        theirs: Untrusted::new(&difference.theirs),
    }
}

/// Whether a line begins to show where two strings differ.
pub fn is_difference(line: &Line) -> bool {
    line.spans.first().is_some_and(|span| span.text.starts_with(DIFFERS))
}

const DIFFERS: &str = "  differs ";

#[cfg(test)]
mod tests {
    use protocol::internal::diagnosis::catalogue;

    use super::*;

    #[test]
    fn every_output_has_the_same_sentence() {
        for code in ["own-key-quotes", "own-url-parameter", "digest-dashes", "upper"] {
            let deviations = catalogue().into_iter().filter(|one| one.code == code).collect();
            let hit = Hit { deviations, difference: None };
            let diagnosis = Diagnosis { hits: vec![hit.clone()], strings: 1, digests: 1 };
            let text = |line: &Line| line.spans.iter().map(|span| &*span.text).collect::<String>();
            let first = lines(&diagnosis).first().map(text).unwrap_or_default();
            assert_eq!(first, format!("likely cause: {}", hit.summary("the code")));
            let short = text(&short_line(&diagnosis));
            assert!(short.contains(&hit.summary("the sender")), "{short}");
            assert_eq!(json(Some(&diagnosis))[0].summary, hit.summary("the code"));
        }
    }
}
