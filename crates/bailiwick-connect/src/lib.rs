//! Bailiwick connect.

pub mod dns;

pub mod egress;

pub mod zones;

pub mod keys;

pub mod issuer;

pub mod token;

pub mod notify;

pub mod upstream;

pub mod attestation;

pub mod validate;

pub mod served;

pub mod mta_sts;

pub mod places;

pub mod rdap;
pub mod vantage;

pub mod lab_dns;
