//! The places: everything that takes a URL or a host from somebody else and goes there, driven as the
//! program drives it, with a CA and a provider that answer as they should but for one URL.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bailiwick_connect::attestation::KeySets;
use bailiwick_connect::dns::{ChallengeRecords, NotWritten};
use bailiwick_connect::egress::Target;
use bailiwick_connect::notify::{Relay, post, send};
use bailiwick_connect::rdap::registration;
use bailiwick_connect::upstream::{
    AccountKey, AcmeClient, Finalized, Journal, NotKept, Over, Past, Progress, Registration,
    Trouble, Work, advance, change_key, deactivate, register, revoke, suggested, what_came,
};
use bailiwick_connect::zones::{Authorities, PowerDnsDoor, PowerDnsPlace, ZoneDoor as _};
use bailiwick_connect::{mta_sts, served};
use bailiwick_core::estate::{Attestor, AttestorKeys, AttestorKind};
use bailiwick_core::names::{AcmeIdentifier, DnsName, SanName, SpkiHash, ZoneName};
use bailiwick_core::record::Reached;
use bailiwick_core::records::{OwnerName, RecordType};
use bailiwick_core::time::Time;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::world::{PERMITTED, Script, World};

/// Where a URL or a host comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// The estate: a CA's directory.
    Directory,
    /// A CA's directory, each of its URLs.
    NewNonce,
    NewAccount,
    NewOrder,
    RevokeCert,
    KeyChange,
    RenewalInfo,
    /// A `Location` that a CA gave.
    Account,
    Order,
    /// A CA's order and authorization.
    Authorization,
    Challenge,
    Finalize,
    Certificate,
    /// The estate: an attestor.
    Keys,
    Discovery,
    /// What an attestor says about itself.
    DiscoveredKeys,
    /// The estate: the API of a zone's connector.
    ZoneApi,
    /// The operator: where registries tell about registrations.
    Rdap,
    /// A redirect of whoever is to be validated.
    Http01,
    /// A name that is to be validated.
    TlsAlpn01,
    /// The operator: where notices go, by webhook and by mail.
    Webhook,
    /// A change: an endpoint that is looked at, and one that serves a policy for mail.
    Probe,
    MtaSts,
}

impl Source {
    pub(crate) const ALL: [Self; 23] = [
        Self::Directory,
        Self::NewNonce,
        Self::NewAccount,
        Self::NewOrder,
        Self::RevokeCert,
        Self::KeyChange,
        Self::RenewalInfo,
        Self::Account,
        Self::Order,
        Self::Authorization,
        Self::Challenge,
        Self::Finalize,
        Self::Certificate,
        Self::Keys,
        Self::Discovery,
        Self::DiscoveredKeys,
        Self::ZoneApi,
        Self::Rdap,
        Self::Http01,
        Self::TlsAlpn01,
        Self::Webhook,
        Self::Probe,
        Self::MtaSts,
    ];

    /// What is asked for at the place.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Directory => "/directory",
            Self::NewNonce => "/new-nonce",
            Self::NewAccount => "/new-account",
            Self::NewOrder => "/new-order",
            Self::RevokeCert => "/revoke-cert",
            Self::KeyChange => "/key-change",
            Self::RenewalInfo => "/renewal-info",
            Self::Account => "/account",
            Self::Order => "/order",
            Self::Authorization => "/authorization",
            Self::Challenge => "/challenge",
            Self::Finalize => "/finalize",
            Self::Certificate => "/certificate",
            Self::Keys | Self::DiscoveredKeys => "/keys",
            Self::Discovery => "/.well-known/openid-configuration",
            Self::ZoneApi => "/api/zones/shop.example.?rrset_name=shop.example.&rrset_type=ns",
            Self::Rdap => "/rdap/domain/shop.example",
            Self::Http01 => "/.well-known/acme-challenge/",
            Self::TlsAlpn01 => "acme-tls/1",
            Self::Webhook => "/webhook",
            Self::Probe => "a handshake",
            Self::MtaSts => "/.well-known/mta-sts.txt",
        }
    }

    pub(crate) const fn is_validation(self) -> bool {
        matches!(self, Self::Http01 | Self::TlsAlpn01 | Self::Probe)
    }

    /// Goes there with a URL of this authority in this place, and as far as it goes.
    pub(crate) async fn try_with(self, world: &World, authority: &str) -> Result<(), String> {
        let url = format!("https://{authority}{}", self.path());
        world.script.lock().unwrap().instead = Some((self.path(), url.clone()));
        match self {
            Self::Directory => order(world, &url).await,
            Self::Keys => keys(world, AttestorKeys::At(url)).await,
            Self::Discovery => {
                keys_of(world, &format!("https://{authority}"), AttestorKeys::Discovered).await
            }
            Self::DiscoveredKeys => keys(world, AttestorKeys::Discovered).await,
            Self::ZoneApi => zone_api(world, &format!("https://{authority}/api")).await,
            Self::Rdap => rdap(world, &format!("https://{authority}/rdap")).await,
            Self::Http01 => http01(world, authority).await,
            Self::TlsAlpn01 => tls_alpn01(world, authority).await,
            Self::Webhook => notice(world, authority, &url).await,
            Self::Probe => probe(authority).await,
            Self::MtaSts => mail_policy(world, authority, &url).await,
            Self::NewNonce
            | Self::NewAccount
            | Self::NewOrder
            | Self::RevokeCert
            | Self::KeyChange
            | Self::RenewalInfo
            | Self::Account
            | Self::Order
            | Self::Authorization
            | Self::Challenge
            | Self::Finalize
            | Self::Certificate => order(world, &own(world, "/directory")).await,
        }
    }
}

