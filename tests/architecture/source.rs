//! A small reader of Rust source: its words, its paths, the lengths of its functions.

use std::collections::BTreeMap;

/// The modules from the crate's root down to this file.
pub(crate) fn module_of(file: &str) -> Vec<String> {
    let mut module: Vec<String> =
        file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let ends_at_parent = module.last().is_some_and(|last| last == "mod")
        || matches!(module.as_slice(), [root] if root == "lib" || root == "main");
    if ends_at_parent {
        module.pop();
    }
    module
}

/// A word or a sign, and its line, counted from 1.
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A path as written, and the name by which the file may use it.
struct Named {
    path: Vec<String>,
    alias: Option<String>,
    line: usize,
}

/// The words of one file, without comments, texts and test code.
pub(crate) struct Code {
    pub(crate) words: Vec<Word>,
    test_modules: Vec<String>,
}

impl Code {
    pub(crate) fn parse(text: &str) -> Self {
        let mut code = Code { words: lex(text), test_modules: Vec::new() };
        let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
        let mut from = 0;
        while from + marker.len() <= code.words.len() {
            if (0..marker.len()).any(|step| code.text(from + step) != marker[step]) {
                from += 1;
                continue;
            }
            let end = code.end_of_item(from + marker.len());
            let item: Vec<Word> = code.words.drain(from..end).collect();
            if let [.., keyword, name, semicolon] = item.as_slice()
                && keyword.text == "mod"
                && semicolon.text == ";"
            {
                code.test_modules.push(name.text.clone());
            }
        }
        code
    }

    pub(crate) fn text(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| &word.text)
    }

    /// Where the item that starts at `from` ends: behind its `;`, or behind its block.
    fn end_of_item(&self, from: usize) -> usize {
        let mut depth = 0_usize;
        for at in from..self.words.len() {
            match self.text(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" if depth == 0 => return at,
                ")" | "]" => depth -= 1,
                "}" => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                ";" if depth == 0 => return at + 1,
                _ => {}
            }
        }
        self.words.len()
    }

    /// The files of the modules that only tests build.
    pub(crate) fn test_modules_of(&self, file: &str) -> Vec<String> {
        let module = module_of(file);
        let below =
            |name: &String| module.iter().chain([name]).cloned().collect::<Vec<_>>().join("/");
        let stems = self.test_modules.iter().map(below);
        stems.flat_map(|stem| [format!("{stem}.rs"), format!("{stem}/mod.rs")]).collect()
    }

    /// Each function's name, line, and number of lines from `fn` to its closing brace.
    pub(crate) fn functions(&self) -> Vec<(String, usize, usize)> {
        let starts =
            (0..self.words.len()).filter(|&at| self.text(at) == "fn" && is_name(self.text(at + 1)));
        starts
            .filter_map(|at| {
                let last = self.words.get(self.end_of_item(at).checked_sub(1)?)?;
                let first = self.words[at].line;
                Some((self.text(at + 1).to_owned(), first, last.line + 1 - first))
            })
            .collect()
    }

    /// Every path of the file from its root on, with imported names and `super` resolved.
    pub(crate) fn paths(&self, module: &[String]) -> Vec<(Vec<String>, usize)> {
        let mut named = Vec::new();
        let mut imports = BTreeMap::new();
        let mut at = 0;
        while at < self.words.len() {
            let is_extern = self.text(at) == "crate" && at > 0 && self.text(at - 1) == "extern";
            // After a dot stands a method, whatever its name.
            let is_path = is_name(self.text(at)) && !(at > 0 && self.text(at - 1) == ".");
            if self.text(at) == "use" || is_extern {
                let first = named.len();
                at = self.tree(at + 1, &[], &mut named);
                imports.extend(named[first..].iter().filter_map(Named::import));
            } else if is_path && self.text(at + 1) == "::" {
                at = self.tree(at, &[], &mut named);
            } else {
                at += 1;
            }
        }
        named.iter().map(|one| (resolve(&one.path, module, &imports), one.line)).collect()
    }

    /// Reads one path, or a tree of them in braces, and returns the place behind it.
    fn tree(&self, mut at: usize, prefix: &[String], named: &mut Vec<Named>) -> usize {
        let mut path = prefix.to_vec();
        let line = self.words.get(at).map_or(0, |word| word.line);
        loop {
            let text = self.text(at);
            if text == "{" {
                at += 1;
                while !matches!(self.text(at), "}" | "") {
                    // A comma, or a sign that belongs to no tree, is stepped over.
                    at = self.tree(at, &path, named).max(at + 1);
                }
                return at + 1;
            }
            if is_name(text) || text == "*" {
                path.push(text.to_owned());
                at += 1;
            }
            if self.text(at) != "::" {
                break;
            }
            at += 1;
        }
        let mut alias = None;
        if self.text(at) == "as" {
            alias = Some(self.text(at + 1).to_owned());
            at += 2;
        }
        if path.len() > prefix.len() {
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            named.push(Named { path, alias, line });
        }
        at
    }
}

