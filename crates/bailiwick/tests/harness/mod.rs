//! Real servers and clients for tests: each in a folder and on ports of its own, and gone when dropped.
//!
//! Everything here panics with the reason, the last log lines and the folder when something is not as it
//! should be; a test needs no error handling of its own. Nothing waits longer than [`process::PATIENCE`].
//! A value owns its process: keep it as long as it is needed, drop it and it is killed, also by a panic.
//! Should the whole test binary be killed, the kernel kills what it started.

pub(crate) mod acme;
pub(crate) mod bailiwick;
pub(crate) mod bind;
pub(crate) mod caddy;
pub(crate) mod certbot;
pub(crate) mod chromium;
pub(crate) mod cloudflare;
pub(crate) mod dehydrated;
pub(crate) mod dig;
pub(crate) mod forge;
pub(crate) mod knot;
pub(crate) mod lego;
pub(crate) mod pebble;
pub(crate) mod place;
pub(crate) mod postgres;
pub(crate) mod powerdns;
pub(crate) mod process;
pub(crate) mod programs;
pub(crate) mod relay;
pub(crate) mod secondary;
mod smoke;
pub(crate) mod sqlite;
pub(crate) mod uacme;
pub(crate) mod unbound;
pub(crate) mod web;
pub(crate) mod zone;
