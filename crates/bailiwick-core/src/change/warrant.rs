//! The right to open sealed secrets: those of one step, or those of one chore that holds no power.

use std::collections::BTreeSet;

use crate::actor::{Actor, Component, SignedIn};
use crate::estate::{CANARY_SUFFIX, ZoneKey};
use crate::gate::SealedSecret;
use crate::names::{ChangeId, DnsName, IssuerId, SanName};
use crate::time::Time;

use super::grant::GRANT_MS;
use super::keys::HeldKey;
use super::plan::Step;
use super::state::{Change, Next};

/// What is done outside of a step and still needs a secret. None of them can alter a record, an
/// account or a certificate, but for taking away what a change of ours left, and for canaries, whose
/// names nobody uses and whose agreement was approved with the estate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Chore {
    /// A zone is read as a whole, with the key that only reads.
    ReadZone {
        /// Which.
        zone: ZoneKey,
        /// Who asked; `None` for the watch.
        by: Option<SignedIn>,
    },
    /// An administrator tries whether a zone's door opens, with a message that alters nothing.
    TryDoor {
        /// Which zone's.
        zone: ZoneKey,
        /// Who.
        by: SignedIn,
    },
    /// Challenge records that a change placed, and that outlived it, are taken away.
    TakeAway {
        /// Which change.
        change: ChangeId,
        /// Where they are.
        owners: BTreeSet<DnsName>,
    },
    /// Notices are sent.
    Notify,
    /// A canary is sent to a CA, from the account that has nothing else to do.
    SendCanary {
        /// The account, such as `public.canary`.
        account: IssuerId,
        /// For which name.
        name: DnsName,
    },
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Cause {
    Step { change: ChangeId, step: Box<Step> },
    Chore(Chore),
}

/// The right to open sealed secrets.
///
/// Always: it comes out of a [`super::Grant`], out of an approved change whose step is about to begin,
/// or out of a [`Chore`]; it opens the secrets that exactly this step or chore needs; it ends with the
/// grant. Whoever opens a secret asks for one by reference, so a path without one does not compile:
///
/// ```compile_fail,E0451
/// # use bailiwick_core::{change::Warrant, time::Time};
/// fn forged(until: Time) -> Warrant { Warrant { cause: unreachable!(), expires_at: until } }
/// ```
#[derive(Debug, Eq, PartialEq)]
pub struct Warrant {
    cause: Cause,
    expires_at: Time,
}

impl Warrant {
    /// For the step of an opened grant.
    pub(super) fn of_step(change: &ChangeId, step: &Step, expires_at: Time) -> Self {
        let cause = Cause::Step { change: change.clone(), step: Box::new(step.clone()) };
        Self { cause, expires_at }
    }

    /// For choosing what has to be chosen before a step begins; `None` where none is about to.
    #[must_use]
    pub fn to_begin(id: &ChangeId, change: &Change, now: Time) -> Option<Self> {
        change.approved()?;
        let Next::Start { step, .. } = change.next() else { return None };
        Some(Self::of_step(id, step, now.plus_ms(GRANT_MS)))
    }

    /// For a chore.
    #[must_use]
    pub const fn to_do(chore: Chore, now: Time) -> Self {
        Self { cause: Cause::Chore(chore), expires_at: now.plus_ms(GRANT_MS) }
    }

    /// Whether it opens this secret now.
    #[must_use]
    pub fn opens(&self, secret: &SealedSecret, now: Time) -> bool {
        now < self.expires_at
            && match &self.cause {
                Cause::Step { change, step } => needs(change, step, secret),
                Cause::Chore(chore) => chore.needs(secret),
            }
    }

    /// The change it belongs to; `None` for a chore of no change.
    #[must_use]
    pub const fn change(&self) -> Option<&ChangeId> {
        match &self.cause {
            Cause::Step { change, .. } | Cause::Chore(Chore::TakeAway { change, .. }) => {
                Some(change)
            }
            Cause::Chore(
                Chore::ReadZone { .. }
                | Chore::TryDoor { .. }
                | Chore::Notify
                | Chore::SendCanary { .. },
            ) => None,
        }
    }

