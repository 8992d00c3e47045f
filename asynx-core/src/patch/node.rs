//! The flat tree beside a text: one node per value, in the order of the text.

/// Where one value lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) start: u32,
    /// The offset after the value; 0 while the value is being written.
    pub(crate) end: u32,
    /// The index of the first node that is not inside of this one; 0 while the value is being written.
    pub(crate) next: u32,
}

/// A text and its nodes.
#[derive(Clone, Copy)]
pub(crate) struct View<'t> {
    pub(crate) text: &'t [u8],
    pub(crate) nodes: &'t [Node],
}

impl<'t> View<'t> {
    /// The text of a value.
    #[inline]
    pub(crate) fn bytes(self, node: usize) -> &'t [u8] {
        let node = self.nodes[node];
        &self.text[node.start as usize..node.end as usize]
    }

    /// The first byte of a value, which tells its kind.
    #[inline]
    pub(crate) fn kind(self, node: usize) -> u8 {
        self.text[self.nodes[node].start as usize]
    }

    /// The elements of an array, or the values of an object.
    #[inline]
    pub(crate) fn elements(self, node: usize) -> Elements<'t> {
        Elements {
            nodes: self.nodes,
            at: node + 1,
            stop: self.nodes[node].next as usize,
        }
    }

    /// The members of an object.
    #[inline]
    pub(crate) fn members(self, node: usize) -> Members<'t> {
        Members {
            view: self,
            from: self.nodes[node].start as usize + 1,
            elements: self.elements(node),
        }
    }

    /// The members that an object has so far; all of them are complete.
    pub(crate) fn members_so_far(self, node: usize) -> Members<'t> {
        let elements = Elements {
            nodes: self.nodes,
            at: node + 1,
            stop: self.nodes.len(),
        };
        Members {
            view: self,
            from: self.nodes[node].start as usize + 1,
            elements,
        }
    }
}

/// The indices of the nodes that lie directly in one.
#[derive(Clone)]
pub(crate) struct Elements<'t> {
    nodes: &'t [Node],
    at: usize,
    stop: usize,
}

impl Iterator for Elements<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        (self.at < self.stop).then(|| {
            let node = self.at;
            self.at = self.nodes[node].next as usize;
            node
        })
    }
}

/// The members of an object, in the order of the text.
#[derive(Clone)]
pub(crate) struct Members<'t> {
    view: View<'t>,
    from: usize,
    elements: Elements<'t>,
}

#[derive(Clone, Copy)]
pub(crate) struct Member<'t> {
    /// Key, colon and value.
    pub(crate) whole: &'t [u8],
    /// The key, escaped, without its quotes. Equal keys are equal bytes.
    pub(crate) key: &'t [u8],
    /// The value.
    pub(crate) node: usize,
}

impl<'t> Iterator for Members<'t> {
    type Item = Member<'t>;

    #[inline]
    fn next(&mut self) -> Option<Member<'t>> {
        let node = self.elements.next()?;
        let Node { start, end, .. } = self.view.nodes[node];
        let from = self.from;
        // the comma
        self.from = end as usize + 1;
        Some(Member {
            whole: &self.view.text[from..end as usize],
            // `"key":`
            key: &self.view.text[from + 1..start as usize - 2],
            node,
        })
    }
}
