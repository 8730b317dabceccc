//! Authorizations: seen, answered, given up; and what they make of the orders that wait for them
//! (RFC 8555, sections 7.1.6 and 7.5).

mod validate;

use std::sync::Arc;
use std::time::Duration;

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::gate::{
    Account, Authorization, AuthorizationStatus, Challenge, ChallengeStatus, Order, OrderStatus,
    Problem, ProblemKind,
};
use bailiwick_core::names::{AuthzId, ChallengeId, OrderId};
use bailiwick_core::record::{Batch, Entry, Expect, Fact, Work};
use bailiwick_core::time::Time;
use bailiwick_store::CommitError;
use tokio::sync::{Mutex, MutexGuard};

use super::App;
use super::orders::{actor, problem};
use crate::fault::Fault;
use validate::Open;

/// Read, decide, write: for one authorization one after the other. Shared by a few, so that the
/// number of locks has a bound.
static TURNS: [Mutex<()>; 64] = [const { Mutex::const_new(()) }; 64];

/// Orders looked at after a validation. An authorization that was pending belongs to the one order
/// it was made for; the others are settled when their client asks.
const ORDERS_SETTLED: u32 = 20;
/// How long the answer to a client waits for the look that it asked for.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Characters of an id that say when it was made, but for the last 32 ms.
const TIME_CHARS: usize = 9;

impl App {
    /// An authorization of this account, as it stands now.
    pub(crate) async fn authorization_of(
        &self,
        account: &Account,
        id: &AuthzId,
    ) -> Result<Option<Authorization>, Fault> {
        let found = self.store.authorization(id).await?.filter(|one| one.account == account.id);
        Ok(found.map(|one| authorization_at(one, self.now())))
    }

    /// Gives an authorization up (RFC 8555, section 7.5.2).
    pub(crate) async fn deactivate_authorization(
        &self,
        account: &Account,
        id: &AuthzId,
    ) -> Result<Option<Authorization>, Fault> {
        let _turn = turn(id).await;
        let Some(mut authz) = self.authorization_of(account, id).await? else { return Ok(None) };
        match authz.status {
            AuthorizationStatus::Pending | AuthorizationStatus::Valid => {
                let given_up = Entry {
                    at: self.now(),
                    by: actor(account),
                    fact: Fact::AuthorizationGivenUp {
                        authorization: authz.id.clone(),
                        account: account.id.clone(),
                    },
                };
                // What was shown is in the ledger, so that it counts no more has to be there too.
                let shown = authz.status == AuthorizationStatus::Valid;
                authz.status = AuthorizationStatus::Deactivated;
                self.put(&authz, shown.then_some(given_up).into_iter().collect()).await?;
                self.settle_orders_of(&authz).await?;
            }
            AuthorizationStatus::Invalid
            | AuthorizationStatus::Deactivated
            | AuthorizationStatus::Expired => {}
        }
        Ok(Some(authz))
    }

    /// The client says that a challenge can be looked at. What is over stays as it is.
    ///
    /// Most looks take milliseconds: the answer waits for them a moment, which spares the client the
    /// asking and the store a commit. That a look goes on is stored before the client is told so.
    pub(crate) async fn answer_challenge(
        self: &Arc<Self>,
        account: &Account,
        id: &AuthzId,
        challenge: &ChallengeId,
    ) -> Result<Option<Authorization>, Fault> {
        let Some(mut authz) = self.authorization_of(account, id).await? else { return Ok(None) };
        let open = is_open_for(&authz, challenge);
        let Some(chosen) = authz.challenges.iter_mut().find(|one| one.id == *challenge) else {
            return Ok(None);
        };
        if !open {
            return Ok(Some(authz));
        }
        chosen.status = ChallengeStatus::Processing;
        let (account, challenge) = (account.clone(), chosen.clone());
        let looking = Open { account: account.clone(), authz, challenge: challenge.clone() };
        if let Some(heard) = self.begin_validation(id, &challenge.id, Some(looking))
            && let Ok(Ok(authz)) = tokio::time::timeout(ANSWER_MAX, heard).await
        {
            return Ok(Some(authz));
        }
        self.note_looking(&account, id, &challenge.id).await
    }

