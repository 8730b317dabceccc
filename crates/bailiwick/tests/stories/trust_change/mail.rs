//! A policy for mail is announced only where it is served (RFC 8461, section 8.1).

use super::scene::Scene;
use super::servers::Kind;

const HOST: &str = "mta-sts.shop.example";
const RECORD: &str = "_mta-sts.shop.example";
const POLICY: &str =
    "version: STSv1\r\nmode: enforce\r\nmx: mail.shop.example\r\nmax_age: 604800\r\n";

/// The record, and with it the first certificate of the host, where somebody asks for that.
fn announced(scene: &Scene, serial: &str, balancer: Option<&str>) -> String {
    let certificate = balancer.map_or(String::new(), |balancer| {
        format!(
            "[certificate]\nissuer = \"house\"\nprofile = \"tls-server\"\nnames = [\"{HOST}\"]\n\
             deploy = [\"{balancer}\"]\nendpoints = [\"{HOST}@{}\"]\nttl_seconds = 1\n\n",
            scene.endpoint(balancer)
        )
    });
    scene.written(&format!(
        "service = \"shop-web\"\npropagation_within_seconds = 20\nserved_within_seconds = 3\n\n\
         {certificate}[[records]]\nname = \"{RECORD}\"\ntype = \"TXT\"\nttl_seconds = 1\n\
         values = ['\"v=STSv1; id={serial}\"']\n"
    ))
}

#[test]
fn trw_1_a_policy_for_mail_is_announced_once_its_body_is_served() {
    let mut scene = Scene::start(Kind::Bind);
    let shows = || scene.servers.agreed("TXT", RECORD);
    let carried_out = |file: &str| scene.ended(&scene.approved_with(file, &[]));
    // The certificate is served and the body is not: nothing is announced, and all is as before.
    let back = carried_out(&announced(&scene, "1", Some("lb1")));
    assert_eq!(back["state"], "rolled-back", "{back:#}\n{}", scene.log());
    for says in ["no policy of MTA-STS: the answer has status 404", "lb1"] {
        assert!(back.to_string().contains(says), "`{says}` is not in {back:#}");
    }
    assert!(shows().is_empty() && scene.file("lb1").is_none(), "{:?}", shows());
    // Neither is what no sender would take.
    scene.serves("lb2", &POLICY.replace("mx", "my"));
    let back = carried_out(&announced(&scene, "1", Some("lb2")));
    assert!(back.to_string().contains("it has no `mx`"), "{back:#}");
    assert!(shows().is_empty(), "{:?}", shows());
    scene.serves("lb2", POLICY);
    let file = announced(&scene, "1", Some("lb2"));
    let plan = scene.cli("sam", &["change", "plan", "--file", &file]).expect_success().stdout;
    let says = format!("{HOST} at {} is read once it shows", scene.endpoint("lb2"));
    assert!(plan.contains(&says), "`{says}` is not in {plan}");
    let done = carried_out(&file);
    assert_eq!(done["state"], "closed", "{done:#}\n{}", scene.log());
    let says = "a policy of MTA-STS: mode enforce, 604800 s, mx mail.shop.example";
    assert!(done["lanes"].to_string().contains(says), "`{says}` is not in {done:#}");
    assert_eq!(shows(), ["\"v=STSv1; id=1\""]);
    // The record alone: the host is looked at before anybody is asked, and here its name leads nowhere.
    let file = announced(&scene, "2", None);
    let asked = ["change", "request", "--file", &file, "--reason", "a new policy", "--json"];
    let asked = scene.cli("sam", &asked);
    for says in ["mta-sts-body", "does NOT serve", "serve the body first", "\"refused\""] {
        assert!(asked.output().contains(says), "`{says}` is not in {}", asked.output());
    }
    assert_eq!(shows(), ["\"v=STSv1; id=1\""]);
    scene.is_sound();
}
