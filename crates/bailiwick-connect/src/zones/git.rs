//! A zone file in a Git repository on this host: an edit is a commit on a branch.
//!
//! The commit is made beside the branch, and the branch is moved to it only while it is where it was
//! when the file was read (`git update-ref` with the old value), so nobody's commit is lost. A work
//! tree that belongs to the repository must be clean and follows; foreign changes in it are never
//! committed, and never lost.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_core::shown::{shown, told};
use bailiwick_wire::dns::ZoneFile;
use futures::future::BoxFuture;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::door::{Applied, Cause, Compared, Manner, NotApplied, Refused, ZoneDoor};
use super::look::Authorities;
use super::writing::{self, NotWritten, Place};

/// For one call of git.
const GIT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
/// The one who commits; the author is whoever asked.
const COMMITTER: &str = "Bailiwick";
const ADDRESS: &str = "bailiwick@localhost";
/// Nothing of the repository's own settings may start a program, ask a person or reach a network.
const SETTINGS: [&str; 6] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "commit.gpgSign=false",
    "core.autocrlf=false",
    "protocol.allow=never",
    "gc.auto=0",
];

/// Where a zone file is kept.
#[derive(Clone, Debug)]
pub struct GitPlace {
    /// The repository's folder: a work tree, or a bare repository.
    pub repository: PathBuf,
    /// The branch.
    pub branch: String,
    /// The file, from the top of the repository.
    pub file: String,
}

/// Writes one zone file.
pub struct GitDoor {
    place: GitPlace,
    authorities: Authorities,
}

/// The file at one commit.
struct At {
    commit: String,
    mode: String,
    text: String,
}

