//! The simulated CA: RFC 8555 as it is, with what its mischief makes of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_connect::egress::Method;
use bailiwick_wire::acme_client::Directory;
use bailiwick_wire::jose::{ExternalBinding, JwsKind, KeyRef, UnverifiedJws};
use serde_json::{Value, json};

use super::clock::SimClock;
use super::mischief::Mischief;
use super::net::Zone;
use super::paper::Paper;
use super::seeded::Seeded;
use super::state::{Plan, State, problem};
use crate::world::Clock as _;

/// What is asked, whatever carried it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// What becomes of an answer on its way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Carried {
    #[default]
    Whole,
    /// It never comes.
    Lost,
    /// It comes after the deadline.
    Late,
    /// It breaks off.
    CutShort,
    /// The request did not get through.
    NeverArrived,
    /// TLS is spoken under another name.
    OtherName,
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) carried: Carried,
}

impl Reply {
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self { status, body: value.to_string().into_bytes(), ..Self::default() }
    }

    pub(super) fn no(status: u16, kind: &str, detail: &str) -> Self {
        Self::json(status, &problem(kind, detail))
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.fields.push((name, value));
        self
    }

    fn carried(carried: Carried) -> Self {
        Self { carried, ..Self::default() }
    }
}

/// The MAC key of the binding that an account needs.
pub(super) const BINDING: (&str, &[u8; 32]) = ("kid-1", b"a MAC key of the simulated CA ..");

/// Where nobody of ours may go.
const FORBIDDEN: &[&str] = &[
    "https://169.254.169.254",
    "https://127.0.0.2:14000",
    "https://[::1]:14000",
    "https://10.0.0.1",
    "https://[::ffff:169.254.169.254]",
    "http://127.0.0.1:14000",
];

/// The CA.
pub(super) struct Ca {
    pub(super) base: String,
    pub(super) paper: Paper,
    pub(super) zone: Arc<Zone>,
    pub(super) clock: Arc<SimClock>,
    state: Mutex<State>,
}

