//! Orders at the simulated CA: placed, authorized, finalized, downloaded, revoked.

use bailiwick_core::names::{DnsName, SanName};
use bailiwick_core::time::{HOUR_MS, MINUTE_MS, SECOND_MS};
use bailiwick_wire::jose::KeyAuthorization;
use bailiwick_wire::x509::{read_csr, write_chain};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::acme::{Ca, Carried, Reply};
use super::mischief::Mischief;
use super::paper::Wanted;
use super::state::{Authorization, Issued, Order, Shows, Stands, State, problem};
use crate::world::Clock as _;

/// Longer than any patience.
const FOR_EVER_MS: i64 = 1_000 * HOUR_MS;

impl Ca {
    pub(super) fn posted(&self, state: &mut State, path: &str, payload: &[u8]) -> Reply {
        let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let number = |at: usize| words.get(at).and_then(|text| text.parse::<usize>().ok());
        let order = number(1).filter(|at| *at < state.orders.len());
        match (words[0], order) {
            ("account", _) => {
                state.deactivated = true;
                Reply::json(200, &json!({ "status": "deactivated" }))
            }
            ("order", None) if words.len() == 1 => self.new_order(state, payload),
            ("order", Some(at)) => self.show(state, at),
            ("authz", Some(at)) => self.authorization(state, at, number(2).unwrap_or(0)),
            ("challenge", Some(at)) => self.challenge(state, at, number(2).unwrap_or(0)),
            ("finalize", Some(at)) => self.finalize(state, at, payload),
            ("certificate", Some(at)) => self.download(state, at, number(2).unwrap_or(0)),
            ("revoke", _) => self.revoke(state, payload),
            ("key-change", _) => self.key_change(state, payload),
            _ => Reply::no(404, "malformed", "there is nothing here"),
        }
    }

    fn new_order(&self, state: &mut State, payload: &[u8]) -> Reply {
        if state.strikes(Mischief::TermsChanged) {
            return Reply::no(403, "userActionRequired", "agree to the new terms");
        }
        if asked_to_replace(payload) && state.strikes(Mischief::ReplacedAlready) {
            return Reply::no(409, "alreadyReplaced", "another order replaces it");
        }
        if state.strikes(Mischief::OrderOfAnother) && !state.orders.is_empty() {
            let at = state.orders.len() - 1;
            let url = format!("{}/order/{at}", self.base);
            return Reply::json(201, &json!({})).with("location", url);
        }
        let asked: Value = serde_json::from_slice(payload).unwrap_or_default();
        let names: Option<Vec<SanName>> = asked["identifiers"].as_array().and_then(|all| {
            all.iter().map(|one| SanName::parse(one["value"].as_str()?).ok()).collect()
        });
        let Some(mut names) = names.filter(|names| !names.is_empty()) else {
            return Reply::no(400, "malformed", "no identifiers");
        };
        if state.strikes(Mischief::OrderForOtherNames) {
            names = vec![SanName::parse("intranet.corp.example").unwrap()];
        }
        let valid = state.strikes(Mischief::AlreadyAuthorized);
        let mut authorizations = Vec::new();
        for name in &names {
            let token = format!("token-{:0>30}", state.number());
            authorizations.push(Authorization { name: name.clone(), token, valid, failed: false });
        }
        let text = |name: &str| asked[name].as_str().map(str::to_owned);
        let at = state.orders.len();
        let (run, slow) = (state.run, u32::try_from(state.chance.below(3)).unwrap());
        state.orders.push(Order {
            run,
            names,
            profile: text("profile"),
            replaces: text("replaces"),
            stands: if valid { Stands::Ready } else { Stands::Pending },
            authorizations,
            error: None,
            shows: Shows::Truth,
            looks: 0,
            slow,
            finalized: 0,
            certificates: Vec::new(),
            downloads: 0,
        });
        if state.strikes(Mischief::OrderForgottenAtOnce) {
            let until = self.some_time(state);
            state.orders[at].shows = Shows::ForgottenUntil(until);
        }
        let mut reply = self.show_order(state, at, "pending");
        reply.status = 201;
        if state.strikes(Mischief::OrderReplyLost) {
            reply.carried = Carried::Lost;
        }
        if state.strikes(Mischief::OrderWithoutUrl) {
            return reply;
        }
        let base = match state.strikes(Mischief::OrderElsewhere) {
            true => Self::forbidden(state),
            false => &self.base,
        };
        reply.with("location", format!("{base}/order/{at}"))
    }

