//! What a reply says to a question: an answer, a failure, or where to ask on.

use std::collections::BTreeSet;

use bailiwick_core::caa::{
    ALIASES_MAX, Alias, AliasKind, AliasName, Empty, Found, LookupAnswer, LookupFailure, Proof,
    RECORDS_MAX,
};

use super::message::{Data, Message, Record, TYPE_CNAME, TYPE_DNAME, TYPE_NS};
use super::name::WireName;
use super::query::{CLASS_IN, Query};
use super::rdata::RecordKind;

/// As what the server was asked, and so how far its word goes.
#[derive(Clone, Copy, Debug)]
pub enum Speaker<'a> {
    /// A resolver speaks for the whole tree.
    Resolver {
        /// Whether its AD bit is believed: it validates, and the path to it is protected
        /// (RFC 4035, section 4.9.3).
        validates: bool,
    },
    /// A server of a zone speaks for names inside that zone only; the rest of its reply is not used.
    Authority {
        /// The zone it was asked for.
        zone: &'a WireName,
    },
}

/// What a message is to us.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply<R> {
    /// The end of the look-up.
    Answer(LookupAnswer<R>),
    /// An alias whose target this reply does not answer for: it must be asked for itself.
    Follow(Way),
    /// It did not fit; ask again over TCP (RFC 7766, section 5).
    Truncated,
    /// Not a reply to this question, or not a message at all. Somebody else may have sent it.
    NotOurs,
}

/// How far a look-up has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Way {
    /// The name to ask next.
    pub target: WireName,
    /// The aliases followed so far.
    pub aliases: Vec<Alias>,
    /// The lowest TTL of the aliases.
    pub ttl_seconds: u32,
    /// Whether DNSSEC proves them.
    pub proof: Proof,
}

const NOERROR: u16 = 0;
const NXDOMAIN: u16 = 3;

/// Reads what came back for a question.
#[must_use]
pub fn read_reply<K: RecordKind>(
    octets: &[u8],
    query: &Query,
    speaker: Speaker<'_>,
) -> Reply<K::Value> {
    let Ok(message) = Message::read(octets) else { return Reply::NotOurs };
    if !message.flags.response() || !message.flags.is_standard_query() || message.id != query.id() {
        return Reply::NotOurs;
    }
    match &message.question {
        Some(asked)
            if asked.name == *query.name()
                && asked.kind == query.kind()
                && asked.class == CLASS_IN => {}
        // Some servers refuse without repeating the question.
        None if !matches!(message.code, NOERROR | NXDOMAIN) => {}
        Some(_) | None => return Reply::NotOurs,
    }
    if message.flags.truncated() {
        return Reply::Truncated;
    }
    if let Some(failure) = failure_of(&message) {
        return Reply::Answer(failed(failure, Vec::new()));
    }
    let reading = Reading { message: &message, speaker, proof: proof_of(&message, speaker) };
    match reading.follow::<K>(query.name().clone()) {
        Ok(reply) => reply,
        Err((failure, aliases)) => Reply::Answer(failed(failure, aliases)),
    }
}

const fn failed<R>(failure: LookupFailure, aliases: Vec<Alias>) -> LookupAnswer<R> {
    LookupAnswer::Failed { failure, aliases }
}

/// Response codes (IANA DNS parameters) that are no answer.
fn failure_of(message: &Message) -> Option<LookupFailure> {
    // DNSSEC Indeterminate to NSEC Missing (RFC 8914, sections 4.6 to 4.13).
    let bogus = message.errors.iter().any(|code| (5..=12).contains(code));
    match message.code {
        NOERROR | NXDOMAIN => None,
        1 => Some(LookupFailure::FormErr),
        2 if bogus => Some(LookupFailure::Bogus),
        2 => Some(LookupFailure::ServFail),
        4 => Some(LookupFailure::NotImp),
        5 => Some(LookupFailure::Refused),
        6 => Some(LookupFailure::AliasTooLong),
        other => Some(LookupFailure::OtherCode(other)),
    }
}

const fn proof_of(message: &Message, speaker: Speaker<'_>) -> Proof {
    match speaker {
        Speaker::Resolver { validates: true } if message.flags.authentic() => Proof::Secure,
        Speaker::Resolver { validates: true } => Proof::Insecure,
        Speaker::Resolver { validates: false } | Speaker::Authority { .. } => Proof::Indeterminate,
    }
}

type Broken = (LookupFailure, Vec<Alias>);

struct Reading<'a> {
    message: &'a Message,
    speaker: Speaker<'a>,
    proof: Proof,
}

