//! Every object of an estate as flat fields of text: what a difference is made of.

use std::collections::BTreeMap;

use crate::certificate::ProfileRules;
use crate::names::Digest;

use super::diff::{ObjectKind, ObjectRef};
use super::{
    Attestor, AttestorKeys, Connector, Deployment, Estate, Exception, Freeze, Issuer, Organisation,
    Person, Profile, Scope, Service, StandIn, Team, VantagePoint, Zone,
};

/// Field paths and their values. A list is one text, its items in order.
pub(super) type Fields = BTreeMap<String, String>;

/// Every object of `estate`, flattened.
pub(super) fn of(estate: &Estate) -> BTreeMap<ObjectRef, Fields> {
    let mut all = BTreeMap::new();
    let mut add = |kind, id: &str, fields: Flat| {
        all.insert(ObjectRef { kind, id: id.to_owned() }, fields.0);
    };
    add(ObjectKind::Organisation, "", organisation(&estate.organisation));
    estate.people.iter().for_each(|(id, it)| add(ObjectKind::Person, id.as_str(), person(it)));
    estate.teams.iter().for_each(|(id, it)| add(ObjectKind::Team, id.as_str(), team(it)));
    estate.zones.iter().for_each(|(id, it)| add(ObjectKind::Zone, &id.to_string(), zone(it)));
    estate.services.iter().for_each(|(id, it)| add(ObjectKind::Service, id.as_str(), service(it)));
    estate.issuers.iter().for_each(|(id, it)| add(ObjectKind::Issuer, id.as_str(), issuer(it)));
    estate.profiles.iter().for_each(|(id, it)| add(ObjectKind::Profile, id.as_str(), profile(it)));
    let attestors = estate.attestors.iter();
    attestors.for_each(|(id, it)| add(ObjectKind::Attestor, id.as_str(), attestor(it)));
    let exceptions = estate.exceptions.iter();
    exceptions.for_each(|(id, it)| add(ObjectKind::Exception, id.as_str(), exception(it)));
    let stand_ins = estate.stand_ins.iter();
    stand_ins.for_each(|(id, it)| add(ObjectKind::StandIn, id, stand_in(it)));
    let policies = estate.policies.iter();
    policies
        .for_each(|(name, text)| add(ObjectKind::Policy, name, Flat::default().with("text", text)));
    all
}

/// Whether a change of this field alters who or what is trusted. What is not known here does: a new
/// field has to be listed before it counts as harmless.
pub(super) fn alters_trust(
    kind: ObjectKind,
    field: &str,
    old: Option<&str>,
    new: Option<&str>,
) -> bool {
    let harmless: &[&str] = match kind {
        ObjectKind::Organisation => &["name"],
        ObjectKind::Person => &["name"],
        ObjectKind::Team => &["on_call", "deputy"],
        ObjectKind::Service => &["name"],
        // Policies may compare with the class of a zone.
        ObjectKind::Zone
        | ObjectKind::Issuer
        | ObjectKind::Profile
        | ObjectKind::Attestor
        | ObjectKind::Policy => &[],
        ObjectKind::StandIn => &["reason"],
        ObjectKind::Exception => &["reason"],
    };
    if harmless.contains(&field) {
        return false;
    }
    // Taking rights away is not the risk; giving them is. Somebody who leaves loses rights.
    let leaves = kind == ObjectKind::Person && field == "left" && old.is_none();
    // A person nobody has put into a team yet can do nothing.
    let appears = kind == ObjectKind::Person && old.is_none() && new.is_some();
    !(leaves || appears)
}

#[derive(Default)]
struct Flat(Fields);

impl Flat {
    fn with(mut self, field: &str, value: &(impl ToString + ?Sized)) -> Self {
        self.0.insert(field.to_owned(), value.to_string());
        self
    }

    fn maybe<T: ToString>(self, field: &str, value: Option<&T>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    /// A flag that is down where nobody wrote it.
    fn flag(self, field: &str, value: bool) -> Self {
        if value { self.with(field, "true") } else { self }
    }

    /// One field for each vantage.
    fn all<'a>(self, fields: impl Iterator<Item = (&'a String, String)>) -> Self {
        fields.fold(self, |flat, (name, value)| flat.with(&format!("vantages.{name}"), &value))
    }

    fn list<T: ToString>(self, field: &str, values: impl IntoIterator<Item = T>) -> Self {
        let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        if texts.is_empty() { self } else { self.with(field, &texts.join(", ")) }
    }
}

fn organisation(it: &Organisation) -> Flat {
    Flat::default()
        .with("name", &it.name)
        .with("control_owner", &it.control_owner)
        .maybe("auditors", it.auditors.as_ref())
        .list("administrators", &it.administrators)
        .list("freezes", it.freezes.iter().map(|(name, freeze)| freeze_text(name, freeze)))
        .all(it.vantages.iter().map(|(name, it)| (name, vantage(it))))
}

