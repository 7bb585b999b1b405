//! Laws that hold for any program and any text.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::action::{ActionKind, Content, Crafted, LONGEST_WAIT, Manner};
use super::near_miss::SAMPLES;
use super::*;
use crate::receiver::reply::Reply;
use crate::receiver::server::handler_output::WireEnd;

/// Text that is nearly a program.
const NEARLY: &str =
    r#"(ok|hang|body:|header:a=|20%|fail|[0-9]{1,4}|delay|length [+-]9|[{}"\\*,| 1-9%ms]){0,12}"#;

/// Any text, with a good share of what the grammar gives a meaning to.
fn text() -> impl Strategy<Value = String> {
    let part = select(vec![
        "{", "}", "[", "]", "\"", "\\", ",", "|", "*", " ", ":", "=", "%", "a", "王", "\n",
        "\u{a0}", "\u{202e}", "<html>",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(part, 0..12).prop_map(|all| all.concat())]
}

fn any_wait() -> impl Strategy<Value = Duration> {
    (1..=u64::try_from(LONGEST_WAIT.as_millis()).expect("short")).prop_map(Duration::from_millis)
}

fn end() -> impl Strategy<Value = WireEnd> {
    select(vec![WireEnd::Close, WireEnd::Reset])
}

fn crafted() -> impl Strategy<Value = Crafted> {
    let content = prop_oneof![
        Just(Content::Usual),
        Just(Content::Success),
        Just(Content::Redirect),
        "[0-9A-Za-z]{1,16}".prop_map(Content::Code),
        text().prop_map(Content::Text),
        select(SAMPLES.iter().collect::<Vec<_>>()).prop_map(Content::Sample),
        Just(Content::Plain),
    ];
    let manner = prop_oneof![
        Just(Manner::Whole),
        any_wait().prop_map(Manner::Drip),
        end().prop_map(Manner::Cut),
        (1_i64..2000).prop_map(|by| Manner::Length(if by > 999 { 999 - by } else { by })),
    ];
    let value = text().prop_map(|text| text.replace(char::is_control, ""));
    let headers = prop::collection::vec(("X-[a-z]{1,9}", value), 0..3);
    (prop::option::of(200_u16..1000), headers, content, manner).prop_map(
        |(status, headers, content, manner)| {
            let status = status.or((content == Content::Plain).then_some(500));
            Crafted { status, headers, content, manner }
        },
    )
}

fn any_action() -> impl Strategy<Value = Arc<Action>> {
    let kind = prop_oneof![
        4 => crafted().prop_map(ActionKind::Reply),
        1 => prop::option::of(any_wait()).prop_map(ActionKind::Hang),
        1 => end().prop_map(ActionKind::End),
    ];
    let delay = prop::option::of(any_wait());
    (delay, kind)
        .prop_map(|(delay, kind)| Arc::new(Action { delay: delay.unwrap_or_default(), kind }))
}

fn any_step() -> impl Strategy<Value = Step> {
    let chanced = prop::collection::vec((0..=250_000_u32, any_action()), 0..4);
    (chanced, prop::option::of(any_action()), 1..=MAX_REPEAT).prop_map(|(chanced, rest, repeat)| {
        let rest = if chanced.is_empty() { rest.or_else(|| Some(Arc::default())) } else { rest };
        let chanced = chanced.into_iter().map(|(share, action)| Alternative {
            chance: Some(Percent::from_millionths(share)),
            action,
        });
        let rest = rest.map(|action| Alternative { chance: None, action });
        Step { alternatives: chanced.chain(rest).collect(), repeat }
    })
}

proptest! {
    #[test]
    fn a_printed_program_reads_back(steps in prop::collection::vec(any_step(), 1..5)) {
        let program = ReplyProgram { steps };
        let printed = program.to_string();
        prop_assert_eq!(ReplyProgram::parse(&printed), Ok(program), "{}", printed);
    }

    #[test]
    fn any_program_answers_and_is_planned(
        steps in prop::collection::vec(any_step(), 1..5),
        seed in any::<u64>(),
    ) {
        let program = ReplyProgram { steps };
        prop_assert_eq!(program.plan_lines().len(), program.steps.len());
        let mut runner = Runner::new(program, Per::All, seed, 1);
        let connection = SocketAddr::from(([127, 0, 0, 1], 4000));
        for number in 1..9 {
            let chosen = runner.next(RequestContext { order: None, connection, target: "/" });
            prop_assert_eq!(chosen.number, number);
            let _ = chosen.answer(Reply::success("ok"), "ok");
        }
    }

    #[test]
    fn no_text_panics(any in text(), nearly in NEARLY) {
        for text in [&any, &nearly] {
            if let Ok(program) = ReplyProgram::parse(text) {
                prop_assert_eq!(ReplyProgram::parse(&program.to_string()), Ok(program));
            }
            let _ = path_program(text);
            let _ = path_program(&format!("/reply/{text}"));
        }
    }
}
