//! http-01 against real sockets: what counts as control, and where a look never goes.

use std::time::{Duration, Instant};

use crate::scene::{Reply, Scene, redirect, text, whose};
use bailiwick_connect::validate::{FailureKind, Limits};

const TOKEN: &str = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJyPCt92wrDoA";
const KEY: &str =
    "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJyPCt92wrDoA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI";

/// What a look at `name` gives: the kind of failure and a word that its text must hold.
async fn check(scene: &Scene, name: &str, expected: Result<(), (FailureKind, &str)>) {
    let given = scene.http01(name, TOKEN, KEY).await;
    match (&given, expected) {
        (Ok(_), Ok(())) => {}
        (Err(failed), Err((kind, word))) => {
            assert_eq!(failed.kind, kind, "{name}: {}", failed.saw);
            assert!(failed.saw.contains(word), "{name}: `{word}` is not in: {}", failed.saw);
        }
        _ => panic!("{name}: {given:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn the_key_authorization_and_nothing_else_shows_control() {
    let scene = Scene::start(|request| match request.host() {
        "exact.shop.example" => text(KEY),
        "newline.shop.example" => text(&format!("{KEY}\r\n \t\n")),
        "before.shop.example" => text(&format!(" {KEY}")),
        "longer.shop.example" => text(&format!("{KEY}A")),
        "shorter.shop.example" => text(&KEY[..KEY.len() - 1]),
        "empty.shop.example" => text(""),
        "token.shop.example" => text(TOKEN),
        "escape.shop.example" => text("\u{1b}[31m`hello`"),
        "missing.shop.example" => Reply::raw("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        "created.shop.example" => Reply::raw(&format!(
            "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{KEY}",
            KEY.len()
        )),
        "chunked.shop.example" => Reply::raw(&format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{KEY}\r\n0\r\n\r\n",
            KEY.len()
        )),
        "until-end.shop.example" => Reply::raw(&format!("HTTP/1.0 200 OK\r\n\r\n{KEY}")),
        other => panic!("nobody should ask for {other}"),
    })
    .await;
    for good in ["exact", "newline", "chunked", "until-end"] {
        check(&scene, &format!("{good}.shop.example"), Ok(())).await;
    }
    for bad in ["before", "longer", "shorter", "empty", "token"] {
        let why = (FailureKind::IncorrectResponse, "and not the key authorization");
        check(&scene, &format!("{bad}.shop.example"), Err(why)).await;
    }
    let escaped = (FailureKind::IncorrectResponse, "\\u{1b}[31m\\u{60}hello\\u{60}");
    check(&scene, "escape.shop.example", Err(escaped)).await;
    let status = |word| Err((FailureKind::IncorrectResponse, word));
    check(&scene, "missing.shop.example", status("status 404")).await;
    check(&scene, "created.shop.example", status("status 201")).await;
    let asked = scene.asked();
    assert!(
        asked
            .iter()
            .all(|request| request.path() == format!("/.well-known/acme-challenge/{TOKEN}"))
    );
    assert_eq!(asked[0].header("host").unwrap(), format!("exact.shop.example:{}", scene.port()));
}

#[tokio::test]
async fn where_we_looked_is_told() {
    let scene = Scene::start(|request| match request.host() {
        "a.shop.example" => redirect(&format!("http://b.shop.example:{}/x?y=z", request.port())),
        _ => text(KEY),
    })
    .await;
    let seen = scene.http01("a.shop.example", TOKEN, KEY).await.unwrap();
    let port = scene.port();
    assert_eq!(
        seen.at,
        [
            format!(
                "http://a.shop.example:{port}/.well-known/acme-challenge/{TOKEN} at 127.0.0.1:{port}"
            ),
            format!("http://b.shop.example:{port}/x?y=z at 127.0.0.1:{port}"),
        ]
    );
}

