//! What servers of mail publish about themselves.

use bailiwick_wire::mta_sts::{Mode, MtaSts};

use crate::fuzzing::refusal::check_text;
use crate::fuzzing::{Shape, Target};

/// A policy that is taken says something, and its words cannot act.
#[test]
fn fuzz_mta_sts() {
    Target::new("fuzz_mta_sts", Shape::Text)
        .seeds([
            "version: STSv1\r\nmode: enforce\r\nmx: mail.shop.example\r\nmx: *.shop.example\r\nmax_age: 604800\r\n",
            "version:STSv1\nmode:none\nmax_age:1",
        ])
        .refused(["", "version: STSv1", "<html><body>404</body></html>"])
        .words(["mx: ", "mode: ", "testing", "max_age: ", "STSv2", "\r\n", "x-note: a", "*.", "31557601"])
        .run(|octets| {
            let policy = MtaSts::read(octets)?;
            assert!(policy.mode == Mode::None || !policy.mx.is_empty());
            assert!(policy.max_age_seconds <= 31_557_600);
            policy.mx.iter().for_each(|one| check_text(one));
            check_text(&policy.to_string());
            assert!(policy.to_string().starts_with("mode "), "{policy}");
            Ok(())
        });
}
