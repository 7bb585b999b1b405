//! Ways to write values that are made for the payload at hand: one field only, amounts and times in
//! every format, nested JSON in every style, texts that were cut, and values that were altered.

use super::Deviation;
use super::compose::ValueChoice;
use super::deviations::{deviation, of_payload, that_does};
use super::entry::{self, Entry, Tree};
use super::numbers;
use super::printing::{self, MAX_TEXT};
use super::values::{Scope, Writing, times};
use crate::status::StatusTable;

/// The most fields of which every selection is tried.
const MAX_SELECTED: usize = 3;

/// How many causes follow the first.
const MAX_CAUSES: usize = 3;

fn names_of<'e>(entries: &'e [Entry], texts: &[Option<String>]) -> Vec<&'e str> {
    let changed = entries.iter().zip(texts).filter(|(_, text)| text.is_some());
    changed.map(|(entry, _)| entry.name.as_str()).collect()
}

pub(super) fn list(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            format!("{} and {}", of_payload(&rest.join(", ")), of_payload(last))
        }
        _ => of_payload(&names.concat()),
    }
}

/// A choice of texts that differ from the rule's; `None` where none does.
pub(super) fn choice(
    entries: &[Entry],
    deviation: Deviation,
    texts: Vec<Option<String>>,
) -> Option<ValueChoice> {
    let differs = |(entry, text): (&Entry, Option<String>)| text.filter(|text| *text != entry.text);
    let texts: Vec<Option<String>> = entries.iter().zip(texts).map(differs).collect();
    let writing = Writing::Member(|_| None);
    let changes = texts.iter().any(Option::is_some);
    changes.then_some(ValueChoice { deviation, writing, scope: Scope::Rare, texts })
}

/// Every selection of the fields that a choice changes, without all of them.
fn selections(texts: &[Option<String>]) -> Vec<Vec<Option<String>>> {
    let changed: Vec<usize> =
        texts.iter().enumerate().filter(|(_, text)| text.is_some()).map(|(at, _)| at).collect();
    let masks: Vec<u128> = match changed.len() {
        0 | 1 => vec![],
        count @ 2..=MAX_SELECTED => (1..(1 << count) - 1).collect(),
        count => (0..count.min(100)).map(|at| 1 << at).collect(),
    };
    let select = |mask: u128| {
        let is_selected = |at: usize| {
            changed.iter().position(|of| *of == at).is_some_and(|bit| mask >> bit & 1 == 1)
        };
        texts
            .iter()
            .enumerate()
            .map(|(at, text)| text.clone().filter(|_| is_selected(at)))
            .collect()
    };
    masks.into_iter().map(select).collect()
}

/// The choices that change several fields, each for some of them only.
pub(super) fn partial(entries: &[Entry], choices: &[ValueChoice]) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    for of in choices.iter().filter(|choice| choice.scope == Scope::Single) {
        let Writing::Member(_) = of.writing else { continue };
        for texts in selections(&of.texts) {
            let does = format!("{} ({} only)", of.deviation.does, list(&names_of(entries, &texts)));
            let deviation = Deviation { does: does.into(), ..of.deviation.clone() };
            found.extend(choice(entries, deviation, texts));
        }
    }
    found
}

/// What `write` makes of all fields and of some of them; `does` ends with their names.
fn each_selection(
    entries: &[Entry],
    texts: Vec<Option<String>>,
    described: &dyn Fn(&str) -> Deviation,
    found: &mut Vec<ValueChoice>,
) {
    for texts in std::iter::once(texts.clone()).chain(selections(&texts)) {
        let names = list(&names_of(entries, &texts));
        found.extend(choice(entries, described(&names), texts));
    }
}

/// Amounts in other units, with other decimals, separators and groups.
pub(super) fn amounts(entries: &[Entry], powers: &[i64]) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    for format in numbers::formats(powers) {
        let write = |entry: &Entry| format.print(entry.digits().filter(|_| entry.is_money())?);
        let texts: Vec<Option<String>> = entries.iter().map(write).collect();
        let described = |names: &str| {
            let does = format!("writes {names} {}", format.description());
            Deviation { cause: format.cause().into(), ..that_does("amount-format", does) }
        };
        each_selection(entries, texts, &described, &mut found);
    }
    found
}

