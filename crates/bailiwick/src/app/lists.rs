//! Lists: pages out of indexes, narrowed to what the caller may see.

use bailiwick_core::change::Change;
use bailiwick_core::names::{ChangeId, PersonId, ServiceId};
use bailiwick_core::policy::{Access, ResourceKind, Verdict};
use bailiwick_core::record::ChangeRow;
use bailiwick_core::shown::shown;
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_store::{
    After, CertificateFilter, CertificateOrder, ChangeFilter, IssuedRow, TokenRow,
};

use super::{App, Asking, Scope};
use crate::fault::Fault;

/// Rows of a page where nothing else is asked for.
const LIMIT: u32 = 50;
/// The most.
const LIMIT_MAX: u32 = 200;

/// What changes are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChangeQuery {
    /// Only in this state.
    pub state: Option<String>,
    /// Only of this service.
    pub service: Option<ServiceId>,
    /// Where the page before ended.
    pub after: Option<String>,
    /// How many.
    pub limit: Option<u32>,
}

/// What certificates are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct CertificateQuery {
    /// Only of this service.
    pub service: Option<ServiceId>,
    /// Only with a name that contains this.
    pub name: Option<String>,
    /// Only revoked ones, or only others.
    pub revoked: Option<bool>,
    /// Only those that expire within this many days.
    pub expires_within_days: Option<u32>,
    /// Where the page before ended.
    pub after: Option<String>,
    /// How many.
    pub limit: Option<u32>,
}

/// A page with where the next begins.
pub(crate) struct Listed<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next begins; `None` on the last.
    pub next: Option<String>,
}

/// A page out of rows that were read up to `rows`, with where the next begins.
pub(super) fn listed<T>(
    page: Vec<T>,
    rows: u32,
    key: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let full = u32::try_from(page.len()).is_ok_and(|read| read >= rows);
    let next = page.last().filter(|_| full).map(key);
    (page, next)
}

impl App {
    /// Whether the caller may see what belongs to a service, where one is named: a wrong name and
    /// one that is not theirs are told apart by nobody.
    pub(super) fn permit_service(
        &self,
        asking: &Asking,
        service: Option<&ServiceId>,
    ) -> Result<(), Fault> {
        let Some(service) = service else { return Ok(()) };
        let scope = Scope::Service(ResourceKind::Service, service.to_string(), service.clone());
        self.permit(asking, Access::Read, &scope)?;
        if self.live.get().estate().services.contains_key(service) {
            return Ok(());
        }
        Err(Fault::not_found(format!("service `{service}`")))
    }

    /// One change as lists show it.
    pub(crate) async fn change_row(&self, id: &ChangeId) -> Result<ChangeRow, Fault> {
        let row = self.store.change_row(id).await?;
        row.ok_or_else(|| Fault::not_found(format!("change `{id}`")))
    }

    /// A page of changes, the newest first.
    pub(crate) async fn changes(
        &self,
        asking: &Asking,
        query: ChangeQuery,
    ) -> Result<Listed<ChangeRow>, Fault> {
        if let Some(state) = query.state.as_deref().filter(|state| !Change::NAMES.contains(state)) {
            let message =
                format!("`{}` is no state; use one of {}", shown(state), Change::NAMES.join(", "));
            return Err(Fault::input("state", message));
        }
        let filter = ChangeFilter { state: query.state, service: query.service, kind: None };
        let page = self.store.changes(&filter, after(query.after)?, limit(query.limit)?).await?;
        let seen = |row: &ChangeRow| {
            let scope = Scope::Change(row.request.id.clone(), row.request.service.clone());
            self.may(asking, Access::Read, &scope)
        };
        let next = page.next.map(|next| next.to_string());
        Ok(Listed { items: page.items.into_iter().filter(seen).collect(), next })
    }

