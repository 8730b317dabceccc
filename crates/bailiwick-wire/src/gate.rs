//! The stored form of orders and authorizations: working state, canonical JSON like entries are.

use bailiwick_core::gate::{Authorization, Order};

use crate::record::{BadEntry, NotStorable};

/// Spells an order.
///
/// # Errors
/// [`NotStorable`] when it holds something version 1 cannot say.
pub fn encode_order(_order: &Order) -> Result<Vec<u8>, NotStorable> {
    Err(NotStorable::TooLarge { octets: 0 })
}

/// Reads an order that [`encode_order`] spelled.
///
/// # Errors
/// [`BadEntry`] for any other octets.
pub fn decode_order(_octets: &[u8]) -> Result<Order, BadEntry> {
    Err(BadEntry::NotCanonical)
}

/// Spells an authorization.
///
/// # Errors
/// As [`encode_order`].
pub fn encode_authorization(_authorization: &Authorization) -> Result<Vec<u8>, NotStorable> {
    Err(NotStorable::TooLarge { octets: 0 })
}

/// Reads an authorization that [`encode_authorization`] spelled.
///
/// # Errors
/// [`BadEntry`] for any other octets.
pub fn decode_authorization(_octets: &[u8]) -> Result<Authorization, BadEntry> {
    Err(BadEntry::NotCanonical)
}
