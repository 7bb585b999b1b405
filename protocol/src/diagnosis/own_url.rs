//! Parameters of the receiver's own URL among the platform's fields.
//!
//! Frameworks hand a handler the query string and the form as one map. A router's parameter in it
//! was never signed, and the platform did nothing wrong.

use super::Deviation;
use super::deviations::that_does;
use super::entry::Entry;
use super::fields::{is_documented, kept};
use crate::payload::Encoding;
use crate::untrusted::Untrusted;

const ROUTER_NAMES: &str = "\
    _ _ga _gl _lang _locale _method _path _route _route_ _token _url a ac act action app c cid \
    controller csrf_token ctl dclid debug dispatch do fbclid fc format gbraid gclid hl itemid \
    lang language locale m main_page mod module msclkid op option page page_id path path_info \
    pathinfo phpsessid q r rest_route route s sess session_id sessionid sid task view wc-api \
    wbraid yclid";

const ROUTER_PREFIXES: [&str; 6] = ["utm_", "xdebug_", "mtm_", "pk_", "aspsessionid", "jsessionid"];

const SISTER_FIELDS: [&str; 3] = ["memo", "currency", "platform_channel_id"];

const MAX_CHOICES: usize = 4;

const MAX_UNSIGNED: usize = 3;

const MAX_SHOWN: usize = 5;

fn is_router_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ROUTER_NAMES.split(' ').any(|known| known == name)
        || ROUTER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

pub(super) fn is_platform_payload(entries: &[Entry]) -> bool {
    let documented = entries.iter().filter(|entry| kept(entry) && is_documented(entry));
    documented.count() >= 3
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) own: Vec<usize>,
    /// Those that the platform may have sent and the code does not sign.
    pub(super) unsigned: Vec<usize>,
}

pub(super) fn choices(entries: &[Entry], encoding: Encoding) -> Vec<Choice> {
    let any_name = encoding != Encoding::Json && is_platform_payload(entries);
    let is_own = |entry: &Entry| {
        let name = entry.name.as_str();
        (any_name && !SISTER_FIELDS.contains(&name)) || is_router_name(name)
    };
    let undocumented = entries.iter().enumerate();
    let undocumented = undocumented.filter(|(_, entry)| kept(entry) && !is_documented(entry));
    let (own, other): (Vec<_>, Vec<_>) = undocumented.partition(|(_, entry)| is_own(entry));
    let indices = |members: &[(usize, &Entry)]| members.iter().map(|(at, _)| *at).collect();
    let possible: Vec<usize> = indices(&own);
    let mut sets: Vec<Vec<usize>> = match possible.len() {
        0 => return Vec::new(),
        1..=MAX_CHOICES => (1_usize..1 << possible.len())
            .map(|bits| {
                let chosen = possible.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
                chosen.map(|(_, index)| *index).collect()
            })
            .collect(),
        _ => {
            let routers = own.iter().filter(|(_, entry)| is_router_name(&entry.name));
            let single = possible.iter().map(|index| vec![*index]);
            single.chain([routers.map(|(at, _)| *at).collect(), possible.clone()]).collect()
        }
    };
    sets.retain(|set| !set.is_empty());
    sets.sort_by_key(Vec::len);
    sets.dedup();
    let mut choices: Vec<Choice> =
        sets.into_iter().map(|own| Choice { own, unsigned: Vec::new() }).collect();
    if (1..=MAX_UNSIGNED).contains(&other.len()) && is_platform_payload(entries) {
        choices.push(Choice { own: possible, unsigned: indices(&other) });
    }
    choices
}

pub(super) fn deviation(names: &[&str]) -> Deviation {
    let shown = Untrusted::new(names[..names.len().min(MAX_SHOWN)].join(", "));
    let more = match names.len().saturating_sub(MAX_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let does = match names.len() {
        0 | 1 => format!("{shown} is not the platform's field: it belongs to your own URL"),
        _ => format!("{shown}{more} are not the platform's fields: they belong to your own URL"),
    };
    that_does("own-url-parameter", does)
}

#[cfg(test)]
mod tests {
    use super::super::entry::entries;
    use super::*;
    use crate::dialect::Dialect;
    use crate::form;

    const FIELDS: &str = "payout_id=P1&amount=1&fee=2&status=3";

    /// The names in each choice, those of the receiver's URL before a bar.
    fn names(text: &str, encoding: Encoding) -> Vec<String> {
        let payload = form::read(text.as_bytes(), encoding).unwrap();
        let entries = entries(&payload, Dialect::platform().first());
        let join = |indices: &[usize]| {
            indices.iter().map(|at| &*entries[*at].name).collect::<Vec<_>>().join(" ")
        };
        choices(&entries, encoding)
            .iter()
            .map(|choice| format!("{}|{}", join(&choice.own), join(&choice.unsigned)))
            .collect()
    }

    #[test]
    fn parameters_of_a_form_may_be_the_receivers_and_documented_fields_are_not() {
        let form = |more: &str| names(&format!("{FIELDS}{more}"), Encoding::Form);
        assert!(form("").is_empty());
        assert!(form("&memo=a&currency=CNY").is_empty());
        assert_eq!(form("&shop=1"), ["shop|"]);
        assert_eq!(form("&s=1&lang=en"), ["lang|", "s|", "lang s|"]);
        assert_eq!(form("&s=1&memo=a"), ["s|", "s|memo"]);
        // Empty members are never signed.
        assert!(form("&s=&utm_source=").is_empty());
        let many = form("&b1=1&b2=1&b3=1&b4=1&b5=1&b6=1");
        assert_eq!(many.len(), 7, "{many:?}");
    }

    #[test]
    fn in_json_and_in_other_platforms_forms_only_a_routers_names_count() {
        let json = |more: &str| {
            let text = format!("{{\"payout_id\":\"P1\",\"amount\":1,\"fee\":2{more}}}");
            names(&text, Encoding::Json)
        };
        assert!(json(",\"memo\":1,\"shop\":2").is_empty());
        assert_eq!(json(",\"PHPSESSID\":1"), ["PHPSESSID|"]);
        assert_eq!(json(",\"_url\":1,\"shop\":2"), ["_url|", "_url|shop"]);
        let epay = names("pid=1&trade_no=2&money=3&s=4", Encoding::Query);
        assert_eq!(epay, ["s|"]);
    }
}
