//! Which request of the page is which, and what it carries.

use protocol::internal::form;
use protocol::{Encoding, Value};
use serde::Deserialize;

use super::shape::Extent;
use super::source::{MAX_LIMIT, MAX_TEXT_BYTES, Query};
use crate::mask::{Untrusted, quoting};
use crate::receiver::callback::Callback;
use crate::receiver::inbox::Validity;

const MAX_ORDER_BYTES: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Asset(&'static Asset),
    State,
    List(Query),
    Entry(u64, Extent),
    Events(Query),
    Sign(ListOrder),
    Replay(ListOrder),
    Curl(ListOrder),
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

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct ListOrder {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) url: String,
    #[serde(default)]
    pub(super) text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// 404: there is no such path.
    Path,
    /// 405: the path requires this method.
    Method(&'static str),
    /// 400: what it carries cannot be read.
    Content(String),
}

impl Route {
    pub(super) fn of(request: &Callback) -> Result<Route, Unknown> {
        let (path, query) = request.path.raw().split_once('?').unwrap_or((request.path.raw(), ""));
        let wanted = match path {
            "/api/sign" | "/api/replay" | "/api/curl" => "POST",
            _ => "GET",
        };
        let route = match path {
            "/api/state" => Ok(Route::State),
            "/api/callbacks" => list_query(query).map(Route::List),
            "/api/events" => list_query(query).map(Route::Events),
            "/api/sign" => order(request).map(Route::Sign),
            "/api/replay" => order(request).map(Route::Replay),
            "/api/curl" => order(request).map(Route::Curl),
            _ => match path.strip_prefix("/api/callbacks/") {
                Some(id) => entry(id, query),
                None => asset(path).map(Route::Asset),
            },
        };
        match route {
            Err(Unknown::Path) => Err(Unknown::Path),
            _ if request.method.raw() != wanted => Err(Unknown::Method(wanted)),
            route => route,
        }
    }
}

fn asset(path: &str) -> Result<&'static Asset, Unknown> {
    ASSETS.iter().find(|asset| asset.path == path).ok_or(Unknown::Path)
}

fn entry(id: &str, query: &str) -> Result<Route, Unknown> {
    let extent = if query == "whole=1" { Extent::Whole } else { Extent::Beginning };
    id.parse().map(|id| Route::Entry(id, extent)).map_err(|_| Unknown::Path)
}

fn order(request: &Callback) -> Result<ListOrder, Unknown> {
    serde_json::from_slice(&request.body)
        .map_err(|error| Unknown::Content(quoting(&error.to_string())))
}

fn list_query(text: &str) -> Result<Query, Unknown> {
    let mut query = Query::default();
    if text.is_empty() {
        return Ok(query);
    }
    let wrong = |what: &str| Unknown::Content(format!("{what} cannot be read"));
    let text = format!("?{text}");
    let pairs = form::read(text.as_bytes(), Encoding::Query)
        .map_err(|error| Unknown::Content(quoting(&error.to_string())))?;
    for member in pairs.members() {
        let Value::String(value) = &member.value else { continue };
        if value.is_empty() {
            continue;
        }
        match &*member.name {
            "before" => query.before = Some(value.parse().map_err(|_| wrong("before"))?),
            "status" => query.status = Some(value.parse().map_err(|_| wrong("status"))?),
            "verdict" if value == "valid" => query.verdict = Some(Validity::Valid),
            "verdict" if value == "invalid" => query.verdict = Some(Validity::Invalid),
            "verdict" => return Err(wrong("verdict")),
            "limit" => {
                let limit: usize = value.parse().map_err(|_| wrong("limit"))?;
                query.limit = limit.clamp(1, MAX_LIMIT);
            }
            "q" if value.len() <= MAX_TEXT_BYTES => query.text = Some(value.to_string()),
            "order" if value.len() <= MAX_ORDER_BYTES => query.order = Some(value.to_string()),
            name => return Err(wrong(&format!("{:?}", Untrusted::new(&name)))),
        }
    }
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;

    fn route(method: &str, path: &str, body: &str) -> Result<Route, Unknown> {
        let mut request = example::entry(1, "P", body.as_bytes()).callback.clone();
        request.method = method.to_owned().into();
        request.path = path.to_owned().into();
        Route::of(&request)
    }

    #[test]
    fn a_list_is_asked_for_within_bounds() {
        let path = "/api/callbacks?before=9&q=a%20b&verdict=invalid&status=3&order=P%26&limit=9999";
        assert_eq!(
            route("GET", path, ""),
            Ok(Route::List(Query {
                before: Some(9),
                text: Some("a b".into()),
                verdict: Some(Validity::Invalid),
                status: Some(3),
                order: Some("P&".into()),
                limit: MAX_LIMIT,
            }))
        );
        assert_eq!(route("GET", "/api/callbacks?q=&limit=", ""), Ok(Route::List(Query::default())));
        let long = format!("/api/callbacks?q={}", "x".repeat(MAX_TEXT_BYTES + 1));
        for path in
            ["/api/callbacks?before=-1", "/api/callbacks?verdict=x", "/api/events?x=1", &long]
        {
            assert!(matches!(route("GET", path, ""), Err(Unknown::Content(_))), "{path}");
        }
    }

    #[test]
    fn a_change_is_asked_for_by_post_alone() {
        for path in ["/api/sign", "/api/replay", "/api/curl"] {
            assert_eq!(route("GET", path, ""), Err(Unknown::Method("POST")), "{path}");
            let body = r#"{"id":1,"url":"http://h/","text":"{}"}"#;
            assert!(route("POST", path, body).is_ok());
            for body in ["", "[]", "{}", r#"{"id":1,"x":2}"#, r#"{"id":-1}"#] {
                assert!(matches!(route("POST", path, body), Err(Unknown::Content(_))), "{body}");
            }
        }
        assert_eq!(route("POST", "/api/callbacks", ""), Err(Unknown::Method("GET")));
    }

    #[test]
    fn there_is_nothing_else() {
        assert_eq!(route("GET", "/api/callbacks/7", ""), Ok(Route::Entry(7, Extent::Beginning)));
        assert_eq!(
            route("GET", "/api/callbacks/7?whole=1", ""),
            Ok(Route::Entry(7, Extent::Whole))
        );
        for path in ["/x", "//", "/../page.js", "/api/callbacks/x", "/api/callbacks/", "/API/state"]
        {
            assert_eq!(route("GET", path, ""), Err(Unknown::Path), "{path}");
        }
        assert!(matches!(route("GET", "/?x", ""), Ok(Route::Asset(_))));
    }
}