impl Named {
    fn import(&self) -> Option<(String, Vec<String>)> {
        let name = self.alias.as_ref().or(self.path.last())?;
        Some((name.clone(), self.path.clone()))
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_') && text != "as"
}

/// The path from its root on: `crate::…`, or the name of a library.
fn resolve(
    path: &[String],
    module: &[String],
    imports: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let mut path = path.to_vec();
    // An import may go through another import; a few rounds are enough for any honest file.
    for _ in 0..4 {
        if let Some(full) = path.first().and_then(|first| imports.get(first)) {
            path.splice(0..1, full.iter().cloned());
        }
    }
    let root = |kept: &[String]| -> Vec<String> {
        ["crate".to_owned()].into_iter().chain(kept.iter().cloned()).collect()
    };
    let (replaced, start) = match path.first().map(String::as_str) {
        Some("payout_notify") => (1, root(&[])),
        Some("self") => (1, root(module)),
        Some("super") => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            (ups, root(&module[..module.len().saturating_sub(ups)]))
        }
        _ => return path,
    };
    path.splice(0..replaced, start);
    path
}

/// Splits a source into words and signs; `::` is one sign. Comments and texts are left out.
fn lex(text: &str) -> Vec<Word> {
    let characters: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < characters.len() {
        let rest = &characters[at..];
        let skipped = length_of_comment(rest).or_else(|| length_of_literal(rest));
        let length = if let Some(skipped) = skipped {
            skipped
        } else if rest.starts_with(&[':', ':']) {
            words.push(Word { text: "::".to_owned(), line });
            2
        } else if is_word(rest[0]) {
            let word: String = rest.iter().take_while(|one| is_word(**one)).collect();
            let length = word.chars().count();
            words.push(Word { text: word, line });
            length
        } else {
            if !rest[0].is_whitespace() {
                words.push(Word { text: rest[0].to_string(), line });
            }
            1
        };
        line += rest.iter().take(length).filter(|one| **one == '\n').count();
        at += length;
    }
    words
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn length_of_comment(rest: &[char]) -> Option<usize> {
    if rest.starts_with(&['/', '/']) {
        return Some(rest.iter().take_while(|one| **one != '\n').count());
    }
    if !rest.starts_with(&['/', '*']) {
        return None;
    }
    let (mut at, mut depth) = (2, 1);
    while at < rest.len() && depth > 0 {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    Some(at)
}

/// The length of a text, a character or a lifetime; `None` where none starts.
fn length_of_literal(rest: &[char]) -> Option<usize> {
    let prefix = rest.iter().take_while(|one| matches!(one, 'b' | 'c' | 'r')).count().min(2);
    let hashes = rest[prefix..].iter().take_while(|one| **one == '#').count();
    let is_raw = rest[..prefix].contains(&'r');
    let open = prefix + hashes;
    match rest.get(open)? {
        '"' if is_raw => {
            let closing: Vec<char> = ['"'].into_iter().chain(vec!['#'; hashes]).collect();
            let body = &rest[open + 1..];
            let end = body.windows(closing.len()).position(|part| part == closing);
            Some(end.map_or(rest.len(), |end| open + 1 + end + closing.len()))
        }
        '"' if hashes == 0 => Some(end_of_quoted(rest, open)),
        '\'' if hashes == 0 => {
            let is_character =
                rest.get(open + 1) == Some(&'\\') || rest.get(open + 2) == Some(&'\'');
            let name = rest[open + 1..].iter().take_while(|one| is_word(**one)).count();
            Some(if is_character { end_of_quoted(rest, open) } else { open + 1 + name })
        }
        _ => None,
    }
}

/// Behind the quote that closes the one at `open`; a backslash hides the next character.
fn end_of_quoted(rest: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while at < rest.len() && rest[at] != rest[open] {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}
