//! One question as Cedar takes it: principal, action, resource, context, and the entities they name.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
    Schema,
};

use crate::estate::ZoneKey;
use crate::names::ProfileId;

/// Types of entity in the schema.
const TYPES: [&str; 9] = [
    "Organisation",
    "Zone",
    "Account",
    "Person",
    "Token",
    "Agent",
    "Component",
    "Object",
    "Workload",
];

/// The names of the schema, parsed once.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary {
    types: BTreeMap<&'static str, EntityTypeName>,
    action: EntityTypeName,
}

impl Vocabulary {
    pub(super) fn new() -> Result<Self, Unaskable> {
        let parse = |name: &str| name.parse::<EntityTypeName>().map_err(|_| Unaskable::Word);
        let types =
            TYPES.iter().map(|name| Ok((*name, parse(name)?))).collect::<Result<_, Unaskable>>()?;
        Ok(Self { types, action: parse("Action")? })
    }

    pub(super) fn entity(&self, kind: &'static str, id: &str) -> Result<EntityUid, Unaskable> {
        let kind = self.types.get(kind).ok_or(Unaskable::Word)?;
        Ok(EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id)))
    }

    pub(super) fn action(&self, name: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.action.clone(), EntityId::new(name))
    }
}

/// A question could not even be put. It is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unaskable {
    /// A word that the schema does not have.
    Word,
    /// Cedar did not take the facts.
    Facts,
}

impl fmt::Display for Unaskable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word => "the question uses a word that the schema does not have",
            Self::Facts => "the facts do not fit the schema",
        })
    }
}

impl std::error::Error for Unaskable {}

/// Fields of a record; those that are `None` are unknown and left out.
pub(super) type FieldList = Vec<(&'static str, Option<RestrictedExpression>)>;

/// One question.
pub(super) struct Question<'f> {
    pub(super) principal: (&'static str, &'f str, FieldList),
    pub(super) action: &'static str,
    pub(super) resource: (&'static str, String, FieldList),
    pub(super) context: FieldList,
    pub(super) zone: Option<&'f ZoneKey>,
    pub(super) profile: Option<&'f ProfileId>,
}

/// A question in Cedar's own types.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) entities: Entities,
}

impl Question<'_> {
    /// Puts the question into Cedar's types. Debug builds check it against the schema as well: a
    /// fact that does not fit is a bug of ours and refuses here instead of in one odd policy.
    pub(super) fn ask(self, words: &Vocabulary, schema: &Schema) -> Result<Asked, Unaskable> {
        let (kind, id, fields) = self.principal;
        let principal = words.entity(kind, id)?;
        let holder = entity(principal.clone(), fields)?;
        let (kind, id, fields) = self.resource;
        let resource = words.entity(kind, &id)?;
        let object = entity(resource.clone(), fields)?;
        let checked = cfg!(debug_assertions).then_some(schema);
        let entities =
            Entities::from_entities([holder, object], checked).map_err(|_| Unaskable::Facts)?;
        let context = Context::from_pairs(present(self.context)).map_err(|_| Unaskable::Facts)?;
        let action = words.action(self.action);
        let request = Request::new(principal, action, resource, context, checked)
            .map_err(|_| Unaskable::Facts)?;
        Ok(Asked { request, entities })
    }
}

fn entity(uid: EntityUid, fields: FieldList) -> Result<Entity, Unaskable> {
    Entity::new(uid, present(fields).collect(), Default::default()).map_err(|_| Unaskable::Facts)
}

fn present(fields: FieldList) -> impl Iterator<Item = (String, RestrictedExpression)> {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

pub(super) fn text(value: &(impl ToString + ?Sized)) -> Option<RestrictedExpression> {
    Some(RestrictedExpression::new_string(value.to_string()))
}

pub(super) fn long(value: impl Into<i64>) -> Option<RestrictedExpression> {
    Some(RestrictedExpression::new_long(value.into()))
}

pub(super) fn flag(value: bool) -> Option<RestrictedExpression> {
    Some(RestrictedExpression::new_bool(value))
}

pub(super) fn words<T: ToString>(
    values: impl IntoIterator<Item = T>,
) -> Option<RestrictedExpression> {
    let texts = values.into_iter().map(|value| RestrictedExpression::new_string(value.to_string()));
    Some(RestrictedExpression::new_set(texts))
}

/// A record. Cedar refuses one only for a field named twice; the field is then left out, and the
/// rules refuse what they do not know.
pub(super) fn record(fields: FieldList) -> Option<RestrictedExpression> {
    RestrictedExpression::new_record(present(fields)).ok()
}
