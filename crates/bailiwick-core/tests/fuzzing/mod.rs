//! Fuzzing as ordinary tests: valid inputs are changed at random, and what must hold is asked of each.
//!
//! A target is a test called `fuzz_…`; it names its seeds and gives a reader. The reader returns
//! `Ok` for what it accepts, after asserting what must hold of it, and the error for what it
//! refuses; what a refusal must be is checked here. A failure prints the line that repeats it.
//!
//! `BAILIWICK_FUZZ_CASES` says how many inputs a target gets (500 without it), and
//! `BAILIWICK_FUZZ_SEED` with which one it begins; with `BAILIWICK_FUZZ_TRACE` each is told. Other crates include this folder by path.

mod der;
mod dice;
mod octets;
pub(crate) mod refusal;
mod text;
mod watch;

use std::cell::Cell;
use std::error::Error;

use dice::Dice;
use watch::Watch;

/// Inputs of one target where nobody says how many.
const CASES: u64 = 500;
/// Octets of an input at most, where the target does not say: above every bound of our readers but
/// those that are a megabyte and more.
const OCTETS_MAX: usize = 160 * 1_024;
/// So many inputs show that some are accepted and some refused.
const CASES_TELLING: u64 = 200;
/// Octets of a failing input that are printed.
const SHOWN_MAX: usize = 6_000;

/// What a reader made of an input.
pub(crate) type Read = Result<(), Box<dyn Error>>;

/// What inputs are made of, and so how they are changed.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Octets,
    Text,
    Der,
}

/// What a reader may accept beside the seeds.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Accepts {
    /// Other inputs too, and some must be.
    Others,
    /// Nothing: the seeds are signed, or otherwise the only ones.
    SeedsOnly,
}

/// One fuzz target.
pub(crate) struct Target {
    name: &'static str,
    shape: Shape,
    seeds: Vec<Vec<u8>>,
    refused: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    one_in: u64,
    octets_max: usize,
}

