//! Doors into zones, each held to the same contract on its own real server.

mod cloudflare;
mod contract;
mod others;
mod transfers;
mod updates;
