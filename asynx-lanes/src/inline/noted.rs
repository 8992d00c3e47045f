use asynx_core::store::InlineProjection;
use asynx_core::{Category, StoreError};

use super::set::sorted;

/// An inline projection that is in use, as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Its name.
    pub name: String,
    /// The version that is in use.
    pub version: u32,
    /// Whose appends go by it, in their order; all where there are none.
    pub categories: Vec<Category>,
}

impl Noted {
    /// What is noted of a projection.
    #[must_use]
    pub fn of<T: Send + 'static>(projection: &dyn InlineProjection<T>) -> Self {
        Self {
            name: projection.name().to_owned(),
            version: projection.version(),
            categories: sorted(projection.categories()),
        }
    }

    /// Whether this is what a process has that was given a projection.
    ///
    /// # Errors
    /// [`StoreError`]: it has something else, and what to do.
    pub fn is(&self, given: &Self) -> Result<(), StoreError> {
        let Self {
            name,
            version,
            categories,
        } = self;
        if given.version > *version {
            return Err(not_built(given, &format!("version {version} is in use")));
        }
        if given.version < *version {
            return Err(StoreError::permanent(format!(
                "version {version} of the inline projection {name:?} is in use, this process has version {}: its appends \
                 would not be seen, so start a newer program",
                given.version
            )));
        }
        if given.categories != *categories {
            return Err(StoreError::permanent(format!(
                "version {version} of the inline projection {name:?} was built for other categories than this process \
                 gives it: raise its version and call build_inline"
            )));
        }
        Ok(())
    }
}

/// What is said of a projection that has to be built.
pub(super) fn not_built(given: &Noted, why: &str) -> StoreError {
    let Noted { name, version, .. } = given;
    StoreError::permanent(format!(
        "version {version} of the inline projection {name:?} has not been built: {why}; call build_inline of the store \
         with the same options first"
    ))
}
