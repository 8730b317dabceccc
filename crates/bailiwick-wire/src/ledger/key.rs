//! Keys of notes: one signs, the others say whose signatures count (c2sp.org/signed-note).

use std::fmt;

use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use bailiwick_core::ledger::TreeHead;
use bailiwick_core::names::Digest;
use bailiwick_core::shown::shown;
use bailiwick_core::time::Time;
use zeroize::Zeroizing;

use super::checkpoint::{Checkpoint, Origin};
use super::note::{KeyId, KeyName, NoteText, SignatureLine, SignedNote, from_base64, to_base64};

/// Octets of an Ed25519 seed and of a public key (RFC 8032, section 5.1.5).
const KEY_BYTES: usize = 32;

/// Why a key is not one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadKey {
    /// Not `name+id+base64`.
    #[error("a verifier key is `name+id+base64`; copy the whole line")]
    Form,
    /// The id does not follow from the rest.
    #[error(
        "the id of verifier key `{}` does not match the key; copy it again from its owner",
        shown(.name.as_str())
    )]
    Id {
        /// The name in the key.
        name: KeyName,
    },
    /// A kind of signature that is not known here.
    #[error(
        "verifier key `{}` is of type {kind:#04x}; only Ed25519 (0x01) and cosignature/v1 (0x04) are known",
        shown(.name.as_str())
    )]
    Type {
        /// The name in the key.
        name: KeyName,
        /// The type in the key.
        kind: u8,
    },
    /// Two keys of one name and id.
    #[error(
        "two different keys are named `{}` and `{id}`; give one of them another name",
        shown(.name.as_str())
    )]
    Ambiguous {
        /// Their name.
        name: KeyName,
        /// Their id.
        id: KeyId,
    },
    /// The bytes are no Ed25519 key pair.
    #[error("the bytes are no Ed25519 key; make a new one")]
    Secret,
}

/// Kinds of signatures that are checked here; all others are those of unknown keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum SignatureType {
    /// 0x01: Ed25519 over the text.
    Ed25519,
    /// 0x04: Ed25519 over a time and the text, by a witness (c2sp.org/tlog-cosignature).
    CosignatureV1,
}

impl SignatureType {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    const fn of(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

/// A public key that notes are checked with. Spelled `name+id+base64`.
///
/// Always: its id follows from name, type and key.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct VerifierKey {
    name: KeyName,
    kind: SignatureType,
    public: [u8; KEY_BYTES],
}

impl VerifierKey {
    /// Takes a public key.
    #[must_use]
    pub const fn new(name: KeyName, kind: SignatureType, public: [u8; KEY_BYTES]) -> Self {
        Self { name, kind, public }
    }

    /// Parses `name+id+base64`.
    ///
    /// # Errors
    /// [`BadKey`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Form);
        };
        let name = KeyName::parse(name).map_err(|_| BadKey::Form)?;
        let key = from_base64(key).ok_or(BadKey::Form)?;
        let (kind, public) = key.split_first().ok_or(BadKey::Form)?;
        let kind = SignatureType::of(*kind)
            .ok_or_else(|| BadKey::Type { name: name.clone(), kind: *kind })?;
        let public = public.try_into().map_err(|_| BadKey::Form)?;
        let key = Self { name, kind, public };
        if key.id().to_string() == id { Ok(key) } else { Err(BadKey::Id { name: key.name }) }
    }

    /// Whose signatures it checks.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The first octets of SHA-256 of name, line feed, type and key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let named =
            [self.name.as_str().as_bytes(), b"\n", &[self.kind.byte()], &self.public].concat();
        let [a, b, c, d, ..] = *Digest::of(&named).as_bytes();
        KeyId::from_bytes([a, b, c, d])
    }

    /// Which signatures it checks.
    #[must_use]
    pub const fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The Ed25519 public key.
    #[must_use]
    pub const fn public(&self) -> &[u8; KEY_BYTES] {
        &self.public
    }

    /// Checks a signature; a cosignature says when it was given.
    fn check(&self, text: &NoteText, signature: &[u8]) -> Option<Option<Time>> {
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        match self.kind {
            SignatureType::Ed25519 => {
                key.verify(text.as_str().as_bytes(), signature).ok().map(|()| None)
            }
            SignatureType::CosignatureV1 => {
                let (seconds, signature) = signature.split_first_chunk::<8>()?;
                let seconds = i64::try_from(u64::from_be_bytes(*seconds)).ok()?;
                let message = format!("cosignature/v1\ntime {seconds}\n{text}");
                key.verify(message.as_bytes(), signature).ok()?;
                Some(Some(Time::from_unix_seconds(seconds)))
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [[self.kind.byte()].as_slice(), &self.public].concat();
        write!(f, "{}+{}+{}", self.name, self.id(), to_base64(&key))
    }
}

/// The keys whose signatures count.
///
/// Always: no two of one name and id.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known(Vec<VerifierKey>);

impl Known {
    /// Takes keys; one that is given twice counts once.
    ///
    /// # Errors
    /// [`BadKey::Ambiguous`] for two keys that a signature line could not tell apart.
    pub fn new(keys: impl IntoIterator<Item = VerifierKey>) -> Result<Self, BadKey> {
        let mut known = Self::default();
        for key in keys {
            match known.find(&key.name, key.id()) {
                Some(same) if *same == key => {}
                Some(_) => return Err(BadKey::Ambiguous { id: key.id(), name: key.name }),
                None => known.0.push(key),
            }
        }
        Ok(known)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[VerifierKey] {
        &self.0
    }

    fn find(&self, name: &KeyName, id: KeyId) -> Option<&VerifierKey> {
        self.0.iter().find(|key| key.name == *name && key.id() == id)
    }
}

/// A key that signed, and when it says it did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedBy {
    /// The key.
    pub key: VerifierKey,
    /// The time in a cosignature.
    pub time: Option<Time>,
}

/// Why a note is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteRefused {
    /// A signature of a known key is wrong.
    #[error(
        "signature line {line} is of a known key and wrong; the note was altered or forged, keep it and alert"
    )]
    BadSignature {
        /// Which, counted from 1.
        line: usize,
    },
    /// No signature is of a known key.
    #[error("no signature is of a known key; give the verifier key of the log")]
    UnknownKeys,
}