impl GitDoor {
    /// A door at a repository.
    #[must_use]
    pub const fn new(authorities: Authorities, place: GitPlace) -> Self {
        Self { place, authorities }
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.place.branch)
    }

    fn said(&self, what: &str) -> Refused {
        Refused::Said(format!("`{}`: {what}", self.place.repository.display()))
    }

    async fn git(&self, words: &[&str]) -> Result<String, Refused> {
        self.git_with(words, &[], None).await
    }

    async fn git_with(
        &self,
        words: &[&str],
        environment: &[(&str, &str)],
        input: Option<&str>,
    ) -> Result<String, Refused> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.place.repository);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(words).env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C").kill_on_drop(true);
        command.envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let no_git = |cause: std::io::Error| self.said(&format!("`git` cannot be run: {cause}"));
        let mut child = command.spawn().map_err(no_git)?;
        if let (Some(mut stdin), input) = (child.stdin.take(), input.unwrap_or_default()) {
            stdin.write_all(input.as_bytes()).await.map_err(no_git)?;
        }
        let late = || self.said("`git` took too long; is the folder on a disk that answers?");
        let ran = timeout(GIT_TIMEOUT, child.wait_with_output()).await.map_err(|_| late())?;
        let ran = ran.map_err(no_git)?;
        if !ran.status.success() {
            let why = String::from_utf8_lossy(&ran.stderr);
            let why = told(why.lines().next().unwrap_or("without a reason")).to_string();
            let verb = words.first().copied().unwrap_or_default();
            return Err(self.said(&format!("`git {verb}`: {why}")));
        }
        String::from_utf8(ran.stdout).map_err(|_| self.said("the file is not UTF-8 text"))
    }

    async fn read_file(&self) -> Result<At, Refused> {
        let commit = self.git(&["rev-parse", "--verify", &self.reference()]).await?;
        let commit = commit.trim().to_owned();
        let listed = self.git(&["ls-tree", &commit, "--", &self.place.file]).await?;
        let mode = listed.split(' ').next().unwrap_or_default().to_owned();
        if !mode.starts_with("100") {
            let what =
                format!("there is no file `{}` on branch `{}`", self.place.file, self.place.branch);
            return Err(self.said(&what));
        }
        let text =
            self.git(&["cat-file", "blob", &format!("{commit}:{}", self.place.file)]).await?;
        Ok(At { commit, mode, text })
    }

    fn zone_file<'a>(&self, text: &'a str) -> Result<ZoneFile<'a>, Refused> {
        let read = ZoneFile::read(text, self.zone());
        read.map_err(|cause| self.said(&format!("`{}`: {cause}", self.place.file)))
    }

    /// Whether the branch is checked out in a work tree of the repository.
    async fn is_checked_out(&self) -> Result<bool, Refused> {
        if self.git(&["rev-parse", "--is-bare-repository"]).await?.trim() == "true" {
            return Ok(false);
        }
        let head = self.git(&["symbolic-ref", "--quiet", "HEAD"]).await.unwrap_or_default();
        Ok(head.trim() == self.reference())
    }

    /// Lets the work tree follow a commit of ours that it was kept from following: whoever reads the zone
    /// there would never see it, and whoever commits there next would take it back. Nothing is done where
    /// anything else than the commit before ours is staged.
    async fn catch_up(&self) -> Result<(), Refused> {
        let tip = self.git(&["log", "-1", "--format=%cn|%H|%P", &self.reference()]).await?;
        let mut parts = tip.trim().split('|');
        let (who, ours, before) = (parts.next(), parts.next(), parts.next());
        let (Some(COMMITTER), Some(ours), Some(before)) = (who, ours, before) else {
            return Ok(());
        };
        if before.is_empty() || before.contains(' ') || !self.is_checked_out().await? {
            return Ok(());
        }
        let staged = async |commit: &str| {
            self.git(&["diff-index", "--cached", "--quiet", commit]).await.is_ok()
        };
        if staged(ours).await || !staged(before).await {
            return Ok(());
        }
        self.git(&["read-tree", "-m", "-u", before, ours]).await.map(drop)
    }

    /// Whether the branch is checked out in a work tree of the repository, which must be clean then.
    async fn work_tree(&self) -> Result<bool, Refused> {
        if !self.is_checked_out().await? {
            return Ok(false);
        }
        let changes = self.git(&["status", "--porcelain", "--untracked-files=no"]).await?;
        match changes.lines().next() {
            None => Ok(true),
            Some(first) => Err(self.said(&format!(
                "somebody's changes are not committed there (`{}`); commit or stash them first",
                shown(first.trim())
            ))),
        }
    }

    async fn commit(&self, edits: &[RecordEdit], cause: Cause<'_>) -> Result<(), NotWritten> {
        let follows = self.work_tree().await.map_err(NotWritten::No)?;
        let at = self.read_file().await.map_err(NotWritten::No)?;
        let file = self.zone_file(&at.text).map_err(NotWritten::No)?;
        let snapshot = file.snapshot();
        let stands = |it: &RecordEdit| snapshot.set(it.owner(), it.kind()) == it.before();
        if !edits.iter().all(stands) {
            return Err(NotWritten::Other);
        }
        if let Some(edit) = edits.iter().find(|it| makes_alias_beside(it, edits, &snapshot)) {
            let why = "an alias has no other data beside it (RFC 2181, section 10.1)";
            let (owner, kind) = (edit.owner().clone(), edit.kind());
            return Err(NotWritten::No(Refused::NoSuchEdit { owner, kind, why }));
        }
        let text = file.edited(edits);
        let text = text
            .map_err(|why| NotWritten::No(self.said(&format!("`{}`: {why}", self.place.file))))?;
        let made = self.make_commit(&at, &text, cause).await.map_err(NotWritten::No)?;
        let reference = self.reference();
        let words = ["update-ref", "-m", "bailiwick", &reference, &made, &at.commit];
        if self.git(&words).await.is_err() {
            // The branch is elsewhere: somebody committed. Ours is not on it.
            return Err(NotWritten::Other);
        }
        if follows {
            let followed = self.git(&["read-tree", "-m", "-u", &at.commit, &made]).await;
            followed.map_err(|why| {
                NotWritten::NotKnown(format!("committed, but the work tree did not follow: {why}"))
            })?;
        }
        Ok(())
    }

    /// A commit that nothing points at yet.
    async fn make_commit(&self, at: &At, text: &str, cause: Cause<'_>) -> Result<String, Refused> {
        let blob = self.git_with(&["hash-object", "-w", "--stdin"], &[], Some(text)).await?;
        let folder = self.git(&["rev-parse", "--absolute-git-dir"]).await?;
        let id = self.authorities.dns().id().ok_or_else(|| self.said("no randomness"))?;
        let name = format!("bailiwick-index-{}-{id}", std::process::id());
        let index = Path::new(folder.trim()).join(name);
        let made = self.tree(at, blob.trim(), &index).await;
        // Another process may read what is left of it; nobody writes by it.
        if let Err(cause) = std::fs::remove_file(&index) {
            tracing::warn!(file = %index.display(), %cause, "a temporary index stays behind");
        }
        let tree = made?;
        let now = format!("@{} +0000", self.authorities.dns().now().unix_seconds());
        let author: String = cause.author.chars().filter(|it| !it.is_control()).collect();
        let author = if author.trim().is_empty() { COMMITTER.to_owned() } else { author };
        let environment = [
            ("GIT_AUTHOR_NAME", author.as_str()),
            ("GIT_AUTHOR_EMAIL", ADDRESS),
            ("GIT_AUTHOR_DATE", &now),
            ("GIT_COMMITTER_NAME", COMMITTER),
            ("GIT_COMMITTER_EMAIL", ADDRESS),
            ("GIT_COMMITTER_DATE", &now),
        ];
        let words = ["commit-tree", &tree, "-p", &at.commit];
        let made = self.git_with(&words, &environment, Some(cause.text)).await?;
        Ok(made.trim().to_owned())
    }

    async fn tree(&self, at: &At, blob: &str, index: &Path) -> Result<String, Refused> {
        let index = index.display().to_string();
        let environment = [("GIT_INDEX_FILE", index.as_str())];
        self.git_with(&["read-tree", &at.commit], &environment, None).await?;
        let entry = format!("{},{blob},{}", at.mode, self.place.file);
        self.git_with(&["update-index", "--cacheinfo", &entry], &environment, None).await?;
        let tree = self.git_with(&["write-tree"], &environment, None).await?;
        Ok(tree.trim().to_owned())
    }
}

