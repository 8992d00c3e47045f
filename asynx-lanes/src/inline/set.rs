use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use asynx_core::store::InlineProjection;
use asynx_core::{Category, StoreError};

/// The inline projections that a store was given; `T` is its transaction.
pub struct InlineSet<T: Send + 'static>(Vec<Arc<dyn InlineProjection<T>>>);

impl<T: Send + 'static> InlineSet<T> {
    /// Adds one.
    pub fn push(&mut self, projection: Arc<dyn InlineProjection<T>>) {
        self.0.push(projection);
    }

    /// In the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn InlineProjection<T>>> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn InlineProjection<T>>> {
        self.0.iter().find(|projection| projection.name() == name)
    }

    /// Only this one.
    #[must_use]
    pub fn only(projection: Arc<dyn InlineProjection<T>>) -> Self {
        Self(vec![projection])
    }

    /// Whether each can be one, and they can be together.
    ///
    /// # Errors
    /// [`StoreError`] tells which one cannot, and why.
    pub fn check(&self) -> Result<(), StoreError> {
        let mut names = HashSet::new();
        for projection in self.iter() {
            let name = projection.name();
            if name.is_empty() || name.len() > 120 || name.contains('\0') {
                return Err(StoreError::permanent(format!(
                    "the inline projection's name {name:?} has {} bytes: 1 to 120 are allowed, of any characters but NUL",
                    name.len()
                )));
            }
            if !names.insert(name) {
                return Err(StoreError::permanent(format!(
                    "two inline projections are called {name:?}: give the store one version of each"
                )));
            }
            if projection.version() == 0 {
                return Err(StoreError::permanent(format!(
                    "the inline projection {name:?} has version 0: the first one is 1"
                )));
            }
        }
        Ok(())
    }
}

impl<T: Send + 'static> Default for InlineSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Send + 'static> Clone for InlineSet<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> fmt::Debug for InlineSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .0
            .iter()
            .map(|projection| (projection.name(), projection.version()));
        f.debug_map().entries(names).finish()
    }
}

/// Categories in their order, each once.
pub(super) fn sorted(categories: &[Category]) -> Vec<Category> {
    let mut categories = categories.to_vec();
    categories.sort_unstable();
    categories.dedup();
    categories
}
