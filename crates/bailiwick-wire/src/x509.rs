//! X.509: keys, requests, certificates and CRLs as bytes (RFC 5280, RFC 2986).
//!
//! Reading and writing are two separate hands: what [`build_tbs`] writes, another reader reads back
//! before anything is signed, and the tests let OpenSSL, webpki and `x509-cert` read it too.
//! The encoding is ours because the octets of names and keys must pass through unchanged, and
//! because a reader with a few primitives can bound what hostile bytes may cost (threat T13).

mod acme_tls;
mod adopted;
mod ari;
mod authority;
mod content;
mod crl;
mod csr;
mod facts;
mod issued;
mod key;
mod key_rules;
mod names;
mod ocsp;
mod oids;
mod parts;
mod pem;
mod read;
mod request;
mod responder;
mod signature;
mod tbs;
mod token;
mod write;

pub use acme_tls::{NotShown, certificate_spki, check_acme_tls};
pub use adopted::{Asked, NotAdopted, answered_leaves, check_adopted};
pub use ari::{AriId, BadAriId};
pub use authority::{
    AuthorityKind, AuthoritySpec, BadAuthority, BadOrganisation, Organisation, assemble_authority,
    organisation_of, read_issuer, verify_authority, write_authority,
};
pub use content::read_tbs;
pub use crl::{BadCrl, CRL_OCTETS_MAX, assemble_crl, read_crl, verify_crl, write_crl};
pub use csr::{BadCsr, CSR_NAMES_MAX, CSR_OCTETS_MAX, Csr, CsrExtra, read_csr};
pub use facts::{BadCertificate, CERTIFICATE_OCTETS_MAX, read_certificate};
pub use issued::{NotAsApproved, assemble, verify_issued, verify_signed};
pub use key::{BadKey, PublicKey, subject_key};
pub use ocsp::{
    BadOcsp, BadOcspRequest, OCSP_REQUEST_OCTETS_MAX, OcspQuestion, OcspRefusal, OcspRequest,
    assemble_ocsp, read_ocsp_request, verify_ocsp, write_ocsp,
};
pub use pem::{BadPem, CHAIN_OCTETS_MAX, read_chain, read_pem, write_chain, write_pem};
pub use read::BadDer;
pub use request::{assemble_request, read_request, write_request, write_subject_request};
pub use responder::{ResponderTbs, assemble_responder};
pub use signature::{BadSignature, SignatureAlgorithm};
pub use tbs::{BadTbs, build_tbs, restore_tbs};
pub use token::{curve_parameters, ecdsa_signature, point_of_attribute};
