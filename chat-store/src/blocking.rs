//! Blocking work beside the async threads.

/// Runs `work` on a thread of tokio's blocking pool.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        // Started blocking work is never cancelled, so the error is a panic in `work`.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
