//! Which request is which, and what it carries.

use std::time::Duration;

use protocol::internal::form;
use protocol::{Encoding, StatusTable, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Number;

use super::objects::Extent;
use super::problem::Problem;
use super::waiting::{LONGEST_WAIT, WaitQuery};
use crate::mask::{Untrusted, quoting};
use crate::receiver::callback::Callback;
use crate::receiver::delivery_counter::DEFAULT_CAPACITY;
use crate::receiver::inbox::{Conditions, Filter};
use crate::receiver::replies::{Per, ReplyProgram, Runner};
use crate::report::redact::FieldRedactor;
use crate::units::duration::parse_duration;

const MAX_CONDITION_CHARS: usize = 512;

const USUAL_LIMIT: u64 = 100;

pub(super) const MAX_LIMIT: u64 = 500;

const USUAL_WAIT: Duration = Duration::from_secs(30);

/// Every path of the API with its methods; `docs/openapi.json` describes the same.
const API: [(&str, &[&str]); 12] = [
    ("/api/callbacks", &["GET"]),
    ("/api/callbacks/wait", &["GET"]),
    ("/api/callbacks/{id}", &["GET"]),
    ("/api/curl", &["POST"]),
    ("/api/events", &["GET"]),
    ("/api/openapi.json", &["GET"]),
    ("/api/replay", &["POST"]),
    ("/api/replies", &["GET", "PUT"]),
    ("/api/reset", &["POST"]),
    ("/api/sign", &["POST"]),
    ("/api/state", &["GET"]),
    ("/healthz", &["GET", "HEAD"]),
];

#[derive(Clone, Debug)]
pub(super) enum Route {
    Health,
    Asset(&'static Asset),
    State,
    List(Filter, FieldRedactor),
    Wait(WaitQuery),
    Entry(u64, Extent, FieldRedactor),
    Events(Filter, FieldRedactor),
    Sign(SignRequest),
    Replay(SendRequest),
    Curl(SendRequest),
    Replies,
    SetReplies(Option<Runner>),
    Reset(Option<u64>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asset {
    path: &'static str,
    pub(super) content_type: &'static str,
    pub(super) text: &'static str,
}

const PAGE: &str = "text/html;charset=utf-8";
const STYLE: &str = "text/css;charset=utf-8";
const SCRIPT: &str = "text/javascript;charset=utf-8";

static ASSETS: [Asset; 6] = [
    Asset { path: "/", content_type: PAGE, text: include_str!("assets/page.html") },
    Asset { path: "/page.css", content_type: STYLE, text: include_str!("assets/page.css") },
    Asset { path: "/page.js", content_type: SCRIPT, text: include_str!("assets/page.js") },
    Asset { path: "/list.js", content_type: SCRIPT, text: include_str!("assets/list.js") },
    Asset { path: "/detail.js", content_type: SCRIPT, text: include_str!("assets/detail.js") },
    Asset { path: "/text.js", content_type: SCRIPT, text: include_str!("assets/text.js") },
];

static OPENAPI: Asset = Asset {
    path: "/api/openapi.json",
    content_type: "application/json",
    text: include_str!("../../docs/openapi.json"),
};

/// Signs the text, or the callback of this number, or the text as that callback is signed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct SignRequest {
    #[serde(default)]
    pub(super) id: Option<Whole>,
    #[serde(default)]
    pub(super) text: Option<String>,
    /// In which form the text is; that of the callback, or JSON.
    #[serde(default)]
    pub(super) encoding: Option<TextEncoding>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum TextEncoding {
    Json,
    Form,
    Query,
    Xml,
}

impl From<TextEncoding> for Encoding {
    fn from(encoding: TextEncoding) -> Encoding {
        match encoding {
            TextEncoding::Json => Encoding::Json,
            TextEncoding::Form => Encoding::Form,
            TextEncoding::Query => Encoding::Query,
            TextEncoding::Xml => Encoding::Xml,
        }
    }
}

/// Sends the callback of this number, or the text in its place.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct SendRequest {
    pub(super) id: Whole,
    pub(super) url: String,
    #[serde(default)]
    pub(super) text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RepliesRequest {
    /// `None` for the usual replies; it must be there, so that `{}` changes nothing.
    #[serde(deserialize_with = "Option::deserialize")]
    reply: Option<String>,
    #[serde(default)]
    per: Option<String>,
    #[serde(default)]
    seed: Whole,
}

/// A number without a fraction. JSON has one kind of number, so `12.0` is one.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Number")]
pub(super) struct Whole(pub(super) u64);

impl TryFrom<Number> for Whole {
    type Error = &'static str;

    fn try_from(number: Number) -> Result<Whole, &'static str> {
        // Up to here each whole number is a floating-point number of its own.
        const MOST: f64 = 9_007_199_254_740_992.0;
        let exact = |float: &f64| float.fract() == 0.0 && (0.0..=MOST).contains(float);
        // In digits, because no conversion of the language is checked.
        let of_float = |float: f64| format!("{float:.0}").parse().ok();
        let whole = number.as_u64().or_else(|| number.as_f64().filter(exact).and_then(of_float));
        whole.map(Whole).ok_or("expected a whole number, 0 or more")
    }
}

/// What goes is named, so that no empty request deletes anything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetRequest {
    through: Through,
}

#[derive(Deserialize)]
#[serde(try_from = "serde_json::Value")]
enum Through {
    Number(u64),
    Latest,
}

impl TryFrom<serde_json::Value> for Through {
    type Error = &'static str;

    fn try_from(value: serde_json::Value) -> Result<Through, &'static str> {
        match value {
            serde_json::Value::Number(number) => {
                Whole::try_from(number).map(|number| Through::Number(number.0))
            }
            serde_json::Value::String(word) if word == "latest" => Ok(Through::Latest),
            _ => Err("expected a number or \"latest\""),
        }
    }
}

/// The methods of a path, or that there is no such path.
pub(super) fn check_method(request: &Callback, has_page: bool) -> Result<(), Problem> {
    let (path, _) = split(request);
    let template = match path.strip_prefix("/api/callbacks/") {
        Some(id) if digits(id).is_some() => "/api/callbacks/{id}",
        _ => path,
    };
    let is_asset = has_page && asset(path).is_some();
    let known = API.iter().find(|(known, _)| *known == template);
    let methods = known.map(|(_, methods)| *methods).or(is_asset.then_some(&["GET"]));
    let Some(methods) = methods else {
        let problem = Problem::new(404, "there is nothing at this path");
        return Err(problem.hint("GET /api/openapi.json lists what there is"));
    };
    if methods.contains(&request.method.raw().as_str()) {
        return Ok(());
    }
    let allowed = methods.join(", ");
    let method = format!("the method is {}", Untrusted::new(&request.method.raw()));
    Err(Problem::new(405, method).hint(format!("use {allowed}")).header("Allow", allowed))
}

/// A number in decimal digits alone; the standard library's parser takes a sign too.
fn digits(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn split(request: &Callback) -> (&str, &str) {
    let target = request.path.raw();
    target.split_once('?').unwrap_or((target, ""))
}

fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

impl Route {
    /// What is asked for, by a method that [`check_method`] allows. Times count from the request.
    pub(super) fn of(request: &Callback, statuses: &StatusTable) -> Result<Route, Problem> {
        let (path, query) = split(request);
        let parameters = || Parameters::read(query, request, statuses);
        match (path, request.method.raw().as_str()) {
            ("/healthz", _) => Ok(Route::Health),
            ("/api/openapi.json", _) => Ok(Route::Asset(&OPENAPI)),
            ("/api/state", _) => Ok(Route::State),
            ("/api/callbacks", _) => parameters()?.list(),
            ("/api/callbacks/wait", _) => parameters()?.wait().map(Route::Wait),
            ("/api/events", _) => parameters()?.conditions_alone(),
            ("/api/sign", _) => body(request, r#"{"id": 12} or {"text": "…"}"#).map(Route::Sign),
            ("/api/replay", _) => body(request, SEND).map(Route::Replay),
            ("/api/curl", _) => body(request, SEND).map(Route::Curl),
            ("/api/replies", "PUT") => replies(request).map(Route::SetReplies),
            ("/api/replies", _) => Ok(Route::Replies),
            ("/api/reset", _) => reset(request).map(Route::Reset),
            _ => match path.strip_prefix("/api/callbacks/").and_then(digits) {
                Some(id) => parameters()?.entry(id),
                None => asset(path)
                    .map(Route::Asset)
                    .ok_or_else(|| Problem::new(404, "there is nothing at this path")),
            },
        }
    }
}

const SEND: &str = r#"{"id": 12, "url": "http://127.0.0.1:3000/notify"}"#;

fn body<T: DeserializeOwned>(request: &Callback, example: &str) -> Result<T, Problem> {
    let wrong = |why: &str| {
        let problem = Problem::new(400, format!("the body cannot be read: {}", quoting(why)));
        problem.hint(format!("send a body such as {example}"))
    };
    // serde would take an array for the fields in their order.
    if request.body.trim_ascii_start().first() != Some(&b'{') {
        return Err(wrong("it is not a JSON object"));
    }
    serde_json::from_slice(&request.body).map_err(|error| wrong(&error.to_string()))
}

fn replies(request: &Callback) -> Result<Option<Runner>, Problem> {
    let asked: RepliesRequest = body(request, r#"{"reply": "fail*3, ok"} or {"reply": null}"#)?;
    let wrong = |why: String| Problem::new(422, why);
    let per = match &asked.per {
        None => Per::default(),
        Some(text) => text.parse().map_err(|error| wrong(format!("per: {error}")))?,
    };
    let Some(text) = asked.reply else { return Ok(None) };
    let program = ReplyProgram::parse(&text).map_err(|error| {
        wrong(format!("reply: {error}")).hint("docs/replies.md has the words of reply programs")
    })?;
    Ok(Some(Runner::new(program, per, asked.seed.0, DEFAULT_CAPACITY)))
}

fn reset(request: &Callback) -> Result<Option<u64>, Problem> {
    let asked: ResetRequest = body(request, r#"{"through": "latest"} or {"through": 12}"#)?;
    Ok(match asked.through {
        Through::Number(number) => Some(number),
        Through::Latest => None,
    })
}

/// The parameters of a query string.
#[derive(Default)]
struct Parameters {
    filter: Filter,
    limit: Option<u64>,
    count: Option<u64>,
    within: Option<Duration>,
    extent: Option<Extent>,
    redactor: FieldRedactor,
}

impl Parameters {
    fn read(text: &str, request: &Callback, statuses: &StatusTable) -> Result<Parameters, Problem> {
        let mut found = Parameters::default();
        let mut conditions = Conditions { statuses: *statuses, ..Conditions::default() };
        let (mut before, mut after) = (None, None);
        let text = format!("?{text}");
        let pairs = match text.len() {
            1 => None,
            _ => Some(form::read(text.as_bytes(), Encoding::Query).map_err(|error| {
                Problem::new(400, format!("the query string: {}", quoting(&error.to_string())))
            })?),
        };
        for member in pairs.iter().flat_map(|pairs| pairs.members()) {
            let Value::String(value) = &member.value else { continue };
            let name = &*member.name;
            if value.is_empty() {
                continue;
            }
            let wrong = |why: &str| {
                Problem::new(400, format!("{}: {}", Untrusted::new(&name), quoting(why)))
            };
            if value.chars().nth(MAX_CONDITION_CHARS).is_some() {
                return Err(wrong("longer than 512 characters"));
            }
            let number = || digits(value).ok_or_else(|| wrong("expected a whole number"));
            match name {
                "before" => before = Some(number()?),
                "after" => after = Some(number()?),
                "limit" => found.limit = Some(number()?),
                "whole" if value == "1" => found.extent = Some(Extent::Whole),
                "whole" => return Err(wrong("expected 1")),
                "redact" => found.redactor = FieldRedactor::parse(value).map_err(wrong)?,
                "count" => found.count = Some(number()?),
                "within" => {
                    let within =
                        parse_duration(value).map_err(|error| wrong(&error.to_string()))?;
                    found.within = Some(within);
                }
                _ => match conditions.set(name, value) {
                    Some(set) => set.map_err(|why| wrong(&why))?,
                    None => return Err(unknown(name)),
                },
            }
        }
        found.filter = Filter { before, after, ..conditions.filter(request.received_at) };
        Ok(found)
    }

    fn entry(self, id: u64) -> Result<Route, Problem> {
        let is_of_many = self.filter != Filter::default() || self.limit.or(self.count).is_some();
        if is_of_many || self.within.is_some() {
            return Err(Problem::new(400, "the only parameters here are whole=1 and redact"));
        }
        Ok(Route::Entry(id, self.extent.unwrap_or(Extent::Beginning), self.redactor))
    }

    fn list(self) -> Result<Route, Problem> {
        self.refuse("count", self.count.is_some())?;
        self.refuse("within", self.within.is_some())?;
        self.refuse("whole", self.extent.is_some())?;
        let limit = Some(bounded("limit", self.limit.unwrap_or(USUAL_LIMIT))?);
        Ok(Route::List(Filter { limit, ..self.filter }, self.redactor))
    }

    fn conditions_alone(self) -> Result<Route, Problem> {
        self.refuse("count", self.count.is_some())?;
        self.refuse("within", self.within.is_some())?;
        self.refuse("limit", self.limit.is_some())?;
        self.refuse("whole", self.extent.is_some())?;
        Ok(Route::Events(self.filter, self.redactor))
    }

    fn wait(self) -> Result<WaitQuery, Problem> {
        self.refuse("limit", self.limit.is_some())?;
        self.refuse("before", self.filter.before.is_some())?;
        self.refuse("whole", self.extent.is_some())?;
        let within = self.within.unwrap_or(USUAL_WAIT);
        if within > LONGEST_WAIT {
            return Err(Problem::new(400, "within: expected at most 10m"));
        }
        let count = usize::try_from(bounded("count", self.count.unwrap_or(1))?).unwrap_or(1);
        Ok(WaitQuery { filter: self.filter, count, within, redactor: self.redactor })
    }

    fn refuse(&self, name: &str, is_there: bool) -> Result<(), Problem> {
        if is_there { Err(unknown(name)) } else { Ok(()) }
    }
}

fn unknown(name: &str) -> Problem {
    let what = format!("there is no parameter {:?} here", Untrusted::new(&name));
    Problem::new(400, what).hint("GET /api/openapi.json lists the parameters")
}

fn bounded(name: &str, number: u64) -> Result<u64, Problem> {
    match number {
        1..=MAX_LIMIT => Ok(number),
        _ => Err(Problem::new(400, format!("{name}: expected a number from 1 to {MAX_LIMIT}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;
    use crate::receiver::inbox::Validity;

    fn route(method: &str, path: &str, body: &str) -> Result<Route, u16> {
        let mut request = example::entry(1, "P", body.as_bytes()).callback.clone();
        request.method = method.to_owned().into();
        request.path = path.to_owned().into();
        check_method(&request, true).map_err(|problem| problem.status)?;
        Route::of(&request, &StatusTable::PLATFORM).map_err(|problem| problem.status)
    }

    fn listed(path: &str) -> Result<Filter, u16> {
        match route("GET", path, "")? {
            Route::List(filter, _) => Ok(filter),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_is_asked_for_within_bounds() {
        let path = "/api/callbacks?before=9&after=2&grep=a%20b&verdict=invalid&status=success&order=P%26&limit=500&since=10s";
        let since = "2026-09-21T14:13:10Z".parse().unwrap();
        assert_eq!(
            listed(path),
            Ok(Filter {
                before: Some(9),
                after: Some(2),
                text: Some("a b".into()),
                validity: Some(Validity::Invalid),
                status: Some(3),
                order: Some("P&".into()),
                since: Some(since),
                limit: Some(MAX_LIMIT),
                ..Filter::default()
            })
        );
        let usual = Filter { limit: Some(USUAL_LIMIT), ..Filter::default() };
        assert_eq!(listed("/api/callbacks?grep=&limit="), Ok(usual));
        let long = format!("/api/callbacks?grep={}", "x".repeat(MAX_CONDITION_CHARS + 1));
        for path in [
            "/api/callbacks?before=-1",
            "/api/callbacks?verdict=x",
            "/api/callbacks?limit=0",
            "/api/callbacks?limit=501",
            "/api/callbacks?limit=%2B5",
            "/api/callbacks?=5",
            "/api/callbacks?order=A&order=B",
            "/api/callbacks?within=1s",
            "/api/callbacks?since=yesterday",
            "/api/events?x=1",
            "/api/events?limit=1",
            "/api/callbacks/wait?within=11m",
            "/api/callbacks/wait?count=0",
            "/api/callbacks/wait?limit=1",
            "/api/callbacks/7?whole=2",
            "/api/callbacks/7?order=A",
            "/api/callbacks/7?within=1s",
            "/api/callbacks?whole=1",
            "/api/callbacks/wait?whole=1",
            "/api/events?whole=1",
            "/api/callbacks?redact=a&redact=b",
            "/api/callbacks?redact=a,,b",
            "/api/callbacks?redact=,",
            &long,
        ] {
            assert_eq!(route("GET", path, "").unwrap_err(), 400, "{path}");
        }
    }

    #[test]
    fn every_way_to_callbacks_redacts() {
        let redactor = FieldRedactor::new(&["a b", "c"].map(str::to_owned));
        for path in ["", "/wait", "/7"] {
            let found = match route("GET", &format!("/api/callbacks{path}?redact=a%20b,c"), "") {
                Ok(Route::List(_, found) | Route::Entry(7, _, found)) => found,
                Ok(Route::Wait(query)) => query.redactor,
                other => panic!("{other:?}"),
            };
            assert_eq!(found, redactor, "{path}");
        }
        let events = route("GET", "/api/events?redact=a%20b,c", "");
        assert!(matches!(events, Ok(Route::Events(_, found)) if found == redactor));
    }

    #[test]
    fn a_wait_has_a_count_and_a_time() {
        let Ok(Route::Wait(query)) =
            route("GET", "/api/callbacks/wait?count=2&within=50ms&after=7", "")
        else {
            panic!()
        };
        let filter = Filter { after: Some(7), ..Filter::default() };
        let within = Duration::from_millis(50);
        assert_eq!(
            query,
            WaitQuery { filter, count: 2, within, redactor: FieldRedactor::default() }
        );
    }

    #[test]
    fn a_change_is_asked_for_by_its_method_alone() {
        let send = r#"{"id":1,"url":"http://h/","text":"{}"}"#;
        for (path, body) in
            [("/api/sign", r#"{"id":1,"text":"{}"}"#), ("/api/replay", send), ("/api/curl", send)]
        {
            assert_eq!(route("GET", path, "").unwrap_err(), 405, "{path}");
            assert!(route("POST", path, body).is_ok());
            for body in ["", "[]", r#"{"id":1,"url":"","x":2}"#, r#"{"id":-1,"url":""}"#] {
                assert_eq!(route("POST", path, body).unwrap_err(), 400, "{body}");
            }
        }
        assert_eq!(route("POST", "/api/callbacks", "").unwrap_err(), 405);
        assert_eq!(route("DELETE", "/api/callbacks/7", "").unwrap_err(), 405);
    }

    #[test]
    fn a_reset_names_what_goes() {
        for (body, through) in [
            (r#"{"through":"latest"}"#, None),
            (r#"{"through":12}"#, Some(12)),
            (r#"{"through":12.0}"#, Some(12)),
            (r#"{"through":18446744073709551615}"#, Some(u64::MAX)),
        ] {
            let Ok(Route::Reset(found)) = route("POST", "/api/reset", body) else {
                panic!("{body}")
            };
            assert_eq!(found, through);
        }
        for body in [
            "",
            "{}",
            "null",
            r#"{"through":null}"#,
            r#"{"through":"all"}"#,
            r#"{"through":-1}"#,
            r#"{"through":1.5}"#,
            r#"{"through":1e300}"#,
            "[12]",
        ] {
            assert_eq!(route("POST", "/api/reset", body).unwrap_err(), 400, "{body}");
        }
    }

    #[test]
    fn replies_are_a_program_or_the_usual_ones() {
        let set = |body: &str| match route("PUT", "/api/replies", body)? {
            Route::SetReplies(runner) => Ok(runner.map(|runner| runner.program().to_string())),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            set(r#"{"reply":"fail*2, ok","per":"all","seed":7}"#),
            Ok(Some("500*2, ok".into()))
        );
        assert_eq!(set(r#"{"reply":null}"#), Ok(None));
        assert_eq!(set("{}"), Err(400));
        assert_eq!(set(r#"{"reply":"hnag"}"#), Err(422));
        assert_eq!(set(r#"{"reply":"ok","per":"x"}"#), Err(422));
    }

    #[test]
    fn there_is_nothing_else() {
        let entry = |path: &str| match route("GET", path, "") {
            Ok(Route::Entry(id, extent, _)) => (id, extent),
            other => panic!("{other:?}"),
        };
        assert_eq!(entry("/api/callbacks/7"), (7, Extent::Beginning));
        assert_eq!(entry("/api/callbacks/7?whole=1"), (7, Extent::Whole));
        for path in [
            "/x",
            "//",
            "/../page.js",
            "/api/callbacks/x",
            "/api/callbacks/",
            "/api/callbacks/+7",
            "/API/state",
        ] {
            assert_eq!(route("GET", path, "").unwrap_err(), 404, "{path}");
        }
        assert!(matches!(route("GET", "/?x", ""), Ok(Route::Asset(_))));
    }

    #[test]
    fn the_document_describes_every_path_and_method() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI.text).unwrap();
        let described = document["paths"].as_object().unwrap().iter().map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            (path.clone(), methods.map(|method| method.to_uppercase()).collect::<Vec<_>>())
        });
        let served = API.iter().map(|(path, methods)| {
            ((*path).to_owned(), methods.iter().map(|&method| method.to_owned()).collect())
        });
        assert_eq!(described.collect::<Vec<_>>(), served.collect::<Vec<_>>());
    }
}