    /// A moment within the hour, or never.
    fn some_time(&self, state: &mut State) -> bailiwick_core::time::Time {
        let minutes = i64::try_from(state.chance.between(1, 50)).unwrap();
        let long = state.chance.once_in(2);
        self.clock.now().plus_ms(if long { FOR_EVER_MS } else { minutes * MINUTE_MS })
    }

    fn show(&self, state: &mut State, at: usize) -> Reply {
        let now = self.clock.now();
        let order = &mut state.orders[at];
        let signed = order.stands == Stands::Signed;
        if signed {
            order.looks += 1;
        }
        let looks = order.looks.saturating_sub(order.slow);
        let status = match (order.stands, order.shows) {
            (_, Shows::ForgottenUntil(then)) if now < then => {
                return Reply::no(404, "malformed", "there is no such order");
            }
            (Stands::Pending, _) => "pending",
            (Stands::Ready, _) => "ready",
            (Stands::Ended, _) => "invalid",
            (Stands::Signed, Shows::ReadyUntil(then)) if now < then => "ready",
            (Stands::Signed, Shows::ProcessingUntil(then)) if now < then => "processing",
            (Stands::Signed, _) if looks == 0 => "processing",
            (Stands::Signed, Shows::InvalidAfter(many)) if looks > many => "invalid",
            (Stands::Signed, Shows::ReadyAfter(many)) if looks > many => "ready",
            (Stands::Signed, _) => "valid",
        };
        self.show_order(state, at, status)
    }

    fn show_order(&self, state: &mut State, at: usize, status: &str) -> Reply {
        let base = &self.base;
        let order = &state.orders[at];
        let names: Vec<Value> = order
            .names
            .iter()
            .map(|name| json!({ "type": "dns", "value": name.to_string() }))
            .collect();
        let authorizations: Vec<String> =
            (0..order.authorizations.len()).map(|i| format!("{base}/authz/{at}/{i}")).collect();
        let mut shown = json!({
            "status": status,
            "identifiers": names,
            "authorizations": authorizations,
            "finalize": format!("{base}/finalize/{at}"),
            "profile": order.profile,
        });
        if status == "valid" {
            let moves = order.shows == Shows::Two { urls: true };
            let place = if moves { order.looks % 2 } else { 0 };
            let base = match state.strikes(Mischief::CertificateElsewhere) {
                true => Self::forbidden(state),
                false => &self.base,
            };
            shown["certificate"] = format!("{base}/certificate/{at}/{place}").into();
        } else if status == "invalid" {
            shown["error"] = state.orders[at].error.clone().unwrap_or(Value::Null);
        }
        Reply::json(200, &shown)
    }

    fn authorization(&self, state: &mut State, at: usize, place: usize) -> Reply {
        let new_token = state.strikes(Mischief::NewTokens);
        let other_name = state.strikes(Mischief::OtherAuthorization);
        let other_kind = state.strikes(Mischief::OtherChallenges);
        let number = state.number();
        let Some(one) = state.orders[at].authorizations.get_mut(place) else {
            return Reply::no(404, "malformed", "there is no such authorization");
        };
        if new_token && !one.valid {
            one.token = format!("token-{number:0>30}");
        }
        let status = match (one.valid, one.failed) {
            (true, _) => "valid",
            (false, true) => "invalid",
            (false, false) => "pending",
        };
        let name = if other_name { "pay.example".to_owned() } else { one.name.to_string() };
        let challenge = |kind: &str| {
            json!({
                "type": kind, "status": status, "token": one.token,
                "url": format!("{}/challenge/{at}/{place}", self.base),
            })
        };
        let mut challenges = vec![challenge("http-01"), challenge("quantum-01")];
        if !other_kind {
            challenges.push(challenge("dns-01"));
        }
        let identifier = json!({ "type": "dns", "value": name });
        let shown = json!({ "status": status, "identifier": identifier, "challenges": challenges });
        Reply::json(200, &shown)
    }

