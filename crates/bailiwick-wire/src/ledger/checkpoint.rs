//! Checkpoints: a log's name, size and root as a signed note (c2sp.org/tlog-checkpoint).

use std::collections::BTreeSet;

use bailiwick_core::ledger::{RootHash, TreeHead, TreeSize};
use bailiwick_core::names::Digest;
use bailiwick_core::shown::shown;
use bailiwick_core::time::Time;

use super::key::{BadKey, Known, NoteRefused, SignatureType, VerifierKey};
use super::note::{BadNote, KeyName, NoteText, SignedNote, decimal, from_base64, to_base64};

/// Which log: the first line of its checkpoints.
///
/// Always: not empty, no control character.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Origin(String);

impl Origin {
    /// Parses an origin.
    ///
    /// # Errors
    /// [`BadCheckpoint::Origin`].
    pub fn parse(text: &str) -> Result<Self, BadCheckpoint> {
        let fits = !text.is_empty() && text.bytes().all(|b| b >= 0x20);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadCheckpoint::Origin) }
    }

    /// The origin of the log whose key has that name.
    #[must_use]
    pub fn of(name: &KeyName) -> Self {
        Self(name.as_str().to_owned())
    }

    /// The origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a note's text is not a checkpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadCheckpoint {
    /// The first line is empty.
    #[error("a checkpoint begins with the origin of its log; take the file as it was served")]
    Origin,
    /// The second line is not a plain decimal number below 2^63.
    #[error(
        "the second line of a checkpoint is the size of the tree; take the file as it was served"
    )]
    Size,
    /// The third line is not 32 octets in base64.
    #[error("the third line of a checkpoint is the root in base64; take the file as it was served")]
    Root,
    /// A further line is empty.
    #[error("the lines of a checkpoint are not empty; take the file as it was served")]
    Extension,
}

/// What a log says it holds. Unsigned, so nothing to rely on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    origin: Origin,
    head: TreeHead,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines, which the format discourages.
    #[must_use]
    pub const fn new(origin: Origin, head: TreeHead) -> Self {
        Self { origin, head, extensions: Vec::new() }
    }

    /// Which log.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its size and root.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// Further lines, whose meaning is the log's own.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The text to sign.
    #[must_use]
    pub fn to_text(&self) -> NoteText {
        let root = to_base64(self.head.root.digest().as_bytes());
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.head.size);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        NoteText::plain(text)
    }

    /// Parses the text of a note.
    ///
    /// # Errors
    /// [`BadCheckpoint`] says which line is wrong.
    pub fn parse(text: &NoteText) -> Result<Self, BadCheckpoint> {
        let text = text.as_str();
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let origin = Origin::parse(lines.next().ok_or(BadCheckpoint::Origin)?)?;
        let size = lines.next().and_then(decimal).and_then(|size| TreeSize::new(size).ok());
        let root = lines.next().and_then(digest);
        let head = TreeHead {
            size: size.ok_or(BadCheckpoint::Size)?,
            root: RootHash::from_digest(root.ok_or(BadCheckpoint::Root)?),
        };
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(BadCheckpoint::Extension);
        }
        Ok(Self { origin, head, extensions })
    }
}

/// 32 octets in base64.
pub(super) fn digest(text: &str) -> Option<Digest> {
    from_base64(text)?.try_into().ok().map(Digest::from_bytes)
}

/// Why a checkpoint is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CheckpointRefused {
    /// It is no signed note.
    #[error(transparent)]
    Form(#[from] BadNote),
    /// Its signatures do not hold.
    #[error(transparent)]
    Note(#[from] NoteRefused),
    /// The signed text is no checkpoint.
    #[error(transparent)]
    Text(#[from] BadCheckpoint),
    /// It is of another log.
    #[error(
        "the checkpoint is of log `{}`, not of `{}`; take one of the right log",
        shown(.found.as_str()),
        shown(.expected.as_str())
    )]
    OtherLog {
        /// The log it is of.
        found: Origin,
        /// The log that was asked about.
        expected: Origin,
    },
    /// No key of the log itself signed it.
    #[error(
        "no key of log `{}` signed the checkpoint; give the log's verifier key, or do not rely on it",
        shown(.log.as_str())
    )]
    NotByLog {
        /// The log.
        log: Origin,
    },
    /// Fewer witnesses signed than are asked for.
    #[error(
        "{found} of the {least} witnesses asked for signed the checkpoint; fetch it again later"
    )]
    TooFewWitnesses {
        /// How many distinct keys did.
        found: usize,
        /// How many must.
        least: usize,
    },
}

