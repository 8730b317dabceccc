//! A zone's file.

use core::net::{IpAddr, SocketAddr};

use bailiwick_core::estate::{
    CaaIntent, Connector, ConnectorKind, Mode, Pattern, View, Zone, ZoneClass, ZoneKey, ZoneLimits,
};
use bailiwick_core::names::{DnsName, ZoneName};

use super::document::{At, File, Section};
use super::places::{Kind, Reading};
use super::power;
use super::profiles::DAYS_MAX;

/// Where DNS is asked when no port is written (RFC 1035, section 4.2.1).
const DNS_PORT: u16 = 53;

/// What a zone's file may hold.
const KEYS: [&str; 13] = [
    "name",
    "view",
    "class",
    "pattern",
    "mode",
    "policy_owner",
    "operator",
    "servers",
    "connector",
    "caa",
    "limits",
    "gates",
    "delegation",
];

pub(super) fn zone(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    file.keys(root, &KEYS);
    let name = file.needed(root, "name");
    let named = name.and_then(|at| file.parsed(at, "bad-name", ZoneName::parse));
    let view = file.text(root, "view");
    let view = view.map_or(Some(View::External), |at| file.word(at, View::ALL));
    let key = named.zip(view).map(|(name, view)| ZoneKey { name: name.value, view });
    if key.is_none() {
        // Names that lie in this zone are not outside every zone.
        reading.unread.insert(Kind::Zone);
    }
    let spelled = key.as_ref().map(ToString::to_string);
    let fresh = match (&spelled, name) {
        (Some(spelled), Some(name)) => {
            reading.begins(file, Kind::Zone, At { value: spelled, place: name.place })
        }
        (Some(_) | None, Some(_) | None) => false,
    };
    let zone = spelled.as_deref().unwrap_or("?");
    let class = file.needed(root, "class").and_then(|at| file.word(at, ZoneClass::ALL));
    let pattern = file.needed(root, "pattern").and_then(|at| file.word(at, Pattern::ALL));
    let mode = file.needed(root, "mode").and_then(|at| file.word(at, Mode::ALL));
    let policy_owner = file.needed(root, "policy_owner");
    let what = format!("the policy owner of zone `{zone}`");
    let policy_owner = reading.holds(file, policy_owner, what);
    let operator = file.needed(root, "operator");
    let operator = reading.holds(file, operator, format!("the operator of zone `{zone}`"));
    let mut servers = Vec::new();
    for at in file.list(root, "servers") {
        servers.extend(file.parsed(at, "bad-address", server).map(|at| at.value));
    }
    let connector = file.table(root, "connector");
    let connector = connector.and_then(|section| connector_of(file, section));
    let caa = file.table(root, "caa").map_or_else(CaaIntent::default, |section| caa(file, section));
    let limits = file.needed_table(root, "limits").and_then(|section| limits(file, section));
    let gates = file.table(root, "gates");
    let gates = gates.map_or_else(Vec::new, |section| power::gates(file, reading, section, zone));
    let delegation = file.table(root, "delegation");
    let delegation = delegation.map(|section| power::delegation(file, section));
    if let (true, Some(key), Some(class), Some(pattern), Some(mode)) =
        (fresh, key, class, pattern, mode)
        && let (Some(policy_owner), Some(operator), Some(limits)) = (policy_owner, operator, limits)
    {
        let zone = Zone {
            class,
            pattern,
            mode,
            policy_owner,
            operator,
            servers,
            connector,
            caa,
            limits,
            gates,
            delegation,
        };
        reading.zones.insert(key, zone);
    }
}

fn connector_of(file: &mut File<'_>, section: Section<'_>) -> Option<Connector> {
    file.keys(section, &["kind", "server", "key"]);
    let kind = file.needed(section, "kind").and_then(|at| file.word(at, ConnectorKind::ALL));
    let to = file.needed(section, "server");
    let to = to.and_then(|at| file.parsed(at, "bad-address", server));
    let key = file.needed(section, "key");
    let key = key.and_then(|at| file.parsed(at, "bad-name", DnsName::parse));
    Some(Connector { kind: kind?, server: to?.value, key: key?.value })
}

pub(super) fn server(text: &str) -> Result<SocketAddr, &'static str> {
    let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT));
    address.or_else(|_| text.parse()).map_err(|_| {
        "not an address; write `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`"
    })
}

fn caa(file: &mut File<'_>, section: Section<'_>) -> CaaIntent {
    file.keys(section, &["issue", "issuewild", "iodef"]);
    let mut values = |key: &str, check: fn(&str) -> Result<String, &'static str>| {
        let items = file.list(section, key);
        let parsed = items.into_iter().filter_map(|at| file.parsed(at, "bad-caa", check));
        parsed.map(|at| at.value).collect::<Vec<String>>()
    };
    CaaIntent {
        issue: values("issue", issue),
        issuewild: values("issuewild", issue),
        iodef: values("iodef", iodef),
    }
}

/// A value of `issue` or `issuewild` (RFC 8659, section 4.2): printable, and its issuer is a domain
/// name or, to forbid, nothing.
fn issue(text: &str) -> Result<String, &'static str> {
    let bad = "not a value of a CAA issue property; write `ca.example` or `;` to forbid";
    let domain = text.split_once(';').map_or(text, |(domain, _)| domain).trim();
    let named = DnsName::parse(domain);
    let fits = text.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ');
    let named = named.is_ok_and(|name| !domain.ends_with('.') && !name.as_str().contains('_'));
    if fits && (named || (domain.is_empty() && text.contains(';'))) {
        Ok(text.to_owned())
    } else {
        Err(bad)
    }
}

/// A value of `iodef` (RFC 8659, section 4.4).
fn iodef(text: &str) -> Result<String, &'static str> {
    let known = ["mailto:", "http://", "https://"]
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    if known && text.bytes().all(|octet| octet.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("not a value of a CAA iodef property; write a `mailto:` or `https:` address")
    }
}

fn limits(file: &mut File<'_>, section: Section<'_>) -> Option<ZoneLimits> {
    file.keys(
        section,
        &[
            "names_per_certificate_max",
            "wildcard_allowed",
            "lifetime_days_max",
            "ownership_days_max",
        ],
    );
    let names = file.needed_number(section, "names_per_certificate_max", 1..=1_000);
    let wildcard_allowed = file.flag(section, "wildcard_allowed", None);
    let lifetime = file.needed_number(section, "lifetime_days_max", 1..=DAYS_MAX);
    let ownership = file.needed_number(section, "ownership_days_max", 1..=DAYS_MAX);
    Some(ZoneLimits {
        names_per_certificate_max: names?,
        wildcard_allowed: wildcard_allowed?,
        lifetime_days_max: lifetime?,
        ownership_days_max: ownership?,
    })
}
