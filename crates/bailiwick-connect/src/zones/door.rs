//! The contract: what a door into a zone is asked, and what it answers.

use std::fmt;
use std::net::SocketAddr;

use bailiwick_core::caa::LookupFailure;
use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType, SoaSerial};
use bailiwick_wire::dns::{NotSigned, TooLarge, UpdateCode, set_lines};
use futures::future::BoxFuture;

use super::look::Authorities;

/// A way into one zone.
pub trait ZoneDoor: Send + Sync {
    /// Who answers for the zone.
    fn servers(&self) -> &Authorities;

    /// The zone.
    fn zone(&self) -> &ZoneName {
        self.servers().zone()
    }

    /// How far its word goes.
    fn manner(&self) -> Manner;

    /// The set as it stands where this door writes; `None` for no such set. It is the pre-image of an
    /// edit that is planned now.
    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, Refused>>;

    /// What every server of the zone shows for a set.
    fn read<'a>(&'a self, owner: &'a OwnerName, kind: RecordType) -> BoxFuture<'a, Vec<Lane>> {
        Box::pin(self.servers().read(owner, kind))
    }

    /// Carries out edits of this zone, and reads them back.
    ///
    /// # Errors
    /// [`NotApplied`] says whether anything happened.
    fn apply<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        cause: Cause<'a>,
    ) -> BoxFuture<'a, Result<Applied, NotApplied>>;

    /// As [`ZoneDoor::apply`], and looks only where it writes: what other servers show comes later.
    ///
    /// # Errors
    /// As [`ZoneDoor::apply`].
    fn write<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        cause: Cause<'a>,
    ) -> BoxFuture<'a, Result<How, NotApplied>> {
        Box::pin(async move { self.apply(edits, cause).await.map(|applied| applied.how) })
    }

    /// Tries whether the door opens, without altering anything; what was tried.
    fn tried(&self) -> BoxFuture<'_, Result<&'static str, Refused>> {
        Box::pin(async move {
            let apex = OwnerName::from(self.zone().apex().clone());
            self.standing(&apex, RecordType::NS)
                .await
                .map(|_| "the zone is read where it is written")
        })
    }

    /// How far each server of the zone is with edits.
    fn seen<'a>(&'a self, edits: &'a [RecordEdit]) -> BoxFuture<'a, Vec<ServerSeen>> {
        Box::pin(self.servers().seen(edits))
    }
}

/// Why something is written, for where a history is kept.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    /// Who asked for it, such as `sam` or `change 01m8…`.
    pub author: &'a str,
    /// What it is, in one line.
    pub text: &'a str,
}

/// How far a door's word goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Manner {
    /// Whether several edits come all or none.
    pub whole: bool,
    /// Who compares with the pre-image.
    pub compared: Compared,
}

/// Who compares with the pre-image.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compared {
    /// The place itself, in the same step as it writes: nobody can come in between.
    AtTheServer,
    /// We do, just before. Somebody else's edit in the moment between is overwritten if it is of the
    /// same set; the read after it tells so only if it differs then.
    JustBefore,
    /// Nothing is written.
    Never,
}

/// What one server shows for a set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lane {
    /// Who.
    pub server: SocketAddr,
    /// The serial of its copy of the zone.
    pub serial: Result<SoaSerial, LookupFailure>,
    /// What it shows.
    pub shown: Result<Shown, LookupFailure>,
}

/// What a server shows at a name for a type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shown {
    /// A set.
    Set(RRset),
    /// None.
    Nothing,
    /// What a `*` above shows as well, so that nobody can tell by asking whether a set of its own
    /// stands there (RFC 4592, section 2.2).
    Star(RRset),
}

/// How far one server is with edits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerSeen {
    /// Who.
    pub server: SocketAddr,
    /// The serial of its copy of the zone.
    pub serial: Result<SoaSerial, LookupFailure>,
    /// One for each edit, in their order.
    pub edits: Vec<EditSeen>,
}

/// How far one server is with one edit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EditSeen {
    /// Where.
    pub owner: OwnerName,
    /// Of which type.
    pub kind: RecordType,
    /// What it shows.
    pub shown: Result<Shown, LookupFailure>,
    /// What that is to the edit.
    pub stands: Stands,
}

/// What a set that is shown is to an edit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stands {
    /// As wanted.
    After,
    /// As it was: the pre-image.
    Before,
    /// Neither.
    Other,
    /// It could not be read.
    NotKnown,
}

impl Stands {
    /// What a set is to an edit. TTLs count.
    #[must_use]
    pub fn of(edit: &RecordEdit, set: Option<&RRset>) -> Self {
        if set == edit.after() {
            Self::After
        } else if set == edit.before() {
            Self::Before
        } else {
            Self::Other
        }
    }

    /// What a server's answer is to an edit: a set that a `*` may have made also counts as no set.
    #[must_use]
    pub fn of_shown(edit: &RecordEdit, shown: &Shown) -> Self {
        match shown {
            Shown::Set(set) => Self::of(edit, Some(set)),
            Shown::Nothing => Self::of(edit, None),
            Shown::Star(set) => match (Self::of(edit, Some(set)), Self::of(edit, None)) {
                (Self::After, _) | (_, Self::After) => Self::After,
                (Self::Before, _) | (_, Self::Before) => Self::Before,
                (Self::Other | Self::NotKnown, Self::Other | Self::NotKnown) => Self::Other,
            },
        }
    }
}

