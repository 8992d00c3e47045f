//! What the README shows of the service is what it says: each line after `$` is run by the shell.

mod support;

use std::process::Command;

use crate::support::{Folder, Server};

const README: &str = include_str!("../README.md");

#[tokio::test]
async fn the_session_of_the_readme() {
    let folder = Folder::new();
    let server = Server::start(folder.path(), 0).await;
    let (_, session) = README.split_once("```text session\n").expect("there is a session");
    let (session, _) = session.split_once("```").expect("it ends");

    let mut shown = String::new();
    for line in session.lines().filter(|line| line.starts_with("$ ")) {
        let command = line
            .trim_start_matches("$ ")
            .replace("localhost:8080", &format!("127.0.0.1:{}", server.port()));
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let trouble = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.is_empty(), "{command}: {trouble}");
        shown.push_str(&format!("{line}\n{}\n", said.trim_end().replace('\r', "")));
    }
    assert_eq!(shown, session, "- the README, + the service:\n{shown}");
}
