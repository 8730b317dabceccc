//! The shared CAA vectors: reading the file, and turning one vector into questions for the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bailiwick_core::caa::{
    AccountUri, CaaName, CaaOutcome, CaaSubject, CaaTerms, CertificateKind, IssuerDomain,
    Perspective, PropertyTag, Rir, ValidationMethod,
};
use serde::Deserialize;

/// One vector, as `standards.md` 1.7 describes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Vector {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) apexes: Vec<String>,
    pub(crate) records: Vec<String>,
    pub(crate) query_name: String,
    pub(crate) wildcard: bool,
    pub(crate) request_type: RequestType,
    pub(crate) issuer_domains: Vec<String>,
    pub(crate) account_uri: Option<String>,
    pub(crate) validation_method: Option<String>,
    pub(crate) known_tags: Vec<String>,
    #[serde(default)]
    pub(crate) faults: BTreeMap<String, Fault>,
    pub(crate) expected: Expected,
    pub(crate) relevant_set_at: Option<String>,
    pub(crate) reason: String,
    pub(crate) rfc_section: String,
    #[serde(default)]
    pub(crate) deny_also_acceptable: bool,
    #[serde(default)]
    pub(crate) also_names: Vec<String>,
    #[serde(default)]
    pub(crate) skip_live: bool,
    pub(crate) ttl: Option<u32>,
    pub(crate) age_seconds: Option<i64>,
    pub(crate) date: Option<String>,
    pub(crate) primary: Option<Expected>,
    pub(crate) perspectives: Option<Vec<VectorPerspective>>,
    pub(crate) account_parents: Option<serde_json::Value>,
    #[serde(default)]
    pub(crate) method_aliases: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RequestType {
    Tls,
    Email,
    Ip,
}

/// An unknown word here stops the whole file from being read.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expected {
    Allow,
    Deny,
    Error,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Fault {
    ServFail,
    Timeout,
    Refused,
    NotImp,
    FormErr,
    BadMsg,
    Bogus,
    BadRdata,
    #[serde(rename = "TC_NO_TCP")]
    TcNoTcp,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VectorPerspective {
    pub(crate) rir: String,
    pub(crate) result: Expected,
}

impl From<Expected> for CaaOutcome {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::Allow => Self::Allow,
            Expected::Deny => Self::Deny,
            Expected::Error => Self::Unknown,
        }
    }
}

/// The file named by `CAA_VECTORS`, or the shared one.
pub(crate) fn path() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if let Some(named) = std::env::var_os("CAA_VECTORS") {
        let named = PathBuf::from(named);
        // Tests run in the package's folder, but the path is typed in the workspace's.
        return if named.exists() { named } else { root.join(named) };
    }
    let shared = std::env::var_os("BAILIWICK_SHARED").map_or(root.join("../shared"), PathBuf::from);
    shared.join("vectors/caa.json")
}

/// All vectors of the file.
pub(crate) fn read_all() -> Vec<Vector> {
    let path = path();
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("cannot read `{}`: {e}; set CAA_VECTORS", path.display()));
    parse(&text).unwrap_or_else(|why| panic!("`{}` {why}", path.display()))
}

/// Refuses a text without any vector, with two of one id, and with a word it does not know.
pub(crate) fn parse(text: &str) -> Result<Vec<Vector>, String> {
    let vectors: Vec<Vector> =
        serde_json::from_str(text).map_err(|e| format!("is not a vector file: {e}"))?;
    let ids: BTreeSet<&str> = vectors.iter().map(|vector| vector.id.as_str()).collect();
    if ids.is_empty() {
        return Err("holds no vector".to_owned());
    }
    if ids.len() != vectors.len() {
        return Err("has two vectors of one id".to_owned());
    }
    Ok(vectors)
}

impl Vector {
    /// The names to be judged; the first is `query_name`. `Err` is a name refused before any look-up.
    pub(crate) fn subjects(&self) -> Result<Vec<CaaSubject>, String> {
        let first =
            if self.wildcard { format!("*.{}", self.query_name) } else { self.query_name.clone() };
        let parse = |text: &str| match self.request_type {
            RequestType::Ip => CaaSubject::parse(text),
            RequestType::Tls | RequestType::Email => {
                CaaName::parse(text).and_then(CaaSubject::of_name)
            }
        };
        std::iter::once(first.as_str())
            .chain(self.also_names.iter().map(String::as_str))
            .map(|text| parse(text).map_err(|e| format!("`{text}`: {e}")))
            .collect()
    }

    /// The conditions of the issuance. What cannot be parsed is left out, so that it meets nothing.
    pub(crate) fn terms(&self) -> CaaTerms {
        let mut terms =
            CaaTerms::tls(self.issuer_domains.iter().filter_map(|d| IssuerDomain::parse(d).ok()));
        if self.request_type == RequestType::Email {
            terms.kind = CertificateKind::Email;
        }
        let account = |text: &str| AccountUri::parse(text).ok();
        let method = |text: &str| ValidationMethod::parse(text).ok();
        terms.account = self.account_uri.as_deref().and_then(account);
        terms.parent_accounts = self.parents().iter().filter_map(|text| account(text)).collect();
        terms.method = self.validation_method.as_deref().and_then(method);
        terms.equivalent_methods = self.method_aliases.iter().filter_map(|t| method(t)).collect();
        terms.known_tags = self
            .known_tags
            .iter()
            .map(|tag| PropertyTag::read(tag.as_bytes()).expect("known_tags are well-formed"))
            .collect();
        terms
    }

    /// Parent accounts of the asking one: a list, or a map from account to parent or parents.
    fn parents(&self) -> Vec<String> {
        use serde_json::Value;
        fn texts(value: &Value) -> Vec<String> {
            match value {
                Value::String(text) => vec![text.clone()],
                Value::Array(list) => list.iter().flat_map(texts).collect(),
                other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                    panic!("account_parents holds {other}")
                }
            }
        }
        match (&self.account_parents, &self.account_uri) {
            (None | Some(Value::Null), _) => Vec::new(),
            (Some(Value::Object(map)), Some(account)) => {
                map.get(account).map(texts).unwrap_or_default()
            }
            (Some(Value::Object(_)), None) => Vec::new(),
            (Some(value), _) => texts(value),
        }
    }

    /// The remote perspectives, in the core's words.
    pub(crate) fn remotes(&self) -> Option<Vec<Perspective>> {
        let rir = |text: &str| match text {
            "AFRINIC" => Rir::Afrinic,
            "APNIC" => Rir::Apnic,
            "ARIN" => Rir::Arin,
            "LACNIC" => Rir::Lacnic,
            "RIPE NCC" | "RIPE" => Rir::RipeNcc,
            other => panic!("`{other}` is no RIR"),
        };
        let read =
            |p: &VectorPerspective| Perspective { rir: rir(&p.rir), outcome: p.result.into() };
        self.perspectives.as_ref().map(|all| all.iter().map(read).collect())
    }

    /// Whether an outcome is one that the vector accepts.
    pub(crate) fn accepts(&self, outcome: CaaOutcome) -> bool {
        outcome == self.expected.into()
            || (self.deny_also_acceptable && outcome == CaaOutcome::Deny)
    }
}
