//! What a person wants changed, as a file says it: records, a certificate, where it goes and who has
//! to show it.
//!
//! Every key is read into a core type here; whether it can be is asked of the world later.

use core::net::SocketAddr;

use bailiwick_core::change::Endpoint;
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{DnsName, IssuerId, ProfileId, SanName, ServiceId};
use bailiwick_core::records::{OwnerName, RRset, RecordType};
use serde::Deserialize;

use crate::dns::{Origin, WireName, read_rdata};

/// Octets of a file at most.
const OCTETS_MAX: usize = 64 * 1024;
/// Records, names, places and endpoints of one file at most.
const ITEMS_MAX: usize = 64;
/// How long servers may take to show an edit where nothing is said, in seconds: a secondary that
/// lost a NOTIFY comes by its refresh.
const PROPAGATION_SECONDS: u32 = 900;
/// How long endpoints may take to show the certificate where nothing is said, in seconds.
const SERVED_SECONDS: u32 = 120;
/// The TTL of a set that is not there yet where nothing is said, in seconds.
const TTL_SECONDS: u32 = 3_600;

/// What is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenIntent {
    /// For which service.
    pub service: ServiceId,
    /// The certificate, where one is wanted.
    pub certificate: Option<WrittenCertificate>,
    /// Sets as they shall be; `None` where none shall be.
    pub records: Vec<WrittenSet>,
    /// How long servers may take to show an edit.
    pub propagation_seconds: u32,
    /// How long endpoints may take to show the certificate.
    pub served_seconds: u32,
}

/// A certificate that is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenCertificate {
    /// From whom.
    pub issuer: IssuerId,
    /// Under which profile.
    pub profile: ProfileId,
    /// For which names.
    pub names: Vec<SanName>,
    /// How long at most, in days; as long as the profile and the zones allow where nothing is said.
    pub lifetime_days: Option<u32>,
    /// The places of the estate that it goes to.
    pub deploy: Vec<String>,
    /// Who has to show it.
    pub endpoints: Vec<Endpoint>,
    /// Whether CAA is edited so that the issuer may issue.
    pub caa: bool,
    /// The issuer whose CAA goes in the end.
    pub retire_issuer: Option<IssuerId>,
    /// The ports at which TLSA names the key (RFC 6698, section 3).
    pub tlsa_ports: Vec<u16>,
    /// The TTL of TLSA and CAA sets that are not there yet.
    pub ttl_seconds: u32,
}

/// A set that is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenSet {
    /// In which zone; the deepest of the estate that holds the name where nothing is said.
    pub zone: Option<ZoneKey>,
    /// At which name.
    pub owner: OwnerName,
    /// Of which type.
    pub kind: RecordType,
    /// The records; `None` for no set.
    pub set: Option<RRset>,
}

/// A file does not say what is wanted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadIntent {
    /// It is too large.
    #[error("the file has more than {OCTETS_MAX} octets; split the change")]
    TooLarge,
    /// It is not TOML of this shape.
    #[error("{0}")]
    Toml(String),
    /// A list is too long.
    #[error("`{key}` has more than {ITEMS_MAX} items; split the change")]
    TooMany {
        /// Which.
        key: &'static str,
    },
    /// A value cannot be read.
    #[error("`{key}`: `{value}` is no {what}")]
    Value {
        /// Of which key.
        key: &'static str,
        /// The value.
        value: String,
        /// What it should be.
        what: &'static str,
    },
    /// A record cannot be read.
    #[error("`{owner}` {kind} `{value}`: {why}")]
    Record {
        /// Where.
        owner: String,
        /// Of which type.
        kind: String,
        /// The text.
        value: String,
        /// Why not.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    service: String,
    certificate: Option<Certificate>,
    #[serde(default)]
    records: Vec<Set>,
    propagation_within_seconds: Option<u32>,
    served_within_seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    issuer: String,
    profile: String,
    names: Vec<String>,
    lifetime_days: Option<u32>,
    #[serde(default)]
    deploy: Vec<String>,
    #[serde(default)]
    endpoints: Vec<String>,
    caa: Option<bool>,
    retire_issuer: Option<String>,
    #[serde(default)]
    tlsa_ports: Vec<u16>,
    ttl_seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    zone: Option<String>,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    ttl_seconds: Option<u32>,
    #[serde(default)]
    values: Vec<String>,
}