impl Target {
    /// A target of this name, which is that of its test.
    pub(crate) const fn new(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            seeds: Vec::new(),
            refused: Vec::new(),
            words: Vec::new(),
            one_in: 1,
            octets_max: OCTETS_MAX,
        }
    }

    /// Valid inputs: they must be accepted, and everything else is made of them.
    pub(crate) fn seeds<T: Into<Vec<u8>>>(mut self, seeds: impl IntoIterator<Item = T>) -> Self {
        self.seeds.extend(seeds.into_iter().map(Into::into));
        self
    }

    /// Inputs that must be refused: those that once broke something stand here for good.
    pub(crate) fn refused<T: Into<Vec<u8>>>(mut self, inputs: impl IntoIterator<Item = T>) -> Self {
        self.refused.extend(inputs.into_iter().map(Into::into));
        self
    }

    /// Words that mean something to the reader.
    pub(crate) fn words<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.words.extend(words.into_iter().map(|word| word.as_bytes().to_vec()));
        self
    }

    /// A reader that costs so much that it gets one input where others get this many.
    pub(crate) const fn one_in(mut self, count: u64) -> Self {
        self.one_in = count;
        self
    }

    /// Octets of an input at most.
    pub(crate) const fn octets_max(mut self, octets_max: usize) -> Self {
        self.octets_max = octets_max;
        self
    }

    /// Runs the target. Some of the changed inputs must be accepted, and some refused.
    pub(crate) fn run(self, reader: impl Fn(&[u8]) -> Read) {
        self.cases(Accepts::Others, reader);
    }

    /// Runs the target where nothing but the seeds may be accepted.
    pub(crate) fn run_sealed(self, reader: impl Fn(&[u8]) -> Read) {
        self.cases(Accepts::SeedsOnly, reader);
    }

    fn cases(self, accepts: Accepts, reader: impl Fn(&[u8]) -> Read) {
        let wanted = number("BAILIWICK_FUZZ_CASES").unwrap_or(CASES);
        let (first, cases) =
            (number("BAILIWICK_FUZZ_SEED").unwrap_or(0), (wanted / self.one_in).max(1));
        let (accepted, refused) = (Cell::new(0_u64), Cell::new(0_u64));
        let read = |input: &[u8]| match reader(input) {
            Ok(()) => Some(()),
            Err(refusal) => {
                refusal::check(refusal.as_ref());
                None
            }
        };
        let mut watch = Watch::new();
        for input in &self.seeds {
            let shown = Shown { target: self.name, case: None, input };
            let refusal = || reader(input).err();
            watch.time(
                || shown.line(),
                || assert!(read(input).is_some(), "a seed is refused: {:?}", refusal()),
            );
        }
        for input in &self.refused {
            let shown = Shown { target: self.name, case: None, input };
            watch.time(
                || shown.line(),
                || assert!(read(input).is_none(), "what must be refused is accepted"),
            );
        }
        // A stack that overflows prints nothing: the last line before it does.
        let is_traced = std::env::var_os("BAILIWICK_FUZZ_TRACE").is_some();
        for case in first..first.saturating_add(cases) {
            let input = self.input(case);
            let shown = Shown { target: self.name, case: Some(case), input: &input };
            if is_traced {
                eprintln!("{}", shown.line());
            }
            watch.time(
                || shown.line(),
                || {
                    let is_accepted = read(&input).is_some();
                    let counter = if is_accepted { &accepted } else { &refused };
                    counter.set(counter.get() + 1);
                    if is_accepted && accepts == Accepts::SeedsOnly {
                        assert!(self.seeds.contains(&input), "a changed input is accepted");
                    }
                },
            );
            if case % 64 == 0 {
                watch::check_memory();
            }
        }
        let (accepted, refused) = (accepted.get(), refused.get());
        println!(
            "{}: {cases} inputs, {accepted} accepted, {refused} refused, slowest {:?}",
            self.name,
            watch.slowest()
        );
        if cases >= CASES_TELLING {
            assert!(refused > 0, "{}: nothing was refused", self.name);
            assert!(
                accepted > 0 || accepts == Accepts::SeedsOnly,
                "{}: nothing was accepted, so nothing behind the first check was reached",
                self.name
            );
        }
    }

    /// The input of one case; the same in every run.
    fn input(&self, case: u64) -> Vec<u8> {
        let mut dice = Dice::of(self.name, case);
        let mut input = dice.pick(&self.seeds).cloned().unwrap_or_default();
        let changes = if dice.one_in(3) { 2 + dice.below(6) } else { 1 };
        for _ in 0..changes {
            let other = dice.pick(&self.seeds).cloned().unwrap_or_default();
            let change = match self.shape {
                Shape::Text if !dice.one_in(4) => text::change,
                Shape::Der if !dice.one_in(4) => der::change,
                Shape::Octets | Shape::Text | Shape::Der => octets::change,
            };
            change(&mut input, &other, &self.words, &mut dice);
            input.truncate(self.octets_max);
        }
        input
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let parsed = text.parse();
    assert!(parsed.is_ok(), "{variable} is no number: {text}");
    parsed.ok()
}

/// Prints an input when the test fails over it.
struct Shown<'a> {
    target: &'a str,
    case: Option<u64>,
    input: &'a [u8],
}

impl Shown<'_> {
    fn line(&self) -> String {
        let package = env!("CARGO_PKG_NAME");
        let name = self.target;
        match self.case {
            Some(case) => format!(
                "BAILIWICK_FUZZ_SEED={case} BAILIWICK_FUZZ_CASES=1 cargo test -p {package} {name}"
            ),
            None => format!("cargo test -p {package} {name}"),
        }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let shown = self.input.get(..SHOWN_MAX).unwrap_or(self.input).escape_ascii();
            let octets = self.input.len();
            eprintln!("\nrepeat with\n  {}\ninput of {octets} octets: b\"{shown}\"", self.line());
        }
    }
}
