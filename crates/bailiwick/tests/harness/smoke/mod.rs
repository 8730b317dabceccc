//! Is the harness itself sound? Each real server and client is shown to work before a story relies on it.

mod browser;
mod clients;
mod database;
mod names;
mod processes;
