//! Why an issuer cannot be had, or does not sign.

use std::path::PathBuf;

use bailiwick_core::names::IssuerId;
use bailiwick_wire::x509::{
    BadAuthority, BadCrl, BadCsr, BadOcsp, BadOrganisation, BadPem, NotAsApproved,
};

use crate::keys::KeyFault;

/// Why the built-in CA cannot be had or does not sign.
#[derive(Debug, thiserror::Error)]
pub enum IssuerFault {
    /// Its keys, or the disk they lie on.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// A certificate of its own is missing although the CA was complete, or its key exists.
    #[error("`{path}` is missing; restore it from the backup that has the files beside it")]
    Lost {
        /// Which file.
        path: PathBuf,
    },
    /// A file of its own holds no certificate.
    #[error("`{path}` is no certificate: {cause}; restore it from the backup")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: BadPem,
    },
    /// A file of its own holds more or fewer than one certificate.
    #[error("`{path}` holds {count} certificates instead of one; restore it from the backup")]
    NotOne {
        /// Which file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// A certificate of its own is not one of a CA, or not signed by its root.
    #[error("`{path}` is not the CA certificate it should be: {cause}; restore it from the backup")]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: BadAuthority,
    },
    /// A certificate of its own is for another key than the one that lies sealed beside it.
    #[error("`{path}` is for another key than the sealed one; restore both from one backup")]
    OtherKey {
        /// Which file.
        path: PathBuf,
    },
    /// The certificates are others than those the CA was made with.
    #[error("`{path}` does not name these CA certificates; restore the folder from one backup")]
    Changed {
        /// The file that names them.
        path: PathBuf,
    },
    /// The organisation cannot stand in the CA's name.
    #[error("the organisation's name cannot stand in a CA certificate: {0}; shorten it")]
    Organisation(#[from] BadOrganisation),
    /// Its certificate has to come from a root elsewhere.
    #[error(
        "issuer `{issuer}` waits for its certificate: carry its `request.pem` to the offline root, and bring the answer back with `bailiwick ceremony install`"
    )]
    AwaitsRoot {
        /// Which.
        issuer: IssuerId,
    },
    /// An issuer has had every generation that there can be.
    #[error("issuer `{issuer}` has had 127 generations; make another issuer in its place")]
    NoMoreGenerations {
        /// Which.
        issuer: IssuerId,
    },
    /// There is a CA already.
    #[error("`{path}` is there already; a ceremony never replaces a ca")]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// The request of an issuing CA is refused.
    #[error("the request is refused: {0}; make it with `bailiwick ceremony request`")]
    Request(#[from] BadCsr),
    /// A certificate that was brought is not for the key that waits here.
    #[error(
        "the certificate is for another key than the one that waits here; sign the request of this server"
    )]
    NotOurKey,
    /// A certificate that was brought is constrained otherwise than the estate says.
    #[error(
        "the certificate permits {brought}, and the estate says {planned}; sign it with the same --permit, or change `name_constraints`"
    )]
    OtherConstraints {
        /// What the certificate permits.
        brought: String,
        /// What it should.
        planned: String,
    },
    /// A certificate that was brought is not in force.
    #[error("the certificate is in force from {from} to {to}; bring one that is in force now")]
    NotInForce {
        /// Since when.
        from: bailiwick_core::time::Time,
        /// Until when.
        to: bailiwick_core::time::Time,
    },
    /// What was brought is no CA certificate, or not signed by the root that was brought.
    #[error("what was brought is refused: {0}; bring root and intermediate of one ceremony")]
    Brought(#[source] BadAuthority),
    /// The octets were made for another issuer.
    #[error("issuer `{issuer}` does not sign what was made for issuer `{named}`")]
    OtherIssuer {
        /// Who was asked.
        issuer: IssuerId,
        /// Whom the octets are for.
        named: IssuerId,
    },
    /// What was signed is not what was to be signed. It is not handed out.
    #[error("the certificate just signed is withheld: {0}")]
    Certificate(#[from] NotAsApproved),
    /// The OCSP responder's certificate is not what it should be.
    #[error("the ocsp responder is not certified: {0}")]
    Responder(#[source] BadAuthority),
    /// The OCSP response is not what it should be. It is not handed out.
    #[error("the ocsp response is withheld: {0}")]
    Ocsp(#[from] BadOcsp),
    /// The CRL must not be signed, or what was signed is not it.
    #[error("the crl is not signed: {0}")]
    Crl(#[from] BadCrl),
}