#[tokio::test]
async fn ten_redirects_are_followed_and_no_more() {
    let scene = Scene::start(|request| {
        let left: u32 = match request.path().strip_prefix("/left/") {
            Some(left) => left.parse().unwrap(),
            None => match request.host() {
                "ten.shop.example" => 10,
                "eleven.shop.example" => 11,
                _ => return redirect(request.path()),
            },
        };
        if left == 0 { text(KEY) } else { redirect(&format!("/left/{}", left - 1)) }
    })
    .await;
    check(&scene, "ten.shop.example", Ok(())).await;
    let many = Err((FailureKind::Connection, "more than 10 redirects"));
    check(&scene, "eleven.shop.example", many).await;
    check(&scene, "loop.shop.example", many).await;
}

#[tokio::test]
async fn a_redirect_to_tls_is_followed_whatever_the_certificate() {
    let scene = Scene::start(|request| {
        if request.under_tls() {
            text(KEY)
        } else {
            redirect(&format!("https://tls.shop.example:{}{}", request.port(), request.path()))
        }
    })
    .await;
    check(&scene, "tls.shop.example", Ok(())).await;
}

#[tokio::test]
async fn a_redirect_leads_to_names_and_web_ports_only() {
    let scene = Scene::start(|request| {
        // The label is the number of the case.
        let n: usize = request.host().split('.').next().unwrap()[1..].parse().unwrap();
        redirect(&TARGETS[n].0.replace("{port}", &request.port().to_string()))
    })
    .await;
    for (n, (_, word)) in TARGETS.iter().enumerate() {
        let before = scene.asked().len();
        let failure = Err((FailureKind::Connection, *word));
        check(&scene, &format!("c{n}.shop.example"), failure).await;
        assert_eq!(
            scene.asked().len(),
            before + 1,
            "only the first request was made: {}",
            TARGETS[n].0
        );
    }
}

const IP: &str = "only a DNS name is followed";
const PORT: &str = "only the ports 80 and 443";
const SCHEME: &str = "only http and https";
const FENCED: &str = "is not on the list of networks";

/// Where a hostile server would like to send us, and the word that says why not.
const TARGETS: &[(&str, &str)] = &[
    ("http://127.0.0.1:{port}/", IP),
    ("http://127.1:{port}/", IP),
    ("http://2130706433:{port}/", IP),
    ("http://0x7f000001:{port}/", IP),
    ("http://0x7f.0.0.1:{port}/", IP),
    ("http://0177.0.0.1:{port}/", IP),
    ("http://127.0.0.1.:{port}/", IP),
    ("http://%31%32%37.0.0.1:{port}/", IP),
    ("http://[::1]:{port}/", IP),
    ("http://[::ffff:127.0.0.1]:{port}/", IP),
    ("http://[0:0:0:0:0:ffff:7f00:1]:{port}/", IP),
    ("http://[64:ff9b::7f00:1]:{port}/", IP),
    ("http://169.254.169.254/latest/meta-data/", IP),
    ("//169.254.169.254/latest/meta-data/", IP),
    ("http://[fe80::1%25eth0]/", "the target is no URL"),
    ("http://ok.shop.example:22/", PORT),
    ("http://ok.shop.example:8080/", PORT),
    ("http://ok.shop.example:0/", PORT),
    ("http://ok.shop.example:65536/", "the target is no URL"),
    ("ftp://ok.shop.example/", SCHEME),
    ("file:///etc/passwd", SCHEME),
    ("gopher://ok.shop.example/", SCHEME),
    ("javascript:alert(1)", SCHEME),
    ("data:text/plain,x", SCHEME),
    ("unix:/run/x.sock", SCHEME),
    ("http://user@ok.shop.example:{port}/", "user name"),
    ("http://:secret@ok.shop.example:{port}/", "user name"),
    ("http://", "the target is no URL"),
    ("http://ok..shop.example:{port}/", "the host is not a DNS name"),
    ("http://-ok.shop.example:{port}/", "the host is not a DNS name"),
    ("http://private.fenced.example:{port}/", FENCED),
    ("http://metadata.fenced.example/", FENCED),
    ("http://unique-local.fenced.example:{port}/", FENCED),
    ("http://mapped.fenced.example:{port}/", FENCED),
    ("http://translated.fenced.example:{port}/", FENCED),
    ("http://loopback6.fenced.example:{port}/", FENCED),
    ("http://alias-to-private.fenced.example:{port}/", FENCED),
    ("https://private.fenced.example/", FENCED),
];

