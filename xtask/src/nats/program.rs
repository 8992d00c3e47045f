use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// The oldest version that asynx supports: it stores several messages together or not at all.
pub(super) const OLDEST: (u32, u32) = (2, 12);
const NAME: &str = "nats-server";

/// The first on PATH that serves.
pub(super) fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find_map(|folder| at(&folder.join(NAME)))
}

/// The program at a path, if it serves.
pub(super) fn at(program: &Path) -> Option<PathBuf> {
    let is_file = program.is_file();
    let version = is_file.then(|| process::capture(Command::new(program).arg("--version")))?;
    (version_in(&version.ok()?)? >= OLDEST).then(|| program.to_owned())
}

/// The (2, 12) of `nats-server: v2.12.1`.
fn version_in(answer: &str) -> Option<(u32, u32)> {
    let mut numbers = answer.trim().split_once(": v")?.1.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        assert_eq!(version_in("nats-server: v2.12.1\n"), Some((2, 12)));
        assert_eq!(version_in("nats-server: v3.0.0-preview.1"), Some((3, 0)));
        assert_eq!(version_in("nats-server: dev"), None);
        assert_eq!(version_in(""), None);
    }

    #[test]
    fn what_is_no_server_is_passed_over() {
        assert_eq!(at(Path::new("/bin/echo")), None);
        assert_eq!(at(Path::new("/nowhere/nats-server")), None);
    }
}
