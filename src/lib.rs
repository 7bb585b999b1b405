//! Payout notifications for merchants: verify what a platform sent, read it, answer it.
//!
//! A payment platform tells a merchant how a payout ended: it POSTs a signed JSON object, expects
//! `{"error_code":"0000"}`, and retries for an hour.
//!
//! ```text
//! body ─verify(key)─▶ Ok(Notification) ─▶ credit once, by order id ─▶ Acknowledgement::ok()
//!                 └─▶ Err(Rejection) ───────────────────────────────▶ Acknowledgement::refuse
//! ```
//!
//! # A handler
//!
//! The body must be the bytes that were received. The framework around it does not matter:
//!
//! ```
//! use std::collections::HashMap;
//!
//! use payout_notify::{Acknowledgement, Key, OrderState, verify};
//!
//! /// The orders whose end is known; a real merchant has a table with a unique key.
//! type Orders = HashMap<String, OrderState>;
//!
//! fn handle(body: &[u8], key: &Key, orders: &mut Orders) -> Acknowledgement {
//!     let notification = match verify(body, key) {
//!         Ok(notification) => notification,
//!         Err(rejection) => return Acknowledgement::refuse(&rejection),
//!     };
//!     match notification.state() {
//!         // Known orders stay as they are: the platform repeats itself.
//!         state @ (OrderState::Succeeded | OrderState::Failed) => {
//!             orders.entry(notification.order_id).or_insert(state);
//!         }
//!         // It goes on, or the number is new: nothing to book yet.
//!         _ => {}
//!     }
//!     Acknowledgement::ok()
//! }
//!
//! let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec())?;
//! let body = br#"{"payout_id":"POT00000102","payout_cl_id":"97a968b4a9db497c8c03198e395a38c6",
//!     "platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":3,
//!     "create_time":1567614049,"update_time":1567614111,
//!     "sign":"b41e7887d8c450c2171262e6fe2d41dc"}"#;
//! let mut orders = Orders::new();
//! let reply = handle(body, &key, &mut orders);
//! assert_eq!((reply.status(), reply.body()), (200, r#"{"error_code":"0000"}"#));
//! assert_eq!(handle(body, &key, &mut orders), Acknowledgement::ok());
//! assert_eq!(orders.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `cli` (default) | the program `payout-notify` with all it needs |
//! | `diagnosis` | the search for the mistake behind a signature that does not match |
//! | `dialect-files` | dialects written down in TOML |
//!
//! A merchant's server takes the library without them. Then it brings the digests, a constant-time
//! comparison and little else: no command line, no runtime, no TLS, no database.
//!
//! ```toml
//! payout-notify = { version = "0.1", default-features = false }
//! ```
//!
//! # What is promised
//!
//! The items on this page, with the methods and fields shown, follow Semantic Versioning. Other
//! modules are public for the program, its tests and its benches alone, and are not shown here.

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod clock;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod commands;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod delivery;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod error;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod exit;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod listener;
mod merchant;
#[doc(hidden)]
pub mod protocol;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod report;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod settings;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod store;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod terminal;

pub use merchant::{Acknowledgement, Notification, OrderState, Rejection, Verifier, verify};
#[doc(inline)]
pub use protocol::acknowledgement::is_json_type;
#[cfg(feature = "diagnosis")]
#[doc(inline)]
pub use protocol::diagnosis::{Deviation, Diagnosis, Difference, Dimension, Hit, diagnose};
#[doc(inline)]
pub use protocol::dialect::Dialect;
#[cfg(feature = "dialect-files")]
#[doc(inline)]
pub use protocol::dialect_file::{DialectFileError, parse as parse_dialect};
#[doc(inline)]
pub use protocol::finding::{Finding, Severity};
#[doc(inline)]
pub use protocol::key::{EmptyKey, Key};
#[doc(inline)]
pub use protocol::payload::{
    Encoding, MAX_BYTES, Member, Payload, PayloadError, PayloadProblem, Value,
};
#[doc(inline)]
pub use protocol::platform_code::PlatformCode;
#[doc(inline)]
pub use protocol::scheme::{Algorithm, Scheme};
#[doc(inline)]
pub use protocol::signature::Mismatch;
#[doc(inline)]
pub use protocol::status::{Kind, Status, StatusTable, StatusTableError};
