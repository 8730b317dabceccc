//! `bailiwick ledger …`: verify and rebuild offline, on a data folder or a copy of it; read from a
//! running server.

use std::path::PathBuf;

use bailiwick_core::ledger::audit::AuditReport;
use bailiwick_core::ledger::{LeafIndex, TreeHead};
use bailiwick_core::record::Fact;
use bailiwick_store::{Store, StoreError, StoreUrl};
use bailiwick_wire::ledger::{Trust, VerifierKey};
use clap::{Args, Subcommand};

use super::client::{NoAnswer, Server};
use super::{DataFolder, Output, exit};
use crate::http::api::bodies::EntryBody;

#[derive(Subcommand)]
pub(crate) enum LedgerCommand {
    /// Check every entry, tile and checkpoint of a data folder; names the first wrong leaf. Works
    /// offline, without keys. Exit code 0: sound, 1: not, 3: could not be read
    Verify(Verify),
    /// Rebuild all state from the entries and compare it with what is stored
    Fsck(Fsck),
    /// Print the newest signed checkpoint; keep it, `verify --since` takes it later
    Checkpoint(Checkpoint),
    /// Print one entry of a running server with the proof that it is in the ledger
    Entry(Entry),
    /// List acts on keys, accounts, zones and registrations of a running server, the newest first
    Acts(Acts),
}

/// Check every entry, tile and checkpoint.
#[derive(Args)]
pub(crate) struct Verify {
    /// A checkpoint you kept: the ledger must still contain everything that it covered
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
    /// The verifier key you trust; where absent, the one that the first entry names
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    place: DataFolder,
    #[command(flatten)]
    output: Output,
}

/// Rebuild all state and compare.
#[derive(Args)]
pub(crate) struct Fsck {
    #[command(flatten)]
    place: DataFolder,
    #[command(flatten)]
    output: Output,
}

/// Print the newest signed checkpoint.
#[derive(Args)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    place: DataFolder,
}

/// List acts on keys, accounts, zones and registrations, the newest first.
#[derive(Args)]
pub(crate) struct Acts {
    /// Only on this, such as zone/shop.example, issuer/house or account/ID
    #[arg(long, value_name = "KIND/ID")]
    about: Option<String>,
    /// Only of this class: key, account, zone, registrar or estate
    #[arg(long)]
    class: Option<String>,
    /// Only before this leaf: the last one of the page before
    #[arg(long, value_name = "LEAF")]
    before: Option<u64>,
    #[command(flatten)]
    output: crate::cli::remote::GlobalOutput,
    #[command(flatten)]
    server: Server,
}

