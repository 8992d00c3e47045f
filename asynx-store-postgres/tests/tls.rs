//! TLS, as the URL asks for it. `openssl` makes the certificates.
#![cfg(any(feature = "tls-rustls", feature = "tls-native-tls"))]

mod server;

use std::path::Path;
use std::process::Command;

use asynx_core::{Store, StoreError};
use asynx_store_postgres::PostgresStore;
use asynx_testkit::samples;
use server::{Cluster, connect_to, order, run, soon};

fn openssl(folder: &Path, arguments: &str) {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args(arguments.split(' '));
    let done = openssl
        .output()
        .expect("these tests need the program openssl: install the package openssl");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// An authority, and a certificate for localhost that it has signed.
fn certificates(folder: &Path) {
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost").expect("a file is written");
    for name in ["ca", "stranger"] {
        let made = format!("req -new -x509 -days 2 -nodes -subj /CN={name} -keyout {name}.key -out {name}.crt");
        openssl(folder, &made);
    }
    openssl(
        folder,
        "req -new -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    openssl(
        folder,
        "x509 -req -days 2 -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile names -out server.crt",
    );
}

async fn connect(url: &str) -> Result<PostgresStore, StoreError> {
    soon(PostgresStore::connect(url)).await
}

#[tokio::test]
async fn the_url_says_how_much_is_trusted() {
    let cluster = Cluster::start();
    run(
        &mut connect_to(&cluster.url()).await,
        "create role app login superuser password 'right'",
    )
    .await;
    let port = cluster.listen("host all app all scram-sha-256\n");
    let url = |rest: &str| format!("postgres://app:right@localhost:{port}/postgres?application_name=tls&{rest}");

    // A server that has no TLS.
    let error = connect(&url("sslmode=require")).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    assert!(error.to_string().contains("TLS"), "{error}");
    connect(&url("sslmode=prefer")).await.unwrap();

    let folder = cluster.folder_of_its_owner("tls");
    certificates(&folder);
    cluster.owns(&folder);
    cluster.stop("fast");
    cluster.configure(&format!(
        "ssl = on\nssl_cert_file = '{0}/server.crt'\nssl_key_file = '{0}/server.key'\n",
        folder.display()
    ));
    cluster.go_on();
    let trusting = |ca: &str| {
        url(&format!(
            "sslmode=verify-full&sslrootcert={}/{ca}.crt",
            folder.display()
        ))
    };
    for good in [url("sslmode=require"), trusting("ca")] {
        let store = connect(&good).await.unwrap();
        store.append(&order(&good), samples::event(1)).await.unwrap();
        let open = "select count(*) filter (where ssl), count(*) from pg_stat_ssl join pg_stat_activity using (pid)
             where application_name = 'tls'";
        let (encrypted, all): (i64, i64) = sqlx::query_as(open)
            .fetch_one(&mut connect_to(&good).await)
            .await
            .unwrap();
        assert!(
            encrypted > 0 && encrypted == all,
            "{encrypted} of {all} connections are encrypted"
        );
        store.close().await;
    }
    let elsewhere = trusting("ca").replace("localhost", "127.0.0.1");
    for bad in [trusting("stranger"), elsewhere] {
        let error = connect(&bad).await.unwrap_err();
        let said = error.to_string();
        assert!(
            !error.is_transient() && said.contains("TLS") && said.contains("ertificate"),
            "{said}"
        );
    }
}
