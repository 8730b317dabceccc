//! Enrolment: a workload proves what it is and gets a short-lived credential bound to that, so that
//! any ACME client can go on from there (MIS-2, TRW-9).
//!
//! Nobody signs in. What a token says is believed only after its attestor's key was seen to have
//! signed it, and then the policy decides whether that workload acts for the service.

use std::net::IpAddr;

use bailiwick_connect::attestation::NoKeys;
use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::estate::{Attested, Attestor, Service, WorkloadRule};
use bailiwick_core::gate::{AccountStatus, Credential};
use bailiwick_core::names::{AccountId, AttestorId, CredentialId, ServiceId};
use bailiwick_core::policy::{EnrolFacts, Facts, Verdict, judge};
use bailiwick_core::record::{Batch, Entry, Expect, Fact, Work};
use bailiwick_core::time::{MINUTE_MS, Time};
use bailiwick_store::{CommitError, Conflict};
use bailiwick_wire::attestation::{BadToken, UnverifiedToken, VerifiedToken};

use super::credentials::FreshCredential;
use super::{App, Live, refusal};
use crate::fault::Fault;
use crate::limits::Limit;

/// How long an enrolled workload has to register its account.
const REGISTER_MS: i64 = 15 * MINUTE_MS;
/// Enrolments of one address: each may cost a signature, a fetch of keys and a leaf of the ledger.
const PER_ADDRESS: Limit = Limit { count: 120, period_ms: MINUTE_MS };
/// Claims that are kept where they are there, besides those that the service asks for: what people
/// look for when they ask who this was.
const KEPT: [&str; 16] = [
    "environment",
    "job_workflow_ref",
    "namespace",
    "namespace_path",
    "pod",
    "project_path",
    "ref",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_owner",
    "run_id",
    "service_account",
    "spiffe_id",
    "thumbprint",
    "workflow",
];

/// A workload that was taken.
pub(crate) struct Enrolled {
    /// Its credential, the key shown this once.
    pub fresh: FreshCredential,
    /// What is attested about it.
    pub attested: Attested,
}

impl App {
    /// Takes a workload that shows a token, or says why not and who can grant it.
    pub(crate) async fn enrol(
        &self,
        service: &ServiceId,
        token: &str,
        from: Option<IpAddr>,
    ) -> Result<Enrolled, Fault> {
        let (enrolled, batch) = self.believed(service, token, from).await?;
        self.taken(batch).await?;
        Ok(enrolled)
    }

    /// Lets the account of a workload go on with what is attested now, so that it need not register
    /// another when its attestation is over. Only the workload that registered it can do so: the
    /// same attestor has to call it by the same name.
    pub(crate) async fn enrol_again(
        &self,
        service: &ServiceId,
        account: &AccountId,
        token: &str,
        from: Option<IpAddr>,
    ) -> Result<Attested, Fault> {
        let (Enrolled { fresh, attested }, mut batch) = self.believed(service, token, from).await?;
        // Told alike, whatever it is: who asks has proved only who it is itself.
        let others = || Fault::NotAllowed {
            rule: "account-of-another".to_owned(),
            message: format!(
                "account `{account}` is none that this workload registered for service `{service}` and that is in good standing; nobody can grant it; register a new one"
            ),
        };
        let known = self.store.account(account).await?.ok_or_else(others)?;
        let before = self.store.attestation(&known.credential).await?.ok_or_else(others)?;
        let same = before.attestor == attested.attestor && before.subject == attested.subject;
        if !same || known.service != *service || known.status != AccountStatus::Valid {
            return Err(others());
        }
        let fact = Fact::AccountAttested {
            account: account.clone(),
            credential: fresh.credential.id.clone(),
        };
        let by = Actor::Component(Component::Gate);
        batch.entries.push(Entry { at: attested.verified_at, by, fact });
        batch
            .expects
            .push(Expect::AccountHasKey { id: account.clone(), thumbprint: known.thumbprint });
        self.taken(batch).await?;
        Ok(attested)
    }

