//! X.509-SVIDs: certificates of a SPIFFE trust domain (X509-SVID, sections 2 to 5).

use std::time::Duration;

use bailiwick_core::certificate::NameSeen;
use bailiwick_core::names::SpiffeId;
use bailiwick_core::time::Time;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::bad_token::BadToken;
use crate::jose::Jwk;
use crate::x509::{PublicKey, certificate_spki, read_certificate};

/// Certificates of a chain at most.
pub(super) const CHAIN_MAX: usize = 8;

/// The key and the id of an SVID that the trust domain issued and that is in date.
pub(super) fn read(
    chain: &[Vec<u8>],
    roots: &[Vec<u8>],
    now: Time,
) -> Result<(Jwk, SpiffeId), BadToken> {
    let (leaf, above) = chain.split_first().ok_or(BadToken::Svid("there is no certificate"))?;
    let roots: Vec<CertificateDer<'_>> =
        roots.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let anchors: Vec<_> =
        roots.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
    let der = CertificateDer::from(leaf.as_slice());
    let above: Vec<CertificateDer<'_>> =
        above.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let seconds = u64::try_from(now.unix_seconds()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let certificate = EndEntityCert::try_from(&der)
        .map_err(|_| BadToken::Svid("it is not a certificate of a workload"))?;
    certificate
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &above,
            at,
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map_err(|_| BadToken::Svid("no CA of the trust domain issued it, or it is out of date"))?;
    let facts = read_certificate(leaf).map_err(|_| BadToken::Svid("it cannot be read"))?;
    let ids: Vec<&String> = facts
        .names
        .iter()
        .filter_map(|name| if let NameSeen::Uri(uri) = name { Some(uri) } else { None })
        .collect();
    let [id] = ids.as_slice() else {
        return Err(BadToken::Svid("it has not exactly one id"));
    };
    let id = SpiffeId::parse(id).map_err(|_| BadToken::Svid("its id is no workload's"))?;
    let spki = certificate_spki(leaf).map_err(|_| BadToken::Svid("its key cannot be read"))?;
    let key = PublicKey::from_spki(&spki).map_err(|_| BadToken::Svid("its key is not taken"))?;
    Ok((Jwk::from(key), id))
}
