//! What one look-up answered, from each server that was asked, and what they say together.

use core::net::SocketAddr;
use std::collections::BTreeSet;
use std::fmt;

use crate::names::DnsName;

/// Aliases followed in one look-up. A limit of ours (RFC 1034, section 5.2.2 leaves it open):
/// resolvers stop between 8 and 16.
pub const ALIASES_MAX: usize = 16;

/// Records of one set. 64 KiB, the largest DNS message, hold about as many CAA records as this.
pub const RECORDS_MAX: usize = 4_096;

/// What a look-up of one name and type answered.
///
/// `R` is the record's content: [`super::CaaRecord`] here, text or addresses where control of a name is
/// validated over the same servers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LookupAnswer<R> {
    /// There is a set.
    Records(Found<R>),
    /// The name exists without a set of this type, or so it looks: an empty answer.
    NoData(Empty),
    /// The name does not exist: an ordinary empty answer too (RFC 8659, section 3).
    NxDomain(Empty),
    /// An authoritative server that was asked directly says the name lies in a zone below `cut`
    /// that it does not serve (RFC 1034, section 4.3.2, step 3b).
    Delegated {
        /// The owner of the delegation.
        cut: AliasName,
    },
    /// There is no answer to rely on. Never the same as an empty one (RFC 8659, section 6).
    Failed {
        /// What went wrong.
        failure: LookupFailure,
        /// The aliases followed until then.
        aliases: Vec<Alias>,
    },
}

/// A set of records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found<R> {
    /// The records, as they came.
    pub records: Vec<R>,
    /// The lowest TTL of the records and of the aliases on the way.
    pub ttl_seconds: u32,
    /// Whether DNSSEC proves it.
    pub proof: Proof,
    /// The aliases followed, in order.
    pub aliases: Vec<Alias>,
}

/// An answer without records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Empty {
    /// How long it may be remembered, if the server said so (RFC 2308, section 5).
    pub ttl_seconds: Option<u32>,
    /// Whether DNSSEC proves it.
    pub proof: Proof,
    /// The aliases followed, in order.
    pub aliases: Vec<Alias>,
}

/// The DNSSEC state of an answer (RFC 4035, section 4.3). The fourth state, bogus, is
/// [`LookupFailure::Bogus`]: it is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Proof {
    /// Nobody checked: the server asked does not validate.
    Indeterminate,
    /// Checked, and the zone is not signed.
    Insecure,
    /// Checked, with a chain of trust.
    Secure,
}

/// One alias that was followed (RFC 1034, section 4.3.2; RFC 6672).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Alias {
    /// The name that is an alias.
    pub from: AliasName,
    /// What it stands for.
    pub to: AliasName,
    /// The record that says so.
    pub by: AliasKind,
}

/// The record type of an alias.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AliasKind {
    /// CNAME.
    Cname,
    /// DNAME of a name above.
    Dname,
}

/// Any name of the DNS in presentation form, lower case, no final dot (the root is `.`).
///
/// Only ever shown and compared. Unlike [`DnsName`] its labels may hold any octets, escaped as in
/// a zone file, because an alias may point anywhere.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct AliasName(String);

