//! A folder of the measure's own, gone afterwards.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::fault::NotMeasured;
use crate::world::World;

/// A folder that is removed when this is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one in the folder for temporary files (`TMPDIR`). Where that is memory, nothing written
    /// there is durable; the report names the file system.
    pub(super) fn new(world: &World) -> Result<Self, NotMeasured> {
        let random: [u8; 6] = world.octets()?;
        let digits: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
        let path = std::env::temp_dir().join(format!("bailiwick-bench-{digits}"));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(NotMeasured::system("a folder for the measure cannot be made"))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// KiB that the files of a place in it have on the disk, folders in it included.
    pub(super) fn stored_kib(&self, name: &str) -> Result<f64, NotMeasured> {
        let failed = NotMeasured::system("the size of the store cannot be read");
        let kib = blocks(&self.at(name)).map_err(failed)? / 2;
        Ok(u32::try_from(kib).map_or(f64::INFINITY, f64::from))
    }

    /// A place in it.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// Blocks of 512 octets that a folder takes (stat(2)).
fn blocks(folder: &Path) -> std::io::Result<u64> {
    let mut sum: u64 = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // What went away meanwhile takes nothing.
        let Ok(about) = entry.metadata() else { continue };
        let its = if about.is_dir() { blocks(&entry.path())? } else { about.blocks() };
        sum = sum.saturating_add(its);
    }
    Ok(sum)
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(cause) = std::fs::remove_dir_all(&self.0) {
            eprintln!("warning: `{}` could not be removed: {cause}", self.0.display());
        }
    }
}
