//! How a message is made: from an example order, change by change, signed rightly or wrongly.
//!
//! A recipe is a list of short lines such as `success`, `set amount 100`, `sign`. The first one
//! begins a message, the others change it in order:
//!
//! | line | what it does |
//! |---|---|
//! | `success`, `cancelled`, `failed`, `processing` | a new order with that status |
//! | `same-order STATUS`, `same-order STATUS N` | the order of the message before, or of message N, in a notification of its own |
//! | `again`, `again N` | the bytes of the message before, or of message N |
//! | `opening` | the bytes of the first notification of the check |
//! | `set NAME JSON`, `set-text NAME TEXT` | puts a member in, or replaces its value |
//! | `unset NAME`, `rename NAME NAME`, `swap NAME NAME` | takes one out, renames it, changes two values over |
//! | `take NAME` | the member's value as the message before has it |
//! | `duplicate-first NAME JSON`, `duplicate-last NAME JSON` | a second member of that name |
//! | `fill NAME BYTES`, `deep NAME LEVELS` | a long text, or arrays in arrays |
//! | `shuffle`, `pretty`, `escape-unicode`, `escape-slashes` | the same members, written in another way |
//! | `sign`, `sign WORD…` | signs; `wrong-key`, `retired-key`, `no-key`, `other-case`, `last-digit`, `short`, `md5`, `hmac-sha256` sign otherwise |
//! | `letter-digest` | other ids, until the signature begins with a letter |
//! | `truncate`, `raw TEXT`, `raw-hex DIGITS` | cuts the body in half, or puts another in its place |
//! | `query NAME JSON`, `in-query` | a pair behind the URL; all members behind the URL, and no body |
//! | `header NAME VALUE`, `no-header NAME`, `content-type TEXT`, `method NAME` | how it travels |
//!
//! `@sign` is the member that carries the signature. In JSON and text stand for what differs:
//!
//! | placeholder | what it is |
//! |---|---|
//! | `{id}`, `{other}` | the hexadecimal part of this order's id, and of another one's |
//! | `{platform_id}` | the merchant's id |
//! | `{now}`, `{now+60}`, `{now-60}` | Unix seconds |
//! | `{iso}` | the time in RFC 3339 |
//! | `{amount}`, `{other_amount}` | the order's amount in cents, and another one |
//! | `{wrong_key}` | the key of `sign wrong-key` |
//! | `{sign}` | the signature so far |
//! | `{sign_type}` | the name of the orders' digest |
//! | `{success}`, `{cancelled}`, `{failed}`, `{processing}` | the status numbers |

mod bench;
mod draft;
mod operation;
mod placeholder;
mod workshop;

#[cfg(test)]
pub use workshop::ORDER_PREFIX;
pub use workshop::{History, Workshop};

use operation::{Operation, Start};

pub const MAX_FILL: usize = 4 << 20;

pub const MAX_OPERATIONS: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    pub operations: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("operation {}: {problem}", .operation + 1)]
pub struct RecipeError {
    /// Which operation is wrong, from 0.
    pub operation: usize,
    pub problem: String,
    /// The recipe is sound, and there is no order for it.
    pub lacks_order: bool,
}

impl Recipe {
    pub fn control() -> Recipe {
        Recipe::of(&["success", "sign"])
    }

    pub(super) fn of(operations: &[&str]) -> Recipe {
        Recipe { operations: operations.iter().map(|line| (*line).to_owned()).collect() }
    }

    pub fn try_new(operations: Vec<String>, before: usize) -> Result<Recipe, RecipeError> {
        let recipe = Recipe { operations };
        recipe.read(before)?;
        Ok(recipe)
    }

    /// The status that it begins with, as it is written; no status where it sends bytes again.
    pub(super) fn status(&self) -> &str {
        let first = self.operations.first().map_or("", |line| line.trim());
        if self.is_opening() {
            "success"
        } else {
            let rest = first.strip_prefix("same-order ").unwrap_or(first);
            rest.split(' ').next().unwrap_or(rest)
        }
    }

    /// Whether it sends the first notification of the check again.
    pub(super) fn is_opening(&self) -> bool {
        self.operations.first().is_some_and(|line| line.trim() == "opening")
    }

    fn read(&self, before: usize) -> Result<Vec<Operation>, RecipeError> {
        let wrong = |operation, problem: &str| RecipeError {
            operation,
            problem: problem.to_owned(),
            lacks_order: false,
        };
        if self.operations.is_empty() {
            return Err(wrong(0, "a recipe begins with an order, such as success"));
        }
        if self.operations.len() > MAX_OPERATIONS {
            return Err(wrong(MAX_OPERATIONS, &format!("there are more than {MAX_OPERATIONS}")));
        }
        let mut read = Vec::new();
        for (index, line) in self.operations.iter().enumerate() {
            let operation = Operation::parse(line).map_err(|problem| wrong(index, &problem))?;
            may_follow(&read, &operation, before).map_err(|problem| wrong(index, problem))?;
            read.push(operation);
        }
        Ok(read)
    }
}

fn may_follow(
    earlier: &[Operation],
    operation: &Operation,
    before: usize,
) -> Result<(), &'static str> {
    match (earlier, operation) {
        ([], Operation::Start(_)) => {}
        ([], _) => return Err("the first operation begins a message, such as success"),
        (_, Operation::Start(_)) => return Err("only the first operation begins a message"),
        _ => {}
    }
    let refers = match operation {
        Operation::Start(Start::Again(Some(number)) | Start::SameOrder(_, Some(number))) => *number,
        Operation::Start(Start::Again(None) | Start::SameOrder(..)) | Operation::Take(_) => 1,
        _ => 0,
    };
    if refers > before {
        return Err("there is no such message before it in this case");
    }
    let is_again =
        matches!(earlier.first(), Some(Operation::Start(Start::Again(_) | Start::Opening)));
    let is_bytes = is_again || earlier.iter().any(Operation::makes_bytes);
    if is_bytes && operation.changes_members() {
        return Err("the body is bytes by then; its fields cannot be changed");
    }
    let is_doubled = earlier
        .iter()
        .any(|one| matches!(one, Operation::DuplicateFirst(_) | Operation::DuplicateLast(_)));
    if is_doubled && operation.signs() {
        return Err("duplicate fields cannot be signed; sign before");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
