//! Questions about an estate: who owns, who answers, since when, what changes.

use std::collections::BTreeSet;

use bailiwick_core::estate::{
    ActiveEstate, Duties, Estate, EstateHistory, NoPerson, ObjectKind, OnDuty, OwnerIndex, Pattern,
    View, ZoneNames,
};
use bailiwick_core::names::{DnsName, SanName, ServiceId};
use bailiwick_core::time::Time;

use crate::world::*;

fn dns(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

#[test]
fn a_name_lies_in_the_zone_with_the_longest_apex_of_its_view() {
    let mut estate = estate();
    let inner = estate.zones[&zone("shop.example")].clone();
    estate.zones.insert(zone("eu.shop.example"), inner.clone());
    estate.zones.insert(zone("shop.example/internal"), inner);
    let check = |name: &str, view, expected: Option<&str>| {
        let found = estate.zone_of(&dns(name), view).map(|(key, _)| key.to_string());
        assert_eq!(found.as_deref(), expected, "{name}");
    };
    check("www.shop.example", View::External, Some("shop.example"));
    check("a.eu.shop.example", View::External, Some("eu.shop.example"));
    check("eu.shop.example", View::External, Some("eu.shop.example"));
    check("a.eu.shop.example", View::Internal, Some("shop.example/internal"));
    check("noteu.shop.example", View::External, Some("shop.example"));
    check("badshop.example", View::External, None);
    check("example", View::External, None);
    let both: Vec<String> = estate
        .zones_of(&dns("a.eu.shop.example"), None)
        .iter()
        .map(|it| it.0.to_string())
        .collect();
    assert_eq!(both, ["eu.shop.example", "shop.example/internal"]);
}

#[test]
fn the_names_of_a_zone_are_found_as_if_all_services_were_looked_through() {
    let mut estate = estate();
    let inner = estate.zones[&zone("shop.example")].clone();
    estate.zones.insert(zone("eu.shop.example"), inner.clone());
    estate.zones.insert(zone("shop.example/internal"), inner);
    let web = estate.services.get_mut(&service("shop-web")).unwrap();
    web.below.insert(dns("svc.shop.example"));
    web.names.extend([name("a.eu.shop.example"), name("*.eu.shop.example"), name("nowhere.test")]);
    estate.services.get_mut(&service("intranet")).unwrap().view = Some(View::Internal);
    estate.services.get_mut(&service("intranet")).unwrap().names.insert(name("in.shop.example"));
    let index = ZoneNames::of(&estate);
    for key in estate.zones.keys() {
        let here = estate.services.values().filter(|one| one.view.is_none_or(|it| it == key.view));
        let names =
            here.flat_map(|one| one.names.iter().filter_map(SanName::dns).chain(&one.below));
        let lies = |one: &&DnsName| estate.zone_of(one, key.view).is_some_and(|(at, _)| at == key);
        let walked: BTreeSet<&DnsName> = names.filter(lies).collect();
        assert_eq!(index.in_zone(key).collect::<BTreeSet<_>>(), walked, "{key}");
    }
    let holds = |key: &str| index.in_zone(&zone(key)).any(|one| *one == dns("in.shop.example"));
    assert!(holds("shop.example/internal") && !holds("shop.example"));
}

#[test]
fn owners_are_found_by_exact_name_then_by_the_closest_below() {
    let mut estate = estate();
    estate.services.get_mut(&service("shop-web")).unwrap().below.insert(dns("svc.shop.example"));
    estate.services.get_mut(&service("intranet")).unwrap().below.insert(dns("in.svc.shop.example"));
    estate.services.get_mut(&service("pay-api")).unwrap().names.insert(name("x.svc.shop.example"));
    let index = OwnerIndex::of(&estate);
    let check = |text: &str, expected: Option<&str>| {
        let found = estate.service_owning(&name(text)).map(|(id, _)| id.as_str());
        assert_eq!(found, expected, "{text}");
        assert_eq!(index.owner(&name(text)).map(ServiceId::as_str), expected, "{text} by index");
    };
    check("www.shop.example", Some("shop-web"));
    check("a.svc.shop.example", Some("shop-web"));
    check("a.b.svc.shop.example", Some("shop-web"));
    check("a.in.svc.shop.example", Some("intranet"));
    check("x.svc.shop.example", Some("pay-api"));
    check("svc.shop.example", None);
    check("*.svc.shop.example", None);
    check("*.a.svc.shop.example", None);
    check("badsvc.shop.example", None);
}

#[test]
fn teams_nest_and_circles_end() {
    let mut estate = estate();
    let ids = |people: BTreeSet<&bailiwick_core::names::PersonId>| {
        people.into_iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(ids(estate.members_of(&team("security"))), ["pia", "sol"]);
    let teams: Vec<String> =
        estate.teams_of(&person("pia")).iter().map(ToString::to_string).collect();
    assert_eq!(teams, ["pki", "security"]);
    estate.teams.get_mut(&team("pki")).unwrap().parts =
        BTreeSet::from([team("security"), team("dns")]);
    assert_eq!(ids(estate.members_of(&team("security"))), ["dana", "dov", "pia", "sol"]);
    assert_eq!(ids(estate.members_of(&team("pki"))), ["dana", "dov", "pia", "sol"]);
    assert!(estate.members_of(&team("no-such")).is_empty());
}

#[test]
fn the_deputy_answers_when_the_person_on_call_has_left() {
    let mut estate = estate();
    let on_duty = |estate: &Estate, at: Time| estate.person_on_duty(&team("dns"), at);
    assert_eq!(on_duty(&estate, NOW), Ok(OnDuty::OnCall(person("dana"))));
    estate.people.get_mut(&person("dana")).unwrap().left = Some(NOW);
    assert_eq!(on_duty(&estate, NOW.plus_ms(-1)), Ok(OnDuty::OnCall(person("dana"))));
    assert_eq!(on_duty(&estate, NOW), Ok(OnDuty::Deputy(person("dov"))));
    estate.people.remove(&person("dov"));
    assert_eq!(on_duty(&estate, NOW), Err(NoPerson::AllLeft));
    assert_eq!(estate.person_on_duty(&team("no-such"), NOW), Err(NoPerson::NoTeam));
}

#[test]
fn owners_are_new_whenever_a_duty_moves() {
    let at = |day: i64| days_ago(100 - day);
    let shop = service("shop-web");
    let mut history = EstateHistory::default();
    let mut before: Option<Estate> = None;
    let mut step = |estate: Option<Estate>, day: i64| {
        let next = estate.unwrap_or_else(|| before.clone().unwrap());
        history = history.advance(before.as_ref(), &next, at(day));
        before = Some(next);
        history.owner_since(&shop)
    };
    let moved = |change: fn(&mut Duties)| {
        let mut estate = estate();
        change(&mut estate.services.get_mut(&service("shop-web")).unwrap().duties);
        Some(estate)
    };
    assert_eq!(step(Some(estate()), 1), Some(at(1)));
    assert_eq!(step(None, 2), Some(at(1)), "nothing moved");
    assert_eq!(step(moved(|duties| duties.operator = team("dns")), 3), Some(at(3)));
    assert_eq!(step(moved(|duties| duties.operator = team("dns")), 4), Some(at(3)));
    assert_eq!(step(Some(estate()), 5), Some(at(5)), "moving back is moving");
    assert_eq!(step(moved(|duties| duties.integration_owner = team("dns")), 6), Some(at(6)));
    assert_eq!(step(moved(|duties| duties.policy_owner = team("dns")), 7), Some(at(7)));
    let mut gone = estate();
    gone.services.remove(&service("shop-web"));
    assert_eq!(step(Some(gone), 8), None);
    assert_eq!(step(Some(estate()), 9), Some(at(9)), "a service that comes back has new owners");
}

#[test]
fn a_difference_says_what_touches_trust() {
    let check = |change: fn(&mut Estate), expected: &str, trust: bool| {
        let old = estate();
        let mut new = estate();
        change(&mut new);
        let diff = old.diff(&new);
        let fields = diff.objects.iter().flat_map(|object| {
            let kind = object.object.kind;
            object.change.fields().iter().map(move |field| format!("{kind}.{}", field.field))
        });
        assert_eq!(fields.collect::<Vec<_>>().join(" "), expected);
        assert_eq!(diff.trust_impacting(), trust, "{expected}");
        assert_eq!(diff.is_empty(), expected.is_empty());
    };
    check(|_| {}, "", false);
    check(|it| it.organisation.name.push('!'), "organisation.name", false);
    check(|it| it.organisation.control_owner = team("dns"), "organisation.control_owner", true);
    check(
        |it| it.organisation.administrators.extend([person("sam")]),
        "organisation.administrators",
        true,
    );
    check(|it| it.people.get_mut(&person("sam")).unwrap().email.push('x'), "person.email", true);
    check(|it| it.people.get_mut(&person("sam")).unwrap().left = Some(NOW), "person.left", false);
    check(
        |it| it.teams.get_mut(&team("shop")).unwrap().deputy = person("sam"),
        "team.deputy",
        false,
    );
    check(
        |it| it.teams.get_mut(&team("pki")).unwrap().members.extend([person("sam")]),
        "team.members",
        true,
    );
    check(
        |it| it.zones.get_mut(&zone("pay.example")).unwrap().pattern = Pattern::ServiceTeam,
        "zone.pattern",
        true,
    );
    check(
        |it| it.zones.get_mut(&zone("pay.example")).unwrap().caa.issue.clear(),
        "zone.caa.issue",
        true,
    );
    check(
        |it| {
            let shop = it.services.get_mut(&service("shop-web")).unwrap();
            shop.names.insert(SanName::parse("new.shop.example").unwrap());
        },
        "service.names",
        true,
    );
    check(
        |it| it.services.get_mut(&service("shop-web")).unwrap().name.push('!'),
        "service.name",
        false,
    );
    check(|it| drop(it.policies.insert("x".to_owned(), "y".to_owned())), "policy.text", true);
}

#[test]
fn a_difference_names_the_zones_and_services_it_touches() {
    let old = estate();
    let mut new = estate();
    let pay = new.services.get_mut(&service("pay-api")).unwrap();
    pay.names = BTreeSet::from([name("intra.corp.example")]);
    let diff = old.diff(&new);
    let zones: Vec<String> = diff.zones.iter().map(ToString::to_string).collect();
    assert_eq!(zones, ["corp.example/internal", "pay.example"], "where it was and where it goes");
    assert_eq!(diff.services, BTreeSet::from([service("pay-api")]));
    assert!(diff.services_only());
    assert!(diff.objects.iter().all(|object| object.object.kind == ObjectKind::Service));
}

#[test]
fn confirming_again_moves_every_confirmation() {
    let confirmed = estate().with_ownership_confirmed_at(NOW);
    let moments: BTreeSet<Time> = confirmed
        .services
        .values()
        .filter_map(|service| service.ownership.as_ref())
        .map(|ownership| ownership.verified_at)
        .collect();
    assert_eq!(moments, BTreeSet::from([NOW]));
    let active = ActiveEstate::new(confirmed.clone(), EstateHistory::default());
    assert_eq!(active.estate(), &confirmed);
}
