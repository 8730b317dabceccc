//! Evidence of one control for a period, in one file that an auditor checks without us: entries of the
//! ledger with the way of each to a signed checkpoint, what they name by digest, and a summary to read.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::change::{Event, Receipt};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::ledger::{
    EntryBytes, InclusionProof, LeafIndex, PATH_MAX, ProofRefused, TreeHead,
};
use bailiwick_core::names::Digest;
use bailiwick_core::record::{Entry, Fact};
use bailiwick_core::shown::shown;
use bailiwick_core::time::Time;
use bailiwick_core::watch::REPORTED;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::form::BadForm;
use crate::ledger::{BadNote, CheckpointRefused, SignedNote, Trust};
use crate::record::{BadEntry, decode};

/// What the first member says.
pub const PACK_FORMAT: &str = "bailiwick-control-evidence/v1";
/// What it begins with in every version.
const FORMATS: &str = "bailiwick-control-evidence/";
/// Octets of a pack at most.
pub const PACK_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// A pack as it stands in its file. Nothing of it has been checked.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// [`PACK_FORMAT`].
    pub format: String,
    /// Which zone and view.
    pub zone: String,
    /// From when.
    pub from: String,
    /// Until when.
    pub until: String,
    /// What it says, for people; made of the leaves, line by line.
    pub summary: Vec<String>,
    /// The signed checkpoint, a C2SP note with the signature of the log and no other.
    pub checkpoint: String,
    /// Entries of the ledger, by their leaf.
    pub leaves: Vec<PackLeaf>,
    /// What the entries name by digest, all of it, in the order of the digests.
    pub evidence: Vec<PackEvidence>,
}

/// One entry.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackLeaf {
    /// The index of its leaf.
    pub leaf: u64,
    /// Its octets as they are hashed: canonical JSON.
    pub entry: String,
    /// The way to the root (RFC 6962, section 2.1.1), each hash in base64.
    pub path: Vec<String>,
}

/// Octets that an entry names.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackEvidence {
    /// SHA-256 of the octets, in hexadecimal digits.
    pub digest: String,
    /// What it is, such as `caa/v1`.
    pub kind: String,
    /// The octets, in base64.
    pub octets: String,
}

/// What is wrong with a pack, and where.
#[derive(Debug, thiserror::Error)]
pub enum WrongPack {
    /// Too large.
    #[error("a pack has at most {PACK_OCTETS_MAX} octets, and this file has more")]
    TooLarge,
    /// No JSON of its form: cut off, or another file.
    #[error("the file was altered, is not whole, or is no pack of evidence: {0}")]
    Form(BadForm),
    /// Another version of the format.
    #[error("it is `{}`, and this Bailiwick reads `{PACK_FORMAT}`; check it with a newer one", shown(.0))]
    Version(String),
    /// Another format.
    #[error("`format` was altered: it is not `{PACK_FORMAT}`")]
    Format,
    /// It is spelled otherwise than packs are.
    #[error("octet {0} was altered: packs are spelled in one way only")]
    Spelling(usize),
    /// A member at the top does not hold what it should.
    #[error("`{0}` was altered: it is not spelled as packs spell it")]
    Member(&'static str),
    /// The checkpoint is no signed note.
    #[error("the checkpoint was altered: {0}")]
    Note(#[from] BadNote),
    /// Other signatures stand beside the log's.
    #[error("the checkpoint was altered: a pack has the signature of the log and no other")]
    Signatures,
    /// Not signed by whom the auditor trusts.
    #[error("the checkpoint is not believed: {0}")]
    Checkpoint(#[from] CheckpointRefused),
    /// An entry or its way was altered.
    #[error("leaf {leaf}: its entry or its proof was altered: {cause}")]
    Leaf {
        /// Which.
        leaf: u64,
        /// How that shows.
        cause: ProofRefused,
    },
    /// A path is no path, or an entry is none.
    #[error("leaf {0} was altered: its path is not hashes in base64, or it is too large")]
    Path(u64),
    /// An entry that does not follow the one before.
    #[error("leaf {0} stands in the wrong place: leaves stand in their order, each once")]
    Order(u64),
    /// What the ledger does hold cannot be read here.
    #[error("leaf {leaf} stands in the ledger and cannot be read by this Bailiwick: {cause}")]
    Entry {
        /// Which.
        leaf: u64,
        /// Why.
        cause: BadEntry,
    },
    /// Octets are not those of their digest.
    #[error("evidence `{}` was altered: its octets have another digest", shown(.0))]
    Evidence(String),
    /// It is called something else than the leaf calls it.
    #[error("evidence `{0}` was altered: `kind` is not what the leaf says")]
    Kind(Digest),
    /// It does not follow the one before.
    #[error(
        "evidence `{0}` stands in the wrong place: it stands in the order of digests, each once"
    )]
    EvidenceOrder(Digest),
    /// No leaf names it.
    #[error("evidence `{0}` is named by no leaf")]
    Stray(Digest),
    /// A leaf names what is not there.
    #[error("leaf {leaf} names evidence `{digest}`, which is not in the file")]
    Missing {
        /// Which leaf.
        leaf: u64,
        /// What.
        digest: Digest,
    },
}

impl WrongPack {
    /// Whether nothing shows that the file was altered: this version cannot read it.
    #[must_use]
    pub const fn is_only_unreadable(&self) -> bool {
        matches!(self, Self::TooLarge | Self::Version(_) | Self::Entry { .. })
    }
}

/// A pack whose leaves are shown to be in the ledger, with all they name.
///
/// Always: made by [`Pack::open`].
#[derive(Debug)]
pub struct OpenPack {
    zone: ZoneKey,
    from: Time,
    until: Time,
    head: TreeHead,
    entries: BTreeMap<u64, Entry>,
    evidence: BTreeMap<Digest, Vec<u8>>,
}

impl OpenPack {
    /// Which zone and view.
    #[must_use]
    pub const fn zone(&self) -> &ZoneKey {
        &self.zone
    }

