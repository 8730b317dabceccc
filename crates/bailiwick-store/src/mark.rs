//! How far an embedded ledger was, noted beside its file: so that a file that was replaced by an older
//! one, or whose write-ahead log was deleted, is not taken for the present.
//!
//! A mark is never ahead of what is durable. It protects from mishaps; whoever rewrites the past on
//! purpose can rewrite a mark too, and is found by checkpoints held elsewhere.

use std::path::{Path, PathBuf};

use bailiwick_core::ledger::{TreeHead, TreeSize};
use bailiwick_core::names::Digest;
use bailiwick_core::record::Mismatch;

use crate::db::{Db, args, beside};
use crate::error::StoreError;
use crate::open::OpenError;
use crate::read::checkpoint;

/// The first line of the file.
const FIRST: &str = "bailiwick mark v1";

fn path_of(database: &Path) -> PathBuf {
    beside(database, ".mark")
}

/// Writes down how far the ledger is.
pub(crate) async fn note(db: &Db, database: &Path) {
    let noted = match newest(db).await {
        Ok(None) => return,
        Ok(Some(head)) => write(database, head).map_err(|why| why.to_string()),
        Err(why) => Err(why.to_string()),
    };
    if let Err(why) = noted {
        tracing::warn!(%why, "how far the ledger is could not be noted");
    }
}

async fn newest(db: &Db) -> Result<Option<TreeHead>, StoreError> {
    let newest = "SELECT size, root, note, at FROM checkpoint ORDER BY size DESC LIMIT 1";
    let row = db.first(newest, &[]).await?;
    Ok(row.map(checkpoint).transpose()?.map(|row| row.head))
}

/// Replaces the file in one piece.
fn write(database: &Path, head: TreeHead) -> std::io::Result<()> {
    let (path, fresh) = (path_of(database), beside(database, ".mark.new"));
    std::fs::write(&fresh, format!("{FIRST}\n{}\n{}\n", head.size, head.root))?;
    std::fs::rename(fresh, path)
}

/// Checks that the ledger is at least as far as it was noted, and the same one.
pub(crate) async fn check(db: &Db, database: &Path) -> Result<(), OpenError> {
    let path = path_of(database);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(OpenError::Io { path: path.display().to_string(), source }),
    };
    let shown = path.display().to_string();
    let Some((size, root)) = parse(&text) else {
        return Err(OpenError::BadMark { path: shown });
    };
    let found = newest(db).await?.map_or(TreeSize::EMPTY, |head| head.size);
    if found < size {
        return Err(OpenError::Older { path: shown, found, noted: size });
    }
    let one = "SELECT size, root, note, at FROM checkpoint WHERE size = $1";
    let stored = db.first(one, &args![size]).await?.map(checkpoint).transpose()?;
    if stored.is_some_and(|row| *row.head.root.digest() == root) {
        return Ok(());
    }
    Err(OpenError::Damaged(Mismatch {
        table: "checkpoint",
        key: size.to_string(),
        what: format!("it is not the one that `{shown}` names"),
    }))
}

fn parse(text: &str) -> Option<(TreeSize, Digest)> {
    let mut lines = text.lines();
    let first = lines.next().filter(|line| *line == FIRST);
    let size = lines.next()?.parse().ok().and_then(|size| TreeSize::new(size).ok())?;
    let root = Digest::parse(lines.next()?).ok()?;
    (first.is_some() && lines.next().is_none()).then_some((size, root))
}
