//! An estate as files, laid out one way.

use bailiwick_core::estate::{
    Attestor, AttestorKeys, Connector, Deployment, Estate, Exception, Issuer, Organisation,
    Profile, Scope, Service, StandIn, Team, Zone, ZoneKey,
};
use bailiwick_core::names::ServiceId;

use super::profiles::DAY_SECONDS;

/// Spells an estate as the files of a folder: `read` gives the same estate back. Comments that
/// people wrote are not part of an estate and are not kept.
#[must_use]
pub fn write(estate: &Estate) -> Vec<(String, String)> {
    let mut files = vec![
        ("organisation.toml".to_owned(), organisation(&estate.organisation)),
        (
            "people.toml".to_owned(),
            sections(&estate.people, |lines, person| {
                lines.text("name", &person.name);
                lines.text("email", &person.email);
                lines.maybe("left", person.left.as_ref());
            }),
        ),
        ("teams.toml".to_owned(), sections(&estate.teams, team)),
        ("issuers.toml".to_owned(), issuers(&estate.issuers)),
        ("profiles.toml".to_owned(), sections(&estate.profiles, profile)),
        ("attestors.toml".to_owned(), sections(&estate.attestors, attestor)),
        ("exceptions.toml".to_owned(), sections(&estate.exceptions, exception)),
    ];
    if !estate.stand_ins.is_empty() {
        files.push(("stand-ins.toml".to_owned(), sections(&estate.stand_ins, stand_in)));
    }
    let zones = estate.zones.iter().map(|(key, it)| {
        let name = key.to_string().replace('/', ".");
        (format!("zones/{name}.toml"), zone(key, it))
    });
    let services = estate.services.iter();
    let services = services.map(|(id, it)| (format!("services/{id}.toml"), service(id, it)));
    let policies = estate.policies.iter().map(|(path, text)| (path.clone(), text.clone()));
    files.extend(zones.chain(services).chain(policies));
    files.sort();
    files
}

