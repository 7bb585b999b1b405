use super::*;

/// The built-in suite, with the error where a file has one.
fn built_in() -> Suite {
    let files: Vec<(String, String)> =
        BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Suite::read_folder(&files).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_built_in_case_loads_under_a_name_of_its_own() {
    assert_eq!(Suite::built_in(), built_in());
    assert_eq!(built_in().groups(), BUILT_IN.map(|(name, _)| name.trim_end_matches(".toml")));
}

#[test]
fn cases_are_chosen_by_group_name_and_beginning() {
    let suite = built_in();
    let ids = |only: &[&str], skip: &[&str]| {
        let owned =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        suite
            .select(&owned(only), &owned(skip))
            .map(|suite| suite.cases.into_iter().map(|case| case.id).collect::<Vec<_>>())
    };
    assert_eq!(ids(&[], &[]).unwrap().len(), suite.cases().len());
    assert_eq!(ids(&["ack-success"], &[]).unwrap(), ["ack-success"]);
    assert!(ids(&["auth*"], &["auth-no-sign"]).unwrap().iter().all(|id| id != "auth-no-sign"));
    assert_eq!(ids(&["authenticity"], &["auth-*"]).unwrap(), [""; 0]);
    assert_eq!(
        ids(&["athenticity"], &[]).unwrap_err().to_string(),
        "there is no case or group \"athenticity\"; did you mean authenticity?"
    );
    assert!(ids(&[], &["zzz*"]).is_err());
}

#[test]
fn suites_are_joined_where_no_name_stands_twice() {
    let own = r#"
        group = "own"
        [[case]]
        id = "own-case"
        title = "t"
        why = "w"
        fix = "f"
        make = ["success", "sign"]
        expect = "acknowledged"
    "#;
    let own = Suite::read_folder(&[("own.toml".to_owned(), own.to_owned())]).unwrap();
    let joined = built_in().joined(own.clone()).unwrap();
    assert_eq!(joined.cases().len(), built_in().cases().len() + 1);
    assert_eq!(joined.joined(own), Err(SuiteError::SameName("own-case".to_owned())));
}
