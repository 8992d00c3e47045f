use std::future::poll_fn;
use std::task::Poll;

/// Lets the tasks run that are ready, once. For who would rather take what they bring than go on at once; on any runtime.
///
/// # Cancel safety
/// Nothing is lost where it is dropped.
pub async fn yield_now() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::task::noop_waker;

    use super::*;

    #[test]
    fn it_waits_for_one_turn() {
        let waker = noop_waker();
        let mut cx = std::task::Context::from_waker(&waker);
        let mut yielding = pin!(yield_now());
        assert!(yielding.as_mut().poll(&mut cx).is_pending());
        assert!(yielding.as_mut().poll(&mut cx).is_ready());
    }
}
