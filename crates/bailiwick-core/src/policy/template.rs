//! Texts of rules with facts filled in: "name `{name}` is owned by {name.owner}".

use std::collections::BTreeMap;

/// Facts by key, as text.
pub(super) type Texts = BTreeMap<&'static str, String>;

/// Every key that a rule may put in braces.
pub(super) const KEYS: &[&str] = &[
    "access",
    "account",
    "account.attestations",
    "account.environment",
    "account.namespace",
    "account.service",
    "approvals.independent",
    "approvals.total",
    "attestation.asked",
    "attestation.shown",
    "attestation.until",
    "author",
    "caa",
    "change",
    "envelope",
    "envelope.granted_at",
    "envelope.until",
    "issuer",
    "issuer.environments",
    "issuer.profiles",
    "key",
    "kind",
    "lifetime",
    "name",
    "name.owner",
    "names_count",
    "object",
    "organisation.control_owner",
    "owner_since",
    "ownership",
    "principal",
    "profile",
    "profile.attestation_required",
    "profile.environments",
    "profile.keys_allowed",
    "profile.lifetime_max",
    "profile.names_max",
    "service",
    "service.environment",
    "service.namespace",
    "service.operator",
    "service.policy_owner",
    "service.profiles",
    "services",
    "token.allows",
    "token.until",
    "validated",
    "zone",
    "zone.delegation",
    "zone.gate_teams",
    "zone.gates",
    "zone.lifetime_days_max",
    "zone.mode",
    "zone.names_per_certificate_max",
    "zone.operator",
    "zone.ownership_days_max",
    "zone.pattern",
    "zone.policy_owner",
];

/// A text with keys in braces.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Text(String),
    Key(&'static str),
}

/// Why a text is not a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum BadTemplate {
    /// A brace without its other half.
    Brace,
    /// A key that no question has.
    Key(String),
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (key, tail) = after.split_once('}').ok_or(BadTemplate::Brace)?;
            let known = KEYS.iter().find(|known| **known == key);
            let known = known.ok_or_else(|| BadTemplate::Key(key.to_owned()))?;
            pieces.extend([Piece::Text(before.to_owned()), Piece::Key(known)]);
            rest = tail;
        }
        if rest.contains('}') {
            return Err(BadTemplate::Brace);
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// A text without keys.
    pub(super) fn plain(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    /// The text with the facts in it; what is not known says so.
    pub(super) fn fill(&self, texts: &Texts) -> String {
        let fill = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Key(key) => texts.get(key).cloned().unwrap_or_else(|| "unknown".to_owned()),
        };
        self.0.iter().map(fill).collect()
    }

    /// Whether it speaks of `key`.
    pub(super) fn mentions(&self, key: &str) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Key(known) if *known == key))
    }
}
