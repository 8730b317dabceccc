//! The world outside: what an effect alters, at once and for good, whoever remembers it.

use std::collections::BTreeMap;

use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{
    Direction, HeldKey, Plan, Prepared, Receipt, RotateIssuer, RotateKey, Step, Touched,
};
use bailiwick_core::change::{IssuedCertificate, RevocationReason, Revoked};
use bailiwick_core::gate::{Bounds, Envelope};
use bailiwick_core::names::{CertFingerprint, CertSerial, Digest, EnvelopeId, IssuerId, SpkiHash};
use bailiwick_core::time::Time;

use super::people::{START, change_id};
use super::plans::{bounds, estate, old_envelope, old_serial, wide_envelope};

/// One alteration of the world by Bailiwick.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Act {
    pub(crate) index: usize,
    pub(crate) direction: Direction,
    /// The serial it signed or revoked.
    pub(crate) serial: Option<CertSerial>,
    /// How many events were stored at that moment.
    pub(crate) events: usize,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Signed {
    pub(crate) revoked: bool,
    /// Whether the change under test caused it.
    pub(crate) ours: bool,
}

/// The world. Equality compares what anybody can see, and nothing of how it came about.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) estate: Digest,
    /// Envelopes, and whether they are in force.
    pub(crate) envelopes: BTreeMap<EnvelopeId, bool>,
    /// How far envelopes reach.
    pub(crate) bounds: BTreeMap<EnvelopeId, Bounds>,
    pub(crate) certificates: BTreeMap<CertSerial, Signed>,
    /// CAs at which there is an account of ours, and whether it is usable.
    pub(crate) accounts: BTreeMap<IssuerId, bool>,
    /// Steps about records and what is served, by their place, that stand.
    pub(crate) joint: BTreeMap<usize, bool>,
    /// The generation that issues, of issuers that were ever rotated.
    pub(crate) generations: BTreeMap<IssuerId, Generation>,
    /// The credentials that were rotated, and whether the new one is in force.
    pub(crate) keys: BTreeMap<HeldKey, bool>,
    /// Those of which the old one is refused.
    pub(crate) retired: BTreeMap<HeldKey, bool>,
    pub(crate) acts: Vec<Act>,
    /// Serials handed out so far; each preparation gets another one.
    serials: u16,
}

impl World {
    pub(crate) fn before(plan: &Plan) -> Self {
        let mut world = Self {
            estate: estate(0),
            envelopes: BTreeMap::new(),
            bounds: BTreeMap::new(),
            certificates: BTreeMap::new(),
            accounts: BTreeMap::new(),
            joint: BTreeMap::new(),
            generations: BTreeMap::new(),
            keys: BTreeMap::new(),
            retired: BTreeMap::new(),
            acts: Vec::new(),
            serials: 0,
        };
        for index in 0..plan.steps().len() {
            world.envelopes.insert(old_envelope(index), true);
            world.bounds.insert(wide_envelope(index), bounds(3));
            let old = Signed { revoked: false, ours: false };
            world.certificates.insert(old_serial(index), old);
        }
        world
    }

    /// Chooses what has to be chosen: every call another serial, as random ones are.
    pub(crate) fn prepare(&mut self, step: &Step) -> Prepared {
        match step {
            Step::IssueCertificate(_) => {
                self.serials += 1;
                let [high, low] = self.serials.to_be_bytes();
                let serial = CertSerial::from_bytes(&[1, high, low]).unwrap();
                let tbs = serial.as_bytes().to_vec();
                Prepared::ToBeSigned { serial, tbs, caa: Digest::from_bytes([9; 32]) }
            }
            Step::RevokeCertificate(_)
            | Step::GrantEnvelope(_)
            | Step::EndEnvelope { .. }
            | Step::NarrowEnvelope(_)
            | Step::EditEstate { .. }
            | Step::PublishRecords(_)
            | Step::AwaitPropagation(_)
            | Step::VerifyServed(_)
            | Step::RotateKey(_)
            | Step::RetireKey(_) => Prepared::Nothing,
            Step::DeployCertificate(deploy) => Prepared::Kept { before: deploy.before },
            Step::RegisterAccount(register) => {
                Prepared::AccountKey { key: SpkiHash::of(register.issuer.as_str().as_bytes()) }
            }
            Step::RotateIssuer(rotate) => {
                Prepared::ToBeCertified { tbs: rotate.key.as_bytes().to_vec() }
            }
        }
    }

