//! Notices to people, as they leave the house: a signed JSON body for webhooks and commands, a message
//! for mail. Neither ever holds a secret: a line that reads alone, and the page where it is done.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use bailiwick_core::time::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// Octets of a line of base64 in an encoded word (RFC 2047, section 2: 75 characters in all).
const WORD_OCTETS: usize = 42;

/// A notice with everything that a reader needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Names this notice for good: whoever gets it twice has it once.
    pub id: String,
    /// When it was written.
    pub at: Time,
    /// To whom, by id.
    pub person: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// One line that reads alone.
    pub subject: String,
    /// The page where it is done.
    pub url: String,
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    at: String,
    to: To<'a>,
    subject: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct To<'a> {
    person: &'a str,
    name: &'a str,
    email: &'a str,
}

#[derive(Serialize)]
struct Signed<'a> {
    id: &'a str,
    timestamp: i64,
    payload: &'a str,
    signature: String,
}

impl Message {
    /// The notice as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let to = To { person: &self.person, name: &self.name, email: &self.email };
        let (id, subject, url) = (&self.id, &self.subject, &self.url);
        // Plain texts into memory: it cannot fail, and an empty text would be refused by everybody.
        serde_json::to_string(&Body { id, at: self.at.to_string(), to, subject, url })
            .unwrap_or_default()
    }

    /// The notice around which a signature stands: `payload` holds the JSON as text, `signature` is
    /// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.payload`, all three as they stand.
    #[must_use]
    pub fn signed_json(&self, key: &[u8], now: Time) -> String {
        let (payload, timestamp) = (self.json(), now.unix_ms().div_euclid(1_000));
        let covered = format!("{}.{timestamp}.{payload}", self.id);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), covered.as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(tag.as_ref()));
        let signed = Signed { id: &self.id, timestamp, payload: &payload, signature };
        serde_json::to_string(&signed).unwrap_or_default()
    }

    /// The notice as a mail (RFC 5322), its lines ended and its dots doubled as SMTP takes them
    /// (RFC 5321, section 4.5.2).
    #[must_use]
    pub fn mail(&self, from: &str) -> String {
        let domain = from.rsplit('@').next().unwrap_or("localhost");
        let mut text = String::new();
        let lines = [
            format!("Date: {}", date(self.at)),
            format!("From: Bailiwick <{from}>"),
            format!("To: <{}>", self.email),
            format!("Subject: {}", header(&self.subject)),
            format!("Message-ID: <{}@{domain}>", self.id),
            "Auto-Submitted: auto-generated".to_owned(),
            "MIME-Version: 1.0".to_owned(),
            "Content-Type: text/plain; charset=utf-8".to_owned(),
            "Content-Transfer-Encoding: base64".to_owned(),
            String::new(),
        ];
        for line in lines {
            text.push_str(&line);
            text.push_str("\r\n");
        }
        let body = format!("{},\r\n\r\n{}\r\n\r\n{}\r\n", self.name, self.subject, self.url);
        let body = STANDARD.encode(body);
        // 76 characters a line (RFC 2045, section 6.8); base64 has no dot to double.
        for line in body.as_bytes().chunks(76) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push_str("\r\n");
        }
        text
    }
}

/// A header's text: as it stands where it is short and ASCII, else in encoded words (RFC 2047). No line
/// end gets through.
fn header(text: &str) -> String {
    let plain = |octet: u8| (0x20..0x7f).contains(&octet);
    if text.bytes().all(plain) && text.len() <= 60 && !text.contains("=?") {
        return text.to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for char in text.chars().map(|char| if char.is_control() { ' ' } else { char }) {
        if word.len().saturating_add(char.len_utf8()) > WORD_OCTETS {
            words.push(std::mem::take(&mut word));
        }
        word.push(char);
    }
    words.push(word);
    let mut folded = String::new();
    for (number, word) in words.iter().enumerate() {
        let fold = if number == 0 { "" } else { "\r\n " };
        write!(folded, "{fold}=?utf-8?B?{}?=", STANDARD.encode(word)).unwrap_or_default();
    }
    folded
}

/// A date of RFC 5322, section 3.3, in UTC.
fn date(at: Time) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // `2026-11-27T13:44:00Z`, as every moment is spelled.
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().ok().and_then(|month| month.checked_sub(1));
    let month = month.and_then(|month| MONTHS.get(month)).copied().unwrap_or("Jan");
    format!("{} {month} {} {} +0000", part(8, 10), part(0, 4), part(11, 19))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str) -> Message {
        Message {
            id: "n-1".to_owned(),
            at: Time::parse("2026-11-27T13:44:05Z").unwrap(),
            person: "pia".to_owned(),
            name: "Pia Kern".to_owned(),
            email: "pia@corp.example".to_owned(),
            subject: subject.to_owned(),
            url: "https://localhost:7443/changes/c1".to_owned(),
        }
    }

    #[test]
    fn a_webhook_can_check_who_sent_it() {
        let now = Time::parse("2026-11-27T13:44:06Z").unwrap();
        let signed = message("decide about: x").signed_json(b"0123456789abcdef", now);
        let read: serde_json::Value = serde_json::from_str(&signed).unwrap();
        let payload = read["payload"].as_str().unwrap();
        let inner: serde_json::Value = serde_json::from_str(payload).unwrap();
        assert_eq!(inner["url"], "https://localhost:7443/changes/c1");
        let covered = format!("n-1.{}.{payload}", read["timestamp"]);
        let tag = read["signature"].as_str().unwrap().strip_prefix("v1,").unwrap();
        let tag = STANDARD.decode(tag).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef");
        hmac::verify(&key, covered.as_bytes(), &tag).unwrap();
    }

    #[test]
    fn nothing_that_somebody_wrote_adds_a_header_or_ends_the_mail() {
        let mail =
            message("decide:\r\nBcc: all@corp.example\r\n.\r\nQUIT ü").mail("b@corp.example");
        let head = mail.split("\r\n\r\n").next().unwrap();
        assert!(!mail.contains("\r\nBcc:") && !mail.contains("\r\n.\r\n"), "{mail}");
        assert!(head.contains("Date: 27 Nov 2026 13:44:05 +0000"), "{head}");
        assert!(mail.lines().all(|line| line.len() <= 78), "{mail}");
        assert!(message("short").mail("b@corp.example").contains("Subject: short\r\n"));
    }
}
