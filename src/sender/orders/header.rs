//! The header of a table of orders: which fields its columns are.
//!
//! A table that is read wrongly gives payloads that are signed and sent, and mean nothing. So the
//! header decides, before the first row, whether the table is one of orders.

use protocol::internal::documented::{documented_fields, documented_type, required_fields};
use protocol::internal::nearest::nearest;
use protocol::{Dialect, Kind};

use super::error::OrderError;
use super::plan::OrderSettings;

/// What separates columns where it is not a comma: no field's name has one of them.
const SEPARATORS: [char; 3] = [';', '\t', '|'];

const MOST_SEARCHED: usize = 200;

const MOST_QUOTED: usize = 64;

const LIKENESS: usize = 5;

const SEPARATOR_HINT: &str = "save the table as CSV with commas between the columns";
const FIELDS_HINT: &str = "add the columns, or give the fields that are missing with --set \
                           NAME=VALUE, or leave them out with --unset NAME";
const NAMES_HINT: &str = "rename the columns: names count with their upper and lower case";
const UTF_8_HINT: &str = "save the table as \"CSV UTF-8\"";

pub(super) struct HeaderError {
    pub(super) problem: String,
    pub(super) hint: Option<&'static str>,
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

/// Which fields a table must have.
#[derive(Clone)]
pub(super) struct Expected {
    changed: Vec<String>,
    /// Whether every order must be a notification of the platform, whatever the columns are.
    is_notification: bool,
}

impl Expected {
    pub(super) fn new(settings: &OrderSettings, dialect: &Dialect) -> Self {
        let status = settings.mix.as_ref().map(|_| "status");
        let changed = settings.changes.iter().map(|change| change.name());
        Expected {
            changed: changed.chain(status).map(str::to_owned).collect(),
            is_notification: matches!(&*dialect.id, "platform" | "fork"),
        }
    }

    pub(super) fn names<'c>(
        &self,
        cells: impl IntoIterator<Item = &'c [u8]>,
    ) -> Result<Vec<String>, HeaderError> {
        let cells: Vec<&[u8]> = cells.into_iter().collect();
        if is_utf_16(&cells) {
            return Err(HeaderError::new("the file is UTF-16, expected UTF-8", UTF_8_HINT));
        }
        let texts: Result<Vec<&str>, _> = cells.into_iter().map(std::str::from_utf8).collect();
        let texts = texts
            .map_err(|_| HeaderError::new("the header is not UTF-8, expected UTF-8", UTF_8_HINT))?;
        let names: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).collect();
        self.check_separator(&texts)?;
        self.check_fields(&names)?;
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(format!("column {} of the header has no name", index + 1).into());
            }
            if names[..index].contains(name) {
                return Err(format!("the header has {name:?} twice").into());
            }
        }
        Ok(names)
    }

    fn check_separator(&self, texts: &[&str]) -> Result<(), HeaderError> {
        let first = texts.first().map_or("", |text| text.trim());
        let declared = first.get(..4).filter(|start| start.eq_ignore_ascii_case("sep="));
        let (found, names): (String, Vec<String>) = if declared.is_some() {
            let separator = if texts.len() > 1 { "," } else { &first[4..] };
            let line = format!("the line \"sep={}\"", separator.escape_debug());
            (format!("{line} is in the place of the header"), Vec::new())
        } else {
            let Some(separator) = separator_of(texts) else { return Ok(()) };
            let name =
                if separator == '\t' { "a tab".to_owned() } else { format!("\"{separator}\"") };
            let found = format!("the columns are separated by {name}, expected a comma");
            (found, texts.iter().map(|text| text.trim().to_owned()).collect())
        };
        let missing = self.missing(&names);
        let lacks = match missing.is_empty() {
            true => String::new(),
            false => format!("; read with commas it lacks {}", listed(&missing)),
        };
        let hint = match declared.is_some() {
            true => "remove that line, and separate the columns by commas",
            false => SEPARATOR_HINT,
        };
        Err(HeaderError::new(format!("{found}{lacks}"), hint))
    }

    fn check_fields(&self, names: &[String]) -> Result<(), HeaderError> {
        let missing = self.missing(names);
        let is_notification = self.is_notification || self.alike(names) >= LIKENESS;
        // `Error_Msg` would be a field that nobody reads.
        let respelled: Vec<String> = documented_fields(kind_of(names))
            .filter(|field| is_notification && !names.iter().any(|name| name == field))
            .filter_map(|field| {
                let near = names.iter().find(|name| plain(name) == plain(field))?;
                Some(format!("{near:?}, expected {field:?}"))
            })
            .collect();
        if !respelled.is_empty() {
            return Err(HeaderError::new(
                format!("the header has {}", respelled.join(", and ")),
                NAMES_HINT,
            ));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let others = || {
            let known = |name: &&String| documented_fields(kind_of(names)).any(|one| one == *name);
            let others = names.iter().filter(move |name| name.len() <= MOST_QUOTED && !known(name));
            others.map(String::as_str)
        };
        let missing: Vec<String> = missing
            .into_iter()
            .map(|field| match nearest(field, others()) {
                Some(near) => format!("{field} (is {near:?} meant to be it?)"),
                None => field.to_owned(),
            })
            .collect();
        Err(HeaderError::new(format!("the header lacks {}", listed(&missing)), FIELDS_HINT))
    }

    fn missing(&self, names: &[String]) -> Vec<&'static str> {
        if !self.is_notification && self.alike(names) < LIKENESS {
            return Vec::new();
        }
        let is_there = |field: &&str| names.iter().chain(&self.changed).any(|name| name == field);
        required_fields(kind_of(names)).filter(|field| !is_there(field)).collect()
    }

    fn alike(&self, names: &[String]) -> usize {
        let known = |name: &&String| {
            documented_fields(kind_of(names)).any(|field| plain(field) == plain(name))
        };
        names.iter().filter(known).count()
    }
}

fn separator_of(texts: &[&str]) -> Option<char> {
    let holds = |c: char| texts.iter().map(|text| text.matches(c).count()).sum::<usize>();
    let most = SEPARATORS.into_iter().max_by_key(|c| holds(*c)).filter(|c| holds(*c) > 0);
    // Any other that separates the names of fields.
    most.or_else(|| {
        let start: String = texts.first()?.chars().take(MOST_SEARCHED).collect();
        let separates = |c: &char| {
            let known = |piece: &&str| documented_type(&piece.trim().to_lowercase()).is_some();
            !c.is_alphanumeric() && *c != '_' && start.split(*c).filter(known).count() > 1
        };
        start.chars().find(separates)
    })
}

fn kind_of(names: &[String]) -> Kind {
    let has =
        |ids: [&str; 2]| names.iter().any(|name| ids.iter().any(|id| plain(id) == plain(name)));
    match has(["payment_id", "payment_cl_id"]) && !has(["payout_id", "payout_cl_id"]) {
        true => Kind::Deposit,
        false => Kind::Payout,
    }
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

/// UTF-16 begins with a mark, or has a zero beside each letter.
fn is_utf_16(cells: &[&[u8]]) -> bool {
    let is_marked =
        |cell: &&[u8]| cell.starts_with(&[0xff, 0xfe]) || cell.starts_with(&[0xfe, 0xff]);
    cells.first().is_some_and(is_marked) || cells.iter().any(|cell| cell.contains(&0))
}
