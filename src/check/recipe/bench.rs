//! One message while it is made: its members, and what a recipe does to them.

use jiff::Timestamp;
use protocol::internal::canonical::canonicalize;
use protocol::internal::edit::json_string;
use protocol::internal::form;
use protocol::internal::scheme::{DigestCase, Suffix};
use protocol::internal::signature::sign;
use protocol::{Algorithm, EmptyKey, Key, Scheme, Transport};

use super::draft::Draft;
use super::operation::{Digits, KeyChoice, Member, Operation, SignPlan};
use super::placeholder::{self, Placeholder};
use super::workshop::{AMOUNT, History, NewOrder, SIGN_FIELD, Workshop};
use crate::check::case::Message;
use crate::mask::Untrusted;

/// How often other ids are tried for a digest that begins with a letter: 3 of 8 do.
const LETTER_TRIES: u32 = 200;

/// What another amount has more, in cents.
const OTHER: i64 = 1_000;

const MAX_ID: usize = 256;

pub(super) const ONE_SPELLING: &str = "cannot be written otherwise";

pub(super) struct Bench<'w> {
    pub(super) workshop: &'w Workshop,
    pub(super) now: Timestamp,
    pub(super) order: NewOrder,
    pub(super) other: String,
    pub(super) before: Option<Message>,
    pub(super) draft: Draft,
    pub(super) is_respelled: bool,
    pub(super) signed_status: Option<String>,
    pub(super) amount: Option<i64>,
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) method: String,
    pub(super) headers: Vec<(String, String)>,
    /// Pairs behind the URL, encoded.
    pub(super) query: Vec<String>,
}

