//! How a result is shown: one table for all forms, so that none flatters.

use super::shown::{LONGEST_ID, LONGEST_URL, shell_word, visible};
use crate::check::report::{CaseResult, CheckReport, Endpoint, RunOption, Status, Tries};
use crate::report::line::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Passed,
    Unverified,
    Flaky,
    Warned,
    Failed,
    Skipped,
    Inconclusive,
}

#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What it is called in JSON and in HTML.
    pub id: &'static str,
    pub name: &'static str,
    /// The mark in front of it, which tells it apart without colours.
    pub mark: &'static str,
    pub role: Role,
    /// Its level in SARIF and in annotations: error, warning or note; `None` where they leave it out.
    pub level: Option<&'static str>,
}

impl Standing {
    pub const ALL: [Standing; 7] = [
        Standing::Passed,
        Standing::Unverified,
        Standing::Flaky,
        Standing::Warned,
        Standing::Failed,
        Standing::Inconclusive,
        Standing::Skipped,
    ];

    pub const fn of(result: &CaseResult) -> Self {
        match (result.status, result.tries) {
            (Status::Passed, Tries::PassedOnSecond) => Standing::Flaky,
            (Status::Passed, _) if result.unseen.is_some() => Standing::Unverified,
            (Status::Passed, _) => Standing::Passed,
            (Status::Failed, _) => Standing::Failed,
            (Status::Warned, _) => Standing::Warned,
            (Status::Skipped, _) => Standing::Skipped,
            (Status::Inconclusive, _) => Standing::Inconclusive,
        }
    }

    pub const fn look(self) -> Look {
        let (error, warning, note) = (Some("error"), Some("warning"), Some("note"));
        let (id, mark, role, level) = match self {
            Standing::Passed => ("passed", "✓", Role::Good, None),
            Standing::Unverified => ("unverified", "○", Role::Warn, note),
            Standing::Flaky => ("flaky", "~", Role::Warn, note),
            Standing::Warned => ("warned", "!", Role::Warn, warning),
            Standing::Failed => ("failed", "✗", Role::Bad, error),
            Standing::Inconclusive => ("inconclusive", "?", Role::Warn, warning),
            Standing::Skipped => ("skipped", "-", Role::Dim, None),
        };
        let name = if matches!(self, Standing::Unverified) { "not verified" } else { id };
        Look { id, name, mark, role, level }
    }
}

/// What a case claims although nothing verified it; also where it passed on the second try.
pub fn unverified(result: &CaseResult) -> Option<&str> {
    result.unseen.as_deref().filter(|_| result.status == Status::Passed)
}

pub fn unverified_claims(results: &[CaseResult]) -> Vec<(&str, Vec<&CaseResult>)> {
    let mut claims: Vec<(&str, Vec<&CaseResult>)> = Vec::new();
    for result in results {
        let Some(text) = unverified(result) else { continue };
        match claims.iter_mut().find(|(known, _)| *known == text) {
            Some((_, cases)) => cases.push(result),
            None => claims.push((text, vec![result])),
        }
    }
    claims
}

pub fn count(results: &[CaseResult], standing: Standing) -> u64 {
    results.iter().filter(|result| Standing::of(result) == standing).count() as u64
}

/// How many results there are of each standing that occurs.
pub fn counts<'a>(
    results: impl IntoIterator<Item = &'a CaseResult> + Clone,
) -> Vec<(Standing, u64)> {
    let is = |standing| move |result: &&CaseResult| Standing::of(result) == standing;
    let count = |standing| results.clone().into_iter().filter(is(standing)).count() as u64;
    let counts = Standing::ALL.map(|standing| (standing, count(standing)));
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    pub standing: Standing,
    pub code: &'static str,
    pub title: &'static str,
    pub reason: String,
    pub advice: &'static str,
}

impl Headline {
    /// The title within a sentence.
    pub fn phrase(&self) -> String {
        let title = self.title.strip_prefix("INCONCLUSIVE: ").unwrap_or(self.title);
        title.to_lowercase()
    }
}

