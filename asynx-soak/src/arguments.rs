use std::str::FromStr;

use anyhow::{Result, anyhow, bail};

/// What was typed after the command: `--name value`, each name at most once.
pub(crate) struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(words: impl Iterator<Item = String>) -> Self {
        Self { words: words.collect() }
    }

    /// Takes the value behind a name.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(at) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 == self.words.len() {
            bail!("{name} needs a value");
        }
        let text = self.words.remove(at + 1);
        self.words.remove(at);
        let value = text
            .parse()
            .map_err(|_| anyhow!("`{text}` is not understood behind {name}"))?;
        Ok(Some(value))
    }

    /// Takes the value behind a name that must be there.
    pub(crate) fn required<T: FromStr>(&mut self, name: &str) -> Result<T> {
        self.value(name)?.ok_or_else(|| anyhow!("{name} is missing"))
    }

    /// Fails if something is left.
    pub(crate) fn end(self) -> Result<()> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => bail!("`{word}` is not understood"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Arguments {
        Arguments::new(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn values_are_taken_by_name() {
        let mut arguments = arguments("--seed 7 --store postgres");
        assert_eq!(
            arguments.value::<String>("--store").unwrap().as_deref(),
            Some("postgres")
        );
        assert_eq!(arguments.value::<u64>("--seconds").unwrap(), None);
        assert_eq!(arguments.required::<u64>("--seed").unwrap(), 7);
        assert!(arguments.end().is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |text: &str| arguments(text).value::<u64>("--seed").unwrap_err().to_string();
        assert!(wrong("--seed").contains("needs a value"));
        assert!(wrong("--seed x").contains("`x`"));
        assert!(
            arguments("--sead 1")
                .end()
                .unwrap_err()
                .to_string()
                .contains("`--sead`")
        );
    }
}
