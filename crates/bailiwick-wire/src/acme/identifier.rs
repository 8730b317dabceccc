//! Identifiers of an order (RFC 8555, section 7.1.4) as names of a certificate.

use bailiwick_core::gate::{Problem, ProblemKind};
use bailiwick_core::names::{BadName, SanName};

use super::{AuthorizationRequest, OrderRequest};

/// Characters of an identifier that a refusal repeats.
const REPEATED_CHARS_MAX: usize = 100;

impl OrderRequest {
    /// The names that are ordered, sorted, each once.
    ///
    /// # Errors
    /// `unsupportedIdentifier` or `rejectedIdentifier`; with several identifiers one subproblem for
    /// each that cannot be served (RFC 8555, section 6.7.1).
    pub fn names(&self) -> Result<Vec<SanName>, Problem> {
        if self.identifiers.is_empty() {
            return Err(problem(ProblemKind::Malformed, "an order names at least one identifier"));
        }
        let mut names = Vec::new();
        let mut refused = Vec::new();
        for (kind, value) in &self.identifiers {
            match name(kind, value) {
                Ok(name) => names.push(name),
                Err(why) => refused.push((repeated(value), why)),
            }
        }
        names.sort();
        names.dedup();
        match refused.as_slice() {
            [] => Ok(names),
            [(value, only)] => {
                let (kind, detail) = (only.kind, format!("`{value}`: {}", only.detail));
                Err(Problem { kind, detail, instance: None, subproblems: Vec::new() })
            }
            [(_, first), ..] => {
                let same = refused.iter().all(|(_, why)| why.kind == first.kind);
                let kind = if same { first.kind } else { ProblemKind::Compound };
                let detail = format!("{} identifiers cannot be served; see each", refused.len());
                Err(Problem { kind, detail, instance: None, subproblems: refused })
            }
        }
    }
}

impl AuthorizationRequest {
    /// The name that is to be authorized without an order.
    ///
    /// # Errors
    /// As [`OrderRequest::names`], and `malformed` for a wildcard: what is asked for here is exactly
    /// what the authorization will say (RFC 8555, section 7.4.1).
    pub fn name(&self) -> Result<SanName, Problem> {
        let (kind, value) = &self.identifier;
        let name = name(kind, value).map_err(|why| {
            let detail = format!("`{}`: {}", repeated(value), why.detail);
            Problem { detail, ..why }
        })?;
        if name.is_wildcard() {
            let detail = "a wildcard is authorized within an order only; order it";
            return Err(problem(ProblemKind::Malformed, detail));
        }
        Ok(name)
    }
}

fn name(kind: &str, value: &str) -> Result<SanName, Problem> {
    match kind {
        "dns" => dns_name(value),
        "ip" => address(value),
        _ => {
            let detail = format!(
                "identifiers of type `{}` are not supported; order names of type `dns` or addresses of type `ip`",
                repeated(kind)
            );
            Err(problem(ProblemKind::UnsupportedIdentifier, &detail))
        }
    }
}

fn dns_name(value: &str) -> Result<SanName, Problem> {
    let rejected = |detail: &str| problem(ProblemKind::RejectedIdentifier, detail);
    if value.ends_with('.') {
        return Err(rejected("a name in a certificate has no dot at its end; remove it"));
    }
    let name = SanName::parse(value).map_err(|why| match why {
        BadName::Address => {
            rejected("digits at its end make it an address; an address is ordered as type `ip`")
        }
        BadName::Length
        | BadName::Label
        | BadName::Character
        | BadName::Hyphen
        | BadName::ALabel => rejected(&why.to_string()),
    })?;
    match name.address() {
        Some(_) => Err(rejected("an address is no DNS name; order it as type `ip`")),
        None => Ok(name),
    }
}

/// An address in the one form that RFC 8738, section 3 allows.
fn address(value: &str) -> Result<SanName, Problem> {
    let Ok(address) = value.parse::<core::net::IpAddr>() else {
        let detail = "it is no IP address; write one as `192.0.2.7` or `2001:db8::7`";
        return Err(problem(ProblemKind::Malformed, detail));
    };
    if address.to_string() != value {
        let detail = format!("the address has one spelling; write it as `{address}`");
        return Err(problem(ProblemKind::Malformed, &detail));
    }
    SanName::of_address(address)
        .map_err(|why| problem(ProblemKind::RejectedIdentifier, &why.to_string()))
}

