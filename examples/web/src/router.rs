use axum::Router;
use axum::http::Uri;
use axum::routing::{get, post, put};

use crate::app::App;
use crate::problem::{self, Problem};
use crate::{carry_out, catalogue, events, health, page, queries};

/// Everything that is answered.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(page::html))
        .route("/page.css", get(page::css))
        .route("/page.js", get(page::script))
        .route("/articles", get(catalogue::list))
        .route("/orders", get(queries::orders).post(carry_out::place))
        .route("/orders/{id}", get(queries::order).delete(carry_out::forget))
        .route("/orders/{id}/lines", post(carry_out::add_line))
        .route("/orders/{id}/lines/{article}", put(carry_out::change_quantity))
        .route("/orders/{id}/confirm", post(carry_out::confirm))
        .route("/orders/{id}/ship", post(carry_out::ship))
        .route("/orders/{id}/cancel", post(carry_out::cancel))
        .route("/orders/{id}/history", get(queries::history))
        .route("/orders/{id}/versions/{version}", get(queries::at_version))
        .route("/events", get(events::events))
        .route("/problems", get(problem::list))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_that_way)
        .with_state(app)
}

async fn nothing_here(uri: Uri) -> Problem {
    problem::NOT_FOUND.because(format!("there is no {}", uri.path()))
}

async fn not_that_way(uri: Uri) -> Problem {
    problem::METHOD.because(format!("{} takes other methods", uri.path()))
}