    /// A workload that was believed and that may act for the service: its credential, what is
    /// attested about it, and the entries that say so.
    async fn believed(
        &self,
        service: &ServiceId,
        token: &str,
        from: Option<IpAddr>,
    ) -> Result<(Enrolled, Batch), Fault> {
        let now = self.now();
        if let Some(from) = from {
            self.enrolments.take(PER_ADDRESS, from, now).map_err(|seconds| Fault::Busy {
                message: format!("too many enrolments from {from}; try again in {seconds} s"),
            })?;
        }
        let live = self.live.get();
        let token = UnverifiedToken::parse(token).map_err(|bad| not_believed(&bad))?;
        let found = live.estate().services.get(service).filter(|it| !it.attested.is_empty());
        // Told alike for a service that is not there: who asks has proved nothing yet.
        let found = found.ok_or_else(|| Fault::NotAllowed {
            rule: "workload-of-service".to_owned(),
            message: format!(
                "service `{service}` names no workloads that may enrol; its policy owner can add one under `[attested]`"
            ),
        })?;
        let (id, attestor) = attestor_of(&live, found, &token)?;
        let verified = self.verified(&live, (&id, attestor), &token, now).await?;
        let attested = attested(found, (&id, attestor), &verified, now);
        let facts = EnrolFacts::gather(&live.active, service, attested.clone(), now);
        let facts = Facts::Enrol(facts);
        let verdict = judge(&live.policy, &facts);
        let mut batch = Batch::default();
        let decision = Box::new(self.decision("enrol", &facts, &verdict, &mut batch)?);
        let by = Actor::Component(Component::Gate);
        let rule = found.attested.values().find(|rule| rule.takes(&attested));
        let (true, Some(rule)) = (verdict.allows(), rule) else {
            let fact = Fact::WorkloadRefused { service: service.clone(), attestor: id, decision };
            batch.entries.push(Entry { at: now, by, fact });
            self.commit(batch).await?;
            return Err(refused(&live, &verdict, now));
        };
        answers(&live, service, rule, now)?;
        let fresh = self.credential_of((service, found), attestor, rule, &attested)?;
        let (credential, work) = fresh;
        let made = Fact::CredentialMade(Box::new(credential.credential.clone()));
        let enrolled = Fact::WorkloadEnrolled {
            credential: credential.credential.id.clone(),
            attested: Box::new(attested.clone()),
            token: verified.digest,
            decision,
        };
        let entry = |fact| Entry { at: now, by: by.clone(), fact };
        batch.entries.extend([entry(made), entry(enrolled)]);
        batch.work.push(work);
        Ok((Enrolled { fresh: credential, attested }, batch))
    }

    async fn taken(&self, batch: Batch) -> Result<(), Fault> {
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict(Conflict::TokenSpent)) => Err(Fault::NotAllowed {
                rule: "token-spent".to_owned(),
                message: "the token was shown before, and each is taken once; nobody can grant \
                          it; get a fresh one"
                    .to_owned(),
            }),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Verifies a token with the keys its attestor has now. Without them nothing is believed.
    async fn verified(
        &self,
        live: &Live,
        (id, attestor): (&AttestorId, &Attestor),
        token: &UnverifiedToken,
        now: Time,
    ) -> Result<VerifiedToken, Fault> {
        let web = self.web(live);
        let keys =
            self.key_sets.keys(web.as_ref(), (id.as_str(), attestor), token.kid(), now).await;
        let keys = keys.map_err(|cause: NoKeys| Fault::Unreachable {
            peer: format!("attestor `{id}`"),
            message: cause.to_string(),
        })?;
        token.verify(attestor, &keys, now).map_err(|bad| not_believed(&bad))
    }

