//! Cargo.toml: every dependency says why it is here, and says it in one place.

use super::Problem;

pub(super) fn check(name: &str, text: &str) -> Vec<Problem> {
    if name == "Cargo.toml" {
        return reasons(name, text);
    }
    if name.starts_with("crates/") && name.ends_with("/Cargo.toml") {
        return inherited(name, text);
    }
    Vec::new()
}

/// In the root: a comment on each dependency. Our own crates need none.
fn reasons(name: &str, text: &str) -> Vec<Problem> {
    let lines = in_sections(text, |section| section == "workspace.dependencies");
    lines
        .filter(|(_, line)| !line.contains("path =") && !has_reason(line))
        .map(|(number, line)| {
            let what = format!("`{}` gives no reason", key(line));
            let remedy = "end the line with a comment: why it is here; who keeps it";
            Problem::new(name, number, what, remedy)
        })
        .collect()
}

fn has_reason(line: &str) -> bool {
    line.rsplit_once('#').is_some_and(|(_, reason)| reason.trim().len() >= 10)
}

/// In a crate: only what the root lists, so that version and reason stand in one place.
fn inherited(name: &str, text: &str) -> Vec<Problem> {
    let lines = in_sections(text, |section| section.ends_with("dependencies"));
    lines
        .filter(|(_, line)| !line.replace(' ', "").contains("workspace=true"))
        .map(|(number, line)| {
            let what = format!("`{}` is not taken from the workspace", key(line));
            let remedy = "list it in the root Cargo.toml with its reason; here write `NAME.workspace = true`";
            Problem::new(name, number, what, remedy)
        })
        .collect()
}

fn key(line: &str) -> &str {
    line.split(['=', '.']).next().unwrap_or_default().trim()
}

/// The lines with a key, of the sections that are wanted, with their numbers.
fn in_sections(text: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        if let Some(section) = line.strip_prefix('[') {
            inside = wanted(section.trim_end().trim_end_matches(']'));
            return false;
        }
        inside && line.contains('=') && !line.trim_start().starts_with('#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(name: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> =
            check(name, text).iter().map(|p| format!("{}: {}", p.line, p.what)).collect();
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let text = "[workspace.dependencies]\nours = { path = \"crates/ours\" }\n# note\n\
                    a = \"1\" # does this; kept by them\nb = \"1\"\nc = \"1\" #\n[profile.dev]\nd = 1\n";
        check_file("Cargo.toml", text, &["5: `b` gives no reason", "6: `c` gives no reason"]);
    }

    #[test]
    fn a_crate_takes_its_versions_from_the_root() {
        let text = "[package]\nname = \"a\"\n[dependencies]\na.workspace = true\nb = \"1\"\n\
                    [dev-dependencies]\nc = { workspace = true, features = [] }\n";
        check_file("crates/a/Cargo.toml", text, &["5: `b` is not taken from the workspace"]);
    }
}
