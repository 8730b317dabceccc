//! Files that hold secrets: written whole or not at all, readable by this user alone.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::sealer::{KeyFault, Sealer};

fn io(path: &Path) -> impl Fn(std::io::Error) -> KeyFault + '_ {
    move |cause| KeyFault::Io { path: path.to_owned(), cause }
}

/// Writes a file whole: beside it first, to the disk, then under its name. A reader sees nothing or
/// all of it, whenever the process is killed.
///
/// # Errors
/// [`KeyFault::Io`].
pub fn write_new(path: &Path, octets: &[u8]) -> Result<(), KeyFault> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io(folder))?;
    let beside = path.with_extension("new");
    let mut open = OpenOptions::new();
    let mut file =
        open.create(true).truncate(true).write(true).mode(0o600).open(&beside).map_err(io(&beside))?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(io(&beside))?;
    std::fs::rename(&beside, path).map_err(io(path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))
}

/// Reads a file that nobody else may read.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let metadata = std::fs::metadata(path).map_err(io(path))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(KeyFault::Exposed { path: path.to_owned() });
    }
    std::fs::read(path).map(Zeroizing::new).map_err(io(path))
}

/// Sealed secrets in a folder, one file each.
#[derive(Debug)]
pub struct KeyFiles<'a> {
    folder: PathBuf,
    sealer: &'a Sealer,
}

impl<'a> KeyFiles<'a> {
    /// The sealed files of a folder.
    #[must_use]
    pub fn new(folder: PathBuf, sealer: &'a Sealer) -> Self {
        Self { folder, sealer }
    }

    /// The secret of this name; made by `fresh` and sealed at the first time.
    ///
    /// # Errors
    /// [`KeyFault`]; a file that is there but cannot be opened is never replaced.
    pub fn get_or_make(
        &self,
        purpose: &str,
        name: &str,
        fresh: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, KeyFault>,
    ) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let path = self.folder.join(format!("{name}.sealed"));
        if path.exists() {
            let sealed = read_private(&path)?;
            return self.sealer.open_sealed(purpose, name, &sealed);
        }
        let secret = fresh()?;
        write_new(&path, &self.sealer.seal(purpose, name, &secret)?)?;
        Ok(secret)
    }
}
