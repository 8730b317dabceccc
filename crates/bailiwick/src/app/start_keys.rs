//! Keys at the start: the ledger's, the issuers', the listener's. Made once, sealed, then opened.

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_connect::issuer::{BuiltinIssuer, IssuerPlan, listener_config};
use bailiwick_connect::keys::{KeyFault, KeyFiles, Sealer, write_new};
use bailiwick_connect::token::Token;
use bailiwick_core::certificate::{CrlParts, Generation, IssuerPlaces};
use bailiwick_core::estate::{AuthorityKey, AuthorityPlan, Estate, KeyHome, NameConstraint};
use bailiwick_core::ledger::{LeafIndex, TreeHead};
use bailiwick_core::names::{DnsName, IssuerId};
use bailiwick_core::record::Fact;
use bailiwick_core::time::Time;
use bailiwick_wire::ledger::{KeyName, LedgerKey};
use zeroize::Zeroizing;

use super::start::NotStarted;
use crate::fault::Fault;
use crate::settings::Settings;
use crate::world::World;

/// Signs the checkpoints of the store's commits.
pub(super) struct Signer(pub(super) LedgerKey);

impl bailiwick_store::CheckpointSigner for Signer {
    fn sign(&self, head: TreeHead) -> Result<Vec<u8>, bailiwick_store::SignFailed> {
        let note = self.0.sign_checkpoint(head);
        note.map(|note| note.to_string().into_bytes())
            .map_err(|cause| bailiwick_store::SignFailed(Box::new(cause)))
    }
}

/// The injected clock, as the store asks for it.
pub(super) struct StoreClock(pub(super) World);

impl bailiwick_store::Clock for StoreClock {
    fn now(&self) -> Time {
        self.0.now()
    }
}

/// Fills octets out of the injected randomness, as `connect` asks for it.
fn filler(world: &World) -> impl Fn(&mut [u8]) -> bool + Send + Sync + 'static {
    let random = Arc::clone(&world.random);
    move |octets| random.fill(octets).is_ok()
}

/// The sealer of the data folder: by its key file, or by a passphrase out of the environment.
pub(super) fn sealer(data: &Path, world: &World) -> Result<Sealer, NotStarted> {
    let sealer = match std::env::var("BAILIWICK_PASSPHRASE") {
        Ok(passphrase) => Sealer::with_passphrase(data, &passphrase, filler(world)),
        Err(_) => Sealer::open(data, filler(world)),
    };
    sealer.map_err(|cause| NotStarted::Keys(cause.to_string()))
}

/// The key that signs checkpoints. Its name is the ledger's origin: chosen once, never again.
pub(super) fn ledger_key(
    settings: &Settings,
    sealer: &Sealer,
    world: &World,
) -> Result<LedgerKey, NotStarted> {
    let failed = |cause: &dyn std::fmt::Display| NotStarted::Keys(cause.to_string());
    let files = KeyFiles::new(settings.data.join("ledger"), sealer);
    let seed = files
        .get_or_make("ledger-key", "checkpoint", || {
            let seed: [u8; 32] = world.octets().map_err(|_| KeyFault::NoRandomness)?;
            Ok(Zeroizing::new(seed.to_vec()))
        })
        .map_err(|cause| failed(&cause))?;
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(
        <[u8; 32]>::try_from(seed.as_slice())
            .map_err(|_| failed(&"the ledger key has another length"))?,
    );
    let name = origin(settings, world)?;
    let name = KeyName::parse(&name).map_err(|cause| failed(&cause))?;
    LedgerKey::from_seed(name, &seed).map_err(|cause| failed(&cause))
}

/// The ledger's origin, kept beside its key: the host of the first start and a random part.
fn origin(settings: &Settings, world: &World) -> Result<String, NotStarted> {
    let path = settings.data.join("ledger/origin");
    let failed = |cause: &dyn std::fmt::Display| {
        NotStarted::Keys(format!("`{}` cannot be used: {cause}", path.display()))
    };
    if !path.exists() {
        let random: [u8; 6] = world.octets().map_err(|cause| failed(&cause))?;
        let digits: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
        let host = settings.base_url.split("://").nth(1).unwrap_or("localhost");
        let host = host.split([':', '/']).next().unwrap_or("localhost");
        write_new(&path, format!("{host}/bailiwick/{digits}").as_bytes())
            .map_err(|cause| failed(&cause))?;
    }
    let text = std::fs::read_to_string(&path).map_err(|cause| failed(&cause))?;
    Ok(text.trim().to_owned())
}

