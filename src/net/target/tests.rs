//! URLs as they are read, sent and shown.

use super::*;

#[test]
fn urls_are_read_with_a_guess_only_for_the_own_machine() {
    let read = |text| Target::parse(text).map(|target| target.to_string());
    for (text, url) in [
        ("localhost:8787/x", "http://localhost:8787/x"),
        ("127.0.0.1:8787", "http://127.0.0.1:8787/"),
        ("[::1]:8787/x?u=http://y", "http://[::1]:8787/x?u=http://y"),
        (" :8787/x ", "http://localhost:8787/x"),
        ("HTTPS://User:Pass@Shop.example/a", "https://shop.example/a"),
    ] {
        assert_eq!(read(text).as_deref(), Ok(url), "{text}");
    }
    assert_eq!(read(""), Err(TargetError::Empty));
    assert_eq!(read("shop.example/notify"), Err(TargetError::NoScheme));
    assert_eq!(read("ftp://shop.example/"), Err(TargetError::Scheme("ftp".into())));
    for text in [
        "localhost:99999",
        "127.0.0.1:65536/x",
        ":99999",
        "http://h:99999/",
        "localhost:0",
        "[::1]:70000",
        "https://h:-1/",
    ] {
        assert_eq!(read(text), Err(TargetError::Port), "{text}");
    }
    for text in ["http://", "http://a b/", "mailto:a@b", "http://[::1/"] {
        assert!(read(text).is_err(), "{text}");
    }
    let target = Target::parse("http://user:s3cret@127.9.9.9/").unwrap();
    assert!(target.is_loopback() && !format!("{target:?} {target}").contains("s3cret"));
    assert!(!Target::parse("http://localhost.example/").unwrap().is_loopback());
}

#[test]
fn the_path_and_the_query_stay_as_they_were_written() {
    for (url, uri) in [
        ("http://h", "/"),
        ("http://h?a=b", "/?a=b"),
        ("http://h/a/../b", "/a/../b"),
        ("http://h/./%7e'/%2E%2e/", "/./%7e'/%2E%2e/"),
        ("http://h/n?q='x'&{}|^", "/n?q='x'&{}|^"),
        ("http://h//x//y/", "//x//y/"),
        ("http://h/a\\b", "/a\\b"),
        ("http://h/n?a=b?c#part?d", "/n?a=b?c"),
        // What no request can carry is encoded.
        ("http://h/\u{e9}?\u{20ac}=\"<>`", "/%C3%A9?%E2%82%AC=%22%3C%3E%60"),
    ] {
        let target = Target::parse(url).unwrap();
        assert_eq!(target.uri().to_string(), uri, "{url}");
        assert_eq!(target.to_string(), format!("http://h{uri}"), "{url}");
    }
}

#[test]
fn a_host_is_where_the_parser_of_urls_sees_it() {
    for url in [
        "http:///notify",
        "http:////h/notify",
        "http://\\h/notify",
        "http://h\\@other.example/",
        "http://",
        "http://?x",
        "http://#x",
        "http:///",
    ] {
        assert!(matches!(Target::parse(url), Err(TargetError::Syntax(_))), "{url}");
    }
    for url in ["http://:3000/", "http://h:/", "http://h:x/", "http://h:0x50/"] {
        assert!(Target::parse(url).is_err(), "{url}");
    }
    let host = |url: &str| Target::parse(url).unwrap().host().to_owned();
    assert_eq!(host("http://user@x:pw@Shop.Example:8080/@y"), "shop.example");
    assert_eq!(host("http://m\u{fc}nchen.example/"), "xn--mnchen-3ya.example");
    assert_eq!(host("http://0x7f.1/"), "127.0.0.1");
}

#[test]
fn credentials_are_a_header_and_nowhere_else() {
    let target = Target::parse("https://user:pa%20ss@h/x?y").unwrap();
    assert!(target.has_credentials());
    assert_eq!(target.credentials().unwrap(), "Basic dXNlcjpwYSBzcw==");
    assert_eq!(target.to_string(), "https://h/x?y");
    assert_eq!(target.authority(), "h");
    assert_ne!(target, Target::parse("https://h/x?y").unwrap());
    assert!(target.is_same_endpoint(&Target::parse("https://h/z").unwrap()));
    assert!(!target.is_same_endpoint(&Target::parse("http://h:443/z").unwrap()));
}