    /// dns-01 (RFC 8555, section 8.4): the record has to be in the zone.
    fn challenge(&self, state: &mut State, at: usize, place: usize) -> Reply {
        let thumbprint = state.account.as_ref().map(|key| key.thumbprint()).unwrap();
        let order = &mut state.orders[at];
        let Some(one) = order.authorizations.get_mut(place) else {
            return Reply::no(404, "malformed", "there is no such challenge");
        };
        let wanted = KeyAuthorization::new(&one.token, thumbprint).unwrap().dns_01_value();
        let owner = DnsName::parse(&format!("_acme-challenge.{}", one.name)).unwrap();
        one.valid = self.zone.shows(&owner, &wanted);
        one.failed = !one.valid;
        let status = if one.valid { "valid" } else { "invalid" };
        if order.authorizations.iter().any(|one| one.failed) {
            order.stands = Stands::Ended;
            order.error = Some(problem("incorrectResponse", "the record is not there"));
        } else if order.authorizations.iter().all(|one| one.valid) {
            order.stands = Stands::Ready;
        }
        Reply::json(200, &json!({ "type": "dns-01", "status": status, "token": "-", "url": "-" }))
    }

    fn finalize(&self, state: &mut State, at: usize, payload: &[u8]) -> Reply {
        // One that only shows it as not finalized would sign again.
        let would_again = matches!(state.orders[at].shows, Shows::ReadyUntil(_));
        if state.orders[at].stands != Stands::Ready && !would_again {
            return Reply::no(403, "orderNotReady", "it is not ready");
        }
        if state.strikes(Mischief::CaaForbids) {
            let order = &mut state.orders[at];
            order.error = Some(problem("caa", "CAA forbids"));
            order.stands = Stands::Ended;
            return Reply::no(403, "caa", "CAA forbids");
        }
        let asked: Value = serde_json::from_slice(payload).unwrap_or_default();
        let csr = asked["csr"].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let Some(csr) = csr.and_then(|der| read_csr(&der).ok()) else {
            return Reply::no(400, "badCSR", "no request");
        };
        let mut names: Vec<SanName> = csr.names().iter().cloned().collect();
        names.sort();
        if names != state.orders[at].names {
            return Reply::no(400, "badCSR", "other names than the order's");
        }
        self.sign(state, at, csr.key().spki_der());
        self.lie(state, at);
        let mut reply = self.show_order(state, at, "processing");
        if state.strikes(Mischief::FinalizeReplyLost) {
            reply.carried = Carried::Lost;
        }
        if state.strikes(Mischief::FinalizeSlow) {
            reply.carried = Carried::Late;
        }
        if state.strikes(Mischief::FinalizeFailsAfterSigning) {
            return Reply::no(500, "serverInternal", "something broke");
        }
        if state.strikes(Mischief::FinalizeRefusedAfterSigning) {
            return Reply::no(403, "unauthorized", "no");
        }
        reply
    }

    fn sign(&self, state: &mut State, at: usize, key: &[u8]) {
        let names = state.orders[at].names.clone();
        let twice = [Mischief::IssuedTwice, Mischief::CertificateMoves];
        let count = if twice.contains(&state.plan.mischief) { 2 } else { 1 };
        for _ in 0..count {
            let fresh = (1 << 120) | state.number() << 8;
            let first = state.issued.first().map(|first| first.serial);
            let reused = first.filter(|_| state.strikes(Mischief::SerialReused));
            let serial = reused.unwrap_or(fresh);
            let wrong = state.plan.mischief;
            let is_wrong = self.is_wrong(state, wrong, &names);
            let wanted = Wanted { names: &names, key, serial, now: self.clock.now() };
            let der = self.paper.sign(&wanted, if is_wrong { wrong } else { Mischief::Nothing });
            let right = !is_wrong && reused.is_none();
            let run = state.run;
            state.issued.push(Issued { run, der, serial, right });
            let newest = state.issued.len() - 1;
            state.orders[at].certificates.push(newest);
        }
        let order = &mut state.orders[at];
        order.stands = Stands::Signed;
        order.finalized += 1;
    }

