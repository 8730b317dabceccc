//! What is committed together: entries, their rows, working state, notices.

use crate::estate::{CanarySense, ZoneKey};
use crate::gate::{Authorization, Order, OrderStatus, SealedSecret};
use crate::names::{
    AccountId, CertFingerprint, ChangeId, CredentialId, DecisionId, Digest, DnsName, EnvelopeId,
    IssuerId, OrderId, PersonId, SanName, SessionId, SpkiHash, TokenId,
};
use crate::time::Time;

use super::entry::Entry;

/// An order that was turned away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderRefusal {
    /// The decision that says why.
    pub decision: DecisionId,
    /// Whose order.
    pub account: AccountId,
    /// When.
    pub at: Time,
    /// Refusals of this account before it are of no use any more.
    pub since: Time,
    /// What was asked for: the same for the same names, issuer and profile.
    pub wanted: Digest,
    /// The change that was opened for it.
    pub opened: Option<ChangeId>,
}

/// Working state: needed while a protocol runs, no part of the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Work {
    /// An order as it stands.
    PutOrder(Box<Order>),
    /// An authorization as it stands.
    PutAuthorization(Box<Authorization>),
    /// The sealed MAC key of a credential.
    PutCredentialSecret {
        /// Which credential.
        credential: CredentialId,
        /// The sealed octets.
        sealed: Vec<u8>,
    },
    /// The hash of a session's secret.
    PutSessionSecret {
        /// Which session.
        session: SessionId,
        /// SHA-256 of the secret.
        hash: Digest,
    },
    /// The hash of a token's secret.
    PutTokenSecret {
        /// Which token.
        token: TokenId,
        /// SHA-256 of the secret.
        hash: Digest,
    },
    /// A one-time sign-in link.
    PutLink {
        /// SHA-256 of its secret.
        hash: Digest,
        /// For whom.
        person: PersonId,
        /// Who stands behind it.
        chain: Vec<PersonId>,
        /// Until when it can be used.
        expires_at: Time,
    },
    /// A one-time sign-in link was used; refused when it was used before.
    SpendLink {
        /// SHA-256 of its secret.
        hash: Digest,
    },
    /// No one-time sign-in link that was made so far can be used any more.
    VoidLinks,
    /// A secret of the house, sealed; in place of the one before.
    PutSealed {
        /// Which.
        secret: SealedSecret,
        /// The sealed octets.
        sealed: Vec<u8>,
    },
    /// A sealed secret that nobody needs any more is wiped.
    ForgetSealed(SealedSecret),
    /// A sealed secret takes the place of another one, which is wiped; refused where there is none.
    MoveSealed {
        /// Which.
        from: SealedSecret,
        /// In whose place.
        to: SealedSecret,
    },
    /// A record is about to be written into somebody's zone, and has to be taken away again.
    PutPlacedRecord(PlacedRecord),
    /// It is gone again.
    ForgetPlacedRecord(PlacedRecord),
    /// An order was turned away: it counts, and the change that would let it in is found again.
    PutOrderRefusal(Box<OrderRefusal>),
    /// How far the order at a CA got is put down before the next request goes out.
    PutOrderMark(OrderMark),
    /// The change is over: nobody needs its marks.
    ForgetOrderMarks(ChangeId),
    /// A canary is about to be sent to a CA.
    PutCanaryFlight(Box<CanaryFlight>),
    /// It is answered, and nothing of it is left anywhere.
    EndCanaryFlight(ChangeId),
    /// A zone was looked at, and what is stored of it still holds.
    PutLook {
        /// Which.
        zone: ZoneKey,
        /// When.
        at: Time,
    },
    /// Evidence too large for a leaf; its digest stands in one.
    PutEvidence {
        /// SHA-256 of the octets.
        digest: Digest,
        /// What it is, such as `estate/v1`, `caa/v1`, `crl`.
        kind: &'static str,
        /// The octets.
        octets: Vec<u8>,
    },
}

