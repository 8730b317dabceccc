//! `bailiwick control evidence | verify`: a control's evidence as a file, and checking it without a server.

use std::io::Read as _;
use std::path::Path;

use bailiwick_wire::evidence::{PACK_OCTETS_MAX, Pack};
use bailiwick_wire::ledger::{Trust, VerifierKey};

use super::commands::GlobalOutput;
use super::{answer, query};
use crate::cli::client::{Client, NoAnswer};
use crate::cli::exit;
use crate::evidence::{NotSound, Sound, check};

type Wanted = (String, Option<String>, Option<String>);

/// Writes the evidence of a zone into a file.
pub(super) async fn fetch(
    client: &Client,
    output: GlobalOutput,
    (zone, from, to): Wanted,
    out: &Path,
) -> Result<u8, NoAnswer> {
    let query = query(&[("zone", Some(zone)), ("from", from), ("to", to)]);
    let pack: Pack = client.get(&format!("control/evidence{query}")).await?;
    std::fs::write(out, pack.encode()).map_err(|cause| NoAnswer::File {
        path: out.display().to_string(),
        cause: cause.to_string(),
        remedy: "give a file that can be written",
    })?;
    let told = serde_json::json!({ "file": out, "leaves": pack.leaves.len() });
    answer(output, &told, |_| {
        format!(
            "{} holds {} entries of the ledger about {}.\nCheck it anywhere: bailiwick control verify {} --key KEY",
            out.display(),
            pack.leaves.len(),
            pack.zone,
            out.display()
        )
    })
}

/// Checks a file, without a server.
pub(super) fn verify(file: &Path, trust: &Trust, output: GlobalOutput) -> Result<u8, NoAnswer> {
    let octets = read(file).map_err(|cause| NoAnswer::File {
        path: file.display().to_string(),
        cause: cause.to_string(),
        remedy: "give a file that can be read",
    })?;
    match check(&octets, trust) {
        Ok(Sound { pack, leaves, verdicts }) => {
            let told = serde_json::json!({
                "sound": true, "zone": pack.zone, "from": pack.from, "until": pack.until,
                "leaves": leaves, "verdicts": verdicts, "summary": pack.summary,
            });
            answer(output, &told, |_| {
                format!(
                    "SOUND: {leaves} entries stand in the ledger, {verdicts} verdicts come out as they were judged.\n\n{}",
                    pack.summary.join("\n")
                )
            })?;
            Ok(exit::YES)
        }
        Err(why) => {
            let unreadable = matches!(&why, NotSound::Pack(wrong) if wrong.is_only_unreadable());
            let (code, sound, word) = if unreadable {
                (exit::UNKNOWN, None, "CANNOT TELL")
            } else {
                (exit::NO, Some(false), "NOT SOUND")
            };
            let told = serde_json::json!({ "sound": sound, "finding": why.to_string() });
            answer(output, &told, |_| format!("{word}: {why}"))?;
            Ok(code)
        }
    }
}

/// One octet more than a pack may have is enough to see that it is none.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let bound = u64::try_from(PACK_OCTETS_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    std::fs::File::open(file)?.take(bound).read_to_end(&mut octets)?;
    Ok(octets)
}

/// The key that the auditor trusts.
pub(super) fn trusted(key: &str) -> Result<Box<Trust>, String> {
    let key = VerifierKey::parse(key).map_err(|cause| cause.to_string())?;
    Trust::in_key(key).map(Box::new).map_err(|cause| cause.to_string())
}
