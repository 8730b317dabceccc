//! From what is wanted to an ordered plan: the rules that only the field knows.
//!
//! ```text
//! beside   CAA lets the new issuer in, TLSA of the new key stands beside the old      (nothing is served otherwise yet)
//! wait     every server shows it; what was there before is forgotten: 2 TTL for TLSA  (RFC 7671, section 8)
//! issue    only now, so that no cache anywhere forbids the issuer                     (RFC 8659, section 3)
//! deploy   the certificate goes where it will be served, and is seen there
//! move     addresses and what else is wanted; wait until the old ones are forgotten; seen served again
//! retire   the old key's TLSA and the old issuer's CAA go; MTA-STS announces what is served by now
//! ```
//!
//! The way back is the same in reverse: each edit that is taken back holds long enough that nobody
//! remembers what it undid when the step before it is undone, so records come back before
//! certificates do. Pure: what is there now is handed in.

mod caa;
mod timeline;
mod tlsa;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::estate::{Deployment, ZoneKey};
use crate::names::{CertFingerprint, DnsName, ServiceId};
use crate::records::{OwnerName, RRset, RecordEdit, RecordType};

use super::joint::{AwaitPropagation, DeployCertificate, Endpoint, PublishRecords, VerifyServed};
use super::plan::{BadPlan, IssueCertificate, Plan, Step};

pub use caa::{CaaWish, caa_rdata};
pub use timeline::{Moment, Timeline};
pub use tlsa::{NotByKey, TlsaWish, tlsa_for};

/// A TLSA set is remembered for at most its TTL; RFC 7671, section 8 asks for two of them.
const TLSA_TTLS: u32 = 2;

/// What is wanted, with what is there now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Intent {
    /// For which service.
    pub service: ServiceId,
    /// The certificate, where one is wanted.
    pub certificate: Option<IssueCertificate>,
    /// Sets as they shall be in the end, beside CAA and TLSA.
    pub moves: Vec<(ZoneKey, RecordEdit)>,
    /// Where CAA has to let the issuer in.
    pub caa: Vec<CaaWish>,
    /// Where TLSA names the key.
    pub tlsa: Vec<TlsaWish>,
    /// Where the certificate goes: the place's name, the place, and what is there now.
    pub deployments: Vec<(String, Deployment, Option<CertFingerprint>)>,
    /// Who has to show it in the end.
    pub endpoints: Vec<Endpoint>,
    /// How long a resolver may remember that there is no such set (RFC 2308, section 5), by zone.
    pub negative_ttl_seconds: BTreeMap<ZoneKey, u32>,
    /// How long servers may take to show an edit.
    pub propagation_seconds: u32,
    /// How long endpoints may take to show the certificate.
    pub served_seconds: u32,
}

/// No plan follows from what is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CannotPlan {
    /// Everything is as it shall be.
    NothingToDo,
    /// A TLSA set does not name keys.
    Tlsa(NotByKey),
    /// Without the records that shall go nothing is left, and then every issuer may issue.
    CaaEmpty(OwnerName),
    /// An MTA-STS policy is announced, the certificate is for the host that serves its body, and no
    /// endpoint is named at which that can be seen.
    MtaSts(OwnerName),
    /// One set is edited twice.
    Twice(OwnerName, RecordType),
    /// The steps are no plan.
    Plan(BadPlan),
}

impl fmt::Display for CannotPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingToDo => f.write_str(
                "everything is as it shall be; ask for a record, a certificate or a place that differs",
            ),
            Self::Tlsa(cause) => cause.fmt(f),
            Self::CaaEmpty(owner) => write!(
                f,
                "no CAA would be left at `{owner}`, and then every CA may issue; keep the new issuer or `;`"
            ),
            Self::MtaSts(owner) => write!(
                f,
                "`{owner}` announces a policy, and the certificate is for the host that serves its body; add `mta-sts.…@ADDRESS:443` to the endpoints, where it is read before it is announced"
            ),
            Self::Twice(owner, kind) => {
                write!(f, "`{owner}` {kind} is edited twice; say once what it shall be")
            }
            Self::Plan(BadPlan::Length) => {
                f.write_str("the plan has too many steps for a person to read; split the change")
            }
            Self::Plan(BadPlan::Order | BadPlan::Certificate | BadPlan::Key) => {
                f.write_str("the steps are in no order that can be undone; report this")
            }
        }
    }
}

impl std::error::Error for CannotPlan {}

/// Edits that are published together, with how long caches hold on to what was there before them,
/// and to what they publish.
#[derive(Default)]
struct Phase {
    edits: BTreeMap<ZoneKey, Edits>,
}

