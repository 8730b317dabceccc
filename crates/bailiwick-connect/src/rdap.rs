//! What a registry says about the registration of a domain (RDAP: RFC 9082, section 3.1.3; RFC 9083,
//! section 5.3), asked through the way out and its fence.

use std::collections::BTreeSet;

use bailiwick_core::names::DnsName;
use serde_json::Value;

use crate::egress::{Call, Method, NoAnswer, Target, Trust, Web};

/// Values of one list that are read; a registration has a handful.
const VALUES_MAX: usize = 50;
/// Octets of one value that are kept.
const VALUE_CHARS_MAX: usize = 200;

/// A registration, as far as it decides who holds a name.
///
/// Always: of the domain that was asked about; every value short and spelled one way.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Registration {
    /// Its status values (RFC 8056), in lower case, such as `client transfer prohibited`.
    pub status: BTreeSet<String>,
    /// The name servers that the registry publishes.
    pub nameservers: BTreeSet<String>,
    /// Who registered it for us, by handle and name.
    pub registrar: Option<String>,
    /// When it ends.
    pub expires: Option<String>,
}

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
pub enum NotTold {
    /// No answer came.
    #[error("the registry's RDAP server: {0}")]
    NoAnswer(#[from] NoAnswer),
    /// The URL.
    #[error("the RDAP server's URL: {0}")]
    BadUrl(String),
    /// It has no such domain.
    #[error("the RDAP server knows no domain `{domain}`")]
    Unknown {
        /// Which.
        domain: String,
    },
    /// An answer that is none.
    #[error("the RDAP server answered {0}")]
    Strange(String),
}

/// Asks for one domain.
///
/// # Errors
/// [`NotTold`]; nothing is concluded from it.
pub async fn registration(
    web: &dyn Web,
    server: &Target,
    trust: Trust,
    domain: &DnsName,
) -> Result<Registration, NotTold> {
    let url = format!("{}/domain/{domain}", server.to_string().trim_end_matches('/'));
    let target = Target::parse(&url).map_err(|cause| NotTold::BadUrl(cause.to_string()))?;
    let call = Call {
        method: Method::Get,
        target,
        body: None,
        accept: "application/rdap+json",
        credential: None,
        trust,
    };
    let answer = web.call(call).await?;
    if answer.status == 404 {
        return Err(NotTold::Unknown { domain: domain.to_string() });
    }
    if !answer.is_success() {
        return Err(NotTold::Strange(format!("with status {}", answer.status)));
    }
    read(&answer.body, domain).map_err(|why| NotTold::Strange(why.to_owned()))
}

/// Reads a domain object.
fn read(octets: &[u8], domain: &DnsName) -> Result<Registration, &'static str> {
    let value: Value = serde_json::from_slice(octets).map_err(|_| "what is no JSON")?;
    if text(&value, "objectClassName").as_deref() != Some("domain") {
        return Err("something that is no domain");
    }
    if text(&value, "ldhName").map(|name| plain(&name)) != Some(domain.to_string()) {
        return Err("about another domain");
    }
    let status = list(&value, "status").filter_map(Value::as_str).map(short);
    let servers = list(&value, "nameservers").filter_map(|server| text(server, "ldhName"));
    let registrar = list(&value, "entities")
        .find(|entity| list(entity, "roles").any(|role| role.as_str() == Some("registrar")));
    let ends = |event: &&Value| text(event, "eventAction").as_deref() == Some("expiration");
    let expires = list(&value, "events").find(ends).and_then(|event| text(event, "eventDate"));
    Ok(Registration {
        status: status.map(|word| word.to_ascii_lowercase()).collect(),
        nameservers: servers.map(|name| plain(&name)).collect(),
        registrar: registrar.map(who),
        expires,
    })
}

/// An entity by its handle and its formatted name (RFC 7095).
fn who(entity: &Value) -> String {
    let properties = entity.pointer("/vcardArray/1").and_then(Value::as_array);
    let name = properties.into_iter().flatten().find_map(|property| {
        let is_name = property.get(0).and_then(Value::as_str) == Some("fn");
        property.get(3).and_then(Value::as_str).filter(|_| is_name).map(short)
    });
    match (text(entity, "handle"), name) {
        (Some(handle), Some(name)) => format!("{handle} ({name})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "somebody without a name".to_owned(),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().take(VALUES_MAX)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(short)
}

/// Short and printable: it goes into the ledger and onto pages.
fn short(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(VALUE_CHARS_MAX).collect()
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> DnsName {
        DnsName::parse("shop.example").unwrap()
    }

    #[test]
    fn a_domain_object_is_read_and_nothing_else() {
        let object = serde_json::json!({
            "objectClassName": "domain", "ldhName": "SHOP.example.",
            "status": ["active", "client Transfer prohibited"],
            "nameservers": [{ "objectClassName": "nameserver", "ldhName": "NS1.shop.example." }],
            "entities": [
                { "roles": ["abuse"], "handle": "not this one" },
                { "roles": ["registrar"], "handle": "292", "vcardArray": ["vcard", [
                    ["version", {}, "text", "4.0"], ["fn", {}, "text", "Registrar of Examples"]]] },
            ],
            "events": [
                { "eventAction": "registration", "eventDate": "2001-01-01T00:00:00Z" },
                { "eventAction": "expiration", "eventDate": "2031-01-01T00:00:00Z" },
            ],
        });
        let seen = read(object.to_string().as_bytes(), &domain()).unwrap();
        let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(seen.status, set(&["active", "client transfer prohibited"]));
        assert_eq!(seen.nameservers, set(&["ns1.shop.example"]));
        assert_eq!(seen.registrar.as_deref(), Some("292 (Registrar of Examples)"));
        assert_eq!(seen.expires.as_deref(), Some("2031-01-01T00:00:00Z"));
        for bad in [
            "[]",
            "no",
            r#"{"objectClassName":"entity","ldhName":"shop.example"}"#,
            r#"{"objectClassName":"domain","ldhName":"other.example"}"#,
            r#"{"objectClassName":"domain"}"#,
        ] {
            assert!(read(bad.as_bytes(), &domain()).is_err(), "{bad}");
        }
        // Shapes that do not fit are nothing, and hold nobody up.
        let odd = r#"{"objectClassName":"domain","ldhName":"shop.example","status":"x","entities":[1],"events":{}}"#;
        assert_eq!(read(odd.as_bytes(), &domain()).unwrap(), Registration::default());
    }
}
