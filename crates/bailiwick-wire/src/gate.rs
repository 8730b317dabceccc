//! The stored form of orders and authorizations: working state, canonical JSON like entries are.

use bailiwick_core::gate::{
    Authorization, AuthorizationStatus, Challenge, ChallengeKind, ChallengeStatus, Order,
    OrderStatus, Problem, ProblemKind,
};
use bailiwick_core::names::{
    AccountId, AcmeIdentifier, AuthzId, CertFingerprint, ChallengeId, ChangeId, DecisionId,
    IssuerId, OrderId, ProfileId, SanName,
};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use crate::record::v1::{self, Stored, VERSION, mirror};
use crate::record::{BadEntry, BadValue, NotStorable, canonical};

/// Spells an order.
///
/// # Errors
/// [`NotStorable`] when it holds something version 1 cannot say.
pub fn encode_order(order: &Order) -> Result<Vec<u8>, NotStorable> {
    v1::write(&OrderDocument { v: VERSION, order: order.form()? })
}

/// Reads an order that [`encode_order`] spelled.
///
/// # Errors
/// [`BadEntry`] for any other octets.
pub fn decode_order(octets: &[u8]) -> Result<Order, BadEntry> {
    let order = read_order(octets)?;
    canonical(octets, encode_order(&order)).map(|()| order)
}

/// Reads an order in any spelling: working state proves nothing, and whoever looks for edits of it
/// decodes.
///
/// # Errors
/// [`BadEntry`] for octets that are no order.
pub fn read_order(octets: &[u8]) -> Result<Order, BadEntry> {
    let document: OrderDocument = v1::read(octets)?;
    Ok(Order::read(document.order)?)
}

/// Spells an authorization.
///
/// # Errors
/// As [`encode_order`].
pub fn encode_authorization(authorization: &Authorization) -> Result<Vec<u8>, NotStorable> {
    v1::write(&AuthorizationDocument { v: VERSION, authorization: authorization.form()? })
}

/// Reads an authorization that [`encode_authorization`] spelled.
///
/// # Errors
/// [`BadEntry`] for any other octets.
pub fn decode_authorization(octets: &[u8]) -> Result<Authorization, BadEntry> {
    let authorization = read_authorization(octets)?;
    canonical(octets, encode_authorization(&authorization)).map(|()| authorization)
}

/// Reads an authorization in any spelling, as [`read_order`] does.
///
/// # Errors
/// [`BadEntry`] for octets that are no authorization.
pub fn read_authorization(octets: &[u8]) -> Result<Authorization, BadEntry> {
    let document: AuthorizationDocument = v1::read(octets)?;
    Ok(Authorization::read(document.authorization)?)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderDocument {
    v: u64,
    order: OrderForm,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorizationDocument {
    v: u64,
    authorization: AuthorizationForm,
}

mirror! {
    Order => OrderForm {
        id: OrderId,
        account: AccountId,
        names: Vec<SanName>,
        profile: ProfileId,
        issuer: IssuerId,
        status: OrderStatus,
        authorizations: Vec<AuthzId>,
        decision: DecisionId,
        created_at: Time,
        expires_at: Time,
        change: Option<ChangeId>,
        certificate: Option<CertFingerprint>,
        error: Option<Problem>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<String>,
    }
    Authorization => AuthorizationForm {
        id: AuthzId,
        account: AccountId,
        name: AcmeIdentifier,
        wildcard: bool,
        status: AuthorizationStatus,
        expires_at: Time,
        challenges: Vec<Challenge>,
    }
    Challenge => ChallengeForm {
        id: ChallengeId,
        kind: ChallengeKind,
        token: String,
        status: ChallengeStatus,
        validated_at: Option<Time>,
        error: Option<Problem>,
    }
}

/// A problem, one level of subproblems deep.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemForm {
    kind: String,
    detail: String,
    instance: Option<String>,
    subproblems: Vec<SubproblemForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubproblemForm {
    name: String,
    kind: String,
    detail: String,
    instance: Option<String>,
}

impl Stored for Problem {
    type Form = ProblemForm;

    fn form(&self) -> Result<ProblemForm, NotStorable> {
        let Self { kind, detail, instance, subproblems } = self;
        let flat = |(name, problem): &(String, Self)| {
            let Self { kind, detail, instance, subproblems } = problem;
            if !subproblems.is_empty() {
                return Err(NotStorable::NestedProblem);
            }
            Ok(SubproblemForm {
                name: name.form()?,
                kind: kind.form()?,
                detail: detail.form()?,
                instance: instance.form()?,
            })
        };
        Ok(ProblemForm {
            kind: kind.form()?,
            detail: detail.form()?,
            instance: instance.form()?,
            subproblems: subproblems.iter().map(flat).collect::<Result<_, _>>()?,
        })
    }

    fn read(form: ProblemForm) -> Result<Self, BadValue> {
        let plain = |kind, detail, instance, subproblems| {
            Ok(Self { kind: ProblemKind::read(kind)?, detail, instance, subproblems })
        };
        let subproblems = form
            .subproblems
            .into_iter()
            .map(|sub| Ok((sub.name, plain(sub.kind, sub.detail, sub.instance, Vec::new())?)))
            .collect::<Result<_, BadValue>>()?;
        plain(form.kind, form.detail, form.instance, subproblems)
    }
}
