//! Looks of the issuance gate at names, against real name servers and real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

mod dns;
mod http;
mod scene;
mod tls_alpn;
