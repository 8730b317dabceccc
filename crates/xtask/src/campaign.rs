//! `cargo xtask campaign`: tests that run for minutes or hours, by name.
//!
//! A campaign is an ordinary test with a bigger number: the short run is part of `cargo xtask test`, so
//! no campaign can rot. Which tests it is and how big the number are data here.

use std::process::ExitCode;

use crate::repo;
use crate::run::Line;
use crate::stop::Stop;

pub(crate) const HELP: &str = "\
Runs one long test campaign in a release build.

usage: cargo xtask campaign NAME [N]

  N   runs this many instead of the campaign's own figure

A campaign that matches no test fails.
";

struct Campaign {
    name: &'static str,
    shows: &'static str,
    /// The crates, and the part of the tests' names that selects them.
    packages: &'static [&'static str],
    filter: &'static str,
    /// The variable that scales the tests, and the figure promised for a release.
    scale: &'static str,
    figure: &'static str,
}

/// The figures are those of the release; see PROMISES.md.
const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "kill9",
        shows: "killed at any moment under load, both stores: nothing doubled, nothing lost",
        packages: &["bailiwick"],
        filter: "kill9",
        scale: "BAILIWICK_KILLS",
        figure: "10000",
    },
    Campaign {
        name: "tamper",
        shows: "every edit of files or rows is detected, and the first wrong leaf named",
        packages: &["bailiwick"],
        filter: "tamper",
        scale: "BAILIWICK_EDITS",
        figure: "100000",
    },
    Campaign {
        name: "binding",
        shows: "no approval covers a changed plan",
        packages: &["bailiwick-core"],
        filter: "binding",
        scale: "BAILIWICK_MUTATIONS",
        figure: "1000000",
    },
    Campaign {
        name: "fuzz",
        shows: "no bytes crash a reader of ours or pass as something they are not",
        packages: &[
            "bailiwick-core",
            "bailiwick-wire",
            "bailiwick-store",
            "bailiwick-connect",
            "bailiwick",
        ],
        filter: "fuzz_",
        scale: "BAILIWICK_FUZZ_CASES",
        figure: "100000000",
    },
    Campaign {
        name: "upstream",
        shows: "a public CA that misbehaves in 57 ways, each with so many seeds: nothing lost, nothing doubled",
        packages: &["bailiwick"],
        filter: "a_misbehaving_ca",
        scale: "BAILIWICK_CA_SEEDS",
        figure: "50",
    },
    Campaign {
        name: "caa-audit",
        shows: "so many names audited for CAA against Knot: names a second, CPU a name, memory",
        packages: &["bailiwick"],
        filter: "names_a_second_and_memory",
        scale: "BAILIWICK_AUDIT_NAMES",
        figure: "200000",
    },
    Campaign {
        name: "caa-trees",
        shows: "BIND, Unbound, a second reader and a second evaluator agree with ours on random trees",
        packages: &["bailiwick-connect"],
        filter: "a_second_validator_and_reader",
        scale: "BAILIWICK_CAA_TREES",
        figure: "1000000",
    },
    Campaign {
        name: "trust-change",
        shows: "killed at any moment of a change of records and certificate: before, after, or with a person",
        packages: &["bailiwick"],
        filter: "trust_change_killed",
        scale: "BAILIWICK_TRUST_KILLS",
        figure: "100",
    },
    Campaign {
        name: "orders",
        shows: "so many ACME orders on one server: its memory stays flat",
        packages: &["bailiwick"],
        filter: "many_orders",
        scale: "BAILIWICK_ORDERS",
        figure: "1000000",
    },
    Campaign {
        name: "properties",
        shows: "generated cases of every property of the core",
        packages: &["bailiwick-core"],
        filter: "",
        scale: "PROPTEST_CASES",
        figure: "1000000",
    },
];

/// The campaigns for `--help`.
pub(crate) fn table() -> String {
    let mut text = String::from("\ncampaigns:\n");
    for campaign in CAMPAIGNS {
        text += &format!("  {:<12}{}\n", campaign.name, campaign.shows);
        text += &format!("  {:<12}$ {}\n", "", line(campaign, campaign.figure).shown());
    }
    text += &format!("  {:<12}{}\n", "compare", crate::compare::SHOWS);
    text
}

pub(crate) fn main(words: &[String]) -> Result<ExitCode, Stop> {
    let (name, figure) = match words {
        [name] => (name, None),
        [name, figure] if figure.parse::<u64>().is_ok() => (name, Some(figure.as_str())),
        _ => return Err(Stop::Usage("campaign wants a name and at most one number".to_owned())),
    };
    if name == "compare" {
        return crate::compare::main(figure);
    }
    let Some(campaign) = CAMPAIGNS.iter().find(|c| c.name == name) else {
        return Err(Stop::Usage(format!("no campaign is called `{name}`; see --help")));
    };
    let line = line(campaign, figure.unwrap_or(campaign.figure));
    println!("$ {}", line.shown());
    let (fine, tally) = line.live(&repo::root())?;
    if fine && tally.total() == 0 {
        eprintln!("error: the campaign matched no test; was `{}` renamed?", campaign.filter);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(ExitCode::from(u8::from(!fine || tally.total() == 0)))
}

fn line(campaign: &Campaign, figure: &str) -> Line {
    // Every target runs, however the others end.
    let mut line = Line::new("cargo", &["test", "--release", "--no-fail-fast"]);
    line.args.extend(campaign.packages.iter().flat_map(|name| ["-p", name]).map(str::to_owned));
    if !campaign.filter.is_empty() {
        line.args.push(campaign.filter.to_owned());
    }
    line.env(campaign.scale, figure)
}
