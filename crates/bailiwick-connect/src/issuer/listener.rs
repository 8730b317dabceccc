//! The certificate of our own HTTPS listener: from a small CA of its own, so that clients can trust
//! the listener without trusting the CA that issues for services.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_core::time::{DAY_MS, Time};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::keys::{KeyFault, KeyFiles, Sealer, write_new};

/// How long the listener's CA lasts.
const ROOT_DAYS: i64 = 3_650;
/// How long its leaf lasts; a fresh one is made at each start, so nobody has to renew it.
const LEAF_DAYS: i64 = 397;

/// Why the listener has no TLS.
#[derive(Debug, thiserror::Error)]
pub enum ListenerFault {
    /// Its keys.
    #[error(transparent)]
    Keys(#[from] KeyFault),
    /// Its certificates cannot be made.
    #[error(
        "the listener's certificate cannot be made: {0}; remove the folder `tls` to begin anew"
    )]
    Certificate(String),
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// TLS for a listener under these host names and addresses. The CA that clients trust lies in
/// `root.pem` of the folder and stays the same over restarts.
///
/// # Errors
/// [`ListenerFault`].
pub fn listener_config(
    folder: &Path,
    hosts: &[String],
    sealer: &Sealer,
    now: Time,
) -> Result<Arc<ServerConfig>, ListenerFault> {
    let certificate = |cause: rcgen::Error| ListenerFault::Certificate(cause.to_string());
    let files = KeyFiles::new(folder.to_owned(), sealer);
    let pkcs8 = files.get_or_make("listener-ca-key", "root", || {
        let fresh = KeyPair::generate().map_err(|_| KeyFault::Crypto("making a key"))?;
        Ok(Zeroizing::new(fresh.serialize_der()))
    })?;
    let der = PrivatePkcs8KeyDer::from(pkcs8.as_slice());
    let root_key = KeyPair::try_from(&der).map_err(certificate)?;
    let path = folder.join("root.pem");
    if !path.exists() {
        let root = root_params(now)?.self_signed(&root_key).map_err(certificate)?;
        write_new(&path, root.pem().as_bytes())?;
    }
    let pem = std::fs::read_to_string(&path)
        .map_err(|cause| ListenerFault::Io { path: path.clone(), cause })?;
    // The issuer's name and key are all that a leaf takes of it; the file keeps the certificate.
    let issuer = Issuer::new(root_params(now)?, root_key);
    let leaf_key = KeyPair::generate().map_err(certificate)?;
    let mut params = CertificateParams::new(hosts.to_vec()).map_err(certificate)?;
    params.distinguished_name.push(DnType::CommonName, "Bailiwick listener");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = validity(now, LEAF_DAYS)?;
    let leaf = params.signed_by(&leaf_key, &issuer).map_err(certificate)?;
    let root = bailiwick_wire::x509::read_chain(pem.as_bytes())
        .map_err(|cause| ListenerFault::Certificate(cause.to_string()))?;
    let chain = std::iter::once(leaf.der().clone())
        .chain(root.into_iter().map(CertificateDer::from))
        .collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|cause| ListenerFault::Certificate(cause.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn root_params(now: Time) -> Result<CertificateParams, ListenerFault> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Bailiwick listener CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = validity(now, ROOT_DAYS)?;
    Ok(params)
}

fn validity(
    now: Time,
    days: i64,
) -> Result<(time::OffsetDateTime, time::OffsetDateTime), ListenerFault> {
    let at = |moment: Time| {
        time::OffsetDateTime::from_unix_timestamp(moment.unix_seconds())
            .map_err(|cause| ListenerFault::Certificate(cause.to_string()))
    };
    Ok((at(now.plus_ms(-DAY_MS))?, at(now.plus_ms(days.saturating_mul(DAY_MS)))?))
}
