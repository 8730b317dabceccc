//! The estate: what a folder would change, asking for that change, putting it in force.

mod notes;

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::change::{
    Basis, Change, Command, Event, Plan, Precheck, Request, STEPS_MAX, Step,
};
use bailiwick_core::estate::{Estate, EstateHistory, Service};
use bailiwick_core::gate::Envelope;
use bailiwick_core::names::{ChangeId, Digest, EnvelopeId, ServiceId};
use bailiwick_core::policy::{Access, Facts, judge};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::Time;
use bailiwick_wire::estate as wire;
use bailiwick_wire::record::{ENTRY_OCTETS_MAX, NotStorable};

use super::words::words;
use super::{App, Asking, Live, Loaded, Scope, facts};
use crate::fault::Fault;

/// What a folder would change.
pub(crate) struct EstatePlan {
    /// Whether anything.
    pub changes: bool,
    /// For a person.
    pub text: String,
    /// For a pull request.
    pub markdown: String,
    /// For programs.
    pub diff: serde_json::Value,
}

/// The kind under which estates are stored as evidence.
const EVIDENCE: &str = "estate/v1";
/// Octets of an entry beside its plan: who, when, and the checks.
const ENTRY_ROOM: usize = 4_096;

impl App {
    /// Reads a stored estate.
    pub(crate) async fn estate_of(&self, digest: Digest) -> Result<Estate, Fault> {
        let stored = self.store.evidence(&digest).await?;
        let stored = stored.ok_or_else(|| Fault::Damaged {
            message: format!("the estate `{digest}` is not among the evidence"),
        })?;
        wire::decode(&stored.octets)
            .map_err(|cause| Fault::Damaged { message: format!("the estate `{digest}`: {cause}") })
    }

    /// Puts the active estate in force in this process, where another is. What was seen of delegations is
    /// taken over first: a zone that is frozen is frozen in the estate that is new, too.
    pub(crate) async fn refresh_live(&self) -> Result<(), Fault> {
        let active = self.store.active_estate().await?.map(|active| active.digest);
        if self.live.get().digest == active {
            return Ok(());
        }
        let mut before: Option<Estate> = None;
        let mut history = EstateHistory::default();
        for activation in self.store.estate_history().await? {
            let estate = self.estate_of(activation.digest).await?;
            history = history.advance(before.as_ref(), &estate, activation.at);
            before = Some(estate);
        }
        if let Some(estate) = before {
            let seen = self.delegations_seen(&estate).await?;
            self.live.set(Live::new(estate, history, active, Some(seen))?);
            // What was seen while the policies were compiled.
            self.refresh_delegations().await?;
        }
        Ok(())
    }

    /// What a folder would change, or everything that is wrong with it.
    pub(crate) async fn plan_estate(
        &self,
        files: &[(String, String)],
    ) -> Result<EstatePlan, String> {
        let wanted = read(files)?;
        let live = self.live.get();
        let diff = live.estate().diff(&wanted);
        let now = self.now();
        if !diff.is_empty() {
            // Whoever applies it shall not be the first to hear that it is too much.
            let id = ChangeId::parse("planned").map_err(|cause| cause.to_string())?;
            plan(&live, &wanted, &id, now).map_err(|fault| fault.to_string())?;
        }
        let mut notes = notes::of(&live, &wanted, now);
        notes.extend(self.stale_keys(&wanted).await.map_err(|fault| fault.to_string())?);
        let mut json = wire::plan_json(&diff);
        if let Some(object) = json.as_object_mut() {
            object.insert("notes".to_owned(), notes.clone().into());
        }
        let listed = |mark: &str| notes.iter().map(|note| format!("{mark}{note}\n")).collect();
        let (lines, points): (String, String) = (listed("note: "), listed("- "));
        Ok(EstatePlan {
            changes: !diff.is_empty(),
            text: wire::plan_text(&diff) + &lines,
            markdown: wire::plan_markdown(&diff) + "\n" + &points,
            diff: json,
        })
    }

    /// Asks for a folder to become the active estate: one change, with the envelopes it brings.
    pub(crate) async fn apply_estate(
        &self,
        asking: &Asking,
        files: &[(String, String)],
        reason: &str,
    ) -> Result<Loaded, Fault> {
        self.permit(asking, Access::Request, &Scope::Estate)?;
        words("reason", reason)?;
        let wanted = read(files).map_err(|problems| Fault::input("files", problems))?;
        let title = title(&self.live.get(), &wanted);
        self.ask_for_estate(asking, wanted, title, reason).await
    }

