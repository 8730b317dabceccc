//! The OCSP responder (RFC 6960, RFC 5019): what the ledger's rows say about one certificate, signed
//! anew for each question, so that a revocation shows in the next answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bailiwick_connect::issuer::{BuiltinIssuer, NewResponder, OcspResponder};
use bailiwick_core::certificate::{Generation, OcspAnswer, OcspSpec, OcspStatus};
use bailiwick_core::names::{CertSerial, Digest, IssuerId};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_wire::x509::{OcspQuestion, OcspRefusal, read_ocsp_request};
use tokio::sync::Mutex;

use super::App;
use crate::drive::changes::DRIVER;
use crate::fault::Fault;

/// How long an answer may be relied on: an outage of 48 hours harms nobody who keeps answers
/// (promise P20); BR 4.9.10 allows 8 hours to 10 days.
const ANSWER_MS: i64 = 4 * DAY_MS;

/// The certified responders of this process, by issuer and generation.
#[derive(Default)]
pub(crate) struct Responders(Mutex<BTreeMap<(IssuerId, Generation), Arc<OcspResponder>>>);

/// What who asked gets.
pub(crate) struct OcspReply {
    /// The response, DER.
    pub der: Vec<u8>,
    /// When it was made and until when it holds, where caches may keep it.
    pub keep: Option<(Time, Time)>,
}

impl From<OcspRefusal> for OcspReply {
    fn from(refusal: OcspRefusal) -> Self {
        Self { der: refusal.to_der(), keep: None }
    }
}

impl App {
    /// Answers an OCSP request about certificates of an issuer.
    pub(crate) async fn ocsp(&self, id: &IssuerId, request: &[u8]) -> OcspReply {
        let request = match read_ocsp_request(request) {
            Ok(request) => request,
            Err(cause) => {
                tracing::debug!(error = %cause, "an OCSP request was refused");
                return OcspRefusal::MalformedRequest.into();
            }
        };
        // One answer is by one CA: the first that is asked about. What is asked about others is
        // `unknown` in it.
        let generations = self.issuers.generations(id);
        let asked = request.questions.iter().find_map(|question| {
            generations.iter().find(|issuer| question.is_about(issuer.identity()))
        });
        let Some(issuer) = asked else { return OcspRefusal::Unauthorized.into() };
        let may_keep = request.nonce.is_none();
        match self.answered(issuer, &request.questions, request.nonce).await {
            Ok((der, spec)) => {
                let keep = may_keep.then_some((spec.this_update(), spec.next_update()));
                OcspReply { der, keep }
            }
            Err(fault) => {
                tracing::error!(error = %fault, issuer = %id, "an OCSP request was not answered");
                OcspRefusal::TryLater.into()
            }
        }
    }

    async fn answered(
        &self,
        issuer: &BuiltinIssuer,
        questions: &[OcspQuestion],
        nonce: Option<Vec<u8>>,
    ) -> Result<(Vec<u8>, OcspSpec), Fault> {
        let responder = self.responder(issuer).await?;
        let now = self.now();
        let mut answers = Vec::new();
        for question in questions {
            let status = match &question.serial {
                Some(serial)
                    if question.is_about(issuer.identity())
                        && Generation::of(serial) == issuer.identity().generation =>
                {
                    self.status(&issuer.identity().id, serial).await?
                }
                Some(_) | None => OcspStatus::Unknown,
            };
            answers.push(OcspAnswer { cert_id: question.cert_id.clone(), status });
        }
        // Nobody may rely on an answer longer than on who gives it.
        let lifetime = ANSWER_MS.min(responder.not_after().ms_since(now));
        let id = issuer.identity().id.clone();
        let spec = OcspSpec::new(id, now, lifetime, nonce, answers)
            .map_err(|cause| Fault::bug(cause.to_string()))?;
        let der = responder.sign(&spec).map_err(|cause| Fault::bug(cause.to_string()))?;
        Ok((der, spec))
    }

    /// What the rows say. Only what this CA is known to have issued is `good`.
    async fn status(&self, id: &IssuerId, serial: &CertSerial) -> Result<OcspStatus, Fault> {
        if let Some(revoked) = self.store.revocation(id, serial).await? {
            return Ok(OcspStatus::Revoked { at: revoked.at, reason: revoked.reason });
        }
        Ok(match self.store.certificate_by_serial(id, serial).await? {
            Some(_) => OcspStatus::Good,
            None => OcspStatus::Unknown,
        })
    }

    /// The responder of an issuer, certified anew once half of its time is over.
    async fn responder(&self, issuer: &BuiltinIssuer) -> Result<Arc<OcspResponder>, Fault> {
        let id = &(issuer.identity().id.clone(), issuer.identity().generation);
        let now = self.now();
        let mut responders = self.responders.0.lock().await;
        if let Some(responder) = responders.get(id).filter(|it| now < it.renew_at()) {
            return Ok(Arc::clone(responder));
        }
        match self.certify_responder(issuer, now).await {
            Ok(fresh) => {
                let fresh = Arc::new(fresh);
                responders.insert(id.clone(), Arc::clone(&fresh));
                Ok(fresh)
            }
            // The CA's key may be out of reach for a while; the old responder is still believed.
            Err(fault) => match responders.get(id).filter(|it| now < it.not_after()) {
                Some(old) => {
                    tracing::error!(error = %fault, issuer = %id.0, "the OCSP responder is not renewed");
                    Ok(Arc::clone(old))
                }
                None => Err(fault),
            },
        }
    }

    /// The octets are evidence and in the ledger before the CA signs them.
    async fn certify_responder(
        &self,
        issuer: &BuiltinIssuer,
        now: Time,
    ) -> Result<OcspResponder, Fault> {
        let failed = |cause: bailiwick_connect::issuer::IssuerFault| Fault::bug(cause.to_string());
        let random = self.world.octets().map_err(|cause| Fault::bug(cause.to_string()))?;
        let identity = issuer.identity();
        let new = NewResponder::prepare(identity, &self.sealer, random, now).map_err(failed)?;
        let octets = new.tbs().bytes().to_vec();
        let digest = Digest::of(&octets);
        let fact = Fact::ResponderCertified {
            issuer: super::crl::whole_series(&identity.id, identity.generation)?,
            serial: new.tbs().serial().clone(),
            digest,
            not_after: new.tbs().not_after(),
        };
        let batch = Batch {
            entries: vec![Entry { at: now, by: DRIVER, fact }],
            work: vec![Work::PutEvidence { digest, kind: "ocsp-responder", octets }],
            ..Batch::default()
        };
        self.commit(batch).await?;
        issuer.certify_responder(new, now).map_err(failed)
    }
}