#[derive(Default)]
struct Edits {
    edits: Vec<RecordEdit>,
    why: BTreeSet<&'static str>,
    hold_seconds: u32,
    undo_hold_seconds: u32,
}

impl Phase {
    /// Adds an edit. `ttls` of the set before it are waited for on the way there, and of the set
    /// after it on the way back; `negative` stands for a set that is not there.
    fn add(
        &mut self,
        zone: &ZoneKey,
        edit: RecordEdit,
        (ttls, negative): (u32, u32),
        why: &'static str,
    ) {
        let hold = |set: Option<&RRset>| set.map_or(negative, RRset::ttl_seconds);
        let edits = self.edits.entry(zone.clone()).or_default();
        let there = hold(edit.before()).saturating_mul(ttls);
        let back = hold(edit.after()).saturating_mul(ttls);
        edits.hold_seconds = edits.hold_seconds.max(there);
        edits.undo_hold_seconds = edits.undo_hold_seconds.max(back);
        edits.edits.push(edit);
        edits.why.insert(why);
    }

    /// Publishing and waiting, zone by zone: first every zone is written, then all are waited for.
    /// Behind edits that nothing comes before, nothing is undone either: their way back holds on to
    /// nothing.
    fn into_steps(self, intent: &Intent, steps: &mut Vec<Step>) {
        let is_first = steps.is_empty();
        let mut waits = Vec::new();
        for (zone, edits) in self.edits {
            let words: Vec<&str> = edits.why.into_iter().collect();
            waits.push(Step::AwaitPropagation(AwaitPropagation {
                service: Some(intent.service.clone()),
                zone: zone.clone(),
                edits: edits.edits.clone(),
                hold_seconds: edits.hold_seconds,
                within_seconds: intent.propagation_seconds,
            }));
            steps.push(Step::PublishRecords(PublishRecords {
                service: Some(intent.service.clone()),
                zone,
                edits: edits.edits,
                why: words.join("; "),
                undo_hold_seconds: if is_first { 0 } else { edits.undo_hold_seconds },
                within_seconds: intent.propagation_seconds,
            }));
        }
        steps.append(&mut waits);
    }
}

/// A plan for records that belong to a zone and to no service: they are written and then seen at every
/// server. Nothing comes after them, so nothing waits until caches forget what was there.
///
/// # Errors
/// [`BadPlan::Length`] is unreachable for two steps.
pub fn of_zone(
    zone: &ZoneKey,
    edits: Vec<RecordEdit>,
    why: String,
    within_seconds: u32,
) -> Result<Plan, BadPlan> {
    let wait = AwaitPropagation {
        service: None,
        zone: zone.clone(),
        edits: edits.clone(),
        hold_seconds: 0,
        within_seconds,
    };
    let publish = PublishRecords {
        service: None,
        zone: zone.clone(),
        edits,
        why,
        undo_hold_seconds: 0,
        within_seconds,
    };
    Plan::new(vec![Step::PublishRecords(publish), Step::AwaitPropagation(wait)])
}

/// An edit where two states differ.
fn edit(
    owner: &OwnerName,
    kind: RecordType,
    before: Option<&RRset>,
    after: Option<&RRset>,
) -> Option<RecordEdit> {
    RecordEdit::new(owner.clone(), kind, before.cloned(), after.cloned()).ok()
}

/// Whether a record announces an MTA-STS policy (RFC 8461, section 3.1): its body has to be served
/// first (section 8.1).
fn announces_mta_sts(edit: &RecordEdit) -> bool {
    edit.kind() == RecordType::TXT
        && edit.after().is_some()
        && edit.owner().base().labels().next() == Some("_mta-sts")
}

/// The host that has to serve the body of a policy which an edit announces (RFC 8461, section 3.3);
/// `None`: the edit announces none.
#[must_use]
pub fn mta_sts_host(edit: &RecordEdit) -> Option<DnsName> {
    let domain = announces_mta_sts(edit).then(|| edit.owner().base().parent()).flatten()?;
    domain.child("mta-sts").ok()
}

