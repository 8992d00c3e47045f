use asynx_core::StoreError;

use crate::PostgresOptions;
use crate::connector::pinned;
use crate::names::Names;
use crate::statements::Statements;

/// The statements of appends as they are, so that benchmarks can run the very same ones in a bare loop. Not for users: they
/// change with any version.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct BareAppend {
    /// What a connection has to run before: the settings that the statements rely on.
    pub settings: String,
    /// Appends one event. Its parameters: category, aggregate id, version, floor, event id, event name, time, record,
    /// and how often the noted inline projections have changed: never in a new schema.
    pub one: String,
    /// Appends many. Its parameters, an array of each: category, aggregate id, expected version, last version of the group,
    /// floor, version, event id, event name, time, record; and that number.
    pub batch: String,
}

/// The statements for stores that are opened with these options.
///
/// # Errors
/// [`StoreError`] for a schema name or prefix that cannot be.
#[doc(hidden)]
pub fn bare_append(options: &PostgresOptions) -> Result<BareAppend, StoreError> {
    let names = Names::parse(&options.schema, &options.prefix)?;
    let statements = Statements::new(&names);
    Ok(BareAppend {
        settings: pinned(options.statement_timeout),
        one: statements.append_one.get().as_str().to_owned(),
        batch: statements.append_batch.get().as_str().to_owned(),
    })
}