#[test]
fn the_path_is_the_urls_and_the_query_is_both() {
    let uri = |url: &str, path: &str| {
        let query = path.split_once('?').map(|(_, query)| query);
        Target::parse(url).unwrap().uri_with_query(query).map(|uri| uri.to_string())
    };
    for (url, path, expected) in [
        ("http://h", "/x", "/"),
        ("http://h/notify", "/x", "/notify"),
        ("http://h/notify#part", "/x?a=%20b&c", "/notify?a=%20b&c"),
        ("http://h/notify?t=1", "/x", "/notify?t=1"),
        ("http://h/notify?t=1", "/x?a=1?b", "/notify?t=1&a=1?b"),
        ("http://h/notify", "/x?", "/notify?"),
        ("http://h/notify", "*", "/notify"),
    ] {
        assert_eq!(uri(url, path).unwrap(), expected, "{url} {path}");
    }
    assert!(uri("http://h/", "/x?a b").is_none());
    assert!(uri("http://h/", &format!("/x?{}", "a".repeat(70_000))).is_none());
}

#[test]
fn how_far_a_host_is_shows_in_its_name() {
    for (url, locality) in [
        ("http://localhost:3000/", Locality::Loopback),
        ("http://app.localhost/", Locality::Loopback),
        ("http://127.9.9.9/", Locality::Loopback),
        ("http://[::1]/", Locality::Loopback),
        ("http://[::ffff:127.0.0.1]/", Locality::Loopback),
        ("http://0.0.0.0/", Locality::Loopback),
        ("http://192.168.1.2/", Locality::Private),
        ("http://[fd00::1]/", Locality::Private),
        ("http://app:3000/", Locality::Private),
        ("http://host.docker.internal/", Locality::Private),
        ("http://shop.lan./", Locality::Private),
        ("http://172.31.255.255/", Locality::Private),
        ("http://[fe80::1]/", Locality::Private),
        ("http://[::ffff:10.0.0.1]/", Locality::Private),
        ("http://169.254.1.1/", Locality::Private),
        ("http://172.32.0.1/", Locality::Elsewhere),
        ("http://172.15.0.1/", Locality::Elsewhere),
        ("http://192.169.0.1/", Locality::Elsewhere),
        ("http://11.0.0.1/", Locality::Elsewhere),
        ("http://100.64.0.1/", Locality::Elsewhere),
        ("http://[2001:db8::1]/", Locality::Elsewhere),
        ("http://[::ffff:8.8.8.8]/", Locality::Elsewhere),
        ("http://8.8.8.8/", Locality::Elsewhere),
        ("http://example.com/", Locality::Elsewhere),
        ("http://localhost.example.com/", Locality::Elsewhere),
    ] {
        assert_eq!(Target::parse(url).unwrap().locality(), locality, "{url}");
    }
}

#[test]
fn the_listener_itself_is_recognized() {
    let is = |url: &str, bound: &str| Target::parse(url).unwrap().reaches(bound.parse().unwrap());
    for (url, bound) in [
        ("http://127.0.0.1:8787/", "127.0.0.1:8787"),
        ("http://localhost:8787/", "127.0.0.1:8787"),
        ("http://localhost:8787/", "0.0.0.0:8787"),
        ("http://0.0.0.0:8787/", "127.0.0.1:8787"),
        ("http://127.0.0.1:8787/", "[::]:8787"),
        ("http://10.0.0.1:8787/", "10.0.0.1:8787"),
    ] {
        assert!(is(url, bound), "{url} {bound}");
    }
    for (url, bound) in [
        ("http://127.0.0.1:3000/", "127.0.0.1:8787"),
        ("http://127.0.0.2:8787/", "127.0.0.1:8787"),
        ("http://example.com:8787/", "0.0.0.0:8787"),
    ] {
        assert!(!is(url, bound), "{url} {bound}");
    }
}
