//! What people do with Bailiwick, told as tests on real servers: one file per story.

mod acme_accounts;
mod acme_clients;
mod acme_gate;
mod acme_jws;
mod acme_library;
mod acme_more_clients;
mod acme_orders;
mod acme_registry;
mod acme_rest;
mod acme_transport;
mod acme_ways;
mod authorization;
mod canary;
mod ceremony;
mod console;
mod envelopes;
mod estate_edits;
mod garbage;
mod issuer_answers;
mod kill9;
mod misissuance;
mod tamper;
mod token;
mod tour;
mod upstream_ca;
mod zone_writer;
