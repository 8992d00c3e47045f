//! For who runs the service: alive means that it need not be killed, ready that requests may be sent here.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::problem::{self, Problem};

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks nobody else: a database that is down is not mended by killing its clients.
pub async fn live() -> Json<Value> {
    Json(json!({"status": "live"}))
}

pub async fn ready(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let not = |why: &str| Err(problem::UNAVAILABLE.because(why).retry_after(1));
    if app.is_stopping() {
        return not("the service is about to end");
    }
    match tokio::time::timeout(PATIENCE, app.board.is_ready(&*app.store)).await {
        Ok(Ok(true)) => Ok(Json(json!({"status": "ready"}))),
        Ok(Ok(false)) => not("the list of orders is still being read"),
        Ok(Err(error)) => {
            eprintln!("{error}");
            not("the store cannot be read")
        }
        Err(_) => not("the store does not answer"),
    }
}