    /// Applies a step. What is there already is not done again, and that it is there is the answer.
    pub(crate) fn apply(&mut self, at: &Place<'_>, prepared: &Prepared) -> Result<Receipt, String> {
        match at.step {
            Step::IssueCertificate(issue) => {
                let Prepared::ToBeSigned { serial, tbs, .. } = prepared else {
                    return Err("nothing was prepared for signing".to_owned());
                };
                if !self.certificates.contains_key(serial) {
                    let signed = Signed { revoked: false, ours: true };
                    self.certificates.insert(serial.clone(), signed);
                    self.acted(at, Direction::Forward, Some(serial));
                }
                Ok(Receipt::Issued(Box::new(IssuedCertificate {
                    fingerprint: CertFingerprint::of(tbs),
                    issuer: issue.issuer.clone(),
                    serial: serial.clone(),
                    key: issue.key,
                    names: issue.names.clone(),
                    not_before: START,
                    not_after: START,
                    profile: issue.profile.clone(),
                    service: issue.service.clone(),
                    account: None,
                    order: None,
                    envelope: None,
                    change: change_id(),
                    der: tbs.clone(),
                    issued_at: START,
                })))
            }
            Step::RevokeCertificate(revoke) => {
                if !self.certificates[&revoke.serial].revoked {
                    self.revoke(&revoke.serial);
                    self.acted(at, Direction::Forward, Some(&revoke.serial));
                }
                Ok(revoked(&revoke.issuer, &revoke.serial, at.now))
            }
            Step::GrantEnvelope(envelope) => {
                if self.envelopes.insert(envelope.id.clone(), true) != Some(true) {
                    self.acted(at, Direction::Forward, None);
                }
                let granted = Envelope { granted_at: at.now, ..envelope.clone() };
                Ok(Receipt::EnvelopeGranted(Box::new(granted)))
            }
            Step::EndEnvelope { envelope, why, .. } => {
                if self.envelopes.insert(envelope.clone(), false) != Some(false) {
                    self.acted(at, Direction::Forward, None);
                }
                Ok(Receipt::EnvelopeEnded { envelope: envelope.clone(), why: why.clone() })
            }
            Step::NarrowEnvelope(narrow) => {
                Ok(self.bound(at, Direction::Forward, (&narrow.before, &narrow.after)))
            }
            Step::EditEstate { before, after } => self.edit(at, *before, *after),
            Step::RegisterAccount(register) => Ok(self.register(at, &register.issuer)),
            Step::PublishRecords(_)
            | Step::AwaitPropagation(_)
            | Step::DeployCertificate(_)
            | Step::VerifyServed(_) => Ok(self.join(at, Direction::Forward)),
            Step::RotateIssuer(rotate) => {
                Ok(self.rotated(at, Direction::Forward, rotate, rotate.after))
            }
            Step::RotateKey(rotate) => Ok(self.rekeyed(at, Direction::Forward, rotate)),
            Step::RetireKey(retire) => Ok(self.retired(at, &retire.of)),
        }
    }

    fn join(&mut self, at: &Place<'_>, way: Direction) -> Receipt {
        let stands = way == Direction::Forward;
        if self.joint.insert(at.index, stands).unwrap_or(false) != stands {
            self.acted(at, way, None);
        }
        Receipt::Nothing
    }

    /// One issuer for each step, so that they do not stand in each other's way.
    fn rotated(
        &mut self,
        at: &Place<'_>,
        way: Direction,
        rotate: &RotateIssuer,
        to: Generation,
    ) -> Receipt {
        let before = self.generations.insert(rotate.issuer.clone(), to);
        if before.unwrap_or(Generation::FIRST) != to {
            self.acted(at, way, None);
        }
        let certificate = CertFingerprint::of(&[to.number()]);
        Receipt::GenerationActivated { issuer: rotate.issuer.clone(), generation: to, certificate }
    }

    fn edit(
        &mut self,
        at: &Place<'_>,
        before: Option<Digest>,
        after: Digest,
    ) -> Result<Receipt, String> {
        if self.estate != after {
            if Some(self.estate) != before {
                return Err("another estate is active".to_owned());
            }
            self.estate = after;
            self.acted(at, Direction::Forward, None);
        }
        Ok(Receipt::EstateActivated { estate: after })
    }

