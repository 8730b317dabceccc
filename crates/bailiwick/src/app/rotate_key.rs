//! Asking for another credential in place of one that Bailiwick holds: the TSIG key or the API key of a
//! zone, the key of an account at a CA. The new secret is sealed with the change that somebody else has to
//! approve; nothing of it stands in the plan.

use bailiwick_connect::keys::SecretBytes;
use bailiwick_connect::upstream::AccountKey;
use bailiwick_core::actor::Actor;
use bailiwick_core::change::{
    Change, Chore, HeldKey, KeyMark, Plan, Precheck, Request, RetireKey, RotateKey, Step, Warrant,
};
use bailiwick_core::estate::{Connector, ZoneKey};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{ChangeId, Digest, DnsName, IssuerId};
use bailiwick_core::policy::Access;
use bailiwick_core::record::Batch;
use bailiwick_store::{ChangeFilter, LIMIT_MAX};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::held_keys::{API_KEY_NAME, marked};
use super::upstream::octets_of;
use super::words::words;
use super::zones::zone_of;
use super::{App, Asking, Loaded, Scope, Takes};
use crate::fault::Fault;

/// One wish at a time: two would seal their secrets over each other.
static WISHING: Mutex<()> = Mutex::const_new(());

/// States in which a change is still under way.
const OPEN: [&str; 6] =
    ["requested", "awaiting-approval", "executing", "verifying", "rolling-back", "unknown"];

/// How long whoever runs the server has for each of the two stages, where nobody says: over a week-end.
const WITHIN_HOURS: u32 = 72;
/// At most; a longer rotation is none.
const WITHIN_HOURS_MAX: u32 = 30 * 24;
/// How long a CA has: it does it while we ask.
const CA_SECONDS: u32 = 3_600;

/// What somebody wants of a zone's credential.
#[derive(Default)]
pub(crate) struct RotateKeyWish {
    /// The name of the new TSIG key.
    pub name: Option<String>,
    /// The new secret, where it is brought.
    pub secret: Option<Zeroizing<String>>,
    /// How long whoever runs the server has for each of the two stages.
    pub within_hours: Option<u32>,
    /// Why.
    pub reason: String,
}

/// A TSIG key that was made here, shown once.
pub(crate) struct FreshKey {
    /// Its name.
    pub name: String,
    /// Its secret, base64.
    pub secret: Zeroizing<String>,
}

impl App {
    /// Asks that a zone be written with another credential.
    pub(crate) async fn rotate_zone_key(
        &self,
        asking: &Asking,
        key: &ZoneKey,
        wish: RotateKeyWish,
    ) -> Result<(Loaded, Option<FreshKey>), Fault> {
        self.permit(asking, Access::Administer, &Scope::Organisation)?;
        let live = self.live.get();
        let connector = zone_of(&live, key)?.connector.as_ref();
        let held = connector.and_then(|it| Some((it, Self::held_by(key, it)?)));
        let (connector, of) = held.ok_or_else(|| {
            Fault::conflict(format!(
                "zone `{key}` is written without a key that is rotated here; another token of an API is handed in with `bailiwick connector set-secret {key}`"
            ))
        })?;
        let reason = words("reason", &wish.reason)?;
        let within_seconds = within(wish.within_hours)?;
        let _turn = WISHING.lock().await;
        self.none_under_way(&of).await?;
        let by = asking.by.clone();
        let warrant = Warrant::to_do(Chore::TryDoor { zone: key.clone(), by }, self.now());
        let name = match connector {
            Connector::Rfc2136 { key: name, .. } => self.tsig_name(key, name).await?.to_string(),
            Connector::PowerDns { .. }
            | Connector::Cloudflare { .. }
            | Connector::Git { .. }
            | Connector::Observe => API_KEY_NAME.to_owned(),
        };
        let old = self.open_key(&warrant, (&of, &name), &of.now()).await?.ok_or_else(|| {
            Fault::conflict(format!(
                "the connector of zone `{key}` has no secret; hand it in with `bailiwick connector set-secret {key}`"
            ))
        })?;
        let (secret, fresh) = self.next_secret(&of, &wish).await?;
        let name = fresh.as_ref().map_or(wish.name.as_deref(), |fresh| Some(fresh.name.as_str()));
        let after = marked(&of, name.unwrap_or(API_KEY_NAME), &secret).map_err(Fault::bug)?;
        if after.digest == old.mark.digest {
            return Err(Fault::input("secret", "it is the one in force; bring another"));
        }
        let check = match self.holder(&live, &of) {
            Ok(holder) => old_one(&holder.who(), holder.takes(&old).await),
            Err(why) => return Err(Fault::conflict(why)),
        };
        let rotate = RotateKey { of, before: old.mark.clone(), after, within_seconds };
        let zones = vec![key.name.clone()];
        let title = format!("rotate the key that zone {key} is written with");
        let asked = (title, reason, zones);
        let loaded = self.ask_rotation(asking, asked, (rotate, secret), check).await?;
        Ok((loaded, fresh))
    }

