//! What the program is today: schema 3, and the steps that lead to it.

use std::borrow::Cow;
use std::convert::Infallible;

use asynx::upcast::{Chain, ChainError, Json, Object, Upcaster, add_default, convert, move_to, rename};
use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Customer {
    pub name: Name,
    pub email: String,
    pub address: Address,
    pub newsletter: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Name {
    pub first: String,
    pub last: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    pub street: String,
}

impl Aggregate for Customer {
    const CATEGORY: &'static str = "customer";
}

/// One step for each time that the schema changed. A step stays for ever, as the events do that need it.
pub fn steps() -> Result<Chain, ChainError> {
    Chain::builder(3)
        // In spring a field was added; who registered before gets no newsletter.
        .step(1, add_default("/newsletter", false))
        // In autumn one was renamed, one was split, and one went elsewhere.
        .step(
            2,
            rename("/mail", "email")
                .then(convert("/name", split))
                .then(add_default("/address", Object::new()))
                .then(move_to("/street", "/address/street")),
        )
        .build()
}

fn split(name: Json) -> Result<Json, &'static str> {
    let name = name.as_str().ok_or("a name is a text")?;
    let (first, last) = name.rsplit_once(' ').unwrap_or(("", name));
    Ok(Object::from_iter([("first", first), ("last", last)]).into())
}

pub struct Subscribe;

impl Command<Customer> for Subscribe {
    type Rejection = Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "C-1".into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Subscribed".into()
    }

    fn validate(&self, _: Option<&Customer>) -> Result<(), Infallible> {
        Ok(())
    }

    fn emit(&self, current: Option<&Customer>) -> Customer {
        let customer = current.expect("the customer is registered").clone();
        Customer {
            newsletter: true,
            ..customer
        }
    }
}