fn own(world: &World, path: &str) -> String {
    format!("https://{PERMITTED}:{}{path}", world.port())
}

/// A notice by mail, which nobody here takes, and by webhook.
async fn notice(world: &World, authority: &str, url: &str) -> Result<(), String> {
    let relay = Relay::parse(&format!("smtps://{authority}"), "a@shop.example", None);
    if let Ok(relay) = relay {
        send(&world.egress(), &relay, None, "b@shop.example", "x").await.unwrap_err();
    }
    let target = Target::parse(url).map_err(|cause| cause.to_string())?;
    let sent = post(&world.egress(), &target, world.trust(), "{}".to_owned()).await;
    sent.map_err(|cause| cause.to_string())
}

/// Keeps what has to be kept, for as long as the test runs.
#[derive(Default)]
struct Kept(Mutex<Past>);

impl Journal for Kept {
    fn past(&self) -> BoxFuture<'_, Result<Past, NotKept>> {
        Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
    }

    fn keep_order_url<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<(), NotKept>> {
        Box::pin(async move {
            self.0.lock().unwrap().url = Some(url.to_owned());
            Ok(())
        })
    }

    fn reached(&self, reached: Reached) -> BoxFuture<'_, Result<(), NotKept>> {
        Box::pin(async move {
            if reached == Reached::FinalizeTaken {
                self.0.lock().unwrap().finalized = Finalized::Taken;
            }
            Ok(())
        })
    }

    fn placed(&self) -> BoxFuture<'_, Result<Vec<(DnsName, String)>, NotKept>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn about_to_place<'a>(
        &'a self,
        _: &'a DnsName,
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), NotKept>> {
        Box::pin(async { Ok(()) })
    }

    fn gone<'a>(&'a self, _: &'a DnsName, _: &'a str) -> BoxFuture<'a, Result<(), NotKept>> {
        Box::pin(async { Ok(()) })
    }
}

/// A zone that shows everything at once.
struct AnyZone;

impl ChallengeRecords for AnyZone {
    fn place<'a>(&'a self, _: &'a DnsName, _: &'a str) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(async { Ok(()) })
    }

    fn clear<'a>(&'a self, _: &'a DnsName, _: &'a str) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(async { Ok(()) })
    }

    fn waiting_for<'a>(&'a self, _: &'a DnsName, _: &'a str) -> BoxFuture<'a, Vec<SocketAddr>> {
        Box::pin(async { Vec::new() })
    }
}

/// The whole of what is asked of a CA, as the driver does it: an account, an order to its certificate,
/// renewal information, a revocation, another key, the end of the account.
async fn order(world: &World, directory: &str) -> Result<(), String> {
    world.script.lock().unwrap().paths.clear();
    let (egress, key) = (world.egress(), AccountKey::open(&AccountKey::fresh().unwrap()).unwrap());
    let open = |account| AcmeClient::open(&egress, world.trust(), directory, &key, account);
    let text = |cause: &dyn std::fmt::Display| cause.to_string();
    let client = open(None).await.map_err(|cause| text(&cause))?;
    let wanted = Registration { contacts: &[], binding: None };
    let account = register(&client, &wanted).await.map_err(|cause| text(&cause))?;
    let client = open(Some(account.clone())).await.map_err(|cause| text(&cause))?;
    let names = [SanName::parse("www.shop.example").unwrap()];
    let key = SpkiHash::from_bytes([7; 32]);
    let work = Work { names: &names, csr: b"csr", key, profile: None, replaces: None };
    let kept = Kept::default();
    let mut ended = Err("the order came to no end".to_owned());
    for _ in 0..6 {
        match advance(&client, &AnyZone, &kept, &work).await {
            Progress::NotYet { .. } => {}
            Progress::Issued(_) => {
                ended = Ok(());
                break;
            }
            Progress::Lost { why, .. } | Progress::Over(Over { why, .. }) => {
                ended = Err(why);
                break;
            }
        }
    }
    // The certificate of this CA is none; that it was asked for is as far as an order goes.
    if !world.asked_for("/certificate") {
        return ended;
    }
    what_came(&client, &kept, &work).await.map_err(|cause| text(&cause))?;
    // Its window is none either, so only that nobody answered counts.
    match suggested(&client, "id").await {
        Ok(_) | Err(Trouble::Strange(_)) => {}
        Err(cause) => return Err(text(&cause)),
    }
    revoke(&client, b"certificate", 1).await.map_err(|cause| text(&cause))?;
    let next = AccountKey::open(&AccountKey::fresh().unwrap()).unwrap();
    change_key(&client, &account, &next).await.map_err(|cause| text(&cause))?;
    deactivate(&client, &account).await.map_err(|cause| text(&cause))
}