/// A note whose signatures were checked.
///
/// Always: at least one known key signed it, and no known key's signature under it is wrong. There
/// is one way to get one:
///
/// ```compile_fail
/// use bailiwick_wire::ledger::{NoteText, OpenedNote};
/// fn forge(text: NoteText) -> OpenedNote {
///     OpenedNote { text, signers: Vec::new() }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenedNote {
    text: NoteText,
    signers: Vec<SignedBy>,
}

impl OpenedNote {
    /// What was signed.
    #[must_use]
    pub const fn text(&self) -> &NoteText {
        &self.text
    }

    /// The known keys that signed it, each once.
    #[must_use]
    pub fn signers(&self) -> &[SignedBy] {
        &self.signers
    }
}

impl SignedNote {
    /// Checks the signatures of known keys; those of unknown ones are ignored.
    ///
    /// # Errors
    /// [`NoteRefused`] when a known key's signature is wrong or no known key signed.
    pub fn open(&self, known: &Known) -> Result<OpenedNote, NoteRefused> {
        let mut signers: Vec<SignedBy> = Vec::new();
        for (number, line) in (1..).zip(self.signatures()) {
            let Some(key) = known.find(line.name(), line.id()) else { continue };
            let time = key
                .check(self.text(), line.signature())
                .ok_or(NoteRefused::BadSignature { line: number })?;
            if !signers.iter().any(|signer| signer.key == *key) {
                signers.push(SignedBy { key: key.clone(), time });
            }
        }
        if signers.is_empty() {
            return Err(NoteRefused::UnknownKeys);
        }
        Ok(OpenedNote { text: self.text().clone(), signers })
    }
}

/// The crypto library did not sign, which it does only when it is out of memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the ledger key did not sign; nothing was committed, try again")]
pub struct NotSigned;

/// The key pair that signs the ledger's checkpoints. Its name is the ledger's origin.
///
/// Always: an Ed25519 pair. It can be neither printed nor copied; the library wipes it when dropped.
pub struct LedgerKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl LedgerKey {
    /// Takes 32 random octets as the secret.
    ///
    /// # Errors
    /// [`BadKey::Secret`].
    pub fn from_seed(name: KeyName, seed: &Zeroizing<[u8; KEY_BYTES]>) -> Result<Self, BadKey> {
        Self::of(name, Ed25519KeyPair::from_seed_unchecked(seed.as_slice()))
    }

    /// Takes a PKCS #8 key (RFC 8410, section 7).
    ///
    /// # Errors
    /// [`BadKey::Secret`].
    pub fn from_pkcs8(name: KeyName, der: &Zeroizing<Vec<u8>>) -> Result<Self, BadKey> {
        Self::of(name, Ed25519KeyPair::from_pkcs8_maybe_unchecked(der))
    }

    fn of(name: KeyName, pair: Result<Ed25519KeyPair, KeyRejected>) -> Result<Self, BadKey> {
        let pair = pair.map_err(|_| BadKey::Secret)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| BadKey::Secret)?;
        Ok(Self { pair, verifier: VerifierKey::new(name, SignatureType::Ed25519, public) })
    }

    /// The public half, to hand out. Its name is the ledger's.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a text.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn sign(&self, text: NoteText) -> Result<SignedNote, NotSigned> {
        let signature = self.pair.try_sign(text.as_str().as_bytes()).map_err(|_| NotSigned)?;
        let name = self.verifier.name().clone();
        let line = SignatureLine::new(name, self.verifier.id(), signature.as_ref().to_vec());
        line.map(|line| SignedNote::new(text, line)).ok_or(NotSigned)
    }

    /// Signs a tree head as a checkpoint of this ledger. The caller has made sure that the tree only
    /// grew since the last one: two that do not lead to each other prove a fork to everyone.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn sign_checkpoint(&self, head: TreeHead) -> Result<SignedNote, NotSigned> {
        self.sign(Checkpoint::new(Origin::of(self.verifier.name()), head).to_text())
    }
}

impl fmt::Debug for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerKey({})", self.verifier)
    }
}
