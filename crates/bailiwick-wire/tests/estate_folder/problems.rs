//! Broken folders: each problem is told with its rule and its place.

use bailiwick_wire::estate::{problems_json, read, render_problems, write};

use crate::lab::{Files, files};

/// The lab with one text of one file replaced.
fn with(path: &str, from: &str, to: &str) -> Files {
    let mut all = files();
    let (_, text) = all.iter_mut().find(|(its, _)| its == path).unwrap();
    assert!(text.contains(from), "`{from}` is not in {path}");
    *text = text.replacen(from, to, 1);
    all
}

fn without(path: &str) -> Files {
    let mut all = files();
    all.retain(|(its, _)| its != path);
    all
}

fn and(path: &str, text: &str) -> Files {
    let mut all = files();
    all.push((path.to_owned(), text.to_owned()));
    all
}

/// Places of the problems: `file:line:column rule`.
fn places(files: &Files) -> Vec<String> {
    let problems = read(files).map(|_| ()).unwrap_err();
    problems
        .iter()
        .map(|it| {
            assert!(!it.message.is_empty() && !it.remedy.is_empty(), "{it:?}");
            format!("{}:{}:{} {}", it.file, it.line, it.column, it.rule)
        })
        .collect()
}

#[track_caller]
fn check(files: &Files, expected: &[&str]) {
    let found = places(files);
    assert_eq!(
        found,
        expected,
        "\n{}",
        render_problems(&read(files).map(|_| ()).unwrap_err(), files)
    );
}

const PEOPLE: &str = "people.toml";
const TEAMS: &str = "teams.toml";
const ORGANISATION: &str = "organisation.toml";
const SHOP: &str = "zones/shop.example.toml";
const WEB: &str = "services/shop-web.toml";
const PAY: &str = "services/pay-api.toml";
const PROFILES: &str = "profiles.toml";
const ISSUERS: &str = "issuers.toml";

#[test]
fn the_files_themselves() {
    check(&without(ORGANISATION), &["organisation.toml:1:1 missing-file"]);
    check(&without(PEOPLE), &["people.toml:1:1 missing-file"]);
    check(&and("services.toml", "x = 1\n"), &["services.toml:1:1 unknown-file"]);
    check(&and("zone/other.toml", ""), &["zone/other.toml:1:1 unknown-file"]);
    check(&and("zones/../x.toml", ""), &["zones/../x.toml:1:1 unknown-file"]);
    check(&and(WEB, ""), &["services/shop-web.toml:1:1 duplicate"]);
    check(&and("zones/big.toml", &"#".repeat(1_048_577)), &["zones/big.toml:1:1 too-big"]);
    check(&with(PEOPLE, "[dov]", "[dov"), &["people.toml:7:5 syntax"]);
    check(
        &with(PEOPLE, "[dov]", "[dana]"),
        &[
            "people.toml:7:2 duplicate-key",
            "people.toml:8:1 duplicate-key",
            "people.toml:9:1 duplicate-key",
        ],
    );
    check(
        &with(PEOPLE, "name = \"Dov Amsel\"", "name = \"Dov\"\nname = \"Amsel\""),
        &["people.toml:9:1 duplicate-key"],
    );
    check(
        &and("zones/deep.toml", &format!("x = {}", "[".repeat(500))),
        &["zones/deep.toml:1:85 syntax", "zones/deep.toml:1:505 syntax"],
    );
}

#[test]
fn keys_and_values() {
    check(&with(SHOP, "pattern =", "patern ="), &["zones/shop.example.toml:5:1 unknown-key"]);
    check(
        &with(SHOP, "pattern = \"service-team\"", "pattern = \"service-teams\""),
        &["zones/shop.example.toml:5:11 bad-word"],
    );
    check(
        &with(SHOP, "mode = \"enforce\"", "mode = true"),
        &["zones/shop.example.toml:6:8 wrong-type"],
    );
    check(
        &with(SHOP, "wildcard_allowed = false", "wildcard_allowed = \"no\""),
        &["zones/shop.example.toml:15:20 wrong-type"],
    );
    check(
        &with(SHOP, "lifetime_days_max = 90", "lifetime_days_max = 0"),
        &["zones/shop.example.toml:16:21 bad-number"],
    );
    check(
        &with(SHOP, "lifetime_days_max = 90", "lifetime_days_max = 9.5"),
        &["zones/shop.example.toml:16:21 wrong-type"],
    );
    check(
        &with(SHOP, "lifetime_days_max = 90", "lifetime_days_max = 99999999999999999999"),
        &["zones/shop.example.toml:16:21 bad-number"],
    );
}

