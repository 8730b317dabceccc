//! Certificates that people decide about: with records as one change, and in an emergency. Their approvals
//! stand for the permit or the envelope that an order needs; whatever else the rules of issuing forbid
//! stays forbidden (MIS-2).

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::change::{IssueCertificate, Precheck};
use bailiwick_core::estate::Estate;
use bailiwick_core::names::{AccountId, PersonId, SanName};
use bailiwick_core::policy::{
    AccountFacts, CaaFact, Fact, FinalizeFacts, Grantor, IssueAsked, IssueFacts, KeyFacts, Reason,
    Stage, ValidationMethod, forbidden,
};
use bailiwick_core::time::Time;
use bailiwick_wire::x509::PublicKey;

use super::refusal::{sentence, without_rule};
use super::{App, Live};

/// Reasons told at most.
const REASONS_TOLD: usize = 3;
/// The default rule that asks an ACME client for a challenge. Here whoever answers for the zone approves, and
/// a CA behind ACME asks us itself.
const CONTROL: (&str, &str) = ("control-not-shown", "default/issue.cedar");

impl App {
    /// Whether the rules of issuing let a certificate be, looked at before anybody is asked.
    pub(super) fn issuing_check(&self, live: &Live, wanted: &IssueCertificate) -> Precheck {
        let (estate, now) = (live.estate(), self.now());
        let against = self.against_issuing(live, wanted, now);
        let told = against.iter().take(REASONS_TOLD).map(|one| sentence(estate, one, now));
        let told: Vec<String> = told.collect();
        let saw = if told.is_empty() {
            format!("no rule forbids it to {} under profile {}", wanted.issuer, wanted.profile)
        } else {
            told.join(". ")
        };
        let assignee = against.iter().find_map(|reason| mends(estate, reason, now));
        let name = "issuing-allowed".to_owned();
        Precheck { name, holds: against.is_empty(), saw, assignee }
    }

    /// Why a certificate that was approved must not be issued any more; `None` where it still may.
    pub(super) fn no_longer_issuable(
        &self,
        live: &Live,
        wanted: &IssueCertificate,
        now: Time,
    ) -> Option<String> {
        let against = self.against_issuing(live, wanted, now);
        let first = against.first()?;
        let said = without_rule(live.estate(), first, now);
        Some(format!("the rules of issuing forbid it now: {said} (rule `{}`)", first.rule))
    }

    /// What forbids a certificate. Nobody attests anything about a person: where the profile or the service
    /// asks for that, it is for the workload to order.
    fn against_issuing(&self, live: &Live, wanted: &IssueCertificate, now: Time) -> Vec<Reason> {
        let names: BTreeSet<SanName> = wanted.names.iter().cloned().collect();
        // At a CA behind ACME we show control by our records; our own asks nobody.
        let shown: BTreeMap<SanName, ValidationMethod> =
            match self.upstream(live, &wanted.issuer).is_some() {
                true => names.iter().map(|it| (it.clone(), ValidationMethod::Dns01)).collect(),
                false => BTreeMap::new(),
            };
        let key = PublicKey::from_spki(&wanted.spki).ok().map(|key| key.to_subject_key());
        let key = key.map(|key| KeyFacts { kind: key.kind(), bits: key.bits() });
        let asked = IssueAsked {
            now,
            account: nobodys_account(live.estate(), wanted),
            names: &names,
            issuer: &wanted.issuer,
            profile: &wanted.profile,
            lifetime_seconds: Fact::Known(wanted.lifetime_seconds_max),
            envelope: Fact::Known(None),
            attested: Fact::Known(None),
            // CAA is seen just before it is issued, and refuses by itself.
            stage: Stage::Finalize(FinalizeFacts {
                key: Fact::of(key),
                validated: Fact::Known(shown),
                caa: Fact::Known(CaaFact::NotYet),
            }),
        };
        let mut all = forbidden(&live.policy, &IssueFacts::gather(&live.active, asked));
        all.retain(|reason| (reason.rule.as_str(), reason.source.as_str()) != CONTROL);
        all
    }
}

/// The account that stands for no account: of the service itself, and nothing is vouched for.
fn nobodys_account(estate: &Estate, wanted: &IssueCertificate) -> AccountFacts {
    #[expect(clippy::unwrap_used, reason = "a constant that parses; the test below shows it")]
    let id = AccountId::parse(NOBODYS).unwrap();
    let service = estate.services.get(&wanted.service);
    AccountFacts {
        id,
        usable: Fact::Known(true),
        service: Fact::Known(wanted.service.clone()),
        environment: Fact::of(service.map(|it| it.environment.clone())),
        namespace: Fact::of(service.map(|it| it.namespace.clone())),
        attestations: Fact::Known(BTreeSet::new()),
    }
}

const NOBODYS: &str = "none";

/// Who can mend what a rule refuses.
fn mends(estate: &Estate, reason: &Reason, now: Time) -> Option<PersonId> {
    let Grantor::Teams(teams) = &reason.grantor else { return None };
    let mut on_duty = teams.iter().filter_map(|team| estate.person_on_duty(team, now).ok());
    on_duty.next().map(|one| one.person().clone())
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobodys_account_is_an_id() {
        assert!(super::AccountId::parse(super::NOBODYS).is_ok());
    }
}
