//! `schema`: the notification and its reply as the tools of other people describe them.

mod notification;
mod openapi;
mod postman;
mod reply;

use clap::ValueEnum;
use protocol::{Algorithm, StatusTable};
use serde_json::Value as Json;

use super::CommandResult;
use super::args::dialect::DialectArgs;
use super::args::{adopt, adopt_statuses, parse_sign_type};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::hides;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Print a JSON Schema, an OpenAPI document or a Postman collection.
///
/// They describe what a dialect sends and which reply acknowledges, for validators, generators of
/// code and documentation, and API clients.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify schema openapi > openapi.json\n  payout-notify schema postman --dialect epay > collection.json"
)]
pub struct SchemaArgs {
    /// What to print.
    #[arg(value_name = "WHAT")]
    pub what: Description,
    /// The platform whose notifications are described.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// How the collection signs: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub sign_type: Option<Algorithm>,
    /// The numbers of statuses, where a profile has other ones.
    #[arg(skip)]
    pub statuses: StatusTable,
}

/// What `schema` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Description {
    /// A JSON Schema (2020-12) of the notification's fields.
    Notification,
    /// A JSON Schema (2020-12) of the merchant's reply.
    Reply,
    /// An OpenAPI 3.1 document with the notification as a webhook.
    Openapi,
    /// A Postman collection (v2.1) whose script signs what is sent; Bruno imports it too.
    Postman,
}

impl SchemaArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        adopt(&mut self.dialect.dialect, chosen.profile.dialect.as_ref());
        adopt_statuses(&mut self.statuses, &chosen.profile);
    }
}

pub fn run(args: &SchemaArgs, console: &mut Console) -> CommandResult {
    if args.sign_type.is_some() && args.what != Description::Postman {
        return Err(CommandError::usage("--sign-type is for the collection that signs")
            .hint("leave it out, or use `payout-notify schema postman`"));
    }
    let dialect = match args.what {
        Description::Postman => args.dialect.resolve_in_family(args.sign_type)?,
        _ => args.dialect.resolve(None)?,
    };
    let document = match args.what {
        Description::Notification => notification::document(dialect, &args.statuses),
        Description::Reply => reply::document(dialect),
        Description::Openapi => openapi::document(dialect, &args.statuses),
        Description::Postman => postman::collection(dialect, args.sign_type, &args.statuses),
    };
    let text = ascii(&document);
    if args.dialect.dialect.is_some() && hides(&text) {
        return Err(CommandError::usage("the dialect holds the key, which the output would show")
            .hint("leave the key out of the dialect file"));
    }
    console.answer_bytes(text.as_bytes()).map_err(CommandError::output)?;
    Ok(Exit::Yes)
}

/// Indented JSON in ASCII: texts of a dialect file cannot move a terminal.
fn ascii(document: &Json) -> String {
    let mut text = String::new();
    for character in serde_json::to_string_pretty(document).unwrap_or_default().chars() {
        match character {
            ' '..='~' | '\n' => text.push(character),
            _ => {
                let units = character.encode_utf16(&mut [0; 2]).to_vec();
                text.extend(units.into_iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use protocol::internal::dialect::DIALECTS;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_dialect_has_every_document_and_the_schemas_are_valid() {
        let statuses = StatusTable::PLATFORM;
        for dialect in &DIALECTS {
            let schemas = [notification::document(dialect, &statuses), reply::document(dialect)];
            for schema in &schemas {
                assert!(jsonschema::meta::is_valid(schema), "{}: {schema}", dialect.id);
                assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
            }
            assert!(openapi::document(dialect, &statuses)["webhooks"].is_object());
            assert!(postman::collection(dialect, None, &statuses)["item"].is_array());
        }
    }

    #[test]
    fn hidden_characters_are_escaped_and_mean_the_same() {
        let value = json!({"a": "é\u{202e}\u{1b}🙂\u{7f}"});
        let text = ascii(&value);
        assert!(text.is_ascii() && !text.contains('\u{7f}'), "{text}");
        assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), value);
    }
}
