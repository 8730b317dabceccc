//! Orders that are turned away: the refusal, and the ready-made change that would let them in.

use bailiwick_core::change::{Change, Command, Plan, Precheck, Request, Step};
use bailiwick_core::gate::{Account, Envelope};
use bailiwick_core::names::{ChangeId, Digest, EnvelopeId, SanName};
use bailiwick_core::policy::{GrantAct, Grantable};
use bailiwick_core::record::{Batch, Entry, Fact, OrderRefusal, Work};
use bailiwick_core::time::{DAY_MS, Time};

use super::orders::{APPROVABLE_MS, Judged, OrderAnswer, actor, listed, zones};
use super::{App, Live, News};
use crate::fault::Fault;
use crate::limits::PERIOD_MS_MAX;

/// How long the envelope lasts that is offered where an order needs one: a quarter, so that every
/// standing approval is looked at four times a year.
const ENVELOPE_MS: i64 = 90 * DAY_MS;
/// Changes that wait at once because an account's orders need them. Whoever decides reads each of them; beyond so many
/// an account asks for one thing after the other, or for an envelope over more names.
const WAITING_MAX: u64 = 50;

/// The change that would let an order in.
enum ReadyMade {
    /// It waits already.
    Waits(ChangeId),
    /// It is opened with the refusal.
    Opened(ChangeId),
    /// Too many of this account wait.
    TooMany,
}

impl ReadyMade {
    const fn id(&self) -> Option<&ChangeId> {
        match self {
            Self::Waits(id) | Self::Opened(id) => Some(id),
            Self::TooMany => None,
        }
    }
}

impl App {
    pub(super) async fn refuse_order(
        &self,
        live: &Live,
        account: &Account,
        names: Vec<SanName>,
        judged: Judged,
        now: Time,
    ) -> Result<OrderAnswer, Fault> {
        let mut batch = Batch::default();
        let decision = self.decision("issue", &judged.facts, &judged.verdict, &mut batch)?;
        let wanted = wanted(&names, &judged);
        let ready = if judged.verdict.grantable().is_some_and(by_envelope) {
            let asked = (names.as_slice(), &wanted);
            Some(self.ready_made_change(live, account, asked, &judged, now, &mut batch).await?)
        } else {
            None
        };
        let change = ready.as_ref().and_then(ReadyMade::id).cloned();
        let opened = match &ready {
            Some(ReadyMade::Opened(id)) => Some(id.clone()),
            Some(ReadyMade::Waits(_) | ReadyMade::TooMany) | None => None,
        };
        batch.work.push(Work::PutOrderRefusal(Box::new(OrderRefusal {
            decision: decision.id.clone(),
            account: account.id.clone(),
            at: now,
            since: now.plus_ms(-PERIOD_MS_MAX),
            wanted,
            opened,
        })));
        batch.entries.push(Entry {
            at: now,
            by: actor(account),
            fact: Fact::OrderRefused {
                account: account.id.clone(),
                names: names.clone(),
                decision: Box::new(decision),
                change: change.clone(),
            },
        });
        self.commit(batch).await?;
        if let Some(id) = &change {
            self.tell(News::Change(id.clone()));
        }
        self.metrics.order("refused");
        let verdict = &judged.verdict;
        let mut problem =
            super::refusal::of_order(&self.settings, live, &names, verdict, change.as_ref(), now);
        if let Some(ReadyMade::TooMany) = ready {
            problem.detail = format!("{}. {}", problem.detail, too_many_wait(account));
        }
        Ok(OrderAnswer::Refused(problem))
    }

