use std::cmp::Ordering;
use std::sync::Arc;

use asynx_core::{Position, Store, StoreError};

use crate::lifecycle::checkpoints;

/// A version of a projection with the number of its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Built {
    pub(crate) version: u32,
    pub(crate) partitions: usize,
}

/// Which version of a projection is in use, and which one is to take its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InUse {
    pub(crate) built: Built,
    /// The one whose place it took.
    pub(crate) before: Option<Built>,
    /// The version in use has stopped for good, and this one is about to take over.
    pub(crate) successor: Option<u32>,
}

/// What a version of a projection is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is the one in use.
    InUse(InUse),
    /// It is built beside the one in use.
    Rebuild(InUse),
    /// A newer one is in use.
    Replaced,
    /// It has stopped for good, since its successor is about to take its place.
    Leaving(InUse),
    /// It runs with another number of partitions, whose checkpoints are not those of this one.
    Misfit { partitions: usize },
}

impl InUse {
    /// Kept like a checkpoint, so that it moves in the same transactions as one.
    pub(crate) fn reader(projection: &str) -> String {
        format!("in use:{projection}")
    }

    pub(crate) fn position(self) -> Position {
        let (version, partitions) = self.before.map_or((0, 0), |before| (before.version, before.partitions));
        let both = |one: u64, other: u64| one | other << 32;
        Position::new([
            both(self.built.version.into(), version.into()),
            both(self.built.partitions as u64, partitions as u64),
            self.successor.map_or(0, u64::from),
        ])
    }

    fn of(position: Position) -> Option<Self> {
        let [versions, partitions, successor] = position.parts();
        let built = |shift: u32| Built {
            version: u32::try_from(versions >> shift & u64::from(u32::MAX)).unwrap_or(0),
            partitions: usize::try_from(partitions >> shift & u64::from(u32::MAX)).unwrap_or(0),
        };
        let successor = u32::try_from(successor).ok()?;
        Some(Self {
            built: built(0),
            before: Some(built(32)).filter(|before| before.version > 0),
            successor: (successor > 0).then_some(successor),
        })
    }

    /// `None` before a first version has run.
    pub(crate) async fn get(store: &Arc<dyn Store>, projection: &str) -> Result<Option<Self>, StoreError> {
        let kept = checkpoints(store)?.get(&Self::reader(projection)).await?;
        Ok(kept.and_then(|kept| kept.position).and_then(Self::of))
    }
}

impl Built {
    /// The names under which its partitions keep their checkpoints.
    pub(crate) fn readers(self, projection: &str) -> Vec<String> {
        let Self { version, partitions } = self;
        match partitions {
            0 | 1 => vec![format!("{projection}@{version}")],
            of => (0..of)
                .map(|number| format!("{projection}@{version}/{number}-{of}"))
                .collect(),
        }
    }

    /// Up to where each of its partitions has handled everything.
    pub(crate) async fn positions(
        self,
        store: &Arc<dyn Store>,
        projection: &str,
    ) -> Result<Vec<Option<Position>>, StoreError> {
        let mut positions = Vec::new();
        for reader in self.readers(projection) {
            let kept = checkpoints(store)?.get(&reader).await?;
            positions.push(kept.and_then(|kept| kept.position));
        }
        Ok(positions)
    }

    /// The position of the partition that is furthest behind.
    pub(crate) async fn least(self, store: &Arc<dyn Store>, projection: &str) -> Result<Option<Position>, StoreError> {
        Ok(self.positions(store, projection).await?.into_iter().min().flatten())
    }

    /// The position of the partition that is furthest ahead.
    pub(crate) async fn most(self, store: &Arc<dyn Store>, projection: &str) -> Result<Option<Position>, StoreError> {
        Ok(self.positions(store, projection).await?.into_iter().max().flatten())
    }
}

/// What a version is to do now. The first one that ever runs is the one in use.
pub(crate) async fn role(store: &Arc<dyn Store>, projection: &str, built: Built) -> Result<Role, StoreError> {
    let noted = noted(store, projection, built).await?;
    if noted != built {
        return Ok(Role::Misfit {
            partitions: noted.partitions,
        });
    }
    loop {
        if let Some(in_use) = InUse::get(store, projection).await? {
            return Ok(match in_use.built.version.cmp(&built.version) {
                Ordering::Greater => Role::Replaced,
                Ordering::Less => Role::Rebuild(in_use),
                Ordering::Equal if in_use.successor.is_some() => Role::Leaving(in_use),
                Ordering::Equal => Role::InUse(in_use),
            });
        }
        let first = InUse {
            built,
            before: None,
            successor: None,
        };
        let reader = InUse::reader(projection);
        let claimed = checkpoints(store)?.claim(&reader).await?;
        if claimed.position.is_none() {
            checkpoints(store)?
                .put(&reader, Some(first.position()), claimed.fence)
                .await?;
        }
    }
}

/// Where the number of partitions of a version is kept, like a checkpoint.
pub(crate) fn note(projection: &str, version: u32) -> String {
    // No reader of a partition ends like this.
    format!("{projection}@{version} partitions")
}

/// Where it is kept up to where all that a version has handled is replayed: what it came to before it was in use.
pub(crate) fn since(projection: &str, version: u32) -> String {
    format!("{projection}@{version} since")
}

/// A version as it runs: with as many partitions as the first who ran it had.
pub(crate) async fn noted(store: &Arc<dyn Store>, projection: &str, built: Built) -> Result<Built, StoreError> {
    let note = note(projection, built.version);
    let checkpoints = checkpoints(store)?;
    loop {
        let kept = checkpoints.get(&note).await?.and_then(|kept| kept.position);
        if let Some(kept) = kept {
            let partitions = usize::try_from(kept.parts()[2]).unwrap_or(usize::MAX);
            return Ok(Built { partitions, ..built });
        }
        let claimed = checkpoints.claim(&note).await?;
        if claimed.position.is_none() {
            let position = Position::new([0, 0, built.partitions as u64]);
            checkpoints.put(&note, Some(position), claimed.fence).await?;
        }
    }
}