    /// Whether what is signed now is to be wrong in itself.
    fn is_wrong(&self, state: &mut State, mischief: Mischief, names: &[SanName]) -> bool {
        let needs_two = mischief == Mischief::MissingName && names.len() < 2;
        !der_is_right(mischief) && !needs_two && state.strikes(mischief)
    }

    /// Chooses how a signed order is shown from now on.
    fn lie(&self, state: &mut State, at: usize) {
        let now = self.clock.now();
        let seconds = i64::try_from(state.chance.between(1, 50)).unwrap();
        let looks = u32::try_from(state.chance.between(0, 3)).unwrap();
        let then = self.some_time(state);
        let error = match state.chance.below(3) {
            0 => Some(problem("serverInternal", "something broke")),
            1 => Some(problem("connection", "it is over")),
            _ => None,
        };
        let shows = match state.plan.mischief {
            Mischief::FinalizeShownLate => Shows::ReadyUntil(now.plus_ms(seconds * SECOND_MS)),
            Mischief::ProcessingForEver => Shows::ProcessingUntil(then),
            Mischief::OrderForgotten => Shows::ForgottenUntil(then),
            Mischief::InvalidAfterValid => Shows::InvalidAfter(looks + 1),
            Mischief::InvalidInsteadOfValid => Shows::InvalidAfter(0),
            Mischief::ReadyAfterValid => Shows::ReadyAfter(looks + 1),
            Mischief::IssuedTwice => Shows::Two { urls: false },
            Mischief::CertificateMoves => Shows::Two { urls: true },
            _ => return,
        };
        if !state.strikes(state.plan.mischief) {
            return;
        }
        let order = &mut state.orders[at];
        let own = Some(problem("serverInternal", "something broke"));
        order.error = if shows == Shows::InvalidAfter(0) { own } else { error };
        order.shows = shows;
    }

    fn download(&self, state: &mut State, at: usize, place: usize) -> Reply {
        let order = &mut state.orders[at];
        order.downloads += 1;
        let place = match order.shows {
            Shows::Two { urls: false } => order.downloads % 2,
            Shows::Two { urls: true } => u32::try_from(place).unwrap(),
            _ => 0,
        };
        let index = usize::try_from(place).unwrap();
        let Some(issued) = order.certificates.get(index).or(order.certificates.first()).copied()
        else {
            return Reply::no(404, "malformed", "there is no certificate");
        };
        let der = state.issued[issued].der.clone();
        let wrong = [
            Mischief::OtherIntermediate,
            Mischief::NoIntermediate,
            Mischief::Reordered,
            Mischief::UnrelatedRoot,
            Mischief::LeafLast,
        ];
        let strikes = wrong.into_iter().find(|one| state.strikes(*one));
        let chain = self.paper.chain(&der, strikes.unwrap_or(Mischief::Nothing));
        let pem = write_chain(chain.iter().map(Vec::as_slice));
        Reply { status: 200, body: pem.into_bytes(), ..Reply::default() }
    }

    /// RFC 8555, section 7.6.
    fn revoke(&self, state: &mut State, payload: &[u8]) -> Reply {
        let asked: Value = serde_json::from_slice(payload).unwrap_or_default();
        let der = asked["certificate"].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let known = der.filter(|der| state.issued.iter().any(|one| one.der == *der));
        match known {
            None => Reply::no(404, "malformed", "that is no certificate of ours"),
            Some(der) if !state.revoked.insert(der.clone()) => {
                Reply::no(400, "alreadyRevoked", "it is revoked")
            }
            Some(_) => Reply { status: 200, ..Reply::default() },
        }
    }
}

fn asked_to_replace(payload: &[u8]) -> bool {
    let asked: Value = serde_json::from_slice(payload).unwrap_or_default();
    asked["replaces"].is_string()
}

/// Whether a mischief leaves certificates right in themselves.
fn der_is_right(mischief: Mischief) -> bool {
    !matches!(
        mischief,
        Mischief::OtherNames
            | Mischief::ExtraName
            | Mischief::MissingName
            | Mischief::OtherKey
            | Mischief::CaTrue
            | Mischief::TooLong
            | Mischief::NotYetValid
            | Mischief::Expired
            | Mischief::OtherPurpose
    )
}
