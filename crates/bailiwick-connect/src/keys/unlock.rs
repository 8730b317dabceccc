//! The data key: made once, sealed under a file's key or a passphrase, and opened at each start.
//!
//! With a file the order is: the new `seal.key` beside its name, then `data.key`, then the name.
//! So whoever finds `seal.key` knows that `data.key` was there, and its absence is a loss that is
//! told, never a first start that would quietly make everything sealed before unreadable.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use aws_lc_rs::pbkdf2;
use bailiwick_core::names::Digest;
use zeroize::Zeroizing;

use super::disk::{Disk, Readers, beside, folder_of, put};
use super::fault::KeyFault;
use super::sealer::{KEY_OCTETS, SealKey, random_octets};
use super::secret::SecretBytes;

/// Rounds of PBKDF2-HMAC-SHA256 (OWASP's figure of 2023 for this function).
const ROUNDS: u32 = 600_000;
/// More rounds than this in a file are damage, not caution: they would hold the start for minutes.
const ROUNDS_MAX: u32 = 10_000_000;
/// Octets of a salt (SP 800-132, section 5.1 asks for 16).
const SALT_OCTETS: usize = 16;
/// Characters of a passphrase at least; what has fewer can be guessed from a stolen folder.
const PASSPHRASE_CHARS_MIN: usize = 12;

/// First octets of `data.key`: the last of them says what it is sealed with.
const MARK_FILE: &[u8] = b"BWDATAKEY\x01f";
/// See [`MARK_FILE`]. Rounds and salt follow.
const MARK_PASSPHRASE: &[u8] = b"BWDATAKEY\x01p";
/// What the data key is bound to.
const BOUND_TO: &[u8] = b"bailiwick data key";
/// First word of `seal.key`.
const SEAL_KEY_WORD: &str = "bailiwick-seal-key-1";
/// Hexadecimal digits at the end of `seal.key` that tell damage of it from damage of `data.key`.
const CHECK_DIGITS: usize = 8;

/// What opens the data key.
pub enum SealSecret<'a> {
    /// The file `seal.key` in the folder.
    File,
    /// A passphrase, which is kept elsewhere.
    Passphrase(&'a str),
}

/// The data key of `folder`.
pub(super) fn data_key(
    disk: &dyn Disk,
    folder: &Path,
    secret: &SealSecret<'_>,
    random: &dyn Fn(&mut [u8]) -> bool,
) -> Result<SecretBytes, KeyFault> {
    let start =
        Start { disk, random, path: folder.join("data.key"), seal: folder.join("seal.key") };
    let found = start.read(&start.path)?;
    match (secret, found) {
        (SealSecret::File, found) => start.by_file(found.as_ref().map(|found| found.as_slice())),
        (SealSecret::Passphrase(words), found) => {
            if words.chars().count() < PASSPHRASE_CHARS_MIN {
                return Err(KeyFault::ShortPassphrase { chars_min: PASSPHRASE_CHARS_MIN });
            }
            start.by_passphrase(words, found.as_ref().map(|found| found.as_slice()))
        }
    }
}

struct Start<'a> {
    disk: &'a dyn Disk,
    random: &'a dyn Fn(&mut [u8]) -> bool,
    path: PathBuf,
    seal: PathBuf,
}

