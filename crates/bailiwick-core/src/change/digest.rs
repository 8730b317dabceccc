//! The octets a plan's digest is taken of: every field, each with its length in front, so that no
//! two different plans share them.

use sha2::{Digest as _, Sha256};

use crate::estate::Deployment;
use crate::gate::{Bounds, Envelope};
use crate::names::{Digest, ServiceId};
use crate::records::{RRset, RecordEdit};

use super::joint::{AwaitPropagation, DeployCertificate, PublishRecords, VerifyServed};
use super::keys::{HeldKey, KeyMark};
use super::plan::{
    IssueCertificate, NarrowEnvelope, RegisterAccount, RevokeCertificate, RotateIssuer, Step,
};

/// Writes fields into a running hash.
pub(super) struct Canon(Sha256);

impl Canon {
    pub(super) fn new(domain: &str) -> Self {
        let mut canon = Self(Sha256::new());
        canon.text(domain);
        canon
    }

    pub(super) fn finish(self) -> Digest {
        Digest::from_bytes(self.0.finalize().into())
    }

    pub(super) fn bytes(&mut self, octets: &[u8]) {
        self.number(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        self.0.update(octets);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, value: u64) {
        self.0.update(value.to_be_bytes());
    }

    fn time(&mut self, time: crate::time::Time) {
        self.0.update(time.unix_ms().to_be_bytes());
    }

    fn option<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(super) fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.number(u64::try_from(values.len()).unwrap_or(u64::MAX));
        values.iter().for_each(|value| write(self, value));
    }

    pub(super) fn step(&mut self, step: &Step) {
        self.text(step.kind());
        match step {
            Step::IssueCertificate(issue) => self.issue(issue),
            Step::RevokeCertificate(revoke) => self.revoke(revoke),
            Step::GrantEnvelope(envelope) => self.envelope(envelope),
            Step::EndEnvelope { envelope, service, why } => {
                self.text(envelope.as_str());
                self.text(service.as_str());
                self.text(why);
            }
            Step::NarrowEnvelope(narrow) => self.narrow(narrow),
            Step::EditEstate { before, after } => {
                self.option(before.as_ref(), |canon, digest| canon.bytes(digest.as_bytes()));
                self.bytes(after.as_bytes());
            }
            Step::RegisterAccount(register) => self.register(register),
            Step::PublishRecords(publish) => self.publish(publish),
            Step::AwaitPropagation(wait) => self.wait(wait),
            Step::DeployCertificate(deploy) => self.deploy(deploy),
            Step::VerifyServed(look) => self.look(look),
            Step::RotateIssuer(rotate) => self.rotate(rotate),
            Step::RotateKey(rotate) => {
                self.held(&rotate.of);
                self.mark(&rotate.before);
                self.mark(&rotate.after);
                self.number(u64::from(rotate.within_seconds));
            }
            Step::RetireKey(retire) => {
                self.held(&retire.of);
                self.mark(&retire.old);
                self.number(u64::from(retire.within_seconds));
            }
        }
    }

    /// No service has an empty id, so none is that. A plan with one keeps the octets it always had.
    fn maybe_service(&mut self, service: Option<&ServiceId>) {
        self.text(service.map_or("", ServiceId::as_str));
    }

    fn publish(&mut self, publish: &PublishRecords) {
        self.maybe_service(publish.service.as_ref());
        self.text(&publish.zone.to_string());
        self.list(&publish.edits, Self::edit);
        self.text(&publish.why);
        self.number(u64::from(publish.undo_hold_seconds));
        self.number(u64::from(publish.within_seconds));
    }

    fn wait(&mut self, wait: &AwaitPropagation) {
        self.maybe_service(wait.service.as_ref());
        self.text(&wait.zone.to_string());
        self.list(&wait.edits, Self::edit);
        self.number(u64::from(wait.hold_seconds));
        self.number(u64::from(wait.within_seconds));
    }

    fn edit(&mut self, edit: &RecordEdit) {
        self.text(&edit.owner().to_string());
        self.number(u64::from(edit.kind().number()));
        self.option(edit.before(), Self::set);
        self.option(edit.after(), Self::set);
    }

    fn set(&mut self, set: &RRset) {
        self.number(u64::from(set.ttl_seconds()));
        let rdata: Vec<&Vec<u8>> = set.rdata().iter().collect();
        self.list(&rdata, |canon, octets| canon.bytes(octets));
    }

