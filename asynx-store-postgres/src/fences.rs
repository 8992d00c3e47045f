use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asynx_core::Category;
use asynx_core::store::AppendGroup;

use crate::store::Shared;

/// Under which leases appends are made. What was begun under a lease shows that lease's generation until it is over, also
/// when the lease was lost meanwhile: it must not be stored under the next one.
#[derive(Default)]
pub(crate) struct Fences(Mutex<HashMap<Category, Fence>>);

#[derive(Default)]
struct Fence {
    /// The generation of the lease that is held here.
    held: Option<i64>,
    /// How many calls are under way, by the generation that they were begun under.
    begun: BTreeMap<i64, usize>,
}

impl Fences {
    pub(crate) fn hold(&self, category: &Category, generation: i64) {
        self.lock().entry(category.clone()).or_default().held = Some(generation);
    }

    pub(crate) fn lose(&self, category: &Category, generation: i64) {
        let mut fences = self.lock();
        if let Some(fence) = fences.get_mut(category)
            && fence.held == Some(generation)
        {
            fence.held = None;
            if fence.begun.is_empty() {
                fences.remove(category);
            }
        }
    }

    /// What the appends of these groups have to show.
    pub(crate) fn of(&self, groups: &[AppendGroup]) -> Vec<(Category, i64)> {
        let fences = self.lock();
        if fences.is_empty() {
            return Vec::new();
        }
        let shown = categories(groups).into_iter().filter_map(|category| {
            let fence = fences.get(category)?;
            let oldest = fence.begun.keys().next().copied();
            Some((category.clone(), oldest.or(fence.held)?))
        });
        shown.collect()
    }

    fn begin(&self, groups: &[AppendGroup]) -> Vec<(Category, i64)> {
        let mut fences = self.lock();
        if fences.is_empty() {
            return Vec::new();
        }
        let begun = categories(groups).into_iter().filter_map(|category| {
            let fence = fences.get_mut(category)?;
            let generation = fence.held?;
            *fence.begun.entry(generation).or_default() += 1;
            Some((category.clone(), generation))
        });
        begun.collect()
    }

    fn end(&self, begun: &[(Category, i64)]) {
        let mut fences = self.lock();
        for (category, generation) in begun {
            let Some(fence) = fences.get_mut(category) else {
                continue;
            };
            if let Some(calls) = fence.begun.get_mut(generation) {
                *calls -= 1;
                if *calls == 0 {
                    fence.begun.remove(generation);
                }
            }
            if fence.held.is_none() && fence.begun.is_empty() {
                fences.remove(category);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Category, Fence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each once, in the order of the groups.
fn categories(groups: &[AppendGroup]) -> Vec<&Category> {
    let mut seen = HashSet::new();
    let categories = groups.iter().map(|group| &group.stream.category);
    categories.filter(|category| seen.insert(*category)).collect()
}

/// A call that was begun under leases.
pub(crate) struct Begun {
    shared: Arc<Shared>,
    under: Vec<(Category, i64)>,
    ended: bool,
}

impl Begun {
    pub(crate) fn new(shared: &Arc<Shared>, groups: &[AppendGroup]) -> Self {
        Self {
            under: shared.fences.begin(groups),
            shared: shared.clone(),
            ended: false,
        }
    }

    pub(crate) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.under.is_empty() {
            return;
        }
        let under = std::mem::take(&mut self.under);
        if self.ended {
            self.shared.fences.end(&under);
            return;
        }
        // The caller went away. A lane may have taken its groups all the same.
        let shared = self.shared.clone();
        let over = shared.runtime.sleep(shared.options.lanes.timeout);
        self.shared.runtime.spawn(Box::pin(async move {
            over.await;
            shared.fences.end(&under);
        }));
    }
}
