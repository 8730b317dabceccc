//! Very many orders on one server (`bailiwick bench --orders`): its memory stays where it was.
//!
//! `BAILIWICK_ORDERS` says how many.

use std::time::Duration;

use serde_json::Value;

use super::kill9::dice::times;
use crate::harness::bailiwick::program;
use crate::harness::process::{bounded, run};

/// Orders of an everyday run: enough for every stretch to have some.
const ORDERS: u64 = 200;
/// What the server may have resident, behind any number of orders (issue 3).
const MIB_MAX: f64 = 64.0;
/// How much more it may have at the end than after the first quarter: caches fill.
const GROWS_MAX: f64 = 1.25;
/// A debug build on a busy machine places more than so many orders a second.
const ORDERS_PER_SECOND_MIN: u64 = 5;

#[test]
fn many_orders_leave_memory_flat() {
    let orders = times("BAILIWICK_ORDERS", ORDERS);
    let limit = Duration::from_secs(120 + orders / ORDERS_PER_SECOND_MIN);
    let mut command = bounded(program(), limit);
    command.args(["bench", "--json", "--orders", &orders.to_string()]);
    let ran = run(command).expect_success();
    eprint!("{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    let rows = report["results"].as_array().expect("results");
    let memory: Vec<f64> = rows.iter().filter_map(|row| row["value"].as_f64()).collect();
    assert!(memory.len() >= 10, "{report:#}");
    let (early, last) = (memory[memory.len() / 4], memory[memory.len() - 1]);
    assert!(last <= early * GROWS_MAX, "{early} MiB became {last} MiB: {report:#}");
    if !cfg!(debug_assertions) {
        assert!(memory.iter().all(|mib| *mib <= MIB_MAX), "{report:#}");
    }
}
