/// A projection and the table that it writes, which are called the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Whether it is written in the transaction of the checkpoint, or over a connection of its own.
    pub(super) transactional: bool,
    pub(super) partitions: usize,
}

/// All there are.
pub(super) const TABLES: [Table; 4] = [
    Table {
        name: "transactional",
        transactional: true,
        partitions: 1,
    },
    Table {
        name: "detached",
        transactional: false,
        partitions: 1,
    },
    Table {
        name: "partitioned",
        transactional: true,
        partitions: 4,
    },
    Table {
        name: "partitioned_detached",
        transactional: false,
        partitions: 4,
    },
];

impl Table {
    /// The readers that keep its checkpoints.
    pub(super) fn readers(self) -> Vec<String> {
        let Self {
            name, partitions: of, ..
        } = self;
        match of {
            1 => vec![format!("{name}@1")],
            _ => (0..of).map(|number| format!("{name}@1/{number}-{of}")).collect(),
        }
    }
}
