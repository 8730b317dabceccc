//! New orders: chosen issuer, decision, then either authorizations or the way to get a yes.

use bailiwick_core::actor::Actor;
use bailiwick_core::gate::{
    Account, Authorization, AuthorizationStatus, Challenge, ChallengeKind, ChallengeStatus,
    Coverage, Envelope, Order, OrderStatus, Problem, ProblemKind,
};
use bailiwick_core::names::{
    AuthzId, ChallengeId, IssuerId, OrderId, ProfileId, SanName, ZoneName,
};
use bailiwick_core::policy::{Facts, Stage, Verdict, judge};
use bailiwick_core::record::{Batch, Entry, Expect, Fact, Work};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_store::CommitError;

use super::facts::{self, Granted, Wanted};
use super::renewal::{Replaced, already_replaced};
use super::{App, Live};
use crate::fault::Fault;

/// How long an order can be finalized, and a fresh authorization answered.
const ORDER_MS: i64 = 7 * DAY_MS;
/// How long a change that an order opened can be approved.
pub(crate) const APPROVABLE_MS: i64 = 7 * DAY_MS;
/// Octets of all names of one order together: the facts of a decision hold each name three times,
/// and a leaf of the ledger has 65,535 octets.
const NAME_OCTETS_MAX: usize = 8_192;
/// Names of one order at most, whatever a profile says (threats: bombs in requests).
const NAMES_MAX: usize = 100;

/// What a client asks for.
pub(crate) struct NewOrder {
    /// For which names.
    pub names: Vec<SanName>,
    /// Under which profile; `None` for the service's default.
    pub profile: Option<ProfileId>,
    /// The certificate it replaces, as the client named it.
    pub replaces: Option<String>,
}

/// What it gets.
pub(crate) enum OrderAnswer {
    /// An order.
    Accepted(Box<Order>),
    /// No, why, and what to do.
    Refused(Problem),
}

/// Issuer, profile and lifetime for an order, and what the policy says.
pub(crate) struct Judged {
    /// Who would issue.
    pub issuer: IssuerId,
    /// Under which profile.
    pub profile: ProfileId,
    /// For how long at most, in seconds.
    pub lifetime_seconds: u32,
    /// The envelope that was looked at, where one was.
    pub envelope: Option<Granted>,
    /// What the policy was told.
    pub facts: Facts,
    /// What it said.
    pub verdict: Verdict,
}

impl App {
    /// Takes an order in, or says why not and who can grant it.
    pub(crate) async fn new_order(
        &self,
        account: &Account,
        wanted: NewOrder,
    ) -> Result<OrderAnswer, Fault> {
        let mut names = wanted.names;
        names.sort();
        names.dedup();
        let octets: usize = names.iter().map(|name| name.to_string().len()).sum();
        if names.is_empty() || names.len() > NAMES_MAX || octets > NAME_OCTETS_MAX {
            return Ok(OrderAnswer::Refused(problem(
                ProblemKind::Malformed,
                format!(
                    "an order holds 1 to {NAMES_MAX} names of {NAME_OCTETS_MAX} characters together; split it"
                ),
            )));
        }
        let live = self.live.get();
        let Some(profile) = wanted.profile.or_else(|| default_profile(&live, account)) else {
            return Ok(OrderAnswer::Refused(problem(
                ProblemKind::InvalidProfile,
                format!("service `{}` has no profile; add one to its estate file", account.service),
            )));
        };
        if !live.estate().profiles.contains_key(&profile) {
            let known: Vec<&str> = live.estate().profiles.keys().map(ProfileId::as_str).collect();
            return Ok(OrderAnswer::Refused(problem(
                ProblemKind::InvalidProfile,
                format!("there is no profile `{profile}`; use one of {}", known.join(", ")),
            )));
        }
        let replaced = match &wanted.replaces {
            Some(text) => match self.replaced(account, &names, text).await? {
                Ok(replaced) => Some(replaced),
                Err(problem) => return Ok(OrderAnswer::Refused(problem)),
            },
            None => None,
        };
        let now = self.now();
        let judged =
            self.judge_issue(&live, account, &names, &profile, (Stage::Order, None), now).await?;
        if judged.verdict.allows() {
            self.accept_order(account, names, judged, replaced, now).await
        } else {
            self.refuse_order(&live, account, names, judged, now).await
        }
    }

