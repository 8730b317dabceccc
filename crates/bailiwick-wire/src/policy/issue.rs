//! Facts about a certificate. Zones stand once each, and names that share owner and zone together:
//! a hundred names of one certificate differ in little else than their text.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::certificate::KeyKind;
use bailiwick_core::estate::{
    AttestationKind, Duties, Environment, Namespace, Ownership, RuleId, Scope,
};
use bailiwick_core::names::{
    AccountId, EnvelopeId, ExceptionId, IssuerId, PersonId, ProfileId, SanName, ServiceId, TeamId,
};
use bailiwick_core::policy::{
    AccountFacts, CaaFact, EnvelopeApproval, EnvelopeFacts, ExceptionFacts, Fact, FinalizeFacts,
    IssueFacts, IssuerFacts, KeyFacts, NameFacts, ProfileFacts, ServiceFacts, Stage, UsesLeft,
    ValidationMethod, ZoneFacts,
};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::BadFacts;
use super::attestation::AttestationForm;
use super::estate::ZoneForm;
use super::spell::{FactForm, Spell, table};

table! {
    AccountFacts => AccountForm {
        id: AccountId,
        usable: Fact<bool>,
        service: Fact<ServiceId>,
        environment: Fact<Environment>,
        namespace: Fact<Option<Namespace>>,
        attestations: Fact<BTreeSet<AttestationKind>>,
    }
    ServiceFacts => ServiceForm {
        id: ServiceId,
        environment: Environment,
        namespace: Option<Namespace>,
        profiles: BTreeSet<ProfileId>,
        duties: Duties,
        ownership: Option<Ownership>,
        owner_since: Fact<Time>,
    }
    ProfileFacts => ProfileForm {
        id: ProfileId,
        environments: BTreeSet<Environment>,
        lifetime_seconds_max: u32,
        keys_allowed: BTreeSet<KeyKind>,
        rsa_bits_min: u16,
        names_max: u16,
        wildcard_allowed: bool,
        attestation_required: Option<AttestationKind>,
    }
    IssuerFacts => IssuerForm {
        id: IssuerId,
        caa_domains: BTreeSet<String>,
        environments: BTreeSet<Environment>,
        profiles: BTreeSet<ProfileId>,
    }
    EnvelopeFacts => EnvelopeForm {
        id: EnvelopeId,
        service: ServiceId,
        names: BTreeSet<SanName>,
        issuer: IssuerId,
        profiles: BTreeSet<ProfileId>,
        account: Option<AccountId>,
        granted_at: Time,
        until: Time,
        uses_left: Fact<UsesLeft>,
        approvals: Fact<Vec<EnvelopeApproval>>,
    }
    EnvelopeApproval => EnvelopeApprovalForm {
        person: PersonId,
        teams: BTreeSet<TeamId>,
        independent: bool,
    }
    ExceptionFacts => ExceptionForm {
        id: ExceptionId,
        scope: Scope,
        rule: RuleId,
        until: Time,
    }
    FinalizeFacts => FinalizeForm {
        key: Fact<KeyFacts>,
        validated: Fact<BTreeMap<SanName, ValidationMethod>>,
        caa: Fact<CaaFact>,
    }
    KeyFacts => KeyForm {
        kind: KeyKind,
        bits: u16,
    }
}

/// An order as a whole.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssueForm {
    now: String,
    control_owner: String,
    account: AccountForm,
    service: FactForm<ServiceForm>,
    /// Each zone that a name lies in, in the order in which names first do.
    zones: Vec<ZoneForm>,
    names: Vec<RunForm>,
    profile: FactForm<ProfileForm>,
    issuer: FactForm<IssuerForm>,
    lifetime_seconds: FactForm<u32>,
    envelope: FactForm<Option<EnvelopeForm>>,
    /// Came later: left out where there is none, so that the octets of every earlier decision stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attestation: Option<AttestationForm>,
    exceptions: Vec<ExceptionForm>,
    stage: StageForm,
}

impl IssueForm {
    /// How many names there are, each once for every zone.
    pub(super) fn names_held(&self) -> usize {
        self.names.iter().fold(0, |sum, run| sum.saturating_add(run.names.len()))
    }
}

/// Names that follow each other and share owner and zone.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunForm {
    names: Vec<String>,
    owner: FactForm<Option<String>>,
    /// The place in `zones`, counted from zero.
    zone: FactForm<usize>,
}

impl Spell for IssueFacts {
    type Form = IssueForm;

    fn form(&self) -> IssueForm {
        let Self {
            now,
            control_owner,
            account,
            service,
            names,
            profile,
            issuer,
            lifetime_seconds,
            envelope,
            attestation,
            exceptions,
            stage,
        } = self;
        let zones = distinct_zones(names);
        IssueForm {
            now: now.form(),
            control_owner: control_owner.form(),
            account: account.form(),
            service: service.form(),
            names: runs(names, &zones),
            zones: zones.into_iter().map(Spell::form).collect(),
            profile: profile.form(),
            issuer: issuer.form(),
            lifetime_seconds: lifetime_seconds.form(),
            envelope: envelope.form(),
            attestation: attestation.form(),
            exceptions: exceptions.form(),
            stage: stage.form(),
        }
    }

