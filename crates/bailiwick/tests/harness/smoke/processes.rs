//! Processes end with their owner, whatever happens.

use std::path::PathBuf;
use std::time::Duration;

use crate::harness::place::{Folder, Port};
use crate::harness::process::{self, Piped, Server};
use crate::harness::programs;

/// A shell with a child of its own; both should be gone when it is.
fn family(folder: &Folder) -> (Server, String) {
    let mut command = process::server(&programs::find("sh"));
    command.args(["-c", "sleep 1000 & echo $! > child; echo started; wait"]);
    command.current_dir(folder.path());
    let log = folder.file("log");
    let mut server = Server::start("family", command, &log, Piped::Nothing);
    let child = server.wait_for("the child's number", || {
        let text = std::fs::read_to_string(folder.file("child")).ok()?;
        text.ends_with('\n').then(|| text.trim().to_owned())
    });
    (server, child)
}

/// A process that is killed but not yet waited for by its new parent counts as gone.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(PathBuf::from("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// The kernel needs a moment between the signal and the end.
fn ends(pid: &str) -> bool {
    (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        !lives(pid)
    })
}

#[test]
fn dropping_a_server_ends_its_children_too() {
    let folder = Folder::new("family");
    let (server, child) = family(&folder);
    let pid = server.pid().to_string();
    assert!(lives(&pid) && lives(&child));
    assert!(server.log().contains("started"), "{}", server.log());
    drop(server);
    assert!(!lives(&pid) && ends(&child));
}

#[test]
fn a_panic_ends_the_server_and_keeps_its_folder() {
    let ended = std::thread::spawn(|| {
        let folder = Folder::new("panicking");
        let (_server, child) = family(&folder);
        std::panic::panic_any((folder.path().to_path_buf(), child));
    });
    let told = ended.join().unwrap_err().downcast::<(PathBuf, String)>().unwrap();
    let (folder, child) = *told;
    assert!(ends(&child));
    assert!(folder.join("log").is_file(), "the log is kept");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_server_that_ends_early_is_noticed_with_its_last_words() {
    let folder = Folder::new("early");
    let log = folder.file("log");
    let ended = std::thread::spawn(move || {
        let mut command = process::server(&programs::find("sh"));
        command.args(["-c", "echo last words >&2; exit 3"]);
        let mut server = Server::start("early", command, &log, Piped::Nothing);
        let never: Option<()> = None;
        server.wait_for("what never comes", || never);
    });
    let told = ended.join().unwrap_err().downcast::<String>().unwrap();
    assert!(told.contains("exit status: 3") && told.contains("last words"), "{told}");
}

#[test]
fn a_command_is_ended_in_time_and_stopping_is_waited_for() {
    let mut command = process::bounded(&programs::find("sleep"), Duration::from_secs(1));
    command.arg("1000");
    assert_eq!(process::run(command).code, Some(124));

    let folder = Folder::new("stopping");
    let (mut server, child) = family(&folder);
    assert!(!server.stop("TERM").success());
    assert!(ends(&child), "what it left running ends with it");
}

#[test]
fn ports_are_not_given_twice() {
    let ports: Vec<Port> = (0..50).map(|_| Port::free()).collect();
    let numbers: std::collections::BTreeSet<u16> = ports.iter().map(Port::number).collect();
    assert_eq!(numbers.len(), ports.len());
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let told = std::panic::catch_unwind(|| programs::find("no-such-program")).unwrap_err();
    let told = told.downcast::<String>().unwrap();
    assert!(told.contains("`no-such-program` is missing"), "{told}");
}
