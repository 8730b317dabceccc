//! What comes from outside about the control: reports of issuance, and packs of evidence that somebody
//! hands to an auditor.

use bailiwick_wire::evidence::Pack;
use bailiwick_wire::iodef::{REPORT_OCTETS_MAX, Report};

use crate::fuzzing::refusal::check_text;
use crate::fuzzing::{Shape, Target};
use crate::pack;

/// A pack that is believed is the one that was made, but for its summary.
#[test]
fn fuzz_evidence_pack() {
    let (trust, made) = (pack::trust(), pack::pack());
    Target::new("fuzz_evidence_pack", Shape::Text)
        .seeds([made.encode()])
        .words([
            "\"leaf\": 2,",
            "\"path\": []",
            "\"kind\": \"report\"",
            "\"evidence\": []",
            "\"leaves\": []",
            "bailiwick-control-evidence/v2",
            "\u{2014} ledger.example/test AAAAAAA=\\n",
        ])
        .run(|octets| {
            let read = Pack::read(octets)?;
            assert_eq!(read.encode(), octets, "a pack has one spelling");
            let open = read.open(&trust)?;
            assert_eq!(open.head().size.get(), 12, "nobody signed another tree");
            for leaf in &read.leaves {
                assert!(made.leaves.contains(leaf), "an entry that the ledger does not hold");
            }
            for one in &read.evidence {
                assert!(made.evidence.contains(one), "evidence that no entry names");
            }
            Ok(())
        });
}

const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<iodef:IODEF-Document version="2.00" lang="en" xmlns:iodef="urn:ietf:params:xml:ns:iodef-2.0">
  <iodef:Incident purpose="reporting">
    <iodef:IncidentID name="ca.example">2026-11-0042</iodef:IncidentID>
    <iodef:Description>A request for www.shop.example was refused &amp; logged</iodef:Description>
    <!-- nothing --><iodef:Contact role="creator"/><![CDATA[ <api.shop.example> ]]>
  </iodef:Incident>
</iodef:IODEF-Document>"#;

/// Whatever a report says, its words cannot act, and it names only what it spells.
#[test]
fn fuzz_iodef_report() {
    let rid = format!(
        "<iodef-rid:RID xmlns:iodef-rid=\"urn:ietf:params:xml:ns:iodef-rid-2.0\">{}</iodef-rid:RID>",
        DOCUMENT.split_once("?>").map_or(DOCUMENT, |(_, rest)| rest)
    );
    let plain = "We saw a certificate for *.pay.shop.example, serial 4711.";
    Target::new("fuzz_iodef_report", Shape::Text)
        .seeds([DOCUMENT, rid.as_str(), plain])
        .refused([
            "<!DOCTYPE a [<!ENTITY b \"cc\">]><a>&b; www.shop.example</a>".to_owned(),
            "<a>".repeat(20_000),
            format!("<a>{}", "x.example ".repeat(6_000)),
            " ".repeat(REPORT_OCTETS_MAX + 1),
            "<a".to_owned(),
        ])
        .words([
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?",
            "?>",
            "<!ENTITY",
            "&amp;lt;",
            "&#x1b;",
            "</iodef:Incident>",
            "<IncidentID>",
            "xn--",
            "www.shop.example.",
            "'",
            "\"",
        ])
        .run(|octets| {
            let report = Report::read(octets)?;
            let text = std::str::from_utf8(octets)?;
            assert!(!report.says.is_empty() && !report.says.contains('\n'));
            // What is shown is bounded twice over: a line of a message has less room.
            report.says.split_inclusive(' ').for_each(|word| {
                assert!(word.chars().all(crate::fuzzing::refusal::is_plain), "{word:?}");
            });
            assert!(report.says.chars().count() <= 1_500);
            if let Some(id) = &report.id {
                check_text(id);
                assert!(!id.is_empty() && id.chars().count() <= 80);
            }
            assert!(report.names.len() <= 100);
            let spelled = text.to_ascii_lowercase();
            for name in &report.names {
                assert!(name.as_str().contains('.'));
                // Markup inside a name parts it; nothing puts two parts together.
                assert!(spelled.contains(name.as_str()) || spelled.contains('&'), "{name}");
            }
            assert_eq!(Report::read(octets).as_ref(), Ok(&report), "read twice, it says the same");
            Ok(())
        });
}
