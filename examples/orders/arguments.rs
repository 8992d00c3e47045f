//! What the command line asks for.

const USAGE: &str = "usage: orders [--store memory|sqlite|postgres|jetstream] [--url URL or file]";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Sqlite,
    Postgres,
    JetStream,
}

pub struct Arguments {
    pub kind: Kind,
    /// Of PostgreSQL and JetStream the URL, of SQLite the file.
    pub url: Option<String>,
}

impl Arguments {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut kind, mut url) = (Kind::Sqlite, None);
        while let Some(option) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{option:?} needs a value; {USAGE}"))?;
            match (option.as_str(), value.as_str()) {
                ("--store", "memory") => kind = Kind::Memory,
                ("--store", "sqlite") => kind = Kind::Sqlite,
                ("--store", "postgres") => kind = Kind::Postgres,
                ("--store", "jetstream") => kind = Kind::JetStream,
                ("--store", other) => return Err(format!("there is no store {other:?}; {USAGE}")),
                ("--url", _) => url = Some(value),
                _ => return Err(format!("there is no option {option:?}; {USAGE}")),
            }
        }
        if kind == Kind::Memory && url.is_some() {
            return Err(format!("the memory store has no URL; {USAGE}"));
        }
        Ok(Self { kind, url })
    }
}
