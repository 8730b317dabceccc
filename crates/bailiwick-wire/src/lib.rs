//! Bailiwick wire.

pub mod gate;
pub mod iodef;

pub mod form;

pub mod record;

pub mod ledger;

pub mod evidence;

pub mod x509;

pub mod rows;

pub mod seen;

pub mod dns;

pub mod acme;

pub mod acme_client;

pub mod caa_json;

pub mod caa_text;

pub mod caa_audit;

pub mod zone_file;

pub mod jose;

pub mod attestation;

pub mod estate;

pub mod intent;

pub mod mta_sts;

pub mod notice;
pub mod policy;
