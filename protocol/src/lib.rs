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
//! use payout_notify_protocol::{Acknowledgement, Key, OrderState, verify};
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
//!         // Not final, or an unknown number: nothing to book yet.
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
//! | `diagnosis` | the search for the mistake behind a signature that does not match |
//! | `dialect-files` | dialects written down in TOML |
//!
//! Without features the package depends on the digests, a constant-time comparison and little
//! else: no runtime, no TLS, no serialization framework.
//!
//! ```toml
//! payout-notify-protocol = "0.1"
//! ```
//!
//! # What is promised
//!
//! The items on this page, with the methods and fields shown, follow Semantic Versioning. The
//! hidden module `internal` serves the program `payout-notify` alone and is outside this promise.

mod acknowledgement;
#[cfg(feature = "batch")]
mod batch;
mod bytes;
mod canonical;
#[cfg(feature = "diagnosis")]
mod diagnosis;
mod dialect;
#[cfg(feature = "dialect-files")]
mod dialect_file;
mod digest_notation;
mod documented;
mod edit;
mod finding;
mod form;
mod key;
mod layout;
#[cfg(feature = "dialect-files")]
mod learn;
mod merchant;
mod nearest;
mod notification;
mod payload;
mod platform_code;
mod scan;
mod scheme;
mod signature;
mod signer;
mod signing;
mod status;
#[cfg(feature = "dialect-files")]
mod toml_span;
mod untrusted;
mod weakness;
mod xml;

pub use acknowledgement::is_json_type;
#[cfg(feature = "diagnosis")]
pub use diagnosis::{Deviation, Diagnosis, Difference, Dimension, Hit, diagnose};
pub use dialect::Dialect;
#[cfg(feature = "dialect-files")]
pub use dialect_file::parse as parse_dialect;
pub use finding::{Finding, Severity};
pub use key::{EmptyKey, Key};
pub use layout::{Amounts, Layout, StatusValue, Times, Transport};
pub use merchant::{Acknowledgement, Notification, OrderState, Rejection, Verifier, verify};
pub use payload::{
    Encoding, MAX_BYTES, MAX_DEPTH, Member, Payload, PayloadError, PayloadProblem, Value,
};
pub use platform_code::PlatformCode;
pub use scheme::{Algorithm, Scheme, UnknownSignType};
pub use signature::Mismatch;
pub use signer::{Signer, sign};
pub use signing::{NoSuchDigest, SigningError};
pub use status::{Kind, Status, StatusTable, StatusTableError};
#[cfg(feature = "dialect-files")]
pub use toml_span::PlacedError as DialectFileError;

#[doc(hidden)]
pub mod internal {
    pub mod acknowledgement {
        pub use crate::acknowledgement::{
            ACKNOWLEDGEMENT_BODY, AcknowledgementRule, Conclusion, MAX_REPLY_BYTES, Refusal, Reply,
            ReplyWarning, Slip, judge,
        };
    }
    #[cfg(feature = "batch")]
    pub mod batch {
        pub use crate::batch::{choose_vectors, has_vectors};
    }
    pub mod canonical {
        pub use crate::canonical::{
            CanonicalString, KnownPairs, Selection, canonicalize, canonicalize_into, select,
        };
    }
    #[cfg(feature = "diagnosis")]
    pub mod diagnosis {
        pub use crate::diagnosis::{
            Comparison, MAX_SEARCHED_BYTES, MAX_SEARCHED_MEMBERS, catalogue, compare_string,
            diagnose_briefly, diagnose_fully, from_gbk,
        };
    }
    pub mod dialect {
        pub use crate::dialect::DIALECTS;
    }
    #[cfg(feature = "dialect-files")]
    pub mod dialect_file {
        pub use crate::dialect_file::{MAX_FILE_BYTES, parse, write};
    }
    pub mod documented {
        pub use crate::documented::{
            FieldType, documented_fields, documented_type, required_fields,
        };
    }
    pub mod edit {
        pub use crate::edit::{Edit, apply, json_string};
    }
    pub mod form {
        pub use crate::form::{detect, percent_decode, percent_encode, put, read, remove};
    }
    pub mod layout {
        pub use crate::layout::{FIELDS, STATUSES};
    }
    #[cfg(feature = "dialect-files")]
    pub mod learn {
        pub use crate::learn::{
            Found, Learned, MAX_FIELDS, MAX_SAMPLE_BYTES, MAX_SAMPLES, Question, Sample,
            SamplesError, USUAL_EFFORT, learn, read,
        };
    }
    pub mod nearest {
        pub use crate::nearest::{did_you_mean, nearest, unknown};
    }
    pub mod notification {
        pub use crate::notification::{
            Expectation, FieldReader, KnownFields, Notification, findings, major_units,
        };
    }
    pub mod payload {
        pub use crate::payload::PayloadMemory;
    }
    pub mod platform_code {
        pub use crate::platform_code::{JSON, content_type_of};
    }
    pub mod scheme {
        pub use crate::scheme::{
            Composition, DigestCase, Empties, Nulls, Order, Pairs, Part, Suffix, ValueText,
        };
    }
    pub mod signature {
        pub use crate::signature::{
            Answer, Signature, Verification, attach, attach_into, demanded_scheme, expected, sign,
            verify, verify_any,
        };
        #[cfg(feature = "batch")]
        pub use crate::signature::{SignatureBatch, attach_room, bare_signature, leave_room};
    }
    pub mod signing {
        pub use crate::signing::{BodySigner, SignType, choose_scheme, scheme_of, with_sign_type};
    }
    #[cfg(feature = "dialect-files")]
    pub mod toml_span {
        pub use crate::toml_span::{
            PlacedError, SpannedError, SpannedResult, number, place, read, wrong,
        };
    }
    pub mod untrusted {
        pub use crate::untrusted::{Untrusted, quoting, redact_with};
    }
    pub mod weakness {
        pub use crate::weakness::{Circumstances, Weakness, weaknesses};
    }
}