    /// What is done, in one word.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match &self.cause {
            Cause::Step { step, .. } => step.kind(),
            Cause::Chore(Chore::ReadZone { .. }) => "read-zone",
            Cause::Chore(Chore::TryDoor { .. }) => "try-door",
            Cause::Chore(Chore::TakeAway { .. }) => "take-away-records",
            Cause::Chore(Chore::Notify) => "notify",
            Cause::Chore(Chore::SendCanary { .. }) => "send-canary",
        }
    }

    /// Whether it is for a step of a change.
    #[must_use]
    pub const fn is_of_step(&self) -> bool {
        matches!(self.cause, Cause::Step { .. })
    }

    /// Who uses it.
    #[must_use]
    pub fn by(&self) -> Actor {
        match &self.cause {
            Cause::Chore(Chore::TryDoor { by, .. } | Chore::ReadZone { by: Some(by), .. }) => {
                Actor::Person(by.clone())
            }
            Cause::Step { .. }
            | Cause::Chore(
                Chore::ReadZone { .. }
                | Chore::TakeAway { .. }
                | Chore::Notify
                | Chore::SendCanary { .. },
            ) => Actor::Component(Component::Driver),
        }
    }
}

/// What a step opens, and nothing else.
fn needs(change: &ChangeId, step: &Step, secret: &SealedSecret) -> bool {
    match step {
        Step::IssueCertificate(issue) => {
            let mut names = issue.names.iter().filter_map(SanName::dns);
            *secret == SealedSecret::SubjectRequest(issue.key)
                || matches!(secret, SealedSecret::AccountKey(issuer) if *issuer == issue.issuer)
                || matches!(secret, SealedSecret::Tsig(zone) | SealedSecret::ApiKey(zone)
                    if names.any(|it| lies_in(it, zone)))
        }
        Step::RevokeCertificate(revoke) => {
            *secret == SealedSecret::AccountKey(revoke.issuer.clone())
        }
        Step::RegisterAccount(account) => matches!(
            secret,
            SealedSecret::AccountKey(issuer) | SealedSecret::BindingKey(issuer)
                if *issuer == account.issuer
        ),
        Step::PublishRecords(publish) => matches!(
            secret,
            SealedSecret::Tsig(zone) | SealedSecret::ApiKey(zone) if *zone == publish.zone
        ),
        Step::DeployCertificate(deploy) => {
            let before = SealedSecret::DeployedBefore(change.clone(), deploy.place.clone());
            *secret == SealedSecret::SubjectKey(deploy.key) || *secret == before
        }
        Step::RotateKey(rotate) => of_key(&rotate.of).contains(secret),
        Step::RetireKey(retire) => of_key(&retire.of).contains(secret),
        Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::EditEstate { .. }
        | Step::AwaitPropagation(_)
        | Step::VerifyServed(_)
        | Step::RotateIssuer(_) => false,
    }
}

impl Chore {
    fn needs(&self, secret: &SealedSecret) -> bool {
        match (self, secret) {
            (Self::ReadZone { zone, .. }, SealedSecret::TransferKey(of)) => zone == of,
            (
                Self::TryDoor { zone, .. },
                SealedSecret::Tsig(of) | SealedSecret::ApiKey(of) | SealedSecret::TransferKey(of),
            ) => zone == of,
            (
                Self::TakeAway { owners, .. },
                SealedSecret::Tsig(zone) | SealedSecret::ApiKey(zone),
            ) => owners.iter().any(|owner| lies_in(owner, zone)),
            (Self::SendCanary { account, .. }, SealedSecret::AccountKey(of)) => {
                account == of && of.as_str().ends_with(CANARY_SUFFIX)
            }
            (
                Self::SendCanary { name, .. },
                SealedSecret::Tsig(zone) | SealedSecret::ApiKey(zone),
            ) => lies_in(name, zone),
            (Self::Notify, SealedSecret::WebhookKey | SealedSecret::SmtpPassword) => true,
            // Whatever else is sealed stays so.
            (_, _) => false,
        }
    }
}

/// The secrets of a credential that is rotated: in force, next and last.
fn of_key(held: &HeldKey) -> [SealedSecret; 3] {
    [held.now(), held.next(), held.last()]
}

fn lies_in(name: &DnsName, zone: &ZoneKey) -> bool {
    name.is_at_or_below(zone.name.apex())
}

/// The sealed secrets of a plan that nobody needs once its change is over, whichever way: the keys of
/// the certificates it deployed, and what was there before; of a credential that was rotated, the one
/// that waited and the one before. Requests for a certificate are no secret.
#[must_use]
pub fn over_with(id: &ChangeId, change: &Change) -> Vec<SealedSecret> {
    let steps = if let Change::Awaiting(at) = change {
        at.plan.steps()
    } else {
        change.approved().map(|approved| approved.plan().steps()).unwrap_or_default()
    };
    let mut over = Vec::new();
    for step in steps {
        if let Step::DeployCertificate(deploy) = step {
            over.push(SealedSecret::SubjectKey(deploy.key));
            over.push(SealedSecret::DeployedBefore(id.clone(), deploy.place.clone()));
        } else if let Step::RotateKey(rotate) = step {
            over.extend([rotate.of.next(), rotate.of.last()]);
        }
    }
    over
}
