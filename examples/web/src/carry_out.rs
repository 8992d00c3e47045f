//! Commands: one request, one instruction, one event.

use asynx::{Event, EventId, StreamId};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::App;
use crate::catalogue;
use crate::commands::{Instruction, Step};
use crate::domain::Order;
use crate::problem::{self, Problem};
use crate::requests::{Body, Conditions, Named};
use crate::view::View;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    customer: String,
    lines: Vec<Wanted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    article: String,
    quantity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    quantity: u32,
}

pub async fn place(
    State(app): State<App>,
    conditions: Conditions,
    Body(placed): Body<Placed>,
) -> Result<Response, Problem> {
    let lines = placed.lines.into_iter();
    let step = Step::Place {
        customer: placed.customer,
        lines: lines
            .map(|line| catalogue::line(line.article, line.quantity))
            .collect::<Result<_, _>>()?,
    };
    let order = new_id(&app, conditions.key.as_deref())?;
    let location = format!("/orders/{order}");
    let answer = carry_out(&app, Instruction { order, step }, conditions).await?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], answer).into_response())
}

pub async fn add_line(
    State(app): State<App>,
    Named(order): Named<String>,
    conditions: Conditions,
    Body(line): Body<Wanted>,
) -> Result<Response, Problem> {
    let step = Step::AddLine(catalogue::line(line.article, line.quantity)?);
    carry_out(&app, Instruction { order, step }, conditions).await
}

pub async fn change_quantity(
    State(app): State<App>,
    Named((order, article)): Named<(String, String)>,
    conditions: Conditions,
    Body(Quantity { quantity }): Body<Quantity>,
) -> Result<Response, Problem> {
    let step = Step::ChangeQuantity { article, quantity };
    carry_out(&app, Instruction { order, step }, conditions).await
}

pub async fn confirm(app: State<App>, order: Named<String>, conditions: Conditions) -> Result<Response, Problem> {
    simply(app, order, conditions, Step::Confirm).await
}

pub async fn ship(app: State<App>, order: Named<String>, conditions: Conditions) -> Result<Response, Problem> {
    simply(app, order, conditions, Step::Ship).await
}

pub async fn cancel(app: State<App>, order: Named<String>, conditions: Conditions) -> Result<Response, Problem> {
    simply(app, order, conditions, Step::Cancel).await
}

/// Erases what is known of the order, for good; the stream tells that it was forgotten.
pub async fn forget(State(app): State<App>, Named(order): Named<String>) -> Result<StatusCode, Problem> {
    app.orders.forget(&order).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn simply(
    State(app): State<App>,
    Named(order): Named<String>,
    conditions: Conditions,
    step: Step,
) -> Result<Response, Problem> {
    carry_out(&app, Instruction { order, step }, conditions).await
}

async fn carry_out(app: &App, instruction: Instruction, conditions: Conditions) -> Result<Response, Problem> {
    let Conditions { key, expected } = conditions;
    let keyed = key.is_some();
    let mut sending = app.orders.send(instruction.clone()).expecting(expected);
    if let Some(key) = key {
        sending = sending.idempotency_key(key);
    }
    let event = sending.await.map_err(|error| Problem::of(error, keyed))?;
    if keyed && !is_of(&event, &instruction) {
        return Err(problem::KEY_REUSED.because("the key was used before, for a request that asked for something else"));
    }
    let tag = format!("\"{}\"", event.version);
    Ok(([(ETAG, tag)], Json(View::of(&event))).into_response())
}

/// Whether an event, which may have been found by its key, is what the instruction asks for.
fn is_of(event: &Event<Order>, instruction: &Instruction) -> bool {
    instruction.outcome(event.previous.as_deref()).as_ref() == Ok(&*event.aggregate)
}

/// Keys are known within an order. That a repeated request finds the order it has placed, the id is made of the key.
fn new_id(app: &App, key: Option<&str>) -> Result<String, Problem> {
    let bits = match key {
        Some(key) => {
            let stream = StreamId::parse("order", "to be placed").map_err(asynx::Error::from)?;
            EventId::from_key(&stream, key).as_uuid().as_u128() as u64
        }
        None => app.runtime.entropy(),
    };
    Ok(format!("ORD-{:010X}", bits & 0xFF_FFFF_FFFF))
}
