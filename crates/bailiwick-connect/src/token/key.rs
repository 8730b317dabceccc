//! One key pair in a token.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use bailiwick_core::certificate::{KeyKind, SubjectKey};
use bailiwick_core::estate::AuthorityKey;
use bailiwick_wire::x509::{PublicKey, curve_parameters, ecdsa_signature, point_of_attribute};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::{Open, Token, TokenFault, Trouble, find};

/// Octets of a point, and of an Ed25519 key.
const P256_POINT_OCTETS: usize = 65;
const P384_POINT_OCTETS: usize = 97;
const ED25519_OCTETS: usize = 32;
/// 65,537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// A key pair whose private half never leaves its token.
pub(crate) struct TokenKey {
    token: Arc<Token>,
    label: String,
    subject: SubjectKey,
}

impl Token {
    /// The key of this label; `None` where there is none.
    pub(crate) fn key(self: &Arc<Self>, label: &str) -> Result<Option<TokenKey>, TokenFault> {
        let found = self.with("looking for a key", |open| {
            let Some(private) = find(&open.session, ObjectClass::PRIVATE_KEY, label)? else {
                return Ok(None);
            };
            stays_inside(&open.session, private, label)?;
            let public = find(&open.session, ObjectClass::PUBLIC_KEY, label)?
                .ok_or_else(|| unusable(label, "its public half is not in the token"))?;
            let public = public_key(&open.session, public, label)?;
            open.handles.insert(label.to_owned(), private);
            Ok(Some(public))
        })?;
        Ok(found.map(|public| TokenKey {
            token: Arc::clone(self),
            label: label.to_owned(),
            subject: public.to_subject_key(),
        }))
    }

    /// A new key pair under this label, which must not be taken.
    pub(crate) fn make_key(
        self: &Arc<Self>,
        label: &str,
        kind: AuthorityKey,
    ) -> Result<TokenKey, TokenFault> {
        self.with("making a key", |open| {
            if find(&open.session, ObjectClass::PRIVATE_KEY, label)?.is_some() {
                return Err(unusable(label, "there is one of this label already").into());
            }
            let (mechanism, mut public) = generation(kind);
            let name = || [Attribute::Label(label.into()), Attribute::Id(label.into())];
            public.extend([Attribute::Token(true), Attribute::Verify(true)]);
            public.extend(name());
            let mut private = vec![
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
            ];
            private.extend(name());
            open.session.generate_key_pair(&mechanism, &public, &private)?;
            Ok(())
        })?;
        let lost = || TokenFault::Lost { token: self.label.clone(), label: label.to_owned() };
        self.key(label)?.ok_or_else(lost)
    }
}

impl TokenKey {
    /// Its public half.
    pub(crate) const fn subject(&self) -> &SubjectKey {
        &self.subject
    }

    /// Signs, as RFC 5280's algorithm of this key has it.
    pub(crate) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, TokenFault> {
        let malformed = || unusable(&self.label, "its signature has another form");
        self.token.with("signing", |open| {
            let handle = self.handle(open)?;
            let session = &open.session;
            let ecdsa = |hash: &[u8]| -> Result<Vec<u8>, Trouble> {
                let raw = session.sign(&Mechanism::Ecdsa, handle, hash)?;
                Ok(ecdsa_signature(&raw).ok_or_else(malformed)?)
            };
            match self.subject.kind() {
                KeyKind::EcdsaP256 => ecdsa(digest(&SHA256, octets).as_ref()),
                KeyKind::EcdsaP384 => ecdsa(digest(&SHA384, octets).as_ref()),
                KeyKind::Ed25519 => Ok(session.sign(&eddsa(), handle, octets)?),
                KeyKind::Rsa => Ok(session.sign(&Mechanism::Sha256RsaPkcs, handle, octets)?),
            }
        })
    }

    fn handle(&self, open: &mut Open) -> Result<ObjectHandle, Trouble> {
        if let Some(handle) = open.handles.get(&self.label) {
            return Ok(*handle);
        }
        let lost =
            || TokenFault::Lost { token: self.token.label.clone(), label: self.label.clone() };
        let handle =
            find(&open.session, ObjectClass::PRIVATE_KEY, &self.label)?.ok_or_else(lost)?;
        open.handles.insert(self.label.clone(), handle);
        Ok(handle)
    }
}