/// Numbers with zeros before them, as COBOL, ISO 8583 and `%012d` write them.
pub(super) fn padded(entries: &[Entry]) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    for width in 2..=20_usize {
        let write = |entry: &Entry| {
            let digits = entry.digits().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
            Some(format!("{digits:0>width$}"))
        };
        let groups: [fn(&Entry) -> bool; 3] =
            [Entry::is_money, |entry| entry.number().is_some(), |entry| entry.name == "status"];
        for group in groups {
            let texts: Vec<Option<String>> =
                entries.iter().map(|entry| write(entry).filter(|_| group(entry))).collect();
            let does =
                format!("pads {} with zeros to {width} digits", list(&names_of(entries, &texts)));
            let cause = "printf with %012d, str_pad(), padStart(), zfill(), a fixed-width record";
            let deviation = Deviation { cause: cause.into(), ..that_does("amount-format", does) };
            found.extend(choice(entries, deviation, texts));
        }
    }
    found
}

/// The status by its name.
pub(super) fn status_names(entries: &[Entry]) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    let is_status = |entry: &&Entry| entry.name == "status";
    let Some(code) = entries.iter().find(is_status).and_then(Entry::digits) else { return found };
    let statuses = StatusTable::PLATFORM;
    let Some(status) = statuses.payouts().find(|status| status.code.to_string() == code) else {
        return found;
    };
    let lower = status.name.replace(' ', "_");
    let title = format!("{}{}", lower[..1].to_uppercase(), &lower[1..]);
    for name in [lower.to_uppercase(), lower, title] {
        let deviation =
            that_does("status-name", format!("signs the status by its name, as {name}"));
        let text = |entry: &Entry| is_status(&entry).then(|| name.clone());
        found.extend(choice(entries, deviation, entries.iter().map(text).collect()));
    }
    found
}

/// Times as the types of many languages print them.
pub(super) fn time_formats(entries: &[Entry], zones: &[i32]) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    let moments: Vec<Option<times::Moment>> = entries.iter().map(times::Moment::of).collect();
    if moments.iter().all(Option::is_none) {
        return found;
    }
    for minutes in zones.iter().copied() {
        // Languages that print alike share one line.
        let mut printed: Vec<(Vec<Option<String>>, String)> = Vec::new();
        for format in &times::FORMATS {
            let write = |moment: &Option<times::Moment>| format.print(moment.as_ref()?, minutes);
            let texts: Vec<Option<String>> = moments.iter().map(write).collect();
            match printed.iter_mut().find(|(known, _)| *known == texts) {
                Some((_, cause)) if cause.matches("; ").count() < MAX_CAUSES => {
                    cause.push_str(&format!("; {}", format.cause));
                }
                Some(_) => {}
                None => printed.push((texts, format.cause.to_owned())),
            }
        }
        for (texts, cause) in printed {
            let zone = times::zone(minutes);
            let example = texts.iter().flatten().next().cloned().unwrap_or_default();
            let described = |names: &str| {
                let does = format!(
                    "prints {names} as times such as {} (zone {zone})",
                    of_payload(&example)
                );
                Deviation { cause: cause.clone().into(), ..that_does("time-format", does) }
            };
            each_selection(entries, texts, &described, &mut found);
        }
    }
    found
}

const FORCED: &str =
    "PHP json_encode() with JSON_FORCE_OBJECT, an array whose keys do not begin at 0";

type Reduce = fn(&Tree) -> Tree;

const NULLS_LEFT_OUT: &str =
    "Jackson JsonInclude.NON_NULL, Gson, Kotlin explicitNulls, .NET WhenWritingNull";

const EMPTIES_LEFT_OUT: &str =
    "Jackson JsonInclude.NON_EMPTY, Go omitempty, .NET WhenWritingDefault, array_filter()";

/// What is done to lists before they are printed.
const LISTS: [(&str, &str, Reduce); 4] = [
    ("with its lists sorted", "sort($list), list.sort(), a TreeSet", entry::with_sorted_lists),
    ("with its lists in reverse", "array_reverse(), a stack", entry::with_reversed_lists),
    ("with its lists sorted downwards", "rsort(), sort(reverse=True)", entry::with_lists_downwards),
    ("with equal items once", "array_unique(), a Set", entry::with_unique_items),
];

