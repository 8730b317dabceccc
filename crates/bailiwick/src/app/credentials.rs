//! Credentials for ACME clients (external account binding): made by people, shown once, listed,
//! rotated, revoked.

use bailiwick_core::actor::Actor;
use bailiwick_core::estate::{AttestationKind, Environment, Namespace};
use bailiwick_core::gate::Credential;
use bailiwick_core::names::{CredentialId, ServiceId};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, HOUR_MS, Time};

use super::lists::{Listed, limit, listed};
use super::{App, Asking, Scope};
use crate::fault::Fault;

/// How long a credential can be used to register, where nothing else is said.
pub(crate) const CREDENTIAL_HOURS: i64 = 7 * 24;
/// The longest.
const CREDENTIAL_MS_MAX: i64 = 90 * DAY_MS;

/// Two credentials stand beside each other for a week at most: long enough for every host to get
/// the new one.
const OVERLAP_MS_MAX: i64 = 7 * DAY_MS;

/// What base64url spells `-` (RFC 4648, section 5).
const BASE64URL_HYPHEN: u8 = 62;

/// A credential as its maker sees it, once.
pub(crate) struct FreshCredential {
    /// The credential.
    pub credential: Credential,
    /// The MAC key, base64url, as clients take it.
    pub hmac_key: String,
}

/// What a new credential is to be for.
pub(crate) struct NewCredential {
    /// Whose client it is.
    pub service: ServiceId,
    /// Where it runs; `None` for the service's own environment.
    pub environment: Option<String>,
    /// In which namespace; `None` for the service's own.
    pub namespace: Option<String>,
    /// What its maker vouches for.
    pub attestations: Vec<String>,
    /// How long it can be used to register; `None` for a week.
    pub hours: Option<i64>,
}

/// A credential as lists show it.
pub(crate) struct CredentialView {
    /// The credential.
    pub credential: Credential,
    /// The one that took its place.
    pub successor: Option<CredentialId>,
    /// Where it stands.
    pub state: &'static str,
}

/// Where a credential stands: `usable`, `used`, `rotated`, `expired` or `revoked`.
fn state(one: &Credential, rotated: bool, now: Time) -> &'static str {
    match (one.revoked_at, &one.account, now < one.expires_at) {
        (Some(_), _, _) => "revoked",
        (None, Some(_), _) => "used",
        (None, None, true) => "usable",
        (None, None, false) if rotated => "rotated",
        (None, None, false) => "expired",
    }
}

fn of(one: &Credential) -> Scope {
    Scope::Service(ResourceKind::Credential, one.id.to_string(), one.service.clone())
}

impl App {
    /// Makes a credential for a client of a service.
    pub(crate) async fn make_credential(
        &self,
        asking: &Asking,
        wanted: NewCredential,
    ) -> Result<FreshCredential, Fault> {
        let live = self.live.get();
        let service = live.estate().services.get(&wanted.service).ok_or_else(|| {
            Fault::input(
                "service",
                format!("there is no service `{}` in the estate", wanted.service),
            )
        })?;
        let scope = Scope::Service(
            ResourceKind::Credential,
            wanted.service.to_string(),
            wanted.service.clone(),
        );
        self.permit(asking, Access::Administer, &scope)?;
        let environment = match &wanted.environment {
            Some(word) => {
                Environment::parse(word).map_err(|cause| Fault::input("environment", cause))?
            }
            None => service.environment.clone(),
        };
        let namespace = match &wanted.namespace {
            Some(word) => {
                Some(Namespace::parse(word).map_err(|cause| Fault::input("namespace", cause))?)
            }
            None => service.namespace.clone(),
        };
        for kind in &wanted.attestations {
            AttestationKind::parse(kind).map_err(|cause| Fault::input("attestations", cause))?;
        }
        let hours = wanted.hours.unwrap_or(CREDENTIAL_HOURS);
        let lifetime = hours.saturating_mul(HOUR_MS);
        if lifetime <= 0 || lifetime > CREDENTIAL_MS_MAX {
            return Err(Fault::input("hours", "a credential can be used for 1 hour to 90 days"));
        }
        let now = self.now();
        let credential = Credential {
            id: self.credential_id()?,
            service: wanted.service,
            environment: environment.to_string(),
            namespace: namespace.map(|namespace| namespace.to_string()),
            attestations: wanted.attestations,
            created_by: asking.by.person.clone(),
            chain: asking.by.chain.clone(),
            created_at: now,
            expires_at: now.plus_ms(lifetime),
            revoked_at: None,
            account: None,
        };
        self.commit_credential(asking, credential, Vec::new()).await
    }