    /// Stores that a challenge is being looked at, unless that is stored or over.
    async fn note_looking(
        &self,
        account: &Account,
        id: &AuthzId,
        challenge: &ChallengeId,
    ) -> Result<Option<Authorization>, Fault> {
        let _turn = turn(id).await;
        let Some(mut authz) = self.authorization_of(account, id).await? else { return Ok(None) };
        if is_open_for(&authz, challenge) {
            let pending = |one: &&mut Challenge| {
                one.id == *challenge && one.status == ChallengeStatus::Pending
            };
            if let Some(chosen) = authz.challenges.iter_mut().find(pending) {
                chosen.status = ChallengeStatus::Processing;
                self.put(&authz, Vec::new()).await?;
            }
        }
        Ok(Some(authz))
    }

    /// An order of this account, as it stands now.
    pub(crate) async fn order_of(
        &self,
        account: &Account,
        id: &OrderId,
    ) -> Result<Option<Order>, Fault> {
        match self.store.order(id).await?.filter(|order| order.account == account.id) {
            Some(order) => self.settled(order).await.map(Some),
            None => Ok(None),
        }
    }

    /// A page of an account's orders, the oldest first, behind one of them.
    pub(crate) async fn orders_page(
        &self,
        account: &Account,
        after: Option<&OrderId>,
        limit: u32,
    ) -> Result<Vec<OrderId>, Fault> {
        let orders = self.store.orders_of(&account.id, after, limit).await?;
        Ok(orders.into_iter().map(|order| order.id).collect())
    }