    fn read(form: IssueForm) -> Result<Self, BadFacts> {
        let zones = Vec::<ZoneFacts>::read(form.zones)?;
        let mut names = Vec::new();
        for run in form.names {
            let owner = Spell::read(run.owner)?;
            let zone = zone_at(&run.zone, &zones)?;
            for name in run.names {
                let name = SanName::read(name)?;
                names.push(NameFacts { name, owner: Clone::clone(&owner), zone: zone.clone() });
            }
        }
        Ok(Self {
            now: Spell::read(form.now)?,
            control_owner: Spell::read(form.control_owner)?,
            account: Spell::read(form.account)?,
            service: Spell::read(form.service)?,
            names,
            profile: Spell::read(form.profile)?,
            issuer: Spell::read(form.issuer)?,
            lifetime_seconds: Spell::read(form.lifetime_seconds)?,
            envelope: Spell::read(form.envelope)?,
            attestation: Spell::read(form.attestation)?,
            exceptions: Spell::read(form.exceptions)?,
            stage: Spell::read(form.stage)?,
        })
    }
}

/// Zones by their whole content: two that share a key and differ elsewhere are two.
fn distinct_zones(names: &[NameFacts]) -> Vec<&ZoneFacts> {
    let mut zones: Vec<&ZoneFacts> = Vec::new();
    for zone in names.iter().filter_map(|name| name.zone.known()) {
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    zones
}

fn runs(names: &[NameFacts], zones: &[&ZoneFacts]) -> Vec<RunForm> {
    let alike = |one: &NameFacts, two: &NameFacts| one.owner == two.owner && one.zone == two.zone;
    let run = |run: &[NameFacts]| {
        let NameFacts { name: _, owner, zone } = run.first()?;
        let place = |zone| zones.iter().position(|one| *one == zone);
        Some(RunForm {
            names: run.iter().map(|fact| fact.name.form()).collect(),
            owner: owner.form(),
            zone: match zone.known().and_then(place) {
                Some(place) => FactForm::Known(place),
                None => FactForm::Unknown(true),
            },
        })
    };
    names.chunk_by(alike).filter_map(run).collect()
}

fn zone_at(form: &FactForm<usize>, zones: &[ZoneFacts]) -> Result<Fact<ZoneFacts>, BadFacts> {
    match form {
        FactForm::Known(place) => match zones.get(*place) {
            Some(zone) => Ok(Fact::Known(zone.clone())),
            None => Err(BadFacts::NoSuchZone { place: *place }),
        },
        FactForm::Unknown(_) => Ok(Fact::Unknown),
    }
}

/// How far the order has come; `is` says which.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum StageForm {
    Order {},
    Finalize(FinalizeForm),
}

impl Spell for Stage {
    type Form = StageForm;

    fn form(&self) -> StageForm {
        match self {
            Self::Order => StageForm::Order {},
            Self::Finalize(facts) => StageForm::Finalize(facts.form()),
        }
    }

    fn read(form: StageForm) -> Result<Self, BadFacts> {
        Ok(match form {
            StageForm::Order {} => Self::Order,
            StageForm::Finalize(form) => Self::Finalize(Spell::read(form)?),
        })
    }
}

/// Names whose control was shown in one way.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValidatedForm {
    method: String,
    names: Vec<String>,
}

impl Spell for BTreeMap<SanName, ValidationMethod> {
    type Form = Vec<ValidatedForm>;

    fn form(&self) -> Vec<ValidatedForm> {
        let by = |method: &ValidationMethod| {
            let names = self.iter().filter(|(_, how)| *how == method);
            let names: Vec<String> = names.map(|(name, _)| name.form()).collect();
            (!names.is_empty()).then(|| ValidatedForm { method: method.form(), names })
        };
        ValidationMethod::ALL.iter().filter_map(by).collect()
    }

    fn read(form: Vec<ValidatedForm>) -> Result<Self, BadFacts> {
        let mut validated = Self::new();
        for ValidatedForm { method, names } in form {
            let method = ValidationMethod::read(method)?;
            for name in names {
                validated.insert(SanName::read(name)?, method);
            }
        }
        Ok(validated)
    }
}

/// How often an envelope may still be used.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum UsesForm {
    Unlimited,
    Limited(u32),
}

impl Spell for UsesLeft {
    type Form = UsesForm;

    fn form(&self) -> UsesForm {
        match self {
            Self::Unlimited => UsesForm::Unlimited,
            Self::Limited(uses) => UsesForm::Limited(*uses),
        }
    }

    fn read(form: UsesForm) -> Result<Self, BadFacts> {
        Ok(match form {
            UsesForm::Unlimited => Self::Unlimited,
            UsesForm::Limited(uses) => Self::Limited(uses),
        })
    }
}
