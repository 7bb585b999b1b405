//! Entries as rows of the table, and back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::entry::{AppReply, Entry, Forwarded, Judged, Match, Replied};
use super::{NewEntry, integer};
use crate::listener::Bytes;
use crate::listener::callback::Callback;
use crate::store::{Row, Statement, StoreError, Value};

/// One whole entry by its number; the columns are in the order of [`entry`].
pub(super) const ENTRY: &str = "SELECT id, number, received_at_us, remote, method, path, headers,
    body, code, signature, explanation, order_id, status, amount_cents, delivery, reply_status,
    reply_headers, reply_body, reply_action, forward_url, forward_elapsed_us, forward_error,
    forward_status, forward_headers, forward_body, forward_acknowledges, forward_remark
    FROM entries WHERE id = ?";

/// Writes a new entry.
pub(super) fn insertion(id: u64, run_us: i64, new: &NewEntry) -> Statement {
    let NewEntry { callback, judged, replied } = new;
    let signature = judged.signature.map(|signature| match signature {
        Match::Matched => "match",
        Match::Mismatched => "mismatch",
    });
    let sql = "INSERT INTO entries (id, run_us, number, received_at_us, remote, method, path,
               headers, body, code, signature, explanation, order_id, status, amount_cents,
               delivery, reply_status, reply_headers, reply_body, reply_action)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut values = vec![
        integer(id),
        run_us.into(),
        integer(callback.number),
        callback.received_at.as_microsecond().into(),
        callback.remote.to_string().into(),
        text(&callback.method),
        text(&callback.path),
        headers(&callback.headers),
        blob(&callback.body),
        text(&judged.code),
        signature.into(),
        optional_text(judged.explanation.as_deref()),
        optional_text(judged.order_id.as_deref()),
        judged.status.into(),
        judged.amount_cents.into(),
        judged.delivery.map_or(Value::Null, integer),
    ];
    values.extend(reply_values(replied));
    Statement::one_row(sql, values)
}

/// Writes what was answered; an entry that is gone meanwhile stays gone.
pub(super) fn reply_update(id: u64, replied: &Replied) -> Statement {
    let sql = "UPDATE entries SET reply_status = ?, reply_headers = ?, reply_body = ?,
               reply_action = ? WHERE id = ?";
    let values = reply_values(replied).into_iter().chain([integer(id)]);
    Statement::new(sql, values.collect())
}

fn reply_values(replied: &Replied) -> [Value; 4] {
    [
        replied.status.map(i64::from).into(),
        headers(&replied.headers),
        blob(&replied.body),
        optional_text(replied.action.as_deref()),
    ]
}

/// Writes what the application made of it; an entry that is gone meanwhile stays gone.
pub(super) fn forward_update(id: u64, forwarded: &Forwarded) -> Statement {
    let sql = "UPDATE entries SET forward_url = ?, forward_elapsed_us = ?, forward_error = ?,
               forward_status = ?, forward_headers = ?, forward_body = ?,
               forward_acknowledges = ?, forward_remark = ? WHERE id = ?";
    let reply = forwarded.result.as_ref().ok();
    let elapsed = i64::try_from(forwarded.elapsed.as_micros()).unwrap_or(i64::MAX);
    let values = vec![
        text(&forwarded.url),
        elapsed.into(),
        optional_text(forwarded.result.as_ref().err().map(String::as_str)),
        reply.map(|reply| i64::from(reply.status)).into(),
        reply.map_or(Value::Null, |reply| headers(&reply.headers)),
        reply.map_or(Value::Null, |reply| blob(&reply.body)),
        reply.map(|reply| i64::from(reply.acknowledges)).into(),
        optional_text(reply.and_then(|reply| reply.remark.as_deref())),
        integer(id),
    ];
    Statement::new(sql, values)
}

