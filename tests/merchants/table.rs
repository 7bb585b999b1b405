//! Which cases each flaw must trip.

use super::flawed::Flaw;

/// A flaw, what the endpoint is called, and the cases that fail or warn, sorted.
pub(crate) const EXPECTED: &[(Flaw, &str, &[&str])] = &[(Flaw::Sound, "discerning", &[])];
