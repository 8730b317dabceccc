//! Reports of issuance by others (RFC 8659, section 4.4): IODEF documents (RFC 7970, also in the envelope
//! of RFC 6545), or plain text.
//!
//! A report is hostile until somebody looked: nothing of it is believed. It is read for what it names and
//! for words to show; there are no entities, no document types, no depth and no size beyond bounds.

use std::collections::BTreeSet;

use bailiwick_core::names::DnsName;

/// Octets of a report at most.
pub const REPORT_OCTETS_MAX: usize = 64 * 1024;
/// Elements inside elements at most.
const DEPTH_MAX: usize = 64;
/// Names that are taken of one report.
const NAMES_MAX: usize = 100;
/// Characters of its words that are kept.
const WORDS_MAX: usize = 1_500;
/// Characters of its own number.
const ID_CHARS_MAX: usize = 80;

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadReport {
    /// Too large.
    #[error("a report has at most {REPORT_OCTETS_MAX} octets; send what matters")]
    TooLarge,
    /// No text.
    #[error("a report is UTF-8 text; send IODEF (RFC 7970) or plain text")]
    Text,
    /// It declares entities or a document type.
    #[error("a report declares no document type and no entities; send plain IODEF (RFC 7970)")]
    Declares,
    /// Elements do not end where they should, or lie too deep.
    #[error("the XML does not end where it should; send well-formed IODEF, or plain text")]
    Markup,
    /// It says nothing.
    #[error("the report says nothing")]
    Empty,
}

/// What a report says. Nothing of it is checked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Its number at whoever reports, with their name, where it has one.
    pub id: Option<String>,
    /// Everything in it that could be a DNS name.
    pub names: BTreeSet<DnsName>,
    /// Its words in one line, bounded, nothing in them can act.
    pub says: String,
}

impl Report {
    /// Reads one.
    ///
    /// # Errors
    /// [`BadReport`].
    pub fn read(octets: &[u8]) -> Result<Self, BadReport> {
        if octets.len() > REPORT_OCTETS_MAX {
            return Err(BadReport::TooLarge);
        }
        let text = std::str::from_utf8(octets).map_err(|_| BadReport::Text)?;
        let text = text.trim_start_matches('\u{feff}').trim();
        let is_xml = text.starts_with('<');
        let (words, id) = if is_xml { of_xml(text)? } else { (text.to_owned(), None) };
        let says = one_line(&words, WORDS_MAX);
        if says.is_empty() {
            return Err(BadReport::Empty);
        }
        Ok(Self { id, names: names(&words), says })
    }
}

/// The text of all elements, and the number of the incident.
fn of_xml(text: &str) -> Result<(String, Option<String>), BadReport> {
    let (mut words, mut id) = (String::new(), None);
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let told = unescaped(before);
        if open.last().is_some_and(|name| *name == "IncidentID") && id.is_none() {
            id = Some(one_line(&told, ID_CHARS_MAX)).filter(|id| !id.is_empty());
        }
        words.push(' ');
        words.push_str(&told);
        rest = markup(after, &mut open, &mut words)?;
    }
    if !open.is_empty() || !rest.trim().is_empty() {
        return Err(BadReport::Markup);
    }
    Ok((words, id))
}

/// One piece of markup behind its `<`; gives what follows.
fn markup<'a>(
    after: &'a str,
    open: &mut Vec<&'a str>,
    words: &mut String,
) -> Result<&'a str, BadReport> {
    let until = |text: &'a str, end: &str| text.split_once(end).ok_or(BadReport::Markup);
    if let Some(comment) = after.strip_prefix("!--") {
        return Ok(until(comment, "-->")?.1);
    }
    if let Some(data) = after.strip_prefix("![CDATA[") {
        let (data, rest) = until(data, "]]>")?;
        words.push_str(data);
        return Ok(rest);
    }
    if let Some(instruction) = after.strip_prefix('?') {
        return Ok(until(instruction, "?>")?.1);
    }
    if after.starts_with('!') {
        return Err(BadReport::Declares);
    }
    let (tag, rest) = until(after, ">")?;
    if let Some(name) = tag.strip_prefix('/') {
        let begun = open.pop().ok_or(BadReport::Markup)?;
        return if local(name) == begun { Ok(rest) } else { Err(BadReport::Markup) };
    }
    // An attribute with `>` in it is legal and nobody's; it is refused with the rest.
    if tag.matches('"').count() % 2 == 1 || tag.matches('\'').count() % 2 == 1 {
        return Err(BadReport::Markup);
    }
    if !tag.ends_with('/') {
        if open.len() >= DEPTH_MAX {
            return Err(BadReport::Markup);
        }
        open.push(local(tag));
    }
    Ok(rest)
}