    /// Commits a new credential with its key, and what else came of it.
    async fn commit_credential(
        &self,
        asking: &Asking,
        credential: Credential,
        more: Vec<Fact>,
    ) -> Result<FreshCredential, Fault> {
        let id = credential.id.clone();
        let (hmac_key, sealed) = self.fresh_mac_key(&id)?;
        let entry =
            |fact| Entry { at: credential.created_at, by: Actor::Person(asking.by.clone()), fact };
        let made = Fact::CredentialMade(Box::new(credential.clone()));
        let batch = Batch {
            entries: std::iter::once(made).chain(more).map(entry).collect(),
            work: vec![Work::PutCredentialSecret { credential: id, sealed }],
            ..Batch::default()
        };
        self.commit(batch).await?;
        Ok(FreshCredential { credential, hmac_key })
    }

    fn credential_id(&self) -> Result<CredentialId, Fault> {
        CredentialId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad id"))
    }

    /// Makes a credential in place of another one: for the same service and place, vouched for by
    /// whoever rotates. The one before registers nothing more, at once or after `overlap_hours`.
    /// Accounts stay as they are.
    pub(crate) async fn rotate_credential(
        &self,
        asking: &Asking,
        id: &CredentialId,
        overlap_hours: u32,
    ) -> Result<FreshCredential, Fault> {
        let old = self.credential_to_alter(asking, id).await?;
        if old.revoked_at.is_some() {
            return Err(Fault::conflict("it was revoked; make a new one instead"));
        }
        if let Some(successor) = self.store.credential_successor(id).await? {
            return Err(Fault::conflict(format!(
                "`{successor}` took its place already; rotate that one"
            )));
        }
        let overlap = i64::from(overlap_hours).saturating_mul(HOUR_MS);
        if overlap > OVERLAP_MS_MAX {
            return Err(Fault::input(
                "overlap_hours",
                "two stand beside each other for 168 hours at most",
            ));
        }
        let now = self.now();
        // As long again as the one before was made for.
        let lifetime = old.expires_at.ms_since(old.created_at).clamp(HOUR_MS, CREDENTIAL_MS_MAX);
        let credential = Credential {
            id: self.credential_id()?,
            created_by: asking.by.person.clone(),
            chain: asking.by.chain.clone(),
            created_at: now,
            expires_at: now.plus_ms(lifetime),
            revoked_at: None,
            account: None,
            ..old
        };
        let rotated = Fact::CredentialRotated {
            credential: id.clone(),
            successor: credential.id.clone(),
            until: now.plus_ms(overlap),
        };
        self.commit_credential(asking, credential, vec![rotated]).await
    }

    /// A page of credentials by id, of one service or of all that the caller may see.
    pub(crate) async fn credentials(
        &self,
        asking: &Asking,
        service: Option<&ServiceId>,
        after: Option<&CredentialId>,
        rows: Option<u32>,
    ) -> Result<Listed<CredentialView>, Fault> {
        self.permit_service(asking, service)?;
        let rows = limit(rows)?;
        let page = self.store.credentials(service, after, rows).await?;
        let (page, next) = listed(page, rows, |one| one.id.to_string());
        let mut items = Vec::new();
        for credential in page {
            if self.may(asking, Access::Read, &of(&credential)) {
                let successor = self.store.credential_successor(&credential.id).await?;
                let state = state(&credential, successor.is_some(), self.now());
                items.push(CredentialView { credential, successor, state });
            }
        }
        Ok(Listed { items, next })
    }

    async fn credential_to_alter(
        &self,
        asking: &Asking,
        id: &CredentialId,
    ) -> Result<Credential, Fault> {
        let found = self.store.credential(id).await?;
        let found = found.ok_or_else(|| Fault::not_found(format!("credential `{id}`")))?;
        self.permit(asking, Access::Administer, &of(&found))?;
        Ok(found)
    }

    /// A MAC key for a credential, as clients take it and as it is stored.
    pub(super) fn fresh_mac_key(&self, id: &CredentialId) -> Result<(String, Vec<u8>), Fault> {
        use base64::Engine as _;
        let key = self.mac_key()?;
        let sealed = self.sealer.seal_credential(id, &key);
        let sealed = sealed.map_err(|cause| Fault::bug(cause.to_string()))?;
        Ok((base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key), sealed))
    }

    /// A MAC key whose base64url does not begin with a hyphen: clients take it on their command line,
    /// and certbot reads such a word as an option.
    fn mac_key(&self) -> Result<[u8; 32], Fault> {
        let mut key: [u8; 32] = self.world.octets()?;
        // One bit of a few keys; 255 are left.
        for first in key.iter_mut().take(1).filter(|first| **first >> 2 == BASE64URL_HYPHEN) {
            *first &= 0x7f;
        }
        Ok(key)
    }

    /// Revokes a credential: no account can be registered with it any more.
    pub(crate) async fn revoke_credential(
        &self,
        asking: &Asking,
        id: &CredentialId,
    ) -> Result<(), Fault> {
        self.credential_to_alter(asking, id).await?;
        let entry = Entry {
            at: self.now(),
            by: Actor::Person(asking.by.clone()),
            fact: Fact::CredentialRevoked { credential: id.clone() },
        };
        self.commit(Batch { entries: vec![entry], ..Batch::default() }).await?;
        Ok(())
    }
}
