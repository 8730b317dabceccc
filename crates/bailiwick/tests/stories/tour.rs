//! The README's tour, typed as it stands: every command works, and prints what the README shows.
//!
//! Only the ports and the paths of the program and its data are other ones. What differs from run to run (anything with a
//! digit in it) is not compared.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::acme_gate::Gate;
use crate::harness::bailiwick;
use crate::harness::place::Folder;
use crate::harness::process;
use crate::harness::programs;

/// A command of the tour with the lines that the README shows below it.
struct Typed {
    command: String,
    shown: Vec<String>,
}

/// Between the outputs of two commands.
const BETWEEN: &str = "=== typed ===";
/// Stands in the README for lines that are left out.
const LEFT_OUT: &str = "...";

fn readme() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    std::fs::read_to_string(file).expect("the README is there")
}

/// The part from the tour's headline to the next one of the same kind.
fn tour(readme: &str) -> &str {
    let (_, tour) = readme.split_once("## A tour in ten minutes\n").expect("the README has a tour");
    tour.split_once("\n## ").map_or(tour, |(tour, _)| tour)
}

/// The lines of the fenced blocks of this kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(word) => inside = !inside && word == kind,
            None if inside => lines.push(line.to_owned()),
            None => {}
        }
    }
    lines
}

fn typed(text: &str) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    let mut goes_on = false;
    for line in blocks(text, "console") {
        if let Some(command) = line.strip_prefix("$ ") {
            all.push(Typed { command: command.to_owned(), shown: Vec::new() });
        } else if let Some(last) = all.last_mut() {
            if goes_on {
                last.command.push('\n');
                last.command.push_str(&line);
            } else {
                last.shown.push(line.clone());
            }
        }
        goes_on = line.ends_with('\\') && (goes_on || line.starts_with("$ "));
    }
    all
}

/// A line without what differs from run to run: every word with a digit in it is `#`.
fn alike(line: &str) -> String {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut alike = String::new();
    for piece in line.trim_end().split_inclusive(|c| !part_of_word(c)) {
        let word = piece.trim_end_matches(|c| !part_of_word(c));
        let rest = piece.strip_prefix(word).unwrap_or_default();
        let varies = word.contains(|c: char| c.is_ascii_digit());
        alike.push_str(if varies { "#" } else { word });
        alike.push_str(rest);
    }
    // A time's fraction of a second is not always there.
    alike.replace(".#Z", "").replace("#.#", "#")
}

/// The first shown line that was not printed after the ones above it.
fn missing<'a>(shown: &'a [String], printed: &str) -> Option<&'a str> {
    let mut rest = printed.lines().map(alike);
    let shown = shown.iter().filter(|line| !line.trim().is_empty() && *line != LEFT_OUT);
    shown.map(String::as_str).find(|line| !rest.any(|printed| printed == alike(line)))
}

/// One shell types it all, as a person does.
fn script(gate: &Gate, setup: &[String], typed: &[Typed]) -> String {
    let port = |url: &str| url.rsplit(':').next().unwrap_or_default().to_owned();
    let lab_dns = gate.server.ready()["lab"]["dns"].as_str().expect("the lab has a DNS").to_owned();
    let data = gate.server.data().to_string_lossy().into_owned();
    let here = |text: &str| {
        text.replace("$PWD/target/release/bailiwick", &bailiwick::program().to_string_lossy())
            .replace("$PWD/bailiwick-data", &data)
            .replace("bailiwick-data", &data)
            .replace("7443", &port(gate.server.https()))
            .replace("7480", &port(gate.server.http()))
            .replace("127.0.0.1:7453", &lab_dns)
            .replace("7402", &gate.http01_port().to_string())
    };
    let mut script = format!(
        "shopt -s expand_aliases\nexec 2>&1\nexport BAILIWICK_SERVER={} BAILIWICK_DATA={data}\n{}\n",
        gate.server.https(),
        here(&setup.join("\n"))
    );
    for one in typed {
        script.push_str(&format!("{}\necho \"$?\"; echo '{BETWEEN}'\n", here(&one.command)));
    }
    script
}

#[test]
fn own_1_the_tour_of_the_readme_works_to_its_last_line() {
    let gate = Gate::start();
    let readme = readme();
    let (setup, typed) = (blocks(tour(&readme), "sh"), typed(tour(&readme)));
    assert!(typed.len() >= 15, "the tour has {} commands; were they read?", typed.len());
    let folder = Folder::new("tour");
    let file = folder.file("tour.sh");
    let mut text = std::fs::File::create(&file).expect("a file can be made");
    text.write_all(script(&gate, &setup, &typed).as_bytes()).expect("a file can be written");

    let mut command = process::bounded(&programs::find("bash"), Duration::from_secs(120));
    command.arg(&file).current_dir(folder.path());
    let ran = process::run(command).expect_success();
    let outputs: Vec<&str> = ran.stdout.split(&format!("{BETWEEN}\n")).collect();
    assert_eq!(outputs.len(), typed.len() + 1, "{}", ran.stdout);
    for (one, output) in typed.iter().zip(&outputs) {
        let (printed, code) =
            output.trim_end().rsplit_once('\n').unwrap_or(("", output.trim_end()));
        if let Some(line) = missing(&one.shown, printed) {
            panic!("$ {}\nthe README shows `{line}`, it printed:\n{printed}", one.command);
        }
        assert!(
            !one.shown.is_empty() || code == "0",
            "$ {}\nended with {code}:\n{printed}",
            one.command
        );
    }
}
