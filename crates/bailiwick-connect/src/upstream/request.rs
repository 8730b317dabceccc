//! Requests of canaries: the key is forgotten as soon as the request is signed, so that what a CA
//! issues for it is worth nothing to anybody.

use bailiwick_core::names::{DnsName, SpkiHash};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData as _};

use crate::keys::KeyFault;

/// A certificate request for one name, by a key that nobody has any more.
pub struct CanaryRequest {
    /// The request, DER.
    pub der: Vec<u8>,
    /// Names its key.
    pub key: SpkiHash,
}

impl CanaryRequest {
    /// A fresh one.
    ///
    /// # Errors
    /// [`KeyFault::Crypto`].
    pub fn fresh(name: &DnsName) -> Result<Self, KeyFault> {
        let fault = |_| KeyFault::Crypto("making a request");
        let key = KeyPair::generate().map_err(fault)?;
        let mut params = CertificateParams::new(vec![name.to_string()]).map_err(fault)?;
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(fault)?;
        let spki = key.subject_public_key_info();
        Ok(Self { der: request.der().to_vec(), key: SpkiHash::of(&spki) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_for_one_name_and_its_own_key() {
        let name = DnsName::parse("canary.shop.example").unwrap();
        let request = CanaryRequest::fresh(&name).unwrap();
        let read = bailiwick_wire::x509::read_csr(&request.der).unwrap();
        assert_eq!(read.key().hash(), request.key);
        let names: Vec<String> = read.names().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["canary.shop.example"]);
    }
}
