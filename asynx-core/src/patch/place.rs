//! A change of a state, placed into a document that says the same in other words.

use std::collections::HashMap;

use super::Tape;
use super::align::likeness;
use super::node::View;
use super::origins::origins;
use super::same::{Index, hash, same};
use super::writer::Writer;

/// What becomes of members of the document that the type does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// They stay.
    Keep,
    /// They go from those objects that the change concerns.
    DropOnChangedPaths,
}

/// The document that `doc` becomes when the state goes from `current` to `next`.
///
/// `current` is what the type reads from `doc`, serialised again; it may have members that `doc` lacks (defaults) and lack
/// members that `doc` has (those of another version of the type). Where the state does not change, the document stays
/// exactly as it is. Elements of arrays take their foreign members along.
pub fn place(doc: &Tape, current: &Tape, next: &Tape, foreign: Foreign) -> Tape {
    let drop = match foreign {
        Foreign::Keep => Drop::Nothing,
        Foreign::DropOnChangedPaths => Drop::OnChangedPaths,
    };
    Placing::of(doc, current, next, drop, Arrays::Merge).target
}

/// Which foreign members go.
#[derive(Clone, Copy)]
pub(crate) enum Drop<'d> {
    Nothing,
    /// Members with these nodes of the document, ascending.
    These(&'d [usize]),
    OnChangedPaths,
}

/// What becomes of an array that changes and in which document and state differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrays {
    /// Element by element.
    Merge,
    /// The state's array replaces it.
    Replace,
}

/// The outcome.
pub(crate) struct Placing {
    pub(crate) target: Tape,
    /// The nodes of the foreign members in the document's objects that the change concerns, ascending.
    pub(crate) foreign: Vec<usize>,
}

impl Placing {
    pub(crate) fn of(doc: &Tape, current: &Tape, next: &Tape, drop: Drop<'_>, arrays: Arrays) -> Self {
        let mut placer = Placer {
            doc: doc.view(),
            current: current.view(),
            next: next.view(),
            drop,
            arrays,
            out: Writer::with_capacity(doc.len() + next.len() / 4, doc.view().nodes.len() + 16),
            foreign: Vec::new(),
        };
        placer.value(0, 0, 0);
        placer.foreign.sort_unstable();
        Self {
            target: Tape::from_writer(placer.out),
            foreign: placer.foreign,
        }
    }
}

struct Placer<'t, 'd> {
    doc: View<'t>,
    current: View<'t>,
    next: View<'t>,
    drop: Drop<'d>,
    arrays: Arrays,
    out: Writer,
    foreign: Vec<usize>,
}

impl Placer<'_, '_> {
    fn value(&mut self, d: usize, c: usize, n: usize) {
        if same(self.current, c, self.next, n) {
            return self.out.copy(self.doc, d);
        }
        match [self.doc.kind(d), self.current.kind(c), self.next.kind(n)] {
            [b'{', b'{', b'{'] => self.object(d, c, n),
            [b'[', b'[', b'['] => self.array(d, c, n),
            _ => self.out.copy(self.next, n),
        }
    }

    fn key(&mut self, key: &[u8]) {
        self.out.separate();
        self.out.text.push(b'"');
        self.out.text.extend_from_slice(key);
        self.out.text.extend_from_slice(b"\":");
    }

    fn object(&mut self, d: usize, c: usize, n: usize) {
        let docs = Index::of(self.doc, d);
        let currents = Index::of(self.current, c);
        let nexts = Index::of(self.next, n);
        let object = self.out.open(b'{');
        let mut dropped = matches!(self.drop, Drop::OnChangedPaths);
        for member in self.doc.members(d) {
            match (currents.get(member.key), nexts.get(member.key)) {
                (Some(c), Some(n)) => {
                    self.key(member.key);
                    self.value(member.node, c, n);
                }
                (None, Some(n)) => {
                    self.key(member.key);
                    self.overlay(member.node, n);
                }
                (Some(_), None) => {}
                (None, None) => {
                    self.foreign.push(member.node);
                    if self.keeps(member.node) {
                        self.key(member.key);
                        self.out.copy(self.doc, member.node);
                    } else {
                        dropped = true;
                    }
                }
            }
        }
        for member in self.next.members(n).filter(|member| docs.get(member.key).is_none()) {
            // what is as before need not be said, unless what was dropped had said it under another name
            let unchanged = currents
                .get(member.key)
                .is_some_and(|c| same(self.current, c, self.next, member.node));
            if dropped || !unchanged {
                self.key(member.key);
                self.out.copy(self.next, member.node);
            }
        }
        self.out.close(object, b'}');
    }

