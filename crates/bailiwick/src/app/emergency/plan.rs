//! What an emergency does, as a plan: one certificate issued or revoked, and what is checked before
//! anybody is asked.

use bailiwick_core::change::{
    IssueCertificate, Plan, Precheck, RevocationReason, RevokeCertificate, Step,
};
use bailiwick_core::estate::{DelegationSeen, Estate, IssuerKind, Service};
use bailiwick_core::names::{CertFingerprint, IssuerId, ProfileId, SanName, ServiceId};
use bailiwick_core::time::DAY_MS;
use bailiwick_wire::x509::read_csr;

use super::super::orders::listed;
use super::super::{App, Live};
use crate::fault::Fault;

/// The plan of an emergency, with what was checked.
pub(super) struct Planned {
    pub does: String,
    pub names: Vec<SanName>,
    pub plan: Plan,
    pub prechecks: Vec<Precheck>,
}

impl App {
    pub(super) fn emergency_issue(
        &self,
        live: &Live,
        id: &ServiceId,
        service: &Service,
        csr: &[u8],
        (profile, issuer): (ProfileId, Option<IssuerId>),
    ) -> Result<Planned, Fault> {
        let csr = read_csr(csr).map_err(|cause| Fault::input("csr", cause))?;
        let mut names: Vec<SanName> = csr.names().iter().cloned().collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Err(Fault::input("csr", "it names nothing; make it with the names it is for"));
        }
        if !service.profiles.contains(&profile) {
            return Err(Fault::input("profile", format!("`{id}` may not use `{profile}`")));
        }
        let estate = live.estate();
        let found = estate.issuers.iter().find(|(its, one)| {
            one.kind == IssuerKind::BuiltIn
                && one.profiles.contains(&profile)
                && one.environments.contains(&service.environment)
                && issuer.as_ref().is_none_or(|only| only == *its)
        });
        let Some((issuer, _)) = found else {
            let message = "no CA of our own issues under this profile for the service";
            return Err(Fault::input("issuer", message));
        };
        let lifetime = lifetime(estate, service, &profile, &names);
        let owned = |name: &SanName| live.active.owners().owner(name) == Some(id);
        let foreign: Vec<&SanName> = names.iter().filter(|name| !owned(name)).collect();
        let wanted = IssueCertificate {
            service: id.clone(),
            account: None,
            order: None,
            envelope: None,
            issuer: issuer.clone(),
            profile,
            names: names.clone(),
            spki: csr.key().spki_der().to_vec(),
            key: csr.key().hash(),
            lifetime_seconds_max: lifetime,
            workload: None,
        };
        let prechecks = vec![
            Precheck {
                name: "names-owned".to_owned(),
                holds: foreign.is_empty(),
                saw: match foreign.first() {
                    None => format!("all are names of {id}"),
                    Some(name) => format!("{name} is no name of {id}; no emergency widens it"),
                },
                assignee: None,
            },
            delegation_check(live, service, &names),
            self.issuing_check(live, &wanted),
        ];
        let plan = Plan::of(Step::IssueCertificate(wanted));
        let does = format!("issue {} for {id}", listed(&names));
        Ok(Planned { does, names, plan, prechecks })
    }

    pub(super) async fn emergency_revoke(
        &self,
        id: &ServiceId,
        fingerprint: &CertFingerprint,
        reason: RevocationReason,
    ) -> Result<Planned, Fault> {
        let found = self.store.certificate(fingerprint).await?.filter(|it| it.service == *id);
        let certificate = found
            .ok_or_else(|| Fault::not_found(format!("certificate `{fingerprint}` of `{id}`")))?;
        let revoked = self.store.revocation(&certificate.issuer, &certificate.serial).await?;
        if let Some(revoked) = revoked {
            return Err(Fault::conflict(format!("it is revoked since {}", revoked.at)));
        }
        let does = format!("revoke {} of {id}", listed(&certificate.names));
        let plan = Plan::of(Step::RevokeCertificate(RevokeCertificate {
            service: certificate.service,
            fingerprint: certificate.fingerprint,
            issuer: certificate.issuer,
            serial: certificate.serial,
            reason,
        }));
        Ok(Planned { does, names: certificate.names, plan, prechecks: Vec::new() })
    }
}

/// The longest validity that the profile and every zone of the names allow.
fn lifetime(estate: &Estate, service: &Service, profile: &ProfileId, names: &[SanName]) -> u32 {
    let profile = estate.profiles.get(profile);
    let longest = profile.map_or(0, |profile| profile.certificate.lifetime_seconds_max);
    let names = names.iter().filter_map(SanName::dns);
    let zones = names.flat_map(|name| estate.zones_of(name, service.view));
    let day_seconds = u32::try_from(DAY_MS / 1_000).unwrap_or(u32::MAX);
    let limits = zones.map(|(_, zone)| zone.limits.lifetime_days_max.saturating_mul(day_seconds));
    limits.chain([longest]).min().unwrap_or(longest)
}

/// Nobody issues while it is open who holds the zone, in an emergency least of all.
fn delegation_check(live: &Live, service: &Service, names: &[SanName]) -> Precheck {
    let names = names.iter().filter_map(SanName::dns);
    let zones = names.flat_map(|name| live.estate().zones_of(name, service.view));
    let wrong = zones.into_iter().find_map(|(key, _)| match live.active.delegation(key) {
        Some(DelegationSeen::Unwatched | DelegationSeen::AsDecided) => None,
        Some(DelegationSeen::Changed(what)) => Some(format!("{key}: {what}")),
        None => Some(format!("{key}: it is not known how its delegation stands")),
    });
    Precheck {
        name: "delegation-as-decided".to_owned(),
        holds: wrong.is_none(),
        saw: wrong.unwrap_or_else(|| "nothing else was seen".to_owned()),
        assignee: None,
    }
}