    /// Asks for an estate to become the active one.
    pub(crate) async fn ask_for_estate(
        &self,
        asking: &Asking,
        wanted: Estate,
        title: String,
        reason: &str,
    ) -> Result<Loaded, Fault> {
        self.permit(asking, Access::Request, &Scope::Estate)?;
        let reason = words("reason", reason)?;
        let live = self.live.get();
        if live.estate().diff(&wanted).is_empty() {
            return Err(Fault::conflict("the folder is what is active already; nothing to do"));
        }
        let now = self.now();
        let by = Actor::Person(asking.by.clone());
        let id = ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let (plan, batch) = plan(&live, &wanted, &id, now)?;
        let request = Request { id, title, reason, by, service: None, zones: Vec::new(), at: now };
        // The policy is asked about the estate as it is stored, so it is stored before it is asked.
        self.commit(batch).await?;
        self.submit(request, plan, vec![checked(&wanted)], Batch::default()).await
    }

    /// Begins: the first estate of an empty installation is activated without anybody's approval,
    /// because there is nobody yet; whoever started the server answers for it. Later starts go on
    /// with the estate that is active. Says whether this was the first start.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every state but one is a failed start")]
    pub(crate) async fn begin(&self, first: Estate, verifier: &str) -> Result<bool, Fault> {
        if self.store.active_estate().await?.is_some() {
            self.refresh_live().await?;
            return Ok(false);
        }
        let now = self.now();
        let by = Actor::Component(Component::FirstStart);
        let live = self.live.get();
        let id = ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let (plan, mut batch) = plan(&live, &first, &id, now)?;
        if self.store.head().await?.size.get() == 0 {
            batch.entries.push(Entry {
                at: now,
                by: by.clone(),
                fact: Fact::InstallationStarted {
                    origin: origin(verifier),
                    verifier_key: verifier.to_owned(),
                },
            });
        }
        let request = Request {
            id: id.clone(),
            title: format!("begin with the estate of {}", first.organisation.name),
            reason: "the first start of this installation".to_owned(),
            by: by.clone(),
            service: None,
            zones: Vec::new(),
            at: now,
        };
        let facts = facts::change(&live, &request, &plan, Some(&first), &[], now);
        let loaded = self.approve_first(&live, request, plan, &facts, &mut batch, now)?;
        self.commit(batch).await?;
        match crate::drive::changes::drive(self, loaded).await? {
            Change::Closed { .. } => {}
            other => {
                return Err(Fault::conflict(format!("the first estate is `{}`", other.name())));
            }
        }
        self.refresh_live().await?;
        Ok(true)
    }

    /// The one approval that rests on nobody. Recorded as such.
    fn approve_first(
        &self,
        live: &Live,
        request: Request,
        plan: Plan,
        facts: &Facts,
        batch: &mut Batch,
        now: Time,
    ) -> Result<Loaded, Fault> {
        let by = request.by.clone();
        let verdict = judge(&live.policy, facts);
        let mut decision = self.decision("first-start", facts, &verdict, batch)?;
        decision.allowed = true;
        "first-start".clone_into(&mut decision.rule);
        let basis = Basis {
            decision: decision.id.clone(),
            policy: decision.policy,
            of: plan.digest(),
            approvals_needed: 0,
        };
        let id = request.id.clone();
        let mut loaded = Self::open_change(request, batch);
        batch.entries.push(Entry {
            at: now,
            by: by.clone(),
            fact: Fact::Decided { decision: Box::new(decision), change: Some(id) },
        });
        let expires_at = now.plus_ms(super::orders::APPROVABLE_MS);
        for command in [
            Command::Validate { plan, prechecks: Vec::new(), expires_at },
            Command::Approve { approval: None, basis: Some(basis) },
        ] {
            let events = loaded.change.decide(command, now).map_err(Fault::from)?;
            Self::add_events(&mut loaded, batch, events, &by, now)?;
        }
        Ok(loaded)
    }
}

/// The digest of the estate a plan activates, where it does.
pub(crate) fn edited(plan: &Plan) -> Option<Digest> {
    plan.steps().iter().find_map(|step| match step {
        Step::EditEstate { after, .. } => Some(*after),
        Step::IssueCertificate(_)
        | Step::RevokeCertificate(_)
        | Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::RegisterAccount(_)
        | Step::RotateIssuer(_)
        | Step::RotateKey(_)
        | Step::RetireKey(_)
        | Step::PublishRecords(_)
        | Step::AwaitPropagation(_)
        | Step::DeployCertificate(_)
        | Step::VerifyServed(_) => None,
    })
}

