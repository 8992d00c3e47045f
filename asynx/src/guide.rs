//! [quick-start]: mod@self::quick_start
//! [modelling]: mod@self::modelling
//! [testing]: mod@self::testing
//! [stores]: mod@self::stores
//! [projections]: mod@self::projections
//! [evolution]: mod@self::evolution
//! [snapshots]: mod@self::snapshots
//! [forgetting]: mod@self::forgetting
//! [processes]: mod@self::processes
//! [operations]: mod@self::operations
//! [writing-a-store]: mod@self::writing_a_store
//! [from-go]: mod@self::from_go
//! [comparison]: mod@self::comparison
#![doc = include_str!("../guide/README.md")]
// The chapters, so that their code is compiled and run; no user builds this. Links lead to modules and types here, since what
// is defined before a page wins over what the page defines itself.

/// [modelling]: mod@self::modelling
/// [testing]: mod@self::testing
/// [operations]: mod@self::operations
#[doc = include_str!("../guide/quick-start.md")]
pub mod quick_start {}

/// [quick-start]: mod@self::quick_start
/// [testing]: mod@self::testing
/// [projections]: mod@self::projections
#[doc = include_str!("../guide/modelling.md")]
pub mod modelling {}

/// [projections]: mod@self::projections
/// [evolution]: mod@self::evolution
/// [doc-projections]: crate::projection
#[doc = include_str!("../guide/testing.md")]
pub mod testing {}

/// [writing-a-store]: mod@self::writing_a_store
/// [doc-sqlite]: crate::store::SqliteStore
/// [doc-postgres]: crate::store::PostgresStore
/// [doc-jetstream]: self#the-pages-in-docs
/// [doc-performance]: self#the-pages-in-docs
#[doc = include_str!("../guide/stores.md")]
pub mod stores {}

/// [doc-projections]: crate::projection
/// [doc-jetstream]: crate::bus::JetStreamBus
#[doc = include_str!("../guide/projections.md")]
pub mod projections {}

#[doc = include_str!("../guide/evolution.md")]
pub mod evolution {}

/// [evolution]: mod@self::evolution
#[doc = include_str!("../guide/snapshots.md")]
pub mod snapshots {}

/// [doc-sqlite]: crate::store::SqliteStore
/// [doc-guarantees]: self#the-pages-in-docs
#[doc = include_str!("../guide/forgetting.md")]
pub mod forgetting {}

/// [projections]: mod@self::projections
/// [evolution]: mod@self::evolution
/// [doc-sqlite]: crate::store::SqliteStore
/// [doc-postgres]: crate::store::PostgresStore
/// [doc-jetstream]: crate::bus::JetStreamBus
#[doc = include_str!("../guide/processes.md")]
pub mod processes {}

/// [evolution]: mod@self::evolution
/// [doc-postgres]: crate::store::PostgresStore
/// [doc-projections]: crate::projection
/// [snapshots]: mod@self::snapshots
/// [doc-performance]: self#the-pages-in-docs
/// [doc-sqlite]: crate::store::SqliteStore
/// [doc-observability]: self#the-pages-in-docs
#[doc = include_str!("../guide/operations.md")]
pub mod operations {}

/// [doc-custom-store]: crate::store::Store
#[doc = include_str!("../guide/writing-a-store.md")]
pub mod writing_a_store {}

/// [testing]: mod@self::testing
/// [evolution]: mod@self::evolution
/// [doc-from-go]: self#the-pages-in-docs
#[doc = include_str!("../guide/from-go.md")]
pub mod from_go {}

/// [doc-performance]: self#the-pages-in-docs
#[doc = include_str!("../guide/comparison.md")]
pub mod comparison {}