async fn keys(world: &World, keys: AttestorKeys) -> Result<(), String> {
    keys_of(world, &own(world, ""), keys).await
}

async fn keys_of(world: &World, issuer: &str, keys: AttestorKeys) -> Result<(), String> {
    world.script.lock().unwrap().paths.clear();
    let attestor = Attestor {
        kind: AttestorKind::Oidc,
        issuer: issuer.to_owned(),
        audience: "us".to_owned(),
        keys,
        trust_roots: Some(bailiwick_wire::x509::write_pem("CERTIFICATE", &world.root)),
        vouches_for: BTreeSet::new(),
        holds_minutes: 1,
    };
    let now = Time::from_unix_seconds(1_800_000_000);
    let fetched = KeySets::default().keys(&world.egress(), ("it", &attestor), None, now).await;
    fetched.map(drop).map_err(|cause| cause.to_string())
}

/// A door that reads what stands in its zone.
async fn zone_api(world: &World, url: &str) -> Result<(), String> {
    world.script.lock().unwrap().paths.clear();
    let place = PowerDnsPlace {
        server: Target::parse(url).map_err(|cause| cause.to_string())?,
        key: Zeroizing::new("a key of an API".to_owned()),
        trust: world.trust(),
    };
    let (dns, _) = crate::world::resolving(SocketAddr::from(([127, 0, 0, 1], 9)));
    let zone = ZoneName::parse("shop.example").unwrap();
    let authorities = Authorities::new(dns, zone.clone(), &[]);
    let door = PowerDnsDoor::new(Arc::new(world.egress()), authorities, place);
    let apex = OwnerName::from(zone.apex().clone());
    let read = door.standing(&apex, RecordType::NS).await;
    read.map(drop).map_err(|cause| cause.to_string())
}

/// What a registry says about a domain.
async fn rdap(world: &World, url: &str) -> Result<(), String> {
    world.script.lock().unwrap().paths.clear();
    let server = Target::parse(url).map_err(|cause| cause.to_string())?;
    let domain = DnsName::parse("shop.example").unwrap();
    let told = registration(&world.egress(), &server, world.trust(), &domain).await;
    told.map(drop).map_err(|cause| cause.to_string())
}

/// http-01 of a permitted name, whose server sends us to the place: an address is never followed, a name
/// only where it leads. The permitted place is reached by its name.
async fn http01(world: &World, authority: &str) -> Result<(), String> {
    let permitted = authority == format!("{PERMITTED}:{}", world.port());
    let authority = if permitted {
        format!("permitted.fenced.example:{}", world.port())
    } else {
        authority.to_owned()
    };
    redirected(world, &authority, 1, false).await?;
    Ok(())
}

/// http-01 with so many redirects, the last of them to the place.
pub(crate) async fn redirected(
    world: &World,
    authority: &str,
    hops: usize,
    secure: bool,
) -> Result<(), String> {
    let scheme = if secure { "https" } else { "http" };
    let last = format!("{scheme}://{authority}/found");
    world.script.lock().unwrap().hops = Some((hops, last));
    let name = AcmeIdentifier::parse("permitted.fenced.example").unwrap();
    let seen = world.validator().http01(&name, "token", "token.thumb").await;
    seen.map(drop).map_err(|failed| failed.saw)
}

/// tls-alpn-01 takes a name or an address, in the spelling that can be ordered.
async fn tls_alpn01(world: &World, authority: &str) -> Result<(), String> {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = if host == PERMITTED { "permitted.fenced.example" } else { host };
    let name = SanName::parse(host).map_err(|cause| cause.to_string())?;
    let seen = world.validator().tls_alpn01(name.base(), &[0; 32]).await;
    seen.map(drop).map_err(|failed| failed.saw)
}