impl AliasName {
    /// Spells a name from its labels, the leftmost first.
    #[must_use]
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let spelled: Vec<String> = labels.into_iter().map(spell_label).collect();
        if spelled.is_empty() { Self(".".to_owned()) } else { Self(spelled.join(".")) }
    }

    /// Takes back a name that was spelled by [`AliasName::from_labels`] and stored.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        let fits = |b: u8| matches!(b, b'!'..=b'~') && !b.is_ascii_uppercase();
        (!text.is_empty() && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 4343, section 2.1: a dot or backslash inside a label, and everything unprintable, is escaped.
fn spell_label(label: &[u8]) -> String {
    let mut spelled = String::with_capacity(label.len());
    for octet in label {
        match octet.to_ascii_lowercase() {
            special @ (b'.' | b'\\') => spelled.extend(['\\', char::from(special)]),
            plain @ b'!'..=b'~' => spelled.push(char::from(plain)),
            other => spelled.push_str(&format!("\\{other:03}")),
        }
    }
    spelled
}

impl From<&DnsName> for AliasName {
    fn from(name: &DnsName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why there is no answer to rely on (RFC 8659, section 6).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum LookupFailure {
    /// No server is configured for the name.
    NoServer,
    /// The server cannot be reached at all.
    Unreachable,
    /// No answer in time, after every retry.
    Timeout,
    /// SERVFAIL without a reason: a dead or broken server behind it, or a bogus answer.
    ServFail,
    /// SERVFAIL with a DNSSEC reason (RFC 8914, sections 4.2 to 4.13): validation failed.
    Bogus,
    /// REFUSED.
    Refused,
    /// NOTIMP.
    NotImp,
    /// FORMERR.
    FormErr,
    /// Another response code.
    OtherCode(u16),
    /// The reply is not a DNS message, or not one to this question.
    Malformed,
    /// A record of the asked type that cannot be read. It must not be skipped.
    BadRecord,
    /// The answer did not fit into a datagram and TCP did not deliver it (RFC 7766).
    Truncated,
    /// A server that should be authoritative is not.
    NotAuthoritative,
    /// A resolver answered with a referral instead of resolving.
    Referral,
    /// Aliases lead in a circle.
    AliasLoop,
    /// More aliases than [`ALIASES_MAX`].
    TooManyAliases,
    /// A DNAME makes the name too long (YXDOMAIN; RFC 6672, section 2.2).
    AliasTooLong,
    /// More records than [`RECORDS_MAX`].
    TooManyRecords,
    /// More questions than one look-up may cost.
    TooManyQuestions,
    /// The servers asked do not say the same.
    Disagreement,
}

/// One server's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceAnswer<R> {
    /// Who was asked.
    pub source: Source,
    /// What it answered.
    pub answer: LookupAnswer<R>,
}

/// A server, and what it was asked as.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Source {
    /// As what it was asked.
    pub role: SourceRole,
    /// Where it listens.
    pub server: SocketAddr,
}

/// As what a server is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum SourceRole {
    /// It resolves, and its answer covers the whole tree.
    Resolver,
    /// It serves a zone itself.
    Authority,
}

/// What several servers say together: their common answer, or a failure.
///
/// Every server counts: one failure is the failure of all, and different sets are
/// [`LookupFailure::Disagreement`]. An authority that names a zone cut abstains, as long as all
/// authorities do and somebody else answers.
#[must_use]
pub fn settle<R: Clone + Ord>(answers: &[SourceAnswer<R>]) -> LookupAnswer<R> {
    let mut voices = answers.iter().filter(|a| !matches!(a.answer, LookupAnswer::Delegated { .. }));
    let Some(first) = voices.next() else { return failed(LookupFailure::NoServer) };
    if answers.iter().any(|a| matches!(a.answer, LookupAnswer::Delegated { .. }))
        && answers.iter().any(is_answering_authority)
    {
        return failed(LookupFailure::Disagreement);
    }
    voices.fold(bounded(first.answer.clone()), |so_far, next| {
        agree(so_far, bounded(next.answer.clone()))
    })
}

fn is_answering_authority<R>(answer: &SourceAnswer<R>) -> bool {
    answer.source.role == SourceRole::Authority
        && !matches!(answer.answer, LookupAnswer::Delegated { .. })
}

const fn failed<R>(failure: LookupFailure) -> LookupAnswer<R> {
    LookupAnswer::Failed { failure, aliases: Vec::new() }
}

/// An answer within the limits, whoever read it from the wire.
fn bounded<R>(answer: LookupAnswer<R>) -> LookupAnswer<R> {
    let (records, aliases) = match &answer {
        LookupAnswer::Records(found) => (found.records.len(), found.aliases.len()),
        LookupAnswer::NoData(empty) | LookupAnswer::NxDomain(empty) => (1, empty.aliases.len()),
        LookupAnswer::Delegated { .. } | LookupAnswer::Failed { .. } => return answer,
    };
    match (records, aliases) {
        // A set without records is no set, and it is not an empty answer of the server either.
        (0, _) => failed(LookupFailure::Malformed),
        (n, _) if n > RECORDS_MAX => failed(LookupFailure::TooManyRecords),
        (_, n) if n > ALIASES_MAX => failed(LookupFailure::TooManyAliases),
        _ => answer,
    }
}

