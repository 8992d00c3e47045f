use asynx_core::patch::Json;

use super::operation::Rule;
use super::pattern::{Pattern, Relation, visit};
use super::step::Step;
use super::{PathError, PathOperation, Refusal};
use crate::BoxError;

/// Puts `conversion(value)` in the place of every value at `path`, which may be the root. The conversion must be pure.
///
/// A value that arrives, by itself or inside of an ancestor, is converted. **An operation that changes the inside of a
/// value at `path` is refused**: the value as a whole is not in the patch, and half of it cannot be converted. So `path`
/// should lead to what the older schema only ever changed as a whole: a scalar, mostly. Of a container, convert its parts
/// (`/lines/*/price` rather than `/lines`), or write a closure that knows its insides.
///
/// # Errors
/// When the chain is built: a [`PathError`] if `path` is [no path](crate#paths).
///
/// On a patch: [`Refusal::Inside`], and [`Refusal::Conversion`] if the conversion fails.
pub fn convert<E: Into<BoxError>>(
    path: &str,
    conversion: impl Fn(Json) -> Result<Json, E> + Send + Sync + 'static,
) -> PathOperation {
    PathOperation::new(format!("convert({path:?})"), Convert::new(path, conversion))
}

struct Convert<F> {
    pattern: Pattern,
    conversion: F,
}

impl<F> Convert<F> {
    fn new(path: &str, conversion: F) -> Result<Self, PathError> {
        let pattern = Pattern::parse(path)?;
        Ok(Self { pattern, conversion })
    }
}

impl<F, E> Rule for Convert<F>
where
    F: Fn(Json) -> Result<Json, E> + Send + Sync + 'static,
    E: Into<BoxError>,
{
    fn apply(&self, mut step: Step, out: &mut Vec<Step>) -> Result<(), Refusal> {
        let segments = self.pattern.segments();
        let depth = match self.pattern.relation(step.path()) {
            Relation::Above(depth) => Some(depth),
            Relation::At => Some(segments.len()),
            Relation::Below => return Err(Refusal::Inside),
            Relation::Apart => None,
        };
        if let (Some(depth), Some(value)) = (depth, step.value_mut()) {
            visit(&segments[depth..], value, &mut |place| {
                let converted = (self.conversion)(std::mem::take(place));
                *place = converted.map_err(|error| Refusal::Conversion(error.into()))?;
                Ok(())
            })?;
        }
        out.push(step);
        Ok(())
    }
}