    /// Moves a pending order on when its authorizations say so.
    async fn settled(&self, order: Order) -> Result<Order, Fault> {
        let now = self.now();
        if order.status != OrderStatus::Pending || now >= order.expires_at {
            return Ok(order_at(order, now));
        }
        let all = self.authorizations_of(&order, None, now).await?;
        let Some(next) = moved(&order, &all) else { return Ok(order) };
        let mut batch = Batch::default();
        move_on(&next, &mut batch, now);
        match self.store.commit(batch).await {
            Ok(_) => Ok(next),
            Err(CommitError::Expectation(_)) => {
                let order = self.store.order(&order.id).await?;
                order.ok_or_else(|| Fault::bug("an order went away"))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// The authorizations of an order as they stand at `now`; `known` is one of them, about to be stored.
    async fn authorizations_of(
        &self,
        order: &Order,
        known: Option<&Authorization>,
        now: Time,
    ) -> Result<Vec<Authorization>, Fault> {
        let mut all = Vec::new();
        for id in &order.authorizations {
            let authz = match known.filter(|known| known.id == *id) {
                Some(known) => Some(known.clone()),
                None => self.store.authorization(id).await?,
            };
            let authz = authz.ok_or_else(|| Fault::Damaged {
                message: format!(
                    "order `{}` waits for an authorization that is not there",
                    order.id
                ),
            })?;
            all.push(authorization_at(authz, now));
        }
        Ok(all)
    }

    /// The pending orders that wait for an authorization. Ids sort by the moment they were made, and an
    /// order and its fresh authorization were made at the same.
    async fn orders_waiting_for(&self, authz: &Authorization) -> Result<Vec<Order>, Fault> {
        let before = made_before(&authz.id).and_then(|text| OrderId::parse(text).ok());
        let orders = self.store.orders_of(&authz.account, before.as_ref(), ORDERS_SETTLED).await?;
        let waits = |order: &Order| {
            order.status == OrderStatus::Pending && order.authorizations.contains(&authz.id)
        };
        Ok(orders.into_iter().filter(waits).collect())
    }

    /// Settles the orders that wait for an authorization.
    async fn settle_orders_of(&self, authz: &Authorization) -> Result<(), Fault> {
        for order in self.orders_waiting_for(authz).await? {
            self.settled(order).await?;
        }
        Ok(())
    }

    /// Stores an authorization, with what the ledger should know of it.
    async fn put(&self, authz: &Authorization, entries: Vec<Entry>) -> Result<(), Fault> {
        let work = vec![Work::PutAuthorization(Box::new(authz.clone()))];
        self.commit(Batch { entries, work, ..Batch::default() }).await?;
        Ok(())
    }
}

/// Whether a challenge can be looked at: one look at a time, the second way can be tried when the first
/// has ended.
fn is_open_for(authz: &Authorization, challenge: &ChallengeId) -> bool {
    let others = authz.challenges.iter().filter(|one| one.id != *challenge);
    authz.status == AuthorizationStatus::Pending
        && others.map(|one| one.status).all(|status| status == ChallengeStatus::Pending)
}

/// What ids sort behind that were made together with an authorization, or later.
pub(super) fn made_before(id: &AuthzId) -> Option<&str> {
    id.as_str().get(..TIME_CHARS)
}

/// The turn at one authorization.
async fn turn(id: &AuthzId) -> MutexGuard<'static, ()> {
    let sum = id
        .as_str()
        .bytes()
        .fold(0_usize, |sum, octet| sum.wrapping_mul(31).wrapping_add(usize::from(octet)));
    let [first, ..] = &TURNS;
    TURNS.get(sum % TURNS.len()).unwrap_or(first).lock().await
}

/// What an order becomes by its authorizations; `None`: it waits on (RFC 8555, section 7.1.6).
fn moved(order: &Order, all: &[Authorization]) -> Option<Order> {
    let broken = all.iter().find(|authz| {
        !matches!(authz.status, AuthorizationStatus::Pending | AuthorizationStatus::Valid)
    });
    if let Some(broken) = broken {
        return Some(Order {
            status: OrderStatus::Invalid,
            error: Some(why(broken)),
            ..order.clone()
        });
    }
    all.iter()
        .all(|authz| authz.status == AuthorizationStatus::Valid)
        .then(|| Order { status: OrderStatus::Ready, ..order.clone() })
}

/// Adds to a batch that a pending order becomes what `next` says.
fn move_on(next: &Order, batch: &mut Batch, now: Time) {
    batch.expects.push(Expect::OrderIs { id: next.id.clone(), status: OrderStatus::Pending });
    batch.work.push(Work::PutOrder(Box::new(next.clone())));
    if let Some(error) = &next.error {
        batch.entries.push(Entry {
            at: now,
            by: Actor::Component(Component::Gate),
            fact: Fact::OrderFailed {
                order: next.id.clone(),
                problem: error.kind.as_str().to_owned(),
                detail: error.detail.clone(),
            },
        });
    }
}

/// Why an order cannot go on without this authorization.
fn why(authz: &Authorization) -> Problem {
    let failed = authz.challenges.iter().find_map(|challenge| {
        (challenge.status == ChallengeStatus::Invalid).then_some(challenge.error.as_ref()).flatten()
    });
    match failed {
        Some(error) => Problem {
            detail: format!("control of `{}` was not shown: {}", authz.name, error.detail),
            ..error.clone()
        },
        None => problem(
            ProblemKind::Unauthorized,
            format!(
                "the authorization of `{}` is {}; order again",
                authz.name,
                authz.status.as_str()
            ),
        ),
    }
}

/// An authorization as it stands at `now`: what was not shown or used in time is over.
fn authorization_at(mut authz: Authorization, now: Time) -> Authorization {
    if now >= authz.expires_at {
        match authz.status {
            AuthorizationStatus::Pending => authz.status = AuthorizationStatus::Invalid,
            AuthorizationStatus::Valid => authz.status = AuthorizationStatus::Expired,
            AuthorizationStatus::Invalid
            | AuthorizationStatus::Deactivated
            | AuthorizationStatus::Expired => {}
        }
    }
    authz
}

/// An order as it stands at `now`: what was not finalized in time is over.
fn order_at(mut order: Order, now: Time) -> Order {
    let open = matches!(order.status, OrderStatus::Pending | OrderStatus::Ready);
    if open && now >= order.expires_at {
        order.status = OrderStatus::Invalid;
        order.error = Some(problem(
            ProblemKind::Malformed,
            "the order was not finalized in time; order again",
        ));
    }
    order
}

/// The challenge with this id.
pub(crate) fn challenge_of<'a>(
    authz: &'a Authorization,
    id: &ChallengeId,
) -> Option<&'a Challenge> {
    authz.challenges.iter().find(|challenge| challenge.id == *id)
}

