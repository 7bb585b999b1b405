//! The header of a table of orders: what separates its columns, and which fields they are.
//!
//! A table that is read wrongly gives payloads that are signed and sent, and mean nothing. So the
//! header decides, before the first row, whether the table is one of orders.

use protocol::internal::documented::{
    FieldType, documented_fields, documented_type, required_fields,
};
use protocol::internal::nearest::nearest;
use protocol::{Dialect, Kind};

use super::error::OrderError;
use super::plan::OrderSettings;

const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

const MAX_SEARCHED: usize = 200;

const MAX_QUOTED: usize = 64;

/// From how many of the platform's columns on a table of another dialect must have all of them.
const LIKENESS: usize = 5;

const SEPARATOR_HINT: &str = "save the table as CSV with commas between the columns";
const AMBIGUOUS_HINT: &str = "name the separator in a line before the header, such as sep=;";
const FIELDS_HINT: &str = "add the columns, or give the fields that are missing with --set \
                           NAME=VALUE, or leave them out with --unset NAME";
const NAMES_HINT: &str = "rename the columns: names count with their upper and lower case";
const UTF_8_HINT: &str = "save the table as \"CSV UTF-8\"";

pub(super) struct HeaderError {
    problem: String,
    hint: Option<&'static str>,
}

impl HeaderError {
    fn new(problem: impl Into<String>, hint: &'static str) -> Self {
        HeaderError { problem: problem.into(), hint: Some(hint) }
    }

    pub(super) fn at(self, line: u64) -> OrderError {
        OrderError::Header { line, problem: self.problem, hint: self.hint }
    }
}

impl From<String> for HeaderError {
    fn from(problem: String) -> Self {
        HeaderError { problem, hint: None }
    }
}

pub(super) struct Header {
    pub(super) separator: u8,
    pub(super) columns: Vec<Column>,
}

pub(super) struct Column {
    pub(super) name: String,
    pub(super) cells: CellType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellType {
    Text,
    /// A JSON number as written; what is not one is a string.
    Number,
    /// As `Number`, but what is not one is refused.
    StrictNumber,
    Json,
}

/// Which fields a table must have.
pub(super) struct Expected {
    changed: Vec<String>,
    /// Whether every order must be a notification of the platform, whatever the columns are.
    is_notification: bool,
    /// Whether its integers must be numbers: in the fork, times are texts.
    is_strict: bool,
}

impl Expected {
    pub(super) fn new(settings: &OrderSettings, dialect: &Dialect) -> Self {
        let status = settings.mix.as_ref().map(|_| "status");
        let changed = settings.changes.iter().map(|change| change.name());
        Expected {
            changed: changed.chain(status).map(str::to_owned).collect(),
            is_notification: matches!(&*dialect.id, "platform" | "fork"),
            is_strict: dialect.id == "platform",
        }
    }

    /// Reads a header; `split` gives the cells of a record by a separator, `declared` is the one
    /// that a line before it names.
    pub(super) fn read(
        &self,
        record: &[u8],
        declared: Option<u8>,
        split: impl Fn(&str, u8) -> Vec<String>,
    ) -> Result<Header, HeaderError> {
        // UTF-16 begins with a mark, or has a zero beside each letter.
        let is_marked = record.starts_with(&[0xff, 0xfe]) || record.starts_with(&[0xfe, 0xff]);
        if is_marked || record.contains(&0) {
            return Err(HeaderError::new("the file is UTF-16, expected UTF-8", UTF_8_HINT));
        }
        let text = std::str::from_utf8(record)
            .map_err(|_| HeaderError::new("the header is not UTF-8, expected UTF-8", UTF_8_HINT))?;
        let split = |separator| columns(split(text, separator));
        let separator = match declared {
            Some(declared) => declared,
            None => self.separator(split)?,
        };
        let columns = split(separator);
        self.check(text, separator, &columns.iter().map(|it| &*it.name).collect::<Vec<_>>())?;
        let columns = columns.into_iter().map(|column| match column.cells {
            // What is not used may be anything.
            CellType::Number if self.is_strict && !self.changed.contains(&column.name) => {
                Column { cells: CellType::StrictNumber, ..column }
            }
            _ => column,
        });
        Ok(Header { separator, columns: columns.collect() })
    }

    /// The separator that gives columns; where several do, the one that gives the fields.
    fn separator(&self, split: impl Fn(u8) -> Vec<Column>) -> Result<u8, HeaderError> {
        let fits = |separator: &u8| {
            let columns = split(*separator);
            self.missing(&columns.iter().map(|it| &*it.name).collect::<Vec<_>>()).is_empty()
        };
        let found: Vec<u8> = SEPARATORS.into_iter().filter(|it| split(*it).len() > 1).collect();
        let fitting: Vec<u8> = found.iter().copied().filter(fits).collect();
        match (&found[..], &fitting[..]) {
            ([], _) => Ok(b','),
            ([only], _) | (_, [only]) => Ok(*only),
            _ => {
                let names: Vec<String> = found.iter().map(|it| named(char::from(*it))).collect();
                let problem = format!("{} may separate the columns", names.join(" and "));
                Err(HeaderError::new(problem, AMBIGUOUS_HINT))
            }
        }
    }

