//! Places on this host that a certificate and its key are put into: two files of one folder, and a
//! command that makes their server read them.
//!
//! Always: a file is there as before or as after, never half; the key can be read by its owner alone;
//! no shell reads the command, and it gets nothing of our environment but `PATH`.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::keys::SecretBytes;

/// The certificate with its chain, PEM.
const CHAIN: &str = "fullchain.pem";
/// Its private key, PEM.
const KEY: &str = "privkey.pem";
/// Octets of one of them at most: a chain of ten certificates is smaller.
const OCTETS_MAX: u64 = 256 * 1024;
/// Octets of what a command says that are kept.
const SAID_MAX: usize = 400;

/// A certificate with its chain and its key, both PEM.
pub struct Held {
    /// The certificate first.
    pub chain: Vec<u8>,
    /// The private key; empty where there is none.
    pub key: SecretBytes,
}

/// Something did not work in a place.
#[derive(Debug, thiserror::Error)]
pub enum NoPlace {
    /// A file or folder.
    #[error("`{path}`: {cause}; let its owner give Bailiwick the right to write there")]
    File {
        /// Which.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The command could not be started, so it told nobody.
    #[error("`{command}` cannot be started: {cause}")]
    NotStarted {
        /// Which.
        command: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The command says that it did not work.
    #[error("`{command}` ended with {status}: {said}")]
    Failed {
        /// Which.
        command: String,
        /// How it ended.
        status: String,
        /// What it said, its last words.
        said: String,
    },
    /// The command did not come to an end, so nobody knows whom it told.
    #[error("`{command}` did not end within {limit:?}; it was stopped")]
    TooLong {
        /// Which.
        command: String,
        /// How long it had.
        limit: Duration,
    },
}

impl NoPlace {
    /// Whether it may have worked all the same.
    #[must_use]
    pub const fn may_have_worked(&self) -> bool {
        matches!(self, Self::TooLong { .. })
    }
}

/// What is in a folder; `None` where there is no certificate.
///
/// # Errors
/// [`NoPlace::File`].
pub fn there(folder: &Path) -> Result<Option<Held>, NoPlace> {
    let Some(chain) = read(&folder.join(CHAIN))? else { return Ok(None) };
    let key = read(&folder.join(KEY))?.unwrap_or_default();
    Ok(Some(Held { chain, key: SecretBytes::from(key) }))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, NoPlace> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(at(path, cause)),
    };
    let mut octets = Vec::new();
    file.take(OCTETS_MAX).read_to_end(&mut octets).map_err(|cause| at(path, cause))?;
    Ok(Some(octets))
}

/// Puts a certificate into a folder; `None` empties it.
///
/// # Errors
/// [`NoPlace::File`]; then each file is as before or as after.
pub fn put(folder: &Path, held: Option<&Held>) -> Result<(), NoPlace> {
    let Some(held) = held else {
        remove(&folder.join(CHAIN))?;
        remove(&folder.join(KEY))?;
        return sync(folder);
    };
    // The key first: a server that reads in between finds the old certificate, and says so.
    let key = write(folder, KEY, &held.key, 0o600)?;
    let chain = write(folder, CHAIN, &held.chain, 0o644)?;
    for (from, name) in [(key, KEY), (chain, CHAIN)] {
        let to = folder.join(name);
        std::fs::rename(&from, &to).map_err(|cause| at(&to, cause))?;
    }
    sync(folder)
}

fn write(folder: &Path, name: &str, octets: &[u8], mode: u32) -> Result<PathBuf, NoPlace> {
    let path = folder.join(format!("{name}.new"));
    let failed = |cause| at(&path, cause);
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path);
    let mut file = open.map_err(failed)?;
    // A file that was left there by an earlier try keeps its own mode.
    file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(path)
}

fn remove(path: &Path) -> Result<(), NoPlace> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(at(path, cause)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), NoPlace> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(|cause| at(folder, cause))
}

fn at(path: &Path, cause: std::io::Error) -> NoPlace {
    NoPlace::File { path: path.display().to_string(), cause }
}

/// Runs a command to its end; an empty one tells nobody.
///
/// # Errors
/// [`NoPlace`] says whether it may have worked.
pub async fn tell(command: &[String], limit: Duration) -> Result<(), NoPlace> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let spelled = || command.join(" ");
    let mut run = Command::new(program);
    run.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    run.stderr(Stdio::piped()).kill_on_drop(true);
    run.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let child = run.spawn().map_err(|cause| NoPlace::NotStarted { command: spelled(), cause })?;
    let ended = timeout(limit, child.wait_with_output())
        .await
        .map_err(|_| NoPlace::TooLong { command: spelled(), limit })?
        .map_err(|cause| NoPlace::NotStarted { command: spelled(), cause })?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let words: String = said.trim().chars().rev().take(SAID_MAX).collect();
    let said = words.chars().rev().collect();
    Err(NoPlace::Failed { command: spelled(), status: ended.status.to_string(), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(text: &str) -> Held {
        Held { chain: text.as_bytes().to_vec(), key: SecretBytes::from(b"secret".to_vec()) }
    }

    #[test]
    fn what_was_put_is_there_and_only_its_owner_reads_the_key() {
        let folder = tempfile::tempdir().unwrap();
        assert!(there(folder.path()).unwrap().is_none());
        put(folder.path(), Some(&held("one"))).unwrap();
        put(folder.path(), Some(&held("two"))).unwrap();
        let found = there(folder.path()).unwrap().unwrap();
        assert_eq!((found.chain.as_slice(), found.key.as_slice()), (&b"two"[..], &b"secret"[..]));
        let mode = std::fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        put(folder.path(), None).unwrap();
        put(folder.path(), None).unwrap();
        assert!(there(folder.path()).unwrap().is_none());
        let nowhere = put(&folder.path().join("nowhere"), Some(&held("x"))).unwrap_err();
        assert!(!nowhere.may_have_worked(), "{nowhere}");
    }

    #[tokio::test]
    async fn a_command_is_run_without_a_shell_and_to_its_end() {
        let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let soon = Duration::from_secs(10);
        tell(&[], soon).await.unwrap();
        tell(&words(&["true", "; false"]), soon).await.unwrap();
        let failed = tell(&words(&["ls", "/nowhere/at/all"]), soon).await.unwrap_err();
        assert!(failed.to_string().contains("nowhere"), "{failed}");
        let none = tell(&words(&["no-such-program"]), soon).await.unwrap_err();
        assert!(matches!(none, NoPlace::NotStarted { .. }), "{none}");
        let long = tell(&words(&["sleep", "30"]), Duration::from_millis(50)).await.unwrap_err();
        assert!(long.may_have_worked(), "{long}");
    }
}
