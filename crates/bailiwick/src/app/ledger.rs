//! The ledger as it is served: checkpoint, tiles, entries with their proofs.

use bailiwick_core::ledger::{
    Bundle, EntryBytes, LeafIndex, TILE_WIDTH, TileSet, TreeSize, inclusion_proof, inclusion_tiles,
};
use bailiwick_wire::ledger::layout::Resource;
use bailiwick_wire::ledger::{ProofFile, SignedNote, bundle_bytes, tile_bytes};

use super::App;
use crate::fault::Fault;

impl App {
    /// The newest signed checkpoint, as a note.
    pub(crate) async fn checkpoint(&self) -> Result<Vec<u8>, Fault> {
        let newest = self.store.checkpoint().await?;
        newest.map(|row| row.note).ok_or_else(|| Fault::not_found("checkpoint"))
    }

    /// An entry's octets with the `.tlog-proof` that it is in the ledger.
    pub(crate) async fn entry_with_proof(&self, index: u64) -> Result<(Vec<u8>, String), Fault> {
        let missing = || Fault::not_found(format!("entry {index} of the ledger"));
        let leaf = LeafIndex::new(index).map_err(|_| missing())?;
        let (at, octets) = self.store.entry_octets(leaf, 1).await?.pop().ok_or_else(missing)?;
        if at != leaf {
            return Err(missing());
        }
        let newest = self.store.checkpoint().await?.ok_or_else(missing)?;
        let checkpoint = SignedNote::parse(&newest.note)
            .map_err(|cause| Fault::Damaged { message: format!("the checkpoint: {cause}") })?;
        let proof = self.proof(leaf, newest.head.size).await?;
        Ok((octets, ProofFile { extra: None, proof, checkpoint }.to_string()))
    }

    pub(super) async fn proof(
        &self,
        leaf: LeafIndex,
        size: TreeSize,
    ) -> Result<bailiwick_core::ledger::InclusionProof, Fault> {
        let no_proof = |cause: &dyn std::fmt::Display| Fault::Damaged {
            message: format!("no proof can be made for leaf {leaf}: {cause}"),
        };
        let mut tiles = TileSet::default();
        for id in inclusion_tiles(leaf, size).map_err(|cause| no_proof(&cause))? {
            let tile = id.in_tree(size).ok_or_else(|| no_proof(&"a tile is beyond the tree"))?;
            let hashes = self.store.tile(tile).await?;
            tiles.insert(id, hashes.ok_or_else(|| no_proof(&"a tile is not stored"))?);
        }
        inclusion_proof(leaf, size, &tiles).map_err(|cause| no_proof(&cause))
    }

    /// A tile or bundle; `None` where the ledger does not have it (yet).
    pub(crate) async fn ledger_resource(
        &self,
        resource: Resource,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let size = self.store.head().await?.size;
        if !resource.is_in(size) {
            return Ok(None);
        }
        match resource {
            Resource::Checkpoint => self.checkpoint().await.map(Some),
            Resource::Tile(tile) => {
                Ok(self.store.tile(tile).await?.map(|hashes| tile_bytes(&hashes)))
            }
            Resource::Entries(bundle) => self.bundle(bundle).await.map(Some),
        }
    }

    async fn bundle(&self, bundle: Bundle) -> Result<Vec<u8>, Fault> {
        let first = bundle.index.saturating_mul(u64::from(TILE_WIDTH));
        let from = LeafIndex::new(first).map_err(|_| Fault::bug("a bundle beyond the tree"))?;
        let rows = self.store.entry_octets(from, u32::from(bundle.width.get())).await?;
        let entries: Vec<EntryBytes> = rows
            .into_iter()
            .map(|(index, octets)| {
                EntryBytes::new(octets)
                    .map_err(|cause| Fault::Damaged { message: format!("entry {index}: {cause}") })
            })
            .collect::<Result<_, _>>()?;
        Ok(bundle_bytes(&entries))
    }
}