/// Reads a folder, or renders everything that is wrong with it.
pub(crate) fn read(files: &[(String, String)]) -> Result<Estate, String> {
    wire::read(files).map_err(|problems| wire::render_problems(&problems, files))
}

fn checked(wanted: &Estate) -> Precheck {
    Precheck {
        name: "estate-checked".to_owned(),
        holds: true,
        saw: format!(
            "{} zones, {} services, {} people; no problem found",
            wanted.zones.len(),
            wanted.services.len(),
            wanted.people.len()
        ),
        assignee: None,
    }
}

fn origin(verifier: &str) -> String {
    verifier.split('+').next().unwrap_or_default().to_owned()
}

fn title(live: &Live, wanted: &Estate) -> String {
    let diff = live.estate().diff(wanted);
    let count = diff.objects.len();
    let first = diff.objects.first().map(|object| object.object.to_string()).unwrap_or_default();
    match count {
        1 => format!("edit the estate: {first}"),
        many => format!("edit the estate: {first} and {} more", many.saturating_sub(1)),
    }
}

/// The steps: the estate first, then every envelope that it writes down and that stood in the
/// active one neither, or otherwise.
fn plan(live: &Live, wanted: &Estate, id: &ChangeId, now: Time) -> Result<(Plan, Batch), Fault> {
    let octets = wire::encode(wanted);
    let after = Digest::of(&octets);
    let mut steps = vec![Step::EditEstate { before: live.digest, after }];
    for (service_id, service) in &wanted.services {
        let before = live.digest.and_then(|_| live.estate().services.get(service_id));
        steps.extend(new_envelopes(id, service_id, service, before, now)?);
    }
    let plan = Plan::new(steps).map_err(|_| {
        Fault::input(
            "files",
            format!(
                "{} envelopes are new or altered, and one change grants {} at most; apply the \
                 folder in parts, the services with their envelopes last",
                wanted.services.values().map(|service| service.envelopes.len()).sum::<usize>(),
                STEPS_MAX.saturating_sub(1)
            ),
        )
    })?;
    fits(&plan, id, now)?;
    let batch = Batch {
        work: vec![Work::PutEvidence { digest: after, kind: EVIDENCE, octets }],
        ..Batch::default()
    };
    Ok((plan, batch))
}

/// That the plan fits into an entry of the ledger; found out before anything is opened.
fn fits(plan: &Plan, id: &ChangeId, now: Time) -> Result<(), Fault> {
    let event = Event::Validated {
        plan: plan.clone(),
        prechecks: Vec::new(),
        expires_at: now.plus_ms(super::orders::APPROVABLE_MS),
    };
    let (id, event) = (id.clone(), Box::new(event));
    let fact = Fact::Change { id, seq: 1, state: "awaiting-approval".to_owned(), event };
    let entry = Entry { at: now, by: Actor::Component(Component::Gate), fact };
    let room = ENTRY_OCTETS_MAX.saturating_sub(ENTRY_ROOM);
    match bailiwick_wire::record::encode(&entry) {
        Ok(octets) if octets.len() <= room => Ok(()),
        Ok(_) | Err(NotStorable::TooLarge { .. }) => Err(Fault::input(
            "files",
            format!(
                "the {} envelopes that are new or altered hold too many names for one change: its \
                 plan may have {room} octets; apply the folder in parts, the services with their \
                 envelopes last",
                plan.steps().len().saturating_sub(1)
            ),
        )),
        Err(cause) => Err(Fault::bug(cause.to_string())),
    }
}

fn new_envelopes(
    change: &ChangeId,
    service_id: &ServiceId,
    service: &Service,
    before: Option<&Service>,
    now: Time,
) -> Result<Vec<Step>, Fault> {
    service
        .envelopes
        .iter()
        .filter(|(key, spec)| {
            before.and_then(|before| before.envelopes.get(*key)) != Some(spec) && now < spec.until
        })
        .map(|(key, spec)| {
            let id = EnvelopeId::parse(&format!("{change}.{key}"))
                .map_err(|cause| Fault::input("files", format!("envelope `{key}`: {cause}")))?;
            Ok(Step::GrantEnvelope(Envelope {
                id,
                change: change.clone(),
                service: service_id.clone(),
                names: spec.names.iter().cloned().collect(),
                issuer: spec.issuer.clone(),
                profiles: spec.profiles.iter().cloned().collect(),
                account: None,
                granted_at: now,
                until: spec.until,
                uses_max: spec.uses_max,
                uses: 0,
                ended: None,
            }))
        })
        .collect()
}