#[test]
fn what_zones_and_people_say() {
    check(
        &with(SHOP, "view = \"external\"", "view = \"outside\""),
        &["zones/shop.example.toml:3:8 bad-word"],
    );
    check(&with(SHOP, "[limits]", "[limit]"), &["zones/shop.example.toml:13:2 unknown-key"]);
    check(
        &with(SHOP, "[caa]", "servers = [\"ns1\"]\n[caa]"),
        &["zones/shop.example.toml:10:12 bad-address"],
    );
    check(
        &with(SHOP, "issue = [\"ca.bailiwick.example\"]", "issue = \"ca.bailiwick.example\""),
        &["zones/shop.example.toml:11:9 wrong-type"],
    );
    check(
        &with(SHOP, "issue = [\"ca.bailiwick.example\"]", "issue = [\"ca bailiwick\"]"),
        &["zones/shop.example.toml:11:10 bad-caa"],
    );
    check(
        &with(SHOP, "issue = [\"ca.bailiwick.example\"]", "iodef = [\"pki@corp.example\"]"),
        &["zones/shop.example.toml:11:10 bad-caa"],
    );
    check(
        &with(SHOP, "name = \"shop.example\"", "name = \"shop..example\""),
        &["zones/shop.example.toml:2:8 bad-name"],
    );
    check(
        &with(PEOPLE, "\"sam@corp.example\"", "\"sam at corp\""),
        &["people.toml:21:9 bad-email"],
    );
    check(&with(PEOPLE, "name = \"Sam Okoro\"", "name = \" \""), &["people.toml:20:8 empty-text"]);
    check(
        &with(PEOPLE, "[sam]", "[Sam]"),
        &[
            "people.toml:19:2 bad-id",
            "services/intranet.toml:15:6 unknown-reference",
            "services/shop-web.toml:15:6 unknown-reference",
            "teams.toml:24:12 unknown-reference",
            "teams.toml:25:11 unknown-reference",
        ],
    );
    check(
        &with(PEOPLE, "name = \"Sam Okoro\"", "name = \"Sam\"\nleft = \"last summer\""),
        &["people.toml:21:8 bad-time"],
    );
    check(
        &with(WEB, "verified = 2026-11-01", "verified = 2026-11-01T10:00:00"),
        &["services/shop-web.toml:14:12 bad-time"],
    );
    check(
        &with(WEB, "[duties]", "[duty]"),
        &["services/shop-web.toml:1:1 missing-key", "services/shop-web.toml:7:2 unknown-key"],
    );
}

#[test]
fn what_issuers_and_profiles_say() {
    check(
        &with(ISSUERS, "kind = \"built-in\"", "kind = \"builtin\""),
        &["issuers.toml:4:8 bad-word"],
    );
    check(
        &with(ISSUERS, "environments = [\"production\", \"staging\"]", "environments = []"),
        &["issuers.toml:6:16 empty-list"],
    );
    check(
        &with(PROFILES, "purposes = [\"server\"]", "purposes = [\"server\", \"email\"]"),
        &["profiles.toml:5:23 bad-word"],
    );
    check(
        &with(PROFILES, "rsa_bits_min = 2048", "rsa_bits_min = 1024"),
        &["profiles.toml:7:16 bad-number"],
    );
    check(
        &with(PROFILES, "lifetime_days_max = 90", "lifetime_seconds_max = 10"),
        &["profiles.toml:4:24 bad-number"],
    );
    check(
        &with(
            PROFILES,
            "lifetime_days_max = 90",
            "lifetime_days_max = 90\nlifetime_seconds_max = 3600",
        ),
        &["profiles.toml:5:24 duplicate"],
    );
    check(
        &with(PROFILES, "[short]", "short = 3\n[shorter]"),
        &[
            "issuers.toml:7:41 unknown-reference",
            "profiles.toml:22:1 unknown-key",
            "services/intranet.toml:6:27 unknown-reference",
            "services/shop-web.toml:5:27 unknown-reference",
        ],
    );
}

