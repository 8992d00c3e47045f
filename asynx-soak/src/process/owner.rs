use std::io::{BufRead as _, Write as _};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Our exit code where the process that started us has gone.
const ORPHANED: i32 = 3;

/// The process that started us. When it ends, so do we, at once.
pub(crate) struct Owner(UnboundedReceiver<String>);

impl Owner {
    pub(crate) fn listen() -> Self {
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                // We are ending anyway.
                let _ = sender.send(line);
            }
            std::process::exit(ORPHANED);
        });
        Self(lines)
    }

    /// The next line that it says.
    pub(crate) async fn hear(&mut self) -> String {
        match self.0.recv().await {
            Some(line) => line,
            // The thread exits the process.
            None => std::future::pending().await,
        }
    }
}

/// Says lines to the process that started us. When this returns they are in the pipe, where our end does not reach them.
pub(crate) fn say(lines: &str) {
    let mut stdout = std::io::stdout().lock();
    let said = stdout.write_all(format!("{lines}\n").as_bytes());
    if said.and_then(|()| stdout.flush()).is_err() {
        std::process::exit(ORPHANED);
    }
}
