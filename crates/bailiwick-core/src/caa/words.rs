//! A report in sentences: why, what to do, and what else was noticed.

use super::climb::ClimbEnd;
use super::judge::{
    AccountMismatch, CaaVerdict, MethodMismatch, Mismatch, Permission, Prohibition, UnknownBecause,
};
use super::lookup::{LookupFailure, Proof};
use super::name::Exempt;
use super::record::CaaRecord;
use super::report::CaaReport;
use super::terms::{CaaTerms, CertificateKind};

/// Characters of a record that a sentence shows; a record may have 64 KiB.
const SHOWN_CHARS_MAX: usize = 160;

impl CaaReport {
    /// Why, in one sentence: lower case, no full stop, the rule left out.
    #[must_use]
    pub fn because(&self) -> String {
        let at = self.owner();
        match self.verdict() {
            CaaVerdict::Allow(Permission::Exempt(Exempt::IpAddress(_))) => {
                "CAA covers DNS names, not IP addresses; nothing was asked".to_owned()
            }
            CaaVerdict::Allow(Permission::Exempt(Exempt::Onion(_))) => {
                "onion names are not in the DNS; nothing was asked".to_owned()
            }
            CaaVerdict::Allow(Permission::NoSet) => {
                format!("neither `{}` nor any name above it has CAA records", self.subject())
            }
            CaaVerdict::Allow(Permission::NothingGoverns { wanted }) => {
                format!("the set at `{at}` has no `{wanted}`, so it restricts nothing here")
            }
            CaaVerdict::Allow(Permission::Named { by, .. }) => {
                format!("`{}` at `{at}` permits it", shown(by))
            }
            CaaVerdict::Deny(Prohibition::UnknownCritical { record }) => format!(
                "`{}` at `{at}` is critical, and the issuer does not know this property",
                shown(record)
            ),
            CaaVerdict::Deny(Prohibition::NotNamed { governing, mismatches }) => {
                let first = mismatches.first().map_or_else(String::new, |(record, mismatch)| {
                    format!(": `{}` {}", shown(record), lacks(mismatch))
                });
                let more = match mismatches.len() {
                    0 | 1 => String::new(),
                    n => format!("; nor does any of {} more", n - 1),
                };
                format!("no `{governing}` at `{at}` permits it{first}{more}")
            }
            CaaVerdict::Unknown(UnknownBecause::LookupFailed(failure)) => {
                format!("the look-up at `{}` failed: {}", self.last_asked(), what_failed(*failure))
            }
            CaaVerdict::Unknown(UnknownBecause::NoSuchTld) => format!(
                "the top-level domain `{}` is said not to exist, so no answer below it counts",
                self.last_asked()
            ),
            CaaVerdict::Unknown(UnknownBecause::Unread(unread)) => {
                format!(
                    "`{}` at `{at}` has an illegal tag, so its meaning is unknown",
                    shown(&unread.record)
                )
            }
        }
    }

    /// What one record of the relevant set lacks to permit, if it governs and does not.
    #[must_use]
    pub fn lack_of(&self, record: &CaaRecord) -> Option<String> {
        match self.verdict() {
            CaaVerdict::Deny(Prohibition::NotNamed { mismatches, .. }) => {
                mismatches.iter().find(|(one, _)| one == record).map(|(_, lack)| lacks(lack))
            }
            CaaVerdict::Allow(_)
            | CaaVerdict::Deny(Prohibition::UnknownCritical { .. })
            | CaaVerdict::Unknown(_) => None,
        }
    }

    /// What to do about it, in sentences.
    #[must_use]
    pub fn remedy(&self) -> String {
        let at = self.owner();
        match self.verdict() {
            CaaVerdict::Allow(Permission::Exempt(_) | Permission::Named { .. }) => {
                "Nothing.".to_owned()
            }
            CaaVerdict::Allow(Permission::NoSet) => format!(
                "Nothing, but every CA may issue. To restrict it, publish `{}. CAA {}`.",
                self.base(),
                wanted_record(self.terms(), "issue")
            ),
            CaaVerdict::Allow(Permission::NothingGoverns { wanted }) => format!(
                "Nothing, but every CA may issue, and the set hides those of the names above. To \
                 restrict it, publish `{at}. CAA {}`.",
                wanted_record(self.terms(), wanted.as_str())
            ),
            CaaVerdict::Deny(Prohibition::UnknownCritical { record }) => format!(
                "Ask who edits `{at}` to remove this record or its flag 128, or choose an issuer \
                 that knows `{}`.",
                String::from_utf8_lossy(&record.tag)
            ),
            CaaVerdict::Deny(Prohibition::NotNamed { governing, .. }) => format!(
                "If it should be permitted, ask who edits `{at}` to publish `{at}. CAA {}`, wait \
                 until the old records have expired, and check again. Otherwise nothing: CAA works.",
                wanted_record(self.terms(), governing.as_str())
            ),
            CaaVerdict::Unknown(UnknownBecause::LookupFailed(failure)) => {
                let (_, remedy) = split(&failure.to_string());
                format!("{} Then check again.", sentence(&remedy))
            }
            CaaVerdict::Unknown(UnknownBecause::NoSuchTld) => format!(
                "Check the spelling and ask another resolver. If `{}` is the organisation's own, \
                 list it as a private top-level domain.",
                self.last_asked()
            ),
            CaaVerdict::Unknown(UnknownBecause::Unread(_)) => {
                format!("Ask who edits `{at}` to correct or remove this record, then check again.")
            }
        }
    }

