//! Which known name a misspelled one was meant to be.

use crate::untrusted::Untrusted;

/// The longest name that is compared, in characters: longer ones are no slip of a finger.
const LONGEST: usize = 64;

/// The known name that `text` resembles most, where one resembles it at all.
///
/// Case is no difference. About a third of the characters may differ.
#[must_use]
pub fn nearest<'n>(text: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if text.chars().count() > LONGEST {
        return None;
    }
    let wanted: Vec<char> = text.to_lowercase().chars().collect();
    known
        .into_iter()
        .filter_map(|name| {
            let letters: Vec<char> = name.to_lowercase().chars().collect();
            let allowed = (wanted.len().max(letters.len()).div_ceil(3)).clamp(1, 8);
            let distance = distance(&wanted, &letters);
            let begins = wanted.len() >= 3 && letters.starts_with(&wanted);
            (distance <= allowed || begins).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What an error says behind its text: `; did you mean NAME?`, or nothing where no name is near.
#[must_use]
pub fn did_you_mean<'n>(text: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(text, known).map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// What is said of a value that is none of the known ones.
#[must_use]
pub fn unknown<const N: usize>(text: &str, known: [&str; N]) -> String {
    match nearest(text, known) {
        Some(near) => format!("{:?} is unknown; did you mean {near:?}?", Untrusted::new(text)),
        None => format!("{:?} is unknown; expected {}", Untrusted::new(text), known.join(" or ")),
    }
}

fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (at, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_none() {
        let known = ["platform", "wechat-v2", "epay", "jeepay"];
        assert_eq!(nearest("platfrom", known), Some("platform"));
        assert_eq!(nearest("WECHAT", known), Some("wechat-v2"));
        assert_eq!(nearest("wechatv2", known), Some("wechat-v2"));
        assert_eq!(nearest("epai", known), Some("epay"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }

    #[test]
    fn an_error_ends_with_the_near_name_or_with_nothing() {
        assert_eq!(did_you_mean("evn", ["backoff", "even"]), "; did you mean even?");
        assert_eq!(did_you_mean("zzz", ["backoff", "even"]), "");
    }

    #[test]
    fn a_distance_counts_changed_added_and_missing_letters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "xyz", 3),
            ("abcd", "bcd", 1),
            ("abcd", "abd", 1),
            ("abcd", "abc", 1),
            ("abcdef", "ab", 4),
            ("abcdef", "ef", 4),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            let letters = |text: &str| text.chars().collect::<Vec<char>>();
            assert_eq!(distance(&letters(a), &letters(b)), expected, "{a} {b}");
            assert_eq!(distance(&letters(b), &letters(a)), expected, "{b} {a}");
        }
    }

    #[test]
    fn a_third_of_the_letters_may_differ_and_eight_at_most() {
        let longest = "abcdefghijklmnopqrstuvwxyz0123456789";
        for (text, known, is_near) in [
            ("a", "b", true),
            ("ab", "cd", false),
            ("abc", "abd", true),
            ("abc", "ade", false),
            ("abcd", "abef", true),
            ("abcd", "aefg", false),
            ("pl", "platform", false),
            ("pla", "platform", true),
            (&longest[8..], longest, true),
            (&longest[9..], longest, false),
        ] {
            assert_eq!(nearest(text, [known]), is_near.then_some(known), "{text} {known}");
        }
        // The first of several that are equally near, and the nearest of all.
        assert_eq!(nearest("abcd", ["abce", "abcf"]), Some("abce"));
        assert_eq!(nearest("abcd", ["abef", "abce"]), Some("abce"));
        // 64 characters are compared, and one more is not.
        let name = "é".repeat(64);
        assert_eq!(nearest(&name, [&*name]), Some(&*name));
        let name = "é".repeat(65);
        assert_eq!(nearest(&name, [&*name]), None);
    }
}
