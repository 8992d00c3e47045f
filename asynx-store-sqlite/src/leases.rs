use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use asynx_core::Category;
use asynx_core::store::AppendGroup;

use crate::json;
use crate::term::Term;

/// The leases that this store holds.
#[derive(Default)]
pub(crate) struct Leases(Mutex<BTreeMap<Category, Entry>>);

struct Entry {
    /// Lives as long as the lease, and as the appends that were begun under it.
    term: Weak<Term>,
    /// The lease was dropped: later appends are not under it.
    ended: bool,
}

impl Leases {
    /// Keeps a new term; refused where an older one still lives.
    pub(crate) fn begin(&self, category: &Category, term: &Arc<Term>) -> bool {
        let mut leases = self.lock();
        if leases.get(category).is_some_and(|entry| entry.term.strong_count() > 0) {
            return false;
        }
        let entry = Entry {
            term: Arc::downgrade(term),
            ended: false,
        };
        leases.insert(category.clone(), entry);
        true
    }

    pub(crate) fn end(&self, category: &Category) {
        if let Some(entry) = self.lock().get_mut(category) {
            entry.ended = true;
        }
    }

    /// The terms that an append begins under. They last at least as long as what is given here.
    pub(crate) fn terms(&self, groups: &[AppendGroup]) -> Vec<Arc<Term>> {
        let leases = self.lock();
        leases
            .iter()
            .filter(|(category, entry)| !entry.ended && concerns(groups, category))
            .filter_map(|(_, entry)| entry.term.upgrade())
            .collect()
    }

    /// What the database must say of the leases for an append to be stored: category and generation of each, as JSON.
    pub(crate) fn fences(&self, groups: &[AppendGroup]) -> String {
        let leases = self.lock();
        let held = leases.iter().filter(|(category, _)| concerns(groups, category));
        let held = held.filter_map(|(category, entry)| Some((category, entry.term.upgrade()?)));
        let fences: Vec<_> = held
            .map(|(category, term)| (category.as_str().to_owned(), term.generation()))
            .collect();
        json::text(&fences)
    }

    /// The database says that another process has the lease.
    pub(crate) fn lose(&self, category: &str) {
        let leases = self.lock();
        if let Some(term) = leases.get(category).and_then(|entry| entry.term.upgrade()) {
            term.lose();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Category, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn concerns(groups: &[AppendGroup], category: &Category) -> bool {
    groups.iter().any(|group| group.stream.category == *category)
}
