//! No endless fields on a terminal.

use std::borrow::Cow;

/// Cuts the middle of a text that has more than `max_chars` characters.
///
/// The gap reads `…(N characters)…`, where N is how many were left out. The result never has more
/// than `max_chars` characters; where not even the gap fits, the start of the text and `…` remain.
pub fn abridge(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.len() <= max_chars {
        return Cow::Borrowed(text);
    }
    let total = text.chars().count();
    if total <= max_chars {
        return Cow::Borrowed(text);
    }
    // The number left out has no more digits than the total, so the gap fits in this room.
    let room_of_gap = gap(total).chars().count();
    if max_chars < room_of_gap {
        let mut cut: String = text.chars().take(max_chars.saturating_sub(1)).collect();
        cut.extend((max_chars > 0).then_some('…'));
        return Cow::Owned(cut);
    }
    let kept = max_chars - room_of_gap;
    let tail = kept / 2;
    let head = kept - tail;
    let head_end = text.char_indices().nth(head).map_or(text.len(), |(at, _)| at);
    let tail_start = match tail {
        0 => text.len(),
        count => text.char_indices().nth_back(count - 1).map_or(text.len(), |(at, _)| at),
    };
    Cow::Owned(format!("{}{}{}", &text[..head_end], gap(total - kept), &text[tail_start..]))
}

fn gap(left_out: usize) -> String {
    format!("…({left_out} characters)…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_loses_its_middle() {
        assert_eq!(abridge("short", 5), "short");
        assert_eq!(abridge("付款付款", 4), "付款付款");
        let long = format!("start{}end", "x".repeat(1_000_000));
        let cut = abridge(&long, 40).into_owned();
        assert_eq!(cut, "startxxxx…(999990 characters)…xxxxxxend");
    }

    #[test]
    fn the_result_is_never_longer_than_asked() {
        for length in [1, 20, 100, 1005] {
            let text = "é".repeat(length);
            for max in 0..120 {
                assert!(abridge(&text, max).chars().count() <= max, "{length} {max}");
            }
        }
        assert_eq!(abridge("abcdefgh", 3), "ab…");
        assert_eq!(abridge("abcdefgh", 0), "");
    }

    #[test]
    fn a_gap_that_just_fits_is_shown() {
        let text = "é".repeat(20);
        for (max, shown) in [
            (16, format!("{}…", "é".repeat(15))),
            (17, "…(20 characters)…".to_owned()),
            (18, "é…(19 characters)…".to_owned()),
            (19, "é…(18 characters)…é".to_owned()),
            (20, text.clone()),
        ] {
            assert_eq!(abridge(&text, max), shown, "{max}");
        }
    }
}