impl Reading<'_> {
    /// From the name asked along the aliases to its records, or to where this reply ends.
    fn follow<K: RecordKind>(&self, asked: WireName) -> Result<Reply<K::Value>, Broken> {
        let mut at = asked;
        let mut aliases = Vec::new();
        let mut ttl_seconds = u32::MAX;
        let mut visited = BTreeSet::new();
        while self.speaks_for(&at) {
            let (records, record_ttl) =
                self.records_at::<K>(&at).map_err(|failure| (failure, aliases.clone()))?;
            if !records.is_empty() {
                let ttl_seconds = ttl_seconds.min(record_ttl);
                return self.found(records, ttl_seconds, aliases).map(Reply::Answer);
            }
            let next = self.alias_at(&at).map_err(|failure| (failure, aliases.clone()))?;
            let Some((target, by, alias_ttl)) = next else {
                return self.nothing_at(at, ttl_seconds, aliases);
            };
            ttl_seconds = ttl_seconds.min(alias_ttl);
            aliases.push(Alias { from: AliasName::from(&at), to: AliasName::from(&target), by });
            if aliases.len() > ALIASES_MAX {
                return Err((LookupFailure::TooManyAliases, aliases));
            }
            visited.insert(at);
            if visited.contains(&target) {
                return Err((LookupFailure::AliasLoop, aliases));
            }
            at = target;
        }
        if aliases.is_empty() {
            // A server was asked for a name outside its zone.
            return Err((LookupFailure::NotAuthoritative, aliases));
        }
        self.must_be_authoritative(&aliases)?;
        Ok(Reply::Follow(Way { target: at, aliases, ttl_seconds, proof: self.proof }))
    }

    fn speaks_for(&self, name: &WireName) -> bool {
        match self.speaker {
            Speaker::Resolver { .. } => true,
            Speaker::Authority { zone } => name.is_at_or_below(zone),
        }
    }

    fn must_be_authoritative(&self, aliases: &[Alias]) -> Result<(), Broken> {
        match self.speaker {
            Speaker::Authority { .. } if !self.message.flags.authoritative() => {
                Err((LookupFailure::NotAuthoritative, aliases.to_vec()))
            }
            Speaker::Authority { .. } | Speaker::Resolver { .. } => Ok(()),
        }
    }

    fn records_at<K: RecordKind>(
        &self,
        name: &WireName,
    ) -> Result<(Vec<K::Value>, u32), LookupFailure> {
        let mut values = Vec::new();
        let mut ttl_seconds = u32::MAX;
        for record in self.message.answers.iter().filter(|r| r.kind == K::TYPE && r.owner == *name)
        {
            if record.class != CLASS_IN {
                return Err(LookupFailure::Malformed);
            }
            if values.len() >= RECORDS_MAX {
                return Err(LookupFailure::TooManyRecords);
            }
            let value = match &record.data {
                Data::Octets(octets) => K::read(octets),
                Data::Soa { serial, .. } => K::read(&serial.to_be_bytes()),
                // The name of an NS record, without compression.
                Data::Target(name) if record.kind == TYPE_NS => {
                    let mut octets = Vec::new();
                    name.write(&mut octets);
                    K::read(&octets)
                }
                Data::Target(_) => return Err(LookupFailure::Malformed),
            };
            values.push(value.ok_or(LookupFailure::BadRecord)?);
            ttl_seconds = ttl_seconds.min(ttl_of(record));
        }
        let has_alias = || self.targets(name, TYPE_CNAME).next().is_some();
        if !values.is_empty() && has_alias() {
            // An alias has no other data (RFC 2181, section 10.1).
            return Err(LookupFailure::Malformed);
        }
        Ok((values, ttl_seconds))
    }

    fn found<R>(
        &self,
        records: Vec<R>,
        ttl_seconds: u32,
        aliases: Vec<Alias>,
    ) -> Result<LookupAnswer<R>, Broken> {
        self.must_be_authoritative(&aliases)?;
        if self.message.code != NOERROR {
            return Err((LookupFailure::Malformed, aliases));
        }
        Ok(LookupAnswer::Records(Found { records, ttl_seconds, proof: self.proof, aliases }))
    }

    fn targets(&self, owner: &WireName, kind: u16) -> impl Iterator<Item = (&WireName, u32)> {
        self.message.answers.iter().filter(move |r| r.kind == kind && r.owner == *owner).filter_map(
            |record| match &record.data {
                Data::Target(target) => Some((target, ttl_of(record))),
                Data::Soa { .. } | Data::Octets(_) => None,
            },
        )
    }

    /// The alias at a name: a CNAME, or what a DNAME above makes of the name. Where both are given,
    /// they must say the same (RFC 6672, section 3.1).
    fn alias_at(
        &self,
        name: &WireName,
    ) -> Result<Option<(WireName, AliasKind, u32)>, LookupFailure> {
        let mut cname = None;
        for (target, ttl) in self.targets(name, TYPE_CNAME) {
            if cname.is_some_and(|(first, _)| first != target) {
                return Err(LookupFailure::Malformed);
            }
            cname = Some((target, ttl));
        }
        let mut by_dname: Option<(WireName, u32)> = None;
        for record in self.message.answers.iter().filter(|r| r.kind == TYPE_DNAME) {
            let Data::Target(target) = &record.data else { return Err(LookupFailure::Malformed) };
            let Some(redirected) = name.redirected(&record.owner, target) else { continue };
            if !self.speaks_for(&record.owner) {
                continue;
            }
            let redirected = redirected.ok_or(LookupFailure::AliasTooLong)?;
            if by_dname.as_ref().is_some_and(|(first, _)| *first != redirected) {
                return Err(LookupFailure::Malformed);
            }
            by_dname = Some((redirected, ttl_of(record)));
        }
        match (cname, by_dname) {
            (None, None) => Ok(None),
            (Some((target, ttl)), None) => Ok(Some((target.clone(), AliasKind::Cname, ttl))),
            (None, Some((target, ttl))) => Ok(Some((target, AliasKind::Dname, ttl))),
            (Some((cname, ttl)), Some((target, dname_ttl))) if *cname == target => {
                Ok(Some((target, AliasKind::Dname, ttl.min(dname_ttl))))
            }
            (Some(_), Some(_)) => Err(LookupFailure::Malformed),
        }
    }

    /// No records and no alias at `name`: an empty answer, a referral, or an open end.
    fn nothing_at<R>(
        &self,
        name: WireName,
        alias_ttl: u32,
        aliases: Vec<Alias>,
    ) -> Result<Reply<R>, Broken> {
        let denial = self.denial_of(&name);
        if denial.is_none() && aliases.is_empty() {
            if let Some(cut) = self.cut_above(&name) {
                let cut = AliasName::from(cut);
                return Ok(Reply::Answer(LookupAnswer::Delegated { cut }));
            }
            self.must_not_refer(&name)?;
        }
        self.must_be_authoritative(&aliases)?;
        let exists = self.message.code == NOERROR;
        match (denial, self.speaker) {
            (None, _) if exists && !aliases.is_empty() => {
                let way = Way { target: name, aliases, ttl_seconds: alias_ttl, proof: self.proof };
                Ok(Reply::Follow(way))
            }
            // A server of the zone proves an empty answer with its SOA (RFC 2308, section 3).
            (None, Speaker::Authority { .. }) => Err((LookupFailure::Malformed, aliases)),
            (ttl_seconds, _) => {
                let ttl_seconds = ttl_seconds.map(|ttl| ttl.min(alias_ttl));
                let empty = Empty { ttl_seconds, proof: self.proof, aliases };
                Ok(Reply::Answer(if exists {
                    LookupAnswer::NoData(empty)
                } else {
                    LookupAnswer::NxDomain(empty)
                }))
            }
        }
    }

    /// How long the SOA of a zone around `name` lets an empty answer be remembered.
    fn denial_of(&self, name: &WireName) -> Option<u32> {
        self.message.authority.iter().find_map(|record| match record.data {
            Data::Soa { minimum_seconds, .. }
                if name.is_at_or_below(&record.owner) && self.speaks_for(&record.owner) =>
            {
                Some(ttl_of(record).min(minimum_seconds))
            }
            Data::Soa { .. } | Data::Target(_) | Data::Octets(_) => None,
        })
    }

    /// A resolver that names other servers instead of an answer has not resolved.
    fn must_not_refer(&self, name: &WireName) -> Result<(), Broken> {
        let refers = |r: &Record| r.kind == TYPE_NS && name.is_at_or_below(&r.owner);
        match self.speaker {
            Speaker::Resolver { .. }
                if self.message.code == NOERROR && self.message.authority.iter().any(refers) =>
            {
                Err((LookupFailure::Referral, Vec::new()))
            }
            Speaker::Resolver { .. } | Speaker::Authority { .. } => Ok(()),
        }
    }

    /// The delegation that a server of a zone answered with (RFC 1034, section 4.3.2, step 3b).
    fn cut_above(&self, name: &WireName) -> Option<&WireName> {
        let Speaker::Authority { zone } = self.speaker else { return None };
        let is_cut = |r: &&Record| {
            r.kind == TYPE_NS
                && r.owner != *zone
                && r.owner.is_at_or_below(zone)
                && name.is_at_or_below(&r.owner)
        };
        let refers = self.message.code == NOERROR && !self.message.flags.authoritative();
        self.message.authority.iter().find(is_cut).filter(|_| refers).map(|record| &record.owner)
    }
}

/// A TTL with its top bit set counts as zero (RFC 2181, section 8).
fn ttl_of(record: &Record) -> u32 {
    if i32::try_from(record.ttl_seconds).is_ok() { record.ttl_seconds } else { 0 }
}