#[test]
fn profiles_that_cannot_be_meant_are_told_with_their_place() {
    let one = |from: &str, to: &str, expected: &[&str]| check(&with(PROFILES, from, to), expected);
    let first = "lifetime_days_max = 90";
    one(first, "lifetime_seconds_max = 3599", &["profiles.toml:4:24 bad-number"]);
    one(
        first,
        "lifetime_seconds_max = 3600\nbackdate_seconds = 3600",
        &["profiles.toml:5:20 backdate-too-long"],
    );
    one(
        "ocsp_pointer = true",
        "crl_pointer = false",
        &["profiles.toml:4:21 no-revocation-pointer"],
    );
    one(first, "lifetime_days_max = 90\nrules = \"webpki\"", &["profiles.toml:5:9 bad-word"]);
    one(
        first,
        "lifetime_days_max = 201\nrules = \"public-tls\"",
        &["profiles.toml:4:21 not-by-public-rules"],
    );
    one(
        "purposes = [\"client\"]",
        "purposes = [\"client\"]\nrules = \"public-tls\"",
        &["profiles.toml:16:13 not-by-public-rules"],
    );
    one(
        "keys_allowed = [\"ecdsa-p256\", \"ecdsa-p384\", \"rsa\"]",
        "keys_allowed = [\"rsa\", \"ed25519\"]\nrules = \"public-tls\"",
        &["profiles.toml:6:24 not-by-public-rules"],
    );
    one(
        "[tls-server]",
        "[tls-server]\nworkload_uri = true\nrules = \"public-tls\"",
        &[
            "profiles.toml:3:2 not-by-public-rules",
            "services/intranet.toml:1:6 workload-missing",
            "services/pay-api.toml:3:6 workload-missing",
            "services/shop-web.toml:1:6 workload-missing",
        ],
    );
}

#[test]
fn a_workload_is_one_service_s_and_spelled_as_spiffe_says() {
    let workload = |id: &str| format!("id = \"pay-api\"\nworkload = \"{id}\"");
    let with_pay = |id: &str| with(PAY, "id = \"pay-api\"", &workload(id));
    check(&with_pay("spiffe://Example.org/pay"), &["services/pay-api.toml:4:12 bad-workload"]);
    assert!(read(&with_pay("spiffe://example.org/pay")).is_ok());
    let mut both = with_pay("spiffe://example.org/pay");
    let (_, web) = both.iter_mut().find(|(path, _)| path == WEB).unwrap();
    *web = format!("workload = \"spiffe://example.org/pay\"\n{web}");
    check(&both, &["services/shop-web.toml:1:12 two-owners"]);
}

#[test]
fn how_a_ca_is_made_is_checked() {
    let one = |line: &str, expected: &[&str]| {
        let to = format!("kind = \"built-in\"\n{line}");
        check(&with(ISSUERS, "kind = \"built-in\"", &to), expected);
    };
    one("key = \"dsa\"", &["issuers.toml:5:7 bad-word"]);
    one("name_constraints = [\"zones\", \"-\"]", &["issuers.toml:5:30 bad-name"]);
    check(&with(ISSUERS, "crl_parts = 4", "crl_parts = 1"), &["issuers.toml:9:13 bad-number"]);
    let dotted = with(ISSUERS, "[house]", "[\"house..2\"]");
    assert!(places(&dotted).contains(&"issuers.toml:3:2 bad-id".to_owned()));
}