fn value<T>(
    key: &'static str,
    text: &str,
    what: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, BadIntent> {
    let bad = || BadIntent::Value { key, value: text.chars().take(80).collect(), what };
    read(text).ok_or_else(bad)
}

fn few<T>(key: &'static str, items: &[T]) -> Result<(), BadIntent> {
    if items.len() > ITEMS_MAX { Err(BadIntent::TooMany { key }) } else { Ok(()) }
}

/// Reads a file.
///
/// # Errors
/// [`BadIntent`] says which part of it.
pub fn read(text: &str) -> Result<WrittenIntent, BadIntent> {
    if text.len() > OCTETS_MAX {
        return Err(BadIntent::TooLarge);
    }
    let file: File = toml::from_str(text).map_err(|cause| BadIntent::Toml(cause.to_string()))?;
    few("records", &file.records)?;
    let records: Result<Vec<WrittenSet>, BadIntent> = file.records.iter().map(set).collect();
    Ok(WrittenIntent {
        service: value("service", &file.service, "service id", |it| ServiceId::parse(it).ok())?,
        certificate: file.certificate.map(certificate).transpose()?,
        records: records?,
        propagation_seconds: file.propagation_within_seconds.unwrap_or(PROPAGATION_SECONDS),
        served_seconds: file.served_within_seconds.unwrap_or(SERVED_SECONDS),
    })
}

fn certificate(it: Certificate) -> Result<WrittenCertificate, BadIntent> {
    few("names", &it.names)?;
    few("deploy", &it.deploy)?;
    few("endpoints", &it.endpoints)?;
    few("tlsa_ports", &it.tlsa_ports)?;
    let name = |text: &String| value("names", text, "name", |it| SanName::parse(it).ok());
    let mut names = it.names.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(BadIntent::Value {
            key: "names",
            value: "[]".to_owned(),
            what: "list of names",
        });
    }
    let issuer = |key, text: &str| value(key, text, "issuer id", |it| IssuerId::parse(it).ok());
    let retire = it.retire_issuer.as_deref();
    let endpoints: Result<Vec<Endpoint>, BadIntent> = it
        .endpoints
        .iter()
        .map(|text| {
            value("endpoints", text, "endpoint such as `www.shop.example@192.0.2.7:443`", endpoint)
        })
        .collect();
    Ok(WrittenCertificate {
        issuer: issuer("issuer", &it.issuer)?,
        profile: value("profile", &it.profile, "profile id", |it| ProfileId::parse(it).ok())?,
        names,
        lifetime_days: it.lifetime_days,
        deploy: it.deploy,
        endpoints: endpoints?,
        caa: it.caa.unwrap_or(true),
        retire_issuer: retire.map(|text| issuer("retire_issuer", text)).transpose()?,
        tlsa_ports: it.tlsa_ports,
        ttl_seconds: it.ttl_seconds.unwrap_or(TTL_SECONDS),
    })
}

/// `www.shop.example@192.0.2.7:443`.
fn endpoint(text: &str) -> Option<Endpoint> {
    let (name, at) = text.split_once('@')?;
    let at: SocketAddr = at.parse().ok()?;
    Some(Endpoint { name: DnsName::parse(name).ok()?, at })
}

fn set(it: &Set) -> Result<WrittenSet, BadIntent> {
    few("values", &it.values)?;
    let owner = value("name", &it.name, "name of records", |it| OwnerName::parse(it).ok())?;
    let kind = value("type", &it.kind, "type of record", RecordType::parse)?;
    let zone = it.zone.as_deref();
    let zone = zone.map(|text| value("zone", text, "zone", ZoneKey::parse)).transpose()?;
    let origin = WireName::from(owner.base());
    let record = |text: &String| {
        read_rdata(kind, text, Origin::OneLabel(&origin)).map_err(|why| BadIntent::Record {
            owner: owner.to_string(),
            kind: kind.to_string(),
            value: text.chars().take(80).collect(),
            why: why.to_string(),
        })
    };
    let rdata = it.values.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    let set = RRset::new(it.ttl_seconds.unwrap_or(TTL_SECONDS), rdata);
    Ok(WrittenSet { zone, owner, kind, set })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
service = "shop-web"

[certificate]
issuer = "annex"
profile = "tls-server"
names = ["www.shop.example"]
deploy = ["lb2"]
endpoints = ["www.shop.example@192.0.2.7:443"]
retire_issuer = "house"
tlsa_ports = [443]

[[records]]
name = "www.shop.example"
type = "A"
ttl_seconds = 300
values = ["192.0.2.7", "192.0.2.8"]

[[records]]
zone = "corp.example/internal"
name = "old.corp.example"
type = "TXT"
"#;

    #[test]
    fn a_file_says_records_certificate_places_and_endpoints() {
        let read = read(WHOLE).unwrap();
        let certificate = read.certificate.unwrap();
        assert_eq!(certificate.endpoints[0].to_string(), "www.shop.example at 192.0.2.7:443");
        assert!(certificate.caa);
        assert_eq!(read.records[0].set.as_ref().unwrap().rdata().len(), 2);
        assert_eq!(read.records[1].set, None);
        assert_eq!(read.records[1].zone.as_ref().unwrap().to_string(), "corp.example/internal");
        assert_eq!(read.propagation_seconds, 900);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (from, to, said) in [
            ("names = [\"www.shop.example\"]", "names = []", "`names`: `[]` is no list of names"),
            ("type = \"A\"", "type = \"NOPE\"", "`type`: `NOPE` is no type of record"),
            ("192.0.2.7\", \"", "192.0.2.700\", \"", "`www.shop.example` A `192.0.2.700`"),
            ("@192", "192", "`endpoints`: `www.shop.example192.0.2.7:443` is no endpoint"),
            ("tlsa_ports", "tlsa", "unknown field `tlsa`"),
        ] {
            let why = read(&WHOLE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(why.contains(said), "{why}");
        }
        assert_eq!(read(&" ".repeat(70_000)), Err(BadIntent::TooLarge));
    }
}
