//! A payload's members, made ready for the search: what is signed for them, and their nested values.

use super::printing::bare;
use crate::canonical::{Selection, select, value_into};
use crate::payload::{Payload, Value};
use crate::scan::items;
use crate::scheme::Scheme;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// The value in full; `None` where its text is not valid JSON, which a parsed payload rules out.
    pub(super) fn of(value: &Value<'_>) -> Option<Tree> {
        Some(match value {
            Value::Null => Tree::Null,
            Value::Bool(value) => Tree::Bool(*value),
            Value::Number(digits) => Tree::Number((*digits).to_owned()),
            Value::String(text) => Tree::Text(text.clone().into_owned()),
            Value::Object(json) => Tree::Map(members(json)?),
            Value::Array(json) => {
                Tree::List(items(json)?.iter().map(Tree::of).collect::<Option<_>>()?)
            }
        })
    }
}

fn members(json: &str) -> Option<Vec<(String, Tree)>> {
    let payload = Payload::parse(json.as_bytes()).ok()?;
    let members = payload.members().iter();
    members.map(|member| Some((member.name.to_string(), Tree::of(&member.value)?))).collect()
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) tree: Tree,
    /// What the rule signs for it; nothing for the signature itself.
    pub(super) text: String,
    pub(super) selection: Selection,
    pub(super) received: usize,
    /// Whether it carries the signature. Its value when the string was made is not known; where
    /// it was there at all, it was most likely empty.
    pub(super) is_signature: bool,
}

impl Entry {
    pub(super) fn string(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<&str> {
        match &self.tree {
            Tree::Number(digits) => Some(digits),
            _ => None,
        }
    }

    pub(super) fn digits(&self) -> Option<&str> {
        self.number().or_else(|| self.string())
    }

    pub(super) fn nested(&self) -> Option<&Tree> {
        matches!(self.tree, Tree::List(_) | Tree::Map(_)).then_some(&self.tree)
    }

    pub(super) fn is_amount(&self) -> bool {
        matches!(self.name.as_str(), "amount" | "real_amount" | "fee")
    }

    /// An amount of this platform or of another one.
    pub(super) fn is_money(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        ["amount", "fee", "money", "price"].iter().any(|word| name.contains(word))
    }

    pub(super) fn is_id(&self) -> bool {
        self.name.ends_with("_id") || self.name.ends_with("_no")
    }

    pub(super) fn is_time(&self) -> bool {
        self.name.ends_with("_time") || self.name.ends_with("_at")
    }
}

/// The members, sorted by name as the scheme signs them.
pub(super) fn entries(payload: &Payload<'_>, scheme: &Scheme) -> Vec<Entry> {
    select(payload, scheme)
        .map(|(member, selection)| {
            let is_signature = member.name == scheme.sign_field;
            let mut text = String::new();
            if !is_signature {
                value_into(&member.value, scheme.nulls, &mut text);
            }
            let tree = if is_signature { None } else { Tree::of(&member.value) };
            Entry {
                name: member.name.to_string(),
                tree: tree.unwrap_or_else(|| Tree::Text(String::new())),
                text,
                selection,
                received: member.name_span().start,
                is_signature,
            }
        })
        .collect()
}

/// A list as an object: `{"0":"a","1":"b"}`.
pub(super) fn as_objects(tree: &Tree) -> Tree {
    match tree {
        Tree::List(items) => {
            let items = items.iter().enumerate();
            Tree::Map(items.map(|(at, item)| (at.to_string(), as_objects(item))).collect())
        }
        Tree::Map(members) => {
            let members = members.iter();
            Tree::Map(members.map(|(name, item)| (name.clone(), as_objects(item))).collect())
        }
        scalar => scalar.clone(),
    }
}

/// Without the members of objects that are null.
pub(super) fn without_nulls(tree: &Tree) -> Tree {
    without(tree, &|item| matches!(item, Tree::Null))
}

/// Without the members of objects that are null, or an empty text, list or object.
pub(super) fn without_empties(tree: &Tree) -> Tree {
    without(tree, &|item| match item {
        Tree::Null => true,
        Tree::Text(text) => text.is_empty(),
        Tree::List(items) => items.is_empty(),
        Tree::Map(members) => members.is_empty(),
        Tree::Bool(_) | Tree::Number(_) => false,
    })
}

/// With the items of each list changed by `arrange`.
fn arranged(tree: &Tree, arrange: &dyn Fn(&mut Vec<Tree>)) -> Tree {
    match tree {
        Tree::List(items) => {
            let mut items = items.iter().map(|item| arranged(item, arrange)).collect();
            arrange(&mut items);
            Tree::List(items)
        }
        Tree::Map(members) => {
            let inner = |(name, item): &(String, Tree)| (name.clone(), arranged(item, arrange));
            Tree::Map(members.iter().map(inner).collect())
        }
        scalar => scalar.clone(),
    }
}

/// With the items of lists sorted by their text, numbers by their value.
pub(super) fn with_sorted_lists(tree: &Tree) -> Tree {
    let number = |tree: &Tree| match tree {
        Tree::Number(digits) => digits.parse::<f64>().ok(),
        _ => None,
    };
    arranged(tree, &|items| {
        items.sort_by(|a, b| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => bare(a).cmp(&bare(b)),
        });
    })
}

/// With the items of lists in reverse.
pub(super) fn with_reversed_lists(tree: &Tree) -> Tree {
    arranged(tree, &|items| items.reverse())
}

/// With the items of lists sorted downwards.
pub(super) fn with_lists_downwards(tree: &Tree) -> Tree {
    with_reversed_lists(&with_sorted_lists(tree))
}

/// With equal items of a list once.
pub(super) fn with_unique_items(tree: &Tree) -> Tree {
    arranged(tree, &|items| {
        let mut kept: Vec<Tree> = Vec::new();
        for item in items.drain(..) {
            if !kept.contains(&item) {
                kept.push(item);
            }
        }
        *items = kept;
    })
}

fn without(tree: &Tree, is_left_out: &dyn Fn(&Tree) -> bool) -> Tree {
    match tree {
        Tree::List(items) => {
            Tree::List(items.iter().map(|item| without(item, is_left_out)).collect())
        }
        Tree::Map(members) => {
            let kept = members.iter().filter(|(_, item)| !is_left_out(item));
            let inner = |item: &Tree| without(item, is_left_out);
            Tree::Map(kept.map(|(name, item)| (name.clone(), inner(item))).collect())
        }
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_value_keeps_its_order_and_its_digits() {
        let tree = Tree::of(&Value::Array(r#"[ 1.10, {"b":"],\"","a":[null,true]} ,[]]"#)).unwrap();
        let inner = vec![Tree::Null, Tree::Bool(true)];
        let map = vec![
            ("b".to_owned(), Tree::Text("],\"".to_owned())),
            ("a".to_owned(), Tree::List(inner)),
        ];
        let items = vec![Tree::Number("1.10".to_owned()), Tree::Map(map), Tree::List(Vec::new())];
        assert_eq!(tree, Tree::List(items));
    }

    #[test]
    fn deep_nesting_is_read() {
        let json = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(Tree::of(&Value::Array(&json)).is_some());
    }
}
