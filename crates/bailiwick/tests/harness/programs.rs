//! Finding the programs that tests run, and saying which package has a missing one.

use std::path::PathBuf;
use std::time::Duration;

use super::place::Folder;
use super::process;

/// Programs and the Debian packages they come from; `cargo xtask install` installs all of them.
const PACKAGES: &[(&str, &str)] = &[
    ("named", "bind9"),
    ("rndc", "bind9-utils"),
    ("dnssec-keygen", "bind9-utils"),
    ("dnssec-dsfromkey", "bind9-utils"),
    ("named-checkzone", "bind9-utils"),
    ("dig", "bind9-dnsutils"),
    ("nsupdate", "bind9-dnsutils"),
    ("knotd", "knot"),
    ("pdns_server", "pdns-server"),
    ("pdnsutil", "pdns-server"),
    ("git", "git"),
    ("unbound", "unbound"),
    ("unbound-control", "unbound"),
    ("initdb", "postgresql"),
    ("postgres", "postgresql"),
    ("psql", "postgresql"),
    ("pg_dump", "postgresql"),
    ("sqlite3", "sqlite3"),
    ("certbot", "certbot"),
    ("lego", "lego"),
    ("pebble", "pebble"),
    ("chromium", "chromium"),
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("softhsm2-util", "softhsm2"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
    ("dehydrated", "dehydrated"),
    ("uacme", "uacme"),
    ("ualpn", "uacme"),
    ("caddy", "caddy"),
    ("python3", "python3-venv"),
    ("timeout", "coreutils"),
];

/// The full path of a program.
pub(crate) fn find(program: &str) -> PathBuf {
    let found = folders().into_iter().map(|folder| folder.join(program)).find(|p| p.is_file());
    found.unwrap_or_else(|| {
        let package = PACKAGES.iter().find(|(name, _)| *name == program).map(|(_, p)| *p);
        let package = package.unwrap_or("that has it");
        panic!("`{program}` is missing: install the Debian package {package}, or run `cargo xtask install`")
    })
}

/// SoftHSM's PKCS#11 module, where Debian puts it.
pub(crate) fn softhsm_module() -> PathBuf {
    let places = ["/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm"];
    let modules = places.map(|place| PathBuf::from(place).join("libsofthsm2.so"));
    modules.into_iter().find(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "SoftHSM is missing: install the Debian package softhsm2, or run `cargo xtask install`"
        )
    })
}

/// A program out of a package of PyPI, where `cargo xtask install` puts them.
pub(crate) fn find_pypi(program: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let beside = test.ancestors().nth(3).expect("tests lie below the target folder");
    let found = beside.join("pypi/bin").join(program);
    assert!(found.is_file(), "`{}` is missing: run `cargo xtask install`", found.display());
    found
}

/// A copy of a server program in a test's own folder.
///
/// Debian's AppArmor profiles bind to paths: /usr/sbin/named may use its own folders only. The copy is made by
/// another process: a file that is still open for writing anywhere cannot be executed, and each process that
/// another test starts meanwhile would hold it open for a moment.
pub(crate) fn copy(program: &str, folder: &Folder) -> PathBuf {
    let copy = folder.file(program);
    if !copy.exists() {
        let mut command = process::bounded(&find("cp"), Duration::from_secs(10));
        command.arg(find(program)).arg(&copy);
        process::run(command).expect_success();
    }
    copy
}

fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    // Servers are not in every user's PATH.
    folders.extend(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.extend(postgres_folders());
    folders
}

/// Debian keeps each major version's programs in a folder of its own; the newest first.
fn postgres_folders() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|v| v.path().join("bin")).collect();
    folders.sort_by_key(|folder| {
        let version = folder.parent().and_then(|v| v.file_name()).and_then(|v| v.to_str());
        std::cmp::Reverse(version.and_then(|v| v.parse::<u32>().ok()))
    });
    folders
}
