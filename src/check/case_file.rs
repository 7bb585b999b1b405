//! Cases as a TOML file: data, no code.
//!
//! ```toml
//! group = "authenticity"
//! expect = "not-acknowledged"       # for every step of the file that has none of its own
//!
//! [[case]]
//! id = "auth-no-sign"
//! title = "a notification without sign"
//! why = "Anyone who knows the URL could have payouts booked."
//! fix = "Refuse a notification without a sign that is text."
//! make = ["success"]                # one message; see the recipe's operations
//! effect = "once"                   # the default; any, none, at-most-once
//!
//! [[case]]
//! # …
//! [[case.step]]                     # several messages
//! make = ["success", "sign"]
//! expect = "acknowledged"           # not-acknowledged, refused, answered, anything
//! manner = "slowly 500"             # plain, chunked, half-closed, expect-continue, reply-lost, fresh
//! at_once = 20
//! orders = 8                        # so many orders of their own, sent together
//! after_ms = 200
//! with_next = true                  # it is sent together with the next step
//! fault = "kill after"              # what happens to the merchant; see `check --explore`
//! ```
//!
//! `statuses = ["success", "failed", "cancelled"]` makes a case of each: the lines are written for a
//! success, and the other cases get `failure` or `cancelled` into their ids. A case with
//! `after = "ID"` is not tested where the notification of that case was refused.
//!
//! A case with `probe = "NAME"` asks about the way to the endpoint, one with `retry = true` sends
//! its message on a compressed schedule until it is acknowledged.

use std::ops::Range;
use std::time::Duration;

use clap::ValueEnum;
use protocol::internal::nearest::nearest;
use serde::Deserialize;
use toml::Spanned;

use super::case::{Case, Effect, Expect, MAX_MILLISECONDS, Manner, Need, Severity, StepPlan, Work};
use super::fault::Fault;
use super::recipe::Recipe;
use crate::mask::Untrusted;
use protocol::internal::toml_span::{
    self, PlacedError, SpannedError, SpannedResult, number, wrong,
};

pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// A history that could not be cut may be long.
const MAX_STEPS: usize = 256;
const MAX_AT_ONCE: u32 = 200;
const MAX_ORDERS: u32 = 50;
const MAX_TEXT: usize = 2048;
const MAX_NAME: usize = 64;

const FILE_SETTINGS: [&str; 8] =
    ["group", "expect", "effect", "severity", "needs", "why", "fix", "case"];
const CASE_SETTINGS: [&str; 19] = [
    "id", "title", "why", "fix", "severity", "needs", "effect", "statuses", "after", "probe",
    "retry", "step", "make", "expect", "manner", "at_once", "orders", "after_ms", "fault",
];
const STEP_SETTINGS: [&str; 9] =
    ["label", "make", "expect", "manner", "at_once", "orders", "after_ms", "with_next", "fault"];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, {error}", Untrusted::new(.file))]
pub struct CaseFileError {
    pub file: String,
    pub error: PlacedError,
}

