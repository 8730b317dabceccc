//! A CA whose keys live in a token: SoftHSM signs, and the keys are nowhere else.
//!
//! The module reads its configuration out of the environment of the process that loads it, so that
//! each test runs once more in a process of its own, with a token made for it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the world")]

mod issuer_world;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bailiwick_connect::issuer::{BuiltinIssuer, IssuerFault, IssuerPlan};
use bailiwick_connect::token::{Token, TokenFault, TokenPlace};
use bailiwick_core::certificate::{CrlScope, CrlSpec};
use bailiwick_core::estate::AuthorityKey;
use bailiwick_core::time::DAY_MS;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use issuer_world::{files, is_key_fault, now, plan, random, sealer};

const LABEL: &str = "bailiwick-test";
const PIN: &str = "271828";

/// Debian's places for SoftHSM.
const MODULES: [&str; 2] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];

fn module() -> PathBuf {
    MODULES.map(PathBuf::from).into_iter().find(|path| path.exists()).expect("apt install softhsm2")
}

fn place(label: &str, pin: &str) -> TokenPlace {
    TokenPlace { module: module(), label: label.to_owned(), pin: pin.to_owned().into() }
}

fn token() -> Arc<Token> {
    Token::open(&place(LABEL, PIN)).unwrap()
}

/// Runs the test of this name again in a process that has a fresh token; there it is `inner`.
fn with_token(name: &str, inner: impl FnOnce()) {
    const INSIDE: &str = "BAILIWICK_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return inner();
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let conf = folder.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&conf, text).unwrap();
    let run = |command: &mut Command| {
        let done = command.env("SOFTHSM2_CONF", &conf).output().unwrap();
        let said = [done.stdout, done.stderr].map(|out| String::from_utf8(out).unwrap()).concat();
        assert!(done.status.success(), "{said}");
        said
    };
    for label in [LABEL, "another"] {
        let args =
            ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "31415926"];
        run(Command::new("softhsm2-util").args(args));
    }
    let again = std::env::current_exe().unwrap();
    let said = run(Command::new(again).args(["--exact", name, "--nocapture"]).env(INSIDE, "1"));
    assert!(said.contains("1 passed"), "{said}");
}

fn in_token(token: &Arc<Token>, key: AuthorityKey) -> IssuerPlan {
    IssuerPlan { key, token: Some(Arc::clone(token)), ..plan() }
}

fn open(data: &Path, plan: &IssuerPlan) -> Result<BuiltinIssuer, IssuerFault> {
    let serials = || {
        let mut octets = [0; 16];
        random(&mut octets).then_some(octets)
    };
    BuiltinIssuer::open(&data.join("ca"), plan, &sealer(data), &serials, now())
}

/// Signs a CRL and lets OpenSSL check it against the intermediate.
fn signs(data: &Path, issuer: &BuiltinIssuer) {
    let spec = CrlSpec {
        issuer: issuer.identity().id.clone(),
        scope: CrlScope::Whole,
        number: 1,
        this_update: now(),
        next_update: now().plus_ms(DAY_MS),
        entries: std::collections::BTreeMap::new(),
    };
    std::fs::write(data.join("list.crl"), issuer.sign_crl(&spec).unwrap()).unwrap();
    std::fs::write(data.join("chain.pem"), issuer.chain_pem()).unwrap();
    let checked = Command::new("openssl")
        .args(["crl", "-inform", "DER", "-in", "list.crl", "-CAfile", "chain.pem", "-noout"])
        .current_dir(data)
        .output()
        .unwrap();
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(said.contains("verify OK"), "{said}");
}

#[test]
fn a_ca_of_each_kind_signs_in_the_token_and_is_the_same_after_a_restart() {
    with_token("a_ca_of_each_kind_signs_in_the_token_and_is_the_same_after_a_restart", || {
        for key in AuthorityKey::ALL {
            let data = tempfile::tempdir().unwrap();
            let mut plan = in_token(&token(), *key);
            // Each CA has keys of its own, by its id.
            plan.id = bailiwick_core::names::IssuerId::parse(&format!("ca-{key}")).unwrap();
            let made = open(data.path(), &plan).unwrap();
            signs(data.path(), &made);
            let again = open(data.path(), &in_token_again(&plan)).unwrap();
            assert_eq!(made.certificate_der(), again.certificate_der(), "{key}");
            signs(data.path(), &again);
            let names = files(&data.path().join("ca"));
            let names: Vec<_> = names.iter().map(|(path, _)| path.file_name().unwrap()).collect();
            assert_eq!(names, ["complete", "intermediate.pem", "root.pem"], "no key is in a file");
        }
    });
}

