//! `bailiwick ceremony …`: a root that never touches a network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bailiwick_core::estate::AuthorityKey;
use bailiwick_core::names::{DnsName, IssuerId};
use clap::{Args, Subcommand};

use super::exit;
use crate::app::ceremony::{self, NotHeld, RootWish, ServerWish};
use crate::app::start_token::TokenOptions;

#[derive(Subcommand)]
pub(crate) enum CeremonyCommand {
    /// Make the root, on a machine without a network; says its fingerprint if it is there already
    Root(Root),
    /// Make the key of an issuing CA and its request, on the server before its first start
    Request(Request),
    /// Sign that request with the root, once two people have compared the key
    Sign(Sign),
    /// Bring root and signed certificate to the server; the next start finds the CA whole
    Install(Install),
}

/// The token that keys live in.
#[derive(Args)]
pub(crate) struct TokenArgs {
    /// The PKCS#11 module of the token that keeps the key
    #[arg(long, value_name = "FILE", env = "BAILIWICK_PKCS11_MODULE", requires = "pkcs11_token")]
    pkcs11_module: Option<PathBuf>,
    /// The label of that token
    #[arg(long, value_name = "LABEL", env = "BAILIWICK_PKCS11_TOKEN")]
    pkcs11_token: Option<String>,
    /// A file with the token's PIN; the variable BAILIWICK_PKCS11_PIN holds it where none is given
    #[arg(long, value_name = "FILE")]
    pkcs11_pin_file: Option<PathBuf>,
}

impl TokenArgs {
    pub(crate) fn options(self) -> TokenOptions {
        TokenOptions {
            module: self.pkcs11_module,
            label: self.pkcs11_token,
            pin_file: self.pkcs11_pin_file,
        }
    }
}

/// Make the root.
#[derive(Args)]
pub(crate) struct Root {
    /// The root's folder, on a medium that stays offline; sealed with BAILIWICK_PASSPHRASE, or with a key
    /// file beside it
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The organisation in its name
    #[arg(long, value_name = "NAME")]
    organisation: String,
    /// Its key: ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096
    #[arg(long, value_name = "KIND", default_value = "ecdsa-p384", value_parser = key_kind)]
    key: AuthorityKey,
    #[command(flatten)]
    token: TokenArgs,
}

/// Make the key of an issuing CA and its request.
#[derive(Args)]
pub(crate) struct Request {
    #[command(flatten)]
    at: AtServer,
    /// Where the request is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Which CA of which server.
#[derive(Args)]
pub(crate) struct AtServer {
    /// The data folder of `bailiwick up`
    #[arg(long, value_name = "DIR", default_value = "bailiwick-data", env = "BAILIWICK_DATA")]
    data: PathBuf,
    /// The estate that the server begins with
    #[arg(long, value_name = "DIR")]
    estate: PathBuf,
    /// The issuer in its issuers.toml
    #[arg(long, value_name = "ID", value_parser = IssuerId::parse)]
    issuer: IssuerId,
    #[command(flatten)]
    token: TokenArgs,
}

impl AtServer {
    fn wish(self) -> ServerWish {
        let Self { data, estate, issuer, token } = self;
        ServerWish { data, estate, issuer, token: token.options() }
    }
}

/// Sign a request.
#[derive(Args)]
pub(crate) struct Sign {
    /// The root's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The request that `bailiwick ceremony request` wrote
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// A DNS name that the issuing CA may certify, at or below; may be repeated; any name where none is given
    #[arg(long, value_name = "NAME", value_parser = DnsName::parse)]
    permit: Vec<DnsName>,
    /// The key's name as the server printed it, compared by two people
    #[arg(long, value_name = "KEY")]
    confirm: Option<String>,
    /// Where the certificate is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    token: TokenArgs,
}

/// Bring root and signed certificate.
#[derive(Args)]
pub(crate) struct Install {
    #[command(flatten)]
    at: AtServer,
    /// The root's certificate
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// The certificate that `bailiwick ceremony sign` wrote
    #[arg(long, value_name = "FILE")]
    intermediate: PathBuf,
}

fn key_kind(text: &str) -> Result<AuthorityKey, String> {
    let names: Vec<&str> = AuthorityKey::ALL.iter().map(|kind| kind.as_str()).collect();
    AuthorityKey::parse(text).ok_or_else(|| format!("take one of {}", names.join(", ")))
}

/// Runs a command.
pub(crate) fn run(command: CeremonyCommand) -> u8 {
    let done = match command {
        CeremonyCommand::Root(wish) => root(wish),
        CeremonyCommand::Request(wish) => request(wish),
        CeremonyCommand::Sign(wish) => sign(wish),
        CeremonyCommand::Install(wish) => install(wish),
    };
    match done {
        Ok(()) => exit::YES,
        Err(cause @ NotHeld::NotConfirmed(_)) => super::failed(cause, exit::UNKNOWN),
        Err(cause) => super::failed(cause, exit::FAILED),
    }
}

fn root(wish: Root) -> Result<(), NotHeld> {
    let Root { dir, organisation, key, token } = wish;
    let root =
        ceremony::root(&RootWish { folder: dir, organisation, key, token: token.options() })?;
    super::say(format!(
        "The root is in {}.\n\n  fingerprint  {}\n  until        {}\n\nWrite the fingerprint down, and let \
         whoever puts this root into a trust store compare it.\nNext, on the server: bailiwick ceremony request",
        root.file.display(),
        root.fingerprint,
        root.not_after
    ));
    Ok(())
}

fn request(wish: Request) -> Result<(), NotHeld> {
    let out = wish.out;
    let issuer = wish.at.issuer.clone();
    let (pem, key) = ceremony::request(&wish.at.wish())?;
    write(&out, &pem)?;
    super::say(format!(
        "The request of issuer `{issuer}` is in {}.\n\n  key  {key}\n\nWrite the key's name down, carry the file \
         to the root, and run there: bailiwick ceremony sign",
        out.display()
    ));
    Ok(())
}

fn sign(wish: Sign) -> Result<(), NotHeld> {
    let Sign { dir, request, permit, confirm, out, token } = wish;
    let permitted = (!permit.is_empty()).then(|| permit.iter().cloned().collect::<BTreeSet<_>>());
    let names: Vec<String> = permit.iter().map(|name| format!("`{name}` and below")).collect();
    let names = if names.is_empty() { "any name".to_owned() } else { names.join(", ") };
    super::say(format!("  request  {}\n  for      {names}", request.display()));
    let root = RootWish {
        folder: dir,
        organisation: String::new(),
        key: AuthorityKey::EcdsaP384,
        token: token.options(),
    };
    let pem = ceremony::sign(&root, &request, permitted, confirm.as_deref())?;
    write(&out, &pem)?;
    super::say(format!(
        "  signed   {}\n\nCarry it and the root's root.pem to the server, and run there: bailiwick ceremony install",
        out.display()
    ));
    Ok(())
}

fn install(wish: Install) -> Result<(), NotHeld> {
    let Install { at, root, intermediate } = wish;
    let issuer = at.issuer.clone();
    let identity = ceremony::install(&at.wish(), &root, &intermediate)?;
    super::say(format!(
        "Issuer `{issuer}` has its certificate, good until {}. Start the server: bailiwick up",
        identity.not_after
    ));
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), NotHeld> {
    std::fs::write(path, text)
        .map_err(|cause| NotHeld::File { path: path.to_owned(), cause: cause.to_string() })
}
