//! Sealed secrets in files.

use std::path::{Path, PathBuf};

use super::disk::{LocalDisk, Readers, put};
use super::fault::KeyFault;
use super::sealer::Sealer;
use super::secret::SecretBytes;

/// Writes a file whole or not at all, readable by this user alone, on the disk of this machine.
///
/// # Errors
/// [`KeyFault::Io`].
pub fn write_new(path: &Path, octets: &[u8]) -> Result<(), KeyFault> {
    put(&LocalDisk, path, octets, Readers::Owner).map_err(KeyFault::io(path))
}

/// Sealed secrets in a folder, one file each, on the sealer's disk.
pub struct KeyFiles<'a> {
    folder: PathBuf,
    sealer: &'a Sealer,
}

impl<'a> KeyFiles<'a> {
    /// The sealed files of a folder.
    #[must_use]
    pub const fn new(folder: PathBuf, sealer: &'a Sealer) -> Self {
        Self { folder, sealer }
    }

    /// Where the secret of this name lies.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sealed"))
    }

    /// The secret of this name; `None` when there is no such file.
    ///
    /// # Errors
    /// [`KeyFault`]; [`KeyFault::Damaged`] names the file.
    pub fn get(&self, purpose: &str, name: &str) -> Result<Option<SecretBytes>, KeyFault> {
        let path = self.path(name);
        match self.sealer.disk().read(&path).map_err(KeyFault::io(&path))? {
            Some(found) => self
                .sealer
                .open_own(purpose, name, &found.octets)
                .map(Some)
                .map_err(|_| KeyFault::damaged(&path)),
            None => Ok(None),
        }
    }

    /// Seals a secret under this name.
    ///
    /// # Errors
    /// [`KeyFault`]; then no file stands under the name that was not there before.
    pub fn put(&self, purpose: &str, name: &str, secret: &[u8]) -> Result<(), KeyFault> {
        let path = self.path(name);
        let sealed = self.sealer.seal(purpose, name, secret)?;
        put(self.sealer.disk(), &path, &sealed, Readers::Owner).map_err(KeyFault::io(&path))
    }

    /// The secret of this name; made by `fresh` and sealed at the first time.
    ///
    /// # Errors
    /// [`KeyFault`]; a file that is there but cannot be opened is never replaced.
    pub fn get_or_make<S: Into<SecretBytes>>(
        &self,
        purpose: &str,
        name: &str,
        fresh: impl FnOnce() -> Result<S, KeyFault>,
    ) -> Result<SecretBytes, KeyFault> {
        if let Some(secret) = self.get(purpose, name)? {
            return Ok(secret);
        }
        let secret = fresh()?.into();
        self.put(purpose, name, &secret)?;
        Ok(secret)
    }
}
