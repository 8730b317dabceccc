//! Changes that stand approved: whoever asked for them, pia agreed.

use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::change::{Approval, Basis, Command, Plan, Request, Step};
use bailiwick_core::names::{ChangeId, DecisionId, PersonId};
use bailiwick_core::record::{Batch, Decision, Entry, Fact, Work};
use bailiwick_core::time::DAY_MS;

use super::shop;
use crate::app::App;

/// A change that the lab asked for and pia approved.
pub(in crate::drive::faults) async fn approved(
    app: &App,
    id: &ChangeId,
    steps: &[Step],
    work: Vec<Work>,
) {
    // Nobody asked the policy, so nobody asks it again.
    approved_for(app, id, Actor::Component(Component::Lab), steps, work).await;
}

/// A change that somebody asked for and pia approved.
pub(in crate::drive::faults) async fn approved_for(
    app: &App,
    id: &ChangeId,
    by: Actor,
    steps: &[Step],
    work: Vec<Work>,
) {
    let now = app.now();
    let person = |name: &str| SignedIn::alone(PersonId::parse(name).unwrap());
    let plan = Plan::new(steps.to_vec()).unwrap();
    let policy = app.live.get().policy.digest();
    let decision = Decision {
        id: DecisionId::parse(&app.world.id().unwrap()).unwrap(),
        action: "approve".to_owned(),
        allowed: true,
        policy,
        facts: "{}".to_owned(),
        reasons: "{}".to_owned(),
        rule: "a-test".to_owned(),
    };
    let of = plan.digest();
    let basis = Basis { decision: decision.id.clone(), policy, of, approvals_needed: 1 };
    let approval = Approval {
        by: person("pia"),
        teams: Vec::new(),
        of,
        at: now,
        expires_at: now.plus_ms(DAY_MS),
        comment: String::new(),
    };
    let service = match steps.first() {
        Some(Step::PublishRecords(publish)) => publish.service.clone(),
        _ => Some(shop()),
    };
    let request = Request {
        id: id.clone(),
        title: "a change that is struck".to_owned(),
        reason: "a test".to_owned(),
        by: by.clone(),
        service,
        zones: Vec::new(),
        at: now,
    };
    let mut batch = Batch { work, ..Batch::default() };
    let mut loaded = App::open_change(request, &mut batch);
    let decided = Fact::Decided { decision: Box::new(decision), change: Some(id.clone()) };
    batch.entries.push(Entry { at: now, by: by.clone(), fact: decided });
    let expires_at = now.plus_ms(DAY_MS);
    for command in [
        Command::Validate { plan, prechecks: Vec::new(), expires_at },
        Command::Approve { approval: Some(approval), basis: Some(basis) },
    ] {
        let events = loaded.change.decide(command, now).unwrap();
        App::add_events(&mut loaded, &mut batch, events, &by, now).unwrap();
    }
    app.commit(batch).await.unwrap();
}
