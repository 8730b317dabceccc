//! A second opinion on CAA, written from the RFCs without looking at the engine: positions in
//! arrays instead of splits, flags instead of enums. It only says allow, deny or unknown.

use bailiwick_core::caa::CaaRecord;

/// What is asked, in plain text.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) wildcard: bool,
    pub(crate) email: bool,
    pub(crate) issuer: String,
    pub(crate) account: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) known: Vec<String>,
}

/// `a`llow, `d`eny or `u`nknown for a set that was found.
pub(crate) fn decide(set: &[CaaRecord], question: &Question) -> char {
    for record in set {
        if record.tag.is_empty() || record.tag.iter().any(|b| !b.is_ascii_alphanumeric()) {
            return 'u';
        }
    }
    let tag = |record: &CaaRecord| String::from_utf8_lossy(&record.tag).to_lowercase();
    if set.iter().any(|r| r.flags >= 128 && !question.known.contains(&tag(r))) {
        return 'd';
    }
    let wild = set.iter().any(|r| tag(r) == "issuewild") && question.wildcard;
    let wanted = if question.email {
        "issuemail"
    } else if wild {
        "issuewild"
    } else {
        "issue"
    };
    let mut governed = false;
    for record in set.iter().filter(|r| tag(r) == wanted) {
        governed = true;
        if permits(&record.value, question) {
            return 'a';
        }
    }
    if governed { 'd' } else { 'a' }
}

/// A hand-written recogniser of RFC 8659, section 4.2, over positions.
struct Text<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Text<'_> {
    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    fn eat(&mut self, octet: u8) -> bool {
        let yes = self.peek() == Some(octet);
        self.at += usize::from(yes);
        yes
    }

    fn white_space(&mut self) {
        while self.eat(b' ') || self.eat(b'\t') {}
    }

    fn run(&mut self, fits: fn(u8) -> bool) -> String {
        let from = self.at;
        while self.peek().is_some_and(fits) {
            self.at += 1;
        }
        self.octets.get(from..self.at).into_iter().flatten().map(|b| char::from(*b)).collect()
    }

    /// `(ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))`
    fn label(&mut self) -> Option<String> {
        let text = self.run(|b| b.is_ascii_alphanumeric() || b == b'-');
        let ends = [text.chars().next()?, text.chars().last()?];
        ends.iter().all(|c| *c != '-').then_some(text)
    }

    fn name(&mut self) -> Option<String> {
        let mut name = self.label()?;
        while self.eat(b'.') {
            name = format!("{name}.{}", self.label()?);
        }
        Some(name)
    }

    fn at_end(&self) -> bool {
        self.at == self.octets.len()
    }
}

/// Issuer and parameters, or nothing when the value breaks the grammar.
fn parse(octets: &[u8]) -> Option<(String, Vec<(String, String)>)> {
    let mut text = Text { octets, at: 0 };
    let mut parameters = Vec::new();
    text.white_space();
    let starts_name = text.peek().is_some_and(|b| b != b';');
    let issuer = if starts_name { text.name()? } else { String::new() };
    text.white_space();
    if text.at_end() {
        return Some((issuer, parameters));
    }
    if !text.eat(b';') {
        return None;
    }
    text.white_space();
    if text.at_end() {
        return Some((issuer, parameters));
    }
    loop {
        let tag = text.label()?;
        text.white_space();
        if !text.eat(b'=') {
            return None;
        }
        text.white_space();
        let value = text.run(|b| matches!(b, 0x21..=0x3a | 0x3c..=0x7e));
        parameters.push((tag.to_lowercase(), value));
        text.white_space();
        if text.at_end() {
            return Some((issuer, parameters));
        }
        if !text.eat(b';') {
            return None;
        }
        text.white_space();
    }
}

fn permits(octets: &[u8], question: &Question) -> bool {
    let Some((issuer, parameters)) = parse(octets) else { return false };
    if issuer.is_empty() || !issuer.eq_ignore_ascii_case(&question.issuer) {
        return false;
    }
    let values = |wanted: &str| -> Vec<String> {
        parameters.iter().filter(|(tag, _)| tag == wanted).map(|(_, v)| v.clone()).collect()
    };
    let account_fits = match values("accounturi").as_slice() {
        [] => true,
        [one] => question.account.as_ref() == Some(one),
        _ => false,
    };
    let method_fits = match values("validationmethods").as_slice() {
        [] => true,
        [one] => {
            let labels: Vec<&str> = one.split(',').collect();
            let legal = |l: &&str| {
                !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            };
            labels.iter().all(legal)
                && question.method.as_ref().is_some_and(|m| labels.contains(&m.as_str()))
        }
        _ => false,
    };
    account_fits && method_fits
}
