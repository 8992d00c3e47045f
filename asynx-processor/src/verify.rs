use std::sync::Arc;

use asynx_core::patch::{Tape, check, create, diff, evolve};
use asynx_core::{Aggregate, Caught, Error, EventName, Stage, StreamId, catch};

use crate::held::Life;
use crate::shared::Shared;

/// A state about to be appended: its patch, and what replay will fold to.
pub(crate) struct Change<A> {
    pub(crate) patch: Vec<u8>,
    pub(crate) life: Life<A>,
}

impl<A: Aggregate> Shared<A> {
    /// The patch from one state to the next, placed into the document that replay will see (laws D1-D7).
    pub(crate) fn change(
        &self,
        stream: &StreamId,
        name: &EventName,
        old: Option<&Life<A>>,
        next: Caught<Arc<A>>,
    ) -> Result<Change<A>, Error> {
        let tape = match catch(|| match old {
            Some(old) => Tape::of_with_capacity_like(&**next, &old.tape),
            None => Tape::of(&**next),
        }) {
            Ok(Ok(tape)) => tape,
            Ok(Err(error)) => {
                return Err(Error::State {
                    stream: stream.clone(),
                    source: Arc::new(error),
                });
            }
            Err(panic) => return Err(Error::panicked(stream, Stage::Serialize, panic)),
        };
        let unreadable = |path: String, reason: String| Error::NotReadable {
            stream: stream.clone(),
            path,
            reason,
        };
        let (patch, document) = match old {
            Some(old @ Life { document: Some(_), .. }) => {
                let placed = evolve(old.document(), &old.tape, &tape, reserialise::<A>);
                let (document, patch) =
                    placed.map_err(|error| unreadable(error.path().to_string(), error.reason().to_owned()))?;
                let document = (!document.same(&tape)).then(|| Arc::new(document));
                (patch, document)
            }
            _ => {
                if self.wants_verifying(name) {
                    let checked = check(&tape, &tape, reserialise::<A>);
                    checked.map_err(|error| unreadable(error.path().to_string(), error.reason().to_owned()))?;
                    self.verified_once(name);
                }
                let patch = match old {
                    Some(old) => diff(&old.tape, &tape),
                    None => create(&tape),
                };
                (patch, None)
            }
        };
        let life = Life {
            state: next,
            tape: Arc::new(tape),
            document,
            since_snapshot: old.map_or(0, |old| old.since_snapshot) + 1,
        };
        Ok(Change { patch, life })
    }
}

/// What a document is once the type has read it.
fn reserialise<A: Aggregate>(text: &[u8]) -> Result<Tape, String> {
    let read = catch(|| {
        let state: A = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let state = Caught::new(state);
        Tape::of(&*state).map_err(|error| error.to_string())
    });
    read.unwrap_or_else(|panic| Err(panic.to_string()))
}
