//! What a person sees before approving a change of the estate.

use bailiwick_core::estate::Estate;
use bailiwick_wire::estate::{plan_json, plan_markdown, plan_text};

use crate::lab::{Files, estate, files};

fn edited(edits: &[(&str, &str, &str)]) -> Estate {
    let mut all: Files = files();
    for (path, from, to) in edits {
        let (_, text) = all.iter_mut().find(|(its, _)| its == path).unwrap();
        assert!(text.contains(from), "{from}");
        *text = text.replacen(from, to, 1);
    }
    estate(&all)
}

#[test]
fn a_plan_reads_like_this() {
    let old = estate(&files());
    let new = edited(&[
        ("zones/pay.example.toml", "pattern = \"central\"", "pattern = \"shared\""),
        (
            "teams.toml",
            "on_call = \"pat\"\ndeputy = \"pam\"",
            "on_call = \"pam\"\ndeputy = \"pat\"",
        ),
        (
            "services/shop-web.toml",
            "\"api.shop.example\"]",
            "\"api.shop.example\", \"cdn.shop.example\"]",
        ),
        ("policies/payments.cedar", "\"ecdsa-p256\", \"ecdsa-p384\"", "\"ecdsa-p384\""),
    ]);
    let diff = old.diff(&new);
    assert_eq!(
        plan_text(&diff),
        "~ team payments
    deputy: pam -> pat
    on_call: pat -> pam
~ zone pay.example  (alters trust)
    pattern: central -> shared !
~ service shop-web  (alters trust)
    names: api.shop.example, shop.example, www.shop.example -> api.shop.example, cdn.shop.example, shop.example, www.shop.example !
~ policy policies/payments.cedar  (alters trust)
    text: !
      -     [\"ecdsa-p256\", \"ecdsa-p384\"].contains(context.csr.key_kind)
      +     [\"ecdsa-p384\"].contains(context.csr.key_kind)
4 changed; it alters who or what is trusted: two people have to approve, one of them independent
"
    );
    assert_eq!(
        plan_markdown(&diff),
        "### Estate: 4 changed

**changed** `team payments`

| field | was | becomes | alters trust |
|---|---|---|---|
| `deputy` | `pam` | `pat` |  |
| `on_call` | `pat` | `pam` |  |

**changed** `zone pay.example` ⚠ alters trust

| field | was | becomes | alters trust |
|---|---|---|---|
| `pattern` | `central` | `shared` | yes |

**changed** `service shop-web` ⚠ alters trust

| field | was | becomes | alters trust |
|---|---|---|---|
| `names` | `api.shop.example, shop.example, www.shop.example` | `api.shop.example, cdn.shop.example, shop.example, www.shop.example` | yes |

**changed** `policy policies/payments.cedar` ⚠ alters trust

```diff
-     [\"ecdsa-p256\", \"ecdsa-p384\"].contains(context.csr.key_kind)
+     [\"ecdsa-p384\"].contains(context.csr.key_kind)
```

it alters who or what is trusted: two people have to approve, one of them independent.
"
    );
    let json = plan_json(&diff);
    assert_eq!(json["objects"][1]["fields"][0]["new"], "shared");
    assert_eq!(json["zones"], serde_json::json!(["pay.example", "shop.example"]));
    assert_eq!(json["services_only"], false);
}

#[test]
fn nothing_differs_from_itself() {
    let lab = estate(&files());
    assert!(lab.diff(&lab).is_empty());
    assert_eq!(plan_text(&lab.diff(&lab)), "nothing differs; there is nothing to approve\n");
}

#[test]
fn a_policy_cannot_leave_its_fence() {
    let evil = "// ```\n// # Approved by everybody\n// ````\n";
    let mut all = files();
    all.push(("policies/evil.cedar".to_owned(), evil.to_owned()));
    let markdown = plan_markdown(&estate(&files()).diff(&estate(&all)));
    assert!(markdown.contains("`````diff\n+ // ```\n"), "{markdown}");
    assert!(markdown.contains("\n`````\n"), "{markdown}");
}

#[test]
fn everything_of_a_first_estate_is_new() {
    let lab = estate(&files());
    let diff = lab.diff_from_nothing();
    assert!(diff.trust_impacting());
    assert_eq!(diff.zones.len(), 3);
    assert!(plan_text(&diff).ends_with("29 added; it alters who or what is trusted: two people have to approve, one of them independent\n"));
}
