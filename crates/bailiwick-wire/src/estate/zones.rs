//! A zone's file.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use bailiwick_core::estate::{
    CaaIntent, Connector, ConnectorKind, Mode, Pattern, TransferFrom, View, Zone, ZoneClass,
    ZoneKey, ZoneLimits,
};
use bailiwick_core::names::{DnsName, ZoneName};

use super::document::{At, File, Section};
use super::issuers::pem;
use super::places::{Kind, Reading};
use super::power;
use super::profiles::DAYS_MAX;

/// Where DNS is asked when no port is written (RFC 1035, section 4.2.1).
const DNS_PORT: u16 = 53;

/// What a zone's file may hold.
const KEYS: [&str; 15] = [
    "name",
    "view",
    "class",
    "pattern",
    "mode",
    "policy_owner",
    "operator",
    "servers",
    "connector",
    "transfer",
    "caa",
    "caa_below",
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
    let transfer = file.table(root, "transfer");
    let transfer = transfer.and_then(|section| transfer_of(file, section));
    let caa = file.table(root, "caa").map_or_else(CaaIntent::default, |section| caa(file, section));
    let below = file.table(root, "caa_below");
    let caa_below = below.map(|section| caa_below(file, section, key.as_ref())).unwrap_or_default();
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
            transfer,
            caa,
            caa_below,
            limits,
            gates,
            delegation,
        };
        reading.zones.insert(key, zone);
    }
}

/// Keys of a connector, by kind.
const fn keys_of(kind: ConnectorKind) -> &'static [&'static str] {
    match kind {
        ConnectorKind::Rfc2136 => &["kind", "server", "key"],
        ConnectorKind::PowerDns => &["kind", "url", "trust_roots"],
        ConnectorKind::Cloudflare => &["kind", "zone_id", "url", "trust_roots"],
        ConnectorKind::Git => &["kind", "repository", "branch", "file"],
        ConnectorKind::Observe => &["kind"],
    }
}

fn connector_of(file: &mut File<'_>, section: Section<'_>) -> Option<Connector> {
    let kind = file.needed(section, "kind").and_then(|at| file.word(at, ConnectorKind::ALL))?;
    file.keys(section, keys_of(kind));
    Some(match kind {
        ConnectorKind::Rfc2136 => {
            let to = file.needed(section, "server");
            let to = to.and_then(|at| file.parsed(at, "bad-address", server));
            let key = file.needed(section, "key");
            let key = key.and_then(|at| file.parsed(at, "bad-name", DnsName::parse));
            Connector::Rfc2136 { server: to?.value, key: key?.value }
        }
        ConnectorKind::PowerDns => {
            let url = file.needed(section, "url");
            let url = url.and_then(|at| file.parsed(at, "bad-url", api_url));
            let trust_roots = trust_roots(file, section)?;
            Connector::PowerDns { url: url?.value, trust_roots }
        }
        ConnectorKind::Cloudflare => {
            let zone_id = file.needed(section, "zone_id");
            let zone_id = zone_id.and_then(|at| file.parsed(at, "bad-word", zone_id_of_api));
            let url = match file.text(section, "url") {
                Some(at) => file.parsed(at, "bad-url", api_url)?.value,
                None => Connector::CLOUDFLARE_URL.to_owned(),
            };
            let trust_roots = trust_roots(file, section)?;
            Connector::Cloudflare { zone_id: zone_id?.value, url, trust_roots }
        }
        ConnectorKind::Git => {
            let repository = file.needed(section, "repository");
            let repository = repository.and_then(|at| file.parsed(at, "bad-path", folder));
            let branch = file.needed(section, "branch");
            let branch = branch.and_then(|at| file.parsed(at, "bad-word", branch_name));
            let path = file.needed(section, "file");
            let path = path.and_then(|at| file.parsed(at, "bad-path", path_inside));
            Connector::Git {
                repository: repository?.value,
                branch: branch?.value,
                file: path?.value,
            }
        }
        ConnectorKind::Observe => Connector::Observe,
    })
}