impl Start<'_> {
    fn read(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFault> {
        let found = self.disk.read(path).map_err(KeyFault::io(path))?;
        Ok(found.map(|found| found.octets))
    }

    fn by_file(&self, sealed: Option<&[u8]>) -> Result<SecretBytes, KeyFault> {
        match (self.seal_key(&self.seal)?, sealed) {
            (Some(key), Some(sealed)) => self.open_by_file(&key, sealed),
            (Some(_), None) => Err(KeyFault::Lost { path: self.path.clone() }),
            (None, None) => self.make_by_file(),
            (None, Some(sealed)) => {
                if sealed.starts_with(MARK_PASSPHRASE) {
                    return Err(self.other("a passphrase"));
                }
                // Killed between writing `data.key` and naming `seal.key`: finish.
                let lost = || KeyFault::Lost { path: self.seal.clone() };
                let key = self.seal_key(&beside(&self.seal))?.ok_or_else(lost)?;
                let data_key = self.open_by_file(&key, sealed)?;
                self.name_seal_key()?;
                Ok(data_key)
            }
        }
    }

    fn make_by_file(&self) -> Result<SecretBytes, KeyFault> {
        let key = Zeroizing::new(random_octets::<KEY_OCTETS>(self.random)?);
        let beside = beside(&self.seal);
        let text = spell_seal_key(&key);
        let folder = folder_of(&self.seal);
        self.disk.make_folder(folder).map_err(KeyFault::io(folder))?;
        self.disk.write(&beside, text.as_bytes(), Readers::Owner).map_err(KeyFault::io(&beside))?;
        self.disk.sync_folder(folder).map_err(KeyFault::io(folder))?;
        let data_key = self.make_sealed(&SealKey::new(key.as_slice())?, MARK_FILE)?;
        self.name_seal_key()?;
        Ok(data_key)
    }

    fn name_seal_key(&self) -> Result<(), KeyFault> {
        let named = self
            .disk
            .rename(&beside(&self.seal), &self.seal)
            .and_then(|()| self.disk.sync_folder(folder_of(&self.seal)));
        named.map_err(KeyFault::io(&self.seal))
    }

    fn open_by_file(&self, key: &[u8], sealed: &[u8]) -> Result<SecretBytes, KeyFault> {
        if sealed.starts_with(MARK_PASSPHRASE) {
            return Err(self.other("a passphrase"));
        }
        let opened = SealKey::new(key)?.open(MARK_FILE, BOUND_TO, sealed);
        opened.ok_or_else(|| KeyFault::damaged(&self.path))
    }

    /// Reads a `seal.key`; refused when others can read it too.
    fn seal_key(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFault> {
        let Some(found) = self.disk.read(path).map_err(KeyFault::io(path))? else {
            return Ok(None);
        };
        if found.mode & 0o077 != 0 {
            return Err(KeyFault::Exposed { path: path.to_owned(), mode: found.mode & 0o777 });
        }
        read_seal_key(&found.octets).map(Some).ok_or_else(|| KeyFault::damaged(path))
    }

    fn by_passphrase(&self, words: &str, sealed: Option<&[u8]>) -> Result<SecretBytes, KeyFault> {
        let damaged = || KeyFault::damaged(&self.path);
        let Some(sealed) = sealed else {
            if self.read(&self.seal)?.is_some() {
                return Err(KeyFault::Lost { path: self.path.clone() });
            }
            let salt: [u8; SALT_OCTETS] = random_octets(self.random)?;
            let head = [MARK_PASSPHRASE, &ROUNDS.to_be_bytes(), &salt].concat();
            return self.make_sealed(&derive(words, ROUNDS, &salt)?, &head);
        };
        if sealed.starts_with(MARK_FILE) {
            return Err(self.other("`seal.key`"));
        }
        let rest = sealed.strip_prefix(MARK_PASSPHRASE).ok_or_else(damaged)?;
        let (rounds, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (salt, _) = rest.split_first_chunk::<SALT_OCTETS>().ok_or_else(damaged)?;
        let count = u32::from_be_bytes(*rounds);
        if !(ROUNDS..=ROUNDS_MAX).contains(&count) {
            return Err(damaged());
        }
        let head = [MARK_PASSPHRASE, rounds, salt].concat();
        derive(words, count, salt)?.open(&head, BOUND_TO, sealed).ok_or_else(damaged)
    }

    fn make_sealed(&self, key: &SealKey, head: &[u8]) -> Result<SecretBytes, KeyFault> {
        let fresh: [u8; KEY_OCTETS] = random_octets(self.random)?;
        let data_key = SecretBytes::from(fresh.to_vec());
        let sealed = key.seal(head, BOUND_TO, &data_key, self.random)?;
        put(self.disk, &self.path, &sealed, Readers::Owner).map_err(KeyFault::io(&self.path))?;
        Ok(data_key)
    }

    fn other(&self, with: &'static str) -> KeyFault {
        KeyFault::OtherSecret { path: self.path.clone(), with }
    }
}

fn derive(words: &str, rounds: u32, salt: &[u8]) -> Result<SealKey, KeyFault> {
    let rounds = NonZeroU32::new(rounds).ok_or(KeyFault::Crypto("the rounds"))?;
    let mut key = Zeroizing::new([0; KEY_OCTETS]);
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, rounds, salt, words.as_bytes(), key.as_mut_slice());
    SealKey::new(key.as_slice())
}

fn spell_seal_key(key: &[u8; KEY_OCTETS]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(format!("{SEAL_KEY_WORD} "));
    text.extend(key.iter().flat_map(|octet| [octet >> 4, octet & 0x0f]).map(digit));
    text.push(' ');
    text.extend(Digest::of(key).to_string().chars().take(CHECK_DIGITS));
    text.push('\n');
    text
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

/// Exactly the octets that [`spell_seal_key`] writes, or nothing.
fn read_seal_key(octets: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(octets).ok()?;
    let digits = text.strip_prefix(SEAL_KEY_WORD)?.strip_prefix(' ')?.split(' ').next()?;
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let value =
        |octet: &u8| char::from(*octet).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut key = Zeroizing::new(Vec::with_capacity(KEY_OCTETS));
    for [high, low] in pairs {
        key.push(value(high)? << 4 | value(low)?);
    }
    let spelled = spell_seal_key(key.as_slice().try_into().ok()?);
    (spelled.as_bytes() == octets).then_some(key)
}
