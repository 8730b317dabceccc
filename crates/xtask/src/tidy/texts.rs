//! Rules of every committed text: open ends, paths of one machine, and which documents there are.

use super::Problem;
use super::rust_text;

/// Documents that a newcomer may rely on finding.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "GLOSSARY.md",
    "PROMISES.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    ".ci/run",
];

/// A map longer than this is no map.
const ARCHITECTURE_LINES_MAX: usize = 250;

/// Folders that exist on one person's machine only.
const MACHINE_FOLDERS: &[&str] = &["work", "farm", "root", "home", "Users"];

/// Words that promise a later change; with a number behind them they can be found again.
const OPEN_ENDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

pub(super) fn check(name: &str, text: &str) -> Vec<Problem> {
    let mut problems = machine_paths(name, text);
    problems.extend(open_ends(name, text));
    let lines = text.lines().count();
    if name == "ARCHITECTURE.md" && lines > ARCHITECTURE_LINES_MAX {
        let what = format!("{lines} lines; the limit is {ARCHITECTURE_LINES_MAX}");
        let remedy = "keep the map; move what is about one module into that module's doc";
        problems.push(Problem::new(name, 0, what, remedy));
    }
    problems
}

/// Rules of the set of files.
pub(super) fn check_set(files: &[String]) -> Vec<Problem> {
    let absent = DOCUMENTS.iter().filter(|d| !files.iter().any(|f| f == *d));
    absent.map(|d| Problem::new(d, 0, "the document is missing", "write it")).collect()
}

fn machine_paths(name: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| names_folder(line, folder)) {
            let what = format!("a path under `/{folder}` exists on one machine only");
            let remedy = "make it relative to the repository, or a parameter";
            problems.push(Problem::new(name, number, what, remedy));
        }
    }
    problems
}

/// Whether the line has `/folder/` where a path begins, not in the middle of a longer one or of a URL.
fn names_folder(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    line.match_indices(&path).any(|(at, _)| {
        let before = line.get(..at).and_then(|s| s.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}>~".contains(c))
    })
}

fn open_ends(name: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, comment) in comments(name, text) {
        for word in OPEN_ENDS {
            let open = rust_text::has_word(&comment, word) && !has_number(&comment);
            if open {
                let what = format!("`{word}` without the number of an issue");
                let remedy = "do it now, or file an issue and write its `#number`";
                problems.push(Problem::new(name, number, what, remedy));
            }
        }
    }
    problems
}

fn has_number(comment: &str) -> bool {
    comment.split('#').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The comments of a file of code, with their lines; prose is not searched.
fn comments(name: &str, text: &str) -> Vec<(usize, String)> {
    if name.ends_with(".rs") {
        return (1..).zip(rust_text::split(text)).map(|(n, line)| (n, line.comment)).collect();
    }
    let code = [".toml", ".sql", ".sh", ".js", ".css", ".cedar", ".yml", "run"];
    if code.iter().any(|end| name.ends_with(end)) {
        return (1..).zip(text.lines()).map(|(n, line)| (n, line.to_owned())).collect();
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(name: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> =
            check(name, text).iter().map(|p| format!("{}: {}", p.line, p.what)).collect();
        assert_eq!(found, expected, "{name}: {text}");
    }

    #[test]
    fn open_ends_need_a_number() {
        let word = OPEN_ENDS.first().unwrap();
        let expected = format!("1: `{word}` without the number of an issue");
        check_file("a.rs", &format!("// {word}: later"), &[&expected]);
        check_file("a.rs", &format!("// {word} #12: later"), &[]);
        check_file("a.rs", &format!("let a = \"{word}\";"), &[]);
        check_file("a.toml", &format!("a = 1 # {word}"), &[&expected]);
        check_file("a.md", &format!("no {word}s"), &[]);
    }

    #[test]
    fn paths_of_one_machine_are_found_and_urls_are_not() {
        let home = concat!("/ho", "me/");
        let expected = ["1: a path under `/home` exists on one machine only"];
        check_file("a.md", &format!("see {home}me/notes"), &expected);
        check_file("a.toml", &format!("path = \"{home}me\""), &expected);
        check_file("a.md", &format!("https://a.example{home}page"), &[]);
        check_file("a.md", &format!("{{base}}{home}page"), &[]);
    }

    #[test]
    fn the_map_stays_a_map_and_documents_are_there() {
        let long = "line\n".repeat(251);
        check_file("ARCHITECTURE.md", &long, &["0: 251 lines; the limit is 250"]);
        check_file("README.md", &long, &[]);
        assert_eq!(check_set(&[]).len(), DOCUMENTS.len());
    }
}
