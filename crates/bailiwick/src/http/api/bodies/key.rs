//! Rotations of credentials that Bailiwick holds, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ChangeBody;

/// How the credential that a zone is written with is to be rotated.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateKeyBody {
    /// The name of the new TSIG key; none for the key of an HTTP API.
    pub name: Option<String>,
    /// The new secret: of a TSIG key in base64, or one is made; the key of an HTTP API as it is.
    pub secret: Option<String>,
    /// How long whoever runs the server has for each of the two stages, in hours; 72 where absent.
    pub within_hours: Option<u32>,
    /// Why.
    pub reason: String,
}

/// What came of it.
#[derive(Deserialize, Serialize, ToSchema)]
pub(crate) struct KeyRotationBody {
    /// The change, which somebody else has to approve.
    pub change: ChangeBody,
    /// The key that was made; shown this once.
    pub made: Option<FreshKeyBody>,
}

/// A TSIG key that was made here.
#[derive(Deserialize, Serialize, ToSchema)]
pub(crate) struct FreshKeyBody {
    /// Its name.
    pub name: String,
    /// Its algorithm.
    pub algorithm: String,
    /// Its secret, base64.
    pub secret: String,
    /// The statement for the configuration of BIND.
    pub bind: String,
    /// The section for the configuration of Knot.
    pub knot: String,
}
