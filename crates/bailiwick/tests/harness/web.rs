//! A web server for files, as whoever answers http-01 from a folder has one.

use std::net::TcpStream;
use std::path::Path;

use super::place::Folder;
use super::process::{self, Piped, Server};
use super::programs;

/// Python's, on a port of 127.0.0.1.
pub(crate) struct Web {
    _server: Server,
}

impl Web {
    pub(crate) fn serve(files: &Path, port: u16, folder: &Folder) -> Self {
        let mut command = process::server(&programs::find("python3"));
        command.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--directory").arg(files);
        let log = folder.file("web.log");
        let mut server = Server::start("web", command, &log, Piped::Nothing);
        server.wait_for("the web server", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { _server: server }
    }
}
