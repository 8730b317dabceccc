//! The few operations on files that keys need, so that a test can kill the process at each.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Octets of a file that are read at most: keys and certificates have a few thousand.
const FILE_OCTETS_MAX: u64 = 1024 * 1024;
/// Permissions of a folder that holds secrets.
const FOLDER_MODE: u32 = 0o700;

/// Who may read a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Readers {
    /// This user alone.
    Owner,
    /// Everybody: certificates.
    Everybody,
}

/// A file that was read.
pub struct Found {
    /// What it holds.
    pub octets: Zeroizing<Vec<u8>>,
    /// Its permissions.
    pub mode: u32,
}

/// A disk. Each method is one step that is done, not done, or done in part when the power fails.
pub trait Disk: Send + Sync {
    /// Reads a file; `None` when there is none, an error when that cannot be known.
    ///
    /// # Errors
    /// As the system says; also for a file of more than 1 MiB.
    fn read(&self, path: &Path) -> io::Result<Option<Found>>;

    /// Makes a folder and those above it, where they are missing.
    ///
    /// # Errors
    /// As the system says.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Writes a file anew, and waits until its content is on the disk.
    ///
    /// # Errors
    /// As the system says.
    fn write(&self, path: &Path, octets: &[u8], readers: Readers) -> io::Result<()>;

    /// Gives a file another name at once, in place of the file that had it.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    ///
    /// # Errors
    /// As the system says.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Found>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(cause),
        };
        let mode = file.metadata()?.mode();
        let mut octets = Zeroizing::new(Vec::new());
        let length = file.take(FILE_OCTETS_MAX + 1).read_to_end(&mut octets)?;
        if u64::try_from(length).is_ok_and(|length| length <= FILE_OCTETS_MAX) {
            Ok(Some(Found { octets, mode }))
        } else {
            Err(io::Error::from(io::ErrorKind::FileTooLarge))
        }
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
    }

    fn write(&self, path: &Path, octets: &[u8], readers: Readers) -> io::Result<()> {
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::Everybody => 0o644,
        };
        let mut options = OpenOptions::new();
        let mut file = options.create(true).truncate(true).write(true).mode(mode).open(path)?;
        file.write_all(octets)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

/// The folder a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The name under which a file is written before it has its own.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

/// Writes a file whole: beside it first, to the disk, then under its name. A reader sees nothing or
/// all of it, whenever the process is killed.
///
/// # Errors
/// As the system says; then nothing stands under the name that was not there before.
pub fn put(disk: &dyn Disk, path: &Path, octets: &[u8], readers: Readers) -> io::Result<()> {
    let folder = folder_of(path);
    let beside = beside(path);
    disk.make_folder(folder)?;
    disk.write(&beside, octets, readers)?;
    disk.rename(&beside, path)?;
    disk.sync_folder(folder)
}
