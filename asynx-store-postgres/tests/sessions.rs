//! The store's sessions have their own name and settings, whatever the role, the database or a pooler would have.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use asynx_core::store::{AppendError, GroupOutcome};
use asynx_core::{Store, Version};
use asynx_store_postgres::{LaneOptions, PostgresStore};
use asynx_testkit::samples;
use server::{Made, Schema, connect, order, run, soon, unique};

async fn append(store: &PostgresStore, id: &str, from: u64, count: u64) -> GroupOutcome {
    let group = samples::group(&order(id), from, count);
    soon(store.append_batch(&[group])).await.remove(0)
}

#[tokio::test]
async fn a_pooler_that_mixes_sessions_up() {
    let schema = Schema::new();
    let store = schema
        .store_with(schema.options().with_lanes(LaneOptions::default().with_lanes(1)))
        .await;
    schema
        .run(
            "create function {schema}.forget() returns trigger language plpgsql as $body$
             begin execute 'deallocate all'; return null; end $body$;
             create trigger forget after insert on {events} for each statement execute function {schema}.forget();",
        )
        .await;
    assert!(append(&store, "a", 1, 1).await.stopped.is_none());
    let outcome = append(&store, "a", 2, 1).await;
    let Some(AppendError::NotApplied(error)) = outcome.stopped else {
        panic!("{outcome:?}");
    };
    assert!(error.is_transient(), "{error}");
    assert!(
        error.to_string().contains("a pooler between here and PostgreSQL"),
        "{error}"
    );
    assert!(
        append(&store, "a", 2, 1).await.stopped.is_none(),
        "it goes on with another connection"
    );
}

/// Lets each statement that appends note the settings that it runs under.
async fn note_settings(schema: &Schema) {
    schema
        .run(
            "create table {held} (setting text, value text);
             create function {schema}.look() returns trigger language plpgsql as $body$
             begin
                 insert into {held} select name, setting from pg_settings where name in ('transaction_isolation',
                     'transaction_read_only', 'synchronous_commit', 'plan_cache_mode', 'enable_seqscan', 'jit',
                     'statement_timeout', 'lock_timeout', 'application_name', 'search_path');
                 return null;
             end $body$;
             create trigger look after insert on {events} for each statement execute function {schema}.look();",
        )
        .await;
}

async fn noted_settings(schema: &Schema) -> Vec<(String, String)> {
    let noted = sqlx::AssertSqlSafe(schema.fill("delete from {held} returning setting, value"));
    let noted = sqlx::query_as(noted).fetch_all(&mut connect().await).await;
    let mut noted: Vec<(String, String)> = noted.unwrap();
    noted.sort();
    noted
}

/// Plans are made once only for statements that stay prepared.
#[tokio::test]
async fn a_url_does_not_keep_statements_from_being_prepared() {
    let schema = Schema::new();
    let separator = if server::url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}statement-cache-capacity=0", server::url());
    let options = schema.options().with_lanes(LaneOptions::default().with_lanes(1));
    let store = PostgresStore::connect_with(&url, options).await.unwrap();
    schema
        .run(
            "create table {held} (setting text, value text);
             create function {schema}.look() returns trigger language plpgsql as $body$
             begin
                 insert into {held} select name, generic_plans::text from pg_prepared_statements
                 where statement like '%on conflict%';
                 return null;
             end $body$;
             create trigger look after insert on {events} for each statement execute function {schema}.look();",
        )
        .await;
    for version in 1..=3 {
        assert!(append(&store, "a", version, 1).await.stopped.is_none());
    }
    let plans: Vec<String> = noted_settings(&schema)
        .await
        .into_iter()
        .map(|(_, plans)| plans)
        .collect();
    assert_eq!(plans, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_stricter_commit_stays() {
    let schema = Schema::new();
    let role = Made::role("login superuser").await;
    let stricter = format!("alter role {} set synchronous_commit = remote_apply", role.name);
    run(&mut connect().await, &stricter).await;
    let store = PostgresStore::connect_with(&role.url(), schema.options())
        .await
        .unwrap();
    note_settings(&schema).await;
    assert!(append(&store, "a", 1, 1).await.stopped.is_none());
    let noted = noted_settings(&schema).await;
    assert!(
        noted.contains(&("synchronous_commit".to_owned(), "remote_apply".to_owned())),
        "{noted:?}"
    );
}

#[tokio::test]
async fn settings_of_the_role_do_not_matter() {
    let schema = Schema::new();
    let role = Made::role("login superuser").await;
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "synchronous_commit = off",
        "plan_cache_mode = force_custom_plan",
        "enable_seqscan = on",
        "jit = on",
        "statement_timeout = 200",
        "lock_timeout = 1",
        "idle_in_transaction_session_timeout = 1",
        "bytea_output = 'escape'",
        "datestyle = 'German'",
        "timezone = 'Asia/Kathmandu'",
        "intervalstyle = 'sql_standard'",
        "standard_conforming_strings = off",
        "search_path = 'pg_temp'",
    ] {
        run(&mut connect().await, &format!("alter role {} set {setting}", role.name)).await;
    }
    let store = PostgresStore::connect_with(&role.url(), schema.options())
        .await
        .unwrap();
    note_settings(&schema).await;
    for (from, count) in [(1, 1), (2, 3)] {
        assert!(append(&store, "a", from, count).await.stopped.is_none());
        let settings = noted_settings(&schema).await;
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(
            settings,
            [
                ("application_name", "asynx"),
                ("enable_seqscan", "off"),
                ("jit", "off"),
                ("lock_timeout", "0"),
                ("plan_cache_mode", "force_generic_plan"),
                ("search_path", "pg_catalog"),
                ("statement_timeout", "20000"),
                ("synchronous_commit", "on"),
                ("transaction_isolation", "read committed"),
                ("transaction_read_only", "off"),
            ]
        );
    }
    assert_eq!(store.count(&order("a"), Version::FIRST).await.unwrap(), 4);
    assert_eq!(
        store.check_schema().await.unwrap(),
        ["not of asynx: trigger on events look"]
    );
}

#[tokio::test]
async fn connections_have_the_name_that_the_url_gives_them() {
    let schema = Schema::new();
    let name = unique("shop");
    let separator = if server::url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}application_name={name}", server::url());
    let store = PostgresStore::connect_with(&url, schema.options()).await.unwrap();
    assert!(append(&store, "a", 1, 1).await.stopped.is_none());
    let named: i64 = sqlx::query_scalar("select count(*) from pg_stat_activity where application_name = $1")
        .bind(name)
        .fetch_one(&mut connect().await)
        .await
        .unwrap();
    assert!(named > 0);
}