/// Refuses to go on with a ledger that another key began: whoever kept a checkpoint could not check
/// what follows.
pub(super) async fn same_ledger(
    store: &bailiwick_store::Store,
    ours: &str,
) -> Result<(), NotStarted> {
    let zero = LeafIndex::new(0).map_err(|cause| NotStarted::Keys(cause.to_string()))?;
    let first = store.entry(zero).await.map_err(Fault::from)?;
    match first.map(|entry| entry.fact) {
        None => Ok(()),
        Some(Fact::InstallationStarted { verifier_key, .. }) if verifier_key == ours => Ok(()),
        Some(_) => Err(NotStarted::Keys(format!(
            "the ledger was not begun with the key `{ours}` of this data folder; give the folder and the \
             database that belong together, or put `ledger/` back from a backup"
        ))),
    }
}

/// What CA keys are kept with.
pub(super) struct IssuerKeys<'a> {
    pub(super) sealer: &'a Sealer,
    pub(super) token: Option<&'a Arc<Token>>,
}

/// Opens a built-in CA of the estate, and makes it at the first time.
pub(super) fn open_issuer(
    settings: &Settings,
    estate: &Estate,
    id: &IssuerId,
    keys: &IssuerKeys<'_>,
    world: &World,
) -> Result<BuiltinIssuer, NotStarted> {
    let plan = issuer_plan_at(settings, estate, id, keys.token, Generation::FIRST);
    let folder = issuer_folder(&settings.data, id);
    let serials = || world.octets().ok();
    BuiltinIssuer::open(&folder, &plan, keys.sealer, &serials, world.now())
        .map_err(|cause| NotStarted::Keys(cause.to_string()))
}

/// Where an issuer's certificates lie, and its keys where they are sealed in files.
pub(super) fn issuer_folder(data: &Path, id: &IssuerId) -> PathBuf {
    data.join("ca").join(id.as_str())
}

/// How a generation of a CA is made, and where it publishes.
pub(super) fn issuer_plan_at(
    settings: &Settings,
    estate: &Estate,
    id: &IssuerId,
    token: Option<&Arc<Token>>,
    generation: Generation,
) -> IssuerPlan {
    let parts = estate.issuers.get(id).and_then(|issuer| issuer.authority.crl_parts);
    let places = places(settings, id, parts, generation);
    IssuerPlan { places, ..issuer_plan(estate, id, token) }
}

/// How a CA of the estate is made; where it publishes is left open.
pub(super) fn issuer_plan(
    estate: &Estate,
    id: &IssuerId,
    token: Option<&Arc<Token>>,
) -> IssuerPlan {
    let planned = estate.issuers.get(id).map(|issuer| issuer.authority.clone()).unwrap_or_default();
    IssuerPlan {
        id: id.clone(),
        organisation: estate.organisation.name.clone(),
        key: planned.key.unwrap_or(AuthorityKey::EcdsaP256),
        permitted: permitted(estate, &planned),
        places: IssuerPlaces::default(),
        token: token.filter(|_| planned.key_home == Some(KeyHome::Pkcs11)).cloned(),
    }
}

/// What an intermediate that is made now may certify.
fn permitted(estate: &Estate, planned: &AuthorityPlan) -> Option<BTreeSet<DnsName>> {
    let mut bases = BTreeSet::new();
    for constraint in &planned.name_constraints {
        match constraint {
            NameConstraint::Zones => {
                bases.extend(estate.zones.keys().map(|key| key.name.apex().clone()));
            }
            NameConstraint::Below(base) => drop(bases.insert(base.clone())),
        }
    }
    (!planned.name_constraints.is_empty()).then_some(bases)
}

/// Where what a generation of an issuer publishes is found. One OCSP responder's address is enough:
/// a question names the CA that it is about (RFC 6960, section 4.1.1).
fn places(
    settings: &Settings,
    id: &IssuerId,
    parts: Option<NonZeroU16>,
    generation: Generation,
) -> IssuerPlaces {
    let base = &settings.http_url;
    let (crl, certificate) = match generation {
        Generation::FIRST => (format!("{id}.crl"), format!("{id}.cer")),
        later => (format!("{id}/g{later}.crl"), format!("{id}/g{later}.cer")),
    };
    IssuerPlaces {
        crl_url: Some(format!("{base}/crl/{crl}")),
        crl_parts: parts
            .map(|count| CrlParts { count, url_start: settings.crl_parts_url(id, generation) }),
        ocsp_url: Some(format!("{base}/ocsp/{id}")),
        ca_issuers_url: Some(format!("{base}/issuer/{certificate}")),
    }
}

/// TLS of the listener, for localhost and the host of the base URL.
pub(super) fn listener_tls(
    settings: &Settings,
    sealer: &Sealer,
    world: &World,
) -> Result<Arc<rustls::ServerConfig>, NotStarted> {
    let host = settings.base_url.split("://").nth(1).unwrap_or_default();
    let host = host.split([':', '/']).next().unwrap_or_default().to_owned();
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), host];
    hosts.retain(|host| !host.is_empty());
    hosts.sort();
    hosts.dedup();
    listener_config(&settings.data.join("tls"), &hosts, sealer, world.now())
        .map_err(|cause| NotStarted::Keys(cause.to_string()))
}
