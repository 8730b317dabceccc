//! Rules of what the built program prints: generated files are fresh, every route is authorised.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::Problem;
use crate::generate::{self, PRINTED};
use crate::repo;
use crate::stop::Stop;

/// Where the HTTP routes are declared; once it exists, `bailiwick routes --json` must too.
const ROUTES: &str = "crates/bailiwick/src/http/routes.rs";

pub(super) fn check(root: &Path) -> Result<(Vec<Problem>, String), Stop> {
    generate::build(root)?;
    let mut problems = Vec::new();
    let mut seen = Vec::new();
    for printed in PRINTED {
        let kept = root.join(printed.file).is_file();
        match generate::bailiwick(&[printed.subcommand], printed.subcommand, root) {
            Ok(fresh) => {
                problems.extend(stale(
                    printed.file,
                    repo::text(root, printed.file).ok().flatten(),
                    &fresh,
                ));
                seen.push(printed.file.to_owned());
            }
            // Not built yet: nothing to compare with, and nothing that could be stale.
            Err(Stop::NotYet { .. }) if !kept => {
                seen.push(format!("no `bailiwick {}` yet", printed.subcommand));
            }
            Err(stop) => problems.push(Problem::new(
                printed.file,
                0,
                stop.to_string(),
                "make the command print the file",
            )),
        }
    }
    match generate::bailiwick(&["routes", "--json"], "routes", root) {
        Ok(text) => {
            let routes = read_routes(&text)?;
            seen.push(format!("{} routes", routes.len()));
            problems.extend(unauthorised(&routes));
        }
        Err(Stop::NotYet { .. }) if !root.join(ROUTES).is_file() => {
            seen.push("no `bailiwick routes` yet".to_owned());
        }
        Err(stop) => problems.push(Problem::new(
            ROUTES,
            0,
            stop.to_string(),
            "print every route with its permission",
        )),
    }
    Ok((problems, seen.join(", ")))
}

fn stale(file: &str, kept: Option<String>, fresh: &str) -> Option<Problem> {
    let remedy = "run `cargo xtask gen` and commit the file";
    match kept {
        None => Some(Problem::new(file, 0, "the program prints it, but it is not kept", remedy)),
        Some(kept) if kept == fresh => None,
        Some(kept) => {
            let same = kept.lines().zip(fresh.lines()).take_while(|(a, b)| a == b).count();
            Some(Problem::new(
                file,
                same.saturating_add(1),
                "stale: the program prints otherwise",
                remedy,
            ))
        }
    }
}

/// One line of the authorisation table.
#[derive(Debug, Eq, PartialEq)]
struct Route {
    method: String,
    path: String,
    permission: String,
}

fn read_routes(text: &str) -> Result<Vec<Route>, Stop> {
    let command = "bailiwick routes --json".to_owned();
    let json: Value = serde_json::from_str(text)
        .map_err(|source| Stop::NotJson { command: command.clone(), source })?;
    let lacks = |field| Stop::Lacks { command: command.clone(), field };
    let rows = json.as_array().filter(|rows| !rows.is_empty()).ok_or_else(|| lacks("[…]"))?;
    let field = |row: &Value, field: &'static str| {
        row.get(field).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| lacks(field))
    };
    rows.iter()
        .map(|row| {
            // A route may lack its permission: that is what we are here to find.
            let permission = field(row, "permission").unwrap_or_default();
            Ok(Route { method: field(row, "method")?, path: field(row, "path")?, permission })
        })
        .collect()
}

fn unauthorised(routes: &[Route]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut met = BTreeSet::new();
    for route in routes {
        let shown = format!("`{} {}`", route.method, route.path);
        if route.permission.trim().is_empty() {
            let remedy = "say which permission it needs; an open one is called `public` there, with its reason";
            problems.push(Problem::new(ROUTES, 0, format!("{shown} needs no permission"), remedy));
        }
        if !met.insert((&route.method, &route.path)) {
            let remedy = "keep one of the two lines";
            problems.push(Problem::new(ROUTES, 0, format!("{shown} is listed twice"), remedy));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: &[&str]) {
        let problems = unauthorised(&read_routes(given).unwrap());
        assert_eq!(problems.iter().map(|p| p.what.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_route_without_a_permission_is_found() {
        check(r#"[{"method":"GET","path":"/healthz","permission":"public"}]"#, &[]);
        check(
            r#"[{"method":"GET","path":"/a","permission":""},{"method":"GET","path":"/a"}]"#,
            &[
                "`GET /a` needs no permission",
                "`GET /a` needs no permission",
                "`GET /a` is listed twice",
            ],
        );
        assert!(read_routes("[]").is_err());
        assert!(read_routes(r#"[{"path":"/a"}]"#).is_err());
    }

    #[test]
    fn a_stale_file_is_named_with_its_first_wrong_line() {
        assert_eq!(stale("f", Some("a\nb\n".to_owned()), "a\nb\n"), None);
        assert_eq!(stale("f", Some("a\nb\n".to_owned()), "a\nc\n").unwrap().line, 2);
        assert_eq!(stale("f", None, "a\n").unwrap().line, 0);
    }
}