/// The same plan with a token that was opened anew, as after a restart.
fn in_token_again(plan: &IssuerPlan) -> IssuerPlan {
    IssuerPlan { token: Some(token()), ..plan.clone() }
}

#[test]
fn a_ca_that_was_made_in_files_stays_there_whatever_the_estate_says_later() {
    with_token("a_ca_that_was_made_in_files_stays_there_whatever_the_estate_says_later", || {
        let data = tempfile::tempdir().unwrap();
        let made = open(data.path(), &plan()).unwrap();
        let before = files(data.path());
        let later = open(data.path(), &in_token(&token(), AuthorityKey::EcdsaP384)).unwrap();
        assert_eq!(made.certificate_der(), later.certificate_der());
        signs(data.path(), &later);
        let after = files(data.path());
        let kept = |found: &(PathBuf, Vec<u8>)| found.0.starts_with(data.path().join("ca"));
        let [before, after] = [before, after].map(|all| all.into_iter().filter(kept));
        assert!(before.eq(after));
    });
}

#[test]
fn keys_that_are_gone_are_told_and_never_made_anew() {
    with_token("keys_that_are_gone_are_told_and_never_made_anew", || {
        let data = tempfile::tempdir().unwrap();
        open(data.path(), &in_token(&token(), AuthorityKey::EcdsaP256)).unwrap();
        let before = files(data.path());
        let other = Token::open(&place("another", PIN)).unwrap();
        let fault = open(data.path(), &in_token(&other, AuthorityKey::EcdsaP256)).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "token `another` has no key `bailiwick builtin intermediate`; insert the token that \
             has it, or its backup"
        );
        assert_eq!(files(data.path()), before, "nothing was written");
    });
}

#[test]
fn a_token_that_cannot_be_opened_says_what_to_mend() {
    with_token("a_token_that_cannot_be_opened_says_what_to_mend", || {
        let refused = |place: TokenPlace| Token::open(&place).unwrap_err().to_string();
        let none = refused(place("nowhere", PIN));
        assert!(none.starts_with("there is no token `nowhere`; the module shows `"), "{none}");
        assert!(none.contains(LABEL), "{none}");
        let wrong = refused(place(LABEL, "000000"));
        assert!(wrong.contains("refuses the pin; correct BAILIWICK_PKCS11_PIN"), "{wrong}");
        assert!(!wrong.contains("000000"), "{wrong}");
        let module = TokenPlace { module: "/nowhere.so".into(), ..place(LABEL, PIN) };
        let shown = format!("{module:?}");
        assert!(refused(module).contains("the pkcs#11 module `/nowhere.so` cannot be used"));
        assert!(!shown.contains(PIN), "{shown}");
    });
}

#[test]
fn a_key_that_could_be_carried_away_is_refused() {
    with_token("a_key_that_could_be_carried_away_is_refused", || {
        let context = Pkcs11::new(module()).unwrap();
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        let slots = context.get_slots_with_initialized_token().unwrap();
        let is_ours = |slot: &cryptoki::slot::Slot| {
            context.get_token_info(*slot).unwrap().label().trim_end() == LABEL
        };
        let slot = slots.into_iter().find(is_ours).unwrap();
        let session = context.open_rw_session(slot).unwrap();
        session.login(UserType::User, Some(&AuthPin::new(PIN.into()))).unwrap();
        let name = || Attribute::Label("bailiwick builtin root".into());
        let curve =
            bailiwick_wire::x509::curve_parameters(bailiwick_core::certificate::KeyKind::EcdsaP256);
        let public = [Attribute::Token(true), Attribute::EcParams(curve.unwrap()), name()];
        let private =
            [Attribute::Token(true), Attribute::Extractable(true), Attribute::Sign(true), name()];
        session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();

        let data = tempfile::tempdir().unwrap();
        let fault = open(data.path(), &in_token(&token(), AuthorityKey::EcdsaP256)).unwrap_err();
        let exposed = |fault: &_| {
            matches!(fault, bailiwick_connect::keys::KeyFault::Token(TokenFault::Exposed { .. }))
        };
        assert!(is_key_fault(&fault, exposed), "{fault}");
    });
}
