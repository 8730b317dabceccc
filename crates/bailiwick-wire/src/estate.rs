//! The estate as code: a folder of TOML and Cedar files, and the stored form.
//!
//! [`read`] takes the files of a folder and gives an estate, or every problem of every file at once,
//! each with its place and what to do. [`write()`] spells an estate as files again; [`encode`] and
//! [`decode`] are the one canonical stored form, whose SHA-256 names the estate.

mod attestors;
mod authority;
mod canaries;
mod check;
mod deployments;
mod document;
mod issuers;
mod parts;
mod places;
mod plan;
mod power;
mod problem;
mod profiles;
mod services;
mod similar;
mod sources;
mod v1;
mod write;
mod zones;

pub use plan::{plan_json, plan_markdown, plan_text};
pub use problem::{EstateProblem, problems_json, render_problems};
pub use v1::{BadEstate, decode, encode};
pub use write::write;

use bailiwick_core::estate::Estate;
use bailiwick_core::names::Digest;

/// Reads the files of an estate folder, each as path relative to the folder and text.
///
/// # Errors
/// Every [`EstateProblem`] there is, by file and place.
pub fn read(files: &[(String, String)]) -> Result<Estate, Vec<EstateProblem>> {
    sources::read(files)
}

/// The digest that names an estate: of its stored form.
#[must_use]
pub fn digest(estate: &Estate) -> Digest {
    Digest::of(&encode(estate))
}