    /// The change that would let this order in: the one that waits already, or a new one.
    async fn ready_made_change(
        &self,
        live: &Live,
        account: &Account,
        (names, wanted): (&[SanName], &Digest),
        judged: &Judged,
        now: Time,
        batch: &mut Batch,
    ) -> Result<ReadyMade, Fault> {
        if let Some(id) = self.store.change_opened_for(&account.id, wanted).await? {
            let loaded = self.load_change(&id).await?;
            if asks_the_same(&loaded.change, account, names, judged, now) {
                return Ok(ReadyMade::Waits(id));
            }
        }
        if self.store.changes_opened_for(&account.id).await? >= WAITING_MAX {
            return Ok(ReadyMade::TooMany);
        }
        let id = ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let envelope = Envelope {
            id: EnvelopeId::parse(id.as_str()).map_err(|_| Fault::bug("bad envelope id"))?,
            change: id.clone(),
            service: account.service.clone(),
            names: names.to_vec(),
            issuer: judged.issuer.clone(),
            profiles: vec![judged.profile.clone()],
            account: Some(account.id.clone()),
            granted_at: now,
            until: now.plus_ms(ENVELOPE_MS),
            uses_max: None,
            uses: 0,
            ended: None,
        };
        let request = Request {
            id: id.clone(),
            title: format!("let {} get certificates for {}", account.service, listed(names)),
            reason: format!(
                "its ACME client asked for them and no envelope covers that: {}",
                judged.verdict.reasons().first().map_or("no rule allows it", |r| r.fact.as_str())
            ),
            by: actor(account),
            service: Some(account.service.clone()),
            zones: zones(live, names),
            at: now,
        };
        let plan = Plan::of(Step::GrantEnvelope(envelope));
        self.open_and_validate(live, request, plan, owned(live, account, names), now, batch)?;
        Ok(ReadyMade::Opened(id))
    }

    /// Opens a change, records its plan and checks, and tells those who can approve it.
    pub(crate) fn open_and_validate(
        &self,
        live: &Live,
        request: Request,
        plan: Plan,
        prechecks: Vec<Precheck>,
        now: Time,
        batch: &mut Batch,
    ) -> Result<super::Loaded, Fault> {
        let by = request.by.clone();
        let mut loaded = Self::open_change(request, batch);
        let expires_at = now.plus_ms(APPROVABLE_MS);
        let validate = Command::Validate { plan, prechecks, expires_at };
        let events = loaded.change.decide(validate, now).map_err(Fault::from)?;
        Self::add_events(&mut loaded, batch, events, &by, now)?;
        batch.notices.extend(self.notices_for(live, &loaded, now));
        Ok(loaded)
    }
}

/// Whether an envelope is all that is missing.
fn by_envelope(grantable: &Grantable) -> bool {
    grantable.acts.iter().all(|act| matches!(act, GrantAct::Envelope { .. }))
}

/// What an order asks for, as one value: names in their order, issuer and profile. None of them holds a line end.
fn wanted(names: &[SanName], judged: &Judged) -> Digest {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Digest::of(format!("{}\n{}\n{}", judged.issuer, judged.profile, names.join("\n")).as_bytes())
}

fn too_many_wait(account: &Account) -> String {
    format!(
        "{WAITING_MAX} changes that this account's orders need wait for approval already, and no more are opened: have \
         them decided, let `{}`, who made its credential, take some back (`bailiwick change withdraw ID`), or wait \
         until they lapse after {} days",
        account.made_by,
        APPROVABLE_MS / DAY_MS
    )
}

/// Whether a waiting change would let exactly this order in.
fn asks_the_same(
    change: &Change,
    account: &Account,
    names: &[SanName],
    judged: &Judged,
    now: Time,
) -> bool {
    let Change::Awaiting(waiting) = change else { return false };
    let [Step::GrantEnvelope(envelope)] = waiting.plan.steps() else { return false };
    envelope.account.as_ref() == Some(&account.id)
        && envelope.names == names
        && envelope.issuer == judged.issuer
        && envelope.profiles == [judged.profile.clone()]
        && now < waiting.expires_at
}

/// The check that every name is the service's own: a change for other names would be a waste of an
/// approver's time.
fn owned(live: &Live, account: &Account, names: &[SanName]) -> Vec<Precheck> {
    names
        .iter()
        .map(|name| {
            let owner = live.estate().service_owning(name).map(|(id, _)| id);
            Precheck {
                name: "name-owned".to_owned(),
                holds: owner == Some(&account.service),
                saw: owner.map_or_else(
                    || format!("no service owns `{name}`"),
                    |owner| format!("`{name}` belongs to `{owner}`"),
                ),
                assignee: None,
            }
        })
        .collect()
}
