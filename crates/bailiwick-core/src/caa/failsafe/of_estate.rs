//! What an estate says about the controls of one name.

use super::super::climb::PrivateTlds;
use super::super::terms::IssuerDomain;
use super::super::value::IssueValue;
use super::{FailSafeFacts, GateControl, IssuerLimit, Reach};
use crate::estate::{CaaIntent, Estate, Issuer, IssuerKind, Mode, View, Zone, ZoneKey};
use crate::names::DnsName;
use crate::policy::Fact;

impl FailSafeFacts {
    /// What an estate says of a name; what is seen outside of it (detection, revocation) stays
    /// unknown. `None` when the name lies in no zone of the estate.
    #[must_use]
    pub fn of_estate(estate: &Estate, name: &DnsName) -> Option<Self> {
        let (key, zone) = [View::External, View::Internal]
            .into_iter()
            .find_map(|view| estate.zone_of(name, view))?;
        Some(Self::of_name(estate, key, zone, name))
    }

    /// What an estate says of a name of one of its zones.
    #[must_use]
    pub fn of_name(estate: &Estate, key: &ZoneKey, zone: &Zone, name: &DnsName) -> Self {
        let intent = zone.caa_for(name);
        let issuers = issuers_of(estate, intent);
        Self {
            reach: Fact::Known(reach(key)),
            gate: gate(zone, &issuers),
            account: limit(intent, &issuers, "accounturi"),
            methods: limit(intent, &issuers, "validationmethods"),
            ..Self::UNKNOWN
        }
    }
}

/// Names inside, and under top-level domains that no public CA may certify (BR 4.2.2), are private.
fn reach(key: &ZoneKey) -> Reach {
    let top = std::iter::successors(Some(key.name.apex().clone()), DnsName::parent).last();
    let reserved = top.is_some_and(|top| PrivateTlds::reserved().holds(&top));
    if key.view == View::Internal || reserved { Reach::Private } else { Reach::Public }
}

fn gate(zone: &Zone, issuers: &[&Issuer]) -> Fact<GateControl> {
    match zone.mode {
        Mode::Observe | Mode::Advise => Fact::Known(GateControl::Watches),
        // A zone whose intent names nobody of ours has no issuer that the gate could stand before.
        Mode::Enforce if issuers.is_empty() => Fact::Unknown,
        Mode::Enforce => Fact::Known(GateControl::Refuses),
    }
}

/// The issuers of the estate that the intent names.
fn issuers_of<'a>(estate: &'a Estate, intent: &CaaIntent) -> Vec<&'a Issuer> {
    let named = issuer_values(intent);
    let names = |issuer: &&Issuer| {
        let answers = |domain: &IssuerDomain| {
            issuer.caa_domains.iter().any(|own| own.eq_ignore_ascii_case(domain.as_str()))
        };
        named.iter().filter_map(|value| value.issuer.as_ref()).any(answers)
    };
    estate.issuers.values().filter(names).collect()
}

fn issuer_values(intent: &CaaIntent) -> Vec<IssueValue> {
    let values = intent.issue.iter().chain(&intent.issuewild);
    values.filter_map(|value| IssueValue::read(value.as_bytes()).ok()).collect()
}

/// What limits the orders of those who may issue by intent; the weakest counts.
fn limit(intent: &CaaIntent, issuers: &[&Issuer], parameter: &str) -> Fact<IssuerLimit> {
    let named: Vec<IssueValue> =
        issuer_values(intent).into_iter().filter(|value| value.issuer.is_some()).collect();
    let by_caa =
        !named.is_empty() && named.iter().all(|value| value.values_of(parameter).next().is_some());
    if by_caa {
        return Fact::Known(IssuerLimit::ByCaa);
    }
    // An account that is bound to us (RFC 8555, section 7.3.4) may mean that the CA locks our names
    // to it, or not: only the CA can say.
    let bound = |issuer: &&Issuer| {
        issuer.kind == IssuerKind::Acme
            && issuer.upstream.as_ref().is_some_and(|upstream| upstream.binding.is_some())
    };
    if !issuers.is_empty() && issuers.iter().all(bound) {
        Fact::Unknown
    } else {
        Fact::Known(IssuerLimit::None)
    }
}