/// What is said of the endpoint as a whole; `None` where its cases speak for it.
pub fn headline(endpoint: &Endpoint) -> Option<Headline> {
    let (standing, title, reason, advice) = match endpoint {
        Endpoint::Discerning => return None,
        Endpoint::AcknowledgesEverything => (
            Standing::Failed,
            "ACKNOWLEDGES EVERYTHING",
            "It acknowledged unsigned and forged notifications as it did the good one.".to_owned(),
            "Whoever finds this URL can settle or refund any order without the key. Verify `sign` \
             before anything else, and answer \"0000\" only to what verifies.",
        ),
        Endpoint::RefusesControl { reason } => (
            Standing::Inconclusive,
            "INCONCLUSIVE: the known-good control is refused",
            reason.clone(),
            "This does not show a secure endpoint: one that refuses everything refuses forgeries \
             too.",
        ),
        Endpoint::BooksNothing { reason } => (
            Standing::Failed,
            "ACKNOWLEDGES AND BOOKS NOTHING",
            reason.clone(),
            "What is acknowledged is not sent again: every payout would be lost. Or --observe looks \
             at something else: run it by hand with PAYOUT_CHECK_ORDER set to an order's payout_id.",
        ),
        Endpoint::Unreachable { reason } => (
            Standing::Inconclusive,
            "UNREACHABLE",
            reason.clone(),
            "Nothing is known of this endpoint, and the platform would reach it no better. Compare \
             the URL, the name's address, the firewall and the certificate.",
        ),
    };
    Some(Headline { standing, code: endpoint_name(endpoint), title, reason, advice })
}

pub const fn endpoint_name(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Discerning => "discerning",
        Endpoint::AcknowledgesEverything => "acknowledges-everything",
        Endpoint::RefusesControl { .. } => "refuses-control",
        Endpoint::BooksNothing { .. } => "books-nothing",
        Endpoint::Unreachable { .. } => "unreachable",
    }
}

/// Whether the endpoint was found in order: it tells good from bad, something passed, and no case
/// failed or is inconclusive. Warnings and second tries do not count against it; a gate may.
pub fn is_yes(report: &CheckReport) -> bool {
    let is = |status| report.results.iter().any(|result| result.status == status);
    report.endpoint == Endpoint::Discerning
        && (is(Status::Passed) || is(Status::Warned))
        && !is(Status::Failed)
        && !is(Status::Inconclusive)
}

pub fn again(report: &CheckReport, id: &str) -> String {
    let url = visible(&report.url, LONGEST_URL);
    let mut command = format!("payout-notify check {}", shell_word(&url));
    let has_seed = report.options.iter().any(|option| option.name == "--seed");
    if report.explored.is_some() {
        let seed = if has_seed { String::new() } else { format!(" --seed {}", report.seed) };
        command.push_str(&seed);
        // A replay is one case already.
    } else if !report.options.iter().any(|option| option.name == "--replay") {
        command.push_str(&format!(" --only {}", shell_word(&visible(id, LONGEST_ID))));
    }
    with_options(command, &report.options)
}

/// The command that sends a bundle again, as a shell reads it. The bundle has the bytes and the
/// URL; the options say how the endpoint is reached.
pub fn replay(path: &str, options: &[RunOption]) -> String {
    const TAKEN: [&str; 9] = [
        "--header",
        "--resolve",
        "--cacert",
        "--insecure",
        "--client-cert",
        "--client-key",
        "--timeout",
        "--max-rate",
        "--yes",
    ];
    let is_taken = |option: &&RunOption| TAKEN.contains(&option.name.as_str());
    let options: Vec<RunOption> = options.iter().filter(is_taken).cloned().collect();
    with_options(format!("payout-notify check --replay {}", shell_word(path)), &options)
}

fn with_options(mut command: String, options: &[RunOption]) -> String {
    for RunOption { name, value } in options {
        command += &match value.as_deref() {
            // A value that begins with a dash would be read as an option.
            Some(value) if value.starts_with('-') => format!(" {name}={}", shell_word(value)),
            Some(value) => format!(" {name} {}", option_value(name, value)),
            None => format!(" {name}"),
        };
    }
    command
}

