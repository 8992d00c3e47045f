use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{SoleWriter, WriterLease};
use asynx_core::{Category, StoreError};

use crate::SqliteStore;
use crate::database::Database;
use crate::lock_file::LockFile;
use crate::row;
use crate::statement::Values;
use crate::term::Term;

const FIND: &str = "SELECT lease FROM asynx_leases WHERE category = ?1";

const MAKE: &str = "BEGIN IMMEDIATE;
INSERT INTO asynx_leases (category, generation) VALUES (?1, 0) ON CONFLICT DO NOTHING;
SELECT lease FROM asynx_leases WHERE category = ?1;
COMMIT";

/// This is a write transaction: it waits for an append that a former holder has under way. What that holder begins
/// later finds another generation.
const TAKE: &str = "BEGIN IMMEDIATE;
UPDATE asynx_leases SET generation = generation + 1 WHERE lease = ?1 RETURNING generation;
COMMIT";

/// A category is leased by the lock on a file beside the database, which goes with its process, and fenced by a number
/// in the database, which every append under a lease looks at in its own transaction.
#[async_trait]
impl SoleWriter for SqliteStore {
    async fn acquire(&self, category: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError> {
        let database = self.database();
        let term = match &database.file {
            Some(file) => database.take_lease(file, category).await?,
            None => Some(Term::new(0, None)),
        };
        let Some(term) = term.map(Arc::new) else {
            return Ok(None);
        };
        let free = database.leases.begin(category, &term);
        Ok(free.then(|| -> Box<dyn WriterLease> {
            Box::new(Lease {
                database: Arc::clone(database),
                category: category.clone(),
                term,
            })
        }))
    }
}

impl Database {
    /// A new term, unless another one lasts.
    async fn take_lease(&self, file: &Path, category: &Category) -> Result<Option<Term>, StoreError> {
        let category = Values::default().text(category.as_str());
        let lease = match self.read(FIND, category.clone()).await?.first() {
            Some(found) => row::number(found, 0)?,
            None => {
                let made = self.write(MAKE, category).await?;
                row::number(row::only(&made[2..=2])?, 0)?
            }
        };
        let path = lock_path(file, lease);
        let lock = LockFile::try_lock(&path).map_err(|error| {
            StoreError::transient(format!("the lock file {} cannot be used", path.display())).caused_by(error)
        })?;
        let Some(lock) = lock else {
            return Ok(None);
        };
        let taken = self.write(TAKE, Values::default().number(lease)).await?;
        let generation = row::number(row::only(&taken[1..=1])?, 0)?;
        Ok(Some(Term::new(generation, Some(lock))))
    }
}

/// A number, not the category: that may hold any characters.
fn lock_path(file: &Path, lease: i64) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(format!("-lease-{lease}"));
    path.into()
}

/// Holds a category until it is dropped, and the appends that were begun before have ended.
struct Lease {
    database: Arc<Database>,
    category: Category,
    term: Arc<Term>,
}

impl WriterLease for Lease {
    fn is_held(&self) -> bool {
        self.term.is_held()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.database.leases.end(&self.category);
    }
}