/// The name of a tag without prefix and attributes.
fn local(tag: &str) -> &str {
    let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

/// The five entities that need no declaration; any other stays as it stands.
fn unescaped(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&apos;", "'").replace("&amp;", "&")
}

fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    let mut count = 0_usize;
    for word in text.split_whitespace() {
        // With a space and nothing behind it there is no more to say.
        if count.saturating_add(1) >= max {
            return line;
        }
        if !line.is_empty() {
            line.push(' ');
            count = count.saturating_add(1);
        }
        for c in word.chars() {
            if count >= max {
                return line;
            }
            line.push(if c == '`' || bailiwick_core::shown::acts(c) { '?' } else { c });
            count = count.saturating_add(1);
        }
    }
    line
}

/// Whatever could be a name of two labels or more.
fn names(words: &str) -> BTreeSet<DnsName> {
    let mut found = BTreeSet::new();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    for piece in words.split(|c: char| !fits(c)) {
        let piece = piece.trim_matches(['.', '-']);
        if piece.contains('.')
            && piece.len() < 254
            && let Ok(name) = DnsName::parse(piece)
        {
            found.insert(name);
            if found.len() >= NAMES_MAX {
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<iodef:IODEF-Document version="2.00" lang="en" xmlns:iodef="urn:ietf:params:xml:ns:iodef-2.0">
  <iodef:Incident purpose="reporting">
    <iodef:IncidentID name="ca.example">2026-11-0042</iodef:IncidentID>
    <iodef:GenerationTime>2026-11-27T10:00:00Z</iodef:GenerationTime>
    <iodef:Description>A request for www.shop.example was refused &amp; logged</iodef:Description>
    <!-- nothing --><iodef:Contact role="creator"/>
  </iodef:Incident>
</iodef:IODEF-Document>"#;

    #[test]
    fn an_iodef_document_is_read_for_what_it_names() {
        let report = Report::read(WHOLE.as_bytes()).unwrap();
        assert_eq!(report.id.as_deref(), Some("2026-11-0042"));
        assert!(report.names.contains(&DnsName::parse("www.shop.example").unwrap()));
        assert!(report.says.contains("was refused & logged"), "{}", report.says);
    }

    #[test]
    fn plain_text_is_a_report_too() {
        let report =
            Report::read(b"Somebody got a certificate for\n*.pay.example.\x1b[2J").unwrap();
        assert_eq!(report.names, [DnsName::parse("pay.example").unwrap()].into());
        assert!(!report.says.contains('\x1b'), "{:?}", report.says);
    }

    #[test]
    fn what_is_meant_to_hurt_is_refused() {
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        for (text, bad) in [
            (
                "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>",
                BadReport::Declares,
            ),
            ("<a><b></a></b>", BadReport::Markup),
            ("<a>", BadReport::Markup),
            ("<a x=\"1>2\">c</a>", BadReport::Markup),
            (deep.as_str(), BadReport::Markup),
            ("", BadReport::Empty),
            ("<a></a>", BadReport::Empty),
        ] {
            assert_eq!(Report::read(text.as_bytes()), Err(bad), "{text}");
        }
        assert_eq!(Report::read(&[0xff]), Err(BadReport::Text));
        assert_eq!(Report::read(&vec![b'a'; REPORT_OCTETS_MAX + 1]), Err(BadReport::TooLarge));
        // Entities that nobody declared stay what they are: nothing is looked up, nothing grows.
        let report = Report::read(b"<a>&lol9; x.example</a>").unwrap();
        assert!(report.says.contains("&lol9;"));
    }
}
