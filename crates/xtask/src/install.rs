//! The Debian packages that the tests run against, and their installation.
//!
//! The tests use real servers and real clients, unmodified, so they must be on the machine. Installing is
//! repeatable: what is there already is left alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::repo;
use crate::run::{self, Line};
use crate::stop::Stop;

pub(crate) const HELP: &str = "\
Installs the Debian packages and the tools from PyPI that the tests use, where they are missing.

usage: cargo xtask install [--list]

  --list   print the packages and what each is for; install nothing

As root it runs apt-get. As anyone else it prints the command for root.
No service is started: the tests start their own servers and stop them.
";

/// A package, and what the tests want it for.
struct Package {
    name: &'static str,
    why: &'static str,
}

const PACKAGES: &[Package] = &[
    Package { name: "bind9", why: "authoritative name server of the real-server tests (named)" },
    Package { name: "bind9-utils", why: "rndc, dnssec-keygen, dnssec-dsfromkey, tsig-keygen" },
    Package { name: "bind9-dnsutils", why: "dig and nsupdate, as independent DNS clients" },
    Package { name: "knot", why: "a second authoritative name server that takes signed updates" },
    Package { name: "pdns-server", why: "a third one, written through its HTTP API" },
    Package { name: "pdns-backend-sqlite3", why: "where that one keeps its records in a test" },
    Package { name: "git", why: "zone files that people keep in a repository" },
    Package { name: "unbound", why: "DNSSEC-validating resolver between Bailiwick and BIND" },
    Package { name: "certbot", why: "the most used ACME client, unmodified" },
    Package { name: "python3-certbot-dns-rfc2136", why: "certbot's dns-01 through RFC 2136" },
    Package { name: "lego", why: "a second, independent ACME client (Go)" },
    Package { name: "dehydrated", why: "a third one (bash); its hooks answer every challenge" },
    Package { name: "uacme", why: "a fourth one (C, GnuTLS), with ualpn for tls-alpn-01" },
    Package { name: "caddy", why: "a fifth one (Go, certmagic): a web server that serves itself" },
    Package {
        name: "pebble",
        why: "an ACME server not ours: shows that the clients are set up right",
    },
    Package {
        name: "postgresql",
        why: "the second store; run from a temporary folder, never as a service",
    },
    Package { name: "sqlite3", why: "edits the data behind Bailiwick's back, to be found out" },
    Package { name: "chromium", why: "opens the console as a person would; pictures of pages" },
    Package { name: "fonts-dejavu-core", why: "letters in those pictures" },
    Package { name: "openssl", why: "independent reader of certificates, CRLs and TLS answers" },
    Package { name: "softhsm2", why: "a PKCS#11 token in files, for CA keys that never leave it" },
    Package { name: "python3-venv", why: "a place of their own for the tools from PyPI" },
    Package { name: "python3-aiosmtpd", why: "a mail server that takes what notices are sent" },
    Package { name: "curl", why: "independent HTTP client of the README tour" },
    Package { name: "iproute2", why: "a network of loopback only, for comparing ACME servers" },
];

/// Tools from PyPI, each at one version, in a virtual environment beside the build.
const PYPI: &[Package] = &[
    Package {
        name: "pkilint==0.13.3",
        why: "a linter of certificates, CRLs and OCSP answers that is not ours",
    },
    Package {
        name: "certbot==5.8.0",
        why: "certbot years after Debian's: asks for renewal information; its ACME library",
    },
];

/// A file with exit code 101 here tells Debian's package scripts to start no service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

