//! The header of a table of orders: what separates its columns, and which fields they are.
//!
//! A table that is read wrongly gives payloads that are signed and sent, and mean nothing. So the
//! header decides, before the first row, whether the table is one of orders.

use protocol::internal::documented::{
    FieldType, documented_fields, documented_type, required_fields,
};
use protocol::internal::nearest::nearest;
use protocol::{Dialect, Kind};

use super::plan::OrderSettings;
use crate::mask::Untrusted;

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

/// What is wrong with a header, and what to do about it.
type HeaderError = (String, Option<&'static str>);

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

    /// The separator that gives columns; where several do, the one that gives the fields. `split`
    /// gives the names of the columns.
    pub(super) fn separator(&self, split: impl Fn(u8) -> Vec<String>) -> Result<u8, HeaderError> {
        let columns = |separator: u8| -> Vec<Column> {
            split(separator).iter().map(|name| Column::new(name)).collect()
        };
        let fits = |separator: &u8| self.missing(&names(&columns(*separator))).is_empty();
        let found: Vec<u8> = SEPARATORS.into_iter().filter(|it| split(*it).len() > 1).collect();
        let fitting: Vec<u8> = found.iter().copied().filter(fits).collect();
        match (&found[..], &fitting[..]) {
            ([], _) => Ok(b','),
            ([only], _) | (_, [only]) => Ok(*only),
            _ => {
                let names: Vec<String> = found.iter().map(|it| named(char::from(*it))).collect();
                let problem = format!("{} may separate the columns", names.join(" and "));
                Err((problem, Some(AMBIGUOUS_HINT)))
            }
        }
    }

    pub(super) fn columns<'c>(
        &self,
        separator: u8,
        cells: impl Iterator<Item = &'c [u8]> + Clone,
    ) -> Result<Vec<Column>, HeaderError> {
        let encoding = |problem: &str| Err((problem.to_owned(), Some(UTF_8_HINT)));
        // UTF-16 begins with a mark, or has a zero beside each letter.
        let is_mark =
            |cell: &[u8]| cell.starts_with(&[0xff, 0xfe]) || cell.starts_with(&[0xfe, 0xff]);
        if cells.clone().next().is_some_and(is_mark) || cells.clone().any(|it| it.contains(&0)) {
            return encoding("the file is UTF-16, expected UTF-8");
        }
        let cells: Result<Vec<&str>, _> = cells.map(std::str::from_utf8).collect();
        let Ok(cells) = cells else {
            return encoding("the header is not UTF-8, expected UTF-8");
        };
        let mut columns: Vec<Column> = cells.iter().map(|name| Column::new(name)).collect();
        let names = names(&columns);
        let missing = self.missing(&names);
        if let [only] = cells[..] {
            check_separator(only, separator, &missing)?;
        }
        self.check_names(&names, &missing)?;
        for column in columns.iter_mut().filter(|column| column.cells == CellType::Number) {
            // What is not used may be anything.
            if self.is_strict && !self.changed.contains(&column.name) {
                column.cells = CellType::StrictNumber;
            }
        }
        Ok(columns)
    }

    fn check_names(&self, names: &[&str], missing: &[&str]) -> Result<(), HeaderError> {
        let fields = || documented_fields(kind_of(names));
        let is_notification = self.is_notification || alike(names) >= LIKENESS;
        // `Error_Msg` would be a field that nobody reads.
        let respelled = fields().filter(|field| is_notification && !names.contains(field));
        let respelled = respelled.filter_map(|field| {
            let near = names.iter().find(|name| plain(name) == plain(field))?;
            Some(format!("{:?}, expected {field:?}", Untrusted::new(&near)))
        });
        let respelled: Vec<String> = respelled.collect();
        if !respelled.is_empty() {
            let problem = format!("the header has {}", respelled.join(", and "));
            return Err((problem, Some(NAMES_HINT)));
        }
        if !missing.is_empty() {
            let is_other =
                |name: &&str| name.len() <= MAX_QUOTED && !fields().any(|it| it == *name);
            let others = || names.iter().copied().filter(is_other);
            let missing = missing.iter().map(|field| match nearest(field, others()) {
                Some(near) => format!("{field} (is {:?} meant to be it?)", Untrusted::new(&near)),
                None => (*field).to_owned(),
            });
            let problem = format!("the header lacks {}", listed(&missing.collect::<Vec<_>>()));
            return Err((problem, Some(FIELDS_HINT)));
        }
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err((format!("column {} of the header has no name", index + 1), None));
            }
            if names[..index].contains(name) {
                return Err((format!("the header has {:?} twice", Untrusted::new(&name)), None));
            }
        }
        Ok(())
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

impl Column {
    fn new(text: &str) -> Self {
        let name = text.trim();
        let with = |name: &str, cells| Column { name: name.to_owned(), cells };
        match name.rsplit_once(':') {
            Some((name, end)) if end.eq_ignore_ascii_case("json") => {
                with(name.trim_end(), CellType::Json)
            }
            _ if documented_type(name) == Some(FieldType::Integer) => with(name, CellType::Number),
            _ => with(name, CellType::Text),
        }
    }
}

fn names(columns: &[Column]) -> Vec<&str> {
    columns.iter().map(|column| &*column.name).collect()
}

/// Refuses a single column in which another character parts the names of fields.
fn check_separator(text: &str, separator: u8, missing: &[&str]) -> Result<(), HeaderError> {
    let start: String = text.chars().take(MAX_SEARCHED).collect();
    let separates = |c: &char| {
        let known = |piece: &&str| documented_type(&piece.trim().to_lowercase()).is_some();
        let is_mark = !c.is_alphanumeric() && !['_', '"'].contains(c);
        is_mark && start.split([*c, '"']).filter(known).count() > 1
    };
    let found = start.chars().find(separates).or(start.contains('|').then_some('|'));
    let Some(found) = found else { return Ok(()) };
    let expected = match separator {
        b',' => "a comma, a semicolon or a tab".to_owned(),
        declared => named(char::from(declared)),
    };
    let mut problem = format!("the columns are separated by {}, expected {expected}", named(found));
    if !missing.is_empty() {
        problem += &format!("; read so it lacks {}", listed(missing));
    }
    Err((problem, Some(SEPARATOR_HINT)))
}

/// The separator of a line such as `sep=;`, which some programs write before the header.
pub(super) fn declared_separator(line: &[u8]) -> Option<Result<u8, HeaderError>> {
    let line = String::from_utf8_lossy(line);
    let (start, given) = line.trim_matches(['"', ' ', '\r', '\n']).split_at_checked(4)?;
    if !start.eq_ignore_ascii_case("sep=") {
        return None;
    }
    Some(match given.as_bytes() {
        [separator @ (b',' | b';' | b'\t' | b'|')] => Ok(*separator),
        _ => {
            let given: String = given.chars().take(MAX_QUOTED).collect();
            let expected = "expected a comma, a semicolon, a tab or \"|\"";
            Err((
                format!("the line \"sep={}\": {expected}", Untrusted::new(given.escape_debug())),
                None,
            ))
        }
    })
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
