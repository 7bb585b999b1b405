//! The program as a script meets it: arguments and bytes in, bytes and an exit code out.
//!
//! The tests need what POSIX systems have: signals, a shell, file modes.
#![cfg(unix)]
#![allow(clippy::too_many_lines, reason = "the steps of a test are read in order")]
#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod bookings;
mod check;
mod completions;
mod course;
mod demo;
mod dialects;
mod dialects_learn;
mod docs;
mod exits;
mod explore;
mod harness;
mod hostile;
mod inbox;
mod inbox_redact;
mod inbox_wait;
mod input;
mod journal;
mod keys;
mod leaks;
mod lines;
mod listen;
mod listen_api;
mod listen_forward;
mod listen_inbox;
mod listen_inspector;
mod listen_referee;
mod listen_replies;
mod listen_tls;
mod listen_tunnel;
mod lives;
mod man;
mod many;
mod masking;
mod misread;
mod network;
mod order_files;
mod output_files;
mod packaging;
mod phases;
mod pipes;
mod profiles;
mod readme;
mod received;
mod redact;
mod schema_documents;
mod schemas;
mod secrets;
mod sign;
mod simulate;
mod snippet;
mod statuses;
#[path = "../support/mod.rs"]
mod support;
mod unread;
mod vectors;
mod verify;
mod wrong_usages;
