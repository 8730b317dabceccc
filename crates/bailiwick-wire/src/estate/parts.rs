//! The small files: organisation, people, teams, issuers, exceptions.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{
    Exception, Organisation, Person, Rir, RuleId, Scope, Team, VantagePoint, VantageTransport,
    View, ZoneKey,
};
use bailiwick_core::names::{DnsName, ExceptionId, PersonId, SanName, ServiceId, TeamId};

use super::deployments;
use super::document::{At, File, Section};
use super::places::{Kind, Reading, RuleAt};
use super::services::envelope_key;

pub(super) fn organisation(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    let known = ["name", "control_owner", "auditors", "administrators", "freezes", "vantages"];
    file.keys(root, &known);
    let name = file.needed(root, "name");
    let owner = file.needed(root, "control_owner");
    let owner = reading.holds(file, owner, "the control owner of the organisation".to_owned());
    let auditors = file.text(root, "auditors");
    let auditors = auditors.map(|at| reading.refers(file, Kind::Team, at, TeamId::parse));
    let administrators = file.needed_list(root, "administrators");
    let administrators = reading.refers_to_all(file, Kind::Person, administrators, PersonId::parse);
    let freezes = deployments::freezes(file, reading, root);
    let vantages = match file.table(root, "vantages") {
        Some(section) => vantages(file, reading, section),
        None => BTreeMap::new(),
    };
    if let (Some(name), Some(control_owner)) = (name, owner) {
        reading.organisation = Some(Organisation {
            name: name.value.to_owned(),
            control_owner,
            auditors: auditors.flatten(),
            administrators,
            freezes,
            vantages,
        });
    }
}

/// What a vantage may hold.
const VANTAGE_KEYS: [&str; 9] = [
    "server",
    "transport",
    "validates",
    "view",
    "operator",
    "name",
    "trust_roots",
    "path",
    "region",
];

/// The path of an endpoint for DNS over HTTPS, without a question (RFC 8484, section 4.1).
fn endpoint_path(text: &str) -> Result<String, &'static str> {
    let plain = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'?' | b'#' | b'{' | b'}');
    if text.starts_with('/') && text.len() <= 200 && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("not a path; write it as `/dns-query`")
    }
}

/// The resolvers through which the DNS is watched, under `[vantages.NAME]`.
fn vantages(
    file: &mut File<'_>,
    reading: &mut Reading,
    section: Section<'_>,
) -> BTreeMap<String, VantagePoint> {
    let mut all = BTreeMap::new();
    for (key, section) in file.entries(section) {
        file.keys(section, &VANTAGE_KEYS);
        let name = file.parsed(key, "bad-id", envelope_key);
        let server = file.needed(section, "server");
        let server = server.and_then(|at| file.parsed(at, "bad-address", super::zones::server));
        let transport = file.text(section, "transport");
        let transport = transport
            .map_or(Some(VantageTransport::Udp), |at| file.word(at, VantageTransport::ALL));
        let validates = file.flag(section, "validates", Some(false));
        let view = file.text(section, "view");
        let view = view.map_or(Some(View::External), |at| file.word(at, View::ALL));
        let operator = file.needed(section, "operator");
        let operator = reading.holds(file, operator, format!("the vantage `{}`", key.value));
        let shown = file.text(section, "name");
        let shown = shown.and_then(|at| file.parsed(at, "bad-name", DnsName::parse));
        let trust_roots = file.text(section, "trust_roots");
        let trust_roots =
            trust_roots.and_then(|at| file.parsed(at, "bad-certificate", super::issuers::pem));
        let path = file.text(section, "path");
        let path = path.and_then(|at| file.parsed(at, "bad-path", endpoint_path));
        let region = file.text(section, "region").and_then(|at| file.word(at, Rir::ALL));
        if let (Some(name), Some(server), Some(transport)) = (name, server, transport)
            && let (Some(validates), Some(view), Some(operator)) = (validates, view, operator)
        {
            if transport == VantageTransport::Helper && trust_roots.is_none() {
                file.missing(section, "trust_roots", "a helper");
            }
            let point = VantagePoint {
                server: server.value,
                transport,
                validates,
                view,
                operator,
                name: shown.map(|at| at.value),
                trust_roots: trust_roots.map(|at| at.value),
                path: path.map(|at| at.value),
                region,
            };
            all.insert(name.value, point);
        }
    }
    all
}

pub(super) fn people(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    for (key, section) in file.entries(root) {
        let fresh = reading.begins(file, Kind::Person, key);
        let id = file.parsed(key, "bad-id", PersonId::parse);
        file.keys(section, &["name", "email", "left"]);
        let name = file.needed(section, "name");
        let email =
            file.needed(section, "email").and_then(|at| file.parsed(at, "bad-email", email));
        let left = file.time(section, "left");
        if let (true, Some(id), Some(name), Some(email)) = (fresh, id, name, email) {
            let left = left.map(|at| at.value);
            let person = Person { name: name.value.to_owned(), email: email.value, left };
            reading.people.insert(id.value, person);
        }
    }
}