    fn retired(&mut self, at: &Place<'_>, of: &HeldKey) -> Receipt {
        if self.retired.insert(of.clone(), true) != Some(true) {
            self.acted(at, Direction::Forward, None);
        }
        Receipt::Nothing
    }

    fn rekeyed(&mut self, at: &Place<'_>, way: Direction, rotate: &RotateKey) -> Receipt {
        let is_new = way == Direction::Forward;
        if self.keys.insert(rotate.of.clone(), is_new).unwrap_or(false) != is_new {
            self.acted(at, way, None);
        }
        let (old, new) = (rotate.before.clone(), rotate.after.clone());
        let (before, after) = if is_new { (old, new) } else { (new, old) };
        Receipt::KeyActivated { of: rotate.of.clone(), before, after }
    }

    fn register(&mut self, at: &Place<'_>, issuer: &IssuerId) -> Receipt {
        if self.accounts.insert(issuer.clone(), true) != Some(true) {
            self.acted(at, Direction::Forward, None);
        }
        Receipt::AccountRegistered {
            issuer: issuer.clone(),
            uri: "https://ca.example/account/1".to_owned(),
            key: SpkiHash::of(issuer.as_str().as_bytes()),
        }
    }

    /// Undoes a step. What is not there is not undone.
    pub(crate) fn undo(&mut self, at: &Place<'_>, touched: &Touched) -> Result<Receipt, String> {
        match at.step {
            Step::IssueCertificate(issue) => {
                let Prepared::ToBeSigned { serial, .. } = &touched.prepared else {
                    return Ok(Receipt::Nothing);
                };
                if self.certificates.get(serial).is_some_and(|signed| !signed.revoked) {
                    self.revoke(serial);
                    self.acted(at, Direction::Back, Some(serial));
                }
                Ok(revoked(&issue.issuer, serial, at.now))
            }
            Step::RevokeCertificate(revoke) => {
                if self.certificates[&revoke.serial].revoked {
                    Err("a revocation cannot be taken back".to_owned())
                } else {
                    Ok(Receipt::Nothing)
                }
            }
            Step::GrantEnvelope(envelope) => {
                if self.envelopes.get(&envelope.id) == Some(&true) {
                    self.envelopes.insert(envelope.id.clone(), false);
                    self.acted(at, Direction::Back, None);
                }
                Ok(Receipt::EnvelopeEnded {
                    envelope: envelope.id.clone(),
                    why: "undone".to_owned(),
                })
            }
            Step::EndEnvelope { envelope, .. } => {
                if self.envelopes.insert(envelope.clone(), true) != Some(true) {
                    self.acted(at, Direction::Back, None);
                }
                Ok(Receipt::EnvelopeReopened { envelope: envelope.clone() })
            }
            Step::NarrowEnvelope(narrow) => {
                Ok(self.bound(at, Direction::Back, (&narrow.after, &narrow.before)))
            }
            Step::EditEstate { before, after } => {
                let before = before.unwrap();
                if self.estate == *after {
                    self.estate = before;
                    self.acted(at, Direction::Back, None);
                }
                Ok(Receipt::EstateActivated { estate: before })
            }
            Step::RegisterAccount(register) => {
                if self.accounts.get(&register.issuer) == Some(&true) {
                    self.accounts.insert(register.issuer.clone(), false);
                    self.acted(at, Direction::Back, None);
                }
                Ok(Receipt::AccountDeactivated { issuer: register.issuer.clone() })
            }
            Step::PublishRecords(_)
            | Step::AwaitPropagation(_)
            | Step::DeployCertificate(_)
            | Step::VerifyServed(_) => Ok(self.join(at, Direction::Back)),
            Step::RotateIssuer(rotate) => {
                Ok(self.rotated(at, Direction::Back, rotate, rotate.before))
            }
            Step::RotateKey(rotate) => Ok(self.rekeyed(at, Direction::Back, rotate)),
            Step::RetireKey(retire) => {
                if self.retired.get(&retire.of) == Some(&true) {
                    Err("that it is refused cannot be taken back".to_owned())
                } else {
                    Ok(Receipt::Nothing)
                }
            }
        }
    }