#[cfg(test)]
mod tests {
    use bailiwick_core::gate::ChallengeKind;
    use bailiwick_core::names::{
        AccountId, AcmeIdentifier, DecisionId, IssuerId, ProfileId, SanName,
    };
    use bailiwick_core::time::HOUR_MS;

    use super::*;

    const NOW: Time = Time::from_unix_seconds(1_800_000_000);

    fn authz(status: AuthorizationStatus) -> Authorization {
        let failed = status == AuthorizationStatus::Invalid;
        Authorization {
            id: AuthzId::parse("a1").unwrap(),
            account: AccountId::parse("x1").unwrap(),
            name: AcmeIdentifier::parse("www.shop.example").unwrap(),
            wildcard: false,
            status,
            expires_at: NOW.plus_ms(HOUR_MS),
            challenges: vec![Challenge {
                id: ChallengeId::parse("c1").unwrap(),
                kind: ChallengeKind::Http01,
                token: "t".to_owned(),
                status: if failed { ChallengeStatus::Invalid } else { ChallengeStatus::Pending },
                validated_at: None,
                error: failed.then(|| problem(ProblemKind::Connection, "nobody is there")),
            }],
        }
    }

    fn order(status: OrderStatus) -> Order {
        Order {
            id: OrderId::parse("o1").unwrap(),
            account: AccountId::parse("x1").unwrap(),
            names: vec![SanName::parse("www.shop.example").unwrap()],
            profile: ProfileId::parse("tls-server").unwrap(),
            issuer: IssuerId::parse("house").unwrap(),
            status,
            authorizations: vec![AuthzId::parse("a1").unwrap()],
            decision: DecisionId::parse("d1").unwrap(),
            created_at: NOW,
            expires_at: NOW.plus_ms(HOUR_MS),
            change: None,
            certificate: None,
            error: None,
            replaces: None,
        }
    }

    fn check(all: &[AuthorizationStatus], expected: Option<OrderStatus>) {
        let all: Vec<Authorization> = all.iter().copied().map(authz).collect();
        let given = moved(&order(OrderStatus::Pending), &all);
        assert_eq!(given.map(|order| order.status), expected, "{all:?}");
    }

    #[test]
    fn an_order_is_as_far_as_its_authorizations() {
        use AuthorizationStatus::{Deactivated, Expired, Invalid, Pending, Valid};
        check(&[Valid], Some(OrderStatus::Ready));
        check(&[Valid, Valid], Some(OrderStatus::Ready));
        check(&[Valid, Pending], None);
        check(&[Pending], None);
        for over in [Invalid, Deactivated, Expired] {
            check(&[Valid, Pending, over], Some(OrderStatus::Invalid));
        }
    }

    #[test]
    fn an_invalid_order_says_which_name_and_why() {
        let told = |status| {
            let error = moved(&order(OrderStatus::Pending), &[authz(status)]).unwrap().error;
            error.map(|error| (error.kind, error.detail)).unwrap()
        };
        assert_eq!(
            told(AuthorizationStatus::Invalid),
            (
                ProblemKind::Connection,
                "control of `www.shop.example` was not shown: nobody is there".to_owned()
            )
        );
        let (kind, detail) = told(AuthorizationStatus::Deactivated);
        assert_eq!(kind, ProblemKind::Unauthorized);
        assert!(detail.contains("`www.shop.example` is deactivated"), "{detail}");
    }

    #[test]
    fn time_ends_what_was_not_used() {
        use AuthorizationStatus::{Deactivated, Expired, Invalid, Pending, Valid};
        let late = NOW.plus_ms(HOUR_MS);
        for (status, then) in
            [(Pending, Invalid), (Valid, Expired), (Invalid, Invalid), (Deactivated, Deactivated)]
        {
            assert_eq!(authorization_at(authz(status), late.plus_ms(-1)).status, status);
            assert_eq!(authorization_at(authz(status), late).status, then);
        }
        for (status, then) in [
            (OrderStatus::Pending, OrderStatus::Invalid),
            (OrderStatus::Ready, OrderStatus::Invalid),
            (OrderStatus::Processing, OrderStatus::Processing),
            (OrderStatus::Valid, OrderStatus::Valid),
        ] {
            assert_eq!(order_at(order(status), late.plus_ms(-1)).status, status);
            assert_eq!(order_at(order(status), late).status, then);
        }
    }
}
