//! Credentials, accounts and standing records as the API takes and gives them.

use bailiwick_core::estate::Duty;
use bailiwick_core::names::{PersonId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CertificateBody;
use crate::app::{AccountView, CredentialView, FreshCredential, StandingView};

/// A credential, its key shown this once.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CredentialBody {
    /// The `kid` a client is given.
    pub kid: String,
    /// The MAC key a client is given, base64url.
    pub hmac_key: String,
    /// The ACME directory.
    pub directory: String,
    /// Until when an account can be registered with it.
    pub expires_at: String,
}

impl CredentialBody {
    pub(crate) fn of(fresh: FreshCredential, directory: String) -> Self {
        Self {
            kid: fresh.credential.id.to_string(),
            hmac_key: fresh.hmac_key,
            directory,
            expires_at: fresh.credential.expires_at.to_string(),
        }
    }
}

/// A credential without its key.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CredentialLine {
    /// The `kid` a client sends.
    pub kid: String,
    /// The service whose certificates it may ask for.
    pub service: String,
    /// Where its client runs.
    pub environment: String,
    /// In which namespace.
    pub namespace: Option<String>,
    /// What its maker vouched for, by kind.
    pub attestations: Vec<String>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: String,
    /// Until when an account can be registered with it.
    pub expires_at: String,
    /// `usable`, `used`, `rotated`, `expired` or `revoked`.
    pub state: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// The account it bound.
    pub account: Option<String>,
    /// The credential that took its place.
    pub successor: Option<String>,
}

impl CredentialLine {
    pub(crate) fn of(view: &CredentialView) -> Self {
        let one = &view.credential;
        Self {
            kid: one.id.to_string(),
            service: one.service.to_string(),
            environment: one.environment.clone(),
            namespace: one.namespace.clone(),
            attestations: one.attestations.clone(),
            made_by: one.created_by.to_string(),
            made_at: one.created_at.to_string(),
            expires_at: one.expires_at.to_string(),
            state: view.state.to_owned(),
            revoked_at: one.revoked_at.map(|at| at.to_string()),
            account: one.account.as_ref().map(ToString::to_string),
            successor: view.successor.as_ref().map(ToString::to_string),
        }
    }
}

/// How a credential is rotated.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateBody {
    /// For how many hours the one before can still register an account, 0 to 168; at once nothing
    /// more where absent.
    #[serde(default)]
    pub overlap_hours: u32,
}

/// Terms of service to be agreed to.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgreeBody {
    /// Where the terms are that were read, so that nobody agrees to others.
    pub terms: String,
}

/// An ACME account.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AccountBody {
    /// Its id.
    pub id: String,
    /// Its URL.
    pub url: String,
    /// The service it asks for.
    pub service: String,
    /// Where its client runs.
    pub environment: String,
    /// In which namespace.
    pub namespace: Option<String>,
    /// What was vouched for about its client.
    pub attestations: Vec<String>,
    /// Who answers for the service: duty, team, person on duty.
    pub owners: Vec<(String, String, Option<String>)>,
    /// Whom its client named, such as `mailto:ops@shop.example`.
    pub contacts: Vec<String>,
    /// RFC 7638 thumbprint of its key.
    pub thumbprint: String,
    /// `valid`, `deactivated` (by its holder) or `revoked` (here).
    pub status: String,
    /// The credential that bound it.
    pub credential: String,
    /// Who made that credential.
    pub made_by: String,
    /// When it was registered.
    pub registered_at: String,
    /// When it last placed an order.
    pub last_order_at: Option<String>,
    /// How many certificates it got.
    pub certificates: u64,
    /// CAA records that let it, and no other account, have certificates for the service's names
    /// (RFC 8657), as a zone file holds them. They bind only where no record without `accounturi`
    /// stands beside them.
    pub caa: Vec<String>,
    /// The terms of service agreed to for it, and when.
    pub terms: Option<(String, String)>,
    /// The terms to be agreed to before it gets anything more.
    pub terms_due: Option<String>,
}

impl AccountBody {
    pub(crate) fn of(view: &AccountView) -> Self {
        let one = &view.account;
        Self {
            id: one.id.to_string(),
            url: view.url.clone(),
            service: one.service.to_string(),
            environment: one.environment.clone(),
            namespace: one.namespace.clone(),
            attestations: one.attestations.clone(),
            owners: owners(&view.owners),
            contacts: one.contacts.clone(),
            thumbprint: one.thumbprint.clone(),
            status: one.status.as_str().to_owned(),
            credential: one.credential.to_string(),
            made_by: one.made_by.to_string(),
            registered_at: one.created_at.to_string(),
            last_order_at: view.last_order_at.map(|at| at.to_string()),
            certificates: view.certificates,
            caa: view.caa.clone(),
            terms: view.terms.as_ref().map(|(terms, at)| (terms.clone(), at.to_string())),
            terms_due: view.terms_due.clone(),
        }
    }
}

/// An account with what it got.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AccountStory {
    /// As in lists.
    #[serde(flatten)]
    pub line: AccountBody,
    /// What it got, the newest first; `certificates` counts all.
    pub newest: Vec<CertificateBody>,
}

/// A standing validation record (dns-persist-01): whoever has the account's key can show control of
/// the name for as long as it stands.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct StandingBody {
    /// The name it stands for; the record is at `_validation-persist` below it.
    pub name: String,
    /// The account it names.
    pub account: String,
    /// The service of that account.
    pub service: String,
    /// Who answers for the service: duty, team, person on duty.
    pub owners: Vec<(String, String, Option<String>)>,
    /// The issuer domain name in it.
    pub issuer: String,
    /// Whether it stands for the wildcard below the name too.
    pub wildcard: bool,
    /// Since when it is relied on.
    pub since: String,
    /// When it was last relied on, or found changed.
    pub seen_at: String,
    /// Until when it may be relied on; absent where the record does not end by itself.
    pub until: Option<String>,
    /// `stands`, `ended` or `gone`.
    pub state: String,
    /// Since when it is known to be gone.
    pub gone_at: Option<String>,
    /// Its text.
    pub text: String,
}

impl StandingBody {
    pub(crate) fn of(view: &StandingView) -> Self {
        let one = &view.row.record;
        Self {
            name: one.name.to_string(),
            account: one.account.to_string(),
            service: one.service.to_string(),
            owners: owners(&view.owners),
            issuer: one.issuer.clone(),
            wildcard: one.wildcard,
            since: view.row.first_at.to_string(),
            seen_at: view.row.seen_at.to_string(),
            until: one.until.map(|until| until.to_string()),
            state: view.state.to_owned(),
            gone_at: view.row.gone_at.map(|at| at.to_string()),
            text: one.text.clone(),
        }
    }
}

fn owners(all: &[(Duty, TeamId, Option<PersonId>)]) -> Vec<(String, String, Option<String>)> {
    let each = all.iter().map(|(duty, team, person)| {
        (duty.to_string(), team.to_string(), person.as_ref().map(ToString::to_string))
    });
    each.collect()
}