impl Bench<'_> {
    pub(super) fn carry_out(
        &mut self,
        operation: &Operation,
        history: &mut History,
    ) -> Result<(), String> {
        match operation {
            Operation::Start(_) => {}
            Operation::Set(Member { name, json }) => {
                let json = self.value(name, json)?;
                self.draft.set(&self.name(name), json);
            }
            Operation::Unset(name) => {
                let name = self.name(name);
                self.draft.members.retain(|(known, _)| *known != name);
            }
            Operation::Rename(name, to) => self.draft.rename(&self.name(name), to),
            Operation::Swap(one, other) => self.draft.swap(&self.name(one), &self.name(other)),
            Operation::Respell(name, spelling) => {
                let name = self.name(name);
                let text = self.draft.text(&name).and_then(|text| spelling.of(&text));
                let text =
                    text.ok_or_else(|| format!("{} {ONE_SPELLING}", Untrusted::new(&name)))?;
                self.draft.set(&name, json_string(&text));
                self.is_respelled = true;
            }
            Operation::Take(name) => self.take(name)?,
            Operation::DuplicateFirst(Member { name, json }) => {
                self.draft.members.insert(0, (self.name(name), self.value(name, json)?));
            }
            Operation::DuplicateLast(Member { name, json }) => {
                self.draft.members.push((self.name(name), self.value(name, json)?));
            }
            Operation::Shuffle => {
                let seed = u64::from_str_radix(&self.order.hex, 16).unwrap_or_default();
                self.draft.shuffle(&mut fastrand::Rng::with_seed(seed));
            }
            Operation::Write(style) => self.draft.styles.push(*style),
            Operation::Sign(plan) => self.sign(*plan)?,
            Operation::LetterDigest => self.seek_letter(history)?,
            Operation::Truncate => {
                let mut body = self.body();
                body.truncate(body.len() / 2);
                self.bytes = Some(body);
            }
            Operation::Raw(text) => self.bytes = Some(self.expanded(text)?.into_bytes()),
            Operation::RawBytes(bytes) => self.bytes = Some(bytes.clone()),
            Operation::Header(name, value) => {
                self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                self.headers.push((name.clone(), value.clone()));
            }
            Operation::Method(name) => self.method.clone_from(name),
            Operation::Query(Member { name, json }) => {
                let members = vec![(self.name(name), self.value(name, json)?)];
                self.put_in_query(&Draft { members, styles: Vec::new() });
            }
            Operation::InQuery => {
                self.put_in_query(&self.draft.clone());
                self.bytes = Some(Vec::new());
            }
        }
        Ok(())
    }

    /// The dialect's name of a field: a recipe has this platform's.
    fn name(&self, name: &str) -> String {
        match name {
            SIGN_FIELD => self.workshop.dialect.sign_field().to_owned(),
            _ => self.workshop.dialect.layout.name(name).unwrap_or(name).to_owned(),
        }
    }

    fn value(&self, name: &str, json: &str) -> Result<String, String> {
        let json = self.expanded(json)?;
        Ok(self.workshop.dialect.layout.value(name, &json, &self.workshop.statuses))
    }

    fn expanded(&self, text: &str) -> Result<String, String> {
        placeholder::expand(text, |placeholder| match placeholder {
            Placeholder::Id => self.order.hex.clone(),
            Placeholder::OrderId => escaped(&self.order.ids.id),
            Placeholder::ClientId => escaped(&self.order.ids.client_id),
            Placeholder::Other => self.other.clone(),
            Placeholder::Now(later) => self.now.as_second().saturating_add(later).to_string(),
            Placeholder::Iso => self.now.to_string(),
            Placeholder::WrongKey => self.workshop.wrong_key_text(),
            Placeholder::Sign => {
                self.draft.text(self.workshop.dialect.sign_field()).unwrap_or_default()
            }
            Placeholder::PlatformId => escaped(&self.workshop.platform_id),
            Placeholder::SignType => self.workshop.scheme.algorithm.name().to_owned(),
            Placeholder::Amount => self.order.ids.amount.unwrap_or(AMOUNT).to_string(),
            Placeholder::OtherAmount => {
                self.order.ids.amount.unwrap_or(AMOUNT).saturating_add(OTHER).to_string()
            }
            Placeholder::SmallerAmount => {
                self.order.ids.amount.unwrap_or(AMOUNT).saturating_sub(1).to_string()
            }
            Placeholder::Status(ending) => self.workshop.status(ending).to_string(),
        })
    }

    fn take(&mut self, name: &str) -> Result<(), String> {
        let name = self.name(name);
        let before = self
            .before
            .as_ref()
            .and_then(|message| Draft::read(&message.body, self.workshop.dialect.layout.transport));
        let json = before.as_ref().and_then(|draft| draft.get(&name));
        let json = json.ok_or_else(|| {
            format!("the message before has no field {:?}", Untrusted::new(&name))
        })?;
        self.draft.set(&name, json.to_owned());
        Ok(())
    }

    fn sign(&mut self, plan: SignPlan) -> Result<(), String> {
        let dialect = self.workshop.dialect;
        let scheme = match plan.algorithm {
            None => self.workshop.scheme,
            Some(algorithm) => dialect.scheme(algorithm).ok_or_else(|| {
                format!("the dialect {} has no {algorithm}", Untrusted::new(&dialect.id))
            })?,
        };
        // The platform names the digest where it is not the one that silence means.
        if plan.algorithm.is_none()
            && dialect.reads_sign_type()
            && scheme != dialect.first()
            && self.draft.get("sign_type").is_none()
        {
            self.draft.set("sign_type", json_string(scheme.algorithm.name()));
        }
        let text = self.draft.encode(dialect.layout.transport, scheme.nulls);
        let payload = form::read(text.as_bytes(), dialect.layout.transport.encoding())
            .map_err(|error| format!("the payload cannot be signed: {error}"))?;
        let canonical = canonicalize(&payload, scheme);
        let signature = match plan.key {
            KeyChoice::Right => sign(&canonical, scheme, &self.workshop.key),
            KeyChoice::Wrong => sign(&canonical, scheme, &self.workshop.wrong_key),
            KeyChoice::Retired => {
                let retired = self.workshop.retired_key.as_ref();
                sign(&canonical, scheme, retired.ok_or("there is no retired key to sign with")?)
            }
            KeyChoice::Empty => {
                let (scheme, key) = without_key(scheme).map_err(|error| error.to_string())?;
                sign(&canonical, &scheme, &key)
            }
        };
        let digits = written(signature.as_str(), plan.digits, scheme.digest_case);
        self.draft.set(dialect.sign_field(), json_string(&digits));
        self.amount = self.amount_of_draft();
        self.signed_status = self.draft.get(&self.name("status")).map(str::to_owned);
        Ok(())
    }

    /// Signs with the ids of other orders until the digest begins with a letter.
    ///
    /// PHP before 8 reads such a digest as 0, so that it equals the number 0.
    fn seek_letter(&mut self, history: &mut History) -> Result<(), String> {
        for _ in 0..LETTER_TRIES {
            self.sign(SignPlan::default())?;
            let digest = self.draft.text(self.workshop.dialect.sign_field()).unwrap_or_default();
            if digest.starts_with(|first: char| first.is_ascii_alphabetic()) {
                return Ok(());
            }
            self.order = self.workshop.order(history, self.now)?;
            self.draft.set(&self.name("payout_id"), json_string(&self.order.ids.id));
            if self.workshop.dialect.layout.name("payout_cl_id").is_some() {
                let client_id = json_string(&self.order.ids.client_id);
                self.draft.set(&self.name("payout_cl_id"), client_id);
            }
        }
        Err("no digest began with a letter".to_owned())
    }

    fn put_in_query(&mut self, draft: &Draft) {
        self.query.push(draft.encode(Transport::Query, self.workshop.scheme.nulls));
    }

    fn body(&self) -> Vec<u8> {
        let Workshop { dialect, scheme, .. } = self.workshop;
        let encoded = || self.draft.encode(dialect.layout.transport, scheme.nulls);
        self.bytes.clone().unwrap_or_else(|| encoded().into_bytes())
    }

    fn amount_of_draft(&self) -> Option<i64> {
        let json = self.draft.get(&self.name("amount"))?;
        self.workshop.dialect.layout.cents(json.trim_matches('"'))
    }

    pub(super) fn message(self) -> Message {
        // The books are asked about the order that a loose comparison takes it for.
        let is_id = |id: &String| {
            !self.is_respelled && !id.is_empty() && id.len() <= MAX_ID && !id.contains('\0')
        };
        let id = |name: &str, own: &str| {
            self.draft.text(&self.name(name)).filter(is_id).unwrap_or_else(|| own.to_owned())
        };
        let order_id = id("payout_id", &self.order.ids.id);
        let client_id = id("payout_cl_id", &self.order.ids.client_id);
        Message {
            body: self.body(),
            amount_cents: self.amount.or_else(|| self.amount_of_draft()),
            signed_status: self.signed_status,
            method: self.method,
            headers: self.headers,
            query: self.query.join("&"),
            order_id,
            client_id,
        }
    }
}