fn freeze_text(name: &str, it: &Freeze) -> String {
    let zones: Vec<String> = it.zones.iter().map(ToString::to_string).collect();
    let zones = if zones.is_empty() { "everywhere".to_owned() } else { zones.join(" ") };
    let Freeze { from, until, may_break, reason, .. } = it;
    format!("{name}: {from} to {until} in {zones}, {may_break} may break it: {reason:?}")
}

fn deployment_text(it: &Deployment) -> String {
    match it {
        Deployment::Client => "client".to_owned(),
        Deployment::Files { folder, reload } => format!("files in {folder:?}, then {reload:?}"),
        Deployment::Webhook { url } => format!("webhook {url}"),
    }
}

fn vantage(it: &VantagePoint) -> String {
    let mut text =
        format!("{} over {}, {} view, run by {}", it.server, it.transport, it.view, it.operator);
    if it.validates {
        text.push_str(", validates");
    }
    let more = [
        ("named ", it.name.as_ref().map(ToString::to_string)),
        ("at ", it.path.clone()),
        ("in the region of ", it.region.map(|region| region.to_string())),
        ("trusting ", it.trust_roots.as_ref().map(|pem| Digest::of(pem.as_bytes()).to_string())),
    ];
    for (what, value) in more {
        text.extend(value.map(|value| format!(", {what}{value}")));
    }
    text
}

fn person(it: &Person) -> Flat {
    Flat::default().with("name", &it.name).with("email", &it.email).maybe("left", it.left.as_ref())
}

fn team(it: &Team) -> Flat {
    Flat::default()
        .with("unit", &it.unit)
        .list("members", &it.members)
        .list("parts", &it.parts)
        .with("on_call", &it.on_call)
        .with("deputy", &it.deputy)
}

fn stand_in(it: &StandIn) -> Flat {
    Flat::default()
        .with("of", &it.of)
        .with("by", &it.by)
        .with("team", &it.team)
        .with("from", &it.from)
        .with("until", &it.until)
        .with("reason", &it.reason)
}

fn zone(it: &Zone) -> Flat {
    let delegation = it.delegation.as_ref();
    let flat = Flat::default()
        .list("gates", it.gates.iter().map(ToString::to_string))
        .list("delegation.ns", delegation.into_iter().flat_map(|it| &it.ns))
        .list("delegation.ds", delegation.into_iter().flat_map(|it| &it.ds))
        .with("class", &it.class)
        .with("pattern", &it.pattern)
        .with("mode", &it.mode)
        .with("policy_owner", &it.policy_owner)
        .with("operator", &it.operator)
        .list("servers", &it.servers)
        .maybe("connector.kind", it.connector.as_ref().map(Connector::kind).as_ref())
        .maybe("transfer.server", it.transfer.as_ref().map(|one| one.server).as_ref())
        .maybe("transfer.key", it.transfer.as_ref().and_then(|one| one.key.as_ref()));
    let flat = match &it.connector {
        None | Some(Connector::Observe) => flat,
        Some(Connector::Rfc2136 { server, key }) => {
            flat.with("connector.server", server).with("connector.key", key)
        }
        Some(Connector::PowerDns { url, trust_roots }) => {
            flat.with("connector.url", url).maybe("connector.trust_roots", trust_roots.as_ref())
        }
        Some(Connector::Cloudflare { zone_id, url, trust_roots }) => flat
            .with("connector.zone_id", zone_id)
            .with("connector.url", url)
            .maybe("connector.trust_roots", trust_roots.as_ref()),
        Some(Connector::Git { repository, branch, file }) => flat
            .with("connector.repository", repository)
            .with("connector.branch", branch)
            .with("connector.file", file),
    };
    let flat = it.caa_below.iter().fold(flat, |flat, (name, intent)| {
        flat.list(&format!("caa_below.{name}"), intent.records().iter())
    });
    flat.list("caa.issue", it.caa.issue.iter().map(|value| format!("{value:?}")))
        .list("caa.issuewild", it.caa.issuewild.iter().map(|value| format!("{value:?}")))
        .list("caa.iodef", it.caa.iodef.iter().map(|value| format!("{value:?}")))
        .with("limits.names_per_certificate_max", &it.limits.names_per_certificate_max)
        .with("limits.wildcard_allowed", &it.limits.wildcard_allowed)
        .with("limits.lifetime_days_max", &it.limits.lifetime_days_max)
        .with("limits.ownership_days_max", &it.limits.ownership_days_max)
}

