//! Lines that are wider than the terminal, broken between words, with a hanging indent.

use crate::report::line::{Role, Width};

/// The widest hanging indent, so that room is left for the text.
const MAX_INDENT: usize = 32;

/// The least room that a text gets; a narrower terminal breaks the words itself.
const MIN_ROOM: usize = 24;

/// From this indent on a text is below a heading already, and continues in its own column.
const MIN_STEP: usize = 4;

/// A piece of a line that is not broken: a word and the space before it.
struct Word<'t> {
    role: Role,
    space: &'t str,
    text: &'t str,
}

/// Breaks a line at spaces, and after `&` and `,` where a word alone is wider than the room, as a
/// canonical string is. What has none of them stays whole.
pub(super) fn wrap(spans: &[(Role, &str)], width: Width) -> Vec<Vec<(Role, String)>> {
    let whole = || vec![spans.iter().map(|(role, text)| (*role, (*text).to_owned())).collect()];
    let Width::Columns(columns) = width else { return whole() };
    let total: usize = spans.iter().map(|(_, text)| columns_of(text)).sum();
    let indent = indent_of(spans).min(columns / 2);
    if total <= columns || columns < indent + MIN_ROOM {
        return whole();
    }
    let mut lines = vec![Vec::new()];
    let mut used = 0;
    for word in spans.iter().flat_map(|(role, text)| words(*role, text)) {
        let (space, text) = (columns_of(word.space), columns_of(word.text));
        let pieces = if text > columns - indent { pieces(word.text) } else { vec![word.text] };
        for (at, piece) in pieces.into_iter().enumerate() {
            let (gap, room) = (if at == 0 { space } else { 0 }, columns_of(piece));
            let may_break = at > 0 || space > 0;
            if may_break && used + gap + room > columns && used > indent {
                lines.push(vec![(Role::Plain, " ".repeat(indent))]);
                used = indent + room;
                push(&mut lines, word.role, piece);
                continue;
            }
            if at == 0 {
                push(&mut lines, word.role, word.space);
            }
            push(&mut lines, word.role, piece);
            used += gap + room;
        }
    }
    lines
}

fn push(lines: &mut [Vec<(Role, String)>], role: Role, text: &str) {
    let Some(line) = lines.last_mut().filter(|_| !text.is_empty()) else { return };
    match line.last_mut() {
        Some((last, shown)) if *last == role => shown.push_str(text),
        _ => line.push((role, text.to_owned())),
    }
}

fn columns_of(text: &str) -> usize {
    console::measure_text_width(text)
}

/// Where the text begins behind its label: after the last gap of two spaces near the beginning, or
/// behind the colon of `error:` and the like.
fn indent_of(spans: &[(Role, &str)]) -> usize {
    let line: String = spans.iter().map(|(_, text)| *text).collect();
    let leading = line.len() - line.trim_start_matches(' ').len();
    let mut indent = if leading < MIN_STEP { leading + 2 } else { leading };
    for (at, _) in line.match_indices("  ") {
        let end = at + line[at..].len() - line[at..].trim_start_matches(' ').len();
        let column = columns_of(&line[..end]);
        if at >= leading && end < line.len() && column <= MAX_INDENT {
            indent = indent.max(column);
        }
    }
    indent
}

fn words(role: Role, text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.len() - rest.trim_start_matches(' ').len();
        let (space, after) = rest.split_at(start);
        let (text, after) = after.split_at(after.find(' ').unwrap_or(after.len()));
        words.push(Word { role, space, text });
        rest = after;
    }
    words
}

fn pieces(word: &str) -> Vec<&str> {
    word.split_inclusive(['&', ',']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, columns: usize) -> Vec<String> {
        let lines = wrap(&[(Role::Plain, text)], Width::Columns(columns));
        lines.into_iter().map(|line| line.into_iter().map(|(_, text)| text).collect()).collect()
    }

    #[test]
    fn what_fits_and_what_goes_to_no_terminal_stays() {
        assert_eq!(wrapped("a line of forty characters or a few less", 40).len(), 1);
        let long = "word ".repeat(100);
        assert_eq!(wrap(&[(Role::Bad, &long)], Width::Endless), [[(Role::Bad, long.clone())]]);
    }

    #[test]
    fn text_continues_below_where_it_began() {
        assert_eq!(
            wrapped("  fix        write the digest in lower case, all of it, please", 48),
            ["  fix        write the digest in lower case, all", "             of it, please"]
        );
        assert_eq!(
            wrapped("warning: a number where the platform documents a string", 40),
            ["warning: a number where the platform", "  documents a string"]
        );
    }

    #[test]
    fn canonical_string_is_broken_between_its_fields() {
        let line = "  canonical  amount=400000&create_time=1567614049&fee=3200&[key]";
        assert_eq!(
            wrapped(line, 44),
            [
                "  canonical  amount=400000&",
                "             create_time=1567614049&",
                "             fee=3200&[key]"
            ]
        );
    }

    #[test]
    fn no_word_is_lost_or_broken_at_any_width() {
        let spans = [
            (Role::Good, "yes  "),
            (Role::Plain, "the quick brown fox "),
            (Role::Dim, "中文 字符 jumps over"),
        ];
        let words: Vec<&str> = spans.iter().flat_map(|(_, text)| text.split_whitespace()).collect();
        for columns in 1..80 {
            let lines = wrap(&spans, Width::Columns(columns));
            let text: Vec<String> =
                lines.iter().map(|line| line.iter().map(|(_, text)| &**text).collect()).collect();
            let found: Vec<&str> = text.iter().flat_map(|line| line.split_whitespace()).collect();
            assert_eq!(found, words, "{columns}");
        }
    }
}