    /// Asks that our account at a CA get another key.
    pub(crate) async fn rotate_account_key(
        &self,
        asking: &Asking,
        issuer: &IssuerId,
        reason: &str,
    ) -> Result<Loaded, Fault> {
        self.permit(asking, Access::Request, &Scope::Estate)?;
        let live = self.live.get();
        if self.upstream(&live, issuer).is_none() {
            let why = format!("the estate has no issuer `{issuer}` of kind `acme`");
            return Err(Fault::input("issuer", why));
        }
        let account = self.upstream_account(issuer).await?.ok_or_else(|| {
            Fault::conflict(format!(
                "there is no account at `{issuer}`; ask for one with `bailiwick issuer register {issuer}`"
            ))
        })?;
        let reason = words("reason", reason)?;
        let of = HeldKey::CaAccount(issuer.clone());
        let _turn = WISHING.lock().await;
        self.none_under_way(&of).await?;
        let secret = AccountKey::fresh().map_err(|cause| Fault::bug(cause.to_string()))?;
        let digest = Digest::from_bytes(*account.key.as_bytes());
        let before = KeyMark { name: account.uri.clone(), digest };
        let after = marked(&of, &account.uri, &secret).map_err(Fault::bug)?;
        let rotate = RotateKey { of, before, after, within_seconds: CA_SECONDS };
        let check = Precheck {
            name: "account-known".to_owned(),
            holds: true,
            saw: format!("our account at {issuer} is {}; the new key waits sealed", account.uri),
            assignee: None,
        };
        let title = format!("rotate the key of our account at {issuer}");
        let asked = (title, reason, Vec::new());
        self.ask_rotation(asking, asked, (rotate, secret), check).await
    }

    /// Seals the next one, and opens the change, in one commit.
    async fn ask_rotation(
        &self,
        asking: &Asking,
        (title, reason, zones): (String, String, Vec<bailiwick_core::names::ZoneName>),
        (rotate, secret): (RotateKey, SecretBytes),
        check: Precheck,
    ) -> Result<Loaded, Fault> {
        let request = Request {
            id: ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?,
            title,
            reason,
            by: Actor::Person(asking.by.clone()),
            service: None,
            zones,
            at: self.now(),
        };
        let retire = RetireKey {
            of: rotate.of.clone(),
            old: rotate.before.clone(),
            within_seconds: rotate.within_seconds,
        };
        let work = vec![self.sealed_secret(rotate.of.next(), &secret)?];
        let plan = Plan::new(vec![Step::RotateKey(rotate), Step::RetireKey(retire)]);
        let plan = plan.map_err(|bad| Fault::bug(format!("no plan: {bad:?}")))?;
        let batch = Batch { work, ..Batch::default() };
        self.submit(request, plan, vec![check], batch).await
    }

    /// The next secret of a zone: brought, or for a TSIG key made here.
    async fn next_secret(
        &self,
        of: &HeldKey,
        wish: &RotateKeyWish,
    ) -> Result<(SecretBytes, Option<FreshKey>), Fault> {
        let brought = wish.secret.as_ref().map(|text| octets_of(text, &of.next())).transpose()?;
        match (of, &wish.name) {
            (HeldKey::ZoneTsig(_), Some(name)) => {
                let name = DnsName::parse(name).map_err(|cause| Fault::input("name", cause))?;
                self.is_new_name(of, &name).await?;
                if let Some(octets) = brought {
                    return Ok((SecretBytes::from(octets), None));
                }
                let octets: Zeroizing<[u8; 32]> = Zeroizing::new(self.world.octets()?);
                let secret = Zeroizing::new(STANDARD.encode(&octets[..]));
                let fresh = FreshKey { name: name.to_string(), secret };
                Ok((SecretBytes::from(octets.to_vec()), Some(fresh)))
            }
            (HeldKey::ZoneTsig(_), None) => Err(Fault::input(
                "name",
                "a server tells TSIG keys apart by name: give the new one a name of its own",
            )),
            (HeldKey::ZoneApi(_) | HeldKey::CaAccount(_), Some(_)) => {
                Err(Fault::input("name", "a key of an API has no name; leave it out"))
            }
            (HeldKey::ZoneApi(_) | HeldKey::CaAccount(_), None) => match brought {
                Some(octets) => Ok((SecretBytes::from(octets), None)),
                None => Err(Fault::input(
                    "secret",
                    "bring the key that the API will take; PowerDNS reads it from `api-key`",
                )),
            },
        }
    }

