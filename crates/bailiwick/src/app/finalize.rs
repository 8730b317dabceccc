//! Finalize: the last metres to a certificate. Policy, CAA as seen now, the exact octets, the intent
//! made durable; then the driver signs.

use std::collections::BTreeMap;
use std::sync::Arc;

use bailiwick_core::certificate::NameSeen;
use bailiwick_core::change::{
    Basis, Command, IssueCertificate, Plan, Precheck, Prepared, Request, Step,
};
use bailiwick_core::gate::{Account, Order, OrderStatus, Problem, ProblemKind};
use bailiwick_core::names::{ChangeId, ProfileId, SanName, SpiffeId};
use bailiwick_core::policy::{
    CaaFact, Fact as PolicyFact, FinalizeFacts, KeyFacts, Stage, ValidationMethod,
};
use bailiwick_core::record::{Batch, Entry, Expect, Fact, Work};
use bailiwick_core::time::Time;
use bailiwick_wire::x509::{Csr, CsrExtra, read_csr};

use super::orders::{Judged, actor, listed, problem, zones};
use super::{App, Live, Loaded};
use crate::drive::caa::CaaSeen;
use crate::drive::effects::{Fresh, Real};
use crate::drive::{changes, issue};
use crate::fault::Fault;

/// What a client that finalizes gets.
pub(crate) enum FinalizeAnswer {
    /// The order as it stands now.
    Order(Box<Order>),
    /// No, and why. The order is as it was.
    Refused(Problem),
}

/// The workload that a certificate of this profile names: the service's, out of the estate.
fn workload(live: &Live, account: &Account, profile: &ProfileId) -> Option<SpiffeId> {
    let estate = live.estate();
    let names_one =
        estate.profiles.get(profile).is_some_and(|profile| profile.certificate.workload_uri);
    let service = estate.services.get(&account.service).filter(|_| names_one)?;
    service.workload.clone()
}

impl App {
    /// Issues for an order that is ready. A bad CSR leaves the order ready (RFC 8555, section 7.4).
    pub(crate) async fn finalize(
        &self,
        account: &Account,
        order: Order,
        csr: &[u8],
    ) -> Result<FinalizeAnswer, Fault> {
        let now = self.now();
        let live = self.live.get();
        if !live.estate().profiles.contains_key(&order.profile) {
            return Ok(FinalizeAnswer::Refused(problem(
                ProblemKind::InvalidProfile,
                format!("there is no profile `{}` any more; order again", order.profile),
            )));
        }
        let csr_der = csr.to_vec();
        let csr = match self.check_finalize(&live, account, &order, csr, now) {
            Ok(csr) => csr,
            Err(problem) => return Ok(FinalizeAnswer::Refused(problem)),
        };
        let methods = match self.validated(account, &order, now).await? {
            Ok(methods) => methods,
            Err(problem) => return Ok(FinalizeAnswer::Refused(problem)),
        };
        let caa = self.see_caa(&live, account, &order, &methods).await?;
        let stage = Stage::Finalize(FinalizeFacts {
            key: PolicyFact::Known(KeyFacts { kind: csr.key().kind(), bits: csr.key().bits() }),
            validated: PolicyFact::Known(methods.clone()),
            caa: caa.fact(),
        });
        let only = Some(&order.issuer);
        let judged = self
            .judge_issue(&live, account, &order.names, &order.profile, (stage, only), now)
            .await?;
        if let CaaFact::Forbids = caa.fact().known().copied().unwrap_or(CaaFact::Forbids) {
            return self.refuse_finalize(&live, account, &order, judged, Some(&caa), now).await;
        }
        if !judged.verdict.allows() {
            return self.refuse_finalize(&live, account, &order, judged, None, now).await;
        }
        self.issue(&live, account, order, (csr, csr_der), judged, caa, now).await
    }

