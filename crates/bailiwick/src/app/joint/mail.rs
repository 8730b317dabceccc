//! The policy for mail that a change announces, looked at before anybody is asked (RFC 8461, section 8.1).

use std::collections::BTreeSet;

use bailiwick_connect::egress::Target;
use bailiwick_connect::mta_sts::policy_behind;
use bailiwick_core::change::planner::{Intent, mta_sts_host};
use bailiwick_core::estate::Service;
use bailiwick_core::names::DnsName;

use super::prechecks::Looked;
use crate::app::{App, Live};

const NAME: &str = "mta-sts-body";

impl App {
    /// Each host that has to serve a policy does so by now; one that gets its certificate with this change
    /// is read when it shows that.
    pub(super) async fn mail_policies(
        &self,
        live: &Live,
        service: &Service,
        intent: &Intent,
    ) -> Option<Looked> {
        let hosts: BTreeSet<DnsName> =
            intent.moves.iter().filter_map(|(_, edit)| mta_sts_host(edit)).collect();
        if hosts.is_empty() {
            return None;
        }
        let (mut holds, mut lines) = (true, Vec::new());
        for host in &hosts {
            let later = read_later(intent, host);
            if !later.is_empty() {
                lines.extend(later);
                continue;
            }
            match self.mail_policy_of(live, host).await {
                Ok(policy) => lines.push(format!("`{host}` serves it: {policy}")),
                Err(why) => {
                    holds = false;
                    lines.push(format!(
                        "`{host}` does NOT serve `/.well-known/mta-sts.txt`: {why}; serve the body first"
                    ));
                }
            }
        }
        let team = Some(service.duties.operator.clone());
        Some(Looked { name: NAME, holds, saw: lines.join("; "), team })
    }

    /// What senders of mail find, but that the certificate may be anybody's.
    async fn mail_policy_of(&self, live: &Live, host: &DnsName) -> Result<String, String> {
        let target = Target::parse(&format!("https://{host}/.well-known/mta-sts.txt"));
        let target = target.map_err(|cause| cause.to_string())?;
        let read = policy_behind(self.web(live).as_ref(), target).await;
        read.map(|policy| policy.to_string()).map_err(|cause| cause.to_string())
    }
}

fn read_later(intent: &Intent, host: &DnsName) -> Vec<String> {
    let endpoints = intent.endpoints.iter().filter(|one| one.name == *host);
    endpoints.map(|one| format!("{one} is read once it shows the new certificate")).collect()
}
