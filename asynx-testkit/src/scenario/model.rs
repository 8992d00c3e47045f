use asynx_core::patch::Tape;
use serde::Serialize;

use super::start::or_panic;
use super::text;

/// A read model must be as expected: both are held against each other as JSON, the order of members aside.
///
/// # Panics
/// With the lines that differ, and when one of the two cannot be written as JSON.
#[track_caller]
pub fn assert_model(expected: impl Serialize, actual: impl Serialize) {
    let (expected, actual) = (or_panic(shown(&expected)), or_panic(shown(&actual)));
    if expected != actual {
        panic!("another read model was made; {}", text::difference(&expected, &actual));
    }
}

fn shown(model: &impl Serialize) -> Result<String, String> {
    let tape = Tape::of(model).map_err(|error| format!("the read model is no JSON: {error}"))?;
    Ok(text::pretty(&tape.to_json()))
}