    fn check_finalize(
        &self,
        live: &Live,
        account: &Account,
        order: &Order,
        csr: &[u8],
        now: Time,
    ) -> Result<Csr, Problem> {
        if order.status != OrderStatus::Ready {
            return Err(problem(
                ProblemKind::OrderNotReady,
                format!("the order is `{}`; finalize it once it is `ready`", order.status.as_str()),
            ));
        }
        if now >= order.expires_at {
            return Err(problem(ProblemKind::OrderNotReady, "the order expired; order again"));
        }
        let bad = |detail: String| problem(ProblemKind::BadCsr, detail);
        let csr = read_csr(csr).map_err(|cause| bad(cause.to_string()))?;
        let workload = workload(live, account, &order.profile);
        let is_ours = |extra: &&&CsrExtra| {
            let named = workload.as_ref().map(|id| NameSeen::Uri(id.to_string()));
            named.is_some_and(|named| **extra == &CsrExtra::OtherName(named))
        };
        if let Some(odd) = csr.refused_requests().iter().find(|extra| !is_ours(extra)) {
            return Err(bad(format!(
                "the CSR asks for {odd}; make one with the names and addresses of the order only"
            )));
        }
        let mut asked: Vec<SanName> = csr.names().iter().cloned().collect();
        asked.sort();
        asked.dedup();
        if asked != order.names {
            return Err(bad(format!(
                "the CSR names {}, the order {}; make the CSR for exactly the order's names",
                listed(&asked),
                listed(&order.names)
            )));
        }
        let account_key = bailiwick_wire::jose::Jwk::parse(&account.jwk).map(|jwk| jwk.spki_hash());
        if account_key.is_ok_and(|hash| hash == csr.key().hash()) {
            return Err(bad(
                "the CSR is for the account key; make a key of its own for the certificate"
                    .to_owned(),
            ));
        }
        Ok(csr)
    }

    async fn see_caa(
        &self,
        live: &Live,
        account: &Account,
        order: &Order,
        methods: &BTreeMap<SanName, ValidationMethod>,
    ) -> Result<CaaSeen, Fault> {
        let issuer = live.estate().issuers.get(&order.issuer);
        let domains = issuer.map(|issuer| issuer.caa_domains.clone()).unwrap_or_default();
        // A CA behind ACME validates by our records and as our account there; ours here is not its.
        let upstream = self.upstream(live, &order.issuer).is_some();
        let theirs = match upstream {
            true => self.upstream_account(&order.issuer).await?.map(|account| account.uri),
            false => None,
        };
        let asked: Vec<(SanName, Option<String>)> = order
            .names
            .iter()
            .map(|name| {
                let ours = methods.get(name).copied();
                let method = if upstream { Some(ValidationMethod::Dns01) } else { ours };
                (name.clone(), method.map(|method| method.as_str().to_owned()))
            })
            .collect();
        let account = theirs.unwrap_or_else(|| self.settings.account_url(&account.id));
        Ok(CaaSeen::look(self, live, &domains, &account, &asked).await)
    }

    /// The client's request as it goes to a CA behind ACME; refused where CAA does not permit.
    async fn forwarded(
        &self,
        wanted: &IssueCertificate,
        csr: &[u8],
        caa: &CaaSeen,
    ) -> Result<Result<Prepared, String>, Fault> {
        if !caa.permits() {
            return Ok(Err(caa.refusal()));
        }
        let replaces = self.newest_like(wanted).await?;
        Ok(Ok(Prepared::Forwarded { csr: csr.to_vec(), caa: caa.digest(), replaces }))
    }

