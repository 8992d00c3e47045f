use asynx_core::StoreError;

use crate::patience::Patience;
use crate::pool::Held;
use crate::row;
use crate::statement::{Values, run};

const ANY: &str = "SELECT (SELECT count(*) FROM sqlite_stat1 WHERE tbl LIKE 'asynx\\_%' ESCAPE '\\')
    + (SELECT count(*) FROM sqlite_stat4 WHERE tbl LIKE 'asynx\\_%' ESCAPE '\\')";

const FORGET: &str = "BEGIN IMMEDIATE;
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'asynx\\_%' ESCAPE '\\';
DELETE FROM sqlite_stat4 WHERE tbl LIKE 'asynx\\_%' ESCAPE '\\';
COMMIT";

/// Makes the tables that `ANALYZE` fills. Where they are there already, an `ANALYZE` of somebody else does not change
/// the plans of open connections.
const MAKE: &str = "ANALYZE asynx_streams";

/// Removes what `ANALYZE` wrote about our tables, before connections read it. True where there was anything: then the
/// connection that it is done with has read it too.
///
/// Without statistics the planner takes tables for large, and finds the plans that our indexes are made for. With those
/// of a table that was small once it scans, however large the table is now.
pub(super) async fn forget(held: &mut Held, patience: &Patience) -> Result<bool, StoreError> {
    let found = match run(held.connection()?, ANY, Values::default()).await {
        Ok(found) => found,
        // One of the tables was dropped.
        Err(_) => {
            let made = patience.run(held.connection()?, MAKE, Values::default()).await;
            made.map_err(|failed| held.explained(failed.error))?;
            let found = run(held.connection()?, ANY, Values::default()).await;
            found.map_err(|failed| held.explained(failed.error))?
        }
    };
    if row::number(row::only(&found)?, 0)? == 0 {
        return Ok(false);
    }
    let forgotten = patience.run(held.connection()?, FORGET, Values::default()).await;
    forgotten.map_err(|failed| held.explained(failed.error))?;
    Ok(true)
}
