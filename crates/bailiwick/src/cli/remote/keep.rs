//! Secrets in files that only their owner can read.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::NoAnswer;

/// A new, still empty file for a secret that is shown once. Made before the secret, so that a full disk or a
/// wrong path costs none; gone again unless it is written.
pub(super) struct SecretFile {
    path: PathBuf,
    file: File,
    written: bool,
}

impl SecretFile {
    /// # Errors
    /// The file is there already, or its folder cannot be written.
    pub(super) fn new(path: &Path) -> Result<Self, NoAnswer> {
        let made = make_folder(path)
            .and_then(|()| OpenOptions::new().create_new(true).write(true).mode(0o600).open(path));
        let remedy = "name a new file in a folder that you can write to";
        let file = made.map_err(|cause| unusable(path, &cause, remedy))?;
        Ok(Self { path: path.to_owned(), file, written: false })
    }

    /// # Errors
    /// The disk did not take it.
    pub(super) fn write(mut self, text: &str) -> Result<(), NoAnswer> {
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_all());
        let remedy = "revoke the credential that was just made, make room, and try again";
        written.map_err(|cause| unusable(&self.path, &cause, remedy))?;
        self.written = true;
        Ok(())
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        if !self.written {
            // An empty file that cannot be removed says nothing to anybody.
            let _gone = std::fs::remove_file(&self.path);
        }
    }
}

/// Keeps the token of this user, in place of the one before.
pub(super) fn token(path: &Path, token: &str) -> Result<(), NoAnswer> {
    let mut open = OpenOptions::new();
    open.create(true).truncate(true).write(true).mode(0o600);
    let kept = make_folder(path)
        .and_then(|()| open.open(path))
        .and_then(|mut file| file.write_all(token.as_bytes()));
    kept.map_err(|cause| unusable(path, &cause, "make the folder writable"))
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

fn unusable(path: &Path, cause: &std::io::Error, remedy: &'static str) -> NoAnswer {
    NoAnswer::File { path: path.display().to_string(), cause: cause.to_string(), remedy }
}