/// An endpoint of a change is an address: what is none goes nowhere.
async fn probe(authority: &str) -> Result<(), String> {
    let at: SocketAddr = authority.parse().map_err(|_| "no address".to_owned())?;
    let name = DnsName::parse("www.shop.example").unwrap();
    let shown = served::certificate(&World::fence(), &World::limits(), &name, at).await;
    shown.map(drop).map_err(|cause| cause.to_string())
}

/// A policy for mail, behind a URL and at an address.
async fn mail_policy(world: &World, authority: &str, url: &str) -> Result<(), String> {
    let target = Target::parse(url).map_err(|cause| cause.to_string())?;
    let behind = mta_sts::policy_behind(&world.egress(), target).await;
    let name = DnsName::parse("mta-sts.shop.example").unwrap();
    let at = match authority.parse() {
        Ok(at) => mta_sts::policy(&World::fence(), &World::limits(), &name, at).await.ok(),
        Err(_) => None,
    };
    // One that is let through is too many.
    behind
        .map(Some)
        .or_else(|cause| at.map(Some).ok_or(cause))
        .map(drop)
        .map_err(|it| it.to_string())
}

/// What the server at the permitted address answers.
pub(crate) fn script(script: &mut Script, path: &str, port: u16) -> String {
    let answer = |status: &str, fields: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nreplay-nonce: bm9uY2U\r\n{fields}content-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let redirect = |to: &str| answer("302 Found", &format!("location: {to}\r\n"), "");
    script.paths.push(path.to_owned());
    if let Some((from, to)) = &script.redirect
        && *from == path
    {
        return redirect(to);
    }
    if path.starts_with("/.well-known/acme-challenge/") || path.starts_with("/hop") {
        return match &mut script.hops {
            Some((left, last)) if *left <= 1 => redirect(last),
            Some((left, _)) => {
                *left -= 1;
                redirect(&format!("/hop{left}"))
            }
            None => answer("404 Not Found", "", ""),
        };
    }
    let asked = |paths: &[String], path: &str| paths.iter().any(|one| one == path);
    let url = |path: &'static str| match &script.instead {
        Some((instead, url)) if *instead == path => url.clone(),
        Some(_) | None => format!("https://{PERMITTED}:{port}{path}"),
    };
    let ok = |body: &Value| answer("200 OK", "", &body.to_string());
    let made = |at: &'static str, body: &Value| {
        answer("201 Created", &format!("location: {}\r\n", url(at)), &body.to_string())
    };
    let (authorized, finalized) =
        (asked(&script.paths, "/challenge"), asked(&script.paths, "/finalize"));
    let status = match (authorized, finalized) {
        (false, _) => "pending",
        (true, false) => "ready",
        (true, true) => "valid",
    };
    let order = json!({ "status": status, "finalize": url("/finalize"),
        "identifiers": [{ "type": "dns", "value": "www.shop.example" }],
        "authorizations": [url("/authorization")], "certificate": url("/certificate") });
    match path {
        "/directory" => ok(&json!({ "newNonce": url("/new-nonce"),
            "newAccount": url("/new-account"), "newOrder": url("/new-order"),
            "revokeCert": url("/revoke-cert"), "keyChange": url("/key-change"),
            "renewalInfo": url("/renewal-info") })),
        "/new-account" => made("/account", &json!({})),
        "/new-order" => made("/order", &order),
        "/order" | "/finalize" => ok(&order),
        "/authorization" => ok(&json!({ "status": if authorized { "valid" } else { "pending" },
            "identifier": { "type": "dns", "value": "www.shop.example" },
            "challenges": [{ "type": "dns-01", "status": "pending", "url": url("/challenge"),
                "token": "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0" }] })),
        "/certificate" => {
            answer("200 OK", "", &bailiwick_wire::x509::write_pem("CERTIFICATE", &[0x30, 0]))
        }
        "/keys" => ok(&json!({ "keys": [] })),
        "/.well-known/openid-configuration" => ok(&json!({
            "issuer": format!("https://{PERMITTED}:{port}"), "jwks_uri": url("/keys") })),
        "/.well-known/mta-sts.txt" => answer(
            "200 OK",
            "content-type: text/plain; charset=utf-8\r\n",
            "version: STSv1\nmode: testing\nmx: *.shop.example\nmax_age: 86400\n",
        ),
        "/found" => answer("200 OK", "", "token.thumb"),
        _ => ok(&json!({})),
    }
}
