//! Which estate a start begins with: the active one, else the folder or the lab that was named.

use std::path::Path;

use bailiwick_core::estate::Estate;
use bailiwick_core::time::Time;
use bailiwick_store::Store;

use super::start::{NotStarted, Options};
use crate::fault::Fault;
use crate::lab::Lab;

/// Files of an estate folder at most, and octets of one: an estate is written by people.
const FILES_MAX: usize = 10_000;
const OCTETS_MAX: u64 = 1024 * 1024;
/// Folders within folders at most.
const DEPTH_MAX: usize = 8;

/// The estate to start with.
pub(super) async fn first_or_active(
    store: &Store,
    options: &Options,
    lab: Option<&Lab>,
    now: Time,
) -> Result<Estate, NotStarted> {
    if let Some(active) = store.active_estate().await.map_err(Fault::from)? {
        let stored = store.evidence(&active.digest).await.map_err(Fault::from)?;
        let stored = stored.ok_or_else(|| {
            NotStarted::Estate(
                "the active estate is not among the evidence; restore a backup".to_owned(),
            )
        })?;
        return bailiwick_wire::estate::decode(&stored.octets)
            .map_err(|cause| NotStarted::Estate(cause.to_string()));
    }
    if let Some(given) = &options.given {
        return Ok(given.clone());
    }
    let files = match (&options.estate, lab) {
        (Some(folder), _) => read_folder(folder).map_err(NotStarted::Estate)?,
        (None, Some(lab)) => lab.estate_files(),
        (None, None) => {
            return Err(NotStarted::Estate(
                "this data folder is empty and no estate was named; give one with --estate DIR, or \
                 try the lab with --lab"
                    .to_owned(),
            ));
        }
    };
    let estate = super::estate::read(&files).map_err(NotStarted::Estate)?;
    // The lab's people are there whenever it is started; elsewhere only a person confirms ownership.
    Ok(if lab.is_some() { estate.with_ownership_confirmed_at(now) } else { estate })
}

/// The TOML and Cedar files of a folder, as path relative to it and text.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    collect(folder, folder, 0, &mut files)?;
    if files.is_empty() {
        return Err(format!(
            "`{}` holds no .toml or .cedar file; is it the right folder?",
            folder.display()
        ));
    }
    files.sort();
    Ok(files)
}

/// TOML, Cedar, and the key sets of attestors.
fn is_of_estate(root: &Path, path: &Path) -> bool {
    let key_set = || path.parent() == Some(&root.join("attestors"));
    path.extension().is_some_and(|ending| {
        ending == "toml" || ending == "cedar" || (ending == "json" && key_set())
    })
}

fn collect(
    root: &Path,
    folder: &Path,
    depth: usize,
    files: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let failed = |path: &Path, cause: &dyn std::fmt::Display| {
        format!("`{}` cannot be read: {cause}", path.display())
    };
    if depth > DEPTH_MAX {
        return Err(failed(folder, &"too many folders within folders"));
    }
    for entry in std::fs::read_dir(folder).map_err(|cause| failed(folder, &cause))? {
        let path = entry.map_err(|cause| failed(folder, &cause))?.path();
        let kind = std::fs::symlink_metadata(&path).map_err(|cause| failed(&path, &cause))?;
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if kind.is_dir() {
            collect(root, &path, depth.saturating_add(1), files)?;
        } else if is_of_estate(root, &path) {
            if kind.len() > OCTETS_MAX {
                return Err(failed(&path, &"it has more than 1 MiB"));
            }
            let text = std::fs::read_to_string(&path).map_err(|cause| failed(&path, &cause))?;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            files.push((relative.to_string_lossy().into_owned(), text));
            if files.len() > FILES_MAX {
                return Err(failed(folder, &"it holds more than 10,000 files"));
            }
        }
    }
    Ok(())
}
