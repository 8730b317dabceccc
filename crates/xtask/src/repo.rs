//! The work tree: where it is, and which files belong to the project.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::run;
use crate::stop::Stop;

/// The folder of the workspace's Cargo.toml.
pub(crate) fn root() -> PathBuf {
    // cargo sets the variable when it runs us; a copied binary works from the root itself.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let above = own.as_deref().and_then(Path::parent).and_then(Path::parent);
    above.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Every file that is committed or would be by `git add .`, relative to the root, in order.
pub(crate) fn files(root: &Path) -> Result<Vec<String>, Stop> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = run::read("git", &args, root)?;
    let names: BTreeSet<&str> = listed.split('\0').filter(|n| !n.is_empty()).collect();
    // A file deleted but not yet committed is still listed.
    Ok(names.into_iter().filter(|n| root.join(n).is_file()).map(str::to_owned).collect())
}

/// Reads a text file; `None` when it is not UTF-8 (a picture, say).
pub(crate) fn text(root: &Path, name: &str) -> Result<Option<String>, Stop> {
    let path = root.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(source) => Err(Stop::File { doing: "read", path, source }),
    }
}

/// Writes a file, making its folder where needed.
pub(crate) fn write(root: &Path, name: &str, text: &str) -> Result<(), Stop> {
    let path = root.join(name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| Stop::File {
            doing: "make the folder of",
            path: path.clone(),
            source,
        })?;
    }
    std::fs::write(&path, text).map_err(|source| Stop::File { doing: "write", path, source })
}
