//! The data of each kind of entry.

use bailiwick_core::estate::{Attested, ZoneKey};
use bailiwick_core::gate::{
    Account, AccountStatus, Credential, DelegatedExecution, DelegationObservation, Emergency,
    EmergencyReview, SecretUse, StandingRecord, ValidationEvidence,
};
use bailiwick_core::names::{
    AccountId, AttestorId, AuthzId, CertFingerprint, CertSerial, ChangeId, CredentialId,
    DecisionId, Digest, DnsName, FindingId, IssuerId, OrderId, PersonId, ProfileId, SanName,
    ServiceId, SessionId, TokenId,
};
use bailiwick_core::record::{Decision, Fact};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    CanaryRun, ClosedBy, Finding, Incident, Observation, PartHandedOn, PointVerdict, Track,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event;
use super::stored::{Stored, mirror, variants};
use crate::record::{BadEntry, NotStorable};

/// Kinds of entries that hold an event start with this, and go on with the event's own kind.
const CHANGE_PREFIX: &str = "change.";

/// Reads the fact of a kind.
pub(super) fn read(kind: &str, data: Value) -> Result<Fact, BadEntry> {
    match kind.strip_prefix(CHANGE_PREFIX) {
        Some(event_kind) => of_change(kind, event_kind, data),
        None => others::read(kind, data),
    }
}

pub(super) use others::form;

/// An event with its change around it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfChange<Data> {
    change: String,
    seq: u32,
    state: String,
    event: Data,
}

fn of_change(kind: &str, event_kind: &str, data: Value) -> Result<Fact, BadEntry> {
    let OfChange { change, seq, state, event } = serde_json::from_value(data)?;
    let event = event::read(event_kind, event).map_err(|bad| {
        let unknown = matches!(bad, BadEntry::Kind { .. });
        if unknown { BadEntry::Kind { kind: kind.to_owned() } } else { bad }
    })?;
    Ok(Fact::Change { id: Stored::read(change)?, seq, state, event: Box::new(event) })
}

mirror! {
    Decision => DecisionForm {
        id: DecisionId,
        action: String,
        allowed: bool,
        policy: Digest,
        facts: String,
        reasons: String,
        rule: String,
    }
}

mod others {
    use super::*;