fn agree<R: Clone + Ord>(left: LookupAnswer<R>, right: LookupAnswer<R>) -> LookupAnswer<R> {
    use LookupAnswer::{Delegated, Failed, NoData, NxDomain, Records};
    match (left, right) {
        (failure @ Failed { .. }, _) | (_, failure @ Failed { .. }) => failure,
        (Records(a), Records(b)) if same_set(&a.records, &b.records) => Records(Found {
            ttl_seconds: a.ttl_seconds.min(b.ttl_seconds),
            proof: common_proof(a.proof, b.proof),
            ..a
        }),
        (NoData(a), NoData(b)) => NoData(both_empty(a, b)),
        // Servers differ on names that only have names below them; for CAA both are empty. The
        // stronger claim stands, because a top-level domain that does not exist is a doubt.
        (NoData(a) | NxDomain(a), NoData(b) | NxDomain(b)) => NxDomain(both_empty(a, b)),
        (Records(_) | NoData(_) | NxDomain(_) | Delegated { .. }, _) => {
            failed(LookupFailure::Disagreement)
        }
    }
}

fn both_empty(a: Empty, b: Empty) -> Empty {
    let ttl_seconds = [a.ttl_seconds, b.ttl_seconds].into_iter().flatten().min();
    Empty { ttl_seconds, proof: common_proof(a.proof, b.proof), aliases: a.aliases }
}

/// A server that does not validate takes nothing away from one that does; of two that do, the
/// lower counts.
fn common_proof(a: Proof, b: Proof) -> Proof {
    match (a, b) {
        (Proof::Indeterminate, other) | (other, Proof::Indeterminate) => other,
        (a @ (Proof::Insecure | Proof::Secure), b) => a.min(b),
    }
}

/// Equality as sets: order and repetition carry no meaning in an RRset (RFC 2181, section 5).
fn same_set<R: Ord>(a: &[R], b: &[R]) -> bool {
    a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
}

impl<R> LookupAnswer<R> {
    /// The aliases that were followed.
    #[must_use]
    pub fn aliases(&self) -> &[Alias] {
        match self {
            Self::Records(found) => &found.aliases,
            Self::NoData(empty) | Self::NxDomain(empty) => &empty.aliases,
            Self::Failed { aliases, .. } => aliases,
            Self::Delegated { .. } => &[],
        }
    }
}

impl fmt::Display for LookupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NoServer => {
                "no server is configured for this name; add a resolver, or the zone's servers"
            }
            Self::Unreachable => "the server cannot be reached; check its address and the network",
            Self::Timeout => "no answer in time; check that the server runs and answers over UDP",
            Self::ServFail => "SERVFAIL: the server could not resolve the name; look in its log",
            Self::Bogus => {
                "DNSSEC validation failed; repair the zone's signatures or its DS record"
            }
            Self::Refused => "REFUSED: the server does not answer us; check its access rules",
            Self::NotImp => "NOTIMP: the server does not know this query; replace or upgrade it",
            Self::FormErr => "FORMERR: the server did not understand a standard query; upgrade it",
            Self::OtherCode(code) => {
                return write!(f, "response code {code}; look it up in the server's log");
            }
            Self::Malformed => {
                "the reply is not a proper DNS message for this question; check the server and what stands between"
            }
            Self::BadRecord => "a record of the set cannot be read; correct it in the zone",
            Self::Truncated => "the answer needs TCP and TCP did not deliver it; open TCP port 53",
            Self::NotAuthoritative => {
                "the server does not serve the zone it is listed for; correct the list or the server"
            }
            Self::Referral => "the resolver answered with a referral; let it resolve for us",
            Self::AliasLoop => "the aliases lead in a circle; break it in the zone",
            Self::TooManyAliases => {
                return write!(f, "more than {ALIASES_MAX} aliases in a row; shorten the chain");
            }
            Self::AliasTooLong => "a DNAME makes the name longer than DNS allows; shorten it",
            Self::TooManyRecords => {
                return write!(f, "more than {RECORDS_MAX} records in one set; remove some");
            }
            Self::TooManyQuestions => {
                "the look-up needs too many queries; shorten its aliases or list fewer servers"
            }
            Self::Disagreement => {
                "the servers do not say the same; wait for propagation or compare their zones"
            }
        };
        f.write_str(text)
    }
}