    /// Asks the policy about each issuer that could serve, and keeps the first that may.
    pub(crate) async fn judge_issue(
        &self,
        live: &Live,
        account: &Account,
        names: &[SanName],
        profile: &ProfileId,
        (stage, only): (Stage, Option<&IssuerId>),
        now: Time,
    ) -> Result<Judged, Fault> {
        let lifetime_seconds = lifetime(live, names, profile);
        let mut first = None;
        let attested = self.attested(live, account).await?;
        let upstream = self.upstream_serving(live).await?;
        // At a public CA we show control by dns-01, and an address has none.
        let only_names = names.iter().all(|name| name.dns().is_some());
        let serving = |issuer: &&IssuerId| {
            self.issuers.contains_key(issuer) || (only_names && upstream.contains(issuer))
        };
        // The policy chose once; CAA was looked at for that one.
        let chosen = |issuer: &&IssuerId| only.is_none_or(|only| only == *issuer);
        for issuer in live.estate().issuers.keys().filter(serving).filter(chosen) {
            let wanted = Wanted { account, names, profile, issuer, lifetime_seconds };
            let envelope = self.envelope_for(live, &wanted, now).await?;
            let known = (stage.clone(), attested.clone());
            let facts = facts::issue(live, &wanted, envelope.as_ref(), known, now);
            let verdict = judge(&live.policy, &facts);
            let judged = Judged {
                issuer: issuer.clone(),
                profile: profile.clone(),
                lifetime_seconds,
                envelope,
                facts,
                verdict,
            };
            if judged.verdict.allows() {
                return Ok(judged);
            }
            first.get_or_insert(judged);
        }
        first.ok_or_else(|| {
            Fault::conflict(match only_names {
                true => "the estate names no issuer that runs here; add one to issuers.toml",
                false => "an address is certified by a built-in issuer only, and the estate has none; add one to issuers.toml",
            })
        })
    }

    /// The envelope that covers what is wanted; else the newest that holds all its names, so that
    /// the refusal can say why it does not; else none.
    async fn envelope_for(
        &self,
        live: &Live,
        wanted: &Wanted<'_>,
        now: Time,
    ) -> Result<Option<Granted>, Fault> {
        let all = self.store.envelopes_of_service(&wanted.account.service).await?;
        let coverage = Coverage {
            service: &wanted.account.service,
            account: &wanted.account.id,
            names: wanted.names,
            issuer: wanted.issuer,
            profile: wanted.profile,
            owners_since: live.history().owner_since(&wanted.account.service),
        };
        let holds = |envelope: &&Envelope| wanted.names.iter().all(|n| envelope.names.contains(n));
        let found = all
            .iter()
            .find(|envelope| envelope.covers(&coverage, now).is_ok())
            .or_else(|| all.iter().filter(holds).max_by_key(|envelope| envelope.granted_at));
        let Some(envelope) = found else { return Ok(None) };
        let granted = self.load_change(&envelope.change).await?;
        let approvals =
            granted.change.approved().map(|plan| plan.approvals().to_vec()).unwrap_or_default();
        let requester = granted.change.request().by.clone();
        Ok(Some(Granted { envelope: envelope.clone(), approvals, requester }))
    }