fn service(it: &Service) -> Flat {
    let mut flat = Flat::default()
        .with("name", &it.name)
        .with("environment", &it.environment)
        .maybe("namespace", it.namespace.as_ref())
        .maybe("view", it.view.as_ref())
        .list("names", &it.names)
        .list("below", &it.below)
        .list("profiles", &it.profiles)
        .maybe("workload", it.workload.as_ref());
    for (duty, team) in it.duties.each() {
        flat = flat.with(&format!("duties.{duty}"), team);
    }
    if let Some(ownership) = &it.ownership {
        flat = flat
            .with("ownership.verified_at", &ownership.verified_at)
            .with("ownership.by", &ownership.by);
    }
    for (key, rule) in &it.attested {
        let field = |name: &str| format!("attested.{key}.{name}");
        flat = flat.with(&field("attestor"), &rule.attestor).with(&field("answers"), &rule.answers);
        for (claim, values) in &rule.claims {
            flat = flat.list(&field(&format!("claims.{claim}")), values);
        }
    }
    for (key, spec) in &it.envelopes {
        let field = |name: &str| format!("envelopes.{key}.{name}");
        flat = flat
            .list(&field("names"), &spec.names)
            .with(&field("issuer"), &spec.issuer)
            .list(&field("profiles"), &spec.profiles)
            .with(&field("until"), &spec.until)
            .maybe(&field("uses_max"), spec.uses_max.as_ref())
            .with(&field("reason"), &spec.reason);
    }
    for (key, place) in &it.deployments {
        flat = flat.with(&format!("deploy.{key}"), &deployment_text(place));
    }
    for (key, party) in &it.relying_parties {
        flat = flat.list(&format!("relying_parties.{key}.trusts"), &party.trusts);
    }
    flat
}

fn issuer(it: &Issuer) -> Flat {
    let flat = Flat::default()
        .with("kind", &it.kind)
        .list("caa_domains", &it.caa_domains)
        .list("environments", &it.environments)
        .list("profiles", &it.profiles)
        .maybe("key", it.authority.key.as_ref())
        .maybe("key_home", it.authority.key_home.as_ref())
        .list("name_constraints", &it.authority.name_constraints)
        .maybe("crl_parts", it.authority.crl_parts.as_ref());
    let flat = match &it.canary {
        Some(canary) => flat
            .with("canary.directory", &canary.place.directory)
            .list("canary.contacts", &canary.place.contacts)
            .maybe("canary.binding", canary.place.binding.as_ref())
            .with("canary.permitted", &canary.permitted)
            .with("canary.forbidden", &canary.forbidden)
            .maybe("canary.forbidden_account", canary.forbidden_account.as_ref())
            .maybe("canary.forbidden_method", canary.forbidden_method.as_ref())
            .with("canary.every_hours", &canary.every_hours)
            .with("canary.pause_minutes", &canary.pause_minutes)
            .maybe("canary.trust_roots", canary.place.trust_roots.as_ref()),
        None => flat,
    };
    let Some(upstream) = &it.upstream else { return flat };
    let named = upstream.ca_profiles.iter().map(|(ours, theirs)| format!("{ours} = {theirs:?}"));
    flat.with("directory", &upstream.directory)
        .list("contacts", &upstream.contacts)
        .maybe("binding", upstream.binding.as_ref())
        .maybe("trust_roots", upstream.trust_roots.as_ref())
        .list("ca_profiles", named)
        .maybe("problem_reports", upstream.problem_reports.as_ref())
}

fn profile(it: &Profile) -> Flat {
    let certificate = &it.certificate;
    Flat::default()
        .with("lifetime_seconds_max", &certificate.lifetime_seconds_max)
        .with("backdate_seconds", &certificate.backdate_seconds)
        .list("purposes", &certificate.purposes)
        .list("keys_allowed", &certificate.keys_allowed)
        .with("rsa_bits_min", &certificate.rsa_bits_min)
        .with("names_max", &certificate.names_max)
        .with("wildcard_allowed", &certificate.wildcard_allowed)
        .with("crl_pointer", &certificate.revocation.crl)
        .flag("ocsp_pointer", certificate.revocation.ocsp)
        .flag("workload_uri", certificate.workload_uri)
        .maybe("rules", Some(&certificate.rules).filter(|rules| **rules != ProfileRules::Private))
        .list("environments", &it.environments)
        .maybe("attestation_required", it.attestation_required.as_ref())
}

fn attestor(it: &Attestor) -> Flat {
    let keys = match &it.keys {
        AttestorKeys::Written(set) => ("keys", Some(set)),
        AttestorKeys::At(url) => ("keys_url", Some(url)),
        AttestorKeys::Discovered | AttestorKeys::WithWorkloads => ("keys", None),
    };
    Flat::default()
        .with("kind", &it.kind)
        .with("issuer", &it.issuer)
        .with("audience", &it.audience)
        .maybe(keys.0, keys.1)
        .maybe("trust_roots", it.trust_roots.as_ref())
        .list("vouches_for", &it.vouches_for)
        .with("holds_minutes", &it.holds_minutes)
}

fn exception(it: &Exception) -> Flat {
    let scope = match &it.scope {
        Scope::Service(service) => format!("service {service}"),
        Scope::Zone(zone) => format!("zone {zone}"),
        Scope::Name(name) => format!("name {name}"),
    };
    Flat::default()
        .with("scope", &scope)
        .with("rule", &it.rule)
        .with("reason", &it.reason)
        .with("approver", &it.approver)
        .with("compensating_control", &it.compensating_control)
        .with("until", &it.until)
}