#[tokio::test]
async fn a_redirect_without_a_target_is_no_answer() {
    let scene = Scene::start(|request| match request.host() {
        "none.shop.example" => Reply::raw("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"),
        "binary.shop.example" => Reply::Octets(
            b"HTTP/1.1 302 Found\r\nlocation: http://\xff/\r\ncontent-length: 0\r\n\r\n".to_vec(),
        ),
        _ => redirect(&format!("/{}", "x".repeat(3_000))),
    })
    .await;
    let status = Err((FailureKind::IncorrectResponse, "status 302"));
    check(&scene, "none.shop.example", status).await;
    check(&scene, "binary.shop.example", status).await;
    check(&scene, "long.shop.example", Err((FailureKind::Connection, "too long"))).await;
}

#[tokio::test]
async fn only_addresses_inside_the_fence_are_connected_to() {
    let scene = Scene::start(|_| text(KEY)).await;
    for name in ["private", "metadata", "unique-local", "mapped", "translated", "loopback6"] {
        let failure = Err((FailureKind::Connection, FENCED));
        check(&scene, &format!("{name}.fenced.example"), failure).await;
    }
    assert!(scene.asked().is_empty());
    // One address outside, one inside: the one inside answers.
    check(&scene, "mixed.fenced.example", Ok(())).await;
    // Without a list even our own web server is out of reach.
    let outside = scene.validator_with(&[]);
    let failed = outside.http01(&whose("a.shop.example"), TOKEN, KEY).await.unwrap_err();
    assert!(failed.saw.contains("127.0.0.1 is a loopback address"), "{}", failed.saw);
    assert_eq!(scene.asked().len(), 1);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_is_dead() {
    let scene = Scene::start(|_| text(KEY)).await;
    check(&scene, "half-dead.shop.example", Ok(())).await;
    let dead = Err((FailureKind::Connection, "no connection"));
    check(&scene, "dead.shop.example", dead).await;
}

#[tokio::test]
async fn without_an_address_there_is_nothing_to_ask() {
    let scene = Scene::start(|_| text(KEY)).await;
    let no_address = Err((FailureKind::Dns, "publish an A or AAAA record"));
    check(&scene, "txt-only.other.example", no_address).await;
    check(&scene, "nothing.other.example", no_address).await;
    let no_server = Err((FailureKind::Dns, "no server is configured"));
    check(&scene, "www.elsewhere.example", no_server).await;
}

#[tokio::test]
async fn answers_are_bounded_in_size_and_time() {
    let scene = Scene::start(|request| match request.host() {
        "big.shop.example" => text(&"x".repeat(65 * 1024)),
        "headers.shop.example" => {
            Reply::raw(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(100)))
        }
        "header.shop.example" => {
            Reply::raw(&format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024)))
        }
        "garbage.shop.example" => Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"),
        "cut.shop.example" => {
            Reply::raw(&format!("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{KEY}"))
        }
        "closed.shop.example" => Reply::raw(""),
        "silent.shop.example" => Reply::Silence,
        "drip.shop.example" => Reply::Drip,
        _ => text(KEY),
    })
    .await;
    check(&scene, "big.shop.example", Err((FailureKind::Connection, "more than 65536 octets")))
        .await;
    for odd in ["headers", "header", "garbage", "cut", "closed"] {
        let failure = Err((FailureKind::Connection, "not an HTTP answer"));
        check(&scene, &format!("{odd}.shop.example"), failure).await;
    }
    let short = Duration::from_millis(300);
    let limits = Limits { connect_timeout: short, answer_timeout: short, whole_timeout: short * 4 };
    let hasty = scene.validator_with(&["127.0.0.0/8"]).with_limits(limits);
    for slow in ["silent.shop.example", "drip.shop.example"] {
        let began = Instant::now();
        let failed = hasty.http01(&whose(slow), TOKEN, KEY).await.unwrap_err();
        assert_eq!(failed.kind, FailureKind::Connection);
        assert!(failed.saw.contains("no answer within 300ms"), "{}", failed.saw);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
