//! Profiles: what each kind of certificate may look like, and what cannot be meant.

use bailiwick_core::certificate::{
    CertificateProfile, KeyKind, KeyPurpose, ProfileRules, RevocationPointers,
    SHORT_LIVED_SECONDS_MAX,
};
use bailiwick_core::estate::{AttestationKind, Environment, Profile};
use bailiwick_core::names::ProfileId;

use super::document::{At, File, Section};
use super::parts;
use super::places::{Kind, Reading};

/// Ten years: a limit nobody needs to pass, and that keeps sums in range.
pub(super) const DAYS_MAX: u32 = 3_660;
/// Seconds of a day (BR 6.3.2).
pub(super) const DAY_SECONDS: u32 = 86_400;
/// An hour: what is shorter is over before slow clocks and caches believe in it.
const LIFETIME_SECONDS_MIN: u32 = 3_600;
/// Five minutes: clocks of relying parties that are slow by more are broken.
const BACKDATE_SECONDS: u32 = 300;
/// BR 6.3.2 since 2026-03-15.
const PUBLIC_DAYS_MAX: u32 = 200;

pub(super) fn profiles(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    for (key, section) in file.entries(root) {
        let fresh = reading.begins(file, Kind::Profile, key);
        let id = file.parsed(key, "bad-id", ProfileId::parse);
        file.keys(
            section,
            &[
                "lifetime_days_max",
                "lifetime_seconds_max",
                "backdate_seconds",
                "purposes",
                "keys_allowed",
                "rsa_bits_min",
                "names_max",
                "wildcard_allowed",
                "crl_pointer",
                "ocsp_pointer",
                "workload_uri",
                "rules",
                "environments",
                "attestation_required",
            ],
        );
        let certificate = id.and_then(|id| certificate(file, section, id.value));
        let environments = file.needed_list(section, "environments");
        let environments = parts::words(file, environments, Environment::parse);
        let attestation = file.text(section, "attestation_required");
        let attestation = attestation.map(|at| file.parsed(at, "bad-id", AttestationKind::parse));
        if let (true, Some(certificate)) = (fresh, certificate) {
            let attestation_required = attestation.flatten().map(|at| at.value);
            let profile = Profile { certificate, environments, attestation_required };
            reading.profiles.insert(profile.certificate.id.clone(), profile);
        }
    }
}

fn certificate(
    file: &mut File<'_>,
    section: Section<'_>,
    id: ProfileId,
) -> Option<CertificateProfile> {
    let lifetime = lifetime(file, section);
    let purposes = file.needed_list(section, "purposes");
    let keys_allowed = file.needed_list(section, "keys_allowed");
    let backdate = file.number(section, "backdate_seconds", 0..=DAY_SECONDS);
    if let (Some(lifetime), Some(backdate)) = (lifetime, backdate)
        && backdate.value >= lifetime.value
    {
        let message = format!(
            "a certificate of {} seconds would begin {} seconds ago: it would be over at once",
            lifetime.value, backdate.value
        );
        file.problem(
            backdate.place,
            "backdate-too-long",
            message,
            "write a smaller `backdate_seconds`",
        );
    }
    // BR 6.1.5: RSA moduli have at least 2,048 bits; more than 4,096 no relying party verifies well.
    let rsa_bits_min =
        file.number(section, "rsa_bits_min", 2_048..=4_096).map_or(2_048, |at| at.value);
    let names_max = file.needed_number(section, "names_max", 1..=1_000);
    let wildcard_allowed = file.flag(section, "wildcard_allowed", Some(false));
    let revocation = revocation(file, section, lifetime);
    let workload_uri = file.flag(section, "workload_uri", Some(false));
    let rules = file.text(section, "rules");
    let rules = match rules {
        Some(at) => file.word(at, &ProfileRules::ALL)?,
        None => ProfileRules::Private,
    };
    let keys_allowed = words(file, keys_allowed, &KeyKind::ALL);
    let purposes = words(file, purposes, &KeyPurpose::ALL);
    if rules == ProfileRules::PublicTls {
        public(file, section, lifetime, &purposes, &keys_allowed);
    }
    Some(CertificateProfile {
        id,
        lifetime_seconds_max: lifetime?.value,
        backdate_seconds: backdate.map_or(BACKDATE_SECONDS, |at| at.value),
        purposes: purposes.into_iter().map(|at| at.value).collect(),
        keys_allowed: keys_allowed.into_iter().map(|at| at.value).collect(),
        rsa_bits_min: u16::try_from(rsa_bits_min).ok()?,
        names_max: u16::try_from(names_max?).ok()?,
        wildcard_allowed: wildcard_allowed?,
        revocation: revocation?,
        workload_uri: workload_uri?,
        rules,
    })
}

