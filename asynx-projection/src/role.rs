use std::sync::Arc;

use asynx_core::{Position, Store, StoreError};

use crate::lifecycle::checkpoints;

/// Which version of a projection is in use, and which one is to take its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InUse {
    pub(crate) version: u32,
    pub(crate) partitions: usize,
    /// The version in use has stopped for good, and this one is about to take over.
    pub(crate) successor: Option<u32>,
}

/// What a version of a projection is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is the one in use.
    InUse,
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

    pub(crate) const fn position(self) -> Position {
        let successor = match self.successor {
            Some(version) => version,
            None => 0,
        };
        Position::new([self.version as u64, self.partitions as u64, successor as u64])
    }

    fn of(position: Position) -> Option<Self> {
        let [version, partitions, successor] = position.parts();
        let successor = u32::try_from(successor).ok()?;
        Some(Self {
            version: u32::try_from(version).ok()?,
            partitions: usize::try_from(partitions).ok()?,
            successor: (successor > 0).then_some(successor),
        })
    }

    /// `None` before a first version has run.
    pub(crate) async fn get(store: &Arc<dyn Store>, projection: &str) -> Result<Option<Self>, StoreError> {
        let kept = checkpoints(store)?.get(&Self::reader(projection)).await?;
        Ok(kept.and_then(|kept| kept.position).and_then(Self::of))
    }

    /// The names of its readers.
    pub(crate) fn readers(self, projection: &str) -> Vec<String> {
        readers(projection, self.version, self.partitions)
    }
}

/// The names under which the partitions of a version keep their checkpoints.
pub(crate) fn readers(projection: &str, version: u32, partitions: usize) -> Vec<String> {
    match partitions {
        0 | 1 => vec![format!("{projection}@{version}")],
        of => (0..of)
            .map(|number| format!("{projection}@{version}/{number}-{of}"))
            .collect(),
    }
}

/// What a version is to do now. The first one that ever runs is the one in use.
pub(crate) async fn role(
    store: &Arc<dyn Store>,
    projection: &str,
    version: u32,
    partitions: usize,
) -> Result<Role, StoreError> {
    let noted = noted(store, projection, version, partitions).await?;
    if noted != partitions {
        return Ok(Role::Misfit { partitions: noted });
    }
    loop {
        if let Some(in_use) = InUse::get(store, projection).await? {
            return Ok(match in_use {
                InUse {
                    version: used,
                    partitions: others,
                    successor: None,
                } if used == version => match others == partitions {
                    true => Role::InUse,
                    false => Role::Misfit { partitions: others },
                },
                InUse { version: used, .. } if used == version => Role::Leaving(in_use),
                InUse { version: used, .. } if used > version => Role::Replaced,
                _ => Role::Rebuild(in_use),
            });
        }
        let first = InUse {
            version,
            partitions,
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
    format!("partitions:{projection}@{version}")
}

/// With how many partitions a version runs: as many as the first who ran it had.
pub(crate) async fn noted(
    store: &Arc<dyn Store>,
    projection: &str,
    version: u32,
    partitions: usize,
) -> Result<usize, StoreError> {
    let note = note(projection, version);
    let checkpoints = checkpoints(store)?;
    loop {
        let kept = checkpoints.get(&note).await?.and_then(|kept| kept.position);
        if let Some(kept) = kept {
            return Ok(usize::try_from(kept.parts()[2]).unwrap_or(usize::MAX));
        }
        let claimed = checkpoints.claim(&note).await?;
        if claimed.position.is_none() {
            let position = Position::new([0, 0, partitions as u64]);
            checkpoints.put(&note, Some(position), claimed.fence).await?;
        }
    }
}

/// How far the partitions of a version have come: the one that is furthest behind, and the one that is furthest ahead.
pub(crate) async fn progress(
    store: &Arc<dyn Store>,
    projection: &str,
    of: InUse,
) -> Result<(Option<Position>, Option<Position>), StoreError> {
    let mut positions = Vec::new();
    for reader in of.readers(projection) {
        let kept = checkpoints(store)?.get(&reader).await?;
        positions.push(kept.and_then(|kept| kept.position));
    }
    let least = positions.iter().min().copied().flatten();
    Ok((least, positions.into_iter().max().flatten()))
}
