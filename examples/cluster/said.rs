//! What an instance tells the process that started it: a line each.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub enum Said {
    /// It is subscribed, and waits to be told to begin.
    Ready,
    /// The command that adds this item was answered.
    Answered { item: String, took: Duration },
    /// The subscriber without a name was given its event.
    Saw(String),
    /// The mailer was given its event.
    Mailed(String),
    /// Nothing more: its process has ended.
    Ended,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => write!(f, "ready"),
            Self::Answered { item, took } => write!(f, "answered {item} {}", took.as_millis()),
            Self::Saw(item) => write!(f, "saw {item}"),
            Self::Mailed(item) => write!(f, "mailed {item}"),
            Self::Ended => write!(f, "ended"),
        }
    }
}

impl FromStr for Said {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split(' ').collect();
        let odd = || format!("an instance said something odd: {line}");
        match words[..] {
            ["ready"] => Ok(Self::Ready),
            ["answered", item, millis] => Ok(Self::Answered {
                item: item.to_owned(),
                took: Duration::from_millis(millis.parse().map_err(|_| odd())?),
            }),
            ["saw", item] => Ok(Self::Saw(item.to_owned())),
            ["mailed", item] => Ok(Self::Mailed(item.to_owned())),
            ["ended"] => Ok(Self::Ended),
            _ => Err(odd()),
        }
    }
}
