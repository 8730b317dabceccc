//! Doors into zones, each held to the same contract on its own real server.

mod contract;
mod others;
mod transfers;
mod updates;
