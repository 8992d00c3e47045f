//! What there is to order. Prices are the shop's, not the client's.

use axum::Json;
use serde::Serialize;

use crate::domain::Line;
use crate::problem::{self, Problem};

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Article {
    article: &'static str,
    name: &'static str,
    cents: u64,
}

const CATALOGUE: [Article; 5] = [
    Article::new("espresso", "House espresso, 1 kg", 2_450),
    Article::new("filter", "Filter roast, 500 g", 1_390),
    Article::new("decaf", "Decaf, 500 g", 1_490),
    Article::new("grinder", "Hand grinder", 8_900),
    Article::new("cups", "Two cups", 1_800),
];

pub async fn list() -> Json<&'static [Article]> {
    Json(&CATALOGUE)
}

/// A line at today's price.
pub fn line(article: String, quantity: u32) -> Result<Line, Problem> {
    match CATALOGUE.iter().find(|known| known.article == article) {
        Some(known) => Ok(Line {
            cents: known.cents,
            article,
            quantity,
        }),
        None => Err(problem::INVALID.because(format!("there is no article {article:?}: see /articles"))),
    }
}

impl Article {
    const fn new(article: &'static str, name: &'static str, cents: u64) -> Self {
        Self { article, name, cents }
    }
}