/// A canary that was sent and not answered yet. Nothing in it is secret: its key is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanaryFlight {
    /// Names the run, as a change is named; its order's marks and records stand under it.
    pub run: ChangeId,
    /// At which issuer.
    pub issuer: IssuerId,
    /// In which zone.
    pub zone: ZoneKey,
    /// For which name.
    pub name: DnsName,
    /// What it is to show.
    pub sense: CanarySense,
    /// The certificate request, DER.
    pub csr: Vec<u8>,
    /// The key of the request.
    pub key: SpkiHash,
    /// CAA of the name as it was seen before: evidence under this digest.
    pub caa: Digest,
    /// When it was begun.
    pub at: Time,
}

/// A record that Bailiwick wrote into a zone for the time of one order.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct PlacedRecord {
    /// For which change.
    pub change: ChangeId,
    /// Where.
    pub owner: DnsName,
    /// Its text.
    pub value: String,
}

/// How far a change's order at a CA got, as far as the CA alone cannot be trusted to say so later.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderMark {
    /// For which change.
    pub change: ChangeId,
    /// How far.
    pub reached: Reached,
    /// When.
    pub at: Time,
}

/// What happened, or is about to, between us and a CA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reached {
    /// The answer to an order that was asked for was lost, for so many times by now. The CA may have
    /// an order that nobody finalizes.
    OrderLost(u32),
    /// Finalize is about to be sent, for this time, from 1: from here on the CA may issue.
    Finalizing(u32),
    /// The CA took it.
    FinalizeTaken,
    /// It did not reach the CA, or the CA refused it and said why.
    FinalizeRefused,
    /// The CA said that it has issued.
    SaidValid,
    /// The CA showed this certificate, DER.
    Shown(Vec<u8>),
}

impl Reached {
    /// How it is spelled where it is stored.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::OrderLost(_) => "order-lost",
            Self::Finalizing(_) => "finalizing",
            Self::FinalizeTaken => "finalize-taken",
            Self::FinalizeRefused => "finalize-refused",
            Self::SaidValid => "said-valid",
            Self::Shown(_) => "shown",
        }
    }
}

/// A message to a person that leaves in the same transaction as what it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// To whom.
    pub to: PersonId,
    /// One line that reads alone: who must do what by when.
    pub subject: String,
    /// The page where that is done, relative to the console.
    pub page: String,
}

/// What must hold at the commit, or nothing of the batch is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Expect {
    /// The change has exactly this many events.
    ChangeAt {
        /// Which.
        id: ChangeId,
        /// How many; 0 when it must not exist.
        events: u32,
    },
    /// The order stands there.
    OrderIs {
        /// Which.
        id: OrderId,
        /// Where.
        status: OrderStatus,
    },
    /// The account is valid and has that key: who signed with another is too late.
    AccountHasKey {
        /// Which.
        id: AccountId,
        /// RFC 7638 thumbprint of the key.
        thumbprint: String,
    },
    /// No other order that is not over replaces the certificate.
    NotReplaced {
        /// Which.
        certificate: CertFingerprint,
        /// When.
        at: Time,
    },
    /// The envelope has a use left, is in force at this moment, and still holds what it held when
    /// the policy was asked.
    EnvelopeUsable {
        /// Which.
        id: EnvelopeId,
        /// When.
        at: Time,
        /// The names it held.
        names: Vec<SanName>,
    },
    /// The active estate is this one; `None`: there is none yet.
    EstateIs(Option<Digest>),
    /// The lease is still held under this fencing number.
    LeaseHeld {
        /// The lease's name.
        name: String,
        /// The fencing number.
        fence: i64,
    },
}

/// What is committed in one transaction, or not at all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Batch {
    /// What must hold.
    pub expects: Vec<Expect>,
    /// New leaves, in order.
    pub entries: Vec<Entry>,
    /// Working state.
    pub work: Vec<Work>,
    /// Notices to people.
    pub notices: Vec<Notice>,
}
