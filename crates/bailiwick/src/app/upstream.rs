//! CAs behind ACME as people meet them: registering an account there, handing secrets in.

use bailiwick_core::actor::Actor;
use bailiwick_core::change::{Plan, RegisterAccount, Request, Step};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{ChangeId, IssuerId};
use bailiwick_core::policy::Access;
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_store::UpstreamAccountRow;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::words::words;
use super::{App, Asking, Loaded, Scope};
use crate::fault::Fault;

/// Octets of a secret that is handed in: below 16 nobody should share one, above 512 it is a file.
const SECRET_OCTETS: std::ops::RangeInclusive<usize> = 16..=512;

/// Whose secret is handed in.
pub(crate) enum SecretOf {
    /// The connector of a zone: the secret of its TSIG key, or the key of its API.
    Connector(ZoneKey),
    /// The key that a zone is transferred with, where it is not the connector's.
    Transfer(ZoneKey),
    /// The external account binding of an issuer.
    Issuer(IssuerId),
    /// What notices are signed with.
    Webhook,
    /// The password at the mail relay.
    Smtp,
}

impl App {
    /// Our accounts at CAs.
    pub(crate) async fn accounts_at_cas(
        &self,
        asking: &Asking,
    ) -> Result<Vec<UpstreamAccountRow>, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        Ok(self.store.upstream_accounts().await?)
    }

    /// Asks for an account to be registered at a CA of the estate.
    pub(crate) async fn register_at_ca(
        &self,
        asking: &Asking,
        issuer: &IssuerId,
        why: &str,
    ) -> Result<Loaded, Fault> {
        self.permit(asking, Access::Request, &Scope::Estate)?;
        let live = self.live.get();
        let Some(upstream) = self.upstream(&live, issuer) else {
            return Err(Fault::input(
                "issuer",
                format!("the estate has no issuer `{issuer}` of kind `acme`"),
            ));
        };
        if let Some(account) = self.upstream_account(issuer).await? {
            return Err(Fault::conflict(format!("there is an account: {}", account.uri)));
        }
        let request = Request {
            id: ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?,
            title: format!("register an account at {issuer}"),
            reason: words("reason", why)?,
            by: Actor::Person(asking.by.clone()),
            service: None,
            zones: Vec::new(),
            at: self.now(),
        };
        let plan = Plan::of(Step::RegisterAccount(RegisterAccount {
            issuer: issuer.clone(),
            directory: upstream.directory.clone(),
            contacts: upstream.contacts.clone(),
            binding: upstream.binding.clone(),
        }));
        self.submit(request, plan, Vec::new(), Batch::default()).await
    }

    /// Seals a secret that somebody hands in; it takes the place of the one before.
    pub(crate) async fn set_secret(
        &self,
        asking: &Asking,
        of: &SecretOf,
        text: &str,
    ) -> Result<(), Fault> {
        self.permit(asking, Access::Administer, &Scope::Organisation)?;
        let live = self.live.get();
        let sealed = match of {
            SecretOf::Webhook => SealedSecret::WebhookKey,
            SecretOf::Smtp => SealedSecret::SmtpPassword,
            SecretOf::Connector(key) => {
                let zone = live.estate().zones.get(key);
                let connector = zone.and_then(|zone| zone.connector.as_ref());
                let connector = connector.ok_or_else(|| {
                    Fault::input("name", format!("zone `{key}` has no connector"))
                })?;
                Self::connector_secret(key, connector).ok_or_else(|| {
                    let why = format!("the connector of zone `{key}` needs no secret");
                    Fault::input("name", why)
                })?
            }
            SecretOf::Transfer(key) => {
                let zone = live.estate().zones.get(key);
                let transfer = zone.and_then(|zone| zone.transfer.as_ref());
                if transfer.is_none_or(|transfer| transfer.key.is_none()) {
                    let why = format!("zone `{key}` has no `key` in `[transfer]`");
                    return Err(Fault::input("name", why));
                }
                SealedSecret::TransferKey(key.clone())
            }
            SecretOf::Issuer(issuer) => {
                let upstream = self.upstream(&live, issuer);
                if upstream.is_none_or(|upstream| upstream.binding.is_none()) {
                    return Err(Fault::input(
                        "name",
                        format!("issuer `{issuer}` has no `binding`"),
                    ));
                }
                SealedSecret::BindingKey(issuer.clone())
            }
        };
        let secret = octets_of(text, &sealed)?;
        if let Some(of) = Self::held_as(&sealed) {
            self.none_under_way(&of).await?;
        }
        let entry = Entry {
            at: self.now(),
            by: Actor::Person(asking.by.clone()),
            fact: Fact::SecretSet { purpose: sealed.purpose().to_owned(), name: sealed.name() },
        };
        let work = vec![self.sealed_secret(sealed, &secret)?];
        self.commit(Batch { entries: vec![entry], work, ..Batch::default() }).await.map(drop)
    }
}

/// The octets of a secret: the key of an API is text, every other is handed in as base64.
pub(super) fn octets_of(text: &str, of: &SealedSecret) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let text = text.trim();
    let octets = if matches!(of, SealedSecret::ApiKey(_) | SealedSecret::NextApiKey(_)) {
        text.as_bytes().to_vec()
    } else {
        // BIND spells keys in base64, CAs theirs in base64url.
        let octets = STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text));
        octets.map_err(|_| Fault::input("secret", "not base64; paste it as it was given"))?
    };
    let octets = Zeroizing::new(octets);
    if SECRET_OCTETS.contains(&octets.len()) {
        Ok(octets)
    } else {
        Err(Fault::input("secret", "a secret has 16 to 512 octets"))
    }
}