    async fn accept_order(
        &self,
        account: &Account,
        names: Vec<SanName>,
        judged: Judged,
        replaced: Option<Replaced>,
        now: Time,
    ) -> Result<OrderAnswer, Fault> {
        let mut batch = Batch::default();
        let decision = self.decision("issue", &judged.facts, &judged.verdict, &mut batch)?;
        let mut authorizations = Vec::new();
        for name in bases(&names) {
            let one = self.authorization_for(account, name, &judged.issuer, now, &mut batch);
            authorizations.push(one.await?);
        }
        let ready = authorizations.iter().all(|one| one.status == AuthorizationStatus::Valid);
        let order = Order {
            id: OrderId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad order id"))?,
            account: account.id.clone(),
            names: names.clone(),
            profile: judged.profile.clone(),
            issuer: judged.issuer.clone(),
            status: if ready { OrderStatus::Ready } else { OrderStatus::Pending },
            authorizations: authorizations.iter().map(|one| one.id.clone()).collect(),
            decision: decision.id.clone(),
            created_at: now,
            expires_at: now.plus_ms(ORDER_MS),
            change: None,
            certificate: None,
            error: None,
            replaces: replaced.as_ref().map(|replaced| replaced.text.clone()),
        };
        batch.entries.push(Entry {
            at: now,
            by: actor(account),
            fact: Fact::OrderAccepted {
                order: order.id.clone(),
                account: account.id.clone(),
                names,
                profile: judged.profile,
                issuer: judged.issuer,
                decision: Box::new(decision),
            },
        });
        if let Some(Replaced { certificate, .. }) = replaced {
            batch.expects.push(Expect::NotReplaced { certificate, at: now });
            batch.entries.push(Entry {
                at: now,
                by: actor(account),
                fact: Fact::OrderReplaces { order: order.id.clone(), certificate },
            });
        }
        batch.work.push(Work::PutOrder(Box::new(order.clone())));
        match self.store.commit(batch).await {
            Ok(_) => {
                self.metrics.order("accepted");
                Ok(OrderAnswer::Accepted(Box::new(order)))
            }
            Err(CommitError::Expectation(not)) if is_replacement(&not) => {
                Ok(OrderAnswer::Refused(already_replaced()))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// A valid authorization of this account for the name, or a fresh one.
    pub(super) async fn authorization_for(
        &self,
        account: &Account,
        name: SanName,
        issuer: &IssuerId,
        now: Time,
        batch: &mut Batch,
    ) -> Result<Authorization, Fault> {
        if let Some(known) = self.valid_authorization(account, &name, now).await?
            && self.serves(&self.live.get(), &known, issuer).await?
        {
            return Ok(known);
        }
        let by_dns =
            [ChallengeKind::Dns01, ChallengeKind::DnsAccount01, ChallengeKind::DnsPersist01];
        let by_host = [ChallengeKind::Http01, ChallengeKind::TlsAlpn01];
        // A wildcard is shown by DNS only (RFC 8555, section 8.3; RFC 8737, section 3), an address
        // only by whoever answers there (RFC 8738, section 7).
        let by_host = by_host.iter().filter(|_| !name.is_wildcard());
        let kinds = by_host.chain(by_dns.iter().filter(|_| name.dns().is_some()));
        let challenge = |kind: &ChallengeKind| -> Result<Challenge, Fault> {
            Ok(Challenge {
                id: ChallengeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad id"))?,
                kind: *kind,
                token: self.world.secret()?,
                status: ChallengeStatus::Pending,
                validated_at: None,
                error: None,
            })
        };
        let fresh = Authorization {
            id: AuthzId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad id"))?,
            account: account.id.clone(),
            name: name.base().clone(),
            wildcard: name.is_wildcard(),
            status: AuthorizationStatus::Pending,
            expires_at: now.plus_ms(ORDER_MS),
            challenges: kinds.map(challenge).collect::<Result<_, _>>()?,
        };
        batch.work.push(Work::PutAuthorization(Box::new(fresh.clone())));
        Ok(fresh)
    }

    /// A valid authorization of this account for the name, made for a wildcard where one is asked.
    pub(crate) async fn valid_authorization(
        &self,
        account: &Account,
        name: &SanName,
        now: Time,
    ) -> Result<Option<Authorization>, Fault> {
        let all = self.store.valid_authorizations(&account.id, name.base(), now).await?;
        Ok(all.into_iter().find(|one| one.wildcard == name.is_wildcard()))
    }
}

/// The account as an actor of the ledger.
pub(crate) fn actor(account: &Account) -> Actor {
    Actor::Account {
        account: account.id.clone(),
        service: account.service.clone(),
        made_by: account.made_by.clone(),
        chain: account.chain.clone(),
    }
}

/// A problem without page or subproblems.
pub(crate) fn problem(kind: ProblemKind, detail: impl Into<String>) -> Problem {
    Problem { kind, detail: detail.into(), instance: None, subproblems: Vec::new() }
}

/// Up to three names, then how many more.
pub(crate) fn listed(names: &[SanName]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(ToString::to_string).collect();
    let more = names.len().saturating_sub(shown.len());
    let text = shown.join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}

/// The zones that names lie in.
pub(crate) fn zones(live: &Live, names: &[SanName]) -> Vec<ZoneName> {
    let mut zones: Vec<ZoneName> = names
        .iter()
        .flat_map(|name| live.estate().zones_of(&name.place_in_dns(), None))
        .map(|(key, _)| key.name.clone())
        .collect();
    zones.sort();
    zones.dedup();
    zones
}

/// Each base once, wildcards apart.
fn bases(names: &[SanName]) -> Vec<SanName> {
    let mut bases = names.to_vec();
    bases.sort();
    bases.dedup();
    bases
}

/// Whether what did not hold is that nothing else replaces a certificate.
fn is_replacement(expect: &Expect) -> bool {
    matches!(expect, Expect::NotReplaced { .. })
}

pub(super) fn default_profile(live: &Live, account: &Account) -> Option<ProfileId> {
    use bailiwick_core::certificate::KeyPurpose;
    let service = live.estate().services.get(&account.service)?;
    let serves = |id: &&ProfileId| {
        live.estate().profiles.get(*id).is_some_and(|profile| {
            profile.certificate.purposes.contains(&KeyPurpose::ServerAuth)
                && profile.attestation_required.is_none()
        })
    };
    // The longest that serves: whoever wants a shorter one asks for it by name.
    let lasts = |id: &&ProfileId| {
        live.estate().profiles.get(*id).map(|profile| profile.certificate.lifetime_seconds_max)
    };
    let serving = service.profiles.iter().filter(serves).max_by_key(lasts);
    serving.or_else(|| service.profiles.first()).cloned()
}

/// The profile's lifetime, shortened to what every zone concerned allows.
pub(super) fn lifetime(live: &Live, names: &[SanName], profile: &ProfileId) -> u32 {
    let profile = live.estate().profiles.get(profile);
    let most = profile.map_or(0, |profile| profile.certificate.lifetime_seconds_max);
    names
        .iter()
        .flat_map(|name| live.estate().zones_of(&name.place_in_dns(), None))
        .map(|(_, zone)| zone.limits.lifetime_days_max.saturating_mul(86_400))
        .fold(most, u32::min)
}