    /// A page of certificates, the next to expire first.
    pub(crate) async fn certificates(
        &self,
        asking: &Asking,
        query: CertificateQuery,
    ) -> Result<Listed<IssuedRow>, Fault> {
        // No name holds any of these, and PostgreSQL takes no text with one of them.
        if query.name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
            return Err(Fault::input("name", "no name holds a control character; leave it out"));
        }
        let now = self.now();
        let before = query
            .expires_within_days
            .map(|days| now.plus_ms(i64::from(days).saturating_mul(DAY_MS)));
        let mut filter = CertificateFilter::new(query.service, query.name, before, query.revoked);
        // What has expired does not expire any more.
        filter.ends_from = before.map(|_| now);
        let page =
            self.store.certificates(&filter, after(query.after)?, limit(query.limit)?).await?;
        let seen = |row: &IssuedRow| {
            let certificate = &row.certificate;
            let scope = Scope::Service(
                ResourceKind::Certificate,
                certificate.fingerprint.to_string(),
                certificate.service.clone(),
            );
            self.may(asking, Access::Read, &scope)
        };
        let next = page.next.map(|next| next.to_string());
        Ok(Listed { items: page.items.into_iter().filter(seen).collect(), next })
    }

    /// Seconds until the next certificate expires that is in date and not revoked; infinite where
    /// there is none.
    pub(crate) async fn next_expiry_seconds(&self) -> Result<f64, Fault> {
        let now = self.now();
        let filter = CertificateFilter {
            ends_from: Some(now),
            revoked: Some(false),
            order: CertificateOrder::EndingFirst,
            ..CertificateFilter::default()
        };
        let next = self.store.certificates(&filter, None, 1).await?.items.into_iter().next();
        #[expect(clippy::cast_precision_loss, reason = "a gauge of seconds needs no more")]
        let seconds = |until: Time| until.ms_since(now) as f64 / 1_000.0;
        Ok(next.map_or(f64::INFINITY, |row| seconds(row.certificate.not_after)))
    }

    /// The waiting changes this person's approval would bring further.
    pub(crate) async fn needs(&self, asking: &Asking) -> Result<Vec<ChangeRow>, Fault> {
        let query = ChangeQuery {
            state: Some("awaiting-approval".to_owned()),
            limit: Some(LIMIT_MAX),
            ..ChangeQuery::default()
        };
        let live = self.live.get();
        let teams = live.estate().teams_at(&asking.by.person, self.now());
        let mut mine = Vec::new();
        for row in self.changes(asking, query).await?.items {
            let view = self.change_view(&row.request.id).await?;
            let counts = view.verdict.as_ref().is_some_and(|verdict| {
                verdict.missing_approvals().iter().any(|one| teams.contains(&one.team))
            });
            if counts && !row.request.by.shares_somebody_with(&asking.by) {
                mine.push(row);
            }
        }
        Ok(mine)
    }

    /// Whose approval is missing, in words.
    pub(crate) fn missing_words(&self, verdict: Option<&Verdict>) -> Vec<String> {
        let live = self.live.get();
        let now = self.now();
        let Some(verdict) = verdict else { return Vec::new() };
        verdict
            .missing_approvals()
            .iter()
            .map(|one| {
                let people = super::refusal::people_of(
                    live.estate(),
                    &std::collections::BTreeSet::from([one.team.clone()]),
                    now,
                );
                let independent =
                    if one.independent { ", independent of the requester" } else { "" };
                format!("{} of {} as {}: {people}{independent}", one.count, one.team, one.role)
            })
            .collect()
    }

    /// The tokens of a person that are not over.
    pub(crate) async fn tokens_of(&self, person: &PersonId) -> Result<Vec<TokenRow>, Fault> {
        let now = self.now();
        let mut living = Vec::new();
        for row in self.store.tokens_of(person).await? {
            if self.is_in_force(&row, now).await? {
                living.push(row);
            }
        }
        Ok(living)
    }
}

fn after(text: Option<String>) -> Result<Option<After>, Fault> {
    match text {
        Some(text) => After::parse(&text).map(Some).map_err(|cause| Fault::input("after", cause)),
        None => Ok(None),
    }
}

pub(super) fn limit(limit: Option<u32>) -> Result<u32, Fault> {
    match limit {
        None => Ok(LIMIT),
        Some(rows @ 1..=LIMIT_MAX) => Ok(rows),
        Some(_) => Err(Fault::input("limit", format!("a page has 1 to {LIMIT_MAX} rows"))),
    }
}
