//! Which elements of two arrays belong together.

use std::collections::HashMap;
use std::ops::Range;

use super::edits;
use super::node::View;
use super::same::{hash, same};

/// Up to this many pairs of changed elements are compared to find which belong together.
pub(crate) const MAX_PAIRS: usize = 1024;

/// One step from the old array to the new one, by the places of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The same element.
    Keep(usize, usize),
    /// The element became another.
    Change(usize, usize),
    Remove(usize),
    Insert(usize),
}

/// The steps from `olds` to `news`, in order. The work is bounded: what differs too much is aligned by place.
pub(crate) fn align(old: View<'_>, olds: &[usize], new: View<'_>, news: &[usize]) -> Vec<Step> {
    let equal = |i: usize, j: usize| same(old, olds[i], new, news[j]);
    let shorter = olds.len().min(news.len());
    let head = (0..shorter).take_while(|&at| equal(at, at)).count();
    let tail = (0..shorter - head)
        .take_while(|back| equal(olds.len() - 1 - back, news.len() - 1 - back))
        .count();
    let (old_end, new_end) = (olds.len() - tail, news.len() - tail);

    let mut aligner = Aligner {
        old,
        olds,
        new,
        news,
        steps: Vec::with_capacity(olds.len().max(news.len())),
    };
    aligner.steps.extend((0..head).map(|at| Step::Keep(at, at)));
    aligner.middle(head..old_end, head..new_end);
    aligner
        .steps
        .extend((0..tail).map(|at| Step::Keep(old_end + at, new_end + at)));
    aligner.steps
}

struct Aligner<'a> {
    old: View<'a>,
    olds: &'a [usize],
    new: View<'a>,
    news: &'a [usize],
    steps: Vec<Step>,
}

impl Aligner<'_> {
    fn middle(&mut self, i: Range<usize>, j: Range<usize>) {
        if i.len().min(j.len()) == 0 || (i.len() == 1 && j.len() == 1) {
            return self.gap(i, j);
        }
        let (left, right) = self.identities(i.clone(), j.clone());
        let mut at = (i.start, j.start);
        for (x, y) in edits::common(&left, &right) {
            let (x, y) = (i.start + x, j.start + y);
            self.gap(at.0..x, at.1..y);
            self.steps.push(Step::Keep(x, y));
            at = (x + 1, y + 1);
        }
        self.gap(at.0..i.end, at.1..j.end);
    }

    /// A number for each element; same elements have the same.
    fn identities(&self, i: Range<usize>, j: Range<usize>) -> (Vec<u32>, Vec<u32>) {
        let mut known: HashMap<u64, Vec<(View<'_>, usize, u32)>> = HashMap::with_capacity(i.len() + j.len());
        let mut count = 0;
        let mut identify = |view, node| {
            let alike = known.entry(hash(view, node)).or_default();
            match alike.iter().find(|other| same(view, node, other.0, other.1)) {
                Some(other) => other.2,
                None => {
                    count += 1;
                    alike.push((view, node, count));
                    count
                }
            }
        };
        let left = self.olds[i].iter().map(|&node| identify(self.old, node)).collect();
        let right = self.news[j].iter().map(|&node| identify(self.new, node)).collect();
        (left, right)
    }

    /// Elements without a counterpart: those most alike are taken as changed.
    fn gap(&mut self, i: Range<usize>, j: Range<usize>) {
        let paired = i.len().min(j.len());
        let by_place = i.len() * j.len() > MAX_PAIRS
            || paired <= usize::from(i.len() == j.len())
            || (i.len() == j.len() && i.clone().zip(j.clone()).all(|(i, j)| self.likeness(i, j) > 1));
        if !by_place {
            return self.gap_by_likeness(i, j);
        }
        self.steps
            .extend(i.clone().zip(j.clone()).map(|(i, j)| Step::Change(i, j)));
        self.steps.extend(i.skip(paired).map(Step::Remove));
        self.steps.extend(j.skip(paired).map(Step::Insert));
    }

    fn gap_by_likeness(&mut self, i: Range<usize>, j: Range<usize>) {
        let width = j.len() + 1;
        // what the rest of both sides has in common at best
        let mut best = vec![0; (i.len() + 1) * width];
        let mut likeness = vec![0; i.len() * width];
        for x in (0..i.len()).rev() {
            for y in (0..j.len()).rev() {
                let here = x * width + y;
                likeness[here] = self.likeness(i.start + x, j.start + y);
                let paired = likeness[here] + best[here + width + 1];
                best[here] = paired.max(best[here + width]).max(best[here + 1]);
            }
        }
        let (mut x, mut y) = (0, 0);
        while x < i.len() && y < j.len() {
            let here = x * width + y;
            if best[here] == likeness[here] + best[here + width + 1] {
                self.steps.push(Step::Change(i.start + x, j.start + y));
                (x, y) = (x + 1, y + 1);
            } else if best[here] == best[here + width] {
                self.steps.push(Step::Remove(i.start + x));
                x += 1;
            } else {
                self.steps.push(Step::Insert(j.start + y));
                y += 1;
            }
        }
        self.steps.extend((i.start + x..i.end).map(Step::Remove));
        self.steps.extend((j.start + y..j.end).map(Step::Insert));
    }

    fn likeness(&self, i: usize, j: usize) -> usize {
        likeness(self.old, self.olds[i], self.new, self.news[j])
    }
}

/// How much two values have in common: at least 1, and for two objects or arrays the bytes of what is equal in both.
pub(crate) fn likeness(old: View<'_>, a: usize, new: View<'_>, b: usize) -> usize {
    const MANY: usize = 32;
    match (old.kind(a), new.kind(b)) {
        (b'{', b'{') => {
            let others = new.members(b);
            let mut parallel = others.clone();
            let common = old.members(a).take(MANY).map(|member| {
                let beside = parallel.next().filter(|other| other.key == member.key);
                let other = beside.or_else(|| others.clone().take(MANY).find(|other| other.key == member.key));
                match other {
                    Some(other) if other.whole == member.whole => member.whole.len(),
                    Some(other) => likeness(old, member.node, new, other.node) - 1,
                    None => 0,
                }
            });
            1 + common.sum::<usize>()
        }
        (b'[', b'[') => {
            let common = old.elements(a).zip(new.elements(b)).take(MANY).map(|(a, b)| {
                let (left, right) = (old.bytes(a), new.bytes(b));
                if left == right {
                    left.len()
                } else {
                    likeness(old, a, new, b) - 1
                }
            });
            1 + common.sum::<usize>()
        }
        _ => 1,
    }
}