    /// The document has a value that the type did not mention, as defaults may be skipped, and mentions now.
    fn overlay(&mut self, d: usize, n: usize) {
        if [self.doc.kind(d), self.next.kind(n)] != [b'{'; 2] {
            return self.out.copy(self.next, n);
        }
        let docs = Index::of(self.doc, d);
        let nexts = Index::of(self.next, n);
        let object = self.out.open(b'{');
        for member in self.doc.members(d) {
            if let Some(n) = nexts.get(member.key) {
                self.key(member.key);
                self.overlay(member.node, n);
                continue;
            }
            self.foreign.push(member.node);
            if self.keeps(member.node) {
                self.key(member.key);
                self.out.copy(self.doc, member.node);
            }
        }
        for member in self.next.members(n).filter(|member| docs.get(member.key).is_none()) {
            self.key(member.key);
            self.out.copy(self.next, member.node);
        }
        self.out.close(object, b'}');
    }

    fn keeps(&self, node: usize) -> bool {
        match self.drop {
            Drop::Nothing => true,
            Drop::These(nodes) => nodes.binary_search(&node).is_err(),
            Drop::OnChangedPaths => false,
        }
    }

    fn array(&mut self, d: usize, c: usize, n: usize) {
        let docs: Vec<_> = self.doc.elements(d).collect();
        let currents: Vec<_> = self.current.elements(c).collect();
        let nexts: Vec<_> = self.next.elements(n).collect();
        let replaces = self.arrays == Arrays::Replace && !same(self.doc, d, self.current, c);
        if replaces || docs.len() != currents.len() {
            return self.out.copy(self.next, n);
        }
        let array = self.out.open(b'[');
        if self.is_permuted(&docs, &currents) {
            self.set(&docs, &nexts);
        } else {
            self.elements(&docs, &currents, &nexts);
        }
        self.out.close(array, b']');
    }

    fn elements(&mut self, docs: &[usize], currents: &[usize], nexts: &[usize]) {
        let origins = origins(self.current, currents, self.next, nexts);
        for (&n, origin) in nexts.iter().zip(origins) {
            self.out.separate();
            match origin {
                Some(i) if !self.is_replaced(currents[i], n) => self.value(docs[i], currents[i], n),
                _ => self.out.copy(self.next, n),
            }
        }
    }

    /// Whether an object has nothing in common with the one whose place it takes.
    fn is_replaced(&self, c: usize, n: usize) -> bool {
        likeness(self.current, c, self.next, n) == 1
            && [self.current.kind(c), self.next.kind(n)] == [b'{'; 2]
            && self.current.elements(c).nth(1).is_some()
    }

    /// Whether the type has the same elements as the document in another order, as a `HashSet` has.
    fn is_permuted(&self, docs: &[usize], currents: &[usize]) -> bool {
        let sum = |view: View<'_>, nodes: &[usize]| {
            nodes
                .iter()
                .fold(0, |sum: u64, &node| sum.wrapping_add(hash(view, node)))
        };
        docs.iter()
            .zip(currents)
            .any(|(&d, &c)| !same(self.doc, d, self.current, c))
            && sum(self.doc, docs) == sum(self.current, currents)
    }

    /// The order means nothing: elements that are still there keep the document's, new ones go to the end.
    fn set(&mut self, docs: &[usize], nexts: &[usize]) {
        let mut wanted: HashMap<u64, Vec<usize>> = HashMap::with_capacity(nexts.len());
        for (place, &node) in nexts.iter().enumerate().rev() {
            wanted.entry(hash(self.next, node)).or_default().push(place);
        }
        let mut placed = vec![false; nexts.len()];
        for &node in docs {
            if let Some(place) = wanted.get_mut(&hash(self.doc, node)).and_then(Vec::pop) {
                placed[place] = true;
                self.out.separate();
                self.out.copy(self.doc, node);
            }
        }
        for (&node, _) in nexts.iter().zip(placed).filter(|(_, placed)| !placed) {
            self.out.separate();
            self.out.copy(self.next, node);
        }
    }
}