    /// From when, until when.
    #[must_use]
    pub const fn period(&self) -> (Time, Time) {
        (self.from, self.until)
    }

    /// The checkpoint.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// The entries by their leaves.
    #[must_use]
    pub const fn entries(&self) -> &BTreeMap<u64, Entry> {
        &self.entries
    }

    /// What they name.
    #[must_use]
    pub const fn evidence(&self) -> &BTreeMap<Digest, Vec<u8>> {
        &self.evidence
    }
}

/// The estate that an entry puts in force.
#[must_use]
pub fn activated(fact: &Fact) -> Option<Digest> {
    let Fact::Change { event, .. } = fact else { return None };
    let (Event::StepDone { receipt, .. } | Event::UndoDone { receipt, .. }) = &**event else {
        return None;
    };
    if let Receipt::EstateActivated { estate } = receipt { Some(*estate) } else { None }
}

/// What an entry of a control names by digest, and under which kind that is kept: the estate it puts in
/// force, what a canary saw and got, the report that opened an incident.
#[must_use]
pub fn named(fact: &Fact) -> Vec<(Digest, &'static str)> {
    let estate = activated(fact).map(|digest| (digest, "estate/v1"));
    let (mut canary, mut report) = (Vec::new(), None);
    if let Fact::CanaryTried(run) = fact {
        canary.extend(run.caa.map(|digest| (digest, "caa/v1")));
        let certificate = run.certificate.map(|one| Digest::from_bytes(*one.as_bytes()));
        canary.extend(certificate.map(|digest| (digest, "certificate")));
    }
    if let Fact::IncidentOpened(one) = fact {
        let rest = one.source.strip_prefix(REPORTED);
        let digest = rest.and_then(|rest| rest.split(',').next());
        report = digest.and_then(|text| Digest::parse(text).ok()).map(|one| (one, "report"));
    }
    estate.into_iter().chain(canary).chain(report).collect()
}

impl PackLeaf {
    /// An entry with its way.
    #[must_use]
    pub fn new(entry: &[u8], proof: &InclusionProof) -> Self {
        let path = proof.path.iter().map(|hash| STANDARD.encode(hash.as_bytes())).collect();
        let entry = String::from_utf8_lossy(entry).into_owned();
        Self { leaf: proof.index.get(), entry, path }
    }

    fn proof(&self) -> Option<InclusionProof> {
        if self.path.len() > PATH_MAX {
            return None;
        }
        let hash = |text: &String| {
            let octets: [u8; 32] = STANDARD.decode(text).ok()?.try_into().ok()?;
            Some(Digest::from_bytes(octets))
        };
        let path: Option<Vec<Digest>> = self.path.iter().map(hash).collect();
        Some(InclusionProof { index: LeafIndex::new(self.leaf).ok()?, path: path? })
    }

    /// The entry, shown to be in the ledger.
    fn open(&self, head: &TreeHead) -> Result<Entry, WrongPack> {
        let leaf = self.leaf;
        let proof = self.proof().ok_or(WrongPack::Path(leaf))?;
        let octets = EntryBytes::new(self.entry.clone().into_bytes());
        let octets = octets.map_err(|_| WrongPack::Path(leaf))?;
        let held = proof.verify(&octets.leaf_hash(), head);
        held.map_err(|cause| WrongPack::Leaf { leaf, cause })?;
        decode(octets.as_bytes()).map_err(|cause| WrongPack::Entry { leaf, cause })
    }
}

impl PackEvidence {
    /// Octets with their digest.
    #[must_use]
    pub fn new(kind: &str, octets: &[u8]) -> Self {
        let digest = Digest::of(octets).to_string();
        Self { digest, kind: kind.to_owned(), octets: STANDARD.encode(octets) }
    }