/// A row of [`ENTRY`] as the entry that it is.
pub(super) fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let remote = row.text(3)?.parse::<SocketAddr>();
    let received_at = Timestamp::from_microsecond(row.integer(2)?);
    Ok(Entry {
        id: row.unsigned(0)?,
        callback: Callback {
            number: row.unsigned(1)?,
            received_at: received_at.map_err(|_| row.corrupt(2, "is no time"))?,
            remote: remote.map_err(|_| row.corrupt(3, "is no address"))?,
            method: row.text(4)?.to_owned(),
            path: row.text(5)?.to_owned(),
            headers: parse_headers(row, 6)?,
            body: Bytes::copy_from_slice(row.blob(7)?),
        },
        judged: Judged {
            code: row.text(8)?.to_owned(),
            signature: match row.optional_text(9)? {
                None => None,
                Some("match") => Some(Match::Matched),
                Some("mismatch") => Some(Match::Mismatched),
                Some(_) => return Err(row.corrupt(9, "is none that is known")),
            },
            explanation: owned(row.optional_text(10)?),
            order_id: owned(row.optional_text(11)?),
            status: row.optional_integer(12)?,
            amount_cents: row.optional_integer(13)?,
            delivery: match row.optional_integer(14)? {
                None => None,
                Some(_) => Some(row.unsigned(14)?),
            },
        },
        replied: Replied {
            status: http_status(row, 15)?,
            headers: parse_headers(row, 16)?,
            body: Bytes::copy_from_slice(row.blob(17)?),
            action: owned(row.optional_text(18)?),
        },
        forwarded: forwarded(row)?,
    })
}

fn forwarded(row: &Row<'_>) -> Result<Option<Forwarded>, StoreError> {
    let Some(url) = owned(row.optional_text(19)?) else { return Ok(None) };
    let elapsed = Duration::from_micros(row.unsigned(20)?);
    let result = match row.optional_text(21)? {
        Some(error) => Err(error.to_owned()),
        None => Ok(AppReply {
            status: http_status(row, 22)?.ok_or_else(|| row.corrupt(22, "is missing"))?,
            headers: parse_headers(row, 23)?,
            body: Bytes::copy_from_slice(row.blob(24)?),
            acknowledges: row.integer(25)? != 0,
            remark: owned(row.optional_text(26)?),
        }),
    };
    Ok(Some(Forwarded { url, elapsed, result }))
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn http_status(row: &Row<'_>, column: usize) -> Result<Option<u16>, StoreError> {
    let status = row.optional_integer(column)?.map(u16::try_from).transpose();
    status.map_err(|_| row.corrupt(column, "is no HTTP status"))
}

fn text(text: &str) -> Value {
    Value::Text(Arc::from(text))
}

fn optional_text(given: Option<&str>) -> Value {
    given.map_or(Value::Null, text)
}

fn blob(bytes: &[u8]) -> Value {
    Value::Blob(Arc::from(bytes))
}

/// Headers as HTTP writes them, so that people can read them in the database too.
fn headers(headers: &[(String, Vec<u8>)]) -> Value {
    let length = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let mut text = Vec::with_capacity(length);
    for (name, value) in headers {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        let start = text.len();
        text.extend_from_slice(value);
        // No line end can be part of a value on the wire, nor may one make a header here.
        for byte in &mut text[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        text.extend_from_slice(b"\r\n");
    }
    Value::Blob(text.into())
}

fn parse_headers(row: &Row<'_>, column: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let wrong = || row.corrupt(column, "holds no headers");
    let mut headers = Vec::new();
    let mut rest = row.blob(column)?;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\r', rest).ok_or_else(wrong)?;
        let (line, after) = (&rest[..end], rest.get(end + 2..).unwrap_or_default());
        let at = memchr::memmem::find(line, b": ").ok_or_else(wrong)?;
        let name = std::str::from_utf8(&line[..at]).map_err(|_| wrong())?;
        headers.push((name.to_owned(), line[at + 2..].to_vec()));
        rest = after;
    }
    Ok(headers)
}