pub(crate) fn main(words: &[String]) -> Result<ExitCode, Stop> {
    match words {
        [] => {
            run_install(&repo::root())?;
            Ok(ExitCode::SUCCESS)
        }
        [list] if list == "--list" => {
            for package in PACKAGES.iter().chain(PYPI) {
                println!("{:<28} {}", package.name, package.why);
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(Stop::Usage("install takes nothing but --list".to_owned())),
    }
}

/// Installs what is missing; says what it did.
pub(crate) fn run_install(root: &Path) -> Result<(), Stop> {
    install_packages(root)?;
    install_pypi(root)
}

/// The folder that holds the tools from PyPI: beside what this program was built into.
fn pypi_folder(root: &Path) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("pypi")
}

fn install_pypi(root: &Path) -> Result<(), Stop> {
    let folder = pypi_folder(root);
    // One file per version that is there; pip would ask the registry each time.
    let absent: Vec<&Package> =
        PYPI.iter().filter(|tool| !folder.join(tool.name).is_file()).collect();
    if absent.is_empty() {
        println!("all {} tools from PyPI are installed", PYPI.len());
        return Ok(());
    }
    let shown = folder.display().to_string();
    Line::new("python3", &["-m", "venv", &shown]).must(root)?;
    let pip = folder.join("bin/pip").display().to_string();
    for tool in absent {
        Line::new("env", &[&pip, "install", "--quiet", tool.name]).must(root)?;
        let path = folder.join(tool.name);
        std::fs::write(&path, tool.why).map_err(|source| Stop::File {
            doing: "write",
            path,
            source,
        })?;
    }
    Ok(())
}

fn install_packages(root: &Path) -> Result<(), Stop> {
    let missing = missing(root)?;
    if missing.is_empty() {
        println!("all {} packages are installed", PACKAGES.len());
        return Ok(());
    }
    println!("missing: {}", missing.join(" "));
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(&missing);
    let install = Line::new("apt-get", &words).env("DEBIAN_FRONTEND", "noninteractive");
    if !is_root() {
        let command = format!("apt-get update && {}", install.shown());
        return Err(Stop::NotRoot { command });
    }
    let _quiet = QuietServices::begin(Path::new(POLICY))?;
    // A mirror may drop a connection now and then, and CI has no second try: apt retries itself.
    Line::new("apt-get", &["-qq", "-o", "Acquire::Retries=3", "update"]).must(root)?;
    let mut patient = install;
    patient.args.splice(0..0, ["-qq", "-o", "Acquire::Retries=3"].map(str::to_owned));
    patient.must(root)
}

fn missing(root: &Path) -> Result<Vec<&'static str>, Stop> {
    let mut query = Line::new("dpkg-query", &["--show", "-f", "${db:Status-Status} ${Package}\n"]);
    query.args.extend(PACKAGES.iter().map(|p| p.name.to_owned()));
    // It exits 1 when it knows nothing of one of them, and still tells about the others.
    let (_, listed) = run::try_read(&query, root)?;
    Ok(absent(&listed))
}

fn absent(listed: &str) -> Vec<&'static str> {
    let here: BTreeSet<&str> =
        listed.lines().filter_map(|line| line.strip_prefix("installed ")).collect();
    PACKAGES.iter().map(|p| p.name).filter(|name| !here.contains(name)).collect()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// While it lives, installing a server package does not start the server.
struct QuietServices {
    ours: Option<PathBuf>,
}

impl QuietServices {
    fn begin(policy: &Path) -> Result<Self, Stop> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = policy.to_path_buf();
        // Somebody's own policy is left as it is.
        if path.exists() {
            return Ok(Self { ours: None });
        }
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&path);
        made.and_then(|mut file| file.write_all(b"#!/bin/sh\nexit 101\n"))
            .map_err(|source| Stop::File { doing: "write", path: path.clone(), source })?;
        Ok(Self { ours: Some(path) })
    }
}

impl Drop for QuietServices {
    fn drop(&mut self) {
        if let Some(path) = &self.ours
            && let Err(error) = std::fs::remove_file(path)
        {
            eprintln!("remove {} by hand: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_fully_installed_packages_count_as_there() {
        let all: String = PACKAGES.iter().map(|p| format!("installed {}\n", p.name)).collect();
        assert_eq!(absent(&all), Vec::<&str>::new());
        let half = all.replace("installed unbound\n", "config-files unbound\n");
        assert_eq!(absent(&half), ["unbound"]);
        assert_eq!(absent("").len(), PACKAGES.len());
    }

    #[test]
    fn services_are_kept_quiet_only_meanwhile_and_a_policy_of_others_stays() {
        let path = std::env::temp_dir().join(format!("policy-{}", std::process::id()));
        let quiet = QuietServices::begin(&path).unwrap();
        // Read by a shell: while another test starts a program, that one may still hold the file open for
        // writing, and then the kernel runs it for nobody.
        let code = std::process::Command::new("sh").arg(&path).status().unwrap().code();
        assert_eq!(code, Some(101));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{mode:o}");
        drop(QuietServices::begin(&path).unwrap());
        assert!(path.exists());
        drop(quiet);
        assert!(!path.exists());
    }
}
