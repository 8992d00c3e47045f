//! What the command line asks for.

const USAGE: &str = "usage: web [--port PORT] [--store memory|sqlite|postgres] [--url URL or file]";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Sqlite,
    Postgres,
}

pub struct Arguments {
    /// 0 for any that is free.
    pub port: u16,
    pub kind: Kind,
    /// Of PostgreSQL the URL, of SQLite the file.
    pub url: Option<String>,
}

impl Arguments {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut port, mut kind, mut url) = (8080, Kind::Sqlite, None);
        while let Some(option) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{option:?} needs a value; {USAGE}"))?;
            match (option.as_str(), value.as_str()) {
                ("--port", number) => {
                    port = number.parse().map_err(|_| format!("{number:?} is no port; {USAGE}"))?;
                }
                ("--store", "memory") => kind = Kind::Memory,
                ("--store", "sqlite") => kind = Kind::Sqlite,
                ("--store", "postgres") => kind = Kind::Postgres,
                ("--store", other) => return Err(format!("there is no store {other:?}; {USAGE}")),
                ("--url", _) => url = Some(value),
                _ => return Err(format!("there is no option {option:?}; {USAGE}")),
            }
        }
        if kind == Kind::Memory && url.is_some() {
            return Err(format!("the memory store has no URL; {USAGE}"));
        }
        Ok(Self { port, kind, url })
    }
}
