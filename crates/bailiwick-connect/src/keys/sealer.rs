//! Sealing and opening.

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use super::file::{read_private, write_new};

/// First octet of everything sealed: the version of this form.
const VERSION: u8 = 1;
/// Rounds of PBKDF2-HMAC-SHA256 for a passphrase (OWASP's figure of 2023).
const ROUNDS: u32 = 600_000;
/// Octets of the sealing key, of a salt, and of the tag that GCM adds.
const KEY_OCTETS: usize = 32;
const SALT_OCTETS: usize = 16;

/// Why keys at rest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// A file cannot be read or written.
    #[error("`{path}` cannot be used: {cause}; check the folder and its permissions")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Others than this user can read a secret.
    #[error("`{path}` can be read by others; run `chmod 600` on it, and replace the keys if anybody did")]
    Exposed {
        /// Which.
        path: PathBuf,
    },
    /// The octets are not what was sealed, or were sealed with another key or for something else.
    #[error("{what} is damaged or was sealed with another key; restore it and `seal.key` from the same backup")]
    Damaged {
        /// What.
        what: String,
    },
    /// The crypto library failed.
    #[error("the crypto library failed at {0}; check the memory and the build")]
    Crypto(&'static str),
    /// There is no randomness.
    #[error("the system gives no randomness; check that /dev/urandom can be read")]
    NoRandomness,
}

/// Seals secrets and opens them again.
///
/// Always: no secret of it is printed, and none leaves it.
pub struct Sealer {
    key: LessSafeKey,
    random: Random,
}

/// Fills octets with randomness; injected.
type Random = Box<dyn Fn(&mut [u8]) -> bool + Send + Sync>;

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Opens the sealing key of a folder, and makes one at the first start.
    ///
    /// # Errors
    /// [`KeyFault`]; a key that others can read is refused.
    pub fn open(
        folder: &Path,
        random: impl Fn(&mut [u8]) -> bool + Send + Sync + 'static,
    ) -> Result<Self, KeyFault> {
        let path = folder.join("seal.key");
        if !path.exists() {
            let mut fresh = Zeroizing::new([0; KEY_OCTETS]);
            if !random(fresh.as_mut_slice()) {
                return Err(KeyFault::NoRandomness);
            }
            write_new(&path, fresh.as_slice())?;
        }
        let octets = read_private(&path)?;
        Self::with_key(&octets, random)
            .map_err(|_| KeyFault::Damaged { what: format!("`{}`", path.display()) })
    }

    /// Derives the sealing key from a passphrase and the salt that lies in the folder.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn with_passphrase(
        folder: &Path,
        passphrase: &str,
        random: impl Fn(&mut [u8]) -> bool + Send + Sync + 'static,
    ) -> Result<Self, KeyFault> {
        let path = folder.join("seal.salt");
        if !path.exists() {
            let mut fresh = [0; SALT_OCTETS];
            if !random(&mut fresh) {
                return Err(KeyFault::NoRandomness);
            }
            write_new(&path, &fresh)?;
        }
        let salt = read_private(&path)?;
        let rounds = NonZeroU32::new(ROUNDS).ok_or(KeyFault::Crypto("the rounds"))?;
        let mut key = Zeroizing::new([0; KEY_OCTETS]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            rounds,
            &salt,
            passphrase.as_bytes(),
            key.as_mut_slice(),
        );
        Self::with_key(key.as_slice(), random)
    }

    fn with_key(
        key: &[u8],
        random: impl Fn(&mut [u8]) -> bool + Send + Sync + 'static,
    ) -> Result<Self, KeyFault> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| KeyFault::Crypto("the sealing key"))?;
        Ok(Self { key: LessSafeKey::new(key), random: Box::new(random) })
    }

    /// Seals a secret for one purpose under one name.
    ///
    /// # Errors
    /// [`KeyFault::NoRandomness`] or [`KeyFault::Crypto`].
    pub fn seal(&self, purpose: &str, name: &str, secret: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let mut nonce = [0; NONCE_LEN];
        if !(self.random)(&mut nonce) {
            return Err(KeyFault::NoRandomness);
        }
        let mut sealed = secret.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                bound_to(purpose, name),
                &mut sealed,
            )
            .map_err(|_| KeyFault::Crypto("sealing"))?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the same purpose under the same name.
    ///
    /// # Errors
    /// [`KeyFault::Damaged`] when one octet differs.
    pub fn open_sealed(
        &self,
        purpose: &str,
        name: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let damaged = || KeyFault::Damaged { what: format!("the {purpose} `{name}`") };
        let (version, rest) = sealed.split_first().ok_or_else(damaged)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        if *version != VERSION {
            return Err(damaged());
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut octets = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .key
            .open_in_place(nonce, bound_to(purpose, name), octets.as_mut_slice())
            .map_err(|_| damaged())?
            .len();
        octets.truncate(length);
        Ok(octets)
    }
}

/// What a sealed secret is bound to. The length keeps purpose and name apart.
fn bound_to(purpose: &str, name: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("bailiwick/sealed/v1\n{}\n{purpose}\n{name}", purpose.len()).into_bytes())
}
