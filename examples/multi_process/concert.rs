//! A concert, and what can be done with it.

use std::borrow::Cow;

use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Concert {
    pub seats: u32,
    pub sold: u32,
}

impl Aggregate for Concert {
    const CATEGORY: &'static str = "concert";
}

pub struct Announce {
    pub concert: String,
    pub seats: u32,
}

pub struct Book {
    pub concert: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the concert is sold out")]
pub struct SoldOut;

impl Command<Concert> for Announce {
    type Rejection = SoldOut;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.concert).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "ConcertAnnounced".into()
    }

    fn validate(&self, current: Option<&Concert>) -> Result<(), SoldOut> {
        current.map_or(Ok(()), |_| Err(SoldOut))
    }

    fn emit(&self, _: Option<&Concert>) -> Concert {
        Concert {
            seats: self.seats,
            sold: 0,
        }
    }
}

impl Command<Concert> for Book {
    type Rejection = SoldOut;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.concert).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "SeatSold".into()
    }

    /// Never rests on a state that was outdated when the command was sent, whoever else sells.
    fn validate(&self, current: Option<&Concert>) -> Result<(), SoldOut> {
        match current {
            Some(concert) if concert.sold < concert.seats => Ok(()),
            _ => Err(SoldOut),
        }
    }

    fn emit(&self, current: Option<&Concert>) -> Concert {
        let mut concert = current.expect("validate has seen it").clone();
        concert.sold += 1;
        concert
    }
}