/// Lines of TOML.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn raw(&mut self, key: &str, value: &str) {
        self.0.extend([key, " = ", value, "\n"]);
    }

    fn text(&mut self, key: &str, value: &(impl ToString + ?Sized)) {
        self.raw(key, &quoted(&value.to_string()));
    }

    fn maybe<T: ToString>(&mut self, key: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn list<T: ToString>(&mut self, key: &str, values: impl IntoIterator<Item = T>) {
        let items: Vec<String> = values.into_iter().map(|it| quoted(&it.to_string())).collect();
        if !items.is_empty() {
            self.raw(key, &format!("[{}]", items.join(", ")));
        }
    }

    fn section(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.extend(["[", name, "]\n"]);
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A key of a table, quoted where it has to be: a dot in an id is part of it.
fn key(text: &str) -> String {
    let bare = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    if text.bytes().all(bare) { text.to_owned() } else { quoted(text) }
}

fn sections<K: ToString, V>(
    values: &std::collections::BTreeMap<K, V>,
    write: impl Fn(&mut Lines, &V),
) -> String {
    let mut lines = Lines::default();
    for (id, value) in values {
        lines.section(&key(&id.to_string()));
        write(&mut lines, value);
    }
    lines.0
}

fn organisation(it: &Organisation) -> String {
    let mut lines = Lines::default();
    lines.text("name", &it.name);
    lines.text("control_owner", &it.control_owner);
    lines.maybe("auditors", it.auditors.as_ref());
    lines.list("administrators", &it.administrators);
    for (name, freeze) in &it.freezes {
        lines.section(&format!("freezes.{}", key(name)));
        lines.text("from", &freeze.from);
        lines.text("until", &freeze.until);
        lines.list("zones", &freeze.zones);
        lines.text("may_break", &freeze.may_break);
        lines.text("reason", &freeze.reason);
    }
    for (name, point) in &it.vantages {
        lines.section(&format!("vantages.{}", key(name)));
        lines.text("server", &point.server);
        lines.text("transport", &point.transport);
        lines.raw("validates", &point.validates.to_string());
        lines.text("view", &point.view);
        lines.text("operator", &point.operator);
        lines.maybe("name", point.name.as_ref());
        lines.maybe("trust_roots", point.trust_roots.as_ref());
        lines.maybe("path", point.path.as_ref());
        lines.maybe("region", point.region.as_ref());
    }
    lines.0
}

fn team(lines: &mut Lines, it: &Team) {
    lines.text("unit", &it.unit);
    lines.list("members", &it.members);
    lines.list("parts", &it.parts);
    lines.text("on_call", &it.on_call);
    lines.text("deputy", &it.deputy);
}

fn stand_in(lines: &mut Lines, it: &StandIn) {
    lines.text("of", &it.of);
    lines.text("by", &it.by);
    lines.text("team", &it.team);
    lines.text("from", &it.from);
    lines.text("until", &it.until);
    lines.text("reason", &it.reason);
}

/// What a zone asks for beside its pattern, and what its parent should say.
fn power(lines: &mut Lines, it: &Zone) {
    for (number, gate) in it.gates.iter().enumerate() {
        lines.section(&format!("gates.gate-{}", number.saturating_add(1)));
        lines.list("for", &gate.kinds);
        lines.text("team", &gate.team);
        lines.raw("approvals", &gate.approvals.to_string());
        lines.raw("independent", &gate.independent.to_string());
    }
    if let Some(delegation) = &it.delegation {
        lines.section("delegation");
        lines.list("ns", &delegation.ns);
        lines.list("ds", &delegation.ds);
        if !delegation.status.is_empty() {
            lines.list("status", &delegation.status);
        }
        if let Some(registrar) = &delegation.registrar {
            lines.text("registrar", registrar);
        }
    }
}

fn zone(key: &ZoneKey, it: &Zone) -> String {
    let mut lines = Lines::default();
    lines.text("name", &key.name);
    lines.text("view", &key.view);
    lines.text("class", &it.class);
    lines.text("pattern", &it.pattern);
    lines.text("mode", &it.mode);
    lines.text("policy_owner", &it.policy_owner);
    lines.text("operator", &it.operator);
    lines.list("servers", &it.servers);
    if let Some(connector) = &it.connector {
        lines.section("connector");
        lines.text("kind", &connector.kind());
        match connector {
            Connector::Rfc2136 { server, key } => {
                lines.text("server", server);
                lines.text("key", key);
            }
            Connector::PowerDns { url, trust_roots } => {
                lines.text("url", url);
                lines.maybe("trust_roots", trust_roots.as_ref());
            }
            Connector::Cloudflare { zone_id, url, trust_roots } => {
                lines.text("zone_id", zone_id);
                lines.text("url", url);
                lines.maybe("trust_roots", trust_roots.as_ref());
            }
            Connector::Git { repository, branch, file } => {
                lines.text("repository", repository);
                lines.text("branch", branch);
                lines.text("file", file);
            }
            Connector::Observe => {}
        }
    }
    if let Some(transfer) = &it.transfer {
        lines.section("transfer");
        lines.text("server", &transfer.server);
        lines.maybe("key", transfer.key.as_ref());
    }
    lines.section("caa");
    lines.list("issue", &it.caa.issue);
    lines.list("issuewild", &it.caa.issuewild);
    lines.list("iodef", &it.caa.iodef);
    for (name, intent) in &it.caa_below {
        lines.section(&format!("caa_below.{}", self::key(name.as_str())));
        lines.list("issue", &intent.issue);
        lines.list("issuewild", &intent.issuewild);
        lines.list("iodef", &intent.iodef);
    }
    lines.section("limits");
    let limits = it.limits;
    lines.raw("names_per_certificate_max", &limits.names_per_certificate_max.to_string());
    lines.raw("wildcard_allowed", &limits.wildcard_allowed.to_string());
    lines.raw("lifetime_days_max", &limits.lifetime_days_max.to_string());
    lines.raw("ownership_days_max", &limits.ownership_days_max.to_string());
    power(&mut lines, it);
    lines.0
}

fn service(id: &ServiceId, it: &Service) -> String {
    let mut lines = Lines::default();
    lines.text("id", id);
    lines.text("name", &it.name);
    lines.text("environment", &it.environment);
    lines.maybe("namespace", it.namespace.as_ref());
    lines.maybe("view", it.view.as_ref());
    lines.list("names", &it.names);
    lines.list("below", &it.below);
    lines.list("profiles", &it.profiles);
    lines.maybe("workload", it.workload.as_ref());
    lines.section("duties");
    lines.text("policy_owner", &it.duties.policy_owner);
    lines.text("operator", &it.duties.operator);
    lines.text("integration_owner", &it.duties.integration_owner);
    if let Some(ownership) = &it.ownership {
        lines.section("ownership");
        lines.text("verified", &ownership.verified_at);
        lines.text("by", &ownership.by);
    }
    for (name, rule) in &it.attested {
        lines.section(&format!("attested.{}", key(name)));
        lines.text("attestor", &rule.attestor);
        lines.text("answers", &rule.answers);
        lines.section(&format!("attested.{}.claims", key(name)));
        for (claim, values) in &rule.claims {
            lines.list(&key(claim), values);
        }
    }
    for (name, spec) in &it.envelopes {
        lines.section(&format!("envelopes.{}", key(name)));
        lines.list("names", &spec.names);
        lines.text("issuer", &spec.issuer);
        lines.list("profiles", &spec.profiles);
        lines.text("until", &spec.until);
        if let Some(uses_max) = spec.uses_max {
            lines.raw("uses_max", &uses_max.to_string());
        }
        lines.text("reason", &spec.reason);
    }
    for (name, place) in &it.deployments {
        lines.section(&format!("deploy.{}", key(name)));
        lines.text("kind", &place.kind());
        match place {
            Deployment::Client => {}
            Deployment::Files { folder, reload } => {
                lines.text("folder", folder);
                lines.list("reload", reload);
            }
            Deployment::Webhook { url } => lines.text("url", url),
        }
    }
    for (name, party) in &it.relying_parties {
        lines.section(&format!("relying_parties.{}", key(name)));
        lines.list("trusts", &party.trusts);
    }
    lines.0
}

/// Each issuer, and behind it what was agreed about canaries, in a table of its own.
fn issuers(all: &std::collections::BTreeMap<bailiwick_core::names::IssuerId, Issuer>) -> String {
    let mut lines = Lines::default();
    for (id, it) in all {
        lines.section(&key(id.as_str()));
        issuer(&mut lines, it);
        let Some(canary) = &it.canary else { continue };
        lines.section(&format!("{}.canary", key(id.as_str())));
        lines.text("directory", &canary.place.directory);
        lines.list("contacts", &canary.place.contacts);
        lines.maybe("binding", canary.place.binding.as_ref());
        lines.text("permitted", &canary.permitted);
        lines.text("forbidden", &canary.forbidden);
        lines.maybe("forbidden_account", canary.forbidden_account.as_ref());
        lines.maybe("forbidden_method", canary.forbidden_method.as_ref());
        lines.raw("every_hours", &canary.every_hours.to_string());
        lines.raw("pause_minutes", &canary.pause_minutes.to_string());
        lines.maybe("trust_roots", canary.place.trust_roots.as_ref());
    }
    lines.0
}

fn issuer(lines: &mut Lines, it: &Issuer) {
    lines.text("kind", &it.kind);
    lines.list("caa_domains", &it.caa_domains);
    lines.list("environments", &it.environments);
    lines.list("profiles", &it.profiles);
    lines.maybe("key", it.authority.key.as_ref());
    lines.maybe("key_home", it.authority.key_home.as_ref());
    lines.list("name_constraints", &it.authority.name_constraints);
    if let Some(parts) = it.authority.crl_parts {
        lines.raw("crl_parts", &parts.to_string());
    }
    let Some(upstream) = &it.upstream else { return };
    lines.text("directory", &upstream.directory);
    lines.list("contacts", &upstream.contacts);
    lines.maybe("binding", upstream.binding.as_ref());
    lines.maybe("problem_reports", upstream.problem_reports.as_ref());
    lines.maybe("trust_roots", upstream.trust_roots.as_ref());
    if !upstream.ca_profiles.is_empty() {
        let pairs = upstream.ca_profiles.iter();
        let pairs =
            pairs.map(|(ours, theirs)| format!("{} = {}", key(ours.as_str()), quoted(theirs)));
        lines.raw("ca_profiles", &format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", ")));
    }
}

