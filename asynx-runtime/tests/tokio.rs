//! What the tokio runtime does beyond the laws.

use asynx_runtime::TokioRuntime;

#[test]
fn tokio_outside_of_a_runtime_is_an_error() {
    let error = TokioRuntime::current().unwrap_err();
    assert!(error.to_string().starts_with("no tokio runtime runs here"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(tokio.block_on(async { TokioRuntime::current().is_ok() }));
}
