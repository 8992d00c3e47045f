//! The live stream, as server-sent events: `id` is the position in the log, which a browser sends back as
//! `Last-Event-ID` when it connects again.
//!
//! It is read from the log, not from the bus: the bus forgets what it has handed out, and does not see what other
//! processes write. The log has both, so nothing is lost and nothing comes twice, over restarts too.

use std::convert::Infallible;
use std::time::Duration;

use asynx::Position;
use asynx::projection::{Entry, SubscribeOptions, Typed, subscribe};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Sse;
use axum::response::sse::{Event as Message, KeepAlive};
use futures::{Stream, StreamExt, future, stream};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::domain::Order;
use crate::problem::{self, Problem};
use crate::requests::{Asked, text};
use crate::view::{Happened, View};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// When a browser comes back after its connection broke.
const COME_BACK: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
pub struct Since {
    /// For the first connection: a page cannot set the header. Without it, the stream begins with the log.
    after: Option<String>,
}

#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    happened: Happened,
    order: View,
}

pub async fn events(
    State(app): State<App>,
    headers: HeaderMap,
    Asked(since): Asked<Since>,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>> + use<>>, Problem> {
    // The browser keeps the URL when it comes back: what it has seen since then is in the header.
    let after = text(&headers, &LAST_EVENT_ID)?
        .or(since.after)
        .filter(|after| !after.is_empty());
    let after = match after.map(|after| after.parse::<Position>()).transpose() {
        Ok(after) => after,
        Err(error) => return Err(problem::MALFORMED.because(error.to_string())),
    };
    must_be_of_this_log(&app, after).await?;

    let options = SubscribeOptions::default().after(after);
    let entries = subscribe(app.store.clone(), app.runtime.clone(), Typed::<Order>::new(), options);
    // Where it cannot be read on, the stream ends; the browser comes back with the position it has.
    let readable = entries.scan((), |(), entry| {
        future::ready(
            entry
                .inspect_err(|error| eprintln!("a stream of events ends: {error}"))
                .ok(),
        )
    });
    let first = stream::once(future::ready(Message::default().retry(COME_BACK)));
    let messages = first.chain(readable.map(|(position, entry)| message(position, &entry)));
    let until_stopped = messages.take_until(app.stopped()).map(Ok);
    Ok(Sse::new(until_stopped).keep_alive(KeepAlive::default()))
}

fn message(position: Position, entry: &Entry<Order>) -> Message {
    let message = Message::default().id(position.to_string());
    match entry.event() {
        Some(event) => {
            let told = Told {
                happened: Happened::of(event),
                order: View::of(event),
            };
            message
                .event("order")
                .data(serde_json::to_string(&told).unwrap_or_default())
        }
        None => message.event("forgotten").data(entry.aggregate_id().as_str()),
    }
}

/// A position from another database would be silence for a long time, and then a gap.
async fn must_be_of_this_log(app: &App, after: Option<Position>) -> Result<(), Problem> {
    let log = app
        .store
        .log()
        .ok_or_else(|| problem::FAILED.because("the store has no log"))?;
    let end = log.end().await.map_err(|source| asynx::Error::Store { source })?;
    if after > end {
        return Err(problem::STALE.because("the position lies beyond the end of the log: read /orders anew"));
    }
    Ok(())
}
