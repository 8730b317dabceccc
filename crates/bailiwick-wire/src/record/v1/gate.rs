//! Accounts, credentials, envelopes and validations.

use std::collections::BTreeMap;

use bailiwick_core::estate::Attested;
use bailiwick_core::gate::{
    Account, AccountStatus, Bounds, ChallengeKind, Credential, Envelope, EnvelopeEnd,
    StandingRecord, ValidationEvidence,
};
use bailiwick_core::names::{
    AccountId, AcmeIdentifier, AttestorId, AuthzId, ChangeId, CredentialId, DnsName, EnvelopeId,
    IssuerId, PersonId, ProfileId, SanName, ServiceId,
};
use bailiwick_core::time::Time;

use super::stored::mirror;

mirror! {
    Account => AccountForm {
        id: AccountId,
        thumbprint: String,
        jwk: String,
        contacts: Vec<String>,
        status: AccountStatus,
        credential: CredentialId,
        made_by: PersonId,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        chain: Vec<PersonId>,
        service: ServiceId,
        environment: String,
        namespace: Option<String>,
        attestations: Vec<String>,
        binding: String,
        created_at: Time,
    }
    Credential => CredentialForm {
        id: CredentialId,
        service: ServiceId,
        environment: String,
        namespace: Option<String>,
        attestations: Vec<String>,
        created_by: PersonId,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        chain: Vec<PersonId>,
        created_at: Time,
        expires_at: Time,
        revoked_at: Option<Time>,
        account: Option<AccountId>,
    }
    Attested => AttestedForm {
        attestor: AttestorId,
        subject: String,
        claims: BTreeMap<String, String>,
        verified_at: Time,
        until: Time,
    }
    Envelope => EnvelopeForm {
        id: EnvelopeId,
        change: ChangeId,
        service: ServiceId,
        names: Vec<SanName>,
        issuer: IssuerId,
        profiles: Vec<ProfileId>,
        account: Option<AccountId>,
        granted_at: Time,
        until: Time,
        uses_max: Option<u32>,
        uses: u32,
        ended: Option<EnvelopeEnd>,
    }
    StandingRecord => StandingRecordForm {
        name: DnsName,
        account: AccountId,
        service: ServiceId,
        issuer: String,
        wildcard: bool,
        until: Option<Time>,
        text: String,
    }
    Bounds => BoundsForm {
        names: Vec<SanName>,
        until: Time,
        uses_max: Option<u32>,
    }
    EnvelopeEnd => EnvelopeEndForm { at: Time, why: String, }
    ValidationEvidence => ValidationForm {
        authorization: AuthzId,
        account: AccountId,
        name: AcmeIdentifier,
        wildcard: bool,
        kind: ChallengeKind,
        seen_at: Vec<String>,
        at: Time,
        expires_at: Time,
    }
}
