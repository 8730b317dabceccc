//! JSON objects from the network: bounded before they are parsed, and without two members of one
//! name, because two readers may believe different ones (threats T12 and T15).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// Nested arrays and objects at most (threat T15).
const DEPTH_MAX: usize = 32;
/// Commas and colons at most: each member or element has one (threat T15).
const MEMBERS_MAX: usize = 10_000;

/// Why octets are not the JSON object they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadJson {
    /// More octets than the caller allows.
    #[error("the json has more than {octets_max} octets; send less")]
    TooBig {
        /// The bound.
        octets_max: usize,
    },
    /// Nested deeper than 32 levels.
    #[error("the json is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// More than 10,000 members.
    #[error("the json has more than {MEMBERS_MAX} members")]
    TooMany,
    /// Not JSON, or not an object.
    #[error("this is not a json object")]
    NoObject,
    /// A member stands twice in one object.
    #[error("a member stands twice in one object; send each once")]
    Twice,
}

/// Reads one object.
///
/// # Errors
/// [`BadJson`] says what it breaks.
pub fn read_object(octets: &[u8], octets_max: usize) -> Result<Map<String, Value>, BadJson> {
    if octets.len() > octets_max {
        return Err(BadJson::TooBig { octets_max });
    }
    check_shape(octets)?;
    let mut deserializer = serde_json::Deserializer::from_slice(octets);
    let value = Strict.deserialize(&mut deserializer).map_err(|error| {
        // The only error that the visitor below raises itself.
        if error.to_string().starts_with(TWICE) { BadJson::Twice } else { BadJson::NoObject }
    })?;
    deserializer.end().map_err(|_| BadJson::NoObject)?;
    match value {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(BadJson::NoObject)
        }
    }
}

/// Counts levels and members in one pass over the octets, before anything is built of them.
fn check_shape(octets: &[u8]) -> Result<(), BadJson> {
    let (mut depth, mut members) = (0_usize, 0_usize);
    let (mut in_string, mut is_escaped) = (false, false);
    for octet in octets {
        match (in_string, octet) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (false, b',' | b':') => members += 1,
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(BadJson::TooDeep);
        }
        if members > MEMBERS_MAX {
            return Err(BadJson::TooMany);
        }
    }
    Ok(())
}

const TWICE: &str = "a member stands twice";

/// Builds a value and refuses a second member of one name at any level.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Self)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), BadJson>) {
        assert_eq!(read_object(text.as_bytes(), 1_000_000).map(|_| ()), expected, "{text:.80}");
    }

    #[test]
    fn one_object_and_each_member_once() {
        check(r#"{"a":1,"b":{"a":[1,-2,3.5,null,true,"x"]}}"#, Ok(()));
        check(r#" {} "#, Ok(()));
        check(r#"{"a":1,"a":1}"#, Err(BadJson::Twice));
        check(r#"{"a":1,"\u0061":1}"#, Err(BadJson::Twice));
        check(r#"{"x":[{"y":{"a":1,"a":2}}]}"#, Err(BadJson::Twice));
        for bad in [
            "",
            "[]",
            "null",
            "1",
            "\"a\"",
            "{",
            "{}{}",
            "{}x",
            "{\"a\"}",
            "{\"a\":01}",
            "{'a':1}",
            "\u{feff}{}",
        ] {
            check(bad, Err(BadJson::NoObject));
        }
        assert_eq!(read_object(b"{\"a\":\"\xff\"}", 100), Err(BadJson::NoObject));
    }

    #[test]
    fn bounds_hold_before_parsing() {
        let nested = |depth: usize| {
            format!("{}{}", "{\"a\":".repeat(depth - 1) + "{}", "}".repeat(depth - 1))
        };
        check(&nested(32), Ok(()));
        check(&nested(33), Err(BadJson::TooDeep));
        check(&"[".repeat(100_000), Err(BadJson::TooDeep));
        check(&format!("{{\"a\":[{}1]}}", "1,".repeat(9_998)), Ok(()));
        check(&format!("{{\"a\":[{}1]}}", "1,".repeat(10_000)), Err(BadJson::TooMany));
        check(r#"{"a":"[[[[{{{{\"[[[["}"#, Ok(()));
        assert_eq!(read_object(b"{}  ", 3), Err(BadJson::TooBig { octets_max: 3 }));
    }
}
