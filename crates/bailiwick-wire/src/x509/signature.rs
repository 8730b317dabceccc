//! Signatures in certificates, requests and CRLs: the algorithm belongs to the key (threat T12).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};
use bailiwick_core::certificate::{KeyKind, SigningAlgorithm};
use const_oid::ObjectIdentifier;
use thiserror::Error;

use super::key::PublicKey;
use super::oids;
use super::read::{BadDer, NULL, OID, Tlv, oid};
use super::write;

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadSignature {
    /// The algorithm's DER is not one.
    #[error("the signature algorithm is not der")]
    Der(#[from] BadDer),
    /// An algorithm we do not verify, SHA-1 and RSA-PSS among them.
    #[error("the signature algorithm is unknown; sign with sha-256, sha-384, sha-512 or ed25519")]
    Algorithm,
    /// An algorithm for another kind of key.
    #[error("the signature algorithm is not one of the key's kind")]
    OtherKind,
    /// The signature is not the key's over these bytes.
    #[error("the signature is not the key's; sign again with the key that is certified")]
    Wrong,
}

/// A signature algorithm that we verify.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureAlgorithm {
    /// RFC 5758, section 3.2.
    EcdsaSha256,
    /// RFC 5758, section 3.2.
    EcdsaSha384,
    /// RFC 5758, section 3.2.
    EcdsaSha512,
    /// RFC 8410, section 3.
    Ed25519,
    /// RFC 4055, section 5.
    RsaSha256,
    /// RFC 4055, section 5.
    RsaSha384,
    /// RFC 4055, section 5.
    RsaSha512,
}

const KNOWN: [(SignatureAlgorithm, ObjectIdentifier); 7] = [
    (SignatureAlgorithm::EcdsaSha256, oids::ECDSA_SHA256),
    (SignatureAlgorithm::EcdsaSha384, oids::ECDSA_SHA384),
    (SignatureAlgorithm::EcdsaSha512, oids::ECDSA_SHA512),
    (SignatureAlgorithm::Ed25519, oids::ED25519),
    (SignatureAlgorithm::RsaSha256, oids::RSA_SHA256),
    (SignatureAlgorithm::RsaSha384, oids::RSA_SHA384),
    (SignatureAlgorithm::RsaSha512, oids::RSA_SHA512),
];

impl SignatureAlgorithm {
    /// Reads an AlgorithmIdentifier: RSA has NULL parameters, the others have none.
    pub(super) fn read(identifier: &Tlv<'_>) -> Result<Self, BadSignature> {
        let mut parts = identifier.inside();
        let id = oid(&parts.expect(OID)?)?;
        let (algorithm, _) =
            KNOWN.into_iter().find(|(_, known)| *known == id).ok_or(BadSignature::Algorithm)?;
        if algorithm.is_rsa() && !parts.expect(NULL)?.content.is_empty() {
            return Err(BadSignature::Der(BadDer::Value));
        }
        parts.end()?;
        Ok(algorithm)
    }

    const fn is_rsa(self) -> bool {
        match self {
            Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512 => true,
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 | Self::Ed25519 => false,
        }
    }

    fn for_key(self, kind: KeyKind) -> Option<&'static dyn VerificationAlgorithm> {
        let algorithm: &'static dyn VerificationAlgorithm = match (kind, self) {
            (KeyKind::EcdsaP256, Self::EcdsaSha256) => &ECDSA_P256_SHA256_ASN1,
            (KeyKind::EcdsaP256, Self::EcdsaSha384) => &ECDSA_P256_SHA384_ASN1,
            (KeyKind::EcdsaP256, Self::EcdsaSha512) => &ECDSA_P256_SHA512_ASN1,
            (KeyKind::EcdsaP384, Self::EcdsaSha256) => &ECDSA_P384_SHA256_ASN1,
            (KeyKind::EcdsaP384, Self::EcdsaSha384) => &ECDSA_P384_SHA384_ASN1,
            (KeyKind::EcdsaP384, Self::EcdsaSha512) => &ECDSA_P384_SHA512_ASN1,
            (KeyKind::Ed25519, Self::Ed25519) => &ED25519,
            (KeyKind::Rsa, Self::RsaSha256) => &RSA_PKCS1_2048_8192_SHA256,
            (KeyKind::Rsa, Self::RsaSha384) => &RSA_PKCS1_2048_8192_SHA384,
            (KeyKind::Rsa, Self::RsaSha512) => &RSA_PKCS1_2048_8192_SHA512,
            (KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::Ed25519 | KeyKind::Rsa, _) => {
                return None;
            }
        };
        Some(algorithm)
    }

    /// Whether `signature` is `key`'s over `message`.
    ///
    /// # Errors
    /// [`BadSignature::OtherKind`] or [`BadSignature::Wrong`].
    pub fn verify(
        self,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let algorithm = self.for_key(key.kind()).ok_or(BadSignature::OtherKind)?;
        UnparsedPublicKey::new(algorithm, key.octets())
            .verify(message, signature)
            .map_err(|_| BadSignature::Wrong)
    }
}

impl From<SigningAlgorithm> for SignatureAlgorithm {
    fn from(signing: SigningAlgorithm) -> Self {
        match signing {
            SigningAlgorithm::EcdsaP256Sha256 => Self::EcdsaSha256,
            SigningAlgorithm::EcdsaP384Sha384 => Self::EcdsaSha384,
            SigningAlgorithm::Ed25519 => Self::Ed25519,
            SigningAlgorithm::RsaSha256 => Self::RsaSha256,
        }
    }
}

/// The AlgorithmIdentifier that an issuer writes.
pub(super) fn write_algorithm(signing: SigningAlgorithm) -> Vec<u8> {
    match signing {
        SigningAlgorithm::EcdsaP256Sha256 => write::sequence(&[write::oid(oids::ECDSA_SHA256)]),
        SigningAlgorithm::EcdsaP384Sha384 => write::sequence(&[write::oid(oids::ECDSA_SHA384)]),
        SigningAlgorithm::Ed25519 => write::sequence(&[write::oid(oids::ED25519)]),
        SigningAlgorithm::RsaSha256 => {
            write::sequence(&[write::oid(oids::RSA_SHA256), write::null()])
        }
    }
}

/// How an issuer with a key of this kind signs.
pub(super) const fn signing_of(kind: KeyKind) -> SigningAlgorithm {
    match kind {
        KeyKind::EcdsaP256 => SigningAlgorithm::EcdsaP256Sha256,
        KeyKind::EcdsaP384 => SigningAlgorithm::EcdsaP384Sha384,
        KeyKind::Ed25519 => SigningAlgorithm::Ed25519,
        KeyKind::Rsa => SigningAlgorithm::RsaSha256,
    }
}