#[test]
fn what_public_cas_say() {
    let public = "\n[public]\nkind = \"acme\"\ncaa_domains = [\"ca.example\"]\nenvironments = [\"production\"]\n\
        profiles = [\"tls-server\"]\ndirectory = \"https://ca.example/directory\"\n";
    let with_public = |more: &str| {
        let mut all = files();
        let (_, text) = all.iter_mut().find(|(its, _)| its == ISSUERS).unwrap();
        text.push_str(public);
        text.push_str(more);
        all
    };
    let line = files().iter().find(|(its, _)| its == ISSUERS).unwrap().1.lines().count() + 8;
    read(&with_public("")).unwrap();
    read(&with_public("ca_profiles = { tls-server = \"classic\" }\n")).unwrap();
    for (more, rule) in [
        ("binding = 3", ":11 wrong-type"),
        ("contacts = [\"tel:+1\"]", ":13 bad-contact"),
        ("trust_roots = \"no pem\"", ":15 bad-certificate"),
        ("ca_profiles = { strange = \"classic\" }", ":17 unknown-reference"),
        ("acount = \"x\"", ":1 unknown-key"),
    ] {
        check(&with_public(more), &[&format!("{ISSUERS}:{line}{rule}")]);
    }
    let mut ours = files();
    let (_, text) = ours.iter_mut().find(|(its, _)| its == ISSUERS).unwrap();
    *text = text.replacen("kind = \"built-in\"", "kind = \"built-in\"\nbinding = \"x\"", 1);
    assert!(places(&ours).iter().all(|place| place.ends_with("unknown-key")));
    for (url, fine) in [
        ("https://ca.example/dir", true),
        ("http://ca.example/dir", false),
        ("https://", false),
        ("https://u@ca.example/", false),
    ] {
        let mut all = with_public("");
        let (_, text) = all.iter_mut().find(|(its, _)| its == ISSUERS).unwrap();
        *text = text.replacen("https://ca.example/directory", url, 1);
        assert_eq!(read(&all).is_ok(), fine, "{url}");
    }
}

#[test]
fn what_ways_into_zones_say() {
    let connector =
        |lines: &str| with(SHOP, "[limits]", &format!("[connector]\n{lines}\n[limits]"));
    for fine in [
        "kind = \"rfc2136\"\nserver = \"192.0.2.1\"\nkey = \"bailiwick\"",
        "kind = \"powerdns\"\nurl = \"https://ns1.example:8081/api/v1/servers/localhost\"",
        "kind = \"powerdns\"\nurl = \"http://127.0.0.1:8081/api/v1/servers/localhost\"",
        "kind = \"cloudflare\"\nzone_id = \"0123456789abcdef0123456789ABCDEF\"",
        "kind = \"cloudflare\"\nzone_id = \"0123456789abcdef0123456789abcdef\"\nurl = \"https://proxy.example/client/v4\"",
        "kind = \"git\"\nrepository = \"/srv/zones\"\nbranch = \"main\"\nfile = \"shop.example.zone\"",
        "kind = \"observe\"\n[transfer]\nserver = \"192.0.2.1\"\nkey = \"bailiwick\"",
    ] {
        let estate = read(&connector(fine)).unwrap();
        assert_eq!(read(&write(&estate)).unwrap(), estate, "{fine}");
    }
    for (lines, rules) in [
        ("kind = \"rfc2136\"\nserver = \"192.0.2.1\"", &["missing"][..]),
        ("kind = \"ftp\"\nserver = \"ns1\"\nkey = \"-\"", &["bad-word"]),
        ("kind = \"rfc2136\"\nserver = \"ns1\"\nkey = \"-\"", &["bad-address", "bad-name"]),
        ("kind = \"powerdns\"\nurl = \"http://ns1.example/api\"", &["bad-url"]),
        ("kind = \"powerdns\"\nurl = \"https://key@ns1.example/api\"", &["bad-url"]),
        ("kind = \"powerdns\"\nserver = \"192.0.2.1\"", &["unknown-key", "missing"]),
        ("kind = \"cloudflare\"", &["missing"]),
        ("kind = \"cloudflare\"\nzone_id = \"shop.example\"", &["bad-word"]),
        (
            "kind = \"cloudflare\"\nzone_id = \"0123456789abcdef0123456789abcdef\"\nurl = \"http://ns1.example\"",
            &["bad-url"],
        ),
        (
            "kind = \"git\"\nrepository = \"zones\"\nbranch = \"-x\"\nfile = \"../passwd\"",
            &["bad-path", "bad-word", "bad-path"],
        ),
        ("kind = \"git\"\nrepository = \"/srv/zones\"\nbranch = \"main\"", &["missing"]),
        ("kind = \"observe\"\nkey = \"x\"", &["unknown-key"]),
        ("kind = \"observe\"\n[transfer]\nkey = \"-\"", &["missing", "bad-name"]),
    ] {
        let found = places(&connector(lines));
        assert_eq!(found.len(), rules.len(), "{found:?}");
    }
}