/// The known words of a list, each with its place.
fn words<T: Copy + std::fmt::Display>(
    file: &mut File<'_>,
    items: Vec<At<&str>>,
    all: &[T],
) -> Vec<At<T>> {
    items
        .into_iter()
        .filter_map(|at| file.word(at, all).map(|value| At { value, place: at.place }))
        .collect()
}

/// What lives longer than 7 days has to say where a revocation is found out.
fn revocation(
    file: &mut File<'_>,
    section: Section<'_>,
    lifetime: Option<At<u32>>,
) -> Option<RevocationPointers> {
    let crl = file.flag(section, "crl_pointer", Some(true))?;
    let ocsp = file.flag(section, "ocsp_pointer", Some(false))?;
    if let Some(lifetime) = lifetime
        && !(crl || ocsp)
        && i64::from(lifetime.value) > SHORT_LIVED_SECONDS_MAX
    {
        let message = "certificates of more than 7 days that point at no crl and no ocsp responder cannot be revoked so that anybody notices".to_owned();
        let remedy = "set `crl_pointer` or `ocsp_pointer`, or let them live at most 7 days";
        file.problem(lifetime.place, "no-revocation-pointer", message, remedy);
    }
    Some(RevocationPointers { crl, ocsp })
}

/// What a profile that follows the public rules must not say, on any day since 2026-03-15.
fn public(
    file: &mut File<'_>,
    section: Section<'_>,
    lifetime: Option<At<u32>>,
    purposes: &[At<KeyPurpose>],
    keys_allowed: &[At<KeyKind>],
) {
    let rule = "not-by-public-rules";
    if let Some(lifetime) = lifetime.filter(|at| at.value > PUBLIC_DAYS_MAX * DAY_SECONDS) {
        let message = format!("the public rules allow at most {PUBLIC_DAYS_MAX} days (BR 6.3.2)");
        let remedy = "write a shorter lifetime; on the days from which 100 and 47 days hold, certificates are shortened by themselves";
        file.problem(lifetime.place, rule, message, remedy);
    }
    if !purposes.is_empty() && purposes.iter().all(|at| at.value != KeyPurpose::ServerAuth) {
        let place = purposes.first().map_or(section.place, |at| at.place);
        let message = "the public rules are for servers (BR 7.1.2.7.10)".to_owned();
        file.problem(place, rule, message, "add `server` to the `purposes`");
    }
    for at in keys_allowed.iter().filter(|at| at.value == KeyKind::Ed25519) {
        let message = "the public rules know no `ed25519` keys (BR 6.1.5)".to_owned();
        file.problem(at.place, rule, message, "allow `ecdsa-p256`, `ecdsa-p384` or `rsa` only");
    }
    if file.flag(section, "workload_uri", Some(false)) == Some(true) {
        let message = "the public rules allow no uri in a certificate (BR 7.1.2.7.12)".to_owned();
        let remedy = "leave `workload_uri` out, or write `rules = \"private\"`";
        file.problem(section.place, rule, message, remedy);
    }
}

/// The lifetime, in days or in seconds, and in one of them only.
fn lifetime(file: &mut File<'_>, section: Section<'_>) -> Option<At<u32>> {
    let days = file.number(section, "lifetime_days_max", 1..=DAYS_MAX);
    let seconds_max = DAYS_MAX.saturating_mul(DAY_SECONDS);
    let seconds = file.number(section, "lifetime_seconds_max", LIFETIME_SECONDS_MIN..=seconds_max);
    match (days, seconds) {
        (Some(days), None) => {
            Some(At { value: days.value.saturating_mul(DAY_SECONDS), place: days.place })
        }
        (None, Some(seconds)) => Some(seconds),
        (Some(_), Some(seconds)) => {
            let message = "the lifetime stands there twice".to_owned();
            file.problem(seconds.place, "duplicate", message, "keep one of days and seconds");
            None
        }
        (None, None) => {
            if !file.has(section, &["lifetime_days_max", "lifetime_seconds_max"]) {
                file.missing(section, "lifetime_days_max", "`lifetime_days_max = 90`");
            }
            None
        }
    }
}