    async fn refuse_finalize(
        &self,
        live: &Live,
        account: &Account,
        order: &Order,
        judged: Judged,
        caa: Option<&CaaSeen>,
        now: Time,
    ) -> Result<FinalizeAnswer, Fault> {
        let mut batch = Batch::default();
        let decision = self.decision("issue", &judged.facts, &judged.verdict, &mut batch)?;
        let refusal = match caa {
            Some(caa) => {
                batch.work.push(caa.evidence());
                Problem { kind: ProblemKind::Caa, ..problem(ProblemKind::Caa, caa.refusal()) }
            }
            None => super::refusal::of_order(
                &self.settings,
                live,
                &order.names,
                &judged.verdict,
                None,
                now,
            ),
        };
        batch.entries.push(Entry {
            at: now,
            by: actor(account),
            fact: Fact::OrderRefused {
                account: account.id.clone(),
                names: order.names.clone(),
                decision: Box::new(decision),
                change: None,
            },
        });
        self.commit(batch).await?;
        self.metrics.order("refused");
        Ok(FinalizeAnswer::Refused(refusal))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one thing the last metres need; called once"
    )]
    async fn issue(
        &self,
        live: &Arc<Live>,
        account: &Account,
        mut order: Order,
        (csr, csr_der): (Csr, Vec<u8>),
        judged: Judged,
        caa: CaaSeen,
        now: Time,
    ) -> Result<FinalizeAnswer, Fault> {
        let id = ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let wanted = IssueCertificate {
            service: account.service.clone(),
            account: Some(account.id.clone()),
            order: Some(order.id.clone()),
            envelope: judged.envelope.as_ref().map(|granted| granted.envelope.id.clone()),
            issuer: judged.issuer.clone(),
            profile: judged.profile.clone(),
            names: order.names.clone(),
            spki: csr.key().spki_der().to_vec(),
            key: csr.key().hash(),
            lifetime_seconds_max: judged.lifetime_seconds,
            workload: workload(live, account, &judged.profile),
        };
        let prepared = if self.upstream(live, &wanted.issuer).is_some() {
            self.forwarded(&wanted, &csr_der, &caa).await?.map(|prepared| (prepared, None))
        } else {
            let ours = issue::prepare(self, live, &wanted, csr.key(), &caa, now);
            ours.map(|(prepared, tbs)| (prepared, Some(tbs)))
        };
        let (prepared, tbs) = match prepared {
            Ok(prepared) => prepared,
            Err(why) => return Ok(FinalizeAnswer::Refused(problem(ProblemKind::BadCsr, why))),
        };
        let mut batch = Batch::default();
        let mut loaded =
            self.approve_by_policy(live, account, &id, wanted, &judged, &caa, now, &mut batch)?;
        let start = loaded.change.decide(Command::Start { prepared }, now).map_err(Fault::from)?;
        Self::add_events(&mut loaded, &mut batch, start, &actor(account), now)?;
        batch.expects.push(Expect::OrderIs { id: order.id.clone(), status: OrderStatus::Ready });
        batch.expects.push(Expect::EstateIs(live.digest));
        if let Some(granted) = &judged.envelope {
            let (id, names) = (granted.envelope.id.clone(), granted.envelope.names.clone());
            batch.expects.push(Expect::EnvelopeUsable { id, at: now, names });
        }
        order.status = OrderStatus::Processing;
        order.change = Some(id.clone());
        batch.work.push(caa.evidence());
        batch.work.push(Work::PutOrder(Box::new(order.clone())));
        self.commit(batch).await?;
        // From here on the intent is durable: the same function that goes on after a crash signs.
        let effects = match tbs {
            Some(tbs) => {
                Real::fresh(self, Fresh { tbs, live: Arc::clone(live), order: order.clone() })
            }
            None => Real::new(self),
        };
        changes::drive_with(self, &effects, loaded).await?;
        let order = match effects.into_order() {
            Some(order) => order,
            None => {
                self.store.order(&order.id).await?.ok_or_else(|| Fault::bug("an order vanished"))?
            }
        };
        Ok(FinalizeAnswer::Order(Box::new(order)))
    }

    /// The events from request to approval, where policy alone approves.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one thing an approval rests on; called once"
    )]
    fn approve_by_policy(
        &self,
        live: &Live,
        account: &Account,
        id: &ChangeId,
        wanted: IssueCertificate,
        judged: &Judged,
        caa: &CaaSeen,
        now: Time,
        batch: &mut Batch,
    ) -> Result<Loaded, Fault> {
        let by = actor(account);
        let request = Request {
            id: id.clone(),
            title: format!("issue {} for {}", listed(&wanted.names), wanted.service),
            reason: "ordered by its ACME client".to_owned(),
            by: by.clone(),
            service: Some(wanted.service.clone()),
            zones: zones(live, &wanted.names),
            at: now,
        };
        let decision = self.decision("issue", &judged.facts, &judged.verdict, batch)?;
        let plan = Plan::of(Step::IssueCertificate(wanted));
        let basis = Basis {
            decision: decision.id.clone(),
            policy: decision.policy,
            of: plan.digest(),
            approvals_needed: 0,
        };
        let prechecks = vec![Precheck {
            name: "caa-permits".to_owned(),
            holds: true,
            saw: caa.summary(),
            assignee: None,
        }];
        let mut loaded = Self::open_change(request, batch);
        batch.entries.push(Entry {
            at: now,
            by: by.clone(),
            fact: Fact::Decided { decision: Box::new(decision), change: Some(id.clone()) },
        });
        let expires_at = now.plus_ms(super::orders::APPROVABLE_MS);
        for command in [
            Command::Validate { plan, prechecks, expires_at },
            Command::Approve { approval: None, basis: Some(basis) },
        ] {
            let events = loaded.change.decide(command, now).map_err(Fault::from)?;
            Self::add_events(&mut loaded, batch, events, &by, now)?;
        }
        Ok(loaded)
    }
}