/// `None` where they are there and bad.
fn trust_roots(file: &mut File<'_>, section: Section<'_>) -> Option<Option<String>> {
    match file.text(section, "trust_roots") {
        Some(at) => file.parsed(at, "bad-certificate", pem).map(|at| Some(at.value)),
        None => Some(None),
    }
}

fn zone_id_of_api(text: &str) -> Result<String, &'static str> {
    let fits = text.len() == 32 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    fits.then(|| text.to_ascii_lowercase())
        .ok_or("no zone of the API; give the 32 hexadecimal digits of `Zone ID`")
}

fn transfer_of(file: &mut File<'_>, section: Section<'_>) -> Option<TransferFrom> {
    file.keys(section, &["server", "key"]);
    let from = file.needed(section, "server");
    let from = from.and_then(|at| file.parsed(at, "bad-address", server));
    let key = match file.text(section, "key") {
        Some(at) => Some(file.parsed(at, "bad-name", DnsName::parse)?.value),
        None => None,
    };
    Some(TransferFrom { server: from?.value, key })
}

/// A key of an API in the clear is anybody's key: only to this host itself.
fn api_url(text: &str) -> Result<String, &'static str> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", ""));
    let authority = rest.split('/').next().unwrap_or_default();
    let port = authority.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let host = port.map_or(authority, |(host, _)| host);
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let fits =
        text.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'@' | b'?' | b'#'));
    match scheme {
        "https" if fits && !host.is_empty() => Ok(text.to_owned()),
        "http" if fits && is_here => Ok(text.to_owned()),
        _ => Err(
            "not the URL of an API; write `https://ns1.example:8081/api/v1/servers/localhost` (`http` only for this host itself)",
        ),
    }
}

fn folder(text: &str) -> Result<String, &'static str> {
    let fits = text.starts_with('/') && !text.contains('\0');
    if fits {
        Ok(text.to_owned())
    } else {
        Err("not a folder; write its path from the root, such as `/srv/zones`")
    }
}

fn path_inside(text: &str) -> Result<String, &'static str> {
    let parts = || text.split('/');
    let fits =
        parts().all(|part| !matches!(part, "" | "." | ".." | ".git") && !part.starts_with('-'));
    let plain = text.bytes().all(|octet| {
        octet.is_ascii_graphic() && !matches!(octet, b',' | b':' | b'*' | b'?' | b'[')
    });
    if fits && plain {
        Ok(text.to_owned())
    } else {
        Err(
            "not a file; write its path from the top of the repository, such as `zones/shop.example.zone`",
        )
    }
}

/// As `git check-ref-format` has it, and stricter.
fn branch_name(text: &str) -> Result<String, &'static str> {
    let plain =
        |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'/');
    let fits = !text.is_empty()
        && text.bytes().all(plain)
        && text.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.ends_with(".lock")
                && !part.ends_with('.')
        })
        && !text.contains("..");
    if fits { Ok(text.to_owned()) } else { Err("not a branch; write its name, such as `main`") }
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

/// What names below the apex should have themselves, under `[caa_below."NAME"]`.
fn caa_below(
    file: &mut File<'_>,
    section: Section<'_>,
    zone: Option<&ZoneKey>,
) -> BTreeMap<DnsName, CaaIntent> {
    let mut all = BTreeMap::new();
    for (key, section) in file.entries(section) {
        let Some(name) = file.parsed(key, "bad-name", DnsName::parse) else { continue };
        let inside = |zone: &ZoneKey| {
            name.value.is_at_or_below(zone.name.apex()) && name.value != *zone.name.apex()
        };
        if zone.is_some_and(|zone| !inside(zone)) {
            file.problem(
                key.place,
                "bad-name",
                format!("`{}` does not lie below the zone's apex", key.value),
                "write the whole name, such as `[caa_below.\"www.shop.example\"]`; the apex has `[caa]`"
                    .to_owned(),
            );
            continue;
        }
        let intent = caa(file, section);
        if intent == CaaIntent::default() {
            file.missing(section, "issue", "what stands at a name of its own");
            continue;
        }
        all.insert(name.value, intent);
    }
    all
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
