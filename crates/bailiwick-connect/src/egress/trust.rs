//! Whose certificate is believed when TLS is spoken.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::any_certificate::AnyCertificate;

/// Whose certificate is believed.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

/// Certificates cannot be made into trust.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadTrust {
    /// The PEM holds none.
    #[error("there is no certificate in the trust roots; paste the CA's root as PEM")]
    Empty,
    /// One of them is none.
    #[error("a trust root is no CA certificate: {0}; paste the CA's root as PEM")]
    Root(String),
    /// The TLS library refused.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl Trust {
    /// Anybody: for what is asked in the clear first and proves nothing by its certificate.
    ///
    /// # Errors
    /// [`BadTrust::Tls`].
    pub fn anybody() -> Result<Self, BadTrust> {
        static ANYBODY: LazyLock<Result<Trust, BadTrust>> = LazyLock::new(Trust::new_anybody);
        ANYBODY.clone()
    }

    fn new_anybody() -> Result<Self, BadTrust> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|cause| BadTrust::Tls(cause.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(provider)))
            .with_no_client_auth();
        // Each look stands alone, although they share this: nothing is kept between two of them.
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    /// The roots that this system trusts.
    ///
    /// # Errors
    /// [`BadTrust`] when it has none.
    pub fn system() -> Result<Self, BadTrust> {
        Self::of(rustls_native_certs::load_native_certs().certs.into_iter(), Strange::Skipped)
    }

    /// Exactly these roots, DER.
    ///
    /// # Errors
    /// [`BadTrust`].
    pub fn roots(ders: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, BadTrust> {
        Self::of(ders.into_iter().map(CertificateDer::from), Strange::Refused)
    }

    /// Exactly these roots, and we show who we are too.
    ///
    /// # Errors
    /// [`BadTrust`].
    pub fn roots_as(
        ders: impl IntoIterator<Item = Vec<u8>>,
        identity: &Identity,
    ) -> Result<Self, BadTrust> {
        let tls = |cause: rustls::Error| BadTrust::Tls(cause.to_string());
        let roots = store(ders.into_iter().map(CertificateDer::from), Strange::Refused)?;
        let chain = identity.chain.iter().cloned().map(CertificateDer::from).collect();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.pkcs8.to_vec()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(tls)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(tls)?;
        Ok(Self(Arc::new(config)))
    }

    fn of(
        ders: impl Iterator<Item = CertificateDer<'static>>,
        strange: Strange,
    ) -> Result<Self, BadTrust> {
        let roots = store(ders, strange)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|cause| BadTrust::Tls(cause.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }

    /// The same, offering these protocols (RFC 7301).
    pub(crate) fn speaking(&self, protocols: &[&[u8]]) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.0);
        config.alpn_protocols = protocols.iter().map(|one| one.to_vec()).collect();
        Arc::new(config)
    }
}

/// Who we are, where the other side asks.
pub struct Identity {
    /// Our certificate and what stands above it, DER.
    pub chain: Vec<Vec<u8>>,
    /// Its key, PKCS#8.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

fn store(
    ders: impl Iterator<Item = CertificateDer<'static>>,
    strange: Strange,
) -> Result<RootCertStore, BadTrust> {
    let mut roots = RootCertStore::empty();
    for der in ders {
        match (roots.add(der), strange) {
            (Ok(()), _) | (Err(_), Strange::Skipped) => {}
            (Err(cause), Strange::Refused) => return Err(BadTrust::Root(cause.to_string())),
        }
    }
    if roots.is_empty() { Err(BadTrust::Empty) } else { Ok(roots) }
}

/// What is done with a root that the TLS library cannot read: a system has some, a list of ours none.
#[derive(Clone, Copy)]
enum Strange {
    Skipped,
    Refused,
}
