//! Entries as rows of the table, and back.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::integer;
use crate::mask::Untrusted;
use crate::receiver::callback::{Bytes, Callback};
use crate::receiver::received::{AppReply, Forwarded, Judged, Match, Received, Replied};
use crate::store::{Parameters, Row, Statement, StoreError, Value};

/// One whole entry by its number; the columns are in the order of [`entry`].
pub(super) const ENTRY: &str = "SELECT id, number, received_at_us, remote, method, path, headers,
    body, code, signature, explanation, order_id, status, amount_cents, delivery, reply_status,
    reply_headers, reply_body, reply_action, forward_url, forward_elapsed_us, forward_error,
    forward_status, forward_headers, forward_body, forward_acknowledges, forward_remark
    FROM entries WHERE id = ?";

pub(super) fn insertion(id: u64, run_us: i64, new: &Received) -> Statement {
    let Received { callback, judged, replied, .. } = new;
    let sql = "INSERT INTO entries (id, run_us, number, received_at_us, remote, method, path,
               headers, body, code, signature, explanation, order_id, status, amount_cents,
               delivery, reply_status, reply_headers, reply_body, reply_action)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let long = callback.body.len() + replied.body.len() + callback.path.raw().len();
    let mut row = Parameters::with_room(20, USUAL_BYTES + long + headers_length(&callback.headers));
    row.value(integer(id));
    row.value(run_us);
    row.value(integer(callback.number));
    row.value(callback.received_at.as_microsecond());
    row.display(callback.remote);
    row.text(callback.method.raw());
    row.text(callback.path.raw());
    row.blob_of(|buffer| write_headers(&callback.headers, buffer));
    row.blob(&callback.body);
    row.text(&judged.code);
    row.value(judged.signature.map(Match::name));
    row.optional_text(judged.explanation.as_deref());
    row.optional_text(judged.order_id());
    row.value(judged.status);
    row.value(judged.amount_cents);
    row.value(judged.delivery.map_or(Value::Null, integer));
    add_reply(&mut row, replied);
    Statement::one_row(sql, row)
}

/// What the short columns of a row take, about: it is reserved at once.
const USUAL_BYTES: usize = 256;

pub(super) fn reply_update(id: u64, replied: &Replied) -> Statement {
    let sql = "UPDATE entries SET reply_status = ?, reply_headers = ?, reply_body = ?,
               reply_action = ? WHERE id = ?";
    let mut row = Parameters::with_room(5, USUAL_BYTES + replied.body.len());
    add_reply(&mut row, replied);
    row.value(integer(id));
    Statement::new(sql, row)
}

fn add_reply(row: &mut Parameters, replied: &Replied) {
    row.value(replied.status.map(i64::from));
    row.blob_of(|buffer| write_headers(&replied.headers, buffer));
    row.blob(&replied.body);
    row.optional_text(replied.action.as_deref());
}

pub(super) fn forward_update(id: u64, forwarded: &Forwarded) -> Statement {
    let sql = "UPDATE entries SET forward_url = ?, forward_elapsed_us = ?, forward_error = ?,
               forward_status = ?, forward_headers = ?, forward_body = ?,
               forward_acknowledges = ?, forward_remark = ? WHERE id = ?";
    let reply = forwarded.result.as_ref().ok();
    let elapsed = i64::try_from(forwarded.elapsed.as_micros()).unwrap_or(i64::MAX);
    let mut row = Parameters::with_room(9, USUAL_BYTES);
    row.text(forwarded.url.raw());
    row.value(elapsed);
    row.optional_text(forwarded.result.as_ref().err().map(String::as_str));
    row.value(reply.map(|reply| i64::from(reply.status)));
    match reply {
        Some(reply) => {
            row.blob_of(|buffer| write_headers(&reply.headers, buffer));
            row.blob(&reply.body);
        }
        None => {
            row.value(Value::Null);
            row.value(Value::Null);
        }
    }
    row.value(reply.map(|reply| i64::from(reply.acknowledges)));
    row.optional_text(reply.and_then(|reply| reply.remark.as_deref()));
    row.value(integer(id));
    Statement::new(sql, row)
}

pub(super) fn entry(row: &Row<'_>) -> Result<Received, StoreError> {
    let remote = row.text(3)?.parse::<SocketAddr>();
    let received_at = Timestamp::from_microsecond(row.integer(2)?);
    Ok(Received {
        id: row.unsigned(0)?,
        callback: Callback {
            number: row.unsigned(1)?,
            received_at: received_at.map_err(|_| row.corrupt(2, "is not a time"))?,
            remote: remote.map_err(|_| row.corrupt(3, "is not an address"))?,
            method: row.text(4)?.to_owned().into(),
            path: row.text(5)?.to_owned().into(),
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
            order_id: owned(row.optional_text(11)?).map(Untrusted::new),
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
        live: None,
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
    Ok(Some(Forwarded { url: url.into(), elapsed, result }))
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn http_status(row: &Row<'_>, column: usize) -> Result<Option<u16>, StoreError> {
    let status = row.optional_integer(column)?.map(u16::try_from).transpose();
    status.map_err(|_| row.corrupt(column, "is not an HTTP status"))
}

fn headers_length(headers: &[(String, Vec<u8>)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum()
}

/// Headers as HTTP writes them, so that people can read them in the database too.
fn write_headers(headers: &[(String, Vec<u8>)], text: &mut Vec<u8>) {
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
