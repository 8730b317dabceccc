//! The same contract on Knot, PowerDNS and a zone file in Git; and a zone that is only looked at.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_connect::dns::{Resolver, ResolverTrust, View};
use bailiwick_connect::egress::{Egress, Fence, Limits, Network, Target, Trust};
use bailiwick_connect::lab_dns::LabDns;
use bailiwick_connect::zones::{
    Authorities, Compared, GitDoor, GitPlace, Happened, How, NotApplied, ObserveDoor, PowerDnsDoor,
    PowerDnsPlace, Refused, UpdateDoor, UpdatePlace, ZoneDoor as _,
};
use bailiwick_core::records::RecordType;
use bailiwick_wire::dns::TsigKey;
use base64::Engine as _;
use zeroize::Zeroizing;

use super::contract::{
    CAUSE, RECORDS, Stage, ZONE, client, edit, keeps_the_contract, name, owner, zone,
};
use crate::harness::bind::Bind;
use crate::harness::knot::Knot;
use crate::harness::place::Folder;
use crate::harness::powerdns::{API_KEY, PowerDns};
use crate::harness::process;
use crate::harness::programs;
use crate::harness::zone::Zone;

fn served() -> [Zone; 1] {
    [Zone::new(ZONE, RECORDS).updatable()]
}

#[tokio::test(flavor = "multi_thread")]
async fn knot_keeps_the_contract() {
    let knot = Knot::start(&served());
    let secret = base64::engine::general_purpose::STANDARD.decode(&knot.key().secret);
    let key = TsigKey::new(&name(&knot.key().name), &secret.expect("base64")).expect("long enough");
    let place = UpdatePlace { primary: knot.address(), key };
    let door = Arc::new(UpdateDoor::new(&Authorities::new(client(), zone(), &[]), place));
    let human = |line: &str| {
        let (owner, rest) = line.split_once(' ').expect("an owner and the rest");
        knot.update(ZONE, &format!("update add {owner}.{ZONE}. {rest}")).expect_success();
    };
    let stage = Stage { name: "knot", door, human: &human, deploy: &|| {} };
    keeps_the_contract(&stage).await;
}

/// The lab's zones are written as any other: what is tried there is how it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_lab_keeps_the_contract() {
    let text = format!(
        "$ORIGIN {ZONE}.\n$TTL 1\n@ IN SOA ns1 hostmaster 1 3600 600 86400 1\n@ IN NS ns1\n\
         ns1 IN A 127.0.0.1\n{RECORDS}"
    );
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let lab = LabDns::start(nowhere, &[(zone(), text)]).await.expect("it is served");
    let authorities = Authorities::new(client(), zone(), &[lab.address()]);
    let elsewhere = Authorities::new(client(), zone(), &[nowhere]);
    assert!(lab.zones().door(&elsewhere).is_none(), "another server's zone has no door here");
    let door = Arc::new(lab.zones().door(&authorities).expect("its own zone has one"));
    let runtime = tokio::runtime::Handle::current();
    let human = |line: &str| {
        let (owner, rest) = line.split_once(' ').expect("an owner and the rest");
        let line = format!("{owner}.{ZONE}. {}", rest.replacen(' ', " IN ", 1));
        let edited = async { lab.zones().edit(&zone(), &line).await };
        tokio::task::block_in_place(|| runtime.block_on(edited)).expect("it is written");
    };
    let stage = Stage { name: "lab", door, human: &human, deploy: &|| {} };
    keeps_the_contract(&stage).await;
}

/// To loopback, and nowhere else.
pub(super) fn web() -> Arc<Egress> {
    let resolver =
        Resolver { server: SocketAddr::from(([127, 0, 0, 1], 9)), trust: ResolverTrust::Unproven };
    let fence = Fence::new(vec![Network::parse("127.0.0.0/8").expect("a network")]);
    let moment = Duration::from_millis(1_500);
    let limits =
        Limits { connect_timeout: moment, answer_timeout: moment, whole_timeout: moment * 2 };
    Arc::new(Egress::new(client(), View::of_resolver(resolver), fence, limits))
}

