//! A verdict as it is stored. Only ever written.

use bailiwick_core::policy::{
    GrantAct, Grantable, Grantor, MissingApproval, Permit, Reason, Verdict,
};
use serde::Serialize;

use super::{VERSION, write};

/// Octets of one list at most. A refusal of a hundred names may have hundreds of reasons, which
/// would not fit into an entry of the ledger, and then the refusal could not be stored at all.
const LIST_OCTETS_MAX: usize = 8 * 1024;

#[derive(Serialize)]
pub(super) struct VerdictForm {
    v: u64,
    decision: &'static str,
    policy: String,
    permits: Vec<PermitForm>,
    reasons: Vec<ReasonForm>,
    notes: Vec<ReasonForm>,
    missing_approvals: Vec<MissingForm>,
    grantable: Option<GrantableForm>,
    left_out: LeftOut,
}

/// How many of each list are not written.
#[derive(Serialize)]
struct LeftOut {
    permits: usize,
    reasons: usize,
    notes: usize,
}

#[derive(Serialize)]
struct PermitForm {
    rule: String,
    source: String,
    control: Option<String>,
    zone: Option<String>,
}

#[derive(Serialize)]
struct ReasonForm {
    rule: String,
    source: String,
    control: Option<String>,
    fact: String,
    name: Option<String>,
    grantor: GrantorForm,
    remedy: String,
}

#[derive(Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum GrantorForm {
    Nobody,
    Teams { teams: Vec<String> },
}

#[derive(Serialize)]
struct MissingForm {
    team: String,
    role: &'static str,
    count: u32,
    independent: bool,
}

#[derive(Serialize)]
struct GrantableForm {
    acts: Vec<ActForm>,
}

#[derive(Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum ActForm {
    Envelope { by: Vec<String> },
    ConfirmOwnership { by: String },
}

pub(super) fn form(verdict: &Verdict) -> VerdictForm {
    let (permits, permits_left) = first(verdict.permits(), permit);
    let (reasons, reasons_left) = first(verdict.reasons(), reason);
    let (notes, notes_left) = first(verdict.notes(), reason);
    VerdictForm {
        v: VERSION,
        decision: verdict.decision().as_str(),
        policy: verdict.policy_digest().to_string(),
        permits,
        reasons,
        notes,
        missing_approvals: verdict.missing_approvals().iter().map(missing).collect(),
        grantable: verdict.grantable().map(grantable),
        left_out: LeftOut { permits: permits_left, reasons: reasons_left, notes: notes_left },
    }
}

/// The forms of the first of `all`, as many as fit, and how many do not.
fn first<T, Form: Serialize>(all: &[T], form: fn(&T) -> Form) -> (Vec<Form>, usize) {
    let mut room = LIST_OCTETS_MAX;
    let mut forms = Vec::new();
    for one in all {
        let form = form(one);
        let Some(left) = room.checked_sub(write(&form).len()) else {
            break;
        };
        room = left;
        forms.push(form);
    }
    let left_out = all.len().saturating_sub(forms.len());
    (forms, left_out)
}

fn permit(permit: &Permit) -> PermitForm {
    let Permit { rule, source, control, zone } = permit;
    PermitForm {
        rule: rule.to_string(),
        source: source.clone(),
        control: control.clone(),
        zone: zone.as_ref().map(ToString::to_string),
    }
}

fn reason(reason: &Reason) -> ReasonForm {
    let Reason { rule, source, control, fact, name, grantor, remedy } = reason;
    ReasonForm {
        rule: rule.to_string(),
        source: source.clone(),
        control: control.clone(),
        fact: fact.clone(),
        name: name.as_ref().map(ToString::to_string),
        grantor: match grantor {
            Grantor::Nobody => GrantorForm::Nobody,
            Grantor::Teams(teams) => GrantorForm::Teams { teams: spelled(teams) },
        },
        remedy: remedy.clone(),
    }
}

fn missing(missing: &MissingApproval) -> MissingForm {
    let MissingApproval { team, role, count, independent } = missing;
    MissingForm {
        team: team.to_string(),
        role: role.as_str(),
        count: *count,
        independent: *independent,
    }
}

fn grantable(grantable: &Grantable) -> GrantableForm {
    let Grantable { acts } = grantable;
    let act = |act: &GrantAct| match act {
        GrantAct::Envelope { by } => ActForm::Envelope { by: spelled(by) },
        GrantAct::ConfirmOwnership { by } => ActForm::ConfirmOwnership { by: by.to_string() },
    };
    GrantableForm { acts: acts.iter().map(act).collect() }
}

fn spelled<'a, T: ToString + 'a>(all: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    all.into_iter().map(ToString::to_string).collect()
}
