use std::collections::{HashMap, HashSet};

use asynx_core::store::AppendGroup;
use asynx_core::{Category, StoreError};

use super::noted::not_built;
use super::{InlineSet, Noted};

/// Which appends of a process go by its inline projections, and which ones it must not make, as of one change of what
/// the database notes.
#[derive(Debug, Default)]
pub struct Roster {
    /// How often what is noted had changed by then.
    pub changes: i64,
    inline: HashSet<Category>,
    refused: HashMap<Category, StoreError>,
    /// Of the categories that are in neither.
    others: Route,
}

/// How an append goes.
#[derive(Debug, Clone, Default)]
pub enum Route {
    /// No projection wants its category.
    #[default]
    Plain,
    /// By the inline projections.
    Inline,
    /// Not at all: what wants its category does not run here.
    Refused(StoreError),
}

impl Roster {
    /// Of what is noted and what this process was given.
    #[must_use]
    pub fn of<T: Send + 'static>(changes: i64, noted: &[Noted], given: &InlineSet<T>) -> Self {
        let mut roster = Self {
            changes,
            ..Self::default()
        };
        for projection in given.iter() {
            let given = Noted::of(&**projection);
            let sound = match noted.iter().find(|noted| noted.name == given.name) {
                Some(noted) => noted.is(&given),
                None => Err(not_built(&given, "nothing is noted of it, it may have been removed")),
            };
            match sound {
                Ok(()) => roster.run(given.categories),
                Err(error) => roster.refuse(&given.categories, &error),
            }
        }
        for noted in noted.iter().filter(|noted| given.get(&noted.name).is_none()) {
            roster.refuse(&noted.categories, &missing(noted));
        }
        roster
    }

    /// Whether a store may be opened with what it was given, `without` some that are noted. What is given and not noted
    /// is to be noted first.
    ///
    /// # Errors
    /// [`StoreError`] tells which projection is missing, or is another one, and what to do.
    pub fn check<T: Send + 'static>(
        noted: &[Noted],
        given: &InlineSet<T>,
        without: &HashSet<String>,
    ) -> Result<(), StoreError> {
        for noted in noted {
            match given.get(&noted.name) {
                Some(projection) => noted.is(&Noted::of(&**projection))?,
                None if without.contains(&noted.name) => {}
                None => return Err(missing(noted)),
            }
        }
        Ok(())
    }

    /// What is said where one that was given cannot be noted, since there are events already.
    #[must_use]
    pub fn unbuilt(given: &Noted) -> StoreError {
        not_built(given, "its categories have events already")
    }

    /// Whether every append of this process is plain.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.inline.is_empty() && self.refused.is_empty() && matches!(self.others, Route::Plain)
    }

    /// How an append of a category goes.
    #[must_use]
    pub fn route(&self, category: &Category) -> Route {
        if let Some(error) = self.refused.get(category) {
            return Route::Refused(error.clone());
        }
        match (&self.others, self.inline.contains(category)) {
            (Route::Plain, true) => Route::Inline,
            (others, _) => others.clone(),
        }
    }

    /// Why these groups cannot be appended together on this route, if they cannot: what is noted has changed since they
    /// were sent there.
    #[must_use]
    pub fn objection(&self, groups: &[AppendGroup], inline: bool) -> Option<StoreError> {
        if self.is_plain() && !inline {
            return None;
        }
        groups
            .iter()
            .find_map(|group| match self.route(&group.stream.category) {
                Route::Refused(error) => Some(error),
                Route::Inline if inline => None,
                Route::Plain if !inline => None,
                _ => Some(changed()),
            })
    }

    fn run(&mut self, categories: Vec<Category>) {
        if categories.is_empty() && matches!(self.others, Route::Plain) {
            self.others = Route::Inline;
        }
        self.inline.extend(categories);
    }

    fn refuse(&mut self, categories: &[Category], error: &StoreError) {
        if categories.is_empty() && !matches!(self.others, Route::Refused(_)) {
            self.others = Route::Refused(error.clone());
        }
        for category in categories {
            self.refused.entry(category.clone()).or_insert_with(|| error.clone());
        }
    }
}

/// What is said of an append that was begun before a change of what is noted.
#[must_use]
pub fn changed() -> StoreError {
    StoreError::transient("the inline projections of the database have changed meanwhile, nothing was written")
}

fn missing(noted: &Noted) -> StoreError {
    let Noted { name, version, .. } = noted;
    let categories: Vec<&str> = noted.categories.iter().map(Category::as_str).collect();
    let categories = match &*categories {
        [] => "every category".to_owned(),
        some => some.join(", "),
    };
    StoreError::permanent(format!(
        "appends of {categories} go by version {version} of the inline projection {name:?}, which this process does not have and \
         which would fall behind: give it to the store's options by with_inline, remove it by remove_inline, or say \
         without_inline where this process does not append there"
    ))
}
