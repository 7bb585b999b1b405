//! How a message is made: from an example order, change by change, signed rightly or wrongly.

/// The steps from an example order to a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The operations, in order, as they are written in a case file.
    pub operations: Vec<String>,
}
