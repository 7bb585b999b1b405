//! What the referee takes from one callback: small, owned, made without the key.

use jiff::Timestamp;
use protocol::internal::form;
use protocol::{Encoding, Kind, Payload, Status};
use sha2::{Digest, Sha256};

use super::body_digest::{NamedPrint, shortened};
use super::breach::BreachKind;
use crate::receiver::callback::Callback;
use crate::receiver::verify::{Contract, Parsed, Unreadable};

/// An order is remembered by the digest of its id, so that a long id costs no more than a short one.
pub(super) type OrderKey = [u8; 32];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    pub(super) number: u64,
    pub(super) received_at: Timestamp,
    /// That the request does not come in the form in which it must.
    pub(super) fault: Option<BreachKind>,
    pub(super) order: Option<OrderFacts>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OrderFacts {
    pub(super) key: OrderKey,
    pub(super) label: Box<str>,
    pub(super) status: Option<i64>,
    pub(super) meaning: Option<Status>,
    pub(super) update_time: Option<i64>,
    pub(super) print: NamedPrint,
}

impl Observation {
    /// What a callback shows of its sender, under the contract that the listener holds it against.
    /// One of the wrong method or content type is read as far as it can be: it still is a delivery
    /// of its order. The signature is not verified; whoever judges authentic callbacks only leaves
    /// the others out.
    pub fn of(callback: &Callback, payload: &Parsed<'_>, contract: &Contract) -> Observation {
        let (fault, order) = match payload {
            Ok(payload) => (None, OrderFacts::of(payload, contract)),
            Err((_, Unreadable::Method { given, wanted })) => {
                let given = shortened(given).into();
                (Some(BreachKind::WrongMethod { given, wanted }), read_any(callback, contract))
            }
            Err((
                _,
                Unreadable::ContentType { given, wanted } | Unreadable::JsonAs { given, wanted },
            )) => {
                let given = given.as_deref().map(|given| shortened(given).into());
                (Some(BreachKind::WrongContentType { given, wanted }), read_any(callback, contract))
            }
            Err((_, Unreadable::Compressed(_) | Unreadable::Payload(_) | Unreadable::Query(_))) => {
                (None, None)
            }
        };
        Observation { number: callback.number, received_at: callback.received_at, fault, order }
    }
}

fn read_any(callback: &Callback, contract: &Contract) -> Option<OrderFacts> {
    if callback.body.is_empty() {
        let query = &callback.path.raw()[callback.path.raw().find('?')?..];
        let payload = form::read(query.as_bytes(), Encoding::Query).ok()?;
        return OrderFacts::of(&payload, contract);
    }
    let read = |encoding| form::read(&callback.body, encoding).ok();
    let payload = read(form::detect(&callback.body)).or_else(|| read(Encoding::Form))?;
    OrderFacts::of(&payload, contract)
}

impl OrderFacts {
    fn of(payload: &Payload<'_>, contract: &Contract) -> Option<OrderFacts> {
        let notification = contract.notification(payload);
        let id = notification.order_id?;
        // A deposit and a payout may carry the same id: they are two orders.
        let kind: &[u8] = if notification.kind == Kind::Deposit { b"deposit " } else { b"payout " };
        Some(OrderFacts {
            key: Sha256::new().chain_update(kind).chain_update(id.as_bytes()).finalize().into(),
            label: shortened(&id),
            status: notification.status_code,
            meaning: notification.status,
            update_time: notification.update_time,
            print: NamedPrint::of(payload, contract.dialect),
        })
    }
}
