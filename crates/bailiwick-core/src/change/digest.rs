//! The octets a plan's digest is taken of: every field, each with its length in front, so that no
//! two different plans share them.

use sha2::{Digest as _, Sha256};

use crate::gate::{Bounds, Envelope};
use crate::names::Digest;

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

    fn bytes(&mut self, octets: &[u8]) {
        self.number(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        self.0.update(octets);
    }

    fn text(&mut self, text: &str) {
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
            Step::RotateIssuer(rotate) => self.rotate(rotate),
        }
    }

    fn rotate(&mut self, rotate: &RotateIssuer) {
        self.text(rotate.issuer.as_str());
        self.number(u64::from(rotate.before.number()));
        self.number(u64::from(rotate.after.number()));
        self.bytes(rotate.key.as_bytes());
        self.option(rotate.certificate.as_ref(), |canon, print| canon.bytes(print.as_bytes()));
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
