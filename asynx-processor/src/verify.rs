use std::sync::Arc;

use asynx_core::patch::{Tape, check, create_into, diff_into, evolve};
use asynx_core::{Aggregate, Caught, Error, EventName, Stage, StreamId, catch};

use crate::held::Life;
use crate::shared::Shared;

impl<A: Aggregate> Shared<A> {
    /// Writes the patch from one state to the next, placed into the document that replay will see (laws D1-D7). The
    /// next tape may be written into a tape that is no longer needed.
    pub(crate) fn change(
        &self,
        stream: &StreamId,
        name: &EventName,
        old: Option<&Life<A>>,
        next: Caught<Arc<A>>,
        room: Option<Tape>,
        patch: &mut Vec<u8>,
    ) -> Result<Life<A>, Error> {
        let tape = match catch(|| match room {
            Some(room) => Tape::of_reusing(&**next, room),
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
        let document = match old {
            Some(old @ Life { document: Some(_), .. }) => {
                let placed = evolve(old.document(), &old.tape, &tape, reserialise::<A>);
                let (document, placed) =
                    placed.map_err(|error| unreadable(error.path().to_string(), error.reason().to_owned()))?;
                patch.extend_from_slice(&placed);
                (!document.same(&tape)).then(|| Arc::new(document))
            }
            _ => {
                if self.wants_verifying(name) {
                    let checked = check(&tape, &tape, reserialise::<A>);
                    checked.map_err(|error| unreadable(error.path().to_string(), error.reason().to_owned()))?;
                    self.verified_once(name);
                }
                match old {
                    Some(old) => diff_into(&old.tape, &tape, patch),
                    None => create_into(&tape, patch),
                }
                None
            }
        };
        Ok(Life {
            state: next,
            tape: Arc::new(tape),
            document,
            since_snapshot: old.map_or(0, |old| old.since_snapshot) + 1,
        })
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
