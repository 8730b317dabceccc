//! A folder of the measure's own, gone afterwards.

use std::os::unix::fs::DirBuilderExt as _;
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

    /// A place in it.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(cause) = std::fs::remove_dir_all(&self.0) {
            eprintln!("warning: `{}` could not be removed: {cause}", self.0.display());
        }
    }
}