#[test]
fn a_canary_is_sent_for_no_name_that_a_service_uses() {
    let agreed = |forbidden: &str| {
        let mut all = with(
            SHOP,
            "[limits]",
            "[connector]\nkind = \"rfc2136\"\nserver = \"192.0.2.1\"\nkey = \"bailiwick\"\n[limits]",
        );
        let (_, text) = all.iter_mut().find(|(its, _)| its == ISSUERS).unwrap();
        text.push_str(
            "\n[public]\nkind = \"acme\"\ncaa_domains = [\"ca.example\"]\n\
             environments = [\"production\"]\nprofiles = [\"tls-server\"]\n\
             directory = \"https://ca.example/directory\"\n[public.canary]\n\
             directory = \"https://staging.ca.example/directory\"\n\
             permitted = \"ok.canary.shop.example\"\n",
        );
        text.push_str(&format!("forbidden = \"{forbidden}\"\n"));
        all
    };
    read(&agreed("no.canary.shop.example")).unwrap();
    let problems = read(&agreed("www.shop.example")).map(|_| ()).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let one = &problems[0];
    let says = "`www.shop.example` is a name of service `shop-web`, and no canary is sent for a name that \
                is used";
    assert_eq!((one.rule.to_string().as_str(), one.message.as_str()), ("canary-of-service", says));
    assert!(one.remedy.contains("`public`") && one.file == ISSUERS, "{one:?}");
}

#[test]
fn names_and_their_owners() {
    check(
        &with(WEB, "\"api.shop.example\"", "\"api.shop.example.org\""),
        &["services/shop-web.toml:4:46 name-outside-zones"],
    );
    check(
        &with(WEB, "\"api.shop.example\"", "\"intra.corp.example\""),
        &["services/shop-web.toml:4:46 two-owners"],
    );
    check(
        &with("services/intranet.toml", "view = \"internal\"", "view = \"external\""),
        &["services/intranet.toml:5:10 name-outside-zones"],
    );
    check(
        &with(WEB, "\"api.shop.example\"", "\"API.shop.example.\", \"api.shop.example\""),
        &["services/shop-web.toml:4:67 duplicate"],
    );
    check(
        &with(WEB, "\"api.shop.example\"", "\"api_1.shop.example\""),
        &["services/shop-web.toml:4:46 bad-name"],
    );
    check(
        &with(WEB, "\"api.shop.example\"", "\"api.pay.example\""),
        &["services/shop-web.toml:4:46 two-owners"],
    );
    check(
        &with(WEB, "profiles =", "below = [\"pay.example\"]\nprofiles ="),
        &["services/pay-api.toml:6:10 two-owners"],
    );
    check(
        &with(WEB, "\"api.shop.example\"", "\"*.pay.example\""),
        &["services/pay-api.toml:6:10 two-owners"],
    );
    let two = with(WEB, "profiles =", "below = [\"shop.example\"]\nprofiles =");
    let mut nested = two.clone();
    nested.extend(
        with(PAY, "names = [\"api.pay.example\"]", "below = [\"x.shop.example\"]")
            .into_iter()
            .filter(|(path, _)| path == PAY)
            .map(|(_, text)| {
                ("services/z.toml".to_owned(), text.replace("id = \"pay-api\"", "id = \"z\""))
            }),
    );
    check(&nested, &["services/z.toml:6:10 two-owners"]);
    check(
        &and("services/twice.toml", &files().iter().find(|(path, _)| path == WEB).unwrap().1),
        &["services/twice.toml:1:6 duplicate"],
    );
    check(&with(WEB, "names = [", "names = [] # ["), &["services/shop-web.toml:4:9 empty-list"]);
}