/// Whether an edit would put an alias beside other data, or other data beside an alias.
fn makes_alias_beside(
    edit: &RecordEdit,
    edits: &[RecordEdit],
    snapshot: &bailiwick_core::records::ZoneSnapshot,
) -> bool {
    let stays = |kind: RecordType| match edits
        .iter()
        .find(|it| it.owner() == edit.owner() && it.kind() == kind)
    {
        Some(edited) => edited.after().is_some(),
        None => snapshot.set(edit.owner(), kind).is_some(),
    };
    let is_alias = edit.kind() == RecordType::CNAME;
    let is_beside = |kind: &RecordType| (*kind == RecordType::CNAME) != is_alias && stays(*kind);
    let alias = [RecordType::CNAME];
    let beside = if is_alias { bailiwick_wire::dns::Update::beside_alias() } else { &alias };
    edit.after().is_some() && beside.iter().any(is_beside)
}

impl Place for GitDoor {
    fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    fn standing_of<'a>(
        &'a self,
        edits: &'a [RecordEdit],
    ) -> BoxFuture<'a, Result<Vec<Option<RRset>>, Refused>> {
        Box::pin(async move {
            self.catch_up().await?;
            let at = self.read_file().await?;
            let snapshot = self.zone_file(&at.text)?.snapshot();
            Ok(edits.iter().map(|it| snapshot.set(it.owner(), it.kind()).cloned()).collect())
        })
    }

    fn write<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        cause: Cause<'a>,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(self.commit(edits, cause))
    }
}

impl ZoneDoor for GitDoor {
    fn servers(&self) -> &Authorities {
        &self.authorities
    }

    fn manner(&self) -> Manner {
        Manner { whole: true, compared: Compared::AtTheServer }
    }

    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, Refused>> {
        Box::pin(async move {
            let at = self.read_file().await?;
            Ok(self.zone_file(&at.text)?.snapshot().set(owner, kind).cloned())
        })
    }

    fn apply<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        cause: Cause<'a>,
    ) -> BoxFuture<'a, Result<Applied, NotApplied>> {
        Box::pin(writing::apply(self, edits, cause))
    }

    fn tried(&self) -> BoxFuture<'_, Result<&'static str, Refused>> {
        Box::pin(async move {
            self.work_tree().await?;
            let at = self.read_file().await?;
            // With no edit, all that an edit needs is looked at.
            let edited = self.zone_file(&at.text)?.edited(&[]);
            edited.map_err(|why| self.said(&format!("`{}`: {why}", self.place.file)))?;
            Ok("the zone file is read, and nothing in it stands in the way of an edit")
        })
    }
}
