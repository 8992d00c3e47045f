use asynx_core::{Category, StoreError};
use asynx_lanes::inline::{Noted, Roster};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::error::store_error;
use crate::store::Shared;

impl Shared {
    /// Looks at what is noted, and notes what can be in use at once; an error where the store must not be opened like
    /// this.
    pub(crate) async fn enrol(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        self.inline.set.check()?;
        let (mut changes, mut noted) = self.noted(connection).await?;
        Roster::check(&noted, &self.inline.set, &self.inline.without)?;
        let new: Vec<Noted> = self
            .inline
            .set
            .iter()
            .map(|projection| Noted::of(&**projection))
            .collect();
        if new.iter().any(|new| noted.iter().all(|noted| noted.name != new.name)) {
            self.note_new(connection, &new).await?;
            (changes, noted) = self.noted(connection).await?;
            Roster::check(&noted, &self.inline.set, &self.inline.without)?;
        }
        self.inline.know(Roster::of(changes, &noted, &self.inline.set));
        Ok(())
    }

    /// Learns of a change that somebody made.
    pub(crate) async fn learn(&self) -> Result<(), StoreError> {
        let mut connection = self.connections.reader().await.map_err(store_error)?;
        let (changes, noted) = self.noted(&mut connection).await?;
        self.inline.know(Roster::of(changes, &noted, &self.inline.set));
        Ok(())
    }

    /// What is noted, and how often that has changed.
    pub(super) async fn noted(&self, connection: &mut PgConnection) -> Result<(i64, Vec<Noted>), StoreError> {
        let rows = sqlx::query(self.statements.inline_noted.get())
            .fetch_all(connection)
            .await;
        let rows = rows.map_err(store_error)?;
        let mut noted = Vec::new();
        let mut changes = 0;
        for row in rows {
            changes = row.try_get(0).map_err(store_error)?;
            let Some(name) = row.try_get(1).map_err(store_error)? else {
                continue;
            };
            let version: i64 = row.try_get(2).map_err(store_error)?;
            let categories: Vec<String> = row.try_get(3).map_err(store_error)?;
            let categories = categories.iter().map(Category::parse).collect::<Result<_, _>>();
            noted.push(Noted {
                name,
                version: u32::try_from(version).unwrap_or(u32::MAX),
                categories: categories.map_err(|error| {
                    StoreError::permanent("the table inline of asynx was not written by it").caused_by(error)
                })?,
            });
        }
        Ok((changes, noted))
    }

    /// Notes those of whose categories there are no events.
    async fn note_new(&self, connection: &mut PgConnection, new: &[Noted]) -> Result<(), StoreError> {
        let mut transaction = connection.begin().await.map_err(store_error)?;
        self.lock(&mut transaction).await.map_err(store_error)?;
        let (_, noted) = self.noted(&mut transaction).await?;
        for new in new {
            if noted.iter().any(|noted| noted.name == new.name) {
                continue;
            }
            let any: bool = sqlx::query_scalar(self.statements.inline_any.get())
                .bind(names(&new.categories))
                .fetch_one(&mut *transaction)
                .await
                .map_err(store_error)?;
            if any {
                return Err(Roster::unbuilt(new));
            }
            self.note(&mut transaction, new).await.map_err(store_error)?;
        }
        transaction.commit().await.map_err(store_error)
    }

    pub(super) async fn lock(&self, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
        let locking = sqlx::query(self.statements.inline_lock.get());
        locking.execute(transaction).await.map(drop)
    }

    /// Notes a projection as in use, under the lock.
    pub(super) async fn note(&self, transaction: &mut PgConnection, new: &Noted) -> Result<(), sqlx::Error> {
        sqlx::query(self.statements.inline_note.get())
            .bind(&new.name)
            .bind(i64::from(new.version))
            .bind(names(&new.categories))
            .execute(&mut *transaction)
            .await?;
        self.change(transaction).await
    }

    pub(super) async fn change(&self, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
        let changing = sqlx::query(self.statements.inline_change.get());
        changing.execute(transaction).await.map(drop)
    }
}

pub(super) fn names(categories: &[Category]) -> Vec<&str> {
    categories.iter().map(AsRef::as_ref).collect()
}
