//! Deviations in the order of the members.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::deviations::{Rule, rule};
use super::fields::documented;

#[derive(Clone, Debug)]
pub(super) struct Pair<'p> {
    pub(super) name: Cow<'p, str>,
    pub(super) text: Cow<'p, str>,
    pub(super) is_whole: bool,
}

impl Pair<'_> {
    /// `name=value`, or whatever stands instead of it.
    pub(super) fn written(&self) -> String {
        match self.is_whole {
            true => self.text.clone().into_owned(),
            false => format!("{}={}", self.name, self.text),
        }
    }
}

pub(super) type OrderRule = Rule<fn(&mut Vec<Pair<'_>>)>;

/// Sorts by comparisons that may contradict each other, as PHP's loose ones do: the library's sort
/// may panic on those.
fn insertion_sort(pairs: &mut [Pair<'_>], compare: impl Fn(&Pair<'_>, &Pair<'_>) -> Ordering) {
    for end in 1..pairs.len() {
        let mut at = end;
        while at > 0 && compare(&pairs[at], &pairs[at - 1]) == Ordering::Less {
            pairs.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// PHP 8's `<=>` of two strings: as numbers where both look like numbers.
fn loose(a: &str, b: &str) -> Ordering {
    let number = |text: &str| {
        let is_number =
            text.trim_start().starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        text.trim().parse::<f64>().ok().filter(|_| is_number)
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        _ => a.cmp(b),
    }
}

fn integer_key(name: &str) -> Option<u32> {
    name.parse::<u32>().ok().filter(|number| *number < u32::MAX && number.to_string() == name)
}

fn integers_first(pairs: &mut [Pair<'_>]) {
    pairs.sort_by_key(|pair| integer_key(&pair.name).map_or((1, 0), |number| (0, number)));
}

fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (digits_a, rest_a) = leading_digits(a);
        let (digits_b, rest_b) = leading_digits(b);
        let step = if digits_a.is_empty() || digits_b.is_empty() {
            let (next_a, next_b) = (a.chars().next(), b.chars().next());
            if next_a.is_none() && next_b.is_none() {
                return Ordering::Equal;
            }
            a = next_a.map_or("", |c| &a[c.len_utf8()..]);
            b = next_b.map_or("", |c| &b[c.len_utf8()..]);
            next_a.cmp(&next_b)
        } else {
            (a, b) = (rest_a, rest_b);
            let (digits_a, digits_b) =
                (digits_a.trim_start_matches('0'), digits_b.trim_start_matches('0'));
            digits_a.len().cmp(&digits_b.len()).then_with(|| digits_a.cmp(digits_b))
        };
        if step != Ordering::Equal {
            return step;
        }
    }
}

fn leading_digits(text: &str) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len())
}

/// The Unicode collation's root order, near enough for names: punctuation before digits before
/// letters, whatever their case.
fn collated_base(a: &str, b: &str) -> Ordering {
    let weight = |c: char| {
        let class = match c {
            '_' => 0,
            '-' => 1,
            c if c.is_ascii_digit() => 3,
            c if c.is_alphanumeric() => 4,
            _ => 2,
        };
        (class, c.to_lowercase().next().unwrap_or(c))
    };
    a.chars().map(weight).cmp(b.chars().map(weight))
}

/// The same, then lower case before upper case.
fn collated(a: &str, b: &str) -> Ordering {
    collated_base(a, b).then_with(|| {
        let case = |text: &str| text.chars().map(char::is_uppercase).collect::<Vec<_>>();
        case(a).cmp(&case(b))
    })
}

fn letters_first(a: &str, b: &str) -> Ordering {
    let letters = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    letters(a).cmp(&letters(b)).then_with(|| a.to_lowercase().cmp(&b.to_lowercase()))
}

fn page_place(name: &str) -> usize {
    documented().position(|known| known == name).unwrap_or(usize::MAX)
}

fn java_hash(name: &str) -> u32 {
    let hash =
        name.encode_utf16().fold(0_u32, |h, unit| h.wrapping_mul(31).wrapping_add(u32::from(unit)));
    hash ^ (hash >> 16)
}

fn hash_map_order(pairs: &mut [Pair<'_>]) {
    let mut buckets = 16;
    while pairs.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    let mask = u32::try_from(buckets - 1).unwrap_or(u32::MAX);
    pairs.sort_by_key(|pair| java_hash(&pair.name) & mask);
}

pub(super) static ORDER_RULES: [OrderRule; 60] = [
    rule("doc-order", |_| {}),
    rule("case-insensitive", |p| p.sort_by_cached_key(|pair| pair.name.to_lowercase())),
    rule("case-insensitive-upper", |p| p.sort_by_cached_key(|pair| pair.name.to_uppercase())),
    rule("locale-order", |p| p.sort_by(|a, b| collated(&a.name, &b.name))),
    rule("locale-order-base", |p| p.sort_by(|a, b| collated_base(&a.name, &b.name))),
    rule("locale-order-letters", |p| p.sort_by(|a, b| letters_first(&a.name, &b.name))),
    rule("sorted-pairs", |p| p.sort_by_cached_key(|pair| format!("{}={}", pair.name, pair.text))),
    rule("reverse-order", |p| p.sort_by(|a, b| b.name.cmp(&a.name))),
    rule("numeric-first", |p| {
        p.sort_by(|a, b| a.name.cmp(&b.name));
        integers_first(p);
    }),
    rule("numeric-first-received", |p| integers_first(p)),
    rule("numeric-loose", |p| insertion_sort(p, |a, b| loose(&a.name, &b.name))),
    rule("reverse-numeric", |p| insertion_sort(p, |a, b| loose(&b.name, &a.name))),
    rule("natural-order", |p| p.sort_by(|a, b| natural(&a.name, &b.name))),
    rule("natural-collated", |p| p.sort_by(|a, b| natural_collated(&a.name, &b.name))),
    rule("sorted-values", |p| p.sort_by(|a, b| a.text.cmp(&b.text))),
    rule("sorted-values-numeric", |p| insertion_sort(p, |a, b| loose(&a.text, &b.text))),
    rule("page-order", |p| p.sort_by_key(|pair| page_place(&pair.name))),
    rule("length-order", |p| {
        p.sort_by(|a, b| a.name.len().cmp(&b.name.len()).then_with(|| a.name.cmp(&b.name)))
    }),
    rule("hash-order", |p| hash_map_order(p)),
    rule("names-camel", |p| rename_and_sort(p, camel)),
    rule("names-camel", |p| sort_and_rename(p, camel)),
    rule("names-camel", |p| rename(p, camel)),
    rule("names-pascal", |p| rename_and_sort(p, pascal)),
    rule("names-pascal", |p| sort_and_rename(p, pascal)),
    rule("names-pascal", |p| rename(p, pascal)),
    rule("names-camel-id", |p| rename_and_sort(p, camel_id)),
    rule("names-camel-id", |p| sort_and_rename(p, camel_id)),
    rule("names-camel-id", |p| rename(p, camel_id)),
    rule("names-pascal-id", |p| rename_and_sort(p, pascal_id)),
    rule("names-pascal-id", |p| sort_and_rename(p, pascal_id)),
    rule("names-pascal-id", |p| rename(p, pascal_id)),
    rule("names-upper", |p| rename_and_sort(p, str::to_uppercase)),
    rule("names-upper", |p| sort_and_rename(p, str::to_uppercase)),
    rule("names-upper", |p| rename(p, str::to_uppercase)),
    rule("names-joined", |p| rename_and_sort(p, joined)),
    rule("names-joined", |p| sort_and_rename(p, joined)),
    rule("names-joined", |p| rename(p, joined)),
    rule("names-kebab", |p| rename_and_sort(p, kebab)),
    rule("names-kebab", |p| sort_and_rename(p, kebab)),
    rule("names-kebab", |p| rename(p, kebab)),
    rule("names-dotted", |p| rename_and_sort(p, dotted)),
    rule("names-dotted", |p| sort_and_rename(p, dotted)),
    rule("names-header", |p| rename_and_sort(p, header)),
    rule("names-header", |p| sort_and_rename(p, header)),
    rule("names-title", |p| rename_and_sort(p, title)),
    rule("names-title", |p| sort_and_rename(p, title)),
    rule("names-title", |p| rename(p, title)),
    rule("names-marked", |p| sort_and_rename(p, |name| format!(":{name}"))),
    rule("names-marked", |p| sort_and_rename(p, |name| format!("@{name}"))),
    rule("names-marked", |p| sort_and_rename(p, |name| format!("${name}"))),
    rule("names-marked", |p| sort_and_rename(p, |name| format!("_{name}"))),
    rule("names-marked", |p| sort_and_rename(p, |name| format!("data.{name}"))),
    rule("names-marked", |p| sort_and_rename(p, |name| format!("data[{name}]"))),
    rule("names-quoted", |p| sort_and_rename(p, |name| format!("\"{name}\""))),
    rule("names-quoted", |p| sort_and_rename(p, |name| format!("'{name}'"))),
    rule("names-backing", |p| {
        rename_and_sort(p, |name| format!("<{}>k__BackingField", pascal(name)))
    }),
    rule("names-backing", |p| {
        sort_and_rename(p, |name| format!("<{}>k__BackingField", pascal(name)))
    }),
    rule("names-snake", |p| rename_and_sort(p, snake)),
    rule("names-snake", |p| sort_and_rename(p, snake)),
    rule("names-snake", |p| rename(p, snake)),
];

type Rename = fn(&str) -> String;

fn sort(pairs: &mut [Pair<'_>]) {
    pairs.sort_by(|a, b| a.name.cmp(&b.name));
}

fn rename(pairs: &mut [Pair<'_>], rename: Rename) {
    for pair in pairs {
        pair.name = rename(&pair.name).into();
    }
}

fn rename_and_sort(pairs: &mut [Pair<'_>], change: Rename) {
    rename(pairs, change);
    sort(pairs);
}

fn sort_and_rename(pairs: &mut [Pair<'_>], change: Rename) {
    sort(pairs);
    rename(pairs, change);
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The words of a name: `payout_cl_id` has three, `payoutClId` too.
fn words(name: &str) -> Vec<String> {
    snake(name).split(['_', '-', '.']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn pascal(name: &str) -> String {
    words(name).iter().map(|word| capitalized(word)).collect()
}

fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let first = pascal.chars().take(1).flat_map(char::to_lowercase);
    first.chain(pascal.chars().skip(1)).collect()
}

/// The initialisms that Go's linter writes in capitals.
const INITIALISMS: [&str; 6] = ["id", "url", "ip", "api", "uid", "uuid"];

fn pascal_id(name: &str) -> String {
    let word = |word: &String| match INITIALISMS.contains(&word.as_str()) {
        true => word.to_uppercase(),
        false => capitalized(word),
    };
    words(name).iter().map(word).collect()
}

fn camel_id(name: &str) -> String {
    match words(name).first() {
        Some(first) => format!(
            "{first}{}",
            pascal_id(name).chars().skip(first.chars().count()).collect::<String>()
        ),
        None => String::new(),
    }
}

fn joined(name: &str) -> String {
    words(name).concat()
}

fn kebab(name: &str) -> String {
    words(name).join("-")
}

fn dotted(name: &str) -> String {
    words(name).join(".")
}

fn title(name: &str) -> String {
    words(name).iter().map(|word| capitalized(word)).collect::<Vec<_>>().join("_")
}

fn header(name: &str) -> String {
    title(name).replace('_', "-")
}

fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = letter.is_lowercase() || letter.is_ascii_digit();
        out.extend(letter.to_lowercase());
    }
    out
}

fn natural_collated(a: &str, b: &str) -> Ordering {
    let (digits_a, digits_b) = (leading_digits(a).0, leading_digits(b).0);
    match (digits_a.is_empty(), digits_b.is_empty()) {
        (false, false) => natural(digits_a, digits_b).then_with(|| collated(a, b)),
        _ => collated(a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(code: &str, names: &[&str]) -> String {
        let rule = ORDER_RULES.iter().find(|rule| rule.code == code).unwrap();
        let mut pairs: Vec<Pair<'_>> = names
            .iter()
            .map(|name| Pair { name: (*name).into(), text: (*name).into(), is_whole: false })
            .collect();
        (rule.apply)(&mut pairs);
        pairs.iter().map(|pair| &*pair.name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_order_is_its_own() {
        let names = ["b", "a_b", "ab", "10", "9", "Z", "aB", "a1"];
        assert_eq!(arranged("numeric-first", &names), "9 10 Z a1 aB a_b ab b");
        assert_eq!(arranged("numeric-first-received", &names), "9 10 b a_b ab Z aB a1");
        assert_eq!(arranged("locale-order", &names), "10 9 a_b a1 ab aB b Z");
        assert_eq!(arranged("case-insensitive-upper", &names), "10 9 a1 ab aB a_b b Z");
        assert_eq!(arranged("natural-order", &["a10", "a9", "a", "a09b"]), "a a9 a09b a10");
    }

    #[test]
    fn contradictory_comparisons_do_no_harm() {
        // 9 < 10 as numbers, 10 < 1a < 9 as texts: no order satisfies all three.
        for code in ["numeric-loose", "reverse-numeric", "sorted-values-numeric"] {
            let mut names: Vec<String> =
                (0..99).map(|n| format!("{}{}", n * 7 % 50, ["", "a"][n % 2])).collect();
            names.extend(["1e5".to_owned(), "inf".to_owned(), "nan".to_owned(), String::new()]);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            assert_eq!(arranged(code, &names).split(' ').count(), names.len());
        }
    }
}
