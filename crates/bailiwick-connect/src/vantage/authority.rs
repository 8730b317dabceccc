//! The vantage CA: it says who is a helper of ours, and who is the server that helpers answer.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use bailiwick_core::names::DnsName;
use bailiwick_core::time::{DAY_MS, Time};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use crate::egress::Identity;
use crate::keys::{KeyFault, KeyFiles, Sealer, write_new};

/// How long the CA lasts.
const ROOT_DAYS: i64 = 3_650;
/// How long a helper is enrolled; then it is enrolled again, which somebody has to want.
const HELPER_DAYS: i64 = 397;
/// How long what the server shows is good; it is made anew at each start.
const SERVER_DAYS: i64 = 397;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum VantageFault {
    /// The CA's key.
    #[error(transparent)]
    Keys(#[from] KeyFault),
    /// A certificate cannot be made.
    #[error("the vantage CA cannot sign: {0}; look at the folder `vantage` of the data folder")]
    Certificate(String),
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {cause}; let this user read it")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// What a helper needs to begin.
#[derive(Debug)]
pub struct Enrolled {
    /// Its certificate, PEM.
    pub certificate: String,
    /// Its key, PKCS#8 PEM. It is nowhere else.
    pub key: Zeroizing<String>,
    /// The vantage CA, PEM: both sides trust it and nobody else.
    pub root: String,
    /// Until when it is enrolled.
    pub until: Time,
}

/// The vantage CA of a data folder, made where there is none.
pub struct VantageAuthority {
    root: String,
    issuer: Issuer<'static, KeyPair>,
    now: Time,
}

impl VantageAuthority {
    /// Opens the CA in a folder of its own.
    ///
    /// # Errors
    /// [`VantageFault`].
    pub fn open(folder: &Path, sealer: &Sealer, now: Time) -> Result<Self, VantageFault> {
        let files = KeyFiles::new(folder.to_owned(), sealer);
        let pkcs8 = files.get_or_make("vantage-ca-key", "root", || {
            let fresh = KeyPair::generate().map_err(|_| KeyFault::Crypto("making a key"))?;
            Ok(Zeroizing::new(fresh.serialize_der()))
        })?;
        let key = KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8.as_slice())).map_err(bad)?;
        let path = folder.join("root.pem");
        if !path.exists() {
            let root = root_params(now)?.self_signed(&key).map_err(bad)?;
            write_new(&path, root.pem().as_bytes())?;
        }
        let root = std::fs::read_to_string(&path)
            .map_err(|cause| VantageFault::Io { path: path.clone(), cause })?;
        Ok(Self { root, issuer: Issuer::new(root_params(now)?, key), now })
    }

    /// A certificate and key for a helper at an address, and under a name where it has one.
    ///
    /// # Errors
    /// [`VantageFault`].
    pub fn enrol(&self, address: IpAddr, name: Option<&DnsName>) -> Result<Enrolled, VantageFault> {
        let mut params =
            CertificateParams::new(name.map(ToString::to_string).into_iter().collect::<Vec<_>>())
                .map_err(bad)?;
        params.subject_alt_names.push(SanType::IpAddress(address));
        params.distinguished_name.push(DnType::CommonName, format!("Bailiwick vantage {address}"));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (certificate, key) = self.signed(params, HELPER_DAYS)?;
        Ok(Enrolled {
            certificate: certificate.pem(),
            key: Zeroizing::new(key.serialize_pem()),
            root: self.root.clone(),
            until: self.now.plus_ms(HELPER_DAYS.saturating_mul(DAY_MS)),
        })
    }

    /// What this server shows its helpers.
    ///
    /// # Errors
    /// [`VantageFault`].
    pub fn identity(&self) -> Result<Identity, VantageFault> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Bailiwick server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let (certificate, key) = self.signed(params, SERVER_DAYS)?;
        Ok(Identity {
            chain: vec![certificate.der().to_vec()],
            pkcs8: Zeroizing::new(key.serialize_der()),
        })
    }

    fn signed(
        &self,
        mut params: CertificateParams,
        days: i64,
    ) -> Result<(rcgen::Certificate, KeyPair), VantageFault> {
        let key = KeyPair::generate().map_err(bad)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = validity(self.now, days)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(bad)?;
        Ok((certificate, key))
    }
}

fn bad(cause: rcgen::Error) -> VantageFault {
    VantageFault::Certificate(cause.to_string())
}

fn root_params(now: Time) -> Result<CertificateParams, VantageFault> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Bailiwick vantage CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = validity(now, ROOT_DAYS)?;
    Ok(params)
}

fn validity(
    now: Time,
    days: i64,
) -> Result<(time::OffsetDateTime, time::OffsetDateTime), VantageFault> {
    let at = |moment: Time| {
        time::OffsetDateTime::from_unix_timestamp(moment.unix_seconds())
            .map_err(|cause| VantageFault::Certificate(cause.to_string()))
    };
    Ok((at(now.plus_ms(-DAY_MS))?, at(now.plus_ms(days.saturating_mul(DAY_MS)))?))
}