impl Intent {
    /// The plan.
    ///
    /// # Errors
    /// [`CannotPlan`].
    pub fn plan(&self) -> Result<Plan, CannotPlan> {
        self.check()?;
        let (beside, last) = self.beside_and_last()?;
        let mut moves = Phase::default();
        for (zone, edit) in self.moves.iter().filter(|(_, edit)| !announces_mta_sts(edit)) {
            moves.add(zone, edit.clone(), (1, self.negative(zone)), "what is asked for");
        }
        let mut steps = Vec::new();
        beside.into_steps(self, &mut steps);
        let issued_by = steps.len();
        if let Some(certificate) = &self.certificate {
            steps.push(Step::IssueCertificate(certificate.clone()));
            for (place, target, before) in &self.deployments {
                steps.push(Step::DeployCertificate(DeployCertificate {
                    service: self.service.clone(),
                    issued_by,
                    key: certificate.key,
                    place: place.clone(),
                    target: target.clone(),
                    before: *before,
                }));
            }
            self.look(issued_by, &mut steps);
        }
        let moved = !moves.edits.is_empty();
        moves.into_steps(self, &mut steps);
        if moved && self.certificate.is_some() {
            self.look(issued_by, &mut steps);
        }
        last.into_steps(self, &mut steps);
        if steps.is_empty() {
            return Err(CannotPlan::NothingToDo);
        }
        Plan::new(steps).map_err(CannotPlan::Plan)
    }

    fn look(&self, issued_by: usize, steps: &mut Vec<Step>) {
        if self.endpoints.is_empty() {
            return;
        }
        steps.push(Step::VerifyServed(VerifyServed {
            service: self.service.clone(),
            issued_by,
            endpoints: self.endpoints.clone(),
            within_seconds: self.served_seconds,
        }));
    }

    /// What is published before anything else changes, and what after everything else did.
    fn beside_and_last(&self) -> Result<(Phase, Phase), CannotPlan> {
        let (mut beside, mut last) = (Phase::default(), Phase::default());
        for wish in &self.caa {
            let negative = self.negative(&wish.zone);
            let (first, end) = wish.states().ok_or(CannotPlan::CaaEmpty(wish.owner.clone()))?;
            let edit = |before, after| edit(&wish.owner, RecordType::CAA, before, after);
            if let Some(edit) = edit(wish.now.as_ref(), Some(&first)) {
                beside.add(&wish.zone, edit, (1, negative), "CAA lets the new issuer in");
            }
            if let Some(edit) = edit(Some(&first), Some(&end)) {
                last.add(&wish.zone, edit, (1, negative), "the old issuer's CAA goes");
            }
        }
        for wish in &self.tlsa {
            let negative = self.negative(&wish.zone);
            let (first, end) = wish.states().map_err(CannotPlan::Tlsa)?;
            let edit = |before, after| edit(&wish.owner, RecordType::TLSA, before, after);
            if let Some(edit) = edit(wish.now.as_ref(), first.as_ref()) {
                let why = "the new key's TLSA stands beside the old";
                beside.add(&wish.zone, edit, (TLSA_TTLS, negative), why);
            }
            if let Some(edit) = edit(first.as_ref(), Some(&end)) {
                let why = "TLSA names the new key alone";
                last.add(&wish.zone, edit, (TLSA_TTLS, negative), why);
            }
        }
        for (zone, edit) in self.moves.iter().filter(|(_, edit)| announces_mta_sts(edit)) {
            let why = "MTA-STS is announced after its body is served";
            last.add(zone, edit.clone(), (1, self.negative(zone)), why);
        }
        Ok((beside, last))
    }

    /// What holds of every intent that can be planned.
    fn check(&self) -> Result<(), CannotPlan> {
        let moves = self.moves.iter().map(|(zone, edit)| (zone, edit.owner(), edit.kind()));
        let caa = self.caa.iter().map(|wish| (&wish.zone, &wish.owner, RecordType::CAA));
        let tlsa = self.tlsa.iter().map(|wish| (&wish.zone, &wish.owner, RecordType::TLSA));
        let mut seen = BTreeSet::new();
        for (zone, owner, kind) in moves.chain(caa).chain(tlsa) {
            if !seen.insert((zone, owner, kind)) {
                return Err(CannotPlan::Twice(owner.clone(), kind));
            }
        }
        for (_, edit) in self.moves.iter().filter(|(_, edit)| announces_mta_sts(edit)) {
            let Some(host) = mta_sts_host(edit) else { continue };
            let names = self.certificate.iter().flat_map(|certificate| &certificate.names);
            let seen = self.endpoints.iter().any(|endpoint| endpoint.name == host);
            if names.into_iter().any(|name| name.covers(&host)) && !seen {
                return Err(CannotPlan::MtaSts(edit.owner().clone()));
            }
        }
        Ok(())
    }

    fn negative(&self, zone: &ZoneKey) -> u32 {
        self.negative_ttl_seconds.get(zone).copied().unwrap_or(0)
    }
}
