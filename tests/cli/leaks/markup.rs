//! Whether a page or an XML file is well-formed: each element is closed in its place, and no text
//! has a bare `<` or `&`.

const VOID: [&str; 8] = ["br", "col", "hr", "img", "input", "link", "meta", "wbr"];

pub(super) fn check(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(start) = rest.find('<') {
        check_entities(&rest[..start])?;
        let tag = &rest[start + 1..];
        if tag.starts_with(['!', '?']) {
            rest = &tag[tag.find('>').ok_or("an open declaration")? + 1..];
            continue;
        }
        let end = end_of_tag(tag)?;
        rest = &tag[end + 1..];
        let tag = &tag[..end];
        if let Some(name) = tag.strip_prefix('/') {
            match open.pop() {
                Some(last) if last == name.trim() => continue,
                last => return Err(format!("{name:?} closes {last:?}")),
            }
        }
        let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(format!("a bare <: {tag:?}"));
        }
        if tag.ends_with('/') || VOID.contains(&name) {
            continue;
        }
        if ["script", "style"].contains(&name) {
            let end = rest.find(&format!("</{name}>")).ok_or("an open script")?;
            rest = &rest[end..];
        }
        open.push(name);
    }
    check_entities(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("not closed: {open:?}")) }
}

fn end_of_tag(tag: &str) -> Result<usize, String> {
    let mut quote = None;
    for (at, character) in tag.char_indices() {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), same) if open == same => quote = None,
            (None, '>') => return Ok(at),
            (None, '<') => return Err(format!("a < within a tag: {:?}", &tag[..at])),
            _ => {}
        }
    }
    Err(format!("an open tag: {:?}", tag.get(..80)))
}

fn check_entities(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('&') {
        let end = text[at..].bytes().take(12).position(|byte| byte == b';');
        let name = end.map_or("", |end| &text[at + 1..at + end]);
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '#';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(format!("a bare &: {:?}", text[at..].chars().take(30).collect::<String>()));
        }
    }
    Ok(())
}
