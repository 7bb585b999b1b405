//! What `dialects learn` searched, found and left open, for a person.

use std::fmt::Display;

use protocol::internal::learn::{Found, Learned, Question};
use protocol::internal::scheme::Nulls;
use protocol::{Payload, Scheme, Transport};

use super::line::Line;
use crate::mask::Untrusted;

/// With so many samples that differ, little is left open.
const ENOUGH_SAMPLES: usize = 3;
const MOST_QUESTIONS: usize = 8;

pub fn lines(
    learned: &Learned,
    samples: usize,
    transport: Transport,
    is_complete: bool,
) -> Vec<Line> {
    let Some(sign_field) = &learned.sign_field else {
        return vec![
            no("no field of all samples looks like a signature"),
            hint(
                "expected a field that holds 32, 40, 64, 96 or 128 hexadecimal digits or a digest in \
                 base64 in every sample",
            ),
        ];
    };
    let searched = format!(
        "{} carries the signature; {} strings were hashed with {}",
        Untrusted::new(sign_field),
        learned.searched,
        learned.digests.join(", ")
    );
    let mut lines = vec![Line::new().dim("searched").plain(format!(": {searched}"))];
    for found in &learned.found {
        lines.extend(found_lines(found, samples));
        let asked = found.questions.iter().take(if is_complete { MOST_QUESTIONS } else { 0 });
        lines.extend(asked.flat_map(|question| question_lines(question, transport)));
        let more = found.questions.len().saturating_sub(MOST_QUESTIONS);
        if is_complete && more > 0 {
            lines.push(Line::new().dim(format!("{more} more differences are left open")));
        }
    }
    if is_complete {
        if samples < ENOUGH_SAMPLES {
            lines.push(hint(
                "three samples or more, with different fields and values, leave less open",
            ));
        }
    } else {
        lines.extend(failure(learned));
    }
    lines
}

pub fn hint(text: &'static str) -> Line {
    Line::new().dim("hint").plain(": ").plain(text)
}

fn no(text: impl Display) -> Line {
    Line::new().bad("no rule").plain(": ").plain(text)
}

fn rule(scheme: &Scheme) -> String {
    let string = match scheme.composition.notation() {
        empty if empty.is_empty() => format!("{{*}}{}", scheme.suffix.notation()),
        string => string,
    };
    let pairs = match scheme.signs_pairs() {
        true => format!(
            ", {{*}} is {} by {} with {:?} between",
            scheme.composition.pairs.name(),
            match scheme.composition.order.name() {
                "name" => "name",
                _ => "order received",
            },
            Untrusted::new(&scheme.separator),
        ),
        false => String::new(),
    };
    let string = Untrusted::new(string);
    format!("{} of {string}{pairs}, in {}", scheme.algorithm, scheme.digest_words())
}

fn listed(lines: &[usize]) -> String {
    let numbers: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let word = if lines.len() == 1 { "line" } else { "lines" };
    format!("{word} {}", numbers.join(", "))
}

fn found_lines(found: &Found, samples: usize) -> Vec<Line> {
    let explained = match found.lines.len() {
        all if all == samples => "all samples".to_owned(),
        1 => format!("the sample on {}", listed(&found.lines)),
        _ => format!("the samples on {}", listed(&found.lines)),
    };
    let fit = match found.fitting {
        1 => "one rule fits".to_owned(),
        count => format!("{count} rules fit, and the most usual one is taken"),
    };
    let built_in = match &found.built_in[..] {
        [] => None,
        ids => {
            let line =
                Line::new().plain("  so does the built-in dialect ").accent(ids.join(" or "));
            Some(line.plain(", which has [fields] and [statuses] too"))
        }
    };
    let lines = [
        Line::new().good("found").plain(format!(": {}", rule(&found.scheme))),
        Line::new().plain(format!("  it explains {explained}; {fit}")),
    ];
    lines.into_iter().chain(built_in).collect()
}

fn question_lines(question: &Question, transport: Transport) -> [Line; 4] {
    let request = Payload::parse(question.request.as_bytes()).map_or_else(
        |_| question.request.clone(),
        |payload| transport.encode(&payload, Nulls::Keep).into_owned(),
    );
    let rules = match question.rules {
        1 => "another rule signs".to_owned(),
        count => format!("of {count} that differ, one signs"),
    };
    let change = Untrusted::new(&question.change);
    let open = format!(": no sample shows what is signed where {change}; send one to decide");
    [
        Line::new().warn("open").plain(open),
        Line::new().dim("  request        ").plain(Untrusted::new(request)),
        Line::new().dim("  printed signs  ").plain(Untrusted::new(&question.printed)),
        Line::new().dim(format!("  {rules}  ")).plain(Untrusted::new(&question.other)),
    ]
}

/// Why there is no dialect: the nearest facts.
fn failure(learned: &Learned) -> Vec<Line> {
    let mut lines = Vec::new();
    if !learned.unexplained.is_empty() {
        let lines_of = listed(&learned.unexplained);
        lines.push(no(format!("with this key no rule that was searched explains {lines_of}")));
    } else {
        lines.push(no("no rule explains all samples: each of those above explains some"));
    }
    for (one, other) in &learned.twins {
        lines.push(Line::new().warn("note").plain(format!(
            ": lines {one} and {other} carry one signature beside different fields, so at most one of \
             them was signed; documentation prints such examples"
        )));
    }
    if learned.is_cut {
        lines.push(
            Line::new().warn("note").plain(
                ": the search ended at its limit; samples with fewer fields make it complete",
            ),
        );
    }
    lines.push(hint(
        "is it the key that signed these samples? are the values as they were received?",
    ));
    lines
}
