//! Rotating an issuer: the root certifies the key that was approved, once; then that generation issues.
//! Undoing lets the one before issue again; whatever the new one issued stays under its own CRL.

use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{Change, Outcome, Prepared, Receipt, RotateIssuer, Step, Touched};
use bailiwick_core::names::{CertFingerprint, IssuerId};

use crate::app::App;
use crate::fault::Fault;

/// The octets that the root will sign, where it lies here.
pub(super) fn prepare(app: &App, wanted: &RotateIssuer) -> Result<Prepared, String> {
    if wanted.certificate.is_some() {
        return Ok(Prepared::Nothing);
    }
    let opening = app.opening(&wanted.issuer, wanted.after);
    let serials = || app.world.octets().ok();
    let tbs = opening.generations(&app.sealer).prepare(wanted.after, &serials, app.now());
    Ok(Prepared::ToBeCertified { tbs: tbs.map_err(|cause| cause.to_string())? })
}

pub(super) async fn apply(app: &App, wanted: &RotateIssuer, prepared: &Prepared) -> Outcome {
    match active(app, &wanted.issuer).await {
        Ok(active) if active == wanted.before || active == wanted.after => {}
        Ok(active) => {
            return Outcome::Failed(format!(
                "issuer `{}` is in generation {active} and not in {} any more; ask again",
                wanted.issuer, wanted.before
            ));
        }
        // Reading failed: nothing was done yet.
        Err(fault) => return Outcome::Failed(fault.to_string()),
    }
    let opening = app.opening(&wanted.issuer, wanted.after);
    let generations = opening.generations(&app.sealer);
    let opened = match prepared {
        Prepared::ToBeCertified { tbs } => generations.certify(wanted.after, tbs),
        Prepared::Nothing
        | Prepared::ToBeSigned { .. }
        | Prepared::Forwarded { .. }
        | Prepared::Kept { .. }
        | Prepared::AccountKey { .. } => match wanted.after {
            // The first lies in files of its own, and was opened at the start.
            Generation::FIRST => return of_open(app, wanted),
            later => generations.open(later),
        },
    };
    let issuer = match opened {
        Ok(issuer) => issuer,
        Err(cause) => return Outcome::Failed(cause.to_string()),
    };
    if issuer.identity().key.hash() != wanted.key {
        return Outcome::Failed("the key is not the one that was approved".to_owned());
    }
    let certificate = CertFingerprint::of(issuer.certificate_der());
    if wanted.certificate.is_some_and(|approved| approved != certificate) {
        return Outcome::Failed("the certificate is not the one that was approved".to_owned());
    }
    app.issuers.put(issuer);
    done(wanted, wanted.after, certificate)
}

fn of_open(app: &App, wanted: &RotateIssuer) -> Outcome {
    match app.issuers.generation(&wanted.issuer, wanted.after) {
        Some(issuer) if issuer.identity().key.hash() == wanted.key => {
            done(wanted, wanted.after, CertFingerprint::of(issuer.certificate_der()))
        }
        _ => Outcome::Failed("the key is not the one that was approved".to_owned()),
    }
}

fn done(wanted: &RotateIssuer, generation: Generation, certificate: CertFingerprint) -> Outcome {
    let issuer = wanted.issuer.clone();
    Outcome::Done(Receipt::GenerationActivated { issuer, generation, certificate })
}

pub(super) fn undo(app: &App, wanted: &RotateIssuer, touched: &Touched) -> Outcome {
    // Without a receipt no row says that the new one issues.
    if touched.receipt.is_none() {
        return Outcome::Done(Receipt::Nothing);
    }
    match app.issuers.generation(&wanted.issuer, wanted.before) {
        Some(before) => done(wanted, wanted.before, CertFingerprint::of(before.certificate_der())),
        None => Outcome::Failed(format!(
            "generation {} of issuer `{}` does not run here; start the server where its key lies",
            wanted.before, wanted.issuer
        )),
    }
}

/// The generation issues, and has a CRL that can be fetched.
pub(super) async fn verify(app: &App, wanted: &RotateIssuer) -> Outcome {
    if let Err(fault) = app.refresh_issuers().await {
        return Outcome::Unknown(fault.to_string());
    }
    let issuing = app.issuers.get(&wanted.issuer).map(|issuer| issuer.identity().generation);
    if issuing != Some(wanted.after) {
        return Outcome::Failed(format!("generation {} does not issue", wanted.after));
    }
    match app.refresh_crls().await {
        Ok(()) => Outcome::Done(Receipt::Nothing),
        Err(fault) => Outcome::Unknown(fault.to_string()),
    }
}

/// After a rotation was committed or turned back, what issues is what the ledger says.
pub(super) async fn refresh(app: &App, change: &Change) -> Result<(), Fault> {
    let steps = change.approved().map(|approved| approved.plan().steps()).unwrap_or_default();
    let rotates = steps.iter().any(|step| matches!(step, Step::RotateIssuer(_)));
    // A change that turned back says no more what it was.
    if rotates || matches!(change, Change::RolledBack { .. }) {
        app.refresh_issuers().await?;
    }
    Ok(())
}

async fn active(app: &App, id: &IssuerId) -> Result<Generation, Fault> {
    let rows = app.store.generations().await?;
    let last = rows.iter().rfind(|row| row.issuer == *id);
    Ok(last.map_or(Generation::FIRST, |row| row.generation))
}
