//! Bodies of MTA-STS policies, as senders of mail read them (RFC 8461, section 3.2).

use bailiwick_wire::mta_sts::{BadMtaSts, Mode, MtaSts, OCTETS_MAX};

fn with(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

const SOUND: [&str; 4] =
    ["version: STSv1", "mode: enforce", "mx: mail.shop.example", "max_age: 604800"];

fn sound() -> MtaSts {
    MtaSts {
        mode: Mode::Enforce,
        mx: vec!["mail.shop.example".to_owned()],
        max_age_seconds: 604_800,
    }
}

#[test]
fn what_senders_take_is_read() {
    let whole = with(&SOUND);
    let more =
        [&SOUND[..], &["mx: *.MAIL.shop.example", "x-note: später: mehr", "mode: none"]].concat();
    let reversed: Vec<&str> = SOUND.into_iter().rev().collect();
    for (text, expected) in [
        (whole.clone(), sound()),
        (whole.replace("\r\n", "\n"), sound()),
        (whole.trim_end().to_owned(), sound()),
        (whole.replace(": ", ":").replace("\r\n", " \t\r\n"), sound()),
        (with(&reversed), sound()),
        (
            // What is not known is passed over, and the first of two modes counts.
            with(&more),
            MtaSts {
                mx: vec!["mail.shop.example".to_owned(), "*.mail.shop.example".to_owned()],
                ..sound()
            },
        ),
        (
            with(&["version: STSv1", "mode: none", "max_age: 0"]),
            MtaSts { mode: Mode::None, mx: Vec::new(), max_age_seconds: 0 },
        ),
        (whole.replace("604800", "0031557600"), MtaSts { max_age_seconds: 31_557_600, ..sound() }),
        (whole.replace("enforce", "testing"), MtaSts { mode: Mode::Testing, ..sound() }),
    ] {
        assert_eq!(MtaSts::read(text.as_bytes()), Ok(expected), "{text}");
    }
}

#[test]
fn what_senders_would_not_take_is_refused_with_what_is_wrong() {
    let whole = with(&SOUND);
    let value =
        |key, value: &str, expected| BadMtaSts::Value { key, value: value.to_owned(), expected };
    let age = "a number of seconds, at most 31557600";
    let mx = "the name of a mail server, or `*.` and a name";
    for (text, expected) in [
        (String::new(), BadMtaSts::Line(1)),
        ("<html>".to_owned(), BadMtaSts::Line(1)),
        (whole.replace("mode", "\r\nmode"), BadMtaSts::Line(2)),
        (whole.replace("mode", " mode"), BadMtaSts::Line(2)),
        (with(&SOUND[1..]), BadMtaSts::Missing("version")),
        (with(&SOUND[..3]), BadMtaSts::Missing("max_age")),
        (whole.replace("mode", "mood"), BadMtaSts::Missing("mode")),
        (whole.replace("mx", "my"), BadMtaSts::Missing("mx")),
        (whole.replace("STSv1", "STSv2"), value("version", "STSv2", "`STSv1`")),
        (
            whole.replace("enforce", "Enforce"),
            value("mode", "Enforce", "`enforce`, `testing` or `none`"),
        ),
        (whole.replace("604800", ""), value("max_age", "", age)),
        (whole.replace("604800", "-1"), value("max_age", "-1", age)),
        (whole.replace("604800", "31557601"), value("max_age", "31557601", age)),
        (whole.replace("604800", "00000000001"), value("max_age", "00000000001", age)),
        (whole.replace("mail.shop", "mail..shop"), value("mx", "mail..shop.example", mx)),
        (whole.replace("mail.shop", "mail.*.shop"), value("mx", "mail.*.shop.example", mx)),
        (whole.replace("mail.shop.example", "*."), value("mx", "*.", mx)),
        (whole.clone() + &"x: y\n".repeat(OCTETS_MAX / 5), BadMtaSts::TooLong),
    ] {
        let read = MtaSts::read(text.as_bytes());
        assert_eq!(read, Err(expected), "{}", text.chars().take(200).collect::<String>());
    }
    assert_eq!(MtaSts::read(b"version: STSv1\xff"), Err(BadMtaSts::NoText));
}
