use anyhow::{Context as _, Result, bail};

/// What the person wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Few rounds, short ones, nothing that takes minutes to prepare.
    pub(super) quick: bool,
    pub(super) json: bool,
    /// The figures whose keys begin with one of these; none: all.
    pub(super) only: Vec<String>,
    pub(super) rounds: Option<usize>,
    /// Whether the raw output is kept in the repository.
    pub(super) save: bool,
}

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
            match &**word {
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--save" => options.save = true,
                "--only" => options.only.push(value()?.clone()),
                "--rounds" => options.rounds = Some(value()?.parse().context("`--rounds` needs a number")?),
                _ => bail!("`{word}` is not known; there are --quick, --json, --save, --only KEY, --rounds N"),
            }
        }
        if options.rounds == Some(0) {
            bail!("`--rounds` needs at least 1");
        }
        // A full run is made to be kept.
        options.save |= !options.quick && options.only.is_empty();
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Options> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn flags_are_understood() {
        let options = parse("--quick --json --only a --only b --rounds 3").unwrap();
        assert!(options.quick && options.json && !options.save);
        assert_eq!(options.only, ["a", "b"]);
        assert_eq!(options.rounds, Some(3));
    }

    #[test]
    fn a_full_run_is_kept() {
        assert!(parse("").unwrap().save);
        assert!(!parse("--only a").unwrap().save);
        assert!(parse("--quick --save").unwrap().save);
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        for words in ["--fast", "--only", "--rounds", "--rounds x", "--rounds 0"] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