fn problem(kind: ProblemKind, detail: &str) -> Problem {
    Problem { kind, detail: detail.to_owned(), instance: None, subproblems: Vec::new() }
}

/// A client's text as a refusal repeats it: printable, and cut where it gets long.
fn repeated(text: &str) -> String {
    text.chars()
        .take(REPEATED_CHARS_MAX)
        .flat_map(|c| {
            let plain = c.is_ascii_graphic() && c != '`';
            let escaped = (!plain).then(|| c.escape_unicode());
            plain.then_some(c).into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acme::DatesWanted;

    fn names(identifiers: &[(&str, &str)]) -> Result<Vec<String>, Problem> {
        let identifiers =
            identifiers.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned()));
        let request = OrderRequest {
            identifiers: identifiers.collect(),
            dates_wanted: DatesWanted::None,
            profile: None,
            replaces: None,
        };
        request.names().map(|names| names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names_are_sorted_and_each_stands_once() {
        let given =
            names(&[("dns", "B.example.com"), ("dns", "*.a.example"), ("dns", "b.example.com")]);
        assert_eq!(given, Ok(vec!["*.a.example".to_owned(), "b.example.com".to_owned()]));
    }

    #[test]
    fn what_cannot_be_certified_is_refused_with_its_reason() {
        use ProblemKind::{Malformed, RejectedIdentifier, UnsupportedIdentifier};
        let kind =
            |identifiers: &[(&str, &str)]| names(identifiers).map_err(|problem| problem.kind);
        assert_eq!(kind(&[]), Err(Malformed));
        assert_eq!(kind(&[("mail", "pki@a.example")]), Err(UnsupportedIdentifier));
        assert_eq!(kind(&[("DNS", "a.example")]), Err(UnsupportedIdentifier));
        for bad in [
            "",
            ".",
            "com",
            "a.example.",
            "a..example",
            "_x.example",
            "*.*.example",
            "a*.example",
            "192.0.2.1",
            "::1",
            "1.2.3.4.5",
            "bücher.example",
            "a b.example",
            "a\0.example",
            "xn--a.example",
            "-a.example",
        ] {
            assert_eq!(kind(&[("dns", bad)]), Err(RejectedIdentifier), "{bad}");
        }
    }

    /// RFC 8738, section 3.
    #[test]
    fn an_address_is_of_type_ip_and_has_one_spelling() {
        let given = names(&[("ip", "2001:db8::7"), ("dns", "b.example"), ("ip", "192.0.2.1")]);
        let sorted = ["b.example", "192.0.2.1", "2001:db8::7"].map(str::to_owned).to_vec();
        assert_eq!(given, Ok(sorted));
        let kind = |value: &str| names(&[("ip", value)]).map_err(|problem| problem.kind);
        for bad in [
            "",
            "a.example",
            "2001:DB8::7",
            "2001:db8:0::7",
            "192.0.2.01",
            "192.0.2.1/32",
            "[::1]",
            "*.192.0.2.1",
        ] {
            assert_eq!(kind(bad), Err(ProblemKind::Malformed), "{bad}");
        }
        for bad in ["0.0.0.0", "224.0.0.1", "::", "ff02::1", "::ffff:192.0.2.1"] {
            assert_eq!(kind(bad), Err(ProblemKind::RejectedIdentifier), "{bad}");
        }
    }

    #[test]
    fn several_refusals_are_told_name_by_name() {
        let problem =
            names(&[("dns", "_a.example"), ("dns", "ok.example"), ("mail", "x")]).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Compound);
        let subs: Vec<_> =
            problem.subproblems.iter().map(|(name, sub)| (name.as_str(), sub.kind)).collect();
        assert_eq!(
            subs,
            [
                ("_a.example", ProblemKind::RejectedIdentifier),
                ("x", ProblemKind::UnsupportedIdentifier)
            ]
        );
        let tricky = names(&[("dns", "a`\u{1b}.example")]).unwrap_err();
        assert!(tricky.detail.starts_with("`a\\u{60}\\u{1b}.example`: "), "{}", tricky.detail);
    }
}
