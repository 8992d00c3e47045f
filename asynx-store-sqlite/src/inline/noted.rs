use asynx_core::{Category, StoreError};
use asynx_lanes::inline::{InlineSet, Noted, Roster};
use sqlx::sqlite::SqliteRow;

use crate::database::Database;
use crate::statement::Values;
use crate::write::Writing;
use crate::{json, row};

/// One statement, so that the rows are those of the count.
pub(crate) const NOTED: &str = "SELECT c.changes, i.name, i.version, i.categories
FROM asynx_inline_changes AS c LEFT JOIN asynx_inline AS i ON true ORDER BY i.name";

const ANY: &str = "SELECT EXISTS (
    SELECT 1 FROM asynx_streams INDEXED BY asynx_streams_by_name
    WHERE category IN (SELECT value FROM json_each(?1))
) OR (json_array_length(?1) = 0 AND EXISTS (SELECT 1 FROM asynx_streams))";

const NOTE: &str = "INSERT INTO asynx_inline (name, version, categories) VALUES (?1, ?2, ?3)
    ON CONFLICT (name) DO UPDATE SET version = excluded.version, categories = excluded.categories";

pub(super) const REMOVE: &str = "DELETE FROM asynx_inline WHERE name = ?1 RETURNING version";

pub(super) const CHANGE: &str = "UPDATE asynx_inline_changes SET changes = changes + 1";

impl Database {
    /// Looks at what is noted, and notes what can be in use at once; an error where the store must not be opened like
    /// this.
    pub(crate) async fn enrol(&self) -> Result<(), StoreError> {
        let given = &self.inline.set;
        given.check()?;
        if self.file.is_none() && !given.is_empty() {
            return Err(StoreError::permanent(
                "a store in memory has one connection for all, which inline projections would wait for: give the store a \
                 file",
            ));
        }
        let (mut changes, mut noted) = self.noted().await?;
        Roster::check(&noted, given, &self.inline.without)?;
        let is_noted = |name: &str, noted: &[Noted]| noted.iter().any(|noted| noted.name == name);
        if given.iter().any(|projection| !is_noted(projection.name(), &noted)) {
            self.note_new(given).await?;
            (changes, noted) = self.noted().await?;
            Roster::check(&noted, given, &self.inline.without)?;
        }
        self.inline.know(Roster::of(changes, &noted, given));
        Ok(())
    }

    /// Learns of a change that somebody made.
    pub(crate) async fn learn(&self) -> Result<(), StoreError> {
        let (changes, noted) = self.noted().await?;
        self.inline.know(Roster::of(changes, &noted, &self.inline.set));
        Ok(())
    }

    /// What is noted, and how often that has changed.
    pub(super) async fn noted(&self) -> Result<(i64, Vec<Noted>), StoreError> {
        read(&self.read(NOTED, Values::default()).await?)
    }

    /// Notes those of whose categories there are no events.
    async fn note_new(&self, given: &InlineSet<crate::SqliteTransaction>) -> Result<(), StoreError> {
        let (mut writing, _) = self.begin("BEGIN IMMEDIATE", Values::default()).await?;
        let (_, noted) = read(&writing.run(NOTED, Values::default()).await?.pop().unwrap_or_default())?;
        for projection in given.iter() {
            let new = Noted::of(&**projection);
            if noted.iter().any(|noted| noted.name == new.name) {
                continue;
            }
            let any = writing
                .run(ANY, Values::default().text(json::text(&names(&new))))
                .await?;
            if row::number(row::only(&any)?, 0)? != 0 {
                writing.roll_back().await;
                return Err(Roster::unbuilt(&new));
            }
            note(&mut writing, &new).await?;
        }
        Ok(writing.commit().await?)
    }
}

/// Notes a projection as in use.
pub(super) async fn note(writing: &mut Writing, new: &Noted) -> Result<(), StoreError> {
    let values = Values::default()
        .text(&*new.name)
        .number(new.version.into())
        .text(json::text(&names(new)));
    writing.run(NOTE, values).await?;
    writing.run(CHANGE, Values::default()).await.map(drop)
}

fn names(noted: &Noted) -> Vec<&str> {
    noted.categories.iter().map(Category::as_str).collect()
}

fn read(rows: &[SqliteRow]) -> Result<(i64, Vec<Noted>), StoreError> {
    let (mut changes, mut noted) = (0, Vec::new());
    for row in rows {
        changes = row::number(row, 0)?;
        let Some(name) = row::optional_text(row, 1)? else {
            continue;
        };
        let categories: Vec<String> = row::json(row, 3)?;
        let categories = categories.iter().map(Category::parse).collect::<Result<_, _>>();
        noted.push(Noted {
            name,
            version: u32::try_from(row::number(row, 2)?).unwrap_or(u32::MAX),
            categories: categories.map_err(|error| {
                StoreError::permanent("the table asynx_inline was not written by asynx").caused_by(error)
            })?,
        });
    }
    Ok((changes, noted))
}