    variants! {
        Fact {
            "installation.started" => InstallationStarted { origin: String, verifier_key: String },
            "policy.decided" => Decided { decision: Box<Decision>, change: Option<ChangeId> },
            "order.accepted" => OrderAccepted {
                order: OrderId,
                account: AccountId,
                names: Vec<SanName>,
                profile: ProfileId,
                issuer: IssuerId,
                decision: Box<Decision>,
            },
            "order.refused" => OrderRefused {
                account: AccountId,
                names: Vec<SanName>,
                decision: Box<Decision>,
                change: Option<ChangeId>,
            },
            "order.replaces" => OrderReplaces { order: OrderId, certificate: CertFingerprint },
            "authorization.given-up" => AuthorizationGivenUp {
                authorization: AuthzId,
                account: AccountId,
            },
            "standing-record.gone" => StandingRecordGone { name: String, account: AccountId },
            "account.terms-agreed" => TermsAgreed { account: AccountId, terms: String },
            "order.failed" => OrderFailed { order: OrderId, problem: String, detail: String },
            "name.not-validated" => ValidationFailed {
                account: AccountId,
                name: String,
                kind: String,
                saw: String,
            },
            "account.updated" => AccountUpdated { account: AccountId, contacts: Vec<String> },
            "account.key-changed" => AccountKeyChanged {
                account: AccountId,
                thumbprint: String,
                jwk: String,
            },
            "upstream.ordered" => UpstreamOrdered {
                change: ChangeId,
                issuer: IssuerId,
                url: String,
            },
            "secret.set" => SecretSet { purpose: String, name: String },
            "account.ended" => AccountEnded { account: AccountId, status: AccountStatus },
            "credential.rotated" => CredentialRotated {
                credential: CredentialId,
                successor: CredentialId,
                until: Time,
            },
            "account.revoked" => AccountRevoked { account: AccountId, why: String },
            "credential.revoked" => CredentialRevoked { credential: CredentialId },
            "workload.enrolled" => WorkloadEnrolled {
                credential: CredentialId,
                attested: Box<Attested>,
                token: Digest,
                decision: Box<Decision>,
            },
            "account.attested" => AccountAttested {
                account: AccountId,
                credential: CredentialId,
            },
            "workload.refused" => WorkloadRefused {
                service: ServiceId,
                attestor: AttestorId,
                decision: Box<Decision>,
            },
            "person.signed-in" => SignedIn {
                person: PersonId,
                chain: Vec<PersonId>,
                session: SessionId,
                expires_at: Time,
            },
            "person.signed-out" => SignedOut { session: SessionId },
            "person.link-made" => LinkMade { person: PersonId, expires_at: Time },
            "token.made" => TokenMade {
                token: TokenId,
                person: PersonId,
                chain: Vec<PersonId>,
                scopes: Vec<String>,
                purpose: String,
                expires_at: Time,
            },
            "token.revoked" => TokenRevoked { token: TokenId },
            "responder.certified" => ResponderCertified {
                issuer: IssuerId,
                serial: CertSerial,
                digest: Digest,
                not_after: Time,
            },
            "crl.published" => CrlPublished {
                issuer: IssuerId,
                number: u64,
                revoked: u32,
                digest: Digest,
                next_update: Time,
            },
            "finding.handed-on" => FindingHandedOn {
                finding: FindingId,
                zone: ZoneKey,
                assignee: PersonId,
                next: Option<PersonId>,
                due: Time,
                why: String,
            },
            "finding.closed" => FindingClosed {
                finding: FindingId,
                zone: ZoneKey,
                how: ClosedBy,
                note: String,
            },
            "canary.begun" => CanaryBegun {
                issuer: IssuerId,
                zone: ZoneKey,
                name: DnsName,
                permitted: bool,
            },
            "incident.told" => IncidentTold {
                incident: FindingId,
                zone: ZoneKey,
                track: Track,
                says: String,
                answered: bool,
            },
            "incident.reviewed" => IncidentReviewed {
                incident: FindingId,
                zone: ZoneKey,
                says: String,
            },
            "rehearsal.done" => ChangeRehearsed {
                change: ChangeId,
                plan: Digest,
                report: Digest,
                holds: bool,
            },
            "store.restored" => StoreRestored {
                epoch: u32,
                leaves: u64,
            },
            "access.denied" => AccessDenied {
                action: String,
                object: String,
                service: Option<ServiceId>,
            },
        } values {
            "name.validated" => NameValidated(Box<ValidationEvidence>),
            "standing-record.seen" => StandingRecordSeen(Box<StandingRecord>),
            "account.registered" => AccountRegistered(Box<Account>),
            "credential.made" => CredentialMade(Box<Credential>),
            "watch.observed" => Observed(Box<Observation>),
            "finding.opened" => FindingOpened(Box<Finding>),
            "control.judged" => PointJudged(Box<PointVerdict>),
            "canary.tried" => CanaryTried(Box<CanaryRun>),
            "incident.opened" => IncidentOpened(Box<Incident>),
            "incident.handed-on" => IncidentHandedOn(Box<PartHandedOn>),
            "emergency.declared" => EmergencyDeclared(Box<Emergency>),
            "emergency.reviewed" => EmergencyReviewed(Box<EmergencyReview>),
            "execution.delegated" => ExecutionDelegated(Box<DelegatedExecution>),
            "secret.used" => SecretUsed(Box<SecretUse>),
            "delegation.observed" => DelegationObserved(Box<DelegationObservation>),
        } nested Change(OfChange<event::Data>) {
            Fact::Change { id, seq, state, event } => OfChange {
                change: id.form()?,
                seq: *seq,
                state: state.clone(),
                event: event::form(event)?,
            }
        }
    }
}
