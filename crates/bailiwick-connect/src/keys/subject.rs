//! Keys of certificates that Bailiwick makes for a service, so that it can put both where they are
//! served.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::{KeyKind, SanSet};
use bailiwick_wire::x509::{PublicKey, assemble_request, write_pem, write_subject_request};

use super::{KeyFault, SecretBytes};

/// A P-256 key pair: PKCS #8 to be sealed, and the public half.
pub struct SubjectPair {
    /// The private key, PKCS #8.
    pub pkcs8: SecretBytes,
    /// The public key, SubjectPublicKeyInfo DER.
    pub spki: Vec<u8>,
    pair: EcdsaKeyPair,
    public: PublicKey,
}

impl SubjectPair {
    /// A fresh one.
    ///
    /// # Errors
    /// [`KeyFault::Crypto`].
    pub fn fresh() -> Result<Self, KeyFault> {
        let fault = || KeyFault::Crypto("making a key");
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .map_err(|_| fault())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, made.as_ref())
            .map_err(|_| fault())?;
        let key = PublicKey::from_point(KeyKind::EcdsaP256, pair.public_key().as_ref())
            .map_err(|_| fault())?;
        let pkcs8 = SecretBytes::from(made.as_ref().to_vec());
        Ok(Self { pkcs8, spki: key.to_spki(), pair, public: key })
    }

    /// A request for a certificate of these names, signed with the key (RFC 2986), DER.
    ///
    /// # Errors
    /// [`KeyFault::Crypto`].
    pub fn request(&self, names: &SanSet) -> Result<Vec<u8>, KeyFault> {
        let key = self.public.to_subject_key();
        let info = write_subject_request(names, &key);
        let signature = self.pair.sign(&SystemRandom::new(), &info);
        let signature = signature.map_err(|_| KeyFault::Crypto("signing a request"))?;
        Ok(assemble_request(&info, &key, signature.as_ref()))
    }
}

/// A private key as servers read it.
#[must_use]
pub fn key_pem(pkcs8: &SecretBytes) -> SecretBytes {
    SecretBytes::from(write_pem("PRIVATE KEY", pkcs8).into_bytes())
}

#[cfg(test)]
mod tests {
    use bailiwick_core::names::SanName;
    use bailiwick_wire::x509::read_csr;

    use super::*;

    #[test]
    fn a_request_asks_for_its_names_and_nothing_else() {
        let names = ["*.shop.example", "192.0.2.7", "www.shop.example"];
        let names = SanSet::new(names.map(|name| SanName::parse(name).unwrap())).unwrap();
        let pair = SubjectPair::fresh().unwrap();
        let csr = read_csr(&pair.request(&names).unwrap()).unwrap();
        assert_eq!(csr.names(), &names);
        assert_eq!(csr.key().spki_der(), pair.spki);
        assert_eq!(csr.extras(), []);
    }
}
