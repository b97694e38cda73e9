//! Wrapping every key with a new master key.

use std::sync::{Arc, PoisonError};

use evidence::Time;
use incident::journal::Error;

use super::Sealed;

impl Sealed {
    /// Adds a successor to the master keys and wraps every key with it. `progress` hears how many are done.
    ///
    /// The old master key stays in the file, for processes that have not read the new one yet; delete it there when all have.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]; doing it again goes on where it stopped.
    pub async fn rotate_master(&self, now: Time, mut progress: impl FnMut(u64)) -> Result<String, Error> {
        let rotated = self.masters().rotated(now).map_err(|error| self.unusable(error.to_string()))?;
        let rotated = Arc::new(rotated);
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&rotated);
        let mut n_wrapped = 0;
        loop {
            let rows = self.database.keys_not_under(rotated.id()).await?;
            if rows.is_empty() {
                return Ok(rotated.id().to_owned());
            }
            for row in &rows {
                let plain = rotated.unwrap(&row.master, &row.id, &row.wrapped);
                let wrapped = plain.and_then(|plain| rotated.wrap(&row.id, &plain));
                let wrapped = wrapped.map_err(|reason| self.unusable(reason))?;
                self.database.rewrap_key(row, rotated.id(), &wrapped).await?;
                n_wrapped += 1;
            }
            progress(n_wrapped);
        }
    }
}