fn written(digest: &str, digits: Digits, case: DigestCase) -> String {
    match (digits, case) {
        (Digits::AsTheRule, _) => digest.to_owned(),
        (Digits::OtherCase, DigestCase::Lower) => digest.to_ascii_uppercase(),
        (Digits::OtherCase, DigestCase::Upper) => digest.to_ascii_lowercase(),
        (Digits::LastChanged, _) => {
            let mut digest = digest.to_owned();
            let last = if digest.pop() == Some('0') { '1' } else { '0' };
            digest.push(last);
            digest
        }
        (Digits::FirstEight, _) => digest.chars().take(8).collect(),
    }
}

/// A scheme and a key that together sign as an empty key would.
fn without_key(scheme: &Scheme) -> Result<(Scheme, Key), EmptyKey> {
    let (suffix, key) = match &scheme.suffix {
        // HMAC fills a short key up with zeros, so one zero is as good as no key.
        Suffix::Nothing => (Suffix::Nothing, vec![0]),
        suffix if scheme.algorithm == Algorithm::HmacSha256 => (suffix.clone(), vec![0]),
        Suffix::Key(before) if before.is_empty() => (Suffix::Nothing, vec![0]),
        Suffix::Key(before) => (Suffix::Key("".into()), before.as_bytes().to_vec()),
        Suffix::Md5OfKey(before) => {
            // The MD5 of nothing.
            let digest = format!("{before}d41d8cd98f00b204e9800998ecf8427e");
            (Suffix::Key("".into()), digest.into_bytes())
        }
    };
    Ok((Scheme { suffix, ..scheme.clone() }, Key::try_new(key)?))
}

fn escaped(text: &str) -> String {
    let quoted = json_string(text);
    let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}
