//! What an audit keeps beside its report while it runs: files without a name, and bits by number.
//!
//! Memory then does not grow with the list: of each name one bit is held, the rest is on disk. A file
//! without a name is gone with the process, however that ends.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

/// Creates a file beside `path` and takes its name away again.
pub(super) fn unnamed_beside(path: &Path) -> std::io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let file = OpenOptions::new().create_new(true).read(true).write(true).open(&name)?;
    std::fs::remove_file(&name)?;
    Ok(file)
}

/// Reads a file from a place on, whoever else reads or writes it.
pub(super) struct From {
    file: Arc<File>,
    at: u64,
}

impl From {
    pub(super) const fn start_of(file: Arc<File>) -> Self {
        Self { file, at: 0 }
    }
}

impl Read for From {
    fn read(&mut self, octets: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read_at(octets, self.at)?;
        self.at = self.at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        Ok(length)
    }
}

/// One bit for each number.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    /// How many are set.
    pub(crate) count: u64,
}

impl Bits {
    /// None set.
    pub(super) fn of(numbers: u64) -> Self {
        let words = usize::try_from(numbers.div_ceil(64)).unwrap_or(usize::MAX);
        Self { words: vec![0; words], count: 0 }
    }

    fn place(number: u64) -> (usize, u64) {
        (usize::try_from(number / 64).unwrap_or(usize::MAX), 1 << (number % 64))
    }

    /// Whether a number's is set; never one that is out of reach.
    pub(crate) fn has(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Sets a number's; says whether it was not set before.
    pub(super) fn set(&mut self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        let Some(word) = self.words.get_mut(word).filter(|word| **word & bit == 0) else {
            return false;
        };
        *word |= bit;
        self.count = self.count.saturating_add(1);
        true
    }
}
