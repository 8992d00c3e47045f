use asynx_core::StoreError;

/// What the tables are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    schema: String,
    prefix: String,
}

/// PostgreSQL cuts identifiers at 63 bytes; the longest of our table names has to fit behind the prefix.
const MAX_SCHEMA_BYTES: usize = 63;
const MAX_PREFIX_BYTES: usize = 40;

pub(crate) const TABLES: [&str; 10] = [
    "migrations",
    "log",
    "heads",
    "events",
    "snapshots",
    "checkpoints",
    "leases",
    "parked",
    "events_json",
    "inline",
];

impl Names {
    pub(crate) fn parse(schema: &str, prefix: &str) -> Result<Self, StoreError> {
        check("schema name", schema, 1, MAX_SCHEMA_BYTES)?;
        check("table prefix", prefix, 0, MAX_PREFIX_BYTES)?;
        Ok(Self {
            schema: schema.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// The same tables in the session's temporary schema.
    pub(crate) fn temporary(&self) -> Self {
        Self {
            schema: "pg_temp".to_owned(),
            prefix: self.prefix.clone(),
        }
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Fills the names into a text of SQL, each as an identifier: `{schema}`, `{events}`, ...
    pub(crate) fn render(&self, sql: &str) -> String {
        let mut rendered = sql.replace("{schema}", &quoted(&self.schema));
        for table in TABLES {
            let name = format!(
                "{}.{}",
                quoted(&self.schema),
                quoted(&format!("{}{table}", self.prefix))
            );
            rendered = rendered.replace(&format!("{{{table}}}"), &name);
        }
        rendered
    }

    /// The same for every process that shares the tables.
    pub(crate) fn channel(&self) -> String {
        let whole = format!("asynx_{}_{}", self.schema, self.prefix);
        if whole.len() <= 63 {
            return whole;
        }
        let hash = whole.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("asynx_{hash:016x}")
    }
}

fn check(what: &str, name: &str, min: usize, max: usize) -> Result<(), StoreError> {
    let bytes = name.len();
    if bytes < min || bytes > max {
        return Err(StoreError::permanent(format!(
            "the {what} {name:?} has {bytes} bytes, {min} to {max} are allowed"
        )));
    }
    if name.contains(['\0', '{', '}']) {
        return Err(StoreError::permanent(format!(
            "the {what} {name:?} has a NUL character or a brace"
        )));
    }
    Ok(())
}

/// An identifier, whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers() {
        let names = Names::parse("a\"b; drop table x", "P ö_").unwrap();
        assert_eq!(
            names.render("select * from {events}, {heads}"),
            "select * from \"a\"\"b; drop table x\".\"P ö_events\", \"a\"\"b; drop table x\".\"P ö_heads\""
        );
        for (schema, prefix) in [
            ("", ""),
            (&*"s".repeat(64), ""),
            ("s", &*"p".repeat(41)),
            ("s\0", ""),
            ("s", "{log}"),
        ] {
            let error = Names::parse(schema, prefix).unwrap_err();
            assert!(!error.is_transient(), "{error}");
        }
    }

    #[test]
    fn a_channel_is_no_longer_than_postgresql_takes() {
        let long = Names::parse(&"s".repeat(63), "p").unwrap().channel();
        assert!(long.len() <= 63 && long.starts_with("asynx_"));
        assert_ne!(long, Names::parse(&"s".repeat(63), "q").unwrap().channel());
        assert_eq!(Names::parse("asynx", "").unwrap().channel(), "asynx_asynx_");
    }
}