type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    group: Option<Text>,
    expect: Option<Text>,
    effect: Option<Text>,
    severity: Option<Text>,
    needs: Option<Vec<Text>>,
    why: Option<Text>,
    fix: Option<Text>,
    #[serde(default)]
    case: Vec<Spanned<FileCase>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCase {
    id: Option<Text>,
    title: Option<Text>,
    why: Option<Text>,
    fix: Option<Text>,
    severity: Option<Text>,
    needs: Option<Vec<Text>>,
    effect: Option<Text>,
    statuses: Option<Vec<Text>>,
    after: Option<Text>,
    probe: Option<Text>,
    retry: Option<Spanned<bool>>,
    #[serde(default)]
    step: Vec<Spanned<FileStep>>,
    make: Option<Spanned<Vec<Text>>>,
    expect: Option<Text>,
    manner: Option<Text>,
    at_once: Option<Spanned<u32>>,
    orders: Option<Spanned<u32>>,
    after_ms: Option<Spanned<u32>>,
    fault: Option<Text>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStep {
    label: Option<Text>,
    make: Option<Spanned<Vec<Text>>>,
    expect: Option<Text>,
    manner: Option<Text>,
    at_once: Option<Spanned<u32>>,
    orders: Option<Spanned<u32>>,
    after_ms: Option<Spanned<u32>>,
    fault: Option<Text>,
    #[serde(default)]
    with_next: bool,
}

struct Defaults {
    group: String,
    expect: Option<Expect>,
    effect: Effect,
    severity: Severity,
    needs: Vec<Need>,
    why: Option<Text>,
    fix: Option<Text>,
}

pub fn parse(file: &str, text: &str) -> Result<Vec<Case>, CaseFileError> {
    read(text).map_err(|error| CaseFileError { file: file.to_owned(), error: error.placed(text) })
}

fn read(text: &str) -> SpannedResult<Vec<Case>> {
    let tables = [
        (&FILE_SETTINGS[..], "must be above the first [[case]] table"),
        (&CASE_SETTINGS[..], "must be inside a [[case]] table"),
        (&STEP_SETTINGS[..], "must be inside a [[case.step]] table"),
    ];
    let file: File = toml_span::read(text, MAX_FILE_BYTES, &tables)?;
    let Some(group) = file.group else { return wrong(&(0..0), "the setting group is missing") };
    let defaults = Defaults {
        group: name(group)?,
        expect: optional(file.expect)?,
        effect: optional(file.effect)?.unwrap_or_default(),
        severity: optional(file.severity)?.unwrap_or(Severity::Fail),
        needs: needs(file.needs)?.unwrap_or_default(),
        why: file.why,
        fix: file.fix,
    };
    let mut cases: Vec<Case> = Vec::new();
    for table in file.case {
        let span = table.span();
        let id_span = table.get_ref().id.as_ref().map_or_else(|| span.clone(), Spanned::span);
        for table in for_each_status(table.into_inner())? {
            let case = read_case(table, &span, &defaults)?;
            if cases.iter().any(|known| known.id == case.id) {
                return wrong(
                    &id_span,
                    format!("a second case is called {:?}", Untrusted::new(&case.id)),
                );
            }
            cases.push(case);
        }
    }
    if cases.is_empty() {
        return wrong(&(text.len()..text.len()), "a [[case]] table is missing");
    }
    Ok(cases)
}

/// One table for each of its statuses.
fn for_each_status(mut table: FileCase) -> SpannedResult<Vec<FileCase>> {
    let Some(statuses) = table.statuses.take() else { return Ok(vec![table]) };
    statuses.iter().map(|status| with_status(table.clone(), status)).collect()
}

fn with_status(mut table: FileCase, status: &Text) -> SpannedResult<FileCase> {
    let word = match status.get_ref().as_str() {
        "success" => return Ok(table),
        "failed" => "failure",
        "cancelled" => "cancelled",
        other => {
            return wrong(
                &status.span(),
                format!("{:?} is not success, failed or cancelled", Untrusted::new(&other)),
            );
        }
    };
    if let Some(id) = &mut table.id {
        let text = id.get_mut();
        *text = match text.split_once('-') {
            _ if text.contains("success") => text.replace("success", word),
            Some((start, rest)) => format!("{start}-{word}-{rest}"),
            None => format!("{text}-{word}"),
        };
    }
    if let Some(title) = &mut table.title {
        title.get_mut().push_str(&format!(
            ", for a payout that {}",
            if word == "failure" { "failed" } else { "was cancelled" }
        ));
    }
    let steps = table.step.iter_mut().filter_map(|step| step.get_mut().make.as_mut());
    for line in steps.chain(table.make.as_mut()).flat_map(|make| make.get_mut().iter_mut()) {
        let line = line.get_mut();
        *line = match line.as_str() {
            "success" => status.get_ref().clone(),
            "same-order success" => format!("same-order {}", status.get_ref()),
            _ => line.replace("{success}", &format!("{{{}}}", status.get_ref())),
        };
    }
    Ok(table)
}

fn read_case(table: FileCase, span: &Range<usize>, defaults: &Defaults) -> SpannedResult<Case> {
    let text =
        |own: Option<Text>, default: Option<&Text>, setting: &str| match own.as_ref().or(default) {
            None => wrong(span, format!("the case's setting {setting} is missing")),
            Some(text) => bounded(text),
        };
    let Some(id) = table.id else { return wrong(span, "the case's setting id is missing") };
    let is_retry = table.retry.is_some_and(Spanned::into_inner);
    let single = FileStep {
        label: None,
        make: table.make,
        expect: table.expect,
        manner: table.manner,
        at_once: table.at_once,
        orders: table.orders,
        after_ms: table.after_ms,
        fault: table.fault,
        with_next: false,
    };
    Ok(Case {
        id: name(id)?,
        group: defaults.group.clone(),
        title: text(table.title, None, "title")?,
        why: text(table.why, defaults.why.as_ref(), "why")?,
        fix: text(table.fix, defaults.fix.as_ref(), "fix")?,
        severity: optional(table.severity)?.unwrap_or(defaults.severity),
        needs: needs(table.needs)?.unwrap_or_else(|| defaults.needs.clone()),
        effect: optional(table.effect)?.unwrap_or(defaults.effect),
        after: table.after.map(name).transpose()?,
        work: match (table.probe, table.step, &single.make) {
            (Some(probe), steps, None) if steps.is_empty() && !is_retry => {
                Work::Probe(one_of(&probe)?)
            }
            (None, steps, Some(_)) if steps.is_empty() => match is_retry {
                true => Work::Retry(read_step(single, span, defaults, 0)?),
                false => Work::Send(read_orders(single, span, defaults, 0)?),
            },
            (None, steps, None) if !steps.is_empty() && !is_retry => {
                Work::Send(read_steps(steps, &single, span, defaults)?)
            }
            _ => {
                let problem = "a case has make, [[case.step]] tables, or a probe: one of them; \
                               retry goes with make";
                return wrong(span, problem);
            }
        },
    })
}

fn read_steps(
    steps: Vec<Spanned<FileStep>>,
    single: &FileStep,
    span: &Range<usize>,
    defaults: &Defaults,
) -> SpannedResult<Vec<StepPlan>> {
    let is_stray = single.expect.is_some()
        || single.manner.is_some()
        || single.at_once.is_some()
        || single.orders.is_some()
        || single.after_ms.is_some()
        || single.fault.is_some();
    if is_stray {
        return wrong(
            span,
            "with steps, expect, manner, at_once, orders, after_ms and fault are settings of the steps",
        );
    }
    if steps.len() > MAX_STEPS {
        return wrong(span, format!("a case has at most {MAX_STEPS} steps"));
    }
    let mut plans = Vec::new();
    let is_one_of_many = steps.len() > 1;
    for step in steps {
        let span = step.span();
        let mut orders = read_orders(step.into_inner(), &span, defaults, plans.len())?;
        let is_company = is_one_of_many && orders.len() > 1;
        orders.iter_mut().for_each(|plan| plan.is_company = is_company);
        plans.extend(orders);
    }
    Ok(plans)
}

/// A step, or as many as it has orders, which are sent together.
fn read_orders(
    step: FileStep,
    span: &Range<usize>,
    defaults: &Defaults,
    before: usize,
) -> SpannedResult<Vec<StepPlan>> {
    let count = number(
        step.orders.clone(),
        1,
        1..=MAX_ORDERS,
        &format!("1 to {MAX_ORDERS} orders are sent together"),
    )?;
    let with_next = step.with_next;
    let plan = read_step(step, span, defaults, before)?;
    let plan_of = |order: u32| StepPlan { with_next: with_next || order < count, ..plan.clone() };
    Ok((1..=count).map(plan_of).collect())
}

fn read_step(
    step: FileStep,
    span: &Range<usize>,
    defaults: &Defaults,
    before: usize,
) -> SpannedResult<StepPlan> {
    let Some(make) = step.make else { return wrong(span, "the step's setting make is missing") };
    let expect = optional(step.expect)?.or(defaults.expect);
    let Some(expect) = expect else { return wrong(span, "the setting expect is missing") };
    let places: Vec<Range<usize>> = make.get_ref().iter().map(Spanned::span).collect();
    let make_span = make.span();
    let lines = make.into_inner().into_iter().map(Spanned::into_inner).collect();
    let recipe = Recipe::try_new(lines, before).map_err(|error| SpannedError {
        at: places.get(error.operation).map_or(make_span.start, |place| place.start),
        problem: error.problem,
    })?;
    let at_once = format!("1 to {MAX_AT_ONCE} are sent at once");
    let after = format!("a pause has at most {MAX_MILLISECONDS} ms");
    let at_once = number(step.at_once, 1, 1..=MAX_AT_ONCE, &at_once)?;
    let after = number(step.after_ms, 0, 0..=MAX_MILLISECONDS, &after)?;
    Ok(StepPlan {
        label: step.label.as_ref().map(bounded).transpose()?.unwrap_or_default(),
        recipe,
        manner: manner(step.manner)?,
        at_once,
        with_next: false,
        is_company: false,
        after: Duration::from_millis(after.into()),
        expect,
        fault: step.fault.as_ref().map(fault).transpose()?,
    })
}

fn bounded(text: &Text) -> SpannedResult<String> {
    if text.get_ref().len() > MAX_TEXT {
        return wrong(&text.span(), format!("it is longer than {MAX_TEXT} bytes"));
    }
    Ok(text.get_ref().clone())
}

fn manner(given: Option<Text>) -> SpannedResult<Manner> {
    let Some(text) = given else { return Ok(Manner::Plain) };
    let Some(time) = text.get_ref().strip_prefix("slowly") else {
        return one_of(&text);
    };
    match time.trim().parse() {
        Ok(time) if (1..=MAX_MILLISECONDS).contains(&time) => Ok(Manner::Slowly(time)),
        _ => wrong(
            &text.span(),
            format!("slowly needs milliseconds from 1 to {MAX_MILLISECONDS}, as in slowly 500"),
        ),
    }
}

fn fault(text: &Text) -> SpannedResult<Fault> {
    text.get_ref().parse().or_else(|problem: String| wrong(&text.span(), problem))
}

fn name(text: Text) -> SpannedResult<String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name = text.get_ref();
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_plain) {
        return wrong(&text.span(), format!("a name has 1 to {MAX_NAME} of a-z, 0-9 and '-'"));
    }
    Ok(text.into_inner())
}