fn profile(lines: &mut Lines, it: &Profile) {
    let certificate = &it.certificate;
    let seconds = certificate.lifetime_seconds_max;
    if seconds.checked_rem(DAY_SECONDS) == Some(0) {
        let days = seconds.checked_div(DAY_SECONDS).unwrap_or_default();
        lines.raw("lifetime_days_max", &days.to_string());
    } else {
        lines.raw("lifetime_seconds_max", &seconds.to_string());
    }
    lines.raw("backdate_seconds", &certificate.backdate_seconds.to_string());
    lines.list("purposes", &certificate.purposes);
    lines.list("keys_allowed", &certificate.keys_allowed);
    lines.raw("rsa_bits_min", &certificate.rsa_bits_min.to_string());
    lines.raw("names_max", &certificate.names_max.to_string());
    lines.raw("wildcard_allowed", &certificate.wildcard_allowed.to_string());
    lines.raw("crl_pointer", &certificate.revocation.crl.to_string());
    lines.raw("ocsp_pointer", &certificate.revocation.ocsp.to_string());
    lines.raw("workload_uri", &certificate.workload_uri.to_string());
    lines.text("rules", &certificate.rules);
    lines.list("environments", &it.environments);
    lines.maybe("attestation_required", it.attestation_required.as_ref());
}

fn attestor(lines: &mut Lines, it: &Attestor) {
    lines.text("kind", &it.kind);
    if !it.issuer.is_empty() {
        lines.text("issuer", &it.issuer);
    }
    lines.text("audience", &it.audience);
    match &it.keys {
        AttestorKeys::Written(set) => lines.text("keys", set),
        AttestorKeys::At(url) => lines.text("keys_url", url),
        AttestorKeys::Discovered | AttestorKeys::WithWorkloads => {}
    }
    lines.maybe("trust_roots", it.trust_roots.as_ref());
    lines.list("vouches_for", &it.vouches_for);
    lines.raw("holds_minutes", &it.holds_minutes.to_string());
}

fn exception(lines: &mut Lines, it: &Exception) {
    match &it.scope {
        Scope::Service(service) => lines.text("service", service),
        Scope::Zone(zone) => lines.text("zone", zone),
        Scope::Name(name) => lines.text("name", name),
    }
    lines.text("rule", &it.rule);
    lines.text("reason", &it.reason);
    lines.text("approver", &it.approver);
    lines.text("compensating_control", &it.compensating_control);
    lines.text("until", &it.until);
}