    /// A credential of the service for what is attested, with its key sealed.
    fn credential_of(
        &self,
        (id, service): (&ServiceId, &Service),
        attestor: &Attestor,
        rule: &WorkloadRule,
        attested: &Attested,
    ) -> Result<(FreshCredential, Work), Fault> {
        let kid = CredentialId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad id"))?;
        let now = attested.verified_at;
        let mut attestations: Vec<String> =
            attestor.vouches_for.iter().map(ToString::to_string).collect();
        attestations.push(attestor.kind.to_string());
        attestations.sort();
        attestations.dedup();
        let credential = Credential {
            id: kid.clone(),
            service: id.clone(),
            environment: service.environment.to_string(),
            namespace: service.namespace.as_ref().map(ToString::to_string),
            attestations,
            created_by: rule.answers.clone(),
            chain: Vec::new(),
            created_at: now,
            expires_at: now.plus_ms(REGISTER_MS).min(attested.until),
            revoked_at: None,
            account: None,
        };
        let (hmac_key, sealed) = self.fresh_mac_key(&kid)?;
        let work = Work::PutCredentialSecret { credential: kid, sealed };
        Ok((FreshCredential { credential, hmac_key }, work))
    }

    /// What is attested about an account's holder. A look into the store is saved where nobody asks
    /// for it and nothing was vouched for.
    pub(crate) async fn attested(
        &self,
        live: &Live,
        account: &bailiwick_core::gate::Account,
    ) -> Result<Option<Attested>, Fault> {
        let service = live.estate().services.get(&account.service);
        let asked = service.is_some_and(|it| !it.attested.is_empty());
        if !asked && account.attestations.is_empty() {
            return Ok(None);
        }
        Ok(self.store.attestation(&account.credential).await?)
    }
}

/// The attestor of the service that the token claims to be by.
fn attestor_of<'l>(
    live: &'l Live,
    service: &Service,
    token: &UnverifiedToken,
) -> Result<(AttestorId, &'l Attestor), Fault> {
    let asked = service.attested.values().map(|rule| &rule.attestor);
    let known = asked.filter_map(|id| live.estate().attestors.get_key_value(id));
    let all: Vec<(&AttestorId, &Attestor)> = known.collect();
    let by = all.iter().find(|(_, attestor)| token.claims_to_be_by(attestor));
    let (id, attestor) = by.ok_or_else(|| {
        let mut names: Vec<String> = all.iter().map(|(id, _)| format!("`{id}`")).collect();
        names.dedup();
        Fault::NotAllowed {
            rule: "token-issuer".to_owned(),
            message: format!(
                "the token is by none of the attestors of the service, {}; nobody can grant it; show one of theirs",
                names.join(", ")
            ),
        }
    })?;
    Ok(((*id).clone(), *attestor))
}

/// What is kept of a token that was verified.
fn attested(
    service: &Service,
    (id, attestor): (&AttestorId, &Attestor),
    verified: &VerifiedToken,
    now: Time,
) -> Attested {
    let asked = |name: &String| service.attested.values().any(|it| it.claims.contains_key(name));
    let kept = |name: &String| KEPT.contains(&name.as_str()) || asked(name);
    let claims = verified.claims.iter().filter(|(name, _)| kept(name));
    let holds = i64::from(attestor.holds_minutes).saturating_mul(MINUTE_MS);
    Attested {
        attestor: id.clone(),
        subject: verified.subject.clone(),
        claims: claims.map(|(name, said)| (name.clone(), said.clone())).collect(),
        verified_at: now,
        until: now.plus_ms(holds),
    }
}

/// Somebody who works here stands behind every credential.
fn answers(live: &Live, service: &ServiceId, rule: &WorkloadRule, now: Time) -> Result<(), Fault> {
    let person = live.estate().people.get(&rule.answers);
    if person.is_some_and(|person| person.left.is_none_or(|left| now < left)) {
        return Ok(());
    }
    Err(Fault::NotAllowed {
        rule: "workload-unanswered".to_owned(),
        message: format!(
            "`{}`, who answers for this workload of `{service}`, does not work here any more; its policy owner can name somebody else",
            rule.answers
        ),
    })
}

fn not_believed(bad: &BadToken) -> Fault {
    Fault::NotAllowed {
        rule: bad.rule().to_owned(),
        message: format!("{bad}; nobody can grant it"),
    }
}

fn refused(live: &Live, verdict: &Verdict, now: Time) -> Fault {
    let reasons = verdict.reasons();
    let told: Vec<String> = reasons
        .iter()
        .take(2)
        .map(|reason| refusal::without_rule(live.estate(), reason, now))
        .collect();
    Fault::NotAllowed { rule: refusal::deciding_rule(verdict), message: told.join(". ") }
}
