//! The toolkit around a payment platform's signed payout notifications.

pub mod check;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod delivery;
pub mod error;
pub mod exit;
pub mod listener;
pub mod protocol;
pub mod report;
pub mod settings;
pub mod store;
pub mod terminal;
