//! What was seen of the delegation of a zone, as rules see it and as people read it.

use crate::estate::DelegationSeen;

use super::facts::ZoneFacts;
use super::question::flag;

/// Whether it changed; not there while nobody knows.
pub(super) fn changed(zone: &ZoneFacts) -> Option<cedar_policy::RestrictedExpression> {
    flag(matches!(zone.delegation.known()?, DelegationSeen::Changed(_)))
}

/// How it stands, in words.
pub(super) fn text(zone: &ZoneFacts) -> String {
    match zone.delegation.known() {
        None => "whether it changed is not known".to_owned(),
        Some(DelegationSeen::Unwatched | DelegationSeen::AsDecided) => "as decided".to_owned(),
        Some(DelegationSeen::Changed(what)) => what.clone(),
    }
}