    fn bound(&mut self, at: &Place<'_>, way: Direction, (from, to): (&Bounds, &Bounds)) -> Receipt {
        let envelope = wide_envelope(at.index);
        if self.bounds.insert(envelope.clone(), to.clone()).as_ref() != Some(to) {
            self.acted(at, way, None);
        }
        Receipt::EnvelopeBounded { envelope, before: from.clone(), after: to.clone() }
    }

    /// Whether the world is as after this step alone.
    pub(crate) fn has(&self, (index, step): (usize, &Step), prepared: &Prepared) -> bool {
        match step {
            Step::IssueCertificate(_) => match prepared {
                Prepared::ToBeSigned { serial, .. } => {
                    self.certificates.get(serial).is_some_and(|signed| !signed.revoked)
                }
                Prepared::Nothing
                | Prepared::Forwarded { .. }
                | Prepared::ToBeCertified { .. }
                | Prepared::AccountKey { .. }
                | Prepared::Kept { .. } => false,
            },
            Step::RevokeCertificate(revoke) => self.certificates[&revoke.serial].revoked,
            Step::GrantEnvelope(envelope) => self.envelopes.get(&envelope.id) == Some(&true),
            Step::EndEnvelope { envelope, .. } => !self.envelopes[envelope],
            Step::NarrowEnvelope(narrow) => self.bounds[&narrow.envelope] == narrow.after,
            // A later edit builds on this one.
            Step::EditEstate { after, .. } => self.estate >= *after,
            Step::RegisterAccount(register) => self.accounts.get(&register.issuer) == Some(&true),
            Step::PublishRecords(_)
            | Step::AwaitPropagation(_)
            | Step::DeployCertificate(_)
            | Step::VerifyServed(_) => self.joint.get(&index) == Some(&true),
            Step::RotateIssuer(rotate) => {
                self.generations.get(&rotate.issuer) == Some(&rotate.after)
            }
            Step::RotateKey(rotate) => self.keys.get(&rotate.of) == Some(&true),
            Step::RetireKey(retire) => self.retired.get(&retire.of) == Some(&true),
        }
    }

    fn revoke(&mut self, serial: &CertSerial) {
        self.certificates.get_mut(serial).unwrap().revoked = true;
    }

    fn acted(&mut self, at: &Place<'_>, direction: Direction, serial: Option<&CertSerial>) {
        self.acts.push(Act {
            index: at.index,
            direction,
            serial: serial.cloned(),
            events: at.events,
        });
    }

    /// What anybody can see now: what is in force, and what is revoked that was there before.
    pub(crate) fn seen(&self) -> Seen {
        let in_force = self.envelopes.iter().filter(|(_, in_force)| **in_force);
        let accounts = self.accounts.iter().filter(|(_, usable)| **usable);
        let foreign = self.certificates.iter().filter(|(_, one)| one.revoked && !one.ours);
        Seen {
            estate: self.estate,
            envelopes: in_force.map(|(id, _)| id.clone()).collect(),
            bounds: self.bounds.values().cloned().collect(),
            accounts: accounts.map(|(issuer, _)| issuer.clone()).collect(),
            joint: self.joint.iter().filter(|(_, it)| **it).map(|(index, _)| *index).collect(),
            certificates: self.certificates.values().filter(|one| one.ours && !one.revoked).count(),
            revoked: foreign.map(|(serial, _)| serial.clone()).collect(),
        }
    }
}

/// What anybody can see of a world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    estate: Digest,
    /// Those in force.
    envelopes: Vec<EnvelopeId>,
    /// How far they reach.
    bounds: Vec<Bounds>,
    /// CAs with a usable account of ours.
    accounts: Vec<IssuerId>,
    /// Steps about records and what is served that stand.
    joint: Vec<usize>,
    /// How many of the change's own are not revoked.
    certificates: usize,
    /// Those of before that are revoked.
    revoked: Vec<CertSerial>,
}

fn revoked(issuer: &IssuerId, serial: &CertSerial, at: Time) -> Receipt {
    Receipt::Revoked(Revoked {
        issuer: issuer.clone(),
        serial: serial.clone(),
        fingerprint: None,
        reason: RevocationReason::CessationOfOperation,
        at,
    })
}

/// Where in a plan and when an effect is carried out.
pub(crate) struct Place<'a> {
    pub(crate) index: usize,
    pub(crate) step: &'a Step,
    pub(crate) events: usize,
    pub(crate) now: Time,
}
