//! Where a test's servers live: a folder and ports that nobody else has.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A temporary folder, removed when dropped; kept when the test fails or `BAILIWICK_KEEP` is set.
pub(crate) struct Folder {
    kept: Option<tempfile::TempDir>,
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(&format!("bailiwick-{name}-")).tempdir();
        let folder = folder.expect("a temporary folder can be made");
        Self { path: folder.path().to_path_buf(), kept: Some(folder) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it, which need not exist yet.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file in it, and makes the folders above it.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        if let Some(above) = path.parent() {
            std::fs::create_dir_all(above).unwrap_or_else(|e| panic!("{}: {e}", above.display()));
        }
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }

    /// Makes a folder in it.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let wanted = std::thread::panicking() || std::env::var_os("BAILIWICK_KEEP").is_some();
        if let Some(folder) = self.kept.take()
            && wanted
        {
            eprintln!("kept: {}", folder.keep().display());
        }
    }
}

/// A loopback port that is free for TCP and UDP, and stays ours among all test processes of this user until
/// dropped.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

/// Below the range from which Linux takes the ports of outgoing connections (32768), so that no
/// connection of another test can sit on a port between our looking and the server's binding.
const FIRST: u32 = 20_000;
const COUNT: u32 = 10_000;

impl Port {
    pub(crate) fn free() -> Self {
        static TAKEN: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join(format!("bailiwick-ports-{}", user_id()));
        std::fs::create_dir_all(&folder).expect("the folder of port locks can be made");
        for _ in 0..COUNT {
            // Processes begin at different places, so that they seldom meet.
            let begin = std::process::id().wrapping_mul(101);
            let place = begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let number = u16::try_from(FIRST + place).expect("the range ends below 65536");
            let lock = File::create(folder.join(number.to_string())).expect("a port lock opens");
            if lock.try_lock().is_ok() && can_bind(number) {
                return Self { number, _lock: lock };
            }
        }
        panic!("no port is free between {FIRST} and {}", FIRST + COUNT);
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// With 127.0.0.1.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

fn can_bind(number: u16) -> bool {
    let at = (Ipv4Addr::LOCALHOST, number);
    TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok()
}

/// The user this test runs as.
pub(crate) fn user_id() -> u32 {
    std::fs::metadata("/proc/self").expect("/proc is mounted").uid()
}