fn option_value(option: &str, value: &str) -> String {
    const CREDENTIALS: [&str; 6] =
        ["authorization", "cookie", "token", "secret", "password", "api-key"];
    let Some((name, _)) = value.split_once(':').filter(|_| option == "--header") else {
        return shell_word(value);
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let lower = name.to_ascii_lowercase();
    match CREDENTIALS.iter().any(|word| lower.contains(word)) && name.chars().all(is_plain) {
        true => format!("\"{name}: ${}\"", name.to_ascii_uppercase().replace('-', "_")),
        false => shell_word(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::check::{junit, sample, tap};

    fn one_of(standing: Standing) -> CheckReport {
        let mut report = sample::report();
        report.results.retain(|result| Standing::of(result) == standing);
        assert_eq!(report.results.len(), 1);
        report
    }

    #[test]
    fn every_standing_has_its_own_row() {
        let mut marks = Standing::ALL.map(|standing| standing.look().mark);
        marks.sort_unstable();
        assert!(marks.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn inconclusive_is_never_shown_as_passed() {
        assert_eq!(Standing::Inconclusive.look().level, Some("warning"));
        let report = one_of(Standing::Inconclusive);
        assert!(tap::text(&report).contains("\nnot ok 2 - "));
        assert!(junit::xml(&report).contains("<error "));
    }

    #[test]
    fn only_a_clean_report_is_a_yes() {
        assert!(is_yes(&sample::clean()));
        assert!(!is_yes(&sample::report()));
        assert!(!is_yes(&sample::refused()));
        let nothing = CheckReport { results: Vec::new(), ..sample::clean() };
        assert!(!is_yes(&nothing));
    }

    #[test]
    fn a_command_to_repeat_is_quoted_for_a_shell() {
        let of = |url: &str, options: &[(&str, Option<&str>)]| {
            let options = options.iter().map(|(name, value)| RunOption {
                name: (*name).to_owned(),
                value: value.map(str::to_owned),
            });
            CheckReport { url: url.to_owned(), options: options.collect(), ..sample::clean() }
        };
        assert_eq!(
            again(&of("http://h/a?b=1&c='d'", &[]), "auth-no-sign"),
            r"payout-notify check 'http://h/a?b=1&c='\''d'\''' --only auth-no-sign"
        );
        let options = [
            ("--observe", Some("sh -c 'echo $X'")),
            ("--yes", None),
            ("--header", Some("X-Shop: a b")),
            ("--header", Some("Authorization: Bearer s3cret")),
            ("--platform-id", Some("-1")),
        ];
        assert_eq!(
            again(&of("http://127.0.0.1:8080/notify", &options), "x"),
            r#"payout-notify check http://127.0.0.1:8080/notify --only x --observe 'sh -c '\''echo $X'\''' --yes --header 'X-Shop: a b' --header "Authorization: $AUTHORIZATION" --platform-id=-1"#
        );
        let replay = [("--replay", Some("a.json"))];
        assert_eq!(
            again(&of("http://h/", &replay), "x"),
            "payout-notify check http://h/ --replay a.json"
        );
        let options = of("http://h/", &options).options;
        assert!(super::replay("my bundles/x.json", &options).starts_with(
            "payout-notify check --replay 'my bundles/x.json' --yes --header 'X-Shop: a b'"
        ));
    }

    #[test]
    fn what_was_not_verified_is_not_passed() {
        let report = one_of(Standing::Unverified);
        assert!(tap::text(&report).contains(" # SKIP not verified: "));
        assert!(junit::xml(&report).contains("<skipped "));
        let report = sample::report();
        let claims = unverified_claims(&report.results);
        assert_eq!(claims.len(), 1);
        assert_eq!(Standing::of(claims[0].1[0]), Standing::Unverified);
        assert!(is_yes(&sample::clean()), "a claim without an observer does not fail a check");
    }
}