fn needs(given: Option<Vec<Text>>) -> SpannedResult<Option<Vec<Need>>> {
    given.map(|list| list.iter().map(one_of).collect()).transpose()
}

fn optional<T: ValueEnum>(given: Option<Text>) -> SpannedResult<Option<T>> {
    given.as_ref().map(one_of).transpose()
}

fn one_of<T: ValueEnum>(given: &Text) -> SpannedResult<T> {
    let text = given.get_ref();
    T::from_str(text, false).or_else(|_| {
        let known = T::value_variants().iter().filter_map(T::to_possible_value);
        let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
        let problem = match nearest(text, known.iter().map(String::as_str)) {
            Some(near) => format!("{:?} is unknown; did you mean {near:?}?", Untrusted::new(&text)),
            None => {
                format!("{:?} is unknown; known are {}", Untrusted::new(&text), known.join(", "))
            }
        };
        wrong(&given.span(), problem)
    })
}

/// A case that sends, as the file that holds it alone.
pub fn write(case: &Case) -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    let mut file = format!("group = {}\n\n[[case]]\n", text(&case.group));
    let mut set = |name: &str, value: String| file.push_str(&format!("{name} = {value}\n"));
    for (name, value) in
        [("id", &case.id), ("title", &case.title), ("why", &case.why), ("fix", &case.fix)]
    {
        set(name, text(value));
    }
    for step in case.steps() {
        set("\n[[case.step]]\nlabel", text(&step.label));
        let lines: Vec<String> = step.recipe.operations.iter().map(|line| text(line)).collect();
        set("make", format!("[{}]", lines.join(", ")));
        let expect = step.expect.to_possible_value();
        set("expect", text(expect.as_ref().map_or("anything", |value| value.get_name())));
        let rest = [
            (step.manner != Manner::Plain).then(|| ("manner", text(&String::from(step.manner)))),
            (step.at_once > 1).then(|| ("at_once", step.at_once.to_string())),
            (!step.after.is_zero()).then(|| ("after_ms", step.after.as_millis().to_string())),
            step.with_next.then(|| ("with_next", "true".to_owned())),
            step.fault.map(|fault| ("fault", text(&fault.to_string()))),
        ];
        rest.into_iter().flatten().for_each(|(name, value)| set(name, value));
    }
    file
}

#[cfg(test)]
mod tests;
