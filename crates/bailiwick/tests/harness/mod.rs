//! Real servers and clients for tests: each in a folder and on ports of its own, and gone when dropped.
//!
//! Everything here panics with the reason, the last log lines and the folder when something is not as it
//! should be; a test needs no error handling of its own. Nothing waits longer than [`process::PATIENCE`].
//! A value owns its process: keep it as long as it is needed, drop it and it is killed, also by a panic.
//! Should the whole test binary be killed, the kernel kills what it started.

mod acme;
mod bailiwick;
mod bind;
mod certbot;
mod chromium;
mod dig;
mod lego;
mod pebble;
mod place;
mod postgres;
mod process;
mod programs;
mod smoke;
mod unbound;
mod zone;
