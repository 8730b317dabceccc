//! Key ceremonies: what `bailiwick ceremony` does on the offline machine and beside the server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bailiwick_connect::issuer::{self, IssuerFault, IssuerPlan, OfflineRoot};
use bailiwick_core::certificate::{IssuerIdentity, IssuerPlaces};
use bailiwick_core::estate::{AuthorityKey, Estate, IssuerKind};
use bailiwick_core::names::{CertFingerprint, DnsName, IssuerId};
use bailiwick_wire::x509::{BadPem, read_chain, read_pem, write_chain};

use super::start::NotStarted;
use super::start_keys::{issuer_folder, issuer_plan, sealer};
use super::start_token::{TokenOptions, named, token};
use crate::world::World;

/// What binds a sealed root key to its purpose.
const OFFLINE: &str = "offline-root";

/// Why a step of a ceremony was not taken; nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotHeld {
    /// Keys, certificates or the token.
    #[error(transparent)]
    Issuer(#[from] IssuerFault),
    /// The sealer or the token.
    #[error(transparent)]
    Keys(#[from] NotStarted),
    /// A file.
    #[error("`{path}` cannot be used: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The estate.
    #[error("{0}")]
    Estate(String),
    /// The issuer is none of the estate's own CAs.
    #[error("the estate has no built-in issuer `{0}`; name one of issuers.toml")]
    NoIssuer(IssuerId),
    /// What would be signed was not confirmed.
    #[error("nothing was signed; when both people have compared the key, add `--confirm {0}`")]
    NotConfirmed(String),
}

/// The root, or what would make it.
pub(crate) struct RootWish {
    /// Its folder.
    pub folder: PathBuf,
    /// Whose it is; only needed where it is made.
    pub organisation: String,
    /// Its key; only needed where it is made.
    pub key: AuthorityKey,
    /// The token that its key lives in.
    pub token: TokenOptions,
}

/// A root's certificate, as people compare it.
pub(crate) struct RootShown {
    /// Its fingerprint.
    pub fingerprint: CertFingerprint,
    /// Last second of its validity.
    pub not_after: bailiwick_core::time::Time,
    /// The file that holds it.
    pub file: PathBuf,
}

/// Opens the root of a folder, and makes it at the first time.
pub(crate) fn root(wish: &RootWish) -> Result<RootShown, NotHeld> {
    let shown = |root: &OfflineRoot<'_>| RootShown {
        fingerprint: CertFingerprint::of(root.der()),
        not_after: root.identity().not_after,
        file: wish.folder.join("root.pem"),
    };
    with_root(wish, |root, _| Ok(shown(root)))
}

