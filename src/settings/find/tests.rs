use super::*;
use crate::error::ErrorKind;

fn found(owner: Owner, text: &str) -> FoundFile {
    FoundFile { path: owner.name().into(), owner, file: file::parse(text).unwrap() }
}

fn environment(profile: Option<&str>) -> Environment {
    Environment { profile: profile.map(str::to_owned), ..Environment::default() }
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_default() {
    let files = [
        found(Owner::Project, "[profile.a]\n[profile.b]"),
        found(Owner::User, "default_profile = 'c'\n[profile.b]\n[profile.c]"),
    ];
    let chosen = |flag, variable| {
        let chosen = choose(&files, flag, &environment(variable)).unwrap().unwrap();
        (chosen.name, chosen.owner, chosen.named_by)
    };
    let wanted = |name: &str, owner, by| (name.to_owned(), owner, by);
    assert_eq!(chosen(Some("a"), Some("c")), wanted("a", Owner::Project, "--profile"));
    assert_eq!(chosen(None, Some("b")), wanted("b", Owner::Project, "PAYOUT_NOTIFY_PROFILE"));
    assert_eq!(chosen(None, Some("")), wanted("c", Owner::User, "default_profile"));
    assert_eq!(chosen(None, None), wanted("c", Owner::User, "default_profile"));
}

#[test]
fn an_unknown_profile_names_the_nearest() {
    let files = [found(Owner::Project, "[profile.staging]")];
    let error = choose(&files, Some("stagin"), &environment(None)).unwrap_err();
    assert_eq!((error.kind, &*error.hints[0]), (ErrorKind::Usage, "did you mean staging?"));
    assert!(choose(&[], Some("x"), &environment(None)).is_err());
    assert_eq!(choose(&[], None, &environment(None)).unwrap(), None);
}
