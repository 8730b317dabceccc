//! The ledger: entries, tiles, checkpoints.

use bailiwick_core::actor::Actor;
use bailiwick_core::change::Event;
use bailiwick_core::ledger::{
    Frontier, LeafHash, LeafIndex, RootHash, TILE_WIDTH, Tile, TileLevel, TreeHead, TreeSize,
};
use bailiwick_core::names::{ChangeId, Digest};
use bailiwick_core::record::{Entry, Fact};
use bailiwick_core::time::Time;

use crate::db::{Arg, Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::{LIMIT_MAX, clamp};

/// An entry and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredEntry {
    /// The index of its leaf.
    pub index: LeafIndex,
    /// The entry.
    pub entry: Entry,
}

/// An event of a change and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredEvent {
    /// The index of its leaf.
    pub index: LeafIndex,
    /// Its number in the change, from 0.
    pub seq: u32,
    /// The state it led to.
    pub state: String,
    /// When.
    pub at: Time,
    /// Who.
    pub by: Actor,
    /// The event.
    pub event: Event,
}

/// A signed head of the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckpointRow {
    /// Size and root.
    pub head: TreeHead,
    /// The signed note.
    pub note: Vec<u8>,
    /// Time of its last leaf.
    pub at: Time,
}

impl Store {
    /// How often it was said that the store was restored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn restores(&self) -> Result<u32, StoreError> {
        let count = "SELECT COUNT(*) FROM entry \
            WHERE subject = 'store' AND kind = 'store.restored'";
        let row = self.inner.db.first(count, &[]).await?.unwrap_or_default();
        Reader::new("entry", row).number()
    }

    /// When that was last said, if it ever was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn restored_at(&self) -> Result<Option<Time>, StoreError> {
        let last = "SELECT at FROM entry \
            WHERE subject = 'store' AND kind = 'store.restored' ORDER BY idx DESC LIMIT 1";
        let row = self.inner.db.first(last, &[]).await?;
        row.map(|row| Reader::new("entry", row).time()).transpose()
    }

    /// How far the ledger is: size, root and what is needed to go on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn frontier(&self) -> Result<Frontier, StoreError> {
        let head = "SELECT size, frontier FROM ledger_head WHERE one = 1";
        let row = self.inner.db.first(head, &[]).await?.unwrap_or_default();
        let mut row = Reader::new("ledger_head", row);
        let size = TreeSize::from_i64(row.int()?).map_err(|why| row.damaged(why))?;
        let roots = row.bytes()?;
        Frontier::from_parts(size, &roots).map_err(|why| row.damaged(why))
    }

    /// Size and root of the ledger.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn head(&self) -> Result<TreeHead, StoreError> {
        self.frontier().await.map(|frontier| frontier.head())
    }

    /// One entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn entry(&self, index: LeafIndex) -> Result<Option<Entry>, StoreError> {
        let one = "SELECT idx, body FROM entry WHERE idx = $1";
        let row = self.inner.db.first(one, &args![index]).await?;
        row.map(|row| stored(row).map(|stored| stored.entry)).transpose()
    }

    /// Entries from an index on, at most [`LIMIT_MAX`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn entries(
        &self,
        from: LeafIndex,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let some = "SELECT idx, body FROM entry WHERE idx >= $1 ORDER BY idx LIMIT $2";
        let rows = self.inner.db.all(some, &args![from, clamp(limit)]).await?;
        rows.into_iter().map(stored).collect()
    }

    /// The newest entries, the newest first; those before an index where one is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn entries_before(
        &self,
        before: Option<LeafIndex>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let before = before.map_or(i64::MAX, LeafIndex::as_i64);
        let some = "SELECT idx, body FROM entry WHERE idx < $1 ORDER BY idx DESC LIMIT $2";
        let rows = self.inner.db.all(some, &args![before, clamp(limit)]).await?;
        rows.into_iter().map(stored).collect()
    }

    /// The octets of entries from an index on, as they are hashed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn entry_octets(
        &self,
        from: LeafIndex,
        limit: u32,
    ) -> Result<Vec<(LeafIndex, Vec<u8>)>, StoreError> {
        let some = "SELECT idx, body FROM entry WHERE idx >= $1 ORDER BY idx LIMIT $2";
        let rows = self.inner.db.all(some, &args![from, clamp(limit)]).await?;
        rows.into_iter()
            .map(|row| {
                let mut row = Reader::new("entry", row);
                Ok((index(&mut row)?, row.bytes()?))
            })
            .collect()
    }

    /// The entries about one subject, such as `change/<id>`, the oldest first; at most
    /// [`LIMIT_MAX`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn entries_of(&self, subject: &str) -> Result<Vec<StoredEntry>, StoreError> {
        let some = "SELECT idx, body FROM entry WHERE subject = $1 ORDER BY idx LIMIT $2";
        let rows = self.inner.db.all(some, &[Arg::from(subject), Arg::from(LIMIT_MAX)]).await?;
        rows.into_iter().map(stored).collect()
    }

    /// Every event of a change, the oldest first; none when there is no such change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_events(&self, id: &ChangeId) -> Result<Vec<StoredEvent>, StoreError> {
        let all = "SELECT idx, body FROM entry WHERE subject = $1 ORDER BY idx";
        let rows = self.inner.db.all(all, &args![format!("change/{id}")]).await?;
        let mut events = Vec::new();
        for row in rows {
            let StoredEntry { index, entry } = stored(row)?;
            // Decisions about the change have the same subject.
            if let Fact::Change { seq, state, event, .. } = entry.fact {
                let (at, by, event) = (entry.at, entry.by, *event);
                events.push(StoredEvent { index, seq, state, at, by, event });
            }
        }
        Ok(events)
    }

    /// The report of the newest rehearsal of a change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rehearsal(&self, id: &ChangeId) -> Result<Option<Digest>, StoreError> {
        let last = "SELECT idx, body FROM entry WHERE subject = $1 AND kind = $2 \
            ORDER BY idx DESC LIMIT 1";
        let rows =
            self.inner.db.all(last, &args![format!("change/{id}"), "rehearsal.done"]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let fact = stored(row)?.entry.fact;
        Ok(if let Fact::ChangeRehearsed { report, .. } = fact { Some(report) } else { None })
    }

    /// Leaf hashes from an index on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leaf_hashes(
        &self,
        from: LeafIndex,
        limit: u32,
    ) -> Result<Vec<LeafHash>, StoreError> {
        let some = "SELECT leaf_hash FROM entry WHERE idx >= $1 ORDER BY idx LIMIT $2";
        let rows = self.inner.db.all(some, &args![from, clamp(limit)]).await?;
        rows.into_iter()
            .map(|row| Reader::new("entry", row).digest().map(LeafHash::from_digest))
            .collect()
    }

    /// The hashes of a tile in that width; nothing when the ledger is not that far yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tile(&self, tile: Tile) -> Result<Option<Vec<Digest>>, StoreError> {
        let wanted = usize::from(tile.width.get());
        let Ok(at) = i64::try_from(tile.id.index) else { return Ok(None) };
        let hashes = match self.full_tile(tile.id.level, at).await? {
            Some(hashes) => hashes,
            None => self.growing_tile(tile.id.level, at).await?,
        };
        Ok(hashes.get(..wanted).map(<[Digest]>::to_vec))
    }

    async fn full_tile(
        &self,
        level: TileLevel,
        at: i64,
    ) -> Result<Option<Vec<Digest>>, StoreError> {
        let full = "SELECT hashes FROM tile WHERE level = $1 AND idx = $2";
        let Some(row) = self.inner.db.first(full, &args![i64::from(level.get()), at]).await? else {
            return Ok(None);
        };
        let mut row = Reader::new("tile", row);
        let octets = row.bytes()?;
        let (hashes, rest) = octets.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() != usize::from(TILE_WIDTH) {
            return Err(row.damaged("a full tile has 256 hashes"));
        }
        Ok(Some(hashes.iter().copied().map(Digest::from_bytes).collect()))
    }

    async fn growing_tile(&self, level: TileLevel, at: i64) -> Result<Vec<Digest>, StoreError> {
        let first = at.saturating_mul(i64::from(TILE_WIDTH));
        let end = first.saturating_add(i64::from(TILE_WIDTH));
        let rows = if level == TileLevel::LEAVES {
            let leaves = "SELECT leaf_hash FROM entry WHERE idx >= $1 AND idx < $2 ORDER BY idx";
            self.inner.db.all(leaves, &args![first, end]).await?
        } else {
            let below = i64::from(level.get()).saturating_sub(1);
            let roots =
                "SELECT root FROM tile WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
            self.inner.db.all(roots, &args![below, first, end]).await?
        };
        rows.into_iter().map(|row| Reader::new("tile", row).digest()).collect()
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checkpoint(&self) -> Result<Option<CheckpointRow>, StoreError> {
        let newest = "SELECT size, root, note, at FROM checkpoint ORDER BY size DESC LIMIT 1";
        self.inner.db.first(newest, &[]).await?.map(checkpoint).transpose()
    }

    /// The checkpoint of exactly that size.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checkpoint_at(&self, size: TreeSize) -> Result<Option<CheckpointRow>, StoreError> {
        let one = "SELECT size, root, note, at FROM checkpoint WHERE size = $1";
        self.inner.db.first(one, &args![size]).await?.map(checkpoint).transpose()
    }

    /// Checkpoints larger than a size, the smallest first. The first of them is the one that
    /// covers the leaf with that index.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checkpoints(
        &self,
        larger_than: TreeSize,
        limit: u32,
    ) -> Result<Vec<CheckpointRow>, StoreError> {
        let some =
            "SELECT size, root, note, at FROM checkpoint WHERE size > $1 ORDER BY size LIMIT $2";
        let rows = self.inner.db.all(some, &args![larger_than, clamp(limit)]).await?;
        rows.into_iter().map(checkpoint).collect()
    }
}

pub(crate) fn index(row: &mut Reader) -> Result<LeafIndex, StoreError> {
    let index = row.int()?;
    LeafIndex::from_i64(index).map_err(|why| row.damaged(why))
}

pub(super) fn stored(row: Vec<Cell>) -> Result<StoredEntry, StoreError> {
    let mut row = Reader::new("entry", row);
    let index = index(&mut row)?;
    let body = row.bytes()?;
    let entry = bailiwick_wire::record::decode(&body).map_err(|why| row.damaged(why))?;
    Ok(StoredEntry { index, entry })
}

pub(crate) fn checkpoint(row: Vec<Cell>) -> Result<CheckpointRow, StoreError> {
    let mut row = Reader::new("checkpoint", row);
    let size = TreeSize::from_i64(row.int()?).map_err(|why| row.damaged(why))?;
    let root = RootHash::from_digest(row.digest()?);
    Ok(CheckpointRow { head: TreeHead { size, root }, note: row.bytes()?, at: row.time()? })
}