#[test]
fn references_and_duties() {
    check(
        &with(SHOP, "operator = \"dns\"", "operator = \"dms\""),
        &["zones/shop.example.toml:8:12 unknown-reference"],
    );
    check(
        &with(ORGANISATION, "control_owner = \"security\"", "control_owner = \"nobody\""),
        &["organisation.toml:4:17 unknown-reference"],
    );
    check(
        &with(ORGANISATION, "administrators = [\"dana\"]", "administrators = [\"diana\"]"),
        &["organisation.toml:8:19 unknown-reference"],
    );
    check(
        &with(WEB, "profiles = [\"tls-server\", \"short\"]", "profiles = [\"tls-sever\"]"),
        &["services/shop-web.toml:5:13 unknown-reference"],
    );
    check(
        &with(ISSUERS, "\"workload\"]", "\"workloads\"]"),
        &["issuers.toml:7:50 unknown-reference"],
    );
    check(
        &with(TEAMS, "members = [\"sam\", \"sue\"]", "members = [\"sam\", \"sue\", \"sid\"]"),
        &["teams.toml:24:26 unknown-reference"],
    );
}

#[test]
fn teams_and_the_duties_they_hold() {
    check(
        &with(TEAMS, "members = [\"sam\", \"sue\"]", "members = []"),
        &["teams.toml:25:11 team-without-people"],
    );
    check(
        &with(TEAMS, "on_call = \"sam\"", "on_call = \"pat\""),
        &["teams.toml:25:11 not-a-member"],
    );
    check(
        &with(TEAMS, "deputy = \"sue\"", "deputy = \"sam\""),
        &["teams.toml:26:10 deputy-is-on-call"],
    );
    check(
        &with(
            TEAMS,
            "members = [\"pia\", \"sol\"]",
            "members = [\"pia\", \"sol\"]\nparts = [\"security\"]",
        ),
        &["teams.toml:7:11 team-circle", "teams.toml:14:11 team-circle"],
    );
    let left = |files: Files, who: &str| {
        let mut files = files;
        let (_, text) = files.iter_mut().find(|(path, _)| path == PEOPLE).unwrap();
        *text = text.replace(&format!("[{who}]\n"), &format!("[{who}]\nleft = 2026-01-01\n"));
        files
    };
    check(
        &left(left(files(), "dana"), "dov"),
        &[
            "services/intranet.toml:10:12 duty-without-person",
            "services/intranet.toml:11:21 duty-without-person",
            "teams.toml:19:11 team-without-people",
            "zones/corp.example.internal.toml:8:12 duty-without-person",
            "zones/pay.example.toml:8:12 duty-without-person",
            "zones/shop.example.toml:8:12 duty-without-person",
        ],
    );
    let third =
        with(TEAMS, "members = [\"dana\", \"dov\"]", "members = [\"dana\", \"dov\", \"abe\"]");
    check(
        &left(left(third, "dana"), "dov"),
        &[
            "services/intranet.toml:10:12 duty-without-person",
            "services/intranet.toml:11:21 duty-without-person",
            "zones/corp.example.internal.toml:8:12 duty-without-person",
            "zones/pay.example.toml:8:12 duty-without-person",
            "zones/shop.example.toml:8:12 duty-without-person",
        ],
    );
}

