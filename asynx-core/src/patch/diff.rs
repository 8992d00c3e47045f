//! The differ.

use std::cell::Cell;

use super::align::{Step, align};
use super::node::{Elements, Member, View};
use super::same::{Index, same};
use super::{Tape, text};

const ADD: &[u8] = b"{\"op\":\"add\",\"path\":\"";
const REMOVE: &[u8] = b"{\"op\":\"remove\",\"path\":\"";
const REPLACE: &[u8] = b"{\"op\":\"replace\",\"path\":\"";
const VALUE: &[u8] = b"\",\"value\":";

/// The patch that leads from `old` to `new`, as RFC 6902 text: `[]` if they are the same.
///
/// Only `add`, `remove` and `replace` occur, and the text is never longer than that of replacing the whole document.
/// Objects are compared by key; in arrays, elements that stayed are recognised where they moved.
pub fn diff(old: &Tape, new: &Tape) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    diff_into(old, new, &mut out);
    out
}

/// As [`diff`], appended to `out`.
pub fn diff_into(old: &Tape, new: &Tape, out: &mut Vec<u8>) {
    thread_local! {
        static PATH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    out.push(b'[');
    let first = out.len();
    let mut differ = Differ {
        old: old.view(),
        new: new.view(),
        out,
        first,
        path: PATH.take(),
    };
    differ.value(0, 0);
    differ.out.push(b']');
    PATH.set(differ.path);
}

/// The patch that adds `new` as the whole document: the first of a stream.
pub fn create(new: &Tape) -> Vec<u8> {
    let mut out = Vec::with_capacity(ADD.len() + VALUE.len() + new.len() + 3);
    create_into(new, &mut out);
    out
}

/// As [`create`], appended to `out`.
pub fn create_into(new: &Tape, out: &mut Vec<u8>) {
    for part in [b"[", ADD, VALUE, new.text(), b"}]"] {
        out.extend_from_slice(part);
    }
}

struct Differ<'t, 'o> {
    old: View<'t>,
    new: View<'t>,
    out: &'o mut Vec<u8>,
    /// Where the first operation begins in `out`.
    first: usize,
    /// Where we are: a JSON Pointer, escaped as in a JSON string.
    path: Vec<u8>,
}

impl<'t> Differ<'t, '_> {
    #[inline]
    fn value(&mut self, a: usize, b: usize) {
        let (old, new) = (self.old.bytes(a), self.new.bytes(b));
        if old == new {
            return;
        }
        let mark = self.out.len();
        match (old[0], new[0]) {
            (b'{', b'{') => self.object(a, b),
            (b'[', b'[') => self.array(a, b),
            _ => return self.operation(REPLACE, Some(new)),
        }
        let separator = usize::from(mark > self.first);
        let bound = separator + REPLACE.len() + self.path.len() + VALUE.len() + new.len() + 1;
        if self.out.len() - mark > bound {
            self.out.truncate(mark);
            self.operation(REPLACE, Some(new));
        }
    }

    #[inline]
    fn operation(&mut self, head: &[u8], value: Option<&[u8]>) {
        if self.out.len() > self.first {
            self.out.push(b',');
        }
        self.out.extend_from_slice(head);
        self.out.extend_from_slice(&self.path);
        match value {
            Some(value) => {
                self.out.extend_from_slice(VALUE);
                self.out.extend_from_slice(value);
                self.out.push(b'}');
            }
            None => self.out.extend_from_slice(b"\"}"),
        }
    }

    /// Does something one step further down, at the member `key`.
    #[inline]
    fn at_member(&mut self, key: &[u8], work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        text::write_token(&mut self.path, key);
        work(self);
        self.path.truncate(length);
    }

    fn at_element(&mut self, index: usize, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push(b'/');
        text::write_integer(&mut self.path, index);
        work(self);
        self.path.truncate(length);
    }

    fn object(&mut self, a: usize, b: usize) {
        let mut olds = self.old.members(a);
        let mut news = self.new.members(b);
        loop {
            match (olds.next(), news.next()) {
                (None, None) => return,
                (Some(old), Some(new)) if old.whole == new.whole => {}
                (Some(old), Some(new)) if old.key == new.key => {
                    self.at_member(new.key, |differ| differ.value(old.node, new.node));
                }
                (old, new) => {
                    let olds: Vec<_> = old.into_iter().chain(olds).collect();
                    return self.members(&olds, new.into_iter().chain(news));
                }
            }
        }
    }

    /// Members in any order.
    fn members(&mut self, olds: &[Member<'t>], news: impl Iterator<Item = Member<'t>>) {
        let mut index = None;
        let mut stays = vec![false; olds.len()];
        // members that both have mostly come in the same order
        let mut likely = 0;
        for new in news {
            let found = match olds.get(likely) {
                Some(old) if old.key == new.key => Some(likely),
                _ => index
                    .get_or_insert_with(|| Index::new(olds.iter().enumerate().map(|(place, old)| (old.key, place))))
                    .get(new.key),
            };
            match found {
                Some(place) => {
                    likely = place + 1;
                    stays[place] = true;
                    self.at_member(new.key, |differ| differ.value(olds[place].node, new.node));
                }
                None => {
                    let value = self.new.bytes(new.node);
                    self.at_member(new.key, |differ| differ.operation(ADD, Some(value)));
                }
            }
        }
        for (old, _) in olds.iter().zip(stays).filter(|(_, stays)| !stays) {
            self.at_member(old.key, |differ| differ.operation(REMOVE, None));
        }
    }

    /// Whether two arrays go on with the same elements.
    fn all_same(&self, olds: Elements<'_>, mut news: Elements<'_>) -> bool {
        let same = |old| news.next().is_some_and(|new| same(self.old, old, self.new, new));
        { olds }.all(same) && news.next().is_none()
    }

    fn array(&mut self, a: usize, b: usize) {
        let mut olds = self.old.elements(a);
        let mut news = self.new.elements(b);
        let mut index = 0;
        let (old, new) = loop {
            match (olds.next(), news.next()) {
                (None, None) => return,
                (Some(old), Some(new)) if same(self.old, old, self.new, new) => index += 1,
                rest => break rest,
            }
        };
        if let (Some(old), Some(new)) = (old, new)
            && self.all_same(olds.clone(), news.clone())
        {
            return self.at_element(index, |differ| differ.value(old, new));
        }
        let olds: Vec<_> = old.into_iter().chain(olds).collect();
        let news: Vec<_> = new.into_iter().chain(news).collect();
        // the operations run in order: what lies before `index` is as in `new` already, what lies behind as in `old`
        for step in align(self.old, &olds, self.new, &news) {
            match step {
                Step::Keep(..) => {}
                Step::Change(i, j) => self.at_element(index, |differ| differ.value(olds[i], news[j])),
                Step::Insert(j) => {
                    let value = self.new.bytes(news[j]);
                    self.at_element(index, |differ| differ.operation(ADD, Some(value)));
                }
                Step::Remove(_) => {
                    self.at_element(index, |differ| differ.operation(REMOVE, None));
                    continue;
                }
            }
            index += 1;
        }
    }
}
