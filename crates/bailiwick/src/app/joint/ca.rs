//! The CA of a change: one of this process or one behind ACME; and the key of the certificate, made here or
//! shown in a request by whoever keeps it.

use bailiwick_connect::keys::SubjectPair;
use bailiwick_core::certificate::SanSet;
use bailiwick_core::change::IssueCertificate;
use bailiwick_core::change::planner::Intent;
use bailiwick_core::estate::{Connector, Deployment, Profile, Upstream};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{DnsName, IssuerId, ServiceId, SpkiHash};
use bailiwick_core::record::Batch;
use bailiwick_core::time::DAY_MS;
use bailiwick_wire::intent::WrittenCertificate;
use bailiwick_wire::x509::{Csr, read_csr, read_pem};

use super::prechecks::Looked;
use crate::app::orders::lifetime;
use crate::app::{App, Live};
use crate::fault::Fault;

/// A key that is to be certified, with the request that shows it.
struct Key {
    spki: Vec<u8>,
    /// RFC 2986, DER; CAs behind ACME want one.
    request: Vec<u8>,
}

impl App {
    /// The certificate that is wanted. A key that is made here lies sealed; with `csr` it stays with
    /// whoever asks.
    pub(super) fn certificate(
        &self,
        live: &Live,
        service: &ServiceId,
        (wanted, csr): (&WrittenCertificate, Option<&str>),
        batch: &mut Batch,
    ) -> Result<IssueCertificate, Fault> {
        let estate = live.estate();
        let profile = estate.profiles.get(&wanted.profile).ok_or_else(|| {
            Fault::input("profile", format!("there is no profile `{}`", wanted.profile))
        })?;
        self.can_issue(live, &wanted.issuer)?;
        let Key { spki, request } = match csr {
            Some(text) => asked_with(live, service, wanted, profile, text)?,
            None => {
                let (key, pkcs8) = made(wanted)?;
                let secret = SealedSecret::SubjectKey(SpkiHash::of(&key.spki));
                batch.work.push(self.sealed_secret(secret, &pkcs8)?);
                key
            }
        };
        let key = SpkiHash::of(&spki);
        if self.upstream(live, &wanted.issuer).is_some() {
            batch.work.push(self.sealed_secret(SealedSecret::SubjectRequest(key), &request)?);
        }
        let days = wanted.lifetime_days.map(|days| i64::from(days).saturating_mul(DAY_MS / 1_000));
        let seconds = days.and_then(|seconds| u32::try_from(seconds).ok());
        let most = lifetime(live, &wanted.names, &wanted.profile);
        Ok(IssueCertificate {
            service: service.clone(),
            account: None,
            order: None,
            envelope: None,
            issuer: wanted.issuer.clone(),
            profile: wanted.profile.clone(),
            names: wanted.names.clone(),
            spki,
            key,
            lifetime_seconds_max: seconds.unwrap_or(most).min(most),
            workload: None,
        })
    }

    fn can_issue(&self, live: &Live, issuer: &IssuerId) -> Result<(), Fault> {
        if !live.estate().issuers.contains_key(issuer) {
            return Err(Fault::input("issuer", format!("there is no issuer `{issuer}`")));
        }
        if self.issuers.contains_key(issuer) || self.upstream(live, issuer).is_some() {
            return Ok(());
        }
        let why = format!("`{issuer}` neither runs here nor is it reached by ACME");
        Err(Fault::input("issuer", why))
    }

    /// A CA behind ACME has an account of ours, answers in CAA to the name that the estate says, and can
    /// see challenge records of each name.
    pub(super) async fn ca_is_ready(&self, live: &Live, intent: &Intent) -> Option<Looked> {
        let issue = intent.certificate.as_ref()?;
        let upstream = self.upstream(live, &issue.issuer)?;
        let zone = issue.names.first().and_then(|name| {
            let zones = live.estate().zones_of(name.dns()?, None);
            zones.first().map(|(_, zone)| (zone.operator.clone(), zone.policy_owner.clone()))
        });
        let (operator, owner) = zone.unzip();
        let check = "ca-ready";
        for name in issue.names.iter().filter_map(|name| name.dns()) {
            let owner = name.child("_acme-challenge").ok();
            if owner.is_none_or(|owner| !self.takes_challenges(live, &owner)) {
                let saw = format!(
                    "challenge records of `{name}` cannot be placed: its zone has no connector that writes"
                );
                return Some(Looked { name: check, holds: false, saw, team: operator });
            }
        }
        let (holds, saw) = match self.answers_to(live, &issue.issuer, upstream).await {
            Ok(saw) => (true, saw),
            Err(why) => (false, why),
        };
        Some(Looked { name: check, holds, saw, team: owner })
    }

