//! Sealing and opening.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use bailiwick_core::change::Warrant;
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::CredentialId;
use bailiwick_core::time::Time;

use super::disk::{Disk, LocalDisk};
use super::fault::KeyFault;
use super::secret::SecretBytes;
use super::unlock::{self, SealSecret};

/// First octets of everything sealed: what it is, and the version of this form.
const MARK: &[u8] = b"BWSEAL\x01";
/// What the MAC key of an ACME client's credential is sealed for.
const CREDENTIAL: &str = "acme-credential";
/// Octets of an AES-256 key.
pub(super) const KEY_OCTETS: usize = 32;

/// Fills octets with randomness, and says whether it did; injected.
pub(super) type Random = Box<dyn Fn(&mut [u8]) -> bool + Send + Sync>;

/// Seals secrets and opens them again.
///
/// Always: no secret of it is printed, and none leaves it.
pub struct Sealer {
    key: SealKey,
    disk: Arc<dyn Disk>,
    random: Random,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Opens the data key of a folder with the `seal.key` beside it; makes both at the first start.
    ///
    /// # Errors
    /// [`KeyFault`]; a `seal.key` that others can read is refused.
    pub fn open(
        folder: &Path,
        random: impl Fn(&mut [u8]) -> bool + Send + Sync + 'static,
    ) -> Result<Self, KeyFault> {
        Self::open_on(Arc::new(LocalDisk), folder, SealSecret::File, random)
    }

    /// Opens the data key of a folder with a passphrase; makes it at the first start.
    ///
    /// # Errors
    /// [`KeyFault`]; a passphrase of fewer than 12 characters is refused.
    pub fn with_passphrase(
        folder: &Path,
        passphrase: &str,
        random: impl Fn(&mut [u8]) -> bool + Send + Sync + 'static,
    ) -> Result<Self, KeyFault> {
        Self::open_on(Arc::new(LocalDisk), folder, SealSecret::Passphrase(passphrase), random)
    }

    /// Opens or makes the data key of a folder on a given disk.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Path,
        secret: SealSecret<'_>,
        random: impl Fn(&mut [u8]) -> bool + Send + Sync + 'static,
    ) -> Result<Self, KeyFault> {
        let key = unlock::data_key(disk.as_ref(), folder, &secret, &random)?;
        Ok(Self { key: SealKey::new(&key)?, disk, random: Box::new(random) })
    }

    /// The disk that sealed files lie on.
    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Octets nobody can guess.
    pub(crate) fn random_octets<const N: usize>(&self) -> Result<[u8; N], KeyFault> {
        random_octets(&self.random)
    }

    /// Seals a secret for one purpose under one name.
    ///
    /// # Errors
    /// [`KeyFault::NoRandomness`] or [`KeyFault::Crypto`].
    pub(super) fn seal(
        &self,
        purpose: &str,
        name: &str,
        secret: &[u8],
    ) -> Result<Vec<u8>, KeyFault> {
        self.key.seal(MARK, &bound_to(purpose, name), secret, &self.random)
    }

    /// Seals a secret of the house.
    ///
    /// # Errors
    /// [`KeyFault`] where no randomness comes.
    pub fn seal_secret(&self, what: &SealedSecret, secret: &[u8]) -> Result<Vec<u8>, KeyFault> {
        self.seal(what.bound_to(), &what.name(), secret)
    }

    /// Opens a secret of the house, for whoever holds a right to exactly this one. There is no other
    /// way to it (requirement TRW-7).
    ///
    /// # Errors
    /// [`KeyFault::NoWarrant`] where the right is to something else, or over; [`KeyFault::Damaged`].
    pub fn open_secret(
        &self,
        warrant: &Warrant,
        what: &SealedSecret,
        sealed: &[u8],
        now: Time,
    ) -> Result<SecretBytes, KeyFault> {
        if warrant.opens(what, now) {
            self.open_own(what.bound_to(), &what.name(), sealed)
        } else {
            let (purpose, name) = (what.purpose(), what.name());
            Err(KeyFault::NoWarrant { what: format!("{purpose} `{name}`"), by: warrant.what() })
        }
    }

    /// Seals the MAC key that an ACME client binds its account to us with.
    ///
    /// # Errors
    /// [`KeyFault`] where no randomness comes.
    pub fn seal_credential(&self, id: &CredentialId, key: &[u8]) -> Result<Vec<u8>, KeyFault> {
        self.seal(CREDENTIAL, id.as_str(), key)
    }

    /// Opens the MAC key that an ACME client binds its account to us with: it has power over nothing,
    /// and shows who a client is.
    ///
    /// # Errors
    /// [`KeyFault::Damaged`] when one octet differs.
    pub fn open_credential(
        &self,
        id: &CredentialId,
        sealed: &[u8],
    ) -> Result<SecretBytes, KeyFault> {
        self.open_own(CREDENTIAL, id.as_str(), sealed)
    }

    /// Opens what was sealed for the same purpose under the same name.
    ///
    /// # Errors
    /// [`KeyFault::Damaged`] when one octet differs.
    pub(super) fn open_own(
        &self,
        purpose: &str,
        name: &str,
        sealed: &[u8],
    ) -> Result<SecretBytes, KeyFault> {
        self.key
            .open(MARK, &bound_to(purpose, name), sealed)
            .ok_or_else(|| KeyFault::Damaged { what: format!("the {purpose} `{name}`") })
    }
}

/// What a secret is bound to. The length keeps purpose and name apart.
fn bound_to(purpose: &str, name: &str) -> Vec<u8> {
    format!("bailiwick sealed secret\n{}\n{purpose}\n{name}", purpose.len()).into_bytes()
}

pub(super) fn random_octets<const N: usize>(
    random: &dyn Fn(&mut [u8]) -> bool,
) -> Result<[u8; N], KeyFault> {
    let mut octets = [0; N];
    if random(&mut octets) { Ok(octets) } else { Err(KeyFault::NoRandomness) }
}

/// An AES-256-GCM key. What it makes starts with a head that is part of what the tag protects, then
/// the nonce, then the ciphertext with its tag: no octet of it can change.
pub(super) struct SealKey(LessSafeKey);

impl SealKey {
    pub(super) fn new(octets: &[u8]) -> Result<Self, KeyFault> {
        let key = UnboundKey::new(&AES_256_GCM, octets);
        key.map(|key| Self(LessSafeKey::new(key))).map_err(|_| KeyFault::Crypto("the sealing key"))
    }

    pub(super) fn seal(
        &self,
        head: &[u8],
        bound_to: &[u8],
        secret: &[u8],
        random: &dyn Fn(&mut [u8]) -> bool,
    ) -> Result<Vec<u8>, KeyFault> {
        // Random nonces are safe for 2^32 secrets under one key (SP 800-38D, section 8.3).
        let nonce: [u8; NONCE_LEN] = random_octets(random)?;
        let mut text = secret.to_vec();
        let sealing = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(sealing, Aad::from([head, bound_to].concat()), &mut text)
            .map_err(|_| KeyFault::Crypto("sealing"))?;
        Ok([head, &nonce, &text].concat())
    }

    /// `None` when any octet differs, or the key or what it is bound to does.
    pub(super) fn open(&self, head: &[u8], bound_to: &[u8], sealed: &[u8]) -> Option<SecretBytes> {
        let (nonce, text) = sealed.strip_prefix(head)?.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut octets = zeroize::Zeroizing::new(text.to_vec());
        let aad = Aad::from([head, bound_to].concat());
        let length = self.0.open_in_place(nonce, aad, octets.as_mut_slice()).ok()?.len();
        octets.truncate(length);
        Some(octets.into())
    }
}
