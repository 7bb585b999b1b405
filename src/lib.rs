//! The toolkit around a payment platform's signed payout notifications.

pub mod error;
pub mod exit;
pub mod report;
