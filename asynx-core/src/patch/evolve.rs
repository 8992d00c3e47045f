use std::fmt;

use super::difference::first_difference;
use super::node::View;
use super::place::{Arrays, Drop, Placing};
use super::same::hash_unordered;
use super::writer::Writer;
use super::{Pointer, Tape, diff};

/// Up to this many foreign members are tried one by one, to find those that the type does read.
const MAX_PROBES: usize = 64;

/// How often a state is read to see whether its type orders it differently each time.
const MAX_READINGS: usize = 16;

/// Places the change from `current` to `next` into `doc`, and proves that it can be read back.
///
/// `reserialise` decodes a document as the type and serialises it again. The target must come back as `next`. Members
/// that the type does not know are kept if that is possible; those that it reads under another name (`#[serde(alias)]`)
/// make way for what it writes; at last the foreign members of all objects that change make way.
///
/// Answers the target document and the patch that leads from `doc` to it.
///
/// # Errors
///
/// If no such document can be read back as `next`: the first path that does not survive.
pub fn evolve<F>(doc: &Tape, current: &Tape, next: &Tape, reserialise: F) -> Result<(Tape, Vec<u8>), EvolveError>
where
    F: Fn(&[u8]) -> Result<Tape, String>,
{
    if doc.same(current) {
        return Ok((next.clone(), diff(doc, next)));
    }
    let survives = |target: Tape| match check(&target, next, &reserialise) {
        Ok(()) => {
            let patch = diff(doc, &target);
            Ok((target, patch))
        }
        Err(error) => Err(error),
    };
    let kept = Placing::of(doc, current, next, Drop::Nothing, Arrays::Merge);
    let error = match survives(kept.target) {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    let aliases = aliases(doc, &kept.foreign, &reserialise);
    let ways = [
        (Drop::These(&aliases), Arrays::Merge),
        (Drop::OnChangedPaths, Arrays::Merge),
        (Drop::These(&aliases), Arrays::Replace),
        (Drop::OnChangedPaths, Arrays::Replace),
    ];
    ways.into_iter()
        .find_map(|(drop, arrays)| survives(Placing::of(doc, current, next, drop, arrays).target).ok())
        .ok_or(error)
}

/// Why a change cannot be placed into a document so that its type reads it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvolveError {
    path: Pointer,
    reason: String,
}

impl EvolveError {
    /// The first path that does not survive; the root if the document cannot be decoded at all.
    pub fn path(&self) -> &Pointer {
        &self.path
    }

    /// What happens there.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for EvolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "new state cannot be read back from its document: {} at {:?}",
            self.reason,
            self.path.as_str()
        )
    }
}

impl std::error::Error for EvolveError {}

/// Whether a document comes back as `next` when its type reads and serialises it again.
///
/// # Errors
///
/// If it does not: the first path that does not survive.
pub fn check(
    target: &Tape,
    next: &Tape,
    reserialise: impl Fn(&[u8]) -> Result<Tape, String>,
) -> Result<(), EvolveError> {
    let read = reserialise(target.text()).map_err(|reason| EvolveError {
        path: Pointer::root(),
        reason,
    })?;
    if read.same(next) || (is_reordered(&read, next) && reorders(target, &read, next, reserialise)) {
        return Ok(());
    }
    Err(EvolveError {
        path: first_difference(&read, next),
        reason: "value differs".to_owned(),
    })
}

/// Whether the two differ only in the order of the elements of arrays.
fn is_reordered(read: &Tape, next: &Tape) -> bool {
    read.len() == next.len() && hash_unordered(read.view(), 0) == hash_unordered(next.view(), 0)
}

/// Whether the type itself does not keep the order of elements, as a `HashSet` does not: it does not even read back `next`
/// as it is, or reads the same text differently each time.
fn reorders(target: &Tape, read: &Tape, next: &Tape, reserialise: impl Fn(&[u8]) -> Result<Tape, String>) -> bool {
    let unlike = |text: &[u8], seen: &Tape| reserialise(text).is_ok_and(|again| !again.same(seen));
    (0..MAX_READINGS).any(|_| unlike(next.text(), next) || unlike(target.text(), read))
}

/// Those foreign members, ascending, without which the type reads something else: it knows them by another name.
fn aliases(doc: &Tape, foreign: &[usize], reserialise: impl Fn(&[u8]) -> Result<Tape, String>) -> Vec<usize> {
    let Ok(whole) = reserialise(doc.text()) else {
        return foreign.to_vec();
    };
    let is_alias = |&node: &usize| {
        let mut rest = Writer::with_capacity(doc.len(), doc.view().nodes.len());
        copy_without(&mut rest, doc.view(), 0, node);
        let rest = Tape::from_writer(rest);
        !reserialise(rest.text()).is_ok_and(|read| read.same(&whole) || is_reordered(&read, &whole))
    };
    foreign.iter().copied().take(MAX_PROBES).filter(is_alias).collect()
}

fn copy_without(out: &mut Writer, view: View<'_>, node: usize, without: usize) {
    if !(node..view.nodes[node].next as usize).contains(&without) {
        return out.copy(view, node);
    }
    let bracket = view.kind(node);
    let container = out.open(bracket);
    if bracket == b'[' {
        for element in view.elements(node) {
            out.separate();
            copy_without(out, view, element, without);
        }
    } else {
        for member in view.members(node).filter(|member| member.node != without) {
            out.separate();
            out.text.push(b'"');
            out.text.extend_from_slice(member.key);
            out.text.extend_from_slice(b"\":");
            copy_without(out, view, member.node, without);
        }
    }
    out.close(container, bracket + 2);
}
