use serde::Serialize;
use serde::de::DeserializeOwned;

/// The state that commands change: any type that serde can write and read back.
///
/// An aggregate is wholly described by its serialisation: a `#[serde(skip)]` field is lost. What JSON cannot carry
/// back (a NaN, nesting beyond 127 levels, map keys that are no strings or numbers) is refused before it is stored.
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Order {
///     id: String,
///     total_cents: u64,
/// }
///
/// impl asynx_core::Aggregate for Order {
///     const CATEGORY: &'static str = "order";
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no aggregate",
    note = "derive `Clone`, `serde::Serialize` and `serde::Deserialize`, then `impl Aggregate for {Self} {{ const CATEGORY: &'static str = \"...\"; }}`"
)]
pub trait Aggregate: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Keeps the ids of different aggregate types apart when they share a store, e.g. `"order"`: 1 to 255 bytes.
    /// Stored with every event, so it never changes.
    const CATEGORY: &'static str;
}