    fn open(&self) -> Result<(Digest, Vec<u8>), WrongPack> {
        let altered = || WrongPack::Evidence(self.digest.clone());
        let octets = STANDARD.decode(&self.octets).map_err(|_| altered())?;
        let digest = Digest::of(&octets);
        if digest.to_string() == self.digest { Ok((digest, octets)) } else { Err(altered()) }
    }
}

/// The first member, whatever else there is.
#[derive(Deserialize)]
struct Named {
    format: String,
}

impl Pack {
    /// The octets of its file; there is one spelling.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = serde_json::to_vec_pretty(self).unwrap_or_default();
        octets.push(b'\n');
        octets
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`WrongPack`].
    pub fn read(octets: &[u8]) -> Result<Self, WrongPack> {
        if octets.len() > PACK_OCTETS_MAX {
            return Err(WrongPack::TooLarge);
        }
        let form = |cause: serde_json::Error| WrongPack::Form(cause.into());
        let Named { format } = serde_json::from_slice(octets).map_err(form)?;
        if format != PACK_FORMAT {
            let version = format.starts_with(FORMATS);
            return Err(if version { WrongPack::Version(format) } else { WrongPack::Format });
        }
        let pack: Self = serde_json::from_slice(octets).map_err(form)?;
        let again = pack.encode();
        if again != octets {
            let same = again.iter().zip(octets).take_while(|(a, b)| a == b).count();
            return Err(WrongPack::Spelling(same));
        }
        Ok(pack)
    }

    /// Checks, offline, that every entry stands in the ledger that `trust` is about, and that everything
    /// they name is there and is what they name. Nobody signed `zone`, `from`, `until` and `summary`: whoever
    /// checks makes the summary anew, out of the entries and for that zone and period, and compares.
    ///
    /// # Errors
    /// [`WrongPack`] names the first thing that is not.
    pub fn open(&self, trust: &Trust) -> Result<OpenPack, WrongPack> {
        let note = SignedNote::parse(self.checkpoint.as_bytes())?;
        let head = trust.open(&note)?.head();
        if note.signatures().len() != 1 {
            return Err(WrongPack::Signatures);
        }
        let zone = ZoneKey::parse(&self.zone).filter(|zone| zone.to_string() == self.zone);
        let zone = zone.ok_or(WrongPack::Member("zone"))?;
        let (from, until) = (moment("from", &self.from)?, moment("until", &self.until)?);
        let entries = self.opened_leaves(&head)?;
        let evidence = self.opened_evidence(&entries)?;
        Ok(OpenPack { zone, from, until, head, entries, evidence })
    }

    fn opened_leaves(&self, head: &TreeHead) -> Result<BTreeMap<u64, Entry>, WrongPack> {
        let mut entries: BTreeMap<u64, Entry> = BTreeMap::new();
        for one in &self.leaves {
            if entries.last_key_value().is_some_and(|(last, _)| *last >= one.leaf) {
                return Err(WrongPack::Order(one.leaf));
            }
            entries.insert(one.leaf, one.open(head)?);
        }
        Ok(entries)
    }

    fn opened_evidence(
        &self,
        entries: &BTreeMap<u64, Entry>,
    ) -> Result<BTreeMap<Digest, Vec<u8>>, WrongPack> {
        let mut wanted: BTreeMap<Digest, (u64, BTreeSet<&str>)> = BTreeMap::new();
        for (leaf, entry) in entries {
            for (digest, kind) in named(&entry.fact) {
                wanted.entry(digest).or_insert((*leaf, BTreeSet::new())).1.insert(kind);
            }
        }
        let mut evidence: BTreeMap<Digest, Vec<u8>> = BTreeMap::new();
        for one in &self.evidence {
            let (digest, octets) = one.open()?;
            if evidence.last_key_value().is_some_and(|(last, _)| *last >= digest) {
                return Err(WrongPack::EvidenceOrder(digest));
            }
            let (_, kinds) = wanted.get(&digest).ok_or(WrongPack::Stray(digest))?;
            if !kinds.contains(one.kind.as_str()) {
                return Err(WrongPack::Kind(digest));
            }
            evidence.insert(digest, octets);
        }
        let missing = wanted.iter().find(|(digest, _)| !evidence.contains_key(*digest));
        match missing {
            Some((digest, (leaf, _))) => Err(WrongPack::Missing { leaf: *leaf, digest: *digest }),
            None => Ok(evidence),
        }
    }
}

fn moment(member: &'static str, text: &str) -> Result<Time, WrongPack> {
    let at = Time::parse(text).map_err(|_| WrongPack::Member(member))?;
    if at.to_string() == text { Ok(at) } else { Err(WrongPack::Member(member)) }
}