fn with_root<T>(
    wish: &RootWish,
    act: impl FnOnce(&OfflineRoot<'_>, &World) -> Result<T, NotHeld>,
) -> Result<T, NotHeld> {
    let world = World::system();
    private(&wish.folder)?;
    let sealer = sealer(&wish.folder, &world)?;
    let id = IssuerId::parse(OFFLINE).map_err(|cause| NotHeld::Estate(cause.to_string()))?;
    let plan = IssuerPlan {
        id,
        organisation: wish.organisation.clone(),
        key: wish.key,
        permitted: None,
        places: IssuerPlaces::default(),
        token: named(&wish.token)?,
    };
    let serials = || world.octets().ok();
    let root = OfflineRoot::open(&wish.folder, &plan, &sealer, &serials, world.now())?;
    act(&root, &world)
}

/// Signs the request of an issuing CA, once its key was confirmed. Gives the certificate, PEM.
pub(crate) fn sign(
    wish: &RootWish,
    request: &Path,
    permitted: Option<BTreeSet<DnsName>>,
    confirmed: Option<&str>,
) -> Result<String, NotHeld> {
    if !wish.folder.join("root.pem").exists() {
        let cause = "there is no root; make it with `bailiwick ceremony root`".to_owned();
        return Err(NotHeld::File { path: wish.folder.clone(), cause });
    }
    let key = issuer::requested_key(&requested(request, &read(request)?)?)?;
    let name = key.hash().to_string();
    if confirmed != Some(name.as_str()) {
        return Err(NotHeld::NotConfirmed(name));
    }
    with_root(wish, |root, world| {
        let serials = || world.octets().ok();
        let der = root.certify(&key, permitted, &serials, world.now())?;
        Ok(write_chain([der.as_slice()]))
    })
}

/// The server's side: which data folder, estate and issuer.
pub(crate) struct ServerWish {
    /// The data folder of `bailiwick up`.
    pub data: PathBuf,
    /// The estate that the server is to begin with.
    pub estate: PathBuf,
    /// Which of its issuers.
    pub issuer: IssuerId,
    /// The token that its keys live in.
    pub token: TokenOptions,
}

/// Makes the key of an issuing CA and its request, PEM, with the key's name.
pub(crate) fn request(wish: &ServerWish) -> Result<(String, String), NotHeld> {
    at_server(wish, |folder, plan, sealer, _| {
        let pem = issuer::request(folder, plan, sealer)?;
        let der = requested(&folder.join("request.pem"), pem.as_bytes())?;
        let key = issuer::requested_key(&der)?.hash().to_string();
        Ok((pem, key))
    })
}

/// Takes root and intermediate of a ceremony.
pub(crate) fn install(
    wish: &ServerWish,
    root: &Path,
    intermediate: &Path,
) -> Result<IssuerIdentity, NotHeld> {
    let [root, intermediate] = [one(root)?, one(intermediate)?];
    at_server(wish, |folder, plan, sealer, world| {
        let brought = (root.as_slice(), intermediate.as_slice());
        Ok(issuer::install(folder, plan, sealer, brought, world.now())?)
    })
}

fn at_server<T>(
    wish: &ServerWish,
    act: impl FnOnce(&Path, &IssuerPlan, &bailiwick_connect::keys::Sealer, &World) -> Result<T, NotHeld>,
) -> Result<T, NotHeld> {
    let world = World::system();
    let files = super::read_folder(&wish.estate).map_err(NotHeld::Estate)?;
    let estate: Estate = super::estate::read(&files).map_err(NotHeld::Estate)?;
    let kind = estate.issuers.get(&wish.issuer).map(|issuer| issuer.kind);
    if kind != Some(IssuerKind::BuiltIn) {
        return Err(NotHeld::NoIssuer(wish.issuer.clone()));
    }
    private(&wish.data)?;
    let sealer = sealer(&wish.data, &world)?;
    let token = token(&wish.token, &estate)?;
    let plan = issuer_plan(&estate, &wish.issuer, token.as_ref());
    act(&issuer_folder(&wish.data, &wish.issuer), &plan, &sealer, &world)
}

fn private(folder: &Path) -> Result<(), NotHeld> {
    super::start::make_private(folder)
        .map_err(|cause| NotHeld::File { path: folder.to_owned(), cause: cause.to_string() })
}

fn requested(path: &Path, pem: &[u8]) -> Result<Vec<u8>, NotHeld> {
    alone(path, read_pem(pem, "CERTIFICATE REQUEST"))
}

fn one(path: &Path) -> Result<Vec<u8>, NotHeld> {
    alone(path, read_chain(&read(path)?))
}

fn alone(path: &Path, blocks: Result<Vec<Vec<u8>>, BadPem>) -> Result<Vec<u8>, NotHeld> {
    match <[Vec<u8>; 1]>::try_from(blocks.map_err(|cause| bad(path, &cause))?) {
        Ok([der]) => Ok(der),
        Err(many) => {
            let cause = format!("it holds {} of them; give a file with one", many.len());
            Err(NotHeld::File { path: path.to_owned(), cause })
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, NotHeld> {
    std::fs::read(path)
        .map_err(|cause| NotHeld::File { path: path.to_owned(), cause: cause.to_string() })
}

fn bad(path: &Path, cause: &BadPem) -> NotHeld {
    NotHeld::File { path: path.to_owned(), cause: cause.to_string() }
}