    fn check(&self, text: &str, separator: u8, names: &[&str]) -> Result<(), HeaderError> {
        let missing = self.missing(names);
        if let ([_], Some(other)) = (names, other_separator(text, separator)) {
            let expected = match separator {
                b',' => "a comma, a semicolon or a tab".to_owned(),
                declared => named(char::from(declared)),
            };
            let mut problem = format!("the columns are separated by {other}, expected {expected}");
            if !missing.is_empty() {
                problem += &format!("; read so it lacks {}", listed(&missing));
            }
            return Err(HeaderError::new(problem, SEPARATOR_HINT));
        }
        self.check_fields(names, missing)?;
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(format!("column {} of the header has no name", index + 1).into());
            }
            if names[..index].contains(name) {
                return Err(format!("the header has {name:?} twice").into());
            }
        }
        Ok(())
    }

    fn check_fields(&self, names: &[&str], missing: Vec<&str>) -> Result<(), HeaderError> {
        let is_notification = self.is_notification || alike(names) >= LIKENESS;
        // `Error_Msg` would be a field that nobody reads.
        let respelled: Vec<String> = documented_fields(kind_of(names))
            .filter(|field| is_notification && !names.contains(field))
            .filter_map(|field| {
                let near = names.iter().find(|name| plain(name) == plain(field))?;
                Some(format!("{near:?}, expected {field:?}"))
            })
            .collect();
        if !respelled.is_empty() {
            let problem = format!("the header has {}", respelled.join(", and "));
            return Err(HeaderError::new(problem, NAMES_HINT));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let others = || {
            let is_known = |name: &str| documented_fields(kind_of(names)).any(|it| it == name);
            let short = names.iter().copied().filter(|name| name.len() <= MAX_QUOTED);
            short.filter(move |name| !is_known(name))
        };
        let missing = missing.into_iter().map(|field| match nearest(field, others()) {
            Some(near) => format!("{field} (is {near:?} meant to be it?)"),
            None => field.to_owned(),
        });
        let problem = format!("the header lacks {}", listed(&missing.collect::<Vec<_>>()));
        Err(HeaderError::new(problem, FIELDS_HINT))
    }

    fn missing(&self, names: &[&str]) -> Vec<&'static str> {
        if !self.is_notification && alike(names) < LIKENESS {
            return Vec::new();
        }
        let is_there =
            |field: &str| names.contains(&field) || self.changed.iter().any(|it| it == field);
        required_fields(kind_of(names)).filter(|field| !is_there(field)).collect()
    }
}

/// The separator of a line such as `sep=;`, which some programs write before the header; `None`
/// of any other line.
pub(super) fn declared_separator(line: &[u8]) -> Option<Result<u8, HeaderError>> {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (start, given) = line.split_at_checked(4)?;
    if !start.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let given = given.strip_suffix(b"\n").unwrap_or(given);
    let given = given.strip_suffix(b"\r").unwrap_or(given);
    let given = given.strip_suffix(b"\"").unwrap_or(given);
    Some(match given {
        [separator @ (b',' | b';' | b'\t' | b'|')] => Ok(*separator),
        _ => {
            let given = String::from_utf8_lossy(given);
            let given: String = given.chars().take(MAX_QUOTED).collect();
            let expected = "expected a comma, a semicolon, a tab or \"|\"";
            Err(format!("the line \"sep={}\": {expected}", given.escape_debug()).into())
        }
    })
}

fn columns(names: Vec<String>) -> Vec<Column> {
    let column = |text: String| {
        let text = text.trim();
        match text.rsplit_once(':').filter(|(_, end)| end.eq_ignore_ascii_case("json")) {
            Some((name, _)) => Column { name: name.trim().to_owned(), cells: CellType::Json },
            None => {
                let cells = match documented_type(text) {
                    Some(FieldType::Integer) => CellType::Number,
                    Some(FieldType::String) | None => CellType::Text,
                };
                Column { name: text.to_owned(), cells }
            }
        }
    };
    names.into_iter().map(column).collect()
}

/// Another character than the separator that parts the names of fields.
fn other_separator(text: &str, separator: u8) -> Option<String> {
    let start: String = text.chars().take(MAX_SEARCHED).collect();
    let separates = |c: &char| {
        let known = |piece: &&str| documented_type(&piece.trim().to_lowercase()).is_some();
        !c.is_alphanumeric()
            && !['_', '"', char::from(separator)].contains(c)
            && start.split([*c, '"']).filter(known).count() > 1
    };
    let found = start.chars().find(|c| *c == '|' && separator != b'|');
    start.chars().find(separates).or(found).map(named)
}

fn named(separator: char) -> String {
    if separator == '\t' { "a tab".to_owned() } else { format!("\"{separator}\"") }
}

fn alike(names: &[&str]) -> usize {
    let is_known =
        |name: &&&str| documented_fields(kind_of(names)).any(|field| plain(field) == plain(name));
    names.iter().filter(is_known).count()
}

fn kind_of(names: &[&str]) -> Kind {
    let has =
        |ids: [&str; 2]| names.iter().any(|name| ids.iter().any(|id| plain(id) == plain(name)));
    let is_deposit = has(["payment_id", "payment_cl_id"]) && !has(["payout_id", "payout_cl_id"]);
    if is_deposit { Kind::Deposit } else { Kind::Payout }
}

/// A name without what its spellings differ in.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn listed(fields: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
    let fields = if names.len() == 1 { "field" } else { "fields" };
    format!("the required {fields} {}", names.join(", "))
}
