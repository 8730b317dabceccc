//! A verdict for people: one screen with the rule, the fact and who can grant it.

use crate::estate::{Estate, NoPerson};
use crate::names::TeamId;
use crate::shown::acts;
use crate::time::Time;

use super::verdict::{GrantAct, Grantor, MissingApproval, Permit, Reason, Verdict};

/// Reasons that are written out; more of them are counted. A person mends the first few first.
const REASONS_SHOWN_MAX: usize = 8;

impl Verdict {
    /// The verdict in words, for a terminal or a log. With an estate, teams are named together with
    /// the person who answers for them at `now`.
    #[must_use]
    pub fn text(&self, estate: Option<&Estate>, now: Time) -> String {
        let mut text = String::new();
        let who = |team: &TeamId| on_duty(team, estate, now);
        line(&mut text, "", self.decision.as_str());
        for permit in &self.permits {
            line(&mut text, "  permitted by ", &permitted(permit));
        }
        for reason in self.reasons.iter().take(REASONS_SHOWN_MAX) {
            refused(&mut text, "", reason, &who);
        }
        if let Some(more) = self.reasons.len().checked_sub(REASONS_SHOWN_MAX).filter(|n| *n > 0) {
            line(&mut text, "  ", &format!("and {more} more reasons"));
        }
        for note in self.notes.iter().take(REASONS_SHOWN_MAX) {
            refused(&mut text, "note, does not block: ", note, &who);
        }
        if !self.missing_approvals.is_empty() {
            line(&mut text, "", "still missing");
        }
        for missing in &self.missing_approvals {
            line(&mut text, "  ", &approval(missing, &who));
        }
        for act in self.grantable.iter().flat_map(|grantable| &grantable.acts) {
            let act = match act {
                GrantAct::Envelope { by } => {
                    let by: Vec<String> = by.iter().map(who).collect();
                    format!("an envelope, approved by {}", by.join(" and "))
                }
                GrantAct::ConfirmOwnership { by } => {
                    format!("a confirmation of ownership by {}", who(by))
                }
            };
            line(&mut text, "would pass with ", &act);
        }
        line(&mut text, "policy ", &self.policy_digest.to_string());
        text
    }
}

fn line(text: &mut String, lead: &str, rest: &str) {
    // Names and reasons come from people: nothing in them starts a line or a terminal sequence.
    text.extend([lead, &rest.replace(acts, " "), "\n"]);
}

fn permitted(permit: &Permit) -> String {
    let zone = permit.zone.as_ref().map(|zone| format!(" in zone {zone}")).unwrap_or_default();
    format!("{} ({}){zone}", permit.rule, permit.source)
}

fn refused(text: &mut String, lead: &str, reason: &Reason, who: &dyn Fn(&TeamId) -> String) {
    let control = reason.control.as_ref().map(|control| format!(", {control}")).unwrap_or_default();
    line(text, "", &format!("  {lead}{} ({}{control})", reason.rule, reason.source));
    line(text, "    ", &reason.fact);
    let grantor = match &reason.grantor {
        Grantor::Nobody => "nobody; the request has to change".to_owned(),
        Grantor::Teams(teams) => teams.iter().map(who).collect::<Vec<_>>().join(" or "),
    };
    line(text, "    who can grant it: ", &grantor);
    line(text, "    what to do: ", &reason.remedy);
}

fn approval(missing: &MissingApproval, who: &dyn Fn(&TeamId) -> String) -> String {
    let people = if missing.count == 1 { "one person" } else { "people" };
    let count = if missing.count == 1 { String::new() } else { format!("{} ", missing.count) };
    let independent = if missing.independent { " who share no team with the author" } else { "" };
    format!("{count}{people} of {} as {}{independent}", who(&missing.team), missing.role)
}

fn on_duty(team: &TeamId, estate: Option<&Estate>, now: Time) -> String {
    let Some(estate) = estate else {
        return team.to_string();
    };
    match estate.person_on_duty(team, now) {
        Ok(duty) => {
            let person = duty.person();
            let known = estate.people.get(person);
            let name = known.map_or(person.as_str(), |known| known.name.as_str());
            format!("{team} ({name})")
        }
        Err(NoPerson::NoTeam | NoPerson::AllLeft) => format!("{team} (nobody on duty)"),
    }
}
