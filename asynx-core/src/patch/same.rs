//! Equality of values: objects by key, everything else by its text.

use std::collections::HashMap;

use super::node::View;

/// Up to this many members are looked for one by one.
const FEW: usize = 24;

/// Whether two values are the same.
#[inline]
pub(crate) fn same(left: View<'_>, a: usize, right: View<'_>, b: usize) -> bool {
    let (left_text, right_text) = (left.bytes(a), right.bytes(b));
    // a text is canonical but for the order of members, so same values are texts of the same length
    left_text.len() == right_text.len()
        && (left_text == right_text
            || (left_text[0] == right_text[0]
                && matches!(left_text[0], b'[' | b'{')
                && same_container(left, a, right, b)))
}

fn same_container(left: View<'_>, a: usize, right: View<'_>, b: usize) -> bool {
    if left.nodes[a].next as usize - a != right.nodes[b].next as usize - b {
        return false;
    }
    if left.kind(a) == b'[' {
        let mut others = right.elements(b);
        return left
            .elements(a)
            .all(|a| others.next().is_some_and(|b| same(left, a, right, b)))
            && others.next().is_none();
    }
    let mut others = right.members(b);
    let mut members = left.members(a);
    loop {
        let rest = (members.clone(), others.clone());
        match (members.next(), others.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a.whole == b.whole || (a.key == b.key && same(left, a.node, right, b.node)) => {}
            (Some(a), Some(b)) if a.key != b.key => {
                let (members, others) = rest;
                let index = Index::new(others.map(|member| (member.key, member.node)));
                let mut count = 0;
                return members
                    .inspect(|_| count += 1)
                    .all(|a| index.get(a.key).is_some_and(|b| same(left, a.node, right, b)))
                    && count == index.len();
            }
            _ => return false,
        }
    }
}

/// A number for each key of an object: mostly the node of the value.
pub(crate) enum Index<'t> {
    Few(Vec<(&'t [u8], usize)>),
    Many(HashMap<&'t [u8], usize>),
}

impl<'t> Index<'t> {
    pub(crate) fn new(members: impl Iterator<Item = (&'t [u8], usize)>) -> Self {
        let members: Vec<_> = members.collect();
        if members.len() <= FEW {
            Self::Few(members)
        } else {
            Self::Many(members.into_iter().collect())
        }
    }

    pub(crate) fn of(view: View<'t>, object: usize) -> Self {
        Self::new(view.members(object).map(|member| (member.key, member.node)))
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<usize> {
        match self {
            Self::Few(members) => members.iter().find(|member| member.0 == key).map(|member| member.1),
            Self::Many(members) => members.get(key).copied(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(members) => members.len(),
            Self::Many(members) => members.len(),
        }
    }
}

/// A hash under which same values are equal.
pub(crate) fn hash(view: View<'_>, node: usize) -> u64 {
    hash_with::<true>(view, node)
}

/// A hash under which values are also equal if elements of arrays come in another order.
pub(crate) fn hash_unordered(view: View<'_>, node: usize) -> u64 {
    hash_with::<false>(view, node)
}

fn hash_with<const ORDERED: bool>(view: View<'_>, node: usize) -> u64 {
    let hash = |node| hash_with::<ORDERED>(view, node);
    match view.kind(node) {
        b'{' => {
            let members = view
                .members(node)
                .map(|member| mix(hash_bytes(member.key), hash(member.node)));
            mix(1, members.fold(0, u64::wrapping_add))
        }
        b'[' if ORDERED => view.elements(node).fold(2, |sum, element| mix(sum, hash(element))),
        b'[' => mix(
            2,
            view.elements(node)
                .map(|element| mix(3, hash(element)))
                .fold(0, u64::wrapping_add),
        ),
        _ => hash_bytes(view.bytes(node)),
    }
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    let chunks = bytes.chunks_exact(8);
    let rest = word(chunks.remainder());
    mix(
        chunks.fold(bytes.len() as u64, |sum, chunk| mix(sum, word(chunk))),
        rest,
    )
}

fn mix(sum: u64, word: u64) -> u64 {
    let product = u128::from(sum ^ 0x9e37_79b9_7f4a_7c15) * u128::from((word ^ 0xd6e8_feb8_6659_fd93).rotate_left(29));
    (product as u64) ^ ((product >> 64) as u64).wrapping_add(word)
}
