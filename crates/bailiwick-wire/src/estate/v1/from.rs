//! Stored fields to core types; every one is parsed again.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::certificate::{
    CertificateProfile, KeyKind, KeyPurpose, ProfileRules, RevocationPointers,
};
use bailiwick_core::estate as core;
use bailiwick_core::estate::{AttestationKind, Environment, Namespace, RuleId, View, ZoneKey};
use bailiwick_core::names::{
    AttestorId, DnsName, ExceptionId, IssuerId, PersonId, ProfileId, SanName, ServiceId, SpiffeId,
    TeamId,
};
use bailiwick_core::time::Time;

use super::BadEstate;
use super::shape;

pub(super) type Read<T> = Result<T, BadEstate>;

pub(super) fn word<T>(word: &str, parse: impl FnOnce(&str) -> Option<T>) -> Read<T> {
    parse(word).ok_or_else(|| BadEstate::Word { word: word.chars().take(64).collect() })
}

pub(super) fn all<T: Ord, E: Into<BadEstate>>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, E>,
) -> Read<BTreeSet<T>> {
    texts.iter().map(|text| parse(text).map_err(Into::into)).collect()
}

fn maybe<T, E: Into<BadEstate>>(
    text: Option<&String>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Read<Option<T>> {
    text.map(|text| parse(text).map_err(Into::into)).transpose()
}

fn map<K: Ord, V, T>(
    values: BTreeMap<String, T>,
    key: impl Fn(&str) -> Read<K>,
    value: impl Fn(&K, T) -> Read<V>,
) -> Read<BTreeMap<K, V>> {
    let pair = |(text, shape): (String, T)| {
        let key = key(&text)?;
        let value = value(&key, shape)?;
        Ok((key, value))
    };
    values.into_iter().map(pair).collect()
}

pub(super) fn estate(shape: shape::Estate) -> Read<core::Estate> {
    if shape.v != 1 {
        return Err(BadEstate::Version { found: shape.v });
    }
    let zone_key = |text: &str| word(text, ZoneKey::parse);
    Ok(core::Estate {
        organisation: organisation(shape.organisation)?,
        people: map(shape.people, |id| Ok(PersonId::parse(id)?), |_, it| person(it))?,
        teams: map(shape.teams, |id| Ok(TeamId::parse(id)?), |_, it| team(&it))?,
        zones: map(shape.zones, zone_key, |_, it| zone(it))?,
        services: map(shape.services, |id| Ok(ServiceId::parse(id)?), |_, it| service(it))?,
        issuers: map(shape.issuers, |id| Ok(IssuerId::parse(id)?), |_, it| issuer(it))?,
        profiles: map(shape.profiles, |id| Ok(ProfileId::parse(id)?), |id, it| profile(id, &it))?,
        exceptions: map(shape.exceptions, |id| Ok(ExceptionId::parse(id)?), |_, it| exception(it))?,
        policies: shape.policies,
        stand_ins: map(shape.stand_ins, |id| Ok(id.to_owned()), |_, it| it.read())?,
        attestors: map(shape.attestors, |id| Ok(AttestorId::parse(id)?), |_, it| it.read())?,
    })
}

fn organisation(it: shape::Organisation) -> Read<core::Organisation> {
    Ok(core::Organisation {
        name: it.name,
        control_owner: TeamId::parse(&it.control_owner)?,
        auditors: maybe(it.auditors.as_ref(), TeamId::parse)?,
        administrators: all(&it.administrators, PersonId::parse)?,
        freezes: map(it.freezes, |id| Ok(id.to_owned()), |_, it| it.read())?,
        vantages: map(it.vantages, |name| Ok(name.to_owned()), |_, it| vantage(&it))?,
    })
}

fn vantage(it: &shape::VantagePoint) -> Read<core::VantagePoint> {
    Ok(core::VantagePoint {
        server: word(&it.server, |text| text.parse().ok())?,
        transport: word(&it.transport, core::VantageTransport::parse)?,
        validates: it.validates,
        view: word(&it.view, View::parse)?,
        operator: TeamId::parse(&it.operator)?,
        name: maybe(it.name.as_ref(), DnsName::parse)?,
        trust_roots: it.trust_roots.clone(),
        path: it.path.clone(),
        region: it.region.as_ref().map(|text| word(text, core::Rir::parse)).transpose()?,
    })
}

fn person(it: shape::Person) -> Read<core::Person> {
    let left = maybe(it.left.as_ref(), Time::parse)?;
    Ok(core::Person { name: it.name, email: it.email, left })
}

fn team(it: &shape::Team) -> Read<core::Team> {
    Ok(core::Team {
        unit: it.unit.clone(),
        members: all(&it.members, PersonId::parse)?,
        parts: all(&it.parts, TeamId::parse)?,
        on_call: PersonId::parse(&it.on_call)?,
        deputy: PersonId::parse(&it.deputy)?,
    })
}

fn zone(it: shape::Zone) -> Read<core::Zone> {
    let server = |text: &String| word(text, |text| text.parse().ok());
    Ok(core::Zone {
        class: word(&it.class, core::ZoneClass::parse)?,
        pattern: word(&it.pattern, core::Pattern::parse)?,
        mode: word(&it.mode, core::Mode::parse)?,
        policy_owner: TeamId::parse(&it.policy_owner)?,
        operator: TeamId::parse(&it.operator)?,
        servers: it.servers.iter().map(server).collect::<Read<_>>()?,
        connector: it.connector.map(connector).transpose()?,
        transfer: it.transfer.as_ref().map(transfer).transpose()?,
        caa: it.caa.read(),
        caa_below: map(it.caa_below, |name| Ok(DnsName::parse(name)?), |_, it| Ok(it.read()))?,
        limits: core::ZoneLimits {
            names_per_certificate_max: it.limits.names_per_certificate_max,
            wildcard_allowed: it.limits.wildcard_allowed,
            lifetime_days_max: it.limits.lifetime_days_max,
            ownership_days_max: it.limits.ownership_days_max,
        },
        gates: it.gates.iter().map(super::power::Gate::read).collect::<Read<_>>()?,
        delegation: it.delegation.map(super::power::Delegation::read).transpose()?,
    })
}

fn connector(it: shape::Connector) -> Read<core::Connector> {
    let there =
        |text: Option<String>| text.ok_or_else(|| BadEstate::Word { word: it.kind.clone() });
    Ok(match word(&it.kind, core::ConnectorKind::parse)? {
        core::ConnectorKind::Rfc2136 => core::Connector::Rfc2136 {
            server: word(&there(it.server)?, |text| text.parse().ok())?,
            key: DnsName::parse(&there(it.key)?)?,
        },
        core::ConnectorKind::PowerDns => {
            core::Connector::PowerDns { url: there(it.url)?, trust_roots: it.trust_roots }
        }
        core::ConnectorKind::Cloudflare => core::Connector::Cloudflare {
            zone_id: there(it.zone_id)?,
            url: there(it.url)?,
            trust_roots: it.trust_roots,
        },
        core::ConnectorKind::Git => core::Connector::Git {
            repository: there(it.repository)?,
            branch: there(it.branch)?,
            file: there(it.file)?,
        },
        core::ConnectorKind::Observe => core::Connector::Observe,
    })
}

fn transfer(it: &shape::Transfer) -> Read<core::TransferFrom> {
    Ok(core::TransferFrom {
        server: word(&it.server, |text| text.parse().ok())?,
        key: maybe(it.key.as_ref(), DnsName::parse)?,
    })
}

fn service(it: shape::Service) -> Read<core::Service> {
    let ownership = it.ownership.map(|it| -> Read<core::Ownership> {
        let verified_at = Time::parse(&it.verified_at)?;
        Ok(core::Ownership { verified_at, by: PersonId::parse(&it.by)? })
    });
    Ok(core::Service {
        name: it.name,
        environment: Environment::parse(&it.environment)?,
        namespace: maybe(it.namespace.as_ref(), Namespace::parse)?,
        view: it.view.map(|view| word(&view, View::parse)).transpose()?,
        names: all(&it.names, SanName::parse)?,
        below: all(&it.below, DnsName::parse)?,
        duties: core::Duties {
            policy_owner: TeamId::parse(&it.duties.policy_owner)?,
            operator: TeamId::parse(&it.duties.operator)?,
            integration_owner: TeamId::parse(&it.duties.integration_owner)?,
        },
        ownership: ownership.transpose()?,
        profiles: all(&it.profiles, ProfileId::parse)?,
        attested: map(it.attested, |id| Ok(id.to_owned()), |_, it| it.read())?,
        workload: it.workload.map(|id| word(&id, |id| SpiffeId::parse(id).ok())).transpose()?,
        envelopes: map(it.envelopes, |key| Ok(key.to_owned()), |_, it| envelope(it))?,
        deployments: map(it.deployments, |key| Ok(key.to_owned()), |_, it| Ok(it.read()))?,
        relying_parties: map(it.relying_parties, |key| Ok(key.to_owned()), |_, it| it.read())?,
    })
}

fn envelope(it: shape::Envelope) -> Read<core::EnvelopeSpec> {
    Ok(core::EnvelopeSpec {
        names: all(&it.names, SanName::parse)?,
        issuer: IssuerId::parse(&it.issuer)?,
        profiles: all(&it.profiles, ProfileId::parse)?,
        until: Time::parse(&it.until)?,
        uses_max: it.uses_max,
        reason: it.reason,
    })
}

fn issuer(it: shape::Issuer) -> Read<core::Issuer> {
    let upstream = it.upstream.map(|it| -> Read<core::Upstream> {
        Ok(core::Upstream {
            directory: it.directory,
            contacts: it.contacts,
            binding: it.binding,
            trust_roots: it.trust_roots,
            ca_profiles: map(it.ca_profiles, |id| Ok(ProfileId::parse(id)?), |_, it| Ok(it))?,
            problem_reports: it.problem_reports,
        })
    });
    Ok(core::Issuer {
        kind: word(&it.kind, core::IssuerKind::parse)?,
        caa_domains: it.caa_domains.into_iter().collect(),
        environments: all(&it.environments, Environment::parse)?,
        profiles: all(&it.profiles, ProfileId::parse)?,
        authority: core::AuthorityPlan {
            key: it.key.map(|key| word(&key, core::AuthorityKey::parse)).transpose()?,
            key_home: it.key_home.map(|home| word(&home, core::KeyHome::parse)).transpose()?,
            name_constraints: all(&it.name_constraints, |text| match text {
                "zones" => Ok(core::NameConstraint::Zones),
                base => DnsName::parse(base).map(core::NameConstraint::Below),
            })?,
            crl_parts: it.crl_parts,
        },
        upstream: upstream.transpose()?,
        canary: it.canary.map(canary).transpose()?,
    })
}

fn canary(it: shape::CanaryPlan) -> Read<core::CanaryPlan> {
    Ok(core::CanaryPlan {
        place: core::Upstream {
            directory: it.directory,
            contacts: it.contacts,
            binding: it.binding,
            trust_roots: it.trust_roots,
            ca_profiles: BTreeMap::new(),
            problem_reports: None,
        },
        permitted: DnsName::parse(&it.permitted)?,
        forbidden: DnsName::parse(&it.forbidden)?,
        forbidden_account: it.forbidden_account.as_deref().map(DnsName::parse).transpose()?,
        forbidden_method: it.forbidden_method.as_deref().map(DnsName::parse).transpose()?,
        every_hours: it.every_hours,
        pause_minutes: it.pause_minutes.unwrap_or(shape::PAUSE_MINUTES),
    })
}

fn profile(id: &ProfileId, it: &shape::Profile) -> Read<core::Profile> {
    let purpose = |text: &String| word(text, KeyPurpose::parse);
    let key = |text: &String| word(text, KeyKind::parse);
    Ok(core::Profile {
        certificate: CertificateProfile {
            id: id.clone(),
            lifetime_seconds_max: it.lifetime_seconds_max,
            backdate_seconds: it.backdate_seconds,
            purposes: it.purposes.iter().map(purpose).collect::<Read<_>>()?,
            keys_allowed: it.keys_allowed.iter().map(key).collect::<Read<_>>()?,
            rsa_bits_min: it.rsa_bits_min,
            names_max: it.names_max,
            wildcard_allowed: it.wildcard_allowed,
            revocation: RevocationPointers { crl: it.crl_pointer, ocsp: it.ocsp_pointer },
            workload_uri: it.workload_uri,
            rules: match &it.rules {
                Some(rules) => word(rules, ProfileRules::parse)?,
                None => ProfileRules::Private,
            },
        },
        environments: all(&it.environments, Environment::parse)?,
        attestation_required: maybe(it.attestation_required.as_ref(), AttestationKind::parse)?,
    })
}

fn exception(it: shape::Exception) -> Read<core::Exception> {
    Ok(core::Exception {
        scope: scope(&it.scope)?,
        rule: RuleId::parse(&it.rule)?,
        reason: it.reason,
        approver: PersonId::parse(&it.approver)?,
        compensating_control: it.compensating_control,
        until: Time::parse(&it.until)?,
    })
}

fn scope(it: &shape::Scope) -> Read<core::Scope> {
    match it.kind.as_str() {
        "service" => Ok(core::Scope::Service(ServiceId::parse(&it.id)?)),
        "zone" => Ok(core::Scope::Zone(word(&it.id, ZoneKey::parse)?)),
        "name" => Ok(core::Scope::Name(SanName::parse(&it.id)?)),
        other => word(other, |_| None),
    }
}
