//! Contact URLs of accounts (RFC 8555, section 7.3): one `mailto:` address each.

use bailiwick_core::gate::{Problem, ProblemKind};
use bailiwick_core::names::DnsName;

/// Characters of one contact URL (RFC 5321, section 4.5.3.1: 254 of an address).
const CONTACT_CHARS_MAX: usize = 7 + 254;
/// Characters before the `@` (RFC 5321, section 4.5.3.1.1).
const LOCAL_CHARS_MAX: usize = 64;

/// Checks contact URLs; the first that cannot be used makes the problem.
///
/// # Errors
/// `unsupportedContact` for another scheme, `invalidContact` for anything but one plain address
/// (RFC 8555, section 7.3: no header fields, no lists).
pub fn check_contacts(contacts: &[String]) -> Result<(), Problem> {
    contacts.iter().try_for_each(|contact| check(contact))
}

fn check(contact: &str) -> Result<(), Problem> {
    let problem = |kind, detail: &str| Problem {
        kind,
        detail: detail.to_owned(),
        instance: None,
        subproblems: Vec::new(),
    };
    let scheme = contact.split_once(':').map_or("", |(scheme, _)| scheme);
    if !scheme.eq_ignore_ascii_case("mailto") {
        return Err(problem(
            ProblemKind::UnsupportedContact,
            "a contact is a `mailto:` URL; other schemes are not supported",
        ));
    }
    let address = contact.split_once(':').map_or("", |(_, address)| address);
    if contact.len() > CONTACT_CHARS_MAX || !is_address(address) {
        return Err(problem(
            ProblemKind::InvalidContact,
            "a contact holds exactly one plain e-mail address, such as `mailto:pki@shop.example`",
        ));
    }
    Ok(())
}

/// An addr-spec without quoting, comments or percent-encoding (RFC 5322, section 3.4.1: dot-atom).
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$&'*+-/=^_`{|}~".contains(c);
    let dot_atom =
        |text: &str| text.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    local.len() <= LOCAL_CHARS_MAX
        && dot_atom(local)
        && !domain.ends_with('.')
        && DnsName::parse(domain).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(contact: &str, expected: Result<(), ProblemKind>) {
        let given = check_contacts(&[contact.to_owned()]).map_err(|problem| problem.kind);
        assert_eq!(given, expected, "{contact}");
    }

    #[test]
    fn a_contact_is_one_plain_address() {
        check_one("mailto:pki@shop.example", Ok(()));
        check_one("MAILTO:first.last+acme@mail.shop.example", Ok(()));
        for other in
            ["tel:+123", "https://shop.example", "pki@shop.example", "", ":", "mail to:a@b.c"]
        {
            check_one(other, Err(ProblemKind::UnsupportedContact));
        }
        for bad in [
            "mailto:",
            "mailto:@",
            "mailto:a@",
            "mailto:@shop.example",
            "mailto:a@b@shop.example",
            "mailto:a@shop.example,b@shop.example",
            "mailto:a@shop.example?subject=hello",
            "mailto:a%40b@shop.example",
            "mailto:a b@shop.example",
            "mailto:a@shop.example\n",
            "mailto:a@shop..example",
            "mailto:a@shop.example.",
            "mailto:.a@shop.example",
            "mailto:bücher@shop.example",
            "mailto:a@[127.0.0.1]",
            "mailto:<a@shop.example>",
        ] {
            check_one(bad, Err(ProblemKind::InvalidContact));
        }
        let long = format!("mailto:{}@shop.example", "a".repeat(65));
        check_one(&long, Err(ProblemKind::InvalidContact));
    }
}
