//! Descriptions of ourselves: routes, API, command line.

use std::fmt::Write as _;

use clap::CommandFactory as _;

use super::{Cli, Output, exit};

/// Prints every route with its permission.
pub(crate) fn routes(output: Output) -> u8 {
    let rows = crate::http::ROUTES;
    if output.json {
        let all: Vec<serde_json::Value> = rows
            .iter()
            .map(|route| {
                serde_json::json!({
                    "method": route.method,
                    "path": route.path,
                    "permission": route.permission.words(),
                })
            })
            .collect();
        super::say(serde_json::Value::from(all));
    } else {
        for route in rows {
            super::say(format!(
                "{:<7} {:<50} {}",
                route.method,
                route.path,
                route.permission.words()
            ));
        }
    }
    exit::YES
}

/// Prints the OpenAPI description.
pub(crate) fn openapi() -> u8 {
    match crate::http::api::description() {
        Ok(text) => {
            super::say(text);
            exit::YES
        }
        Err(cause) => super::failed(cause, exit::FAILED),
    }
}

/// Prints the help of every command as Markdown.
pub(crate) fn all() -> u8 {
    let mut text = String::from("# The command line\n\nMade by `cargo xtask gen`; do not edit.\n");
    let mut command = Cli::command();
    // So that a usage line begins with the whole of what has to be typed.
    command.build();
    describe(&mut command, "", 0, &mut text);
    print!("{text}");
    exit::YES
}

/// Commands within commands at most.
const DEPTH_MAX: usize = 4;

fn describe(command: &mut clap::Command, above: &str, depth: usize, text: &mut String) {
    let name = format!("{above}{}", command.get_name());
    let help = command.render_long_help().to_string();
    // Writing to a `String` cannot fail.
    write!(text, "\n## {name}\n\n```text\n{}\n```\n", help.trim_end()).unwrap_or_default();
    if depth >= DEPTH_MAX {
        return;
    }
    for below in
        command.get_subcommands_mut().filter(|one| one.get_name() != "help" && !one.is_hide_set())
    {
        describe(below, &format!("{name} "), depth.saturating_add(1), text);
    }
}