#[test]
fn exceptions_and_envelopes() {
    let exception = "[e1]\nzone = \"shop.example\"\nrule = \"lifetime-too-long\"\nreason = \"an appliance\"\n\
        approver = \"pia\"\ncompensating_control = \"watched daily\"\nuntil = 2027-01-31\n";
    assert!(read(&and("exceptions.toml", exception)).is_ok());
    let broken = |from: &str, to: &str| and("exceptions.toml", &exception.replace(from, to));
    check(&broken("until = 2027-01-31\n", ""), &["exceptions.toml:1:2 exception-without-end"]);
    check(
        &broken("lifetime-too-long", "lifetime-to-long"),
        &["exceptions.toml:3:8 unknown-reference"],
    );
    check(
        &broken("lifetime-too-long", "owner-changed"),
        &["exceptions.toml:3:8 exception-not-allowed"],
    );
    check(&broken("zone = \"shop.example\"\n", ""), &["exceptions.toml:1:2 exception-scope"]);
    check(
        &broken(
            "zone = \"shop.example\"\n",
            "zone = \"shop.example\"\nname = \"www.shop.example\"\n",
        ),
        &["exceptions.toml:1:2 exception-scope"],
    );
    check(&broken("shop.example", "shop.example/inside"), &["exceptions.toml:2:8 bad-id"]);
    check(&broken("\"pia\"", "\"pit\""), &["exceptions.toml:5:12 unknown-reference"]);
    check(&broken("reason = \"an appliance\"\n", ""), &["exceptions.toml:1:2 missing-key"]);
    let envelope = "\n[envelopes.first]\nnames = [\"api.pay.example\"]\nissuer = \"house\"\n\
        profiles = [\"tls-server\"]\nuntil = 2027-01-31\nuses_max = 5\nreason = \"go live\"\n";
    let with_envelope = |from: &str, to: &str| {
        let mut all = files();
        let (_, text) = all.iter_mut().find(|(path, _)| path == PAY).unwrap();
        text.push_str(&envelope.replace(from, to));
        all
    };
    assert!(read(&with_envelope("", "")).is_ok());
    check(
        &with_envelope("api.pay.example", "www.shop.example"),
        &["services/pay-api.toml:19:10 envelope-outside-service"],
    );
    check(
        &with_envelope("tls-server", "short"),
        &["services/pay-api.toml:21:13 envelope-outside-service"],
    );
    check(
        &with_envelope("until = 2027-01-31\n", ""),
        &["services/pay-api.toml:18:12 envelope-without-end"],
    );
    check(&with_envelope("house", "hose"), &["services/pay-api.toml:20:10 unknown-reference"]);
    check(
        &with_envelope("envelopes.first", "envelopes.the-very-first-of-them"),
        &["services/pay-api.toml:18:12 bad-id"],
    );
}

#[test]
fn policies() {
    let own = "policies/payments.cedar";
    check(
        &with(own, "forbid (principal", "forbid (principals"),
        &["policies/payments.cedar:9:9 policy-syntax"],
    );
    check(
        &with(own, "context.csr.key_kind)", "context.csr.key_king)"),
        &["policies/payments.cedar:12:43 policy-schema"],
    );
    check(
        &with(own, "context.csr has key_kind &&", ""),
        &["policies/payments.cedar:12:43 policy-schema"],
    );
    check(
        &with(own, "@id(\"payments-key\")", "@id(\"caa-forbids\")"),
        &["policies/payments.cedar:3:1 policy-duplicate"],
    );
    check(
        &with(own, "@zone(\"pay.example\")", "@zone(\"play.example\")"),
        &["policies/payments.cedar:3:1 policy-scope"],
    );
    check(
        &with(own, "@zone(\"pay.example\")", "@profile(\"tls-sever\")"),
        &["policies/payments.cedar:3:1 policy-scope"],
    );
    check(
        &with(own, "@grantable(\"zone.policy_owner\")", "@grantable(\"me\")"),
        &["policies/payments.cedar:3:1 policy-annotation"],
    );
    check(&and("policies/empty.cedar", "permit"), &["policies/empty.cedar:1:7 policy-syntax"]);
}

#[test]
fn every_problem_of_every_file_at_once() {
    let mut files = with(SHOP, "pattern =", "patern =");
    for (path, from, to) in [
        (WEB, "\"api.shop.example\"", "\"api.shop.example.org\""),
        (TEAMS, "on_call = \"sam\"", "on_call = \"pat\""),
        ("policies/payments.cedar", "forbid (principal", "forbid (principals"),
    ] {
        let (_, text) = files.iter_mut().find(|(its, _)| its == path).unwrap();
        *text = text.replacen(from, to, 1);
    }
    check(
        &files,
        &[
            "policies/payments.cedar:9:9 policy-syntax",
            "services/shop-web.toml:4:46 name-outside-zones",
            "teams.toml:25:11 not-a-member",
            "zones/shop.example.toml:5:1 unknown-key",
        ],
    );
}