impl std::error::Error for LookupFailure {}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Indeterminate => "not validated",
            Self::Insecure => "insecure (zone not signed)",
            Self::Secure => "secure (DNSSEC)",
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            SourceRole::Resolver => write!(f, "resolver {}", self.server),
            SourceRole::Authority => write!(f, "name server {}", self.server),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(role: SourceRole) -> Source {
        Source { role, server: SocketAddr::from(([192, 0, 2, 1], 53)) }
    }

    fn found(records: &[u8], ttl_seconds: u32, proof: Proof) -> LookupAnswer<u8> {
        LookupAnswer::Records(Found {
            records: records.to_vec(),
            ttl_seconds,
            proof,
            aliases: vec![],
        })
    }

    fn empty(proof: Proof) -> Empty {
        Empty { ttl_seconds: Some(60), proof, aliases: vec![] }
    }

    fn check(answers: Vec<(SourceRole, LookupAnswer<u8>)>, expected: LookupAnswer<u8>) {
        let forward: Vec<_> = answers
            .into_iter()
            .map(|(role, answer)| SourceAnswer { source: source(role), answer })
            .collect();
        let backward: Vec<_> = forward.iter().rev().cloned().collect();
        assert_eq!(settle(&forward), expected);
        if let LookupAnswer::Failed { .. } = expected {
            assert!(matches!(settle(&backward), LookupAnswer::Failed { .. }));
        }
    }

    const NO: LookupAnswer<u8> = failed(LookupFailure::Disagreement);

    #[test]
    fn servers_must_say_the_same() {
        use Proof::{Indeterminate, Insecure, Secure};
        use SourceRole::{Authority, Resolver};
        let cut = || LookupAnswer::Delegated { cut: AliasName::from_labels([&b"cut"[..]]) };
        let bogus = || failed(LookupFailure::Bogus);

        check(vec![], failed(LookupFailure::NoServer));
        check(vec![(Resolver, found(&[], 1, Secure))], failed(LookupFailure::Malformed));
        check(
            vec![
                (Authority, found(&[1, 2], 9, Indeterminate)),
                (Resolver, found(&[2, 1, 1], 5, Secure)),
            ],
            found(&[1, 2], 5, Secure),
        );
        check(
            vec![(Resolver, found(&[1], 9, Secure)), (Resolver, found(&[1], 9, Insecure))],
            found(&[1], 9, Insecure),
        );
        check(
            vec![(Authority, found(&[1], 9, Insecure)), (Authority, found(&[1, 2], 9, Insecure))],
            NO,
        );
        check(
            vec![
                (Authority, found(&[1], 9, Insecure)),
                (Authority, LookupAnswer::NoData(empty(Insecure))),
            ],
            NO,
        );
        check(
            vec![
                (Authority, LookupAnswer::NxDomain(empty(Insecure))),
                (Resolver, LookupAnswer::NoData(empty(Secure))),
            ],
            LookupAnswer::NxDomain(empty(Insecure)),
        );
        check(vec![(Authority, found(&[1], 9, Insecure)), (Resolver, bogus())], bogus());
        check(vec![(Authority, cut())], failed(LookupFailure::NoServer));
        check(vec![(Authority, cut()), (Resolver, found(&[1], 9, Secure))], found(&[1], 9, Secure));
        check(vec![(Authority, cut()), (Authority, found(&[1], 9, Secure))], NO);
        check(vec![(Authority, cut()), (Resolver, bogus())], bogus());
    }

    #[test]
    fn an_answer_has_bounds_whoever_read_it() {
        use SourceRole::Resolver;
        let records = |count| found(&vec![7; count], 9, Proof::Secure);
        check(vec![(Resolver, records(RECORDS_MAX))], records(RECORDS_MAX));
        let too_many = failed(LookupFailure::TooManyRecords);
        check(vec![(Resolver, records(RECORDS_MAX + 1))], too_many);
        let name = || AliasName::from_labels([&b"x"[..]]);
        let alias = || Alias { from: name(), to: name(), by: AliasKind::Cname };
        let chain = |count: usize| {
            let aliases = (0..count).map(|_| alias()).collect();
            LookupAnswer::NoData(Empty { ttl_seconds: None, proof: Proof::Secure, aliases })
        };
        check(vec![(Resolver, chain(ALIASES_MAX))], chain(ALIASES_MAX));
        let too_long = failed(LookupFailure::TooManyAliases);
        check(vec![(Resolver, chain(ALIASES_MAX + 1))], too_long);
    }

    #[test]
    fn alias_names_are_spelled_safely() {
        let name = AliasName::from_labels([&b"A.b"[..], b"c\\ \0", b"test"]);
        assert_eq!(name.as_str(), r"a\.b.c\\\032\000.test");
        assert_eq!(AliasName::from_stored(name.as_str()), Some(name));
        assert_eq!(AliasName::from_labels([]).as_str(), ".");
    }
}
