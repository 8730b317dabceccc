//! Standing validation records: a TXT record that lets an account show control again and again
//! (draft-ietf-acme-dns-persist).

use crate::names::{AccountId, DnsName, ServiceId};
use crate::time::Time;

/// A standing record as it was seen when control of a name was shown with it.
///
/// It is a standing grant: whoever has the account's key can show control of the name for as long as
/// the record stands, so each one is listed with who answers for it and when it ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandingRecord {
    /// The name it stands for; the record is at `_validation-persist` below it.
    pub name: DnsName,
    /// The account it names.
    pub account: AccountId,
    /// The service that account asks for.
    pub service: ServiceId,
    /// The issuer domain name in it.
    pub issuer: String,
    /// Whether it stands for `*.name` too (`policy=wildcard`).
    pub wildcard: bool,
    /// Until when it may be used (`persistUntil`); `None`: for as long as it stands.
    pub until: Option<Time>,
    /// Its text.
    pub text: String,
}
