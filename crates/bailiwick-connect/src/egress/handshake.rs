//! A TLS handshake and nothing more: to see which certificate somebody answers with.

use std::sync::Arc;

use bailiwick_wire::x509::certificate_spki;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use tokio::time::timeout;
use webpki::RawPublicKeyEntity;

use super::dial::dial;
use super::{Limits, NoAnswer, Permit};

/// What the other side showed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shown {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The protocol that was agreed on.
    pub protocol: Option<Vec<u8>>,
}

/// Shakes hands for `name`, offering `protocol` alone (or none where it is empty), and leaves. Whoever signed the certificate is
/// not asked; the handshake itself must be signed by its key.
pub(crate) async fn handshake(
    permit: Permit,
    name: ServerName<'static>,
    protocol: &[u8],
    limits: &Limits,
) -> Result<Shown, NoAnswer> {
    let tls = |cause: &dyn std::fmt::Display| NoAnswer::Tls(cause.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|cause| tls(&cause))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey(provider)))
        .with_no_client_auth();
    config.alpn_protocols = if protocol.is_empty() { Vec::new() } else { vec![protocol.to_vec()] };
    // Nothing of one look is used in another.
    config.resumption = rustls::client::Resumption::disabled();
    let stream = timeout(limits.connect_timeout, dial(permit))
        .await
        .map_err(|_| NoAnswer::ConnectTimeout(limits.connect_timeout))?
        .map_err(|cause| NoAnswer::Connect(cause.kind()))?;
    let shaking = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream);
    let stream = timeout(limits.answer_timeout, shaking)
        .await
        .map_err(|_| NoAnswer::AnswerTimeout(limits.answer_timeout))?
        .map_err(|cause| tls(&cause))?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.ok_or_else(|| tls(&"the server showed no certificate"))?;
    let protocol = session.alpn_protocol().map(<[u8]>::to_vec);
    Ok(Shown { certificate: certificate.to_vec(), protocol })
}

/// Takes every certificate, also one with a critical extension that nobody but its reader knows
/// (RFC 8737, section 3): only its key is looked at, which must have signed the handshake.
#[derive(Debug)]
struct AnyKey(Arc<CryptoProvider>);

impl AnyKey {
    fn verify(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let refused =
            || Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme);
        let spki = certificate_spki(certificate)
            .map_err(|_| Error::InvalidCertificate(rustls::CertificateError::BadEncoding))?;
        let spki = SubjectPublicKeyInfoDer::from(spki.as_slice());
        let key = RawPublicKeyEntity::try_from(&spki)
            .map_err(|_| Error::InvalidCertificate(rustls::CertificateError::BadEncoding))?;
        let mapping = self.0.signature_verification_algorithms.mapping;
        let (_, algorithms) =
            mapping.iter().find(|(scheme, _)| *scheme == signed.scheme).ok_or_else(refused)?;
        let by = |algorithm: &&&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
            key.verify_signature(**algorithm, message, signed.signature()).is_ok()
        };
        match algorithms.iter().find(by) {
            Some(_) => Ok(HandshakeSignatureValid::assertion()),
            None => Err(Error::InvalidCertificate(rustls::CertificateError::BadSignature)),
        }
    }
}

impl ServerCertVerifier for AnyKey {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