/// An address alerts can be sent to: one `@` between a local part without spaces and a domain.
fn email(text: &str) -> Result<String, &'static str> {
    let bad = "not an e-mail address; write it as `name@example.com`";
    let (local, domain) = text.split_once('@').ok_or(bad)?;
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',' | ';' | '"' | '@');
    let fits = !local.is_empty() && local.len() <= 64 && local.chars().all(plain);
    if fits && DnsName::parse(domain).is_ok() { Ok(text.to_owned()) } else { Err(bad) }
}

pub(super) fn teams(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    for (key, section) in file.entries(root) {
        let fresh = reading.begins(file, Kind::Team, key);
        let id = file.parsed(key, "bad-id", TeamId::parse);
        file.keys(section, &["unit", "members", "parts", "on_call", "deputy"]);
        let unit = file.needed(section, "unit");
        let members = file.list(section, "members");
        let members = reading.refers_to_all(file, Kind::Person, members, PersonId::parse);
        let parts = file.list(section, "parts");
        let parts = reading.refers_to_all(file, Kind::Team, parts, TeamId::parse);
        let on_call = file.needed(section, "on_call");
        let on_call_id =
            on_call.and_then(|at| reading.refers(file, Kind::Person, at, PersonId::parse));
        let deputy = file.needed(section, "deputy");
        let deputy_id =
            deputy.and_then(|at| reading.refers(file, Kind::Person, at, PersonId::parse));
        if let (Some(one), Some(two)) = (on_call, deputy)
            && one.value == two.value
        {
            let message = format!("`{}` is on call and deputy at once", two.value);
            file.problem(two.place, "deputy-is-on-call", message, "name another deputy");
        }
        if let (true, Some(id), Some(unit), Some(on_call_id), Some(deputy_id)) =
            (fresh, id, unit, on_call_id, deputy_id)
        {
            let spot = file.spot(on_call.map_or(key.place, |at| at.place));
            reading.on_call.insert(id.value.clone(), spot);
            let unit = unit.value.to_owned();
            let team = Team { unit, members, parts, on_call: on_call_id, deputy: deputy_id };
            reading.teams.insert(id.value, team);
        }
    }
}

/// Reads the words of a list, such as environments.
pub(super) fn words<T: Ord, E: std::fmt::Display>(
    file: &mut File<'_>,
    items: Vec<At<&str>>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> BTreeSet<T> {
    items
        .into_iter()
        .filter_map(|at| file.parsed(at, "bad-id", &parse))
        .map(|at| at.value)
        .collect()
}

pub(super) fn exceptions(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    for (key, section) in file.entries(root) {
        let fresh = reading.begins(file, Kind::Exception, key);
        let id = file.parsed(key, "bad-id", ExceptionId::parse);
        file.keys(
            section,
            &[
                "zone",
                "service",
                "name",
                "rule",
                "reason",
                "approver",
                "compensating_control",
                "until",
            ],
        );
        let scope = scope(file, reading, section);
        let rule = file.needed(section, "rule");
        let rule = rule.and_then(|at| {
            let rule = file.parsed(at, "bad-id", RuleId::parse)?;
            let spot = file.spot(at.place);
            reading.rules.push(RuleAt { rule: at.value.to_owned(), spot });
            Some(rule.value)
        });
        let reason = file.needed(section, "reason");
        let approver = file.needed(section, "approver");
        let approver =
            approver.and_then(|at| reading.refers(file, Kind::Person, at, PersonId::parse));
        let control = file.needed(section, "compensating_control");
        if !file.has(section, &["until"]) {
            let message = "the exception has no end".to_owned();
            let remedy = "write `until = 2027-01-31`: an exception that never ends is a rule";
            file.problem(section.place, "exception-without-end", message, remedy);
        }
        let until = file.time(section, "until");
        if let (true, Some(id), Some(scope), Some(rule), Some(approver)) =
            (fresh, id, scope, rule, approver)
            && let (Some(reason), Some(control), Some(until)) = (reason, control, until)
        {
            let exception = Exception {
                scope,
                rule,
                reason: reason.value.to_owned(),
                approver,
                compensating_control: control.value.to_owned(),
                until: until.value,
            };
            reading.exceptions.insert(id.value, exception);
        }
    }
}

/// Where an exception holds: exactly one of zone, service and name.
fn scope(file: &mut File<'_>, reading: &mut Reading, section: Section<'_>) -> Option<Scope> {
    let zone = file.text(section, "zone");
    let service = file.text(section, "service");
    let name = file.text(section, "name");
    let given = [zone, service, name].iter().flatten().count();
    if given != 1 {
        let message = format!("the exception has {given} scopes, and one is needed");
        let remedy = "write one of `zone`, `service` and `name`";
        file.problem(section.place, "exception-scope", message, remedy);
        return None;
    }
    let zone = zone.and_then(|at| {
        reading.refers(file, Kind::Zone, at, |text| {
            ZoneKey::parse(text)
                .ok_or("not a zone; write `shop.example` or `corp.example/internal`")
        })
    });
    let service = service.and_then(|at| reading.refers(file, Kind::Service, at, ServiceId::parse));
    let name = name.and_then(|at| file.parsed(at, "bad-name", SanName::parse));
    let zone = zone.map(Scope::Zone).or_else(|| service.map(Scope::Service));
    zone.or_else(|| name.map(|name| Scope::Name(name.value)))
}
