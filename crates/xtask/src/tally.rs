//! Counting tests from the closing lines of `cargo test`.

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// Takes in one line of output; every line that is not a closing line is passed over.
    pub(crate) fn read(&mut self, line: &str) {
        let plain = without_colour(line);
        let Some((_, counts)) = plain.split_once("test result: ") else { return };
        for part in counts.split([';', '.']) {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|n| n.parse::<u64>().ok());
            match (number, words.next()) {
                (Some(n), Some("passed")) => self.passed = self.passed.saturating_add(n),
                (Some(n), Some("failed")) => self.failed = self.failed.saturating_add(n),
                (_, _) => {}
            }
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
    }

    pub(crate) fn total(self) -> u64 {
        self.passed.saturating_add(self.failed)
    }
}

/// Drops terminal colour codes: ESC `[` … letter.
fn without_colour(line: &str) -> String {
    let mut plain = String::new();
    let mut in_code = false;
    for c in line.chars() {
        match c {
            '\u{1b}' => in_code = true,
            _ if in_code => in_code = !c.is_ascii_alphabetic(),
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, passed: u64, failed: u64) {
        let mut tally = Tally::default();
        given.lines().for_each(|line| tally.read(line));
        assert_eq!(tally, Tally { passed, failed }, "{given}");
    }

    #[test]
    fn closing_lines_are_summed() {
        check("running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured", 2, 0);
        check(
            "test result: FAILED. 3 passed; 1 failed; 0 ignored\ntest result: ok. 4 passed; 0 failed",
            7,
            1,
        );
    }

    #[test]
    fn colour_does_not_hide_a_count() {
        check("test result: \u{1b}[31mFAILED\u{1b}(B\u{1b}[m. 1 passed; 2 failed; 0 ignored", 1, 2);
    }

    #[test]
    fn other_lines_count_nothing() {
        check("test names::dns ... ok\n9 passed; 9 failed", 0, 0);
    }
}