fn unusable(label: &str, why: &str) -> TokenFault {
    TokenFault::Key { label: label.to_owned(), why: why.to_owned() }
}

fn eddsa() -> Mechanism<'static> {
    Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure))
}

/// How a key pair is made, and what its public half is to be.
fn generation(kind: AuthorityKey) -> (Mechanism<'static>, Vec<Attribute>) {
    let curve = |kind| Attribute::EcParams(curve_parameters(kind).unwrap_or_default());
    let rsa = |bits: u64| {
        let exponent = Attribute::PublicExponent(RSA_EXPONENT.to_vec());
        (Mechanism::RsaPkcsKeyPairGen, vec![Attribute::ModulusBits(bits.into()), exponent])
    };
    match kind {
        AuthorityKey::EcdsaP256 => (Mechanism::EccKeyPairGen, vec![curve(KeyKind::EcdsaP256)]),
        AuthorityKey::EcdsaP384 => (Mechanism::EccKeyPairGen, vec![curve(KeyKind::EcdsaP384)]),
        AuthorityKey::Ed25519 => (Mechanism::EccEdwardsKeyPairGen, vec![curve(KeyKind::Ed25519)]),
        AuthorityKey::Rsa2048 => rsa(2048),
        AuthorityKey::Rsa3072 => rsa(3072),
        AuthorityKey::Rsa4096 => rsa(4096),
    }
}

/// Refuses a private key that could be read, or wrapped and carried away.
fn stays_inside(session: &Session, key: ObjectHandle, label: &str) -> Result<(), Trouble> {
    let asked = [AttributeType::Sensitive, AttributeType::Extractable];
    let told = session.get_attributes(key, &asked)?;
    let says = |wanted: &Attribute| told.contains(wanted);
    if says(&Attribute::Sensitive(true)) && says(&Attribute::Extractable(false)) {
        Ok(())
    } else {
        Err(TokenFault::Exposed { label: label.to_owned() }.into())
    }
}

fn public_key(session: &Session, key: ObjectHandle, label: &str) -> Result<PublicKey, Trouble> {
    let asked = [
        AttributeType::KeyType,
        AttributeType::EcParams,
        AttributeType::EcPoint,
        AttributeType::Modulus,
        AttributeType::PublicExponent,
    ];
    let told = session.get_attributes(key, &asked)?;
    macro_rules! of {
        ($name:ident) => {
            told.iter()
                .find_map(|one| if let Attribute::$name(it) = one { Some(it) } else { None })
                .cloned()
        };
    }
    let kind: Option<KeyType> = of!(KeyType);
    let curve: Vec<u8> = of!(EcParams).unwrap_or_default();
    let point: Vec<u8> = of!(EcPoint).unwrap_or_default();
    let modulus: Vec<u8> = of!(Modulus).unwrap_or_default();
    let exponent: Vec<u8> = of!(PublicExponent).unwrap_or_default();
    let on = |kind| curve_parameters(kind).as_deref() == Some(curve.as_slice());
    let shaped = |octets| {
        point_of_attribute(&point, octets).ok_or_else(|| unusable(label, "its point is no point"))
    };
    let read = match kind {
        Some(KeyType::RSA) => PublicKey::from_rsa(&modulus, &exponent),
        Some(KeyType::EC_EDWARDS) => PublicKey::from_ed25519(shaped(ED25519_OCTETS)?),
        Some(KeyType::EC) if on(KeyKind::EcdsaP256) => {
            PublicKey::from_point(KeyKind::EcdsaP256, shaped(P256_POINT_OCTETS)?)
        }
        Some(KeyType::EC) if on(KeyKind::EcdsaP384) => {
            PublicKey::from_point(KeyKind::EcdsaP384, shaped(P384_POINT_OCTETS)?)
        }
        _ => return Err(unusable(label, "it is of no kind that a ca here may have").into()),
    };
    read.map_err(|cause| unusable(label, &cause.to_string()).into())
}