#[test]
fn a_problem_reads_like_this() {
    let files = with(SHOP, "pattern = \"service-team\"", "patern = \"service-team\"");
    let problems = read(&files).map(|_| ()).unwrap_err();
    assert_eq!(
        render_problems(&problems, &files),
        "error[unknown-key]: there is no key `patern` here; did you mean `pattern`?
 --> zones/shop.example.toml:5:1
  |
5 | patern = \"service-team\"
  | ^^^^^^
  = help: use one of `name`, `view`, `class`, `pattern`, `mode`, `policy_owner`, `operator`, `servers`, `connector`, `transfer`, `caa`, `caa_below`, `limits`, `gates`, `delegation`

"
    );
    let files = with(WEB, "\"api.shop.example\"", "\"api.pay.example\"");
    let problems = read(&files).map(|_| ()).unwrap_err();
    assert_eq!(
        render_problems(&problems, &files),
        "error[two-owners]: service `shop-web` owns `api.pay.example`, and service `pay-api` owns `api.pay.example`: two owners of one name
 --> services/shop-web.toml:4:46
  |
4 | names = [\"shop.example\", \"www.shop.example\", \"api.pay.example\"]
  |                                              ^^^^^^^^^^^^^^^^^
  = help: give it to one of them; the other stands at services/pay-api.toml:6:10

"
    );
    assert_eq!(
        problems_json(&problems),
        serde_json::json!({ "problems": [{
            "file": "services/shop-web.toml",
            "line": 4,
            "column": 46,
            "length": 17,
            "rule": "two-owners",
            "message": "service `shop-web` owns `api.pay.example`, and service `pay-api` owns \
                        `api.pay.example`: two owners of one name",
            "remedy": "give it to one of them; the other stands at services/pay-api.toml:6:10",
        }] })
    );
}

#[test]
fn hostile_text_is_shown_and_obeyed_by_nobody() {
    let evil = "name = \"\u{202e}moc.elpmaxe\u{1b}]0;x\u{7}\"";
    let files = with(SHOP, "name = \"shop.example\"", evil);
    let rendered = render_problems(&read(&files).map(|_| ()).unwrap_err(), &files);
    assert!(!rendered.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{rendered}");
    let long = with(SHOP, "name = \"shop.example\"", &format!("name = \"{}\"", "a.".repeat(5_000)));
    let rendered = render_problems(&read(&long).map(|_| ()).unwrap_err(), &long);
    assert!(rendered.lines().all(|line| line.chars().count() < 400), "{rendered}");
    let wide = with(PEOPLE, "name = \"Sam Okoro\"", "name = \"Sämüel 李 Okoro\"\nlaft = 1");
    check(&wide, &["people.toml:21:1 unknown-key"]);
    let after =
        with(PEOPLE, "[sam]\nname = \"Sam Okoro\"", "[sam]\nname = \"李\" # 李\nlaft = \"é\"");
    check(&after, &["people.toml:21:1 unknown-key"]);
}

#[test]
fn garbage_is_refused_and_never_more() {
    let mut seed = 20_261_122_u64;
    let mut next = |end: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap() % end
    };
    let base = files();
    let pieces = [
        "\"",
        "[",
        "]",
        "=",
        "\n",
        "#",
        "{",
        "}",
        "'''",
        "\u{0}",
        "\u{feff}",
        "é",
        "-",
        "1979-05-27",
        "nan",
        "true",
        "[[x]]",
        "\\u",
        "\u{202e}",
        "shop",
        "*.",
        "xn--a",
        ",",
        ".",
        "\"\"\"",
        "inf",
        "0x",
        "9e9",
    ];
    let mut refused = 0;
    for _ in 0..1_500 {
        let mut all = base.clone();
        let at = next(all.len());
        let text = &mut all[at].1;
        for _ in 0..=next(3) {
            let mut cut = next(text.len() + 1);
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            text.insert_str(cut, pieces[next(pieces.len())]);
        }
        if let Err(problems) = read(&all) {
            refused += 1;
            assert!(!render_problems(&problems, &all).is_empty());
            let lines = |file: &str| {
                all.iter().find(|(path, _)| path == file).map(|(_, text)| text.lines().count())
            };
            for problem in problems {
                let lines = lines(&problem.file).unwrap_or(0);
                assert!(problem.line >= 1 && problem.line <= lines + 1, "{problem:?}");
            }
        }
    }
    assert!(refused > 1_000, "{refused}");
}
