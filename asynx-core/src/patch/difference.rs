//! Where two tapes differ first.

use super::node::View;
use super::same::{Index, same};
use super::scan::Scanner;
use super::{Pointer, Tape};

/// The deepest path that holds the first difference; the root if there is none.
pub(crate) fn first_difference(left: &Tape, right: &Tape) -> Pointer {
    let mut path = Pointer::root();
    descend(left.view(), 0, right.view(), 0, &mut path);
    path
}

fn descend(left: View<'_>, a: usize, right: View<'_>, b: usize, path: &mut Pointer) {
    match (left.kind(a), right.kind(b)) {
        (b'{', b'{') => {
            let others = Index::of(right, b);
            let own = Index::of(left, a);
            for member in left.members(a) {
                match others.get(member.key) {
                    Some(other) if same(left, member.node, right, other) => {}
                    Some(other) => {
                        path.push(&decode(member.key));
                        return descend(left, member.node, right, other, path);
                    }
                    None => return path.push(&decode(member.key)),
                }
            }
            if let Some(member) = right.members(b).find(|member| own.get(member.key).is_none()) {
                path.push(&decode(member.key));
            }
        }
        (b'[', b'[') => {
            let pairs = left.elements(a).zip(right.elements(b));
            let mut unequal = pairs.enumerate().filter(|(_, (a, b))| !same(left, *a, right, *b));
            if let Some((index, (a, b))) = unequal.next() {
                *path = path.element(index);
                descend(left, a, right, b, path);
            }
        }
        _ => {}
    }
}

/// A key that is escaped and without quotes.
pub(crate) fn decode(key: &[u8]) -> String {
    let quoted = [b"\"", key, b"\""].concat();
    Scanner::new(&quoted)
        .and_then(|mut scanner| scanner.string().map(String::from))
        .unwrap_or_default()
}
