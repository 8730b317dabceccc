//! A notice by mail (RFC 5321), to one relay of the operator's.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::NotTaken;
use crate::egress::{BadTarget, Egress, NoAnswer, Target, Trust};

/// For the whole dialogue.
const TIME: Duration = Duration::from_secs(30);
/// Octets of one reply; the longest line has 512, and no relay greets with more than a few.
const REPLY_OCTETS_MAX: usize = 8 * 1024;

/// A relay: where it listens, and as whom we speak there.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Its host and port; TLS from the first octet on where it was written with `smtps`.
    target: Target,
    /// The sender's address.
    pub from: String,
    /// The user, where it wants one (RFC 4954); only under TLS.
    pub user: Option<String>,
    under_tls: bool,
}

/// A text names no relay.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadRelay {
    /// It does not begin as one.
    #[error(
        "write `smtps://mail.example.com:465`, or `smtp://127.0.0.1:25` for a relay of this network"
    )]
    Scheme,
    /// Its host or port cannot be read.
    #[error("its host or port cannot be read: {0}")]
    Target(#[from] BadTarget),
    /// A password would go over the wire as it stands.
    #[error("a user needs `smtps`: without TLS everybody reads the password")]
    Open,
    /// The sender is no address.
    #[error("the sender is no mail address; write `bailiwick@example.com`")]
    From,
}

impl Relay {
    /// Reads `smtp://HOST:PORT` or `smtps://HOST:PORT`.
    ///
    /// # Errors
    /// [`BadRelay`].
    pub fn parse(url: &str, from: &str, user: Option<&str>) -> Result<Self, BadRelay> {
        let (under_tls, place) = match (url.strip_prefix("smtps://"), url.strip_prefix("smtp://")) {
            (Some(place), _) => (true, place),
            (None, Some(place)) => (false, place),
            (None, None) => return Err(BadRelay::Scheme),
        };
        let plain = |c: char| c.is_ascii_graphic() && !"<>\"\\,;".contains(c);
        if !from.contains('@') || !from.chars().all(plain) {
            return Err(BadRelay::From);
        }
        if user.is_some() && !under_tls {
            return Err(BadRelay::Open);
        }
        let scheme = if under_tls { "https" } else { "http" };
        let target = Target::parse(&format!("{scheme}://{place}/"))?;
        Ok(Self { target, from: from.to_owned(), user: user.map(str::to_owned), under_tls })
    }
}

/// Hands one mail to the relay.
///
/// # Errors
/// [`NotTaken`]; where the connection broke after the text was sent, it may have been taken all the
/// same, and the next try brings it a second time under the same `Message-ID`.
pub async fn send(
    egress: &Egress,
    relay: &Relay,
    password: Option<&[u8]>,
    to: &str,
    mail: &str,
) -> Result<(), NotTaken> {
    let whole = async {
        let trust = if relay.under_tls { Trust::system() } else { Trust::anybody() };
        let trust = trust.map_err(|cause| NotTaken::Refused(cause.to_string()))?;
        let stream = egress.stream(&relay.target, &trust).await?;
        let mut talk = Dialogue { stream, read: Vec::new() };
        talk.expect(b'2').await?;
        talk.say("EHLO bailiwick\r\n", b'2').await?;
        if let (Some(user), Some(password)) = (&relay.user, password) {
            let mut plain = Zeroizing::new(vec![0]);
            plain.extend(user.as_bytes());
            plain.push(0);
            plain.extend(password);
            let line = Zeroizing::new(format!("AUTH PLAIN {}\r\n", STANDARD.encode(&*plain)));
            talk.say(&line, b'2').await?;
        }
        talk.say(&format!("MAIL FROM:<{}>\r\n", relay.from), b'2').await?;
        talk.say(&format!("RCPT TO:<{to}>\r\n"), b'2').await?;
        talk.say("DATA\r\n", b'3').await?;
        talk.say(&format!("{mail}\r\n.\r\n"), b'2').await?;
        // It is taken; how the goodbye goes does not matter.
        drop(talk.say("QUIT\r\n", b'2').await);
        Ok(())
    };
    timeout(TIME, whole).await.unwrap_or(Err(NotTaken::NoAnswer(NoAnswer::AnswerTimeout(TIME))))
}

struct Dialogue {
    stream: Box<dyn crate::egress::Talk>,
    read: Vec<u8>,
}

impl Dialogue {
    async fn say(&mut self, line: &str, wanted: u8) -> Result<(), NotTaken> {
        let broken = |cause: std::io::Error| NoAnswer::Connect(cause.kind());
        self.stream.write_all(line.as_bytes()).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)?;
        self.expect(wanted).await
    }

    /// Reads one reply, which may have many lines, and takes it where its first digit is `wanted`.
    async fn expect(&mut self, wanted: u8) -> Result<(), NotTaken> {
        loop {
            if let Some(end) = end_of_reply(&self.read) {
                let rest = self.read.split_off(end);
                let reply = std::mem::replace(&mut self.read, rest);
                if reply.first() == Some(&wanted) {
                    return Ok(());
                }
                let text = String::from_utf8_lossy(&reply).trim().to_owned();
                return Err(NotTaken::Refused(bailiwick_core::shown::shown(&text).to_string()));
            }
            if self.read.len() > REPLY_OCTETS_MAX {
                return Err(NoAnswer::TooLong.into());
            }
            let mut more = [0; 512];
            let read = self.stream.read(&mut more).await;
            let read = read.map_err(|cause| NoAnswer::Connect(cause.kind()))?;
            if read == 0 {
                return Err(NoAnswer::Connect(std::io::ErrorKind::UnexpectedEof).into());
            }
            self.read.extend(more.iter().take(read));
        }
    }
}

/// Where the first whole reply ends: behind the line whose code is followed by a space (RFC 5321,
/// section 4.2.1).
fn end_of_reply(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        at += line.len();
        let whole = line.ends_with(b"\n");
        if whole && line.get(3) != Some(&b'-') {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_with_its_last_line() {
        assert_eq!(end_of_reply(b"250-one\r\n250 two\r\n220 x"), Some(18));
        assert_eq!(end_of_reply(b"250-one\r\n250 tw"), None);
        assert_eq!(end_of_reply(b""), None);
    }

    #[test]
    fn no_password_goes_over_an_open_wire() {
        let from = "bailiwick@corp.example";
        assert!(Relay::parse("smtp://127.0.0.1:25", from, None).is_ok());
        assert!(Relay::parse("smtps://mail.corp.example:465", from, Some("b")).is_ok());
        let bad = |url, from, user| Relay::parse(url, from, user).unwrap_err();
        assert_eq!(bad("smtp://127.0.0.1:25", from, Some("b")), BadRelay::Open);
        assert_eq!(bad("mail.corp.example", from, None), BadRelay::Scheme);
        assert_eq!(bad("smtp://127.0.0.1:25", "b@c\r\nRCPT TO:<x>", None), BadRelay::From);
    }
}