/// Print one entry.
#[derive(Args)]
pub(crate) struct Entry {
    /// Its leaf
    index: u64,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

/// Runs a command.
pub(crate) async fn run(command: LedgerCommand) -> u8 {
    let done = match command {
        LedgerCommand::Verify(wish) => verify(wish).await,
        LedgerCommand::Fsck(wish) => fsck(wish).await,
        LedgerCommand::Checkpoint(wish) => checkpoint(wish).await,
        LedgerCommand::Acts(wish) => {
            let asked = (wish.about, wish.class, wish.before);
            return match crate::cli::remote::power::acts(wish.server, wish.output, asked).await {
                Ok(code) => code,
                Err(cause) => super::failed(&cause, cause.code()),
            };
        }
        LedgerCommand::Entry(wish) => match entry(wish).await {
            Ok(()) => Ok(exit::YES),
            Err(cause) => return super::failed(&cause, cause.code()),
        },
    };
    done.unwrap_or_else(|message| super::failed(message, exit::FAILED))
}

async fn open(place: &DataFolder) -> Result<Store, String> {
    let url = match &place.database {
        Some(url) => StoreUrl::parse(url).map_err(|cause| format!("--database: {cause}"))?,
        None => StoreUrl::sqlite(place.data.join("bailiwick.db")),
    };
    Store::open_read_only(&url).await.map_err(|cause| cause.to_string())
}

async fn verify(wish: Verify) -> Result<u8, String> {
    let store = open(&wish.place).await?;
    let trust = match trust(&store, wish.key.as_deref()).await? {
        Believed::Key(trust) => trust,
        Believed::Nobody(what) => return Ok(first_leaf_is_wrong(&what, &wish.output)),
    };
    let held = match &wish.since {
        Some(file) => {
            let octets = std::fs::read(file)
                .map_err(|cause| format!("`{}` cannot be read: {cause}", file.display()))?;
            let note = trust.open_bytes(&octets).map_err(|cause| {
                format!("`{}` is no checkpoint of this ledger: {cause}", file.display())
            })?;
            vec![note.head()]
        }
        None => Vec::new(),
    };
    let audited = store.audit(&trust, held).await.map_err(|cause| cause.to_string())?;
    let (report, sound) = (&audited.report, audited.is_sound());
    if wish.output.json {
        super::say(audit_json(&audited));
    } else {
        if sound {
            super::say(sound_text(report));
        }
        if let Some(finding) = &report.finding {
            super::say(format!("NOT SOUND: {finding}"));
        }
        for row in &audited.rows {
            super::say(format!("NOT SOUND: {} `{}`: {}", row.table, row.key, row.what));
        }
    }
    Ok(if sound { exit::YES } else { exit::NO })
}

fn audit_json(audited: &bailiwick_store::Audited) -> serde_json::Value {
    let report = &audited.report;
    let rows: Vec<serde_json::Value> = audited
        .rows
        .iter()
        .map(|row| serde_json::json!({ "table": row.table, "key": row.key, "what": row.what }))
        .collect();
    serde_json::json!({
        "sound": audited.is_sound(),
        "entries": report.head.size.get(),
        "root": report.head.root.to_string(),
        "checkpoints": report.checkpoints,
        "tiles": report.tiles,
        "since": report.confirmed_by_held.map(|size| size.get()),
        "finding": report.finding.as_ref().map(ToString::to_string),
        "first_wrong_leaf": report.finding.as_ref().map(|finding| finding.leaves().first()),
        "rows": rows,
    })
}

fn sound_text(report: &AuditReport) -> String {
    let TreeHead { size, root } = report.head;
    let mut text = format!(
        "Sound: {size} entries, {} tiles, {} checkpoints; root {root}.",
        report.tiles, report.checkpoints
    );
    if let Some(held) = report.confirmed_by_held {
        text.push_str(&format!(
            "\nIt still contains all {held} entries of the checkpoint you kept."
        ));
    } else {
        text.push_str(
            "\nWithout a checkpoint kept elsewhere (--since) a whole ledger rewritten with its own key \
             would look sound too.",
        );
    }
    text
}

/// Whom to believe about checkpoints.
enum Believed {
    /// This key.
    Key(Trust),
    /// Nobody: what is wrong with the leaf that names the key.
    Nobody(String),
}

/// The key that was given, else the one that entry 0 names.
async fn trust(store: &Store, key: Option<&str>) -> Result<Believed, String> {
    if let Some(key) = key {
        let key = VerifierKey::parse(key).map_err(|cause| format!("--key: {cause}"))?;
        return Trust::in_key(key).map(Believed::Key).map_err(|cause| format!("--key: {cause}"));
    }
    let zero = LeafIndex::new(0).map_err(|cause| cause.to_string())?;
    let named = match store.entry(zero).await {
        Ok(Some(entry)) => {
            let Fact::InstallationStarted { verifier_key, .. } = entry.fact else {
                return Ok(Believed::Nobody("it does not name the verifier key".to_owned()));
            };
            verifier_key
        }
        // Other leaves without the first: somebody took it away.
        Ok(None) if has_leaves(store).await? => {
            return Ok(Believed::Nobody("it is not there".to_owned()));
        }
        Ok(None) => return Err("the ledger is empty; start the server once".to_owned()),
        Err(StoreError::Damaged(mismatch)) => return Ok(Believed::Nobody(mismatch.what)),
        Err(cause @ StoreError::Database(_)) => return Err(cause.to_string()),
    };
    let key = VerifierKey::parse(&named).map(Trust::in_key);
    Ok(match key {
        Ok(Ok(trust)) => Believed::Key(trust),
        Ok(Err(cause)) => Believed::Nobody(format!("the key it names: {cause}")),
        Err(cause) => Believed::Nobody(format!("the key it names: {cause}")),
    })
}

async fn has_leaves(store: &Store) -> Result<bool, String> {
    let any = store.entries_before(None, 1).await;
    any.map(|any| !any.is_empty()).map_err(|cause| cause.to_string())
}

/// Every ledger begins with the leaf that names its key: one that does not was altered.
fn first_leaf_is_wrong(what: &str, output: &Output) -> u8 {
    let finding =
        format!("leaf 0 was altered: {what}; give the key you kept with --key to see the rest");
    if output.json {
        super::say(serde_json::json!({
            "sound": false,
            "finding": finding,
            "first_wrong_leaf": 0,
            "rows": [],
        }));
    } else {
        super::say(format!("NOT SOUND: {finding}"));
    }
    exit::NO
}

async fn fsck(wish: Fsck) -> Result<u8, String> {
    let store = open(&wish.place).await?;
    let all = store.fsck().await.map_err(|cause| cause.to_string())?;
    if wish.output.json {
        let rows: Vec<serde_json::Value> = all
            .iter()
            .map(|one| serde_json::json!({ "table": one.table, "key": one.key, "what": one.what }))
            .collect();
        super::say(serde_json::json!({ "mismatches": rows }));
    } else if all.is_empty() {
        super::say("Every row follows from the ledger.");
    } else {
        for one in &all {
            super::say(format!("{} `{}`: {}", one.table, one.key, one.what));
        }
        super::say(format!("\n{} rows differ from what the ledger says.", all.len()));
    }
    Ok(if all.is_empty() { exit::YES } else { exit::NO })
}

async fn checkpoint(wish: Checkpoint) -> Result<u8, String> {
    let store = open(&wish.place).await?;
    let newest = store.checkpoint().await.map_err(|cause| cause.to_string())?;
    let newest = newest.ok_or("the ledger is empty; start the server once")?;
    print!("{}", String::from_utf8_lossy(&newest.note));
    Ok(exit::YES)
}

async fn entry(wish: Entry) -> Result<(), NoAnswer> {
    let client = wish.server.client()?;
    let body: EntryBody = client.get(&format!("ledger/entries/{}", wish.index)).await?;
    let pretty = serde_json::to_string_pretty(&body.entry)
        .map_err(|cause| NoAnswer::Strange(cause.to_string()))?;
    if wish.output.json {
        let whole = serde_json::to_string_pretty(&body);
        super::say(whole.map_err(|cause| NoAnswer::Strange(cause.to_string()))?);
    } else {
        super::say(pretty);
        if let Some(proof) = &body.proof {
            super::say(format!("\nProof (c2sp.org/tlog-proof):\n{proof}"));
        }
    }
    Ok(())
}
