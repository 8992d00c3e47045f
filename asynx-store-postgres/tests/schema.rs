//! The tables: made by many at once, by hand, checked, told apart, and never made of pasted text.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use asynx_core::store::{AppendError, LogFilter};
use asynx_core::{Category, Store, StreamId, Version};
use asynx_store_postgres::{Migrate, PostgresOptions, PostgresStore, print_schema};
use asynx_testkit::samples;
use futures::future::join_all;
use server::{Made, Mirror, Schema, connect, connect_to, log_of, order, run, soon, url};

/// The streams of the events in the log.
async fn streams(store: &PostgresStore, count: usize) -> Vec<StreamId> {
    let events = log_of(store, LogFilter::default(), count).await;
    events.into_iter().map(|event| event.stream).collect()
}

async fn open(options: PostgresOptions) -> Result<PostgresStore, asynx_core::StoreError> {
    PostgresStore::connect_with(&url(), options).await
}

async fn refused(options: PostgresOptions) -> String {
    let error = soon(PostgresStore::connect_with(&url(), options)).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_make_the_same_tables_at_once() {
    for _ in 0..3 {
        let schema = Schema::new();
        let opening = (0..16).map(|_| tokio::spawn(open(schema.options())));
        for opened in soon(join_all(opening)).await {
            let store = opened.unwrap().unwrap();
            assert_eq!(store.count(&order("a"), Version::FIRST).await.unwrap(), 0);
            store.close().await;
        }
        let store = schema.store().await;
        assert_eq!(store.check_schema().await.unwrap(), [""; 0]);
        let made: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(schema.fill("select count(*) from {migrations}")))
            .fetch_one(&mut connect().await)
            .await
            .unwrap();
        assert_eq!(made, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_make_different_tables_in_one_schema_at_once() {
    for _ in 0..3 {
        let schema = Schema::new();
        let opening = (0..12).map(|n| {
            let options = schema.options().with_table_prefix(format!("p{n}_"));
            tokio::spawn(open(options))
        });
        for opened in soon(join_all(opening)).await {
            opened.unwrap().unwrap().close().await;
        }
    }
}

#[tokio::test]
async fn tables_are_made_by_hand() {
    let schema = Schema::new();
    let by_hand = || schema.options().with_migrate(Migrate::ByHand);
    assert!(refused(by_hand()).await.contains("are not there"));
    let printed = print_schema(&by_hand()).unwrap();
    run(&mut connect().await, &format!("begin; {printed}; commit")).await;
    let store = schema.store_with(by_hand()).await;
    assert_eq!(store.check_schema().await.unwrap(), [""; 0]);
    soon(store.append(&order("a"), samples::event(1))).await.unwrap();
    // And one that would make them finds them made.
    assert_eq!(
        schema.store().await.count(&order("a"), Version::FIRST).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let schema = Schema::new();
    schema.store().await;
    schema.run("insert into {migrations} (version) values (99)").await;
    for migrate in [Migrate::AtOpen, Migrate::ByHand] {
        let said = refused(schema.options().with_migrate(migrate)).await;
        assert!(said.contains("are of version 99, which a newer asynx made"), "{said}");
    }
}

#[tokio::test]
async fn tables_without_their_rows_are_refused() {
    let schema = Schema::new();
    schema.store().await;
    // What a dump of the schema alone gives.
    schema.run("delete from {migrations}; delete from {log}").await;
    for migrate in [Migrate::AtOpen, Migrate::ByHand] {
        let said = refused(schema.options().with_migrate(migrate)).await;
        assert!(said.contains("without its rows"), "{said}");
    }
    schema.run("insert into {migrations} (version) values (1), (2)").await;
    for migrate in [Migrate::AtOpen, Migrate::ByHand] {
        let said = refused(schema.options().with_migrate(migrate)).await;
        assert!(said.contains("without its rows"), "{said}");
    }
}

#[tokio::test]
async fn what_differs_is_named() {
    let schema = Schema::new();
    let store = schema.store().await;
    assert_eq!(store.check_schema().await.unwrap(), [""; 0]);
    for (change, said) in [
        (
            "alter table {checkpoints} drop column moved_at",
            &["missing: column checkpoints.moved_at timestamp with time zone not null default now()"][..],
        ),
        (
            "alter table {heads} add column note text",
            &["not of asynx: column heads.note text collate default"],
        ),
        (
            "alter table {snapshots} alter column schema_version type integer",
            &[
                "missing: column snapshots.schema_version bigint not null",
                "not of asynx: column snapshots.schema_version integer not null",
            ],
        ),
        (
            "drop view {events_json}; alter table {events} alter column category type text collate \"ucs_basic\"",
            &[
                "missing: column events.category text not null collate C",
                "not of asynx: column events.category text not null collate ucs_basic",
            ],
        ),
        (
            "alter table {events} alter column record set not null",
            &[
                "missing: column events.record bytea",
                "not of asynx: column events.record bytea not null",
            ],
        ),
        (
            "alter table {log} alter column epoch set default 7",
            &[
                "missing: column log.epoch integer not null default 0",
                "not of asynx: column log.epoch integer not null default 7",
            ],
        ),
        (
            "drop index {schema}.\"t\"\"_events_event_id_idx\"",
            &["missing: index on events (event_id)"],
        ),
        (
            "alter table {events} drop constraint \"t\"\"_events_pkey\"",
            &["missing: unique index on events (category, aggregate_id, version)"],
        ),
        (
            "create index on {events} (event_name)",
            &["not of asynx: index on events (event_name)"],
        ),
        (
            "drop index {schema}.\"t\"\"_heads_category_aggregate_id_idx\";
             create index on {heads} (category, aggregate_id) where floor > 0",
            &[
                "missing: index on heads (category, aggregate_id) where (floor > erased)",
                "not of asynx: index on heads (category, aggregate_id) where (floor > 0)",
            ],
        ),
        (
            "alter table {log} drop constraint \"t\"\"_log_only_row_check\"",
            &["missing: check on log CHECK (only_row)"],
        ),
        (
            "alter table {leases} add constraint young check (token < 10)",
            &["not of asynx: check on leases CHECK ((token < 10))"],
        ),
        (
            "create trigger t after insert on {events} for each row execute function
                suppress_redundant_updates_trigger()",
            &["not of asynx: trigger on events t"],
        ),
        (
            "create rule quiet as on delete to {heads} do instead nothing",
            &["not of asynx: rule on heads quiet"],
        ),
        (
            "alter table {events} enable row level security",
            &["not of asynx: row level security on events"],
        ),
        (
            "alter table {heads} set (fillfactor = 100, autovacuum_vacuum_scale_factor = 0.01)",
            &[
                "missing: option of heads fillfactor=50",
                "not of asynx: option of heads fillfactor=100",
            ],
        ),
        (
            "alter table {events} set unlogged",
            &["not of asynx: unlogged table events, which a crash empties"],
        ),
        ("drop view {events_json}", &["missing: view events_json"]),
        (
            "create or replace view {events_json} as
             select epoch || '-' || tx || '-' || seq as position, category, aggregate_id, version, event_name,
                 to_timestamp(occurred_at / 1000000.0) as occurred_at, event_id, epoch, tx, seq, null::json as record
             from {events}",
            &["missing: view events_json", "not of asynx: view events_json"],
        ),
        ("drop table {snapshots}", &["missing: table snapshots"]),
    ] {
        // Undone by a transaction of another connection would not be seen: each change has tables of its own.
        let changed = Schema::new();
        let store = changed.store().await;
        changed.run(change).await;
        let found = store.check_schema().await.unwrap();
        for said in said {
            let is_said = |line: &String| line == said || (said.contains(": view") && line.starts_with(said));
            assert!(found.iter().any(is_said), "{change}: {said:?} is not in {found:?}");
        }
        let of_a_whole = change.starts_with("drop");
        assert!(of_a_whole || found.len() == said.len(), "{change}: {found:?}");
    }
}

#[tokio::test]
async fn names_are_identifiers_whatever_is_in_them() {
    let bad = |name: &str| format!("asynx_test {} {name}", std::process::id());
    for (schema, prefix) in [
        (bad("\""), "\""),
        (bad("\"\"; drop table x; --"), "'; select pg_sleep(100); --"),
        (bad("'"), "''"),
        (bad("\\"), "\\"),
        (bad("$1 $$ $a$"), "$1"),
        (bad("%s %I"), "%"),
        (bad("ÄÖ é 雪 🦀"), "雪🦀 雪🦀 雪🦀"),
        (bad("Select FROM"), "select "),
        (bad("/* -- */"), "/*"),
        (bad("\n\t."), "a.b."),
        (bad("_"), "pg_"),
        (
            format!("{:ü<63}", bad("")).chars().fold(String::new(), |s, c| {
                if s.len() + c.len_utf8() > 63 {
                    s
                } else {
                    format!("{s}{c}")
                }
            }),
            "0123456789012345678901234567890123456789",
        ),
    ] {
        let options = PostgresOptions::new().with_schema(&schema).with_table_prefix(prefix);
        let dropping = Dropped(schema.clone());
        let store = PostgresStore::connect_with(&url(), options.clone()).await.unwrap();
        let again = PostgresStore::connect_with(&url(), options.with_migrate(Migrate::ByHand))
            .await
            .unwrap();
        assert_eq!(store.check_schema().await.unwrap(), [""; 0], "{schema:?} {prefix:?}");
        let changed = again.log().unwrap().changed(None);
        store.append(&order("a"), samples::event(1)).await.unwrap();
        soon(changed).await;
        assert_eq!(streams(&again, 1).await, [order("a")]);
        drop(dropping);
    }
}

/// A schema that goes with it.
struct Dropped(String);

impl Drop for Dropped {
    fn drop(&mut self) {
        server::clean_up(vec![format!(
            "drop schema if exists \"{}\" cascade",
            self.0.replace('"', "\"\"")
        )]);
    }
}

#[tokio::test]
async fn prefixes_keep_stores_apart() {
    let schema = Schema::new();
    // One prefix is the beginning of the other; one looks like a pattern for the other.
    let prefixes = ["", "a_", "a_a_", "__", "%"];
    let mut stores = Vec::new();
    for prefix in prefixes {
        stores.push(schema.store_with(schema.options().with_table_prefix(prefix)).await);
    }
    let category = Category::parse("order").unwrap();
    let mut leases = Vec::new();
    for (store, count) in stores.iter().zip(1..) {
        let outcome = store
            .append_batch(&[samples::group(&order("same"), 1, count as u64)])
            .await
            .remove(0);
        assert!(outcome.stopped.is_none(), "{outcome:?}");
        store.checkpoints().unwrap().claim("reader").await.unwrap();
        leases.push(store.sole_writer().unwrap().acquire(&category).await.unwrap().unwrap());
    }
    for (store, count) in stores.iter().zip(1..) {
        assert_eq!(store.count(&order("same"), Version::FIRST).await.unwrap(), count as u64);
        assert_eq!(streams(store, count).await, vec![order("same"); count]);
        let checkpoint = store.checkpoints().unwrap().get("reader").await.unwrap().unwrap();
        assert_eq!(checkpoint.fence, 1);
        assert_eq!(store.check_schema().await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn ids_and_names_are_values_whatever_is_in_them() {
    let schema = Schema::new();
    let store = schema.store().await;
    let bad = [
        "'; drop table events; --",
        "\"quoted\" 'twice' ''",
        "\\ \\\\ \\' \\x41",
        "$1 $$ {events} %s %",
        "{\"a\",\"b\"} {NULL} NULL null",
        "(1,2) [3] a,b",
        "ÄÖ é é 雪 🦀 \u{202e}\u{feff}",
        " leading and trailing ",
        "\n\r\t\u{1}\u{7f}",
        "-1",
    ];
    for (number, text) in bad.iter().enumerate() {
        let stream = StreamId::parse(&format!("c{text}"), text).unwrap();
        let named = samples::named(1, text);
        let two = [samples::carrying(2, text), samples::named(3, text)];
        let position = store.append(&stream, named.clone()).await.unwrap();
        let group = asynx_core::store::AppendGroup {
            stream: stream.clone(),
            events: two.to_vec(),
        };
        let outcome = store.append_batch(&[group, samples::group(&order(text), 1, 2)]).await;
        assert!(outcome.iter().all(|outcome| outcome.stopped.is_none()), "{outcome:?}");
        let read = store.read_from(&stream, Version::FIRST).await.unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].position, &read[0].record), (position, &named.record));
        assert_eq!(read[1].record, two[0].record);
        let filter = LogFilter {
            categories: vec![stream.category.clone()],
            event_names: vec![named.event_name.clone()],
            streams: Vec::new(),
        };
        let of_stream = LogFilter {
            streams: vec![stream.clone()],
            ..filter.clone()
        };
        for filter in [filter, of_stream] {
            let events = log_of(&store, filter, 2).await;
            let found: Vec<(&StreamId, &str)> = events
                .iter()
                .map(|event| (&event.stream, event.event_name.as_str()))
                .collect();
            assert_eq!(found, [(&stream, *text), (&stream, *text)]);
        }
        let again = store.append(&stream, named).await.unwrap_err();
        assert!(matches!(again, AppendError::Duplicate { .. }), "{again}");
        let claimed = store.checkpoints().unwrap().claim(text).await.unwrap();
        assert_eq!(claimed.fence, 1);
        let lease = store.sole_writer().unwrap().acquire(&stream.category).await.unwrap();
        assert!(lease.is_some());
        assert_eq!(streams(&store, 5 * (number + 1)).await.len(), 5 * (number + 1));
    }
}

#[tokio::test]
async fn events_are_shown_as_json() {
    let schema = Schema::new();
    let store = schema.store().await;
    for version in 1..=11 {
        store
            .append(&order("a"), samples::carrying(version, "\u{1f} \" \\ ü 🦀"))
            .await
            .unwrap();
    }
    let shown = schema.fill(
        "select version, position, event_name, record->'patch'->0->'value'->>'text', occurred_at > now() - interval '1 minute'
         from {events_json} where category = 'order' and aggregate_id = 'a' order by epoch, tx, seq",
    );
    let shown: Vec<(i64, String, String, Option<String>, bool)> = sqlx::query_as(sqlx::AssertSqlSafe(shown))
        .fetch_all(&mut connect().await)
        .await
        .unwrap();
    let events = store.read_from(&order("a"), Version::FIRST).await.unwrap();
    assert_eq!(shown.len(), 11);
    // What text cannot hold is shown all the same.
    store
        .append(&order("a"), samples::carrying(12, "nul: \u{0}"))
        .await
        .unwrap();
    store.append(&order("a"), samples::tombstone(13)).await.unwrap();
    let last = schema.fill("select record::text from {events_json} order by version desc limit 2");
    let last: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(last))
        .fetch_all(&mut connect().await)
        .await
        .unwrap();
    assert!(last[1].contains("nul: \\u0000"), "{last:?}");
    for (row, event) in shown.iter().zip(events) {
        assert_eq!(row.0, event.version.as_i64());
        assert_eq!(row.1, event.position.unwrap().to_string());
        assert_eq!(row.2, "SampleHappened");
        assert_eq!(row.3.as_deref(), Some("\u{1f} \" \\ ü 🦀"));
        assert!(row.4);
    }
}

/// What `docs/postgres.md` grants to a role that only uses the tables.
const GRANTS: &str = "
grant usage on schema {schema} to {role};
grant select on {migrations}, {log}, {events_json} to {role};
grant select, insert, update, delete on {heads}, {events}, {snapshots} to {role};
grant select, insert, update on {checkpoints}, {leases} to {role};
grant select, insert, update, delete on {parked} to {role};
grant select on {inline} to {role};
";

/// And to a role that puts inline projections to use.
const BUILDER: &str = "
grant select, insert, update, delete on {inline} to {role};
grant update on {log} to {role};
";

#[tokio::test]
async fn few_privileges_are_enough_to_use_the_tables() {
    use asynx_core::store::{ForgetPolicy, Snapshot};
    let schema = Schema::new();
    let role = Made::role("login").await;
    let admin = schema.store().await;
    schema.run(&GRANTS.replace("{role}", &role.name)).await;
    let store = PostgresStore::connect_with(&role.url(), schema.options())
        .await
        .unwrap();

    let (a, category) = (order("a"), Category::parse("order").unwrap());
    let lease = store.sole_writer().unwrap().acquire(&category).await.unwrap().unwrap();
    let changed = store.log().unwrap().changed(None);
    store.append(&a, samples::event(1)).await.unwrap();
    soon(changed).await;
    let outcome = store
        .append_batch(&[samples::group(&a, 2, 2), samples::group(&order("b"), 1, 2)])
        .await;
    assert!(outcome.iter().all(|outcome| outcome.stopped.is_none()), "{outcome:?}");
    drop(lease);
    let snapshot = Snapshot {
        version: Version::FIRST,
        schema_version: asynx_core::SchemaVersion::FIRST,
        document: "{}".into(),
    };
    store.snapshots().unwrap().put(&a, snapshot).await.unwrap();
    store.append(&a, samples::tombstone(4)).await.unwrap();
    let erase = store.erase().unwrap();
    assert_eq!(erase.pending(&category).await.unwrap().len(), 1);
    let four = Version::new(4).unwrap();
    erase.erase_through(&a, four, ForgetPolicy::KeepRows).await.unwrap();
    erase.erase_through(&a, four, ForgetPolicy::EraseAll).await.unwrap();
    let checkpoints = store.checkpoints().unwrap();
    let fence = checkpoints.claim("r").await.unwrap().fence;
    assert!(checkpoints.put("r", None, fence).await.unwrap());
    assert!(checkpoints.remove("r", fence).await.unwrap());
    assert_eq!(streams(&store, 3).await, [order("b"), order("b"), order("a")]);
    store.delete(&order("b")).await.unwrap();
    assert_eq!(admin.count(&order("b"), Version::FIRST).await.unwrap(), 0);
    let mut as_role = connect_to(&role.url()).await;
    run(&mut as_role, &schema.fill("select record from {events_json}")).await;

    // Who puts an inline projection to use needs more.
    let invoices = || {
        let inline = Mirror::of(&schema, "mirror").with_categories([Category::parse("invoice").unwrap()]);
        schema.options().with_inline(inline)
    };
    let refused = PostgresStore::connect_with(&role.url(), invoices()).await.unwrap_err();
    assert!(refused.to_string().contains("lacks a privilege"), "{refused}");
    schema.run(&BUILDER.replace("{role}", &role.name)).await;
    PostgresStore::connect_with(&role.url(), invoices()).await.unwrap();
    PostgresStore::build_inline(&role.url(), &invoices()).await.unwrap();
    let removed = PostgresStore::remove_inline(&role.url(), &schema.options(), "mirror").await;
    assert!(removed.unwrap());
}
