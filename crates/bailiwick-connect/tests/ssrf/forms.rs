//! The spellings: 40 ways to write an address that nobody from outside should reach.

/// One spelling of a host. `{}` stands for nothing: ports are added by whoever builds the URL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form(&'static str);

impl Form {
    /// The authority of a URL with this host.
    pub(crate) fn host(self, port: u16) -> String {
        format!("{}:{port}", self.0)
    }
}

/// Loopback first, where a connection would be counted; then what lies elsewhere and is refused unseen.
const FORMS: [&str; 46] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "127.0.0.1.",
    "127.255.255.254",
    "%31%32%37.0.0.1",
    // Digits of other scripts, which IDNA maps to ASCII (UTS 46).
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "0.0.0.0",
    "0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7F00:1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1%25lo]",
    "permitted@127.0.0.1",
    "127.77.0.1:443@127.0.0.1",
    "localhost",
    // Names that lead there.
    "loopback.fenced.example",
    "LOOPBACK.Fenced.Example",
    "loopback6.fenced.example",
    "mapped.fenced.example",
    "alias.fenced.example",
    "translated.fenced.example",
    "169.254.169.254",
    "metadata.fenced.example",
    "10.0.0.1",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "100.64.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
];

pub(crate) fn all() -> Vec<Form> {
    FORMS.map(Form).to_vec()
}
