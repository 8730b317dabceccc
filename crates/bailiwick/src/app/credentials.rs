//! Credentials for ACME clients (external account binding): made by people, shown once, revoked.

use bailiwick_core::actor::Actor;
use bailiwick_core::estate::{AttestationKind, Environment, Namespace};
use bailiwick_core::gate::Credential;
use bailiwick_core::names::{CredentialId, ServiceId};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, HOUR_MS};

use super::{App, Asking, Scope};
use crate::fault::Fault;

/// How long a credential can be used to register, where nothing else is said.
pub(crate) const CREDENTIAL_HOURS: i64 = 7 * 24;
/// The longest.
const CREDENTIAL_MS_MAX: i64 = 90 * DAY_MS;
/// What the MAC keys of credentials are sealed as.
pub(crate) const SEALED_AS: &str = "acme-credential";

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

impl App {
    /// Makes a credential for a client of a service.
    pub(crate) async fn make_credential(
        &self,
        asking: &Asking,
        wanted: NewCredential,
    ) -> Result<FreshCredential, Fault> {
        use base64::Engine as _;
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
        let key = self.mac_key()?;
        let id = CredentialId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad id"))?;
        let credential = Credential {
            id: id.clone(),
            service: wanted.service,
            environment: environment.to_string(),
            namespace: namespace.map(|namespace| namespace.to_string()),
            attestations: wanted.attestations,
            created_by: asking.by.person.clone(),
            created_at: now,
            expires_at: now.plus_ms(lifetime),
            revoked_at: None,
            account: None,
        };
        let sealed = self.seal(SEALED_AS, id.as_str(), &key)?;
        let batch = Batch {
            entries: vec![Entry {
                at: now,
                by: Actor::Person(asking.by.clone()),
                fact: Fact::CredentialMade(Box::new(credential.clone())),
            }],
            work: vec![Work::PutCredentialSecret { credential: id, sealed }],
            ..Batch::default()
        };
        self.commit(batch).await?;
        let hmac_key = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key);
        Ok(FreshCredential { credential, hmac_key })
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
        let found = self.store.credential(id).await?;
        let found = found.ok_or_else(|| Fault::not_found(format!("credential `{id}`")))?;
        let scope = Scope::Service(ResourceKind::Credential, id.to_string(), found.service.clone());
        self.permit(asking, Access::Administer, &scope)?;
        let entry = Entry {
            at: self.now(),
            by: Actor::Person(asking.by.clone()),
            fact: Fact::CredentialRevoked { credential: id.clone() },
        };
        self.commit(Batch { entries: vec![entry], ..Batch::default() }).await?;
        Ok(())
    }
}
