//! Which element of an old array each element of a new one was, also where it moved.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::align::{MAX_PAIRS, Step, align, likeness};
use super::node::View;
use super::same::{hash, same};

/// For each new element the place of the old one that it was, if it is none that was added. No old one is given twice.
pub(crate) fn origins(old: View<'_>, olds: &[usize], new: View<'_>, news: &[usize]) -> Vec<Option<usize>> {
    let mut origins = vec![None; news.len()];
    let (mut left, mut right, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for step in align(old, olds, new, news) {
        match step {
            Step::Keep(i, j) => origins[j] = Some(i),
            Step::Change(i, j) => {
                left.push(i);
                right.push(j);
                changed.push((i, j));
            }
            Step::Remove(i) => left.push(i),
            Step::Insert(j) => right.push(j),
        }
    }

    // those that moved
    if !left.is_empty() && right.len() > 1 {
        let mut known: HashMap<u64, Vec<usize>> = HashMap::with_capacity(left.len());
        for &i in left.iter().rev() {
            known.entry(hash(old, olds[i])).or_default().push(i);
        }
        for &j in &right {
            let alike = known.get_mut(&hash(new, news[j]));
            if let Some(i) = alike.and_then(|alike| alike.pop_if(|i| same(old, olds[*i], new, news[j]))) {
                origins[j] = Some(i);
            }
        }
    }

    // those that changed, or moved and changed: the most alike first
    let mut taken = vec![false; olds.len()];
    origins.iter().flatten().for_each(|&i| taken[i] = true);
    left.retain(|&i| !taken[i]);
    right.retain(|&j| origins[j].is_none());
    let mut pairs = Vec::new();
    if left.len() * right.len() <= MAX_PAIRS {
        for &i in &left {
            let pairs_of_i = right.iter().map(|&j| (likeness(old, olds[i], new, news[j]), i, j));
            pairs.extend(pairs_of_i.filter(|&(likeness, ..)| likeness > 1));
        }
        pairs.sort_by_key(|&(likeness, i, j)| (Reverse(likeness), !changed.contains(&(i, j)), i.abs_diff(j)));
    }
    for (i, j) in pairs.into_iter().map(|(_, i, j)| (i, j)).chain(changed.iter().copied()) {
        if origins[j].is_none() && !taken[i] {
            origins[j] = Some(i);
            taken[i] = true;
        }
    }
    origins
}
