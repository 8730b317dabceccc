//! Rotations of credentials that Bailiwick holds, in words.

use bailiwick_core::change::{HeldKey, KeyMark, Step};

/// A step in one line, and its fields.
type Described = (String, Vec<(&'static str, String)>);

/// What such a step does, and every field that an approval binds. Nothing of it is secret.
pub(super) fn describe(step: &Step) -> Described {
    if let Step::RotateKey(rotate) = step {
        let does = format!("let {} be {}", whose(&rotate.of), key(&rotate.after));
        let fields = vec![
            ("of", whose(&rotate.of)),
            ("in force now", marked(&rotate.before)),
            ("will be", marked(&rotate.after)),
            ("taken within", format!("{} s", rotate.within_seconds)),
        ];
        return (does, fields);
    }
    if let Step::RetireKey(retire) = step {
        let does = format!("see {} refused as {}", key(&retire.old), whose(&retire.of));
        let fields = vec![
            ("of", whose(&retire.of)),
            ("refused", marked(&retire.old)),
            ("within", format!("{} s, then a person looks", retire.within_seconds)),
        ];
        return (does, fields);
    }
    (step.kind().to_owned(), Vec::new())
}

fn whose(of: &HeldKey) -> String {
    match of {
        HeldKey::ZoneTsig(zone) => format!("the TSIG key that zone {zone} is written with"),
        HeldKey::ZoneApi(zone) => format!("the API key that zone {zone} is written with"),
        HeldKey::CaAccount(issuer) => format!("the key of our account at issuer {issuer}"),
    }
}

fn key(mark: &KeyMark) -> String {
    format!("{} ({}…)", mark.name, mark.digest.to_string().chars().take(8).collect::<String>())
}

fn marked(mark: &KeyMark) -> String {
    format!("{}, {}", mark.name, mark.digest)
}