/// The items of such lists with another separator.
fn joined_lists(entries: &[Entry], lists: &[(&str, &'static str, Reduce)]) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    for (what, cause, change) in lists {
        for separator in [",", ", ", "|", ";", " ", "&", ""] {
            let text = |entry: &Entry| match change(entry.nested()?) {
                Tree::List(items) => {
                    Some(items.iter().map(printing::bare).collect::<Vec<_>>().join(separator))
                }
                _ => None,
            };
            let does = format!("writes arrays {what}, joined with {separator:?}");
            let deviation =
                Deviation { cause: (*cause).into(), ..that_does("nested-printed", does) };
            found.extend(choice(entries, deviation, entries.iter().map(text).collect()));
        }
    }
    found
}

/// Arrays and objects in every style of JSON libraries.
pub(super) fn nested(entries: &[Entry]) -> Vec<ValueChoice> {
    if entries.iter().all(|entry| entry.nested().is_none()) {
        return Vec::new();
    }
    let changes = |change: Reduce, before: Reduce| {
        let mut nested = entries.iter().filter_map(Entry::nested);
        nested.any(|tree| change(tree) != before(tree))
    };
    let mut reduced: Vec<(&str, &'static str, Reduce)> = Vec::new();
    if changes(entry::without_nulls, Tree::clone) {
        reduced.push(("without nulls", NULLS_LEFT_OUT, entry::without_nulls));
    }
    if changes(entry::without_empties, entry::without_nulls) {
        let what = "without nulls and empty values";
        reduced.push((what, EMPTIES_LEFT_OUT, entry::without_empties));
    }
    let mut lists: Vec<(&str, &'static str, Reduce)> = Vec::new();
    for (what, cause, change) in LISTS {
        if changes(change, Tree::clone) {
            lists.push((what, cause, change));
        }
    }
    reduced.extend(&lists);
    let mut found = joined_lists(entries, &lists);
    for (style, words, cause) in printing::json_styles() {
        let mut push = |words: String, cause: &'static str, tree: Reduce| {
            let does = format!("writes the JSON of arrays and objects {words}");
            let deviation = Deviation { cause: cause.into(), ..that_does("nested-printed", does) };
            let text = |entry: &Entry| {
                let text = printing::print(&tree(entry.nested()?), &style);
                (text.len() <= MAX_TEXT).then_some(text)
            };
            found.extend(choice(entries, deviation, entries.iter().map(text).collect()));
        };
        let as_objects = ["with arrays as objects ({\"0\":…})", &words].join(", ");
        let is_compact = style.is_compact_as_received();
        let and = |more: &str| [&words, more].join(", ").trim_start_matches(", ").to_owned();
        push(words.clone(), cause, Tree::clone);
        if is_compact {
            for (more, cause, tree) in &reduced {
                push(and(more), cause, *tree);
            }
            push(as_objects.trim_end_matches(", ").to_owned(), FORCED, entry::as_objects);
        }
    }
    found
}

/// Texts of which the beginning is left, or the end.
pub(super) fn cut(entries: &[Entry]) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let mut push = |does: String, cause: &'static str, text: String| {
            let texts =
                (0..entries.len()).map(|place| (place == at).then(|| text.clone())).collect();
            let deviation = Deviation { cause: cause.into(), ..that_does("text-cut", does) };
            found.extend(choice(entries, deviation, texts));
        };
        let name = &of_payload(&entry.name);
        let places = || entry.text.char_indices().enumerate().skip(1);
        for (count, (index, letter)) in places() {
            let kept = entry.text.get(..index).unwrap_or_default();
            let (does, cause) = cut_before(name, count, letter);
            push(does, cause, kept.to_owned());
            for dots in ["...", "…"] {
                let does = format!("cuts {name} to {count} characters and appends {dots}");
                push(
                    does,
                    "Str::limit(), mb_strimwidth(), truncate(): an ellipsis",
                    format!("{kept}{dots}"),
                );
            }
        }
        for (count, (index, _)) in places().filter(|_| entry.string().is_some()) {
            let does = format!("leaves out the first {count} characters of {name}");
            let rest = entry.text.get(index..).unwrap_or_default();
            push(does, "substr() with an offset, a prefix that was removed", rest.to_owned());
        }
    }
    found
}

fn cut_before(name: &str, count: usize, letter: char) -> (String, &'static str) {
    let characters = if count == 1 { "character" } else { "characters" };
    let at = |what: &str| format!("cuts {name} at {what}, after {count} {characters}");
    match letter {
        '=' => (at("its own ="), "split('=')[1], explode('=', $pair)[1]: a limit of 2 is missing"),
        '&' => (at("its own &"), "a finished string that is split at & again, parse_str()"),
        letter if u32::from(letter) > 0xffff => (
            at("the first emoji"),
            "a MySQL column in utf8 (three bytes), which cuts at four-byte characters; utf8mb4 is missing",
        ),
        '\0' => (at("a NUL character"), "a C string, which ends at its first NUL"),
        '\n' | '\r' => (
            at("the end of the first line"),
            "gets(), readline(), a pattern whose . does not match newlines",
        ),
        '\'' | '"' => {
            (at("a quotation mark"), "an attribute or an SQL text that ends at the quotation mark")
        }
        '<' => (at("the first <"), "strip_tags(), which swallows what follows an open <"),
        '#' => (at("its own #"), "a URL parser, which takes what follows for a fragment"),
        ',' | ';' | '|' | ' ' | ':' => {
            (at(&format!("the first {letter:?}")), "split(), sscanf(%s), a CSV column")
        }
        _ => (
            format!("cuts {name} to {count} {characters}"),
            "a column of this width, such as VARCHAR(255), substr(), a form field's maxlength",
        ),
    }
}