impl ServerSeen {
    /// Whether it shows every edit as wanted.
    #[must_use]
    pub fn is_after(&self) -> bool {
        self.edits.iter().all(|edit| edit.stands == Stands::After)
    }

    /// Whether it shows every set as it was.
    #[must_use]
    pub fn is_before(&self) -> bool {
        self.edits.iter().all(|edit| edit.stands == Stands::Before)
    }
}

/// The edits stand where they were to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Applied {
    /// How it came to be.
    pub how: How,
    /// How far every server of the zone is with them.
    pub seen: Vec<ServerSeen>,
}

/// How edits came to stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum How {
    /// They were written now.
    Written,
    /// They stood there already; nothing was written.
    Already,
    /// They were sent, the answer was lost, and they stand.
    AnswerLost,
}

/// Edits do not all stand, or nobody knows.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotApplied {
    /// Nothing was written: something else stands there than the edits start from.
    #[error("nothing was written, because something else stands there than the change starts from: {}; look at it and plan again", list(.there))]
    OtherBefore {
        /// What stands there.
        there: Vec<There>,
    },
    /// Nothing was written.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It may have been written.
    #[error("whether it was written is not known: {why}; look again, it is safe to repeat")]
    Unknown {
        /// Why.
        why: String,
        /// How far every server of the zone is, as far as it can be seen.
        seen: Vec<ServerSeen>,
    },
    /// It was written, and what stands there is not what was wanted, or not all of it.
    #[error("it was acknowledged, and what stands there is not what was wanted: {}; look at it", list(.there))]
    Differs {
        /// What stands where something else was wanted.
        there: Vec<There>,
        /// How far every server of the zone is.
        seen: Vec<ServerSeen>,
    },
}

/// Whether anything happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Happened {
    /// Nothing.
    Nothing,
    /// Perhaps.
    NotKnown,
    /// Something, and not what was wanted.
    Something,
}

impl NotApplied {
    /// Whether anything happened.
    #[must_use]
    pub const fn happened(&self) -> Happened {
        match self {
            Self::OtherBefore { .. } | Self::Refused(_) => Happened::Nothing,
            Self::Unknown { .. } => Happened::NotKnown,
            Self::Differs { .. } => Happened::Something,
        }
    }
}

/// What stands at one place; `set` is `None` where nothing does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct There {
    /// Where.
    pub owner: OwnerName,
    /// Of which type.
    pub kind: RecordType,
    /// What.
    pub set: Option<RRset>,
}

impl fmt::Display for There {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.set {
            None => write!(f, "no {} at `{}`", self.kind, self.owner),
            Some(set) => write!(f, "`{}`", set_lines(&self.owner, self.kind, set).join("`, `")),
        }
    }
}

fn list(there: &[There]) -> String {
    let all: Vec<String> = there.iter().map(ToString::to_string).collect();
    all.join("; ")
}

/// Nothing was written, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The door was given no edit, or one that no zone takes.
    #[error("`{owner}` {kind}: {why}")]
    NoSuchEdit {
        /// Where.
        owner: OwnerName,
        /// Of which type.
        kind: RecordType,
        /// Why not.
        why: &'static str,
    },
    /// The name lies outside the zone.
    #[error("`{owner}` lies outside zone `{zone}`; give the zone that holds it a connector")]
    Outside {
        /// Which name.
        owner: OwnerName,
        /// Which zone.
        zone: ZoneName,
    },
    /// What stands there could not be read.
    #[error("what stands at `{owner}` could not be read at {place}: {cause}")]
    NotRead {
        /// Which name.
        owner: OwnerName,
        /// Asked of whom.
        place: String,
        /// Why.
        cause: String,
    },
    /// There is no connection.
    #[error("{place} cannot be reached: nothing was sent")]
    Unreachable {
        /// Who.
        place: String,
    },
    /// The server said no to an update.
    #[error("{place}: {code}")]
    Code {
        /// Who.
        place: String,
        /// What it said.
        code: UpdateCode,
    },
    /// The server does not believe our signature.
    #[error("{place}: {cause}")]
    Signature {
        /// Who.
        place: String,
        /// Why.
        cause: NotSigned,
    },
    /// The API does not take our key.
    #[error(
        "{place}: the API does not accept our key; hand in the right one with `bailiwick connector set-secret`"
    )]
    ApiKey {
        /// Who.
        place: String,
    },
    /// Too much for one message.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Nothing may be written here.
    #[error(
        "nothing is written into zone `{zone}`: it is observed only; ask {whom} to make the edit"
    )]
    ObserveOnly {
        /// Which zone.
        zone: ZoneName,
        /// Who can do it.
        whom: String,
    },
    /// Another reason, said in full with what to do.
    #[error("{0}")]
    Said(String),
}

impl Refused {
    /// Whether it is the credential that the server refuses: it does not know the key, or does not let
    /// it write (RFC 8945, section 5.2). Whatever else went wrong says nothing about the key.
    #[must_use]
    pub const fn is_of_key(&self) -> bool {
        matches!(
            self,
            Self::Signature { cause: NotSigned::BadKey | NotSigned::BadSignature, .. }
                | Self::Code { code: UpdateCode::Refused | UpdateCode::NotAuthoritative, .. }
                | Self::ApiKey { .. }
        )
    }
}
