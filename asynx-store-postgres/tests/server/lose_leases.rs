//! Leases that are lost: their renewals come to nothing.

use async_trait::async_trait;
use asynx_core::Category;
use asynx_testkit::conformance::LeaseLoser;

use super::{Schema, connect, run};

/// Renewals of leases that are in a table are swallowed; leases can be given all the same.
pub(crate) async fn prepare(schema: &Schema) {
    schema
        .run(
            "create table {lost} (name text, token bigint);
             create function {schema}.lose() returns trigger language plpgsql as $body$
             begin
                 if new.token = old.token and exists (
                     select from {lost} l where l.name = new.name and l.token = new.token
                 ) then return null; end if;
                 return new;
             end $body$;
             create trigger lose before update on {leases} for each row execute function {schema}.lose();",
        )
        .await;
}

pub(crate) struct Losing(String);

impl Losing {
    pub(crate) fn new(schema: &Schema) -> Self {
        Self(schema.fill("insert into {lost} select name, token from {leases} where name = "))
    }
}

#[async_trait]
impl LeaseLoser for Losing {
    async fn lose(&self, category: &Category) {
        run(&mut connect().await, &format!("{}'writer:{category}'", self.0)).await;
    }
}
