//! Reply programs: what was read reads back, and every reply can be written on a connection.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use payout_notify::fuzzing::{
    Answer, Per, PlatformCode, Reply, ReplyProgram, RequestContext, Runner, path_program,
};

fuzz_target!(|input: (u8, u64, &str, &str)| {
    let (per, seed, text, path) = input;
    let program = match ReplyProgram::parse(text) {
        Ok(program) => program,
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column));
            let _ = error.to_string();
            return;
        }
    };
    let canonical = program.to_string();
    assert_eq!(ReplyProgram::parse(&canonical).as_ref(), Ok(&program));
    assert!(!program.plan_lines().is_empty());
    let per = [Per::Order, Per::Connection, Per::All][usize::from(per % 3)];
    let by_path = path_program(path).and_then(Result::ok);
    for program in [Some(program), by_path].into_iter().flatten() {
        let mut runner = Runner::new(program, per, seed, 2);
        let connection = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        for order in [None, Some("a"), Some("b"), Some("c"), Some("a")] {
            let chosen = runner.next(RequestContext { order, connection, target: path });
            let usual = Reply::platform(PlatformCode::Success);
            if let (Answer::Reply(reply), _) = chosen.answer(usual, "ok") {
                writable(&reply);
            }
        }
    }
});

/// Nothing in a header can end its line, so no reply becomes two.
fn writable(reply: &Reply) {
    assert!((200..=999).contains(&reply.status));
    for (name, value) in &reply.headers {
        assert!(
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
        );
        assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
    }
}