    fn deploy(&mut self, deploy: &DeployCertificate) {
        self.text(deploy.service.as_str());
        self.number(u64::try_from(deploy.issued_by).unwrap_or(u64::MAX));
        self.bytes(deploy.key.as_bytes());
        self.text(&deploy.place);
        self.text(deploy.target.kind());
        match &deploy.target {
            Deployment::Client => {}
            Deployment::Files { folder, reload } => {
                self.text(folder);
                self.list(reload, |canon, word| canon.text(word));
            }
            Deployment::Webhook { url } => self.text(url),
        }
        self.option(deploy.before.as_ref(), |canon, one| canon.bytes(one.as_bytes()));
    }

    fn look(&mut self, look: &VerifyServed) {
        self.text(look.service.as_str());
        self.number(u64::try_from(look.issued_by).unwrap_or(u64::MAX));
        self.list(&look.endpoints, |canon, endpoint| {
            canon.text(endpoint.name.as_str());
            canon.text(&endpoint.at.to_string());
        });
        self.number(u64::from(look.within_seconds));
    }

    fn rotate(&mut self, rotate: &RotateIssuer) {
        self.text(rotate.issuer.as_str());
        self.number(u64::from(rotate.before.number()));
        self.number(u64::from(rotate.after.number()));
        self.bytes(rotate.key.as_bytes());
        self.option(rotate.certificate.as_ref(), |canon, print| canon.bytes(print.as_bytes()));
    }

    fn held(&mut self, held: &HeldKey) {
        self.text(held.kind());
        self.text(&held.owner());
    }

    fn mark(&mut self, mark: &KeyMark) {
        self.text(&mark.name);
        self.bytes(mark.digest.as_bytes());
    }

    fn register(&mut self, register: &RegisterAccount) {
        self.text(register.issuer.as_str());
        self.text(&register.directory);
        self.list(&register.contacts, |canon, contact| canon.text(contact));
        self.option(register.binding.as_ref(), |canon, kid| canon.text(kid));
    }

    fn issue(&mut self, issue: &IssueCertificate) {
        self.text(issue.service.as_str());
        self.option(issue.account.as_ref(), |canon, id| canon.text(id.as_str()));
        self.option(issue.order.as_ref(), |canon, id| canon.text(id.as_str()));
        self.option(issue.envelope.as_ref(), |canon, id| canon.text(id.as_str()));
        self.text(issue.issuer.as_str());
        self.text(issue.profile.as_str());
        self.list(&issue.names, |canon, name| canon.text(&name.to_string()));
        self.bytes(&issue.spki);
        self.bytes(issue.key.as_bytes());
        self.number(u64::from(issue.lifetime_seconds_max));
        // Came later: a plan without a workload keeps the octets it always had. What else follows a
        // step is the kind of the next, which is never this word.
        if let Some(workload) = &issue.workload {
            self.text("and-workload");
            self.text(workload.as_str());
        }
    }

    fn revoke(&mut self, revoke: &RevokeCertificate) {
        self.text(revoke.service.as_str());
        self.bytes(revoke.fingerprint.as_bytes());
        self.text(revoke.issuer.as_str());
        self.bytes(revoke.serial.as_bytes());
        self.number(u64::from(revoke.reason.code()));
    }

    fn narrow(&mut self, narrow: &NarrowEnvelope) {
        self.text(narrow.envelope.as_str());
        self.text(narrow.service.as_str());
        self.bounds(&narrow.before);
        self.bounds(&narrow.after);
        self.text(&narrow.why);
    }

    fn bounds(&mut self, bounds: &Bounds) {
        self.list(&bounds.names, |canon, name| canon.text(&name.to_string()));
        self.time(bounds.until);
        self.option(bounds.uses_max.as_ref(), |canon, max| canon.number(u64::from(*max)));
    }

    fn envelope(&mut self, envelope: &Envelope) {
        self.text(envelope.id.as_str());
        self.text(envelope.change.as_str());
        self.text(envelope.service.as_str());
        self.list(&envelope.names, |canon, name| canon.text(&name.to_string()));
        self.text(envelope.issuer.as_str());
        self.list(&envelope.profiles, |canon, id| canon.text(id.as_str()));
        self.option(envelope.account.as_ref(), |canon, id| canon.text(id.as_str()));
        self.time(envelope.granted_at);
        self.time(envelope.until);
        self.option(envelope.uses_max.as_ref(), |canon, max| canon.number(u64::from(*max)));
        self.number(u64::from(envelope.uses));
        self.option(envelope.ended.as_ref(), |canon, end| {
            canon.time(end.at);
            canon.text(&end.why);
        });
    }
}