    /// A name that was in force once stands for what took its place, so it never comes back.
    async fn is_new_name(&self, of: &HeldKey, name: &DnsName) -> Result<(), Fault> {
        let live = self.live.get();
        let connector =
            of.zone().and_then(|zone| live.estate().zones.get(zone)?.connector.as_ref());
        let in_estate = match connector {
            Some(Connector::Rfc2136 { key, .. }) => key == name,
            _ => false,
        };
        let rows = self.store.held_keys(of).await?;
        let was = |mark: &KeyMark| mark.name == name.as_str();
        if in_estate || rows.iter().any(|row| was(&row.before) || was(&row.after)) {
            let why = format!("key `{name}` is or was in force for this zone; give another name");
            return Err(Fault::input("name", why));
        }
        Ok(())
    }

    /// Refuses while another change rotates the same credential.
    pub(super) async fn none_under_way(&self, of: &HeldKey) -> Result<(), Fault> {
        let same = |step: &Step| matches!(step, Step::RotateKey(it) if it.of == *of);
        match self.change_under_way("rotate-key", same).await? {
            None => Ok(()),
            Some(waiting) => Err(Fault::conflict(format!(
                "change `{waiting}` already rotates this key of `{}`; see it through or withdraw it first",
                of.owner()
            ))),
        }
    }

    /// A change that is not over whose first step is of a kind, and has a step like this.
    pub(super) async fn change_under_way(
        &self,
        kind: &str,
        same: impl Fn(&Step) -> bool,
    ) -> Result<Option<ChangeId>, Fault> {
        for state in OPEN {
            let filter = ChangeFilter {
                state: Some(state.to_owned()),
                kind: Some(kind.to_owned()),
                ..ChangeFilter::default()
            };
            for row in self.store.changes(&filter, None, LIMIT_MAX).await?.items {
                let loaded = self.load_change(&row.request.id).await?;
                let steps = if let Change::Awaiting(waiting) = &loaded.change {
                    waiting.plan.steps()
                } else {
                    loaded.change.approved().map(|it| it.plan().steps()).unwrap_or_default()
                };
                if steps.iter().any(&same) {
                    return Ok(Some(loaded.id));
                }
            }
        }
        Ok(None)
    }

    /// The credential that a secret is, where it can be rotated.
    pub(super) fn held_as(secret: &SealedSecret) -> Option<HeldKey> {
        if let SealedSecret::Tsig(zone) = secret {
            Some(HeldKey::ZoneTsig(zone.clone()))
        } else if let SealedSecret::ApiKey(zone) = secret {
            Some(HeldKey::ZoneApi(zone.clone()))
        } else {
            None
        }
    }
}

fn within(hours: Option<u32>) -> Result<u32, Fault> {
    let hours = hours.unwrap_or(WITHIN_HOURS);
    if (1..=WITHIN_HOURS_MAX).contains(&hours) {
        Ok(hours.saturating_mul(3_600))
    } else {
        Err(Fault::input("within_hours", format!("from 1 to {WITHIN_HOURS_MAX} hours")))
    }
}

/// Whether there would be a way back.
fn old_one(who: &str, takes: Takes) -> Precheck {
    let saw = match takes {
        Takes::Yes => format!("{who} takes the key in force, so there is a way back to it"),
        Takes::No(why) | Takes::NotKnown(why) => {
            format!("no way back: {who} was not seen to take the key in force: {why}")
        }
    };
    Precheck { name: "way-back".to_owned(), holds: true, saw, assignee: None }
}
