//! Which of the URLs that a tunnel client prints may lead to the listener.

use std::net::SocketAddr;

use crate::net::target::Target;

/// The tunnel services themselves, and where they are talked about.
const SERVICES: [&str; 12] = [
    "bore.pub",
    "cloudflare.com",
    "github.com",
    "localhost.run",
    "localtunnel.me",
    "ngrok.com",
    "pinggy.io",
    "serveo.net",
    "tailscale.com",
    "trycloudflare.com",
    "twitter.com",
    "x.com",
];

/// How hosts begin that are for people and not for tunnels.
const FOR_PEOPLE: [&str; 7] =
    ["dashboard", "developer", "developers", "doc", "docs", "help", "support"];

/// The same of a service's hosts; elsewhere they may be somebody's own names.
const FOR_CUSTOMERS: [&str; 10] =
    ["admin", "api", "app", "blog", "community", "console", "dash", "forum", "status", "www"];

/// The URLs that may be the tunnel's, the likelier ones first: those without a page, of a host that
/// is not a service's own and has no pages in the same text. This machine's other ports are only
/// meant where the client prints no other host.
pub(super) fn plausible(output: &str, bound: SocketAddr) -> Vec<String> {
    let links = links(output);
    let has_page = |url: &str| links.iter().any(|link| link.is_page && link.origin == url);
    let mut found: Vec<(String, bool)> = Vec::new();
    for Link { origin, is_page } in &links {
        let Ok(target) = Target::parse(origin) else { continue };
        let is_new = !found.iter().any(|(known, _)| known == origin);
        // A client repeats the address to which it forwards.
        let is_own = target.reaches(bound);
        if *is_page || !is_new || is_own || has_page(origin) || is_for_people(target.host()) {
            continue;
        }
        found.push((origin.clone(), target.is_loopback()));
    }
    // A service that takes both answers http with a redirect.
    found.sort_by_key(|(url, _)| !url.starts_with("https:"));
    let is_outside = found.iter().any(|(_, is_loopback)| !is_loopback);
    let chosen = found.into_iter().filter(|(_, is_loopback)| !(is_outside && *is_loopback));
    chosen.map(|(url, _)| url).collect()
}

fn is_for_people(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let (first, rest) = host.split_once('.').unwrap_or((&host, ""));
    SERVICES.contains(&&*host)
        || FOR_PEOPLE.contains(&first)
        || SERVICES.contains(&rest) && FOR_CUSTOMERS.contains(&first)
}

#[derive(Debug, PartialEq, Eq)]
struct Link {
    origin: String,
    /// Whether it names more than a server.
    is_page: bool,
}

fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("http") {
        let rest = &text[start..];
        let Some(scheme) = ["https://", "http://"].iter().find(|it| rest.starts_with(**it)) else {
            continue;
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        let host = &rest[scheme.len()..];
        let length = host.find(|c| !is_host(c)).unwrap_or(host.len());
        let (host, after) = host.split_at(length);
        let after = after.strip_prefix('/').unwrap_or(after);
        // At the very end of what was printed so far it may continue.
        let Some(next) = after.chars().next() else { continue };
        let is_page = next.is_ascii_alphanumeric() || "/?#@%~_.-+=&".contains(next);
        let host = host.trim_end_matches(['.', ':', '-']);
        let host = if host.contains('[') { host } else { host.trim_end_matches(']') };
        // Before an @ is a user's name.
        if !host.is_empty() && next != '@' {
            found.push(Link { origin: format!("{scheme}{host}"), is_page });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: ([u8; 4], u16) = ([127, 0, 0, 1], 8787);

    fn found(text: &str) -> Vec<String> {
        plausible(text, SocketAddr::from(BOUND))
    }

    /// What clients print, with other names.
    #[test]
    fn only_the_tunnel_is_tried_of_what_a_client_prints() {
        for (text, expected) in [
            (CLOUDFLARED, &["https://shop-and-so.trycloudflare.com"][..]),
            (NGROK, &["https://a1b2.ngrok-free.app"]),
            (LOCALHOST_RUN, &["https://a1b2c3.lhr.life"]),
            (SERVEO, &["https://shop.serveo.net"]),
            (LOCALTUNNEL, &["https://shop.loca.lt"]),
            (PINGGY, &["https://rnabc-1.a.free.pinggy.link", "http://rnabc-1.a.free.pinggy.link"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    const CLOUDFLARED: &str = "\
2026-11-30T08:15:00Z INF Thank you for trying Cloudflare Tunnel. Doing so, without a Cloudflare account, is a quick way to experiment and try it out. However, be aware that these account-less Tunnels have no uptime guarantee, are subject to the Cloudflare Online Services Terms of Use (https://www.cloudflare.com/website-terms/), and Cloudflare reserves the right to investigate your use of Tunnels for violations of such terms. If you intend to use Tunnels in production you should use a pre-created named tunnel by following: https://developers.cloudflare.com/cloudflare-one/connections/connect-apps
2026-11-30T08:15:00Z INF Requesting new quick Tunnel on trycloudflare.com...
2026-11-30T08:15:03Z INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |
2026-11-30T08:15:03Z INF |  https://shop-and-so.trycloudflare.com                                                     |
2026-11-30T08:15:03Z INF Settings: map[ha-connections:1 protocol:quic url:http://localhost:8787]
2026-11-30T08:15:03Z INF Starting metrics server on 127.0.0.1:20241/metrics
2026-11-30T08:15:04Z INF Registered tunnel connection connIndex=0 event=0 ip=198.51.100.7 location=ams01 protocol=quic
";

    const NGROK: &str = "\
t=2026-11-30T08:15:00+0000 lvl=info msg=\"starting web service\" obj=web addr=127.0.0.1:4040 allow_hosts=[]
t=2026-11-30T08:15:01+0000 lvl=info msg=\"client session established\" obj=tunnels.session
t=2026-11-30T08:15:01+0000 lvl=info msg=\"started tunnel\" obj=tunnels name=command_line addr=http://localhost:8787 url=https://a1b2.ngrok-free.app
Web Interface                 http://127.0.0.1:4040
Sign up for a free account at https://dashboard.ngrok.com, see https://ngrok.com
";

    const LOCALHOST_RUN: &str = "\
Welcome to localhost.run!

Follow your favourite reverse tunnel at [https://twitter.com/localhost_run].

To set up and manage custom domains go to https://admin.localhost.run/

More details on custom domains (and how to enable subdomains of your custom
domain) at https://localhost.run/docs/custom-domains

To explore using localhost.run visit the documentation site:
https://localhost.run/docs/

\u{1b}[32ma1b2c3.lhr.life tunneled with tls termination, https://a1b2c3.lhr.life\u{1b}[0m
create an account and add your key for a longer lasting domain name. see https://localhost.run/docs/forever-free/ for more information.
";

    const SERVEO: &str = "\
Forwarding HTTP traffic from https://shop.serveo.net\r
To request a particular subdomain, you first need to register your SSH public key at https://serveo.net/ or https://console.serveo.net/ssh/keys?add=abc.\r
";

    const LOCALTUNNEL: &str = "your url is: https://shop.loca.lt\n";

    const PINGGY: &str = "\
You are not authenticated.
Your tunnel will expire in 60 minutes. Upgrade to Pinggy Pro to get unrestricted tunnels. https://dashboard.pinggy.io
http://rnabc-1.a.free.pinggy.link
https://rnabc-1.a.free.pinggy.link
";

    #[test]
    fn pages_and_the_hosts_that_have_them_are_left_out() {
        for (text, expected) in [
            (
                "at http://127.0.0.1:4040/, or (https://x.example). https://x.example/ http\n",
                &["https://x.example"][..],
            ),
            ("https://tunnels.example/ is described at https://tunnels.example/how.\n", &[]),
            (
                "at http://127.0.0.1:4040, to http://127.0.0.1:8787 and http://localhost:8787/\n",
                &["http://127.0.0.1:4040"],
            ),
            ("cut: https://a1b2.trycl", &[]),
            ("https://u@h/ https:// http://? no://x\n", &[]),
            (
                "https://Docs.example https://dashboard.ngrok.com https://docs-shop.example. \n",
                &["https://docs-shop.example"],
            ),
            (
                "[https://api.shop.example] http://[2001:db8::1] \n",
                &["https://api.shop.example", "http://[2001:db8::1]"],
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
