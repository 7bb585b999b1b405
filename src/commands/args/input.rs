//! `--input`: in which form a payload is written.

use clap::ValueEnum;
use protocol::internal::form;
use protocol::{Encoding, Payload};

use super::{Input, refuse_payload};
use crate::error::CommandError;

/// In which form a payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputKind {
    /// Told by how it begins, or by method and content type.
    Auto,
    /// A JSON object: what the platform sends.
    Json,
    /// The name=value pairs of a form body.
    Form,
    /// The pairs of a query string, alone or in a URL.
    Query,
    /// One XML element with an element for each field.
    Xml,
}

impl InputKind {
    /// The encoding that it stands for, or else the one that the bytes look like.
    fn encoding(self, bytes: &[u8]) -> Encoding {
        match self {
            InputKind::Auto => form::detect(bytes),
            InputKind::Json => Encoding::Json,
            InputKind::Form => Encoding::Form,
            InputKind::Query => Encoding::Query,
            InputKind::Xml => Encoding::Xml,
        }
    }
}

impl Input {
    pub fn payload_as(&self, kind: InputKind) -> Result<Payload<'_>, CommandError> {
        read_payload(&self.bytes, &self.name, kind.encoding(&self.bytes))
    }
}

pub fn read_payload<'a>(
    bytes: &'a [u8],
    name: &str,
    encoding: Encoding,
) -> Result<Payload<'a>, CommandError> {
    form::read(bytes, encoding).map_err(|error| refuse_payload(error, name))
}