    fn takes_challenges(&self, live: &Live, owner: &DnsName) -> bool {
        let zone = self.writable_zone(live, owner).and_then(|key| live.estate().zones.get(&key));
        let connector = zone.and_then(|zone| zone.connector.as_ref());
        connector.is_some_and(|connector| !matches!(connector, Connector::Observe))
    }

    /// What the CA says of itself, compared with what the estate says of it.
    async fn answers_to(
        &self,
        live: &Live,
        issuer: &IssuerId,
        upstream: &Upstream,
    ) -> Result<String, String> {
        let said = |fault: Fault| fault.to_string();
        let account = self.upstream_account(issuer).await.map_err(said)?;
        let is_sealed = self.has_secret(&SealedSecret::AccountKey(issuer.clone())).await;
        let Some(account) = account.filter(|_| is_sealed.is_ok_and(|is_sealed| is_sealed)) else {
            return Err(format!(
                "there is no account at issuer {issuer}; register one with `bailiwick issuer register {issuer}`"
            ));
        };
        let web = self.web(live);
        let (uri, key) = (account.uri, super::super::reach::passing_key()?);
        let client = self.open_upstream(web.as_ref(), upstream, &key, None).await;
        let client = client.map_err(|trouble| format!("issuer {issuer}: {trouble}"))?;
        let domains = live.estate().issuers.get(issuer).map(|it| &it.caa_domains);
        let named = &client.directory().caa_identities;
        let same =
            |one: &String| domains.is_some_and(|all| all.contains(&one.to_ascii_lowercase()));
        if named.is_empty() {
            return Ok(format!("account {uri}; the CA does not say which CAA names it answers to"));
        }
        if named.iter().any(same) {
            return Ok(format!("account {uri}; the CA answers to CAA {}", named.join(", ")));
        }
        Err(format!(
            "issuer {issuer} answers to CAA {}, and the estate gives it {}; correct `caa_domains`",
            named.join(", "),
            domains
                .map(|all| all.iter().cloned().collect::<Vec<_>>().join(", "))
                .unwrap_or_default()
        ))
    }
}

fn made(wanted: &WrittenCertificate) -> Result<(Key, bailiwick_connect::keys::SecretBytes), Fault> {
    let bug = |cause: bailiwick_connect::keys::KeyFault| Fault::bug(cause.to_string());
    let pair = SubjectPair::fresh().map_err(bug)?;
    let names = SanSet::new(wanted.names.iter().cloned());
    let names = names.map_err(|cause| Fault::input("names", cause))?;
    let request = pair.request(&names).map_err(bug)?;
    Ok((Key { spki: pair.spki, request }, pair.pkcs8))
}

/// A request that somebody hands in: it asks for exactly the names of the change, and nothing here has to
/// hold the private key.
fn asked_with(
    live: &Live,
    service: &ServiceId,
    wanted: &WrittenCertificate,
    profile: &Profile,
    text: &str,
) -> Result<Key, Fault> {
    let bad = |why: String| Fault::input("csr", why);
    let found = read_pem(text.as_bytes(), "CERTIFICATE REQUEST");
    let mut found = found.map_err(|cause| bad(cause.to_string()))?;
    let request = found.pop().filter(|_| found.is_empty());
    let request = request.ok_or_else(|| bad("give one certificate request in PEM".to_owned()))?;
    let csr: Csr = read_csr(&request).map_err(|cause| bad(cause.to_string()))?;
    if let Some(odd) = csr.refused_requests().first() {
        return Err(bad(format!("it asks for {odd}; make one with the names of the change only")));
    }
    if !csr.names().iter().eq(&wanted.names) {
        let names: Vec<_> = csr.names().iter().cloned().collect();
        return Err(bad(format!(
            "it names {}, the change {}; make it for exactly those",
            crate::app::orders::listed(&names),
            crate::app::orders::listed(&wanted.names)
        )));
    }
    if !profile.certificate.keys_allowed.contains(&csr.key().kind()) {
        let (kind, id) = (csr.key().kind(), &wanted.profile);
        return Err(bad(format!("profile `{id}` takes no key of kind {kind}; make another key")));
    }
    let places = live.estate().services.get(service).map(|service| &service.deployments);
    for place in &wanted.deploy {
        let target = places.and_then(|all| all.get(place));
        if target.is_some_and(|target| *target != Deployment::Client) {
            let why = format!(
                "place `{place}` needs the private key, which stays with whoever made the CSR; name a place of kind `client`, or none"
            );
            return Err(Fault::input("deploy", why));
        }
    }
    Ok(Key { spki: csr.key().spki_der().to_vec(), request })
}
