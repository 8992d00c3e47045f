use std::ops::Deref;

use async_channel::Receiver;

/// The taking end of a queue. Whoever waits in it is dropped, and thereby answered, when the taker ends: the channel
/// alone would keep them as long as there is a sender.
pub(crate) struct Queue<T>(pub(crate) Receiver<T>);

impl<T> Deref for Queue<T> {
    type Target = Receiver<T>;

    fn deref(&self) -> &Receiver<T> {
        &self.0
    }
}

impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        self.0.close();
        while let Ok(waiting) = self.0.try_recv() {
            drop(waiting);
        }
    }
}