fn powerdns_door(at: &PowerDns, key: &str) -> PowerDnsDoor {
    let place = PowerDnsPlace {
        server: Target::parse(&at.url()).expect("a URL"),
        key: Zeroizing::new(key.to_owned()),
        trust: Trust::anybody().expect("TLS"),
    };
    let authorities = Authorities::new(client(), zone(), &[at.address()]);
    PowerDnsDoor::new(web(), authorities, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn powerdns_keeps_the_contract() {
    let server = PowerDns::start(&served());
    let door = Arc::new(powerdns_door(&server, API_KEY));
    assert_eq!(door.manner().compared, Compared::JustBefore, "it says that it cannot compare");
    let human = |line: &str| {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        server.add(ZONE, words[0], words[2], words[1], words[3]);
    };
    let stage = Stage { name: "powerdns", door, human: &human, deploy: &|| {} };
    keeps_the_contract(&stage).await;
    let edits = [edit("new", RecordType::A, &[], &["192.0.2.7"])];
    let why = powerdns_door(&server, "another key").apply(&edits, CAUSE).await.expect_err("a key");
    assert!(why.to_string().contains("set-secret") && !why.to_string().contains("another key"));
    assert_eq!(why.happened(), Happened::Nothing);
    server.fall_silent();
    let why = powerdns_door(&server, API_KEY).apply(&edits, CAUSE).await.expect_err("silence");
    assert!(matches!(why, NotApplied::Refused(Refused::NotRead { .. })), "{why:?}");
    server.speak_again();
    let standing = powerdns_door(&server, API_KEY).standing(&owner("new"), RecordType::A).await;
    assert_eq!(standing, Ok(None));
}

/// A repository with a zone file that somebody keeps by hand.
struct Repository {
    folder: Folder,
}

const FILE: &str = "zones/shop.example.zone";

impl Repository {
    fn new() -> Self {
        let folder = Folder::new("git");
        std::fs::create_dir_all(folder.file("repository/zones")).expect("a folder");
        let repository = Self { folder };
        repository.git(&["init", "-q", "-b", "main"]);
        let head = format!(
            "; zone of the shop, kept by the DNS team\n$ORIGIN {ZONE}.\n$TTL 1\n\
             @ IN SOA ns1 hostmaster (\n    1 ; serial, do not forget\n    3600 600 86400 1 )\n\
             @ IN NS ns1\nns1 IN A 127.0.0.1 ; this host\n"
        );
        std::fs::write(repository.file(), head + RECORDS).expect("written");
        repository.commit("the zone");
        repository
    }

    fn root(&self) -> PathBuf {
        self.folder.file("repository")
    }

    fn file(&self) -> PathBuf {
        self.root().join(FILE)
    }

    fn git(&self, words: &[&str]) -> String {
        let mut command = process::bounded(&programs::find("git"), Duration::from_secs(10));
        command.arg("-C").arg(self.root());
        command.args(["-c", "user.name=Dora", "-c", "user.email=dora@shop.example"]).args(words);
        process::run(command).expect_success().stdout.clone()
    }

    fn commit(&self, text: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", text]);
    }

    fn append(&self, line: &str) {
        let text = std::fs::read_to_string(self.file()).expect("text");
        std::fs::write(self.file(), text + line + "\n").expect("written");
    }

    fn door(&self, servers: &[SocketAddr]) -> GitDoor {
        let place =
            GitPlace { repository: self.root(), branch: "main".to_owned(), file: FILE.to_owned() };
        GitDoor::new(Authorities::new(client(), zone(), servers), place)
    }
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_file_in_git_keeps_the_contract() {
    let repository = Repository::new();
    let bind = Bind::start(&[Zone::verbatim(ZONE, &text_of(&repository.file()))]);
    let door = Arc::new(repository.door(&[bind.address()]));
    let bind = Mutex::new(bind);
    let human = |line: &str| {
        repository.append(line);
        repository.git(&["commit", "-q", "-a", "-m", "by hand"]);
    };
    let deploy = || {
        let mut bind = bind.lock().expect("one at a time");
        let zone = Zone::verbatim(ZONE, &text_of(&repository.file()));
        bind.replace(&zone);
    };
    let stage = Stage { name: "git", door, human: &human, deploy: &deploy };
    keeps_the_contract(&stage).await;
    let text = text_of(&repository.file());
    for kept in
        ["; zone of the shop, kept by the DNS team", "; serial, do not forget", "; this host"]
    {
        assert!(text.contains(kept), "`{kept}` is not in:\n{text}");
    }
    let log = repository.git(&["log", "-1", "--format=%an|%cn|%s"]);
    assert_eq!(log.trim(), "sam|Bailiwick|a test of the contract");
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_not_committed_is_left_alone() {
    let repository = Repository::new();
    let door = repository.door(&[]);
    let edits = [edit("new", RecordType::A, &[], &["192.0.2.7"])];
    repository.append("half IN A 192.0.2.77 ; not done yet");
    let why = door.apply(&edits, CAUSE).await.expect_err("somebody is at it");
    assert_eq!(why.happened(), Happened::Nothing);
    assert!(why.to_string().contains("commit or stash"), "{why}");
    assert!(text_of(&repository.file()).contains("not done yet"));
    assert_eq!(repository.git(&["log", "--format=%s"]).trim(), "the zone");
    repository.commit("done");
    door.apply(&edits, CAUSE).await.expect("it is written");
    let text = text_of(&repository.file());
    assert!(text.contains("not done yet") && text.contains("192.0.2.7\n"), "{text}");
    // What is told by other files is not edited.
    repository.append("$INCLUDE more.zone");
    repository.commit("more");
    let why = door.apply(&[edits[0].reversed()], CAUSE).await.expect_err("another file");
    assert!(why.to_string().contains("$INCLUDE"), "{why}");
}

/// Killed between the commit and the files: asked again, the files follow, and nobody's edit is lost.
#[tokio::test(flavor = "multi_thread")]
async fn files_follow_a_commit_that_they_were_kept_from_following() {
    let repository = Repository::new();
    let door = repository.door(&[]);
    let edits = [edit("new", RecordType::A, &[], &["192.0.2.7"])];
    door.apply(&edits, CAUSE).await.expect("it is written");
    let killed = || repository.git(&["read-tree", "-m", "-u", "HEAD", "HEAD~1"]);
    killed();
    assert!(!text_of(&repository.file()).contains("192.0.2.7\n"), "as a killed process leaves it");
    let again = door.apply(&edits, CAUSE).await.expect("it stands");
    assert_eq!(again.how, How::Already);
    assert!(text_of(&repository.file()).contains("192.0.2.7\n"), "the file follows");
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    // The way back goes through it as well.
    killed();
    door.apply(&[edits[0].reversed()], CAUSE).await.expect("it is taken back");
    assert!(!text_of(&repository.file()).contains("192.0.2.7\n"));
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    // What somebody edited meanwhile stays where it is.
    door.apply(&edits, CAUSE).await.expect("it is written");
    killed();
    repository.append("half IN A 192.0.2.77 ; not done yet");
    let why = door.apply(&edits, CAUSE).await.expect_err("somebody is at it");
    assert_eq!(why.happened(), Happened::Nothing, "{why}");
    assert!(text_of(&repository.file()).contains("not done yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observed_zone_is_read_and_never_written() {
    let bind = Bind::start(&served());
    let authorities = Authorities::new(client(), zone(), &[bind.address()]);
    let door = ObserveDoor::new(authorities, "team `dns`".to_owned());
    let a = RecordType::A;
    let standing = door.standing(&owner("www"), a).await.expect("it is read");
    assert_eq!(standing.map(|set| set.rdata().len()), Some(2));
    let edits = [edit("new", a, &[], &["192.0.2.7"])];
    let why = door.apply(&edits, CAUSE).await.expect_err("only looked at");
    assert!(why.to_string().contains("ask team `dns`"), "{why}");
    assert_eq!(bind.serial(ZONE), 1);
    // Somebody else made the edit: then there is nothing left to do.
    bind.update(ZONE, &format!("update add new.{ZONE}. 300 A 192.0.2.7")).expect_success();
    door.apply(&edits, CAUSE).await.expect("it stands");
}