impl Ca {
    pub(super) fn new(base: &str, zone: Arc<Zone>, clock: Arc<SimClock>) -> Self {
        let paper = Paper::new(clock.now());
        Self { base: base.to_owned(), paper, zone, clock, state: Mutex::new(State::new()) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new run begins; what was before stays in the books.
    pub(super) fn begin(&self, plan: Plan, chance: Seeded) {
        let mut state = self.state();
        state.run += 1;
        (state.plan, state.chance, state.struck) = (plan, chance, false);
    }

    /// Answers, or whatever the mischief makes of it.
    pub(super) fn answer(&self, asked: &Asked) -> Reply {
        let mut state = self.state();
        if state.strikes(Mischief::TlsOfAnother) {
            return Reply::carried(Carried::OtherName);
        }
        if asked.path.starts_with("/finalize/") && state.strikes(Mischief::FinalizeNeverArrives) {
            return Reply::carried(Carried::NeverArrived);
        }
        if state.strikes(Mischief::Redirects) {
            let to = format!("{}/latest/meta-data", state.chance.one_of(FORBIDDEN));
            return Reply { status: 307, ..Reply::default() }.with("location", to);
        }
        let reply = self.route(&mut state, asked);
        self.spoilt(&mut state, asked, reply)
    }

    fn route(&self, state: &mut State, asked: &Asked) -> Reply {
        let path = asked.path.as_str();
        match (asked.method, path) {
            (Method::Get, "/directory") => self.directory(state),
            (Method::Get | Method::Head, "/nonce") => Reply { status: 204, ..Reply::default() },
            (Method::Get, path) if path.starts_with("/renewal/") => Self::renewal(state),
            (Method::Post, _) => match self.opened(state, asked) {
                Ok(payload) => self.posted(state, path, &payload),
                Err(reply) => reply,
            },
            _ => Reply::no(404, "malformed", "there is nothing here"),
        }
    }

    fn directory(&self, state: &mut State) -> Reply {
        let elsewhere = state.strikes(Mischief::DirectoryElsewhere);
        let base = if elsewhere { state.chance.one_of(FORBIDDEN) } else { &self.base };
        let directory = json!({
            "newNonce": format!("{base}/nonce"),
            "newAccount": format!("{base}/account"),
            "newOrder": format!("{base}/order"),
            "revokeCert": format!("{base}/revoke"),
            "keyChange": format!("{base}/key-change"),
            "renewalInfo": format!("{base}/renewal"),
            "meta": {
                "externalAccountRequired": true,
                "profiles": { "classic": "as ever", "short": "six days" },
            },
        });
        assert!(Directory::read(directory.to_string().as_bytes()).is_ok());
        Reply::json(200, &directory)
    }

    /// RFC 9773, section 4.2.
    fn renewal(state: &State) -> Reply {
        match state.window {
            None => Reply::no(404, "malformed", "there is no such certificate"),
            Some((start, end)) => {
                let (start, end) = (start.to_string(), end.to_string());
                let window = json!({ "suggestedWindow": { "start": start, "end": end } });
                Reply::json(200, &window).with("retry-after", "21600".to_owned())
            }
        }
    }

    /// Signature, nonce, URL and account of a request (RFC 8555, section 6), and what it says.
    fn opened(&self, state: &mut State, asked: &Asked) -> Result<Vec<u8>, Reply> {
        let bad = |cause: &dyn std::fmt::Display| Reply::no(400, "malformed", &cause.to_string());
        let url = format!("{}{}", self.base, asked.path);
        let jws = UnverifiedJws::parse(&asked.body, JwsKind::Request).map_err(|e| bad(&e))?;
        let fresh = jws.nonce().is_some_and(|nonce| state.nonces.remove(nonce));
        if !fresh || state.strikes(Mischief::BadNonces) {
            return Err(Reply::no(400, "badNonce", "that nonce is not good"));
        }
        let account = format!("{}/account/1", self.base);
        let verified = match (jws.key().clone(), asked.path.as_str()) {
            (KeyRef::Embedded(_), "/account") => jws.verify_embedded(&url).map_err(|e| bad(&e))?,
            (KeyRef::Account(kid), path) if kid == account && path != "/account" => {
                let key = state.account.clone();
                let key = key.ok_or_else(|| Reply::no(400, "accountDoesNotExist", "who?"))?;
                jws.verify(&key, &url).map_err(|e| bad(&e))?
            }
            _ => return Err(Reply::no(400, "accountDoesNotExist", "there is no such account")),
        };
        if asked.path == "/account" {
            return self.new_account(state, &verified).map_or_else(Err, Err);
        }
        if state.deactivated || state.strikes(Mischief::AccountDeactivated) {
            return Err(Reply::no(401, "unauthorized", "the account is deactivated"));
        }
        if state.strikes(Mischief::RateLimited) {
            let after = state.chance.one_of(&["1", "30", "600", "86400"]);
            let no = Reply::no(429, "rateLimited", "too many requests");
            return Err(no.with("retry-after", after.to_owned()));
        }
        Ok(verified.payload().to_vec())
    }

    /// RFC 8555, section 7.3, with the binding of section 7.3.4.
    fn new_account(
        &self,
        state: &mut State,
        jws: &bailiwick_wire::jose::VerifiedJws,
    ) -> Result<Reply, Reply> {
        let payload: Value = serde_json::from_slice(jws.payload()).unwrap_or_default();
        let known = state.account.as_ref().is_some_and(|key| key == jws.key());
        let here = |status| {
            Reply::json(status, &json!({ "status": "valid" }))
                .with("location", format!("{}/account/1", self.base))
        };
        if known {
            return Ok(here(200));
        }
        if payload["onlyReturnExisting"] == true {
            return Err(Reply::no(400, "accountDoesNotExist", "there is none"));
        }
        let url = format!("{}/account", self.base);
        let bound = ExternalBinding::parse(&payload["externalAccountBinding"])
            .and_then(|binding| binding.verify(BINDING.1, &url, jws.key()))
            .is_ok_and(|binding| binding.kid() == BINDING.0);
        if !bound || payload["termsOfServiceAgreed"] != true {
            return Err(Reply::no(401, "externalAccountRequired", "bind it"));
        }
        state.account = Some(jws.key().clone());
        Ok(here(201))
    }

    /// What goes wrong with an answer that was right.
    fn spoilt(&self, state: &mut State, asked: &Asked, mut reply: Reply) -> Reply {
        let is_nonce = asked.path == "/nonce" || asked.method == Method::Post;
        if is_nonce && !state.strikes(Mischief::NoNonces) {
            let nonce = format!("nonce-{}", state.number());
            state.nonces.insert(nonce.clone());
            reply.fields.push(("replay-nonce", nonce));
        }
        for (mischief, after) in [
            (Mischief::RetryAfterYear, "31536000"),
            (Mischief::RetryAfterNegative, "-5"),
            (Mischief::RetryAfterPast, "Thu, 01 Jan 1998 00:00:00 GMT"),
        ] {
            if state.strikes(mischief) {
                reply.fields.push(("retry-after", after.to_owned()));
            }
        }
        if state.strikes(Mischief::ClockSkewed) {
            reply.fields.push(("date", "Mon, 01 Jan 2035 00:00:00 GMT".to_owned()));
        }
        if state.strikes(Mischief::Garbage) {
            let all: [&[u8]; 4] =
                [b"", b"<html>502</html>", b"{\"status\":\"valid\"}", b"\xff\xfe{"];
            reply.body = state.chance.one_of(&all).to_vec();
        }
        if state.strikes(Mischief::Huge) {
            reply.body = vec![b' '; 1 << 20];
        }
        if state.strikes(Mischief::CutShort) {
            reply.carried = Carried::CutShort;
        }
        reply
    }

    /// A place where nobody of ours may go, for an answer to name.
    pub(super) fn forbidden(state: &mut State) -> &'static str {
        state.chance.one_of(FORBIDDEN)
    }
}
