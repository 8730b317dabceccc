//! What a CA gave is handed on only if it is what was approved.

use bailiwick_core::change::{IssueCertificate, IssuedCertificate, Outcome, Receipt};
use bailiwick_core::names::{CertFingerprint, ChangeId, Digest};
use bailiwick_core::record::{Batch, Work};
use bailiwick_wire::x509::{self, AriId, Asked};

use super::failed;
use crate::app::App;
use crate::drive::effects::Applied;
use crate::fault::Fault;

/// The name of the replaced certificate in renewal information (RFC 9773, section 4.1).
pub(super) async fn ari_id(
    app: &App,
    replaces: Option<&CertFingerprint>,
) -> Result<Option<String>, Fault> {
    let Some(replaces) = replaces else { return Ok(None) };
    let Some(old) = app.store.certificate(replaces).await? else { return Ok(None) };
    let facts = x509::read_certificate(&old.der).ok();
    let key_id = facts.and_then(|facts| facts.issuer_key_id);
    let id = key_id.and_then(|key_id| AriId::new(&key_id, old.serial).ok());
    Ok(id.map(|id| id.to_string()))
}

/// What came is stored if it is what was approved; otherwise the change turns back, and the
/// certificate is revoked.
pub(super) async fn adopt(
    app: &App,
    change: &ChangeId,
    wanted: &IssueCertificate,
    chain: &[Vec<u8>],
) -> Result<Applied, Fault> {
    let now = app.now();
    let asked = Asked {
        names: &wanted.names,
        key: wanted.key,
        lifetime_seconds_max: wanted.lifetime_seconds_max,
        now,
    };
    let (facts, serial) = match x509::check_adopted(chain, &asked) {
        Ok(seen) => seen,
        Err(cause) => return Ok(failed(format!("the CA issued something else: {cause}"))),
    };
    let known = app.store.certificate_by_serial(&wanted.issuer, &serial).await?;
    if known.is_some_and(|known| known.fingerprint != facts.fingerprint) {
        return Ok(failed(format!("the CA used serial {serial} a second time")));
    }
    let (der, rest) =
        chain.split_first().map(|(der, rest)| (der.clone(), rest)).unwrap_or_default();
    let pem = x509::write_chain(rest.iter().map(Vec::as_slice)).into_bytes();
    let digest = Digest::of(&pem);
    let stored = Work::PutEvidence { digest, kind: "chain/v1", octets: pem };
    app.commit(Batch { work: vec![stored], ..Batch::default() }).await?;
    let certificate = IssuedCertificate {
        fingerprint: facts.fingerprint,
        issuer: wanted.issuer.clone(),
        serial,
        key: wanted.key,
        names: wanted.names.clone(),
        not_before: facts.not_before,
        not_after: facts.not_after,
        profile: wanted.profile.clone(),
        service: wanted.service.clone(),
        account: wanted.account.clone(),
        order: wanted.order.clone(),
        envelope: wanted.envelope.clone(),
        change: change.clone(),
        der,
        issued_at: now,
    };
    let receipt = Receipt::Adopted { certificate: Box::new(certificate), chain: digest };
    Ok(Applied::Came(Outcome::Done(receipt)))
}
