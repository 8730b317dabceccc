//! The OCSP responder of a CA: its own key, certified by the CA for a few days. So the CA's key signs
//! once in days, not once a question, and may lie in a token that is slow.

use bailiwick_core::certificate::{IssuerIdentity, OcspSpec, random_serial};
use bailiwick_core::estate::AuthorityKey;
use bailiwick_core::names::IssuerId;
use bailiwick_core::time::{HOUR_MS, Time};
use bailiwick_wire::x509::{
    ResponderTbs, assemble_ocsp, assemble_responder, verify_ocsp, write_ocsp,
};

use super::fault::IssuerFault;
use super::key::CaKey;
use crate::keys::{KeyFault, Sealer};

/// How far validity begins in the past, for clocks that are slow.
const BACKDATE_MS: i64 = HOUR_MS;

/// A responder that is not certified yet: its key lives in memory only, and ends with the process.
pub struct NewResponder {
    key: CaKey,
    tbs: ResponderTbs,
}

impl NewResponder {
    /// A fresh key, and the exact octets that would certify it.
    ///
    /// # Errors
    /// [`IssuerFault`].
    pub fn prepare(
        issuer: &IssuerIdentity,
        sealer: &Sealer,
        random: [u8; 16],
        now: Time,
    ) -> Result<Self, IssuerFault> {
        let key = CaKey::fresh(sealer, AuthorityKey::EcdsaP256)?;
        let serial = random_serial(random).map_err(|_| KeyFault::NoRandomness)?;
        let not_before = Time::from_unix_seconds(now.unix_seconds()).plus_ms(-BACKDATE_MS);
        let tbs = ResponderTbs::write(issuer, key.subject(), serial, not_before)
            .map_err(IssuerFault::Responder)?;
        Ok(Self { key, tbs })
    }

    /// The octets that are to be signed.
    #[must_use]
    pub const fn tbs(&self) -> &ResponderTbs {
        &self.tbs
    }

    /// The responder, once the CA has signed.
    pub(super) fn certified(
        self,
        issuer: &IssuerIdentity,
        signature: &[u8],
        now: Time,
    ) -> Result<OcspResponder, IssuerFault> {
        let certificate =
            assemble_responder(&self.tbs, issuer, signature).map_err(IssuerFault::Responder)?;
        let half = self.tbs.not_after().ms_since(now) / 2;
        Ok(OcspResponder {
            issuer: issuer.id.clone(),
            key: self.key,
            certificate,
            renew_at: now.plus_ms(half),
            not_after: self.tbs.not_after(),
        })
    }
}

/// A responder that may sign.
pub struct OcspResponder {
    issuer: IssuerId,
    key: CaKey,
    certificate: Vec<u8>,
    renew_at: Time,
    not_after: Time,
}

impl OcspResponder {
    /// Its certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// When another one should take its place.
    #[must_use]
    pub const fn renew_at(&self) -> Time {
        self.renew_at
    }

    /// Last second in which anybody believes it.
    #[must_use]
    pub const fn not_after(&self) -> Time {
        self.not_after
    }

    /// Signs a response, and checks the result before anybody gets it.
    ///
    /// # Errors
    /// [`IssuerFault::OtherIssuer`], [`IssuerFault::Ocsp`] or [`IssuerFault::Key`].
    pub fn sign(&self, spec: &OcspSpec) -> Result<Vec<u8>, IssuerFault> {
        if *spec.issuer() != self.issuer {
            let (issuer, named) = (self.issuer.clone(), spec.issuer().clone());
            return Err(IssuerFault::OtherIssuer { issuer, named });
        }
        let responder = self.key.subject();
        let data = write_ocsp(spec, responder)?;
        let der = assemble_ocsp(&data, responder, &self.key.sign(&data)?, &self.certificate);
        verify_ocsp(&der, spec, responder)?;
        Ok(der)
    }
}
