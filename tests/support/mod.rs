//! What the unit tests and the integration tests share; each uses a part of it.
#![allow(dead_code, reason = "the other kind of test uses it")]

pub(crate) mod docs;
pub(crate) mod schema;