/// Whom to believe about one log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trust {
    origin: Origin,
    log: Known,
    witnesses: Known,
    least: usize,
    all: Known,
}

impl Trust {
    /// Believes any of these keys about the log with that origin. Only Ed25519 keys (type 0x01) are
    /// a log's; of a cosignature key nothing follows here.
    ///
    /// # Errors
    /// [`BadKey::Ambiguous`].
    pub fn new(origin: Origin, log: impl IntoIterator<Item = VerifierKey>) -> Result<Self, BadKey> {
        let log = Known::new(log.into_iter().filter(|key| key.kind() == SignatureType::Ed25519))?;
        Ok(Self { origin, all: log.clone(), log, witnesses: Known::default(), least: 0 })
    }

    /// Believes the key about the log that has its name.
    ///
    /// # Errors
    /// As [`Trust::new`].
    pub fn in_key(key: VerifierKey) -> Result<Self, BadKey> {
        Self::new(Origin::of(key.name()), [key])
    }

    /// Asks for cosignatures of at least so many of these witnesses as well.
    ///
    /// # Errors
    /// [`BadKey::Ambiguous`].
    pub fn with_witnesses(
        self,
        witnesses: impl IntoIterator<Item = VerifierKey>,
        least: usize,
    ) -> Result<Self, BadKey> {
        let witnesses = Known::new(
            witnesses.into_iter().filter(|key| key.kind() == SignatureType::CosignatureV1),
        )?;
        let all = Known::new(self.log.keys().iter().chain(witnesses.keys()).cloned())?;
        Ok(Self { witnesses, least, all, ..self })
    }

    /// Which log.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Checks a checkpoint.
    ///
    /// # Errors
    /// [`CheckpointRefused`] says why it is not believed.
    pub fn open(&self, note: &SignedNote) -> Result<VerifiedCheckpoint, CheckpointRefused> {
        let opened = note.open(&self.all)?;
        let checkpoint = Checkpoint::parse(opened.text())?;
        if checkpoint.origin != self.origin {
            let expected = self.origin.clone();
            return Err(CheckpointRefused::OtherLog { found: checkpoint.origin, expected });
        }
        if !opened.signers().iter().any(|signer| self.log.keys().contains(&signer.key)) {
            return Err(CheckpointRefused::NotByLog { log: checkpoint.origin });
        }
        let witnesses: Vec<Cosigned> = opened
            .signers()
            .iter()
            .filter(|signer| self.witnesses.keys().contains(&signer.key))
            .filter_map(|signer| {
                signer.time.map(|time| Cosigned { witness: signer.key.clone(), time })
            })
            .collect();
        // One key under two names is one witness.
        let found = witnesses.iter().map(|one| one.witness.public()).collect::<BTreeSet<_>>().len();
        if found < self.least {
            return Err(CheckpointRefused::TooFewWitnesses { found, least: self.least });
        }
        Ok(VerifiedCheckpoint { checkpoint, note: note.clone(), witnesses })
    }

    /// Parses and checks a checkpoint as it is stored and served.
    ///
    /// # Errors
    /// [`CheckpointRefused`] says why it is not believed.
    pub fn open_bytes(&self, bytes: &[u8]) -> Result<VerifiedCheckpoint, CheckpointRefused> {
        self.open(&SignedNote::parse(bytes)?)
    }
}

/// A witness's word that it saw this checkpoint, and none that contradicts it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cosigned {
    /// The witness.
    pub witness: VerifierKey,
    /// When it says it did.
    pub time: Time,
}

/// A checkpoint that the log signed, and as many witnesses as were asked for.
///
/// Always: made by [`Trust::open`]; there is no other way to get one:
///
/// ```compile_fail
/// use bailiwick_wire::ledger::{Checkpoint, SignedNote, VerifiedCheckpoint};
/// fn forge(checkpoint: Checkpoint, note: SignedNote) -> VerifiedCheckpoint {
///     VerifiedCheckpoint { checkpoint, note, witnesses: Vec::new() }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
    witnesses: Vec<Cosigned>,
}

impl VerifiedCheckpoint {
    /// Size and root.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.checkpoint.head
    }

    /// The checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note it came as.
    #[must_use]
    pub const fn note(&self) -> &SignedNote {
        &self.note
    }

    /// The known witnesses that signed it.
    #[must_use]
    pub fn witnesses(&self) -> &[Cosigned] {
        &self.witnesses
    }
}