/// Values that may have been others when the signature was made.
pub(super) fn altered(entries: &[Entry]) -> Vec<ValueChoice> {
    let mut found = Vec::new();
    let mut push = |changes: Vec<(usize, String)>| {
        let texts: Vec<Option<String>> = (0..entries.len())
            .map(|at| changes.iter().find(|(of, _)| *of == at).map(|(_, text)| text.clone()))
            .collect();
        let is = |(at, text): &(usize, String)| {
            let entry = entries.get(*at)?;
            let [name, is, here] = [&entry.name, text, &entry.text].map(|text| of_payload(text));
            Some(format!("{name} is {is} (here: {here})"))
        };
        let held: Vec<String> = changes.iter().filter_map(is).collect();
        let does = format!(
            "the signature holds if {}: the value was changed after signing, or two notifications were mixed",
            held.join(" and ")
        );
        found.extend(choice(entries, that_does("altered-value", does), texts));
    };
    for (at, entry) in entries.iter().enumerate() {
        let texts = match &entry.tree {
            Tree::Bool(value) => vec![(!value).to_string()],
            _ => near(entry),
        };
        texts.into_iter().for_each(|text| push(vec![(at, text)]));
    }
    for group in [Entry::is_money, Entry::is_time, Entry::is_id] {
        let members: Vec<(usize, &Entry)> = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| group(entry) && !entry.text.is_empty())
            .collect();
        for (at, first) in &members {
            for (other, second) in members.iter().filter(|(other, _)| other != at) {
                push(vec![(*at, second.text.clone())]);
                if at < other {
                    push(vec![(*at, second.text.clone()), (*other, first.text.clone())]);
                }
            }
        }
        sums(&members, &mut push);
    }
    found
}

/// Amounts that are another one with or without a third.
fn sums(members: &[(usize, &Entry)], push: &mut dyn FnMut(Vec<(usize, String)>)) {
    let whole = |entry: &Entry| entry.text.parse::<i64>().ok();
    for (at, _) in members {
        for (_, first) in members {
            for (_, second) in members {
                let (Some(a), Some(b)) = (whole(first), whole(second)) else { continue };
                for text in [a.checked_add(b), a.checked_sub(b)].into_iter().flatten() {
                    push(vec![(*at, text.to_string())]);
                }
            }
        }
    }
}

/// The highest number of a status, and how far a small number is searched.
const MAX_STATUS: i64 = 9;

const NEAR: i64 = 10;

/// Numbers near a field's, in other units, or another status.
fn near(entry: &Entry) -> Vec<String> {
    let Some(digits) = entry.digits() else { return Vec::new() };
    let mut texts: Vec<String> = Vec::new();
    if let Ok(number) = digits.parse::<i64>() {
        if (0..=99).contains(&number) {
            texts.extend((-1..=MAX_STATUS.max(20)).map(|other| other.to_string()));
        }
        texts.extend(
            (1..=NEAR)
                .flat_map(|by| [number.checked_add(by), number.checked_sub(by)])
                .flatten()
                .map(|n| n.to_string()),
        );
        if entry.is_time() {
            // Whole hours and minutes: another zone, or an order that took longer.
            let steps = (1..=14)
                .map(|hours| hours * 3600)
                .chain((1..60).map(|minutes| minutes * 60))
                .chain(11..60)
                .chain([86_400]);
            texts.extend(
                steps
                    .flat_map(|by| [number.checked_add(by), number.checked_sub(by)])
                    .flatten()
                    .map(|n| n.to_string()),
            );
        }
        if number != 0 {
            texts.extend(number.checked_neg().map(|n| n.to_string()));
            texts.push("0".to_owned());
        }
    }
    for power in [-4, -3, -2, -1, 1, 2, 3, 4] {
        texts.extend(numbers::scaled(digits, power, None));
    }
    texts
}

/// The deviation for a field that the payload does not have.
pub(super) fn absent(does: String, cause: &'static str) -> Deviation {
    Deviation { cause: cause.into(), ..that_does("absent-field", does) }
}

pub(super) fn signed_twice() -> Deviation {
    deviation("signed-twice")
}
