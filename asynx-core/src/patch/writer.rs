//! Writing a text and its nodes at once.

use std::collections::HashSet;

use super::node::{Node, View};
use super::scan::Scanner;
use super::{MAX_DEPTH, ParseError, Pointer, text};

/// A tape in the making.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) text: Vec<u8>,
    pub(crate) nodes: Vec<Node>,
    /// How many containers are open.
    pub(crate) depth: usize,
}

impl Writer {
    pub(crate) fn with_capacity(text: usize, nodes: usize) -> Self {
        Self {
            text: Vec::with_capacity(text),
            nodes: Vec::with_capacity(nodes),
            depth: 0,
        }
    }

    /// A writer in the memory of what was written before.
    pub(crate) fn reusing(mut text: Vec<u8>, mut nodes: Vec<Node>) -> Self {
        text.clear();
        nodes.clear();
        Self { text, nodes, depth: 0 }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            text: &self.text,
            nodes: &self.nodes,
        }
    }

    /// Whether offsets into the text no longer fit into a node.
    #[inline]
    pub(crate) fn is_too_large(&self) -> bool {
        u32::try_from(self.text.len()).is_err()
    }

    /// Makes a node of the scalar that was just written from `start` on.
    #[inline]
    pub(crate) fn scalar(&mut self, start: usize) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node {
            start: start as u32,
            end: self.text.len() as u32,
            next,
        });
    }

    /// Writes a scalar that is JSON already.
    #[inline]
    pub(crate) fn raw_scalar(&mut self, scalar: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(scalar);
        self.scalar(start);
    }

    #[inline]
    pub(crate) fn string(&mut self, string: &str) {
        let start = self.text.len();
        text::write_string(&mut self.text, string);
        self.scalar(start);
    }

    /// Begins an array or an object; answers its node.
    #[inline]
    pub(crate) fn open(&mut self, bracket: u8) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node {
            start: self.text.len() as u32,
            end: 0,
            next: 0,
        });
        self.text.push(bracket);
        self.depth += 1;
        node
    }

    #[inline]
    pub(crate) fn close(&mut self, node: usize, bracket: u8) {
        self.text.push(bracket);
        self.depth -= 1;
        let next = self.nodes.len() as u32;
        let end = self.text.len() as u32;
        let node = &mut self.nodes[node];
        node.end = end;
        node.next = next;
    }

    /// Writes the comma before a member or an element, unless it is the first.
    #[inline]
    pub(crate) fn separate(&mut self) {
        if !matches!(self.text.last(), Some(b'[' | b'{')) {
            self.text.push(b',');
        }
    }

    /// Copies a value of another tape.
    pub(crate) fn copy(&mut self, from: View<'_>, node: usize) {
        let Node { start, end, next } = from.nodes[node];
        // wrapping, because the copy may lie before or after the original
        let text_shift = (self.text.len() as u32).wrapping_sub(start);
        let node_shift = (self.nodes.len() as u32).wrapping_sub(node as u32);
        self.text.extend_from_slice(&from.text[start as usize..end as usize]);
        self.nodes
            .extend(from.nodes[node..next as usize].iter().map(|node| Node {
                start: node.start.wrapping_add(text_shift),
                end: node.end.wrapping_add(text_shift),
                next: node.next.wrapping_add(node_shift),
            }));
    }

    /// Writes the value that a scanner stands before, without its white space.
    pub(crate) fn scan(&mut self, scanner: &mut Scanner<'_>) -> Result<(), ParseError> {
        match scanner.peek()? {
            b'"' => self.string(&scanner.string()?),
            open @ (b'[' | b'{') => return self.scan_container(scanner, open),
            b'n' => self.scan_word(scanner, "null")?,
            b't' => self.scan_word(scanner, "true")?,
            b'f' => self.scan_word(scanner, "false")?,
            b'-' | b'0'..=b'9' => self.raw_scalar(scanner.number()?.as_bytes()),
            _ => return Err(scanner.error("expected a value")),
        }
        Ok(())
    }

    fn scan_word(&mut self, scanner: &mut Scanner<'_>, word: &'static str) -> Result<(), ParseError> {
        scanner.word(word)?;
        self.raw_scalar(word.as_bytes());
        Ok(())
    }

    fn scan_container(&mut self, scanner: &mut Scanner<'_>, open: u8) -> Result<(), ParseError> {
        scanner.descend(self.depth)?;
        // `]` and `}` are two after `[` and `{`
        let close = open + 2;
        let node = self.open(open);
        let mut keys = KeyCheck::default();
        let mut first = true;
        while scanner.more(close, first)? {
            first = false;
            self.separate();
            if open == b'{' {
                let key = scanner.key()?;
                keys.note(key.as_bytes());
                text::write_string(&mut self.text, &key);
                self.text.push(b':');
            }
            self.scan(scanner)?;
        }
        if keys.suspicious && duplicate_key(self.view(), node).is_some() {
            return Err(scanner.error("duplicate key before"));
        }
        self.close(node, close);
        Ok(())
    }

    pub(crate) fn is_too_deep(&self) -> bool {
        self.depth >= MAX_DEPTH
    }

    /// Where the writer stands: the way through the containers that are open. Panics on no input.
    #[cold]
    pub(crate) fn path(&self) -> Pointer {
        let mut path = Pointer::root();
        let mut at = 0;
        while let Some(node) = self.nodes.get(at)
            && node.next == 0
        {
            let (mut child, mut count, mut end) = (at + 1, 0, node.start as usize + 1);
            while let Some(done) = self.nodes.get(child)
                && done.next != 0
            {
                (child, count, end) = (done.next as usize, count + 1, done.end as usize + 1);
            }
            let open = self.nodes.get(child).map(|node| node.start as usize);
            let stop = open.unwrap_or(self.text.len());
            let before = stop.checked_sub(1).and_then(|last| self.text.get(last));
            match (self.text.get(node.start as usize), before) {
                (Some(b'{'), Some(b':')) => {
                    let key = self
                        .text
                        .get(end..stop - 1)
                        .and_then(|key| Scanner::new(key).ok()?.string().ok().map(String::from));
                    path.push(&key.unwrap_or_default());
                }
                (Some(b'['), Some(b'[' | b',')) => path = path.element(count),
                _ => break,
            }
            at = child;
        }
        path
    }
}

