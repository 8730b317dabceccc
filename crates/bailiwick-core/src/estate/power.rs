//! What makes power over trust conditional: who stands in for whom for a while, and what a zone asks
//! for beside its pattern.

use std::collections::BTreeSet;
use std::fmt;

use crate::names::{DnsName, PersonId, TeamId};
use crate::time::Time;

use super::Estate;
use super::words::spelled;

/// Somebody acts for somebody else in one team, for a while.
///
/// Always: it hands on what a person has as a member of that team and no more, and for the two of
/// them counts as one human while it lasts. What was handed on is handed on no further.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandIn {
    /// Whose duties.
    pub of: PersonId,
    /// Who does them.
    pub by: PersonId,
    /// As a member of which team.
    pub team: TeamId,
    /// From when on.
    pub from: Time,
    /// Until when.
    pub until: Time,
    /// Why.
    pub reason: String,
}

impl StandIn {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        self.from <= now && now < self.until
    }
}

spelled! {
    /// What a gate of a zone may ask more for. Taking back is never gated: late is the greater harm.
    GatedKind {
        /// An edit of the estate that touches the zone or a service in it.
        EditEstate = "edit-estate",
        /// Whatever alters which CAs may issue for the zone: its intended CAA records or published ones.
        EditCaa = "edit-caa",
        /// An envelope.
        GrantEnvelope = "grant-envelope",
        /// One certificate that a person asks for.
        IssueCertificate = "issue-certificate",
        /// Edits of records, with or without a certificate.
        TrustChange = "trust-change",
    }
}

/// What a zone asks for beside its pattern: approvals of a team for some kinds of change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneGate {
    /// For which kinds.
    pub kinds: BTreeSet<GatedKind>,
    /// Whose approvals.
    pub team: TeamId,
    /// How many of them.
    pub approvals: u32,
    /// Whether only those count that share no team with the author.
    pub independent: bool,
}

impl fmt::Display for ZoneGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        let independent = if self.independent { ", independent of the author" } else { "" };
        let kinds = kinds.join(", ");
        write!(f, "{} of {}{independent} for {kinds}", self.approvals, self.team)
    }
}

/// What the parent zone and the registrar should say about a zone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DelegationIntent {
    /// The name servers (RFC 1035, section 3.3.11).
    pub ns: BTreeSet<DnsName>,
    /// The DS records (RFC 4034, section 5), as `KEYTAG ALGORITHM TYPE DIGEST`; empty where the zone
    /// is not signed.
    pub ds: BTreeSet<String>,
    /// The status values of the registration (RFC 8056); where none is written, what was seen first
    /// counts.
    pub status: BTreeSet<String>,
    /// Who registered it for us, as `292 (A Registrar)`; where absent, what was seen first counts.
    pub registrar: Option<String>,
}

/// What is known of the delegation of a zone: its name servers, its DS records, its registration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DelegationSeen {
    /// Nobody watches it.
    Unwatched,
    /// It is as it was decided, or as it was first seen.
    AsDecided,
    /// It changed, and no decision explains that; what, in words.
    Changed(String),
}

impl Estate {
    /// Every team whose duties `person` has at `now`: their own, and those they stand in for. Teams
    /// are resolved now, the ones around a team included.
    #[must_use]
    pub fn teams_at(&self, person: &PersonId, now: Time) -> BTreeSet<TeamId> {
        let mut teams = self.teams_of(person);
        for one in self.standing_in(person, now) {
            // Whoever holds the team also holds every team around it.
            let around =
                self.teams.keys().filter(|team| self.teams_within(team).contains(&one.team));
            teams.extend(around.cloned());
        }
        teams
    }

    /// Those `person` stands in for at `now`. They count as one human with `person`.
    #[must_use]
    pub fn stood_in_for(&self, person: &PersonId, now: Time) -> BTreeSet<PersonId> {
        self.standing_in(person, now).map(|one| one.of.clone()).collect()
    }

    /// What counts: the one who is stood in for still works here and is in that team by themselves.
    fn standing_in(&self, person: &PersonId, now: Time) -> impl Iterator<Item = &StandIn> {
        let (person, stand_ins) = (person.clone(), self.stand_ins.values());
        stand_ins.filter(move |one| {
            one.by == person
                && one.of != person
                && one.holds(now)
                && self.works_here(&one.of, now)
                && self.members_of(&one.team).contains(&one.of)
        })
    }
}
