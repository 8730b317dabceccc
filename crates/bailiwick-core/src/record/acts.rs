//! Acts on what trust hangs on: keys, accounts, zones, registrations. All of them are recorded the same
//! way and stand in one list (TRW-8).

use crate::actor::Actor;
use crate::change::{Event, Receipt};
use crate::estate::spelled;
use crate::time::Time;

use super::entry::{Entry, Fact};

spelled! {
    /// What was acted on.
    ActClass {
        /// A private key or another secret was opened, made or handed in.
        Key = "key",
        /// An account or a credential was made, altered or ended.
        Account = "account",
        /// A zone's records were written.
        Zone = "zone",
        /// The parent of a zone, or its registrar, says something else.
        Registrar = "registrar",
        /// Who decides what changed.
        Estate = "estate",
    }
}

/// One act, as the list shows it; who and when stand in its entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Act {
    /// On what kind of thing.
    pub class: ActClass,
    /// On which, such as `zone/shop.example`, `issuer/house`, `account/…`.
    pub about: String,
    /// What was done, in words.
    pub what: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
}

/// The act that an entry records, where it records one.
#[must_use]
pub fn act(entry: &Entry) -> Option<Act> {
    let (class, about, what) = of(&entry.fact)?;
    Some(Act { class, about, what, by: entry.by.clone(), at: entry.at })
}

type Told = (ActClass, String, String);

/// What the secret of a purpose opens.
fn secret(purpose: &str, name: &str) -> (ActClass, String) {
    match purpose {
        "tsig" | "tsig-next" | "tsig-last" | "zone-api-key" | "zone-api-key-next"
        | "zone-api-key-last" | "transfer-tsig" => (ActClass::Zone, format!("zone/{name}")),
        "subject-key" | "subject-request" | "deployed-before" => {
            (ActClass::Key, format!("{purpose}/{name}"))
        }
        "webhook-key" | "smtp-password" => (ActClass::Key, name.to_owned()),
        _ => (ActClass::Key, format!("issuer/{name}")),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most entries are no act on a key or a zone")]
fn of(fact: &Fact) -> Option<Told> {
    let told = |class, about: String, what: &str| Some((class, about, what.to_owned()));
    match fact {
        Fact::SecretUsed(used) => {
            let (class, about) = secret(&used.purpose, &used.name);
            let by = used.change.as_ref().map(|id| format!(" of change {id}"));
            let (purpose, step) = (&used.purpose, &used.step);
            let by = by.unwrap_or_default();
            Some((class, about, format!("opened the {purpose} secret for {step}{by}")))
        }
        Fact::SecretSet { purpose, name } => {
            let (class, about) = secret(purpose, name);
            Some((class, about, format!("handed in the {purpose} secret")))
        }
        Fact::CrlPublished { issuer, number, .. } => {
            let what = format!("signed CRL {number}");
            Some((ActClass::Key, format!("issuer/{issuer}"), what))
        }
        Fact::ResponderCertified { issuer, serial, .. } => {
            let what = format!("certified an OCSP responder, {serial}");
            Some((ActClass::Key, format!("issuer/{issuer}"), what))
        }
        Fact::AccountRegistered(account) => {
            let what = format!("registered an ACME account of {}", account.service);
            Some((ActClass::Account, format!("account/{}", account.id), what))
        }
        Fact::AccountKeyChanged { account, .. } => {
            told(ActClass::Account, format!("account/{account}"), "changed the account's key")
        }
        Fact::AccountUpdated { account, .. } => {
            told(ActClass::Account, format!("account/{account}"), "changed the account's contacts")
        }
        Fact::AccountEnded { account, status } => {
            told(ActClass::Account, format!("account/{account}"), status.as_str())
        }
        Fact::AccountRevoked { account, why } => {
            Some((ActClass::Account, format!("account/{account}"), format!("ended it: {why}")))
        }
        Fact::CredentialMade(made) => {
            let what = format!("made a credential of {}", made.service);
            Some((ActClass::Account, format!("credential/{}", made.id), what))
        }
        Fact::CredentialRevoked { credential } => {
            told(ActClass::Account, format!("credential/{credential}"), "revoked the credential")
        }
        Fact::CredentialRotated { credential, successor, .. } => {
            let what = format!("rotated it into {successor}");
            Some((ActClass::Account, format!("credential/{credential}"), what))
        }
        Fact::DelegationObserved(seen) => {
            let (kind, at) = (seen.kind.as_str().to_uppercase(), &seen.seen_at);
            let values: Vec<&str> = seen.values.iter().map(String::as_str).collect();
            let values = if values.is_empty() { "nothing".to_owned() } else { values.join(", ") };
            let what = match &seen.before {
                None => format!("{kind} first seen at {at}: {values}"),
                Some(_) => format!("{kind} changed, seen at {at}: {values}"),
            };
            Some((ActClass::Registrar, format!("zone/{}", seen.zone), what))
        }
        Fact::Change { event, .. } => of_event(event),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most events are no act on a key or a zone")]
fn of_event(event: &Event) -> Option<Told> {
    let (Event::StepDone { receipt, .. } | Event::UndoDone { receipt, .. }) = event else {
        return None;
    };
    Some(match receipt {
        Receipt::Issued(made) => {
            let what = format!("signed certificate {} of {}", made.serial, made.service);
            (ActClass::Key, format!("issuer/{}", made.issuer), what)
        }
        Receipt::Revoked(revoked) => {
            let what = format!("revoked certificate {}", revoked.serial);
            (ActClass::Key, format!("issuer/{}", revoked.issuer), what)
        }
        Receipt::AccountRegistered { issuer, uri, .. } => {
            (ActClass::Account, format!("issuer/{issuer}"), format!("registered {uri}"))
        }
        Receipt::AccountDeactivated { issuer } => {
            (ActClass::Account, format!("issuer/{issuer}"), "deactivated our account".to_owned())
        }
        Receipt::KeyActivated { of, before, after } => {
            let (class, about) = match of.zone() {
                Some(zone) => (ActClass::Zone, format!("zone/{zone}")),
                None => (ActClass::Account, format!("issuer/{}", of.owner())),
            };
            let (was, is) = (&before.name, &after.name);
            let what = if was == is {
                format!("replaced the key of {is}")
            } else {
                format!("replaced key {was} by {is}")
            };
            (class, about, what)
        }
        Receipt::EstateActivated { estate } => {
            (ActClass::Estate, "estate".to_owned(), format!("activated estate {estate}"))
        }
        _ => return None,
    })
}
