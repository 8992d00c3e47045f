//! Queries: one order as it is and as it was; and the list of all, which is read from the log.

use asynx::store::HeadQuery;
use asynx::{Error, Event, StreamId, Version};
use axum::Json;
use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use serde::Serialize;

use crate::app::App;
use crate::board::Listed;
use crate::domain::Order;
use crate::problem::{self, Problem};
use crate::requests::Named;
use crate::view::{Happened, View};

/// Every order. It may be a moment behind; its `position` says where to follow `/events` from, to miss nothing.
pub async fn orders(State(app): State<App>) -> Json<Listed> {
    Json(app.board.listed())
}

/// One order, never behind: the store is asked for its newest version. (Where the version does not matter, as it does
/// for the `ETag`, `app.orders.get` is all there is to it.)
pub async fn order(State(app): State<App>, Named(id): Named<String>) -> Result<Response, Problem> {
    let query = HeadQuery {
        stream: StreamId::parse("order", &id).map_err(Error::from)?,
        event_id: None,
    };
    let heads = app
        .store
        .heads(&[query])
        .await
        .map_err(|source| Error::Store { source })?;
    let newest = heads.first().and_then(|head| head.living());
    let newest = newest.ok_or_else(|| problem::NOT_FOUND.because(format!("there is no order {id}")))?;
    let event = event_at(&app, &id, newest).await?;
    let tag = format!("\"{}\"", event.version);
    Ok(([(ETAG, tag)], Json(View::of(&event))).into_response())
}

/// What happened to an order, without its states.
pub async fn history(State(app): State<App>, Named(id): Named<String>) -> Result<Json<Vec<Happened>>, Problem> {
    let events = app.orders.history(&id).map_ok(|event| Happened::of(&event));
    Ok(Json(events.try_collect().await?))
}

#[derive(Serialize)]
pub struct Past {
    #[serde(flatten)]
    happened: Happened,
    order: View,
}

/// An order as it was at a version, and what led to it.
pub async fn at_version(
    State(app): State<App>,
    Named((id, version)): Named<(String, String)>,
) -> Result<Json<Past>, Problem> {
    let wanted = version.parse().ok().and_then(Version::new);
    let wanted = wanted.ok_or_else(|| problem::NOT_FOUND.because(format!("{version:?} is no version of an order")))?;
    let event = event_at(&app, &id, wanted).await?;
    let (happened, order) = (Happened::of(&event), View::of(&event));
    Ok(Json(Past { happened, order }))
}

async fn event_at(app: &App, id: &str, version: Version) -> Result<Event<Order>, Problem> {
    let mut found = None;
    let only = version.get()..=version.get();
    let take = |event| {
        found = Some(event);
        std::future::ready(())
    };
    app.orders.replay(id, only, take).await?;
    found.ok_or_else(|| problem::NOT_FOUND.because(format!("order {id} has no version {version}")))
}