    /// What a careful reader should know beside the verdict, in sentences.
    #[must_use]
    pub fn noticed(&self) -> Vec<String> {
        let Some(evidence) = self.evidence() else { return Vec::new() };
        let mut noticed = Vec::new();
        let unread = |end| matches!(end, ClimbEnd::Failed(_));
        if !unread(evidence.end()) && evidence.weakest_proof() == Proof::Indeterminate {
            noticed.push(
                "Not every answer was validated with DNSSEC; ask a validating resolver.".to_owned(),
            );
        }
        if let Some(alias) = evidence.relevant_rung().and_then(|rung| rung.answer.aliases().last())
        {
            noticed.push(format!(
                "The set stands at `{}`, an alias's target: who edits that name decides.",
                alias.to
            ));
        }
        let odd = |r: &&CaaRecord| !r.is_issuer_critical() && r.flags != 0;
        if let Some(record) = evidence.relevant_set().iter().find(odd) {
            noticed.push(format!(
                "`{}` has reserved flags and is not critical; critical is 128.",
                shown(record)
            ));
        }
        noticed
    }

    fn owner(&self) -> String {
        let owner = self.evidence().and_then(super::CaaEvidence::relevant_owner);
        owner.map_or_else(|| self.base(), ToString::to_string)
    }

    fn base(&self) -> String {
        let base = self.evidence().map(|evidence| evidence.name().base().to_string());
        base.unwrap_or_else(|| self.subject().to_string())
    }

    fn last_asked(&self) -> String {
        let last = self.evidence().and_then(|evidence| evidence.rungs().last());
        last.map_or_else(|| self.base(), |rung| rung.name.to_string())
    }
}

/// What a property that does not permit lacks.
fn lacks(mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Malformed(why) => format!("names nobody, because {why}"),
        Mismatch::Nobody => "names nobody".to_owned(),
        Mismatch::OtherIssuer(other) => format!("names `{other}`"),
        Mismatch::Account(AccountMismatch::Repeated) => "has more than one `accounturi`".to_owned(),
        Mismatch::Account(AccountMismatch::NotUri) => {
            "has an `accounturi` that is not a URI".to_owned()
        }
        Mismatch::Account(AccountMismatch::NoAccount) => {
            "demands an account, and the request has none".to_owned()
        }
        Mismatch::Account(AccountMismatch::Other(_)) => "names another account".to_owned(),
        Mismatch::Method(MethodMismatch::Repeated) => {
            "has more than one `validationmethods`".to_owned()
        }
        Mismatch::Method(MethodMismatch::NotList) => {
            "has `validationmethods` that are not a list of labels".to_owned()
        }
        Mismatch::Method(MethodMismatch::NoMethod) => {
            "demands a validation method, and the request has none".to_owned()
        }
        Mismatch::Method(MethodMismatch::Other(listed)) if listed.is_empty() => {
            "permits no validation method".to_owned()
        }
        Mismatch::Method(MethodMismatch::Other(_)) => "permits other validation methods".to_owned(),
    }
}

/// The record that would permit what was asked.
fn wanted_record(terms: &CaaTerms, tag: &str) -> String {
    let tag = match terms.kind {
        CertificateKind::Tls => tag,
        CertificateKind::Email => "issuemail",
    };
    let issuer = terms.issuers.first().map_or("ca.example", |issuer| issuer.as_str());
    let account = terms.account.as_ref().map_or_else(String::new, |a| format!("; accounturi={a}"));
    format!("0 {tag} \"{issuer}{account}\"")
}

fn what_failed(failure: LookupFailure) -> String {
    split(&failure.to_string()).0
}

/// An error message is "what; what to do".
fn split(message: &str) -> (String, String) {
    let (what, to_do) = message.split_once("; ").unwrap_or((message, "look at the servers"));
    (what.to_owned(), to_do.to_owned())
}

fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_ascii_uppercase());
    format!("{}{}.", first.map_or_else(String::new, String::from), rest.as_str())
}

fn shown(record: &CaaRecord) -> String {
    let text = record.to_string();
    if text.len() <= SHOWN_CHARS_MAX {
        return text;
    }
    format!("{}…", text.chars().take(SHOWN_CHARS_MAX).collect::<String>())
}
