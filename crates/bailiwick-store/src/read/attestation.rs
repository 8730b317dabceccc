//! What is attested about workloads.

use bailiwick_core::estate::Attested;
use bailiwick_core::names::{AttestorId, CredentialId};

use crate::db::{Reader, args};
use crate::error::StoreError;
use crate::open::Store;

impl Store {
    /// What is attested about the holder of a credential, if anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn attestation(
        &self,
        credential: &CredentialId,
    ) -> Result<Option<Attested>, StoreError> {
        let one = "SELECT attestor, subject, claims, verified_at, until FROM attestation \
            WHERE credential = $1";
        let row = self.inner.db.first(one, &args![credential]).await?;
        row.map(|row| {
            let mut row = Reader::new("attestation", row);
            let (attestor, subject) = (row.parsed(AttestorId::parse)?, row.text()?);
            let pair = |text: String| {
                // A claim without a value fits nothing.
                let (name, value) = text.split_once('=').unwrap_or((&text, ""));
                (name.to_owned(), value.to_owned())
            };
            let claims = row.texts()?.into_iter().map(pair).collect();
            Ok(Attested { attestor, subject, claims, verified_at: row.time()?, until: row.time()? })
        })
        .transpose()
    }
}
