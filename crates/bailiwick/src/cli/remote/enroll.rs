//! A workload enrols itself: on a CI runner, in a pod, on a host.

use std::io::Read as _;
use std::path::Path;

use bailiwick_connect::attestation::ProofKey;
use zeroize::Zeroizing;

use super::commands::{Asked, AttestorCommand, Enroll};
use super::{answer, keep, print};
use crate::cli::client::NoAnswer;
use crate::cli::exit;
use crate::http::api::bodies::{AttestedBody, AttestorBody, EnrolBody, EnrolledBody};
use crate::world::World;

pub(super) async fn run(asked: Enroll) -> Result<u8, NoAnswer> {
    if asked.thumbprint
        && let Some(path) = &asked.host_key
    {
        super::super::say(key(path)?.thumbprint());
        return Ok(exit::YES);
    }
    let token = token(&asked)?;
    let wish = EnrolBody { service: asked.service, token };
    let client = asked.server.client_of_nobody()?;
    if let Some(account) = asked.account {
        let body: AttestedBody = client.post(&format!("enrolments/{account}"), &wish).await?;
        return answer(asked.output, &body, |body| {
            format!(
                "Account {} goes on. `{}` attested {} until {}.",
                body.account, body.attestor, body.subject, body.attested_until
            )
        });
    }
    let Some(path) = asked.certbot else {
        let body: EnrolledBody = client.post("enrolments", &wish).await?;
        return answer(asked.output, &body, print::enrolled);
    };
    let file = keep::SecretFile::new(&path)?;
    let body: EnrolledBody = client.post("enrolments", &wish).await?;
    file.write(&print::certbot_options(&body.credential))?;
    let kept = serde_json::json!({ "kid": body.credential.kid, "file": path });
    answer(asked.output, &kept, |_| print::credential_kept(&body.credential, &path))
}

fn token(asked: &Enroll) -> Result<String, NoAnswer> {
    if let Some(path) = &asked.token {
        let text = read(path, "give a file that holds the token of this workload")?;
        return Ok(text.trim().to_owned());
    }
    let (chain, key) = match (&asked.svid, &asked.key, &asked.host_key) {
        (Some(svid), Some(path), _) => {
            let text = read(svid, "give the SVID and its chain as PEM")?;
            let chain = bailiwick_wire::x509::read_chain(text.as_bytes());
            let chain = chain.map_err(|cause| file(svid, &cause, "give the SVID as PEM"))?;
            (chain, key(path)?)
        }
        (_, _, Some(path)) => (Vec::new(), key(path)?),
        (_, _, None) => {
            return Err(NoAnswer::Strange("give --token, --svid or --host-key".to_owned()));
        }
    };
    let audience = asked.audience.as_deref().unwrap_or_else(|| asked.server.url());
    let world = World::system();
    let strange = |cause: &dyn std::fmt::Display| NoAnswer::Strange(cause.to_string());
    let id = world.id().map_err(|cause| strange(&cause))?;
    key.prove(&chain, (audience, &id), world.now()).map_err(|cause| strange(&cause))
}

fn key(path: &Path) -> Result<ProofKey, NoAnswer> {
    let text = read(path, "give a private key as PKCS #8 in PEM")?;
    ProofKey::read(text.as_bytes()).map_err(|cause| file(path, &cause, "give another key"))
}

/// Tokens and keys never stand on a command line, where others can see them.
fn read(path: &Path, remedy: &'static str) -> Result<Zeroizing<String>, NoAnswer> {
    let mut text = Zeroizing::new(String::new());
    if path == Path::new("-") {
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|cause| file(path, &cause, remedy))?;
    } else {
        *text = std::fs::read_to_string(path).map_err(|cause| file(path, &cause, remedy))?;
    }
    Ok(text)
}

fn file(path: &Path, cause: &dyn std::fmt::Display, remedy: &'static str) -> NoAnswer {
    NoAnswer::File { path: path.display().to_string(), cause: cause.to_string(), remedy }
}

/// `bailiwick attestor …`.
pub(super) async fn attestors(asked: Asked<AttestorCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        AttestorCommand::List => {
            let all: Vec<AttestorBody> = client.get("attestors").await?;
            answer(asked.output, &all, |all| {
                if all.is_empty() {
                    return "no attestors; write them down in attestors.toml".to_owned();
                }
                all.iter().map(shown).collect::<Vec<_>>().join("\n")
            })
        }
    }
}

fn shown(one: &AttestorBody) -> String {
    let mut text = format!(
        "{}  {}  {}\n  audience  {}\n  keys      {}\n  believed  {} minutes\n",
        one.id, one.kind, one.issuer, one.audience, one.keys, one.holds_minutes
    );
    for workload in &one.workloads {
        let claims: Vec<String> = workload
            .claims
            .iter()
            .map(|(name, values)| format!("{name} {}", values.join(" or ")))
            .collect();
        text.push_str(&format!(
            "  {}/{}  {}; {} answers for it\n",
            workload.service,
            workload.name,
            claims.join(", "),
            workload.answers
        ));
    }
    text
}
