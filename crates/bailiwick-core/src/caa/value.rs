//! The value of `issue`, `issuewild` and `issuemail` (RFC 8659, section 4.2).

use std::fmt;

use super::terms::IssuerDomain;

/// An `issue` value that matches the grammar.
///
/// Every octet counts: nothing is trimmed, lower-cased or repaired beyond what the grammar allows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssueValue {
    /// Who is named; `None` names nobody and so authorises nobody.
    pub issuer: Option<IssuerDomain>,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
}

/// One `tag=value` of an `issue` value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameter {
    /// In lower case: parameter tags are compared without case, because passing over
    /// `AccountURI` as unknown would lift a restriction (RFC 8657 does not say).
    pub tag: String,
    /// As published.
    pub value: String,
}

/// Why a value does not match the grammar. Such a value authorises nobody (RFC 8659, section 4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// An octet outside printable ASCII, space and tab.
    Octet(u8),
    /// The part before the first `;` is not a domain name of letters, digits and inner hyphens.
    Issuer,
    /// A `;` at the end, after parameters.
    TrailingSemicolon,
    /// Two `;` with nothing between them.
    EmptyParameter,
    /// A parameter without `=`.
    MissingEquals,
    /// A parameter tag that is not letters, digits and inner hyphens.
    ParameterTag,
    /// A parameter value with a space inside.
    ParameterValue,
}

impl IssueValue {
    /// Reads a property value.
    ///
    /// # Errors
    /// [`Malformed`] says which part of the grammar it breaks.
    pub fn read(octets: &[u8]) -> Result<Self, Malformed> {
        let text = printable(octets)?;
        let (before, after) = match text.split_once(';') {
            Some((before, after)) => (before, Some(after)),
            None => (text.as_str(), None),
        };
        let issuer = match trim(before) {
            "" => None,
            name => Some(IssuerDomain::parse(name).map_err(|_| Malformed::Issuer)?),
        };
        // A lone `;` may be followed by white space only: the parameters are optional.
        let parameters = match after.map(trim) {
            None | Some("") => Vec::new(),
            Some(_) => after.map(read_parameters).transpose()?.unwrap_or_default(),
        };
        Ok(Self { issuer, parameters })
    }

    /// The values of a parameter, in order; `tag` in lower case.
    pub fn values_of<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a str> {
        self.parameters.iter().filter(move |p| p.tag == tag).map(|p| p.value.as_str())
    }
}

/// Neither a tag nor a value can hold `;`, so it separates parameters wherever it stands.
fn read_parameters(text: &str) -> Result<Vec<Parameter>, Malformed> {
    let mut parts = text.split(';').peekable();
    let mut parameters = Vec::new();
    while let Some(part) = parts.next() {
        match (trim(part), parts.peek()) {
            ("", None) => return Err(Malformed::TrailingSemicolon),
            ("", Some(_)) => return Err(Malformed::EmptyParameter),
            (parameter, _) => parameters.push(read_parameter(parameter)?),
        }
    }
    Ok(parameters)
}

fn read_parameter(text: &str) -> Result<Parameter, Malformed> {
    let (tag, value) = text.split_once('=').ok_or(Malformed::MissingEquals)?;
    let (tag, value) = (trim(tag), trim(value));
    if !is_ldh(tag) {
        return Err(Malformed::ParameterTag);
    }
    if value.contains([' ', '\t']) {
        return Err(Malformed::ParameterValue);
    }
    Ok(Parameter { tag: tag.to_ascii_lowercase(), value: value.to_owned() })
}

/// The value as text, if every octet is one that the grammar can hold somewhere.
fn printable(octets: &[u8]) -> Result<String, Malformed> {
    let fits = |octet: &u8| matches!(octet, b'\t' | b' '..=b'~');
    match octets.iter().find(|octet| !fits(octet)) {
        Some(octet) => Err(Malformed::Octet(*octet)),
        None => Ok(octets.iter().copied().map(char::from).collect()),
    }
}

/// Without space and tab at both ends: the grammar's WSP is nothing else (RFC 5234, appendix B.1).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Letters and digits, with hyphens inside only: a label or a parameter tag of the grammar.
pub(super) fn is_ldh(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octet(octet) => write!(f, "the value holds octet {octet}, which is not printable ASCII"),
            Self::Issuer => f.write_str(
                "the issuer is not a plain domain name (no final dot, no URL, letters, digits and inner hyphens)",
            ),
            Self::TrailingSemicolon => f.write_str("the value ends with `;` after a parameter"),
            Self::EmptyParameter => f.write_str("there is nothing between two `;`"),
            Self::MissingEquals => f.write_str("a parameter has no `=`"),
            Self::ParameterTag => {
                f.write_str("a parameter's tag is not letters, digits and inner hyphens")
            }
            Self::ParameterValue => f.write_str("a parameter's value holds a space"),
        }
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    type Read<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)]);

    fn check(value: &[u8], expected: Result<Read<'_>, Malformed>) {
        let seen = IssueValue::read(value);
        let parameters: Vec<(&str, &str)> = seen
            .iter()
            .flat_map(|v| &v.parameters)
            .map(|p| (p.tag.as_str(), p.value.as_str()))
            .collect();
        let seen = seen
            .as_ref()
            .map(|v| (v.issuer.as_ref().map(IssuerDomain::as_str), parameters.as_slice()))
            .map_err(|e| *e);
        assert_eq!(seen, expected, "{value:?}");
    }

    #[test]
    fn the_grammar_of_section_4_2_to_the_letter() {
        check(b"", Ok((None, &[])));
        check(b" \t", Ok((None, &[])));
        check(b";", Ok((None, &[])));
        check(b" ; ", Ok((None, &[])));
        check(b"ca.example", Ok((Some("ca.example"), &[])));
        check(b"\tCA.Example ;", Ok((Some("ca.example"), &[])));
        check(b"; a=1", Ok((None, &[("a", "1")])));
        check(
            b"ca.example;A-b = c=d, ;x=",
            Ok((Some("ca.example"), &[("a-b", "c=d,"), ("x", "")])),
        );
        check(b"ca--1.example", Ok((Some("ca--1.example"), &[])));
        check(b"ca.example;;", Err(Malformed::EmptyParameter));
        check(b"ca.example; ;a=1", Err(Malformed::EmptyParameter));
        check(b"ca.example; a=1;", Err(Malformed::TrailingSemicolon));
        check(b"ca.example; a=1; ", Err(Malformed::TrailingSemicolon));
        check(b"ca.example; a", Err(Malformed::MissingEquals));
        check(b"ca.example; =1", Err(Malformed::ParameterTag));
        check(b"ca.example; -a=1", Err(Malformed::ParameterTag));
        check(b"ca.example; a b=1", Err(Malformed::ParameterTag));
        check(b"ca.example; a=1 2", Err(Malformed::ParameterValue));
        check(b"ca.example; a=1\t2", Err(Malformed::ParameterValue));
        for issuer in [
            &b"ca.example."[..],
            b".ca.example",
            b"ca..example",
            b"ca_1.example",
            b"-ca.example",
            b"ca-.example",
            b"https://ca.example",
            b"ca.example a=1",
            b"\"ca.example\"",
            b"a=1",
            b"%%%",
        ] {
            check(issuer, Err(Malformed::Issuer));
        }
        for octet in [0, 10, 13, 31, 127, 128, 255] {
            check(&[b"ca.example".as_slice(), &[octet]].concat(), Err(Malformed::Octet(octet)));
        }
    }
}