/// Notices, at next to no cost, that the keys of an object might not be all different.
#[derive(Default)]
pub(crate) struct KeyCheck {
    seen: u64,
    pub(crate) suspicious: bool,
}

impl KeyCheck {
    #[inline]
    pub(crate) fn note(&mut self, key: &[u8]) {
        let mix = match key {
            [] => 0,
            [first, .., last] => {
                let middle = key[key.len() / 2];
                usize::from(*first) ^ usize::from(*last).rotate_left(2) ^ usize::from(middle).rotate_left(4) ^ key.len()
            }
            [only] => usize::from(*only),
        };
        let bit = 1_u64 << ((mix ^ (mix >> 6)) & 63);
        self.suspicious |= self.seen & bit != 0;
        self.seen |= bit;
    }
}

/// A key (escaped, without quotes) that an object, whose members are all written, has twice.
#[cold]
pub(crate) fn duplicate_key(view: View<'_>, node: usize) -> Option<&[u8]> {
    /// From here on hashing beats comparing each with each.
    const MANY: usize = 24;
    let members = view.members_so_far(node);
    let mut previous: Option<&[u8]> = None;
    let mut ascending = true;
    let mut count = 0;
    for member in members.clone() {
        ascending &= previous.is_none_or(|previous| previous < member.key);
        previous = Some(member.key);
        count += 1;
    }
    if ascending {
        return None;
    }
    if count > MANY {
        let mut keys = HashSet::with_capacity(count);
        return members.map(|member| member.key).find(|key| !keys.insert(*key));
    }
    let mut rest = members;
    while let Some(member) = rest.next() {
        if rest.clone().any(|other| other.key == member.key) {
            return Some(member.key);
        }
    }
    None
}
