//! Zones to be served in a test.

/// A zone: its records, and how it is served.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    name: String,
    body: Body,
    pub(super) updatable: bool,
    pub(super) signed: bool,
}

#[derive(Clone, Debug)]
enum Body {
    Records(String),
    Verbatim(String),
}

/// Short, so that a test that changes a record does not meet yesterday's.
const TTL_SECONDS: u32 = 1;

impl Zone {
    /// A zone with these records, in zone-file form, relative to its name. SOA and NS are added.
    pub(crate) fn new(name: &str, records: &str) -> Self {
        Self::with(name, Body::Records(records.to_owned()))
    }

    /// A zone file as it stands, with its own SOA and NS.
    pub(crate) fn verbatim(name: &str, text: &str) -> Self {
        Self::with(name, Body::Verbatim(text.to_owned()))
    }

    fn with(name: &str, body: Body) -> Self {
        let name = name.trim_end_matches('.').to_owned();
        Self { name, body, updatable: false, signed: false }
    }

    /// May be changed by RFC 2136 updates signed with the server's TSIG key.
    pub(crate) fn updatable(mut self) -> Self {
        self.updatable = true;
        self
    }

    /// Signed by the server with ECDSA P-256 (RFC 8624 §3.1: recommended).
    pub(crate) fn signed(mut self) -> Self {
        self.signed = true;
        self
    }

    /// Without the final dot.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The zone file with this serial.
    pub(super) fn text(&self, serial: u32) -> String {
        match &self.body {
            Body::Verbatim(text) => text.clone(),
            Body::Records(records) => format!(
                "$ORIGIN {}.\n$TTL {TTL_SECONDS}\n\
                 @ IN SOA ns1 hostmaster {serial} 3600 600 86400 {TTL_SECONDS}\n\
                 @ IN NS ns1\nns1 IN A 127.0.0.1\n{records}\n",
                self.name
            ),
        }
    }
}
