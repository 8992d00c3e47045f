use asynx_core::StoreError;
use asynx_core::store::AppendError;
use serde::Deserialize;

/// What the server says went wrong.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) code: u16,
    #[serde(default)]
    pub(crate) err_code: u16,
    #[serde(default)]
    pub(crate) description: String,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.description, self.err_code)
    }
}

impl std::error::Error for ApiError {}

pub(crate) const STREAM_NOT_FOUND: u16 = 10059;
pub(crate) const STREAM_NAME_IN_USE: u16 = 10058;
const WRONG_LAST_SEQUENCE: u16 = 10071;
const WRONG_LAST_SEQUENCE_IN_BATCH: u16 = 10164;
const STORE_FAILED: u16 = 10077;
/// Refused before anything is proposed or stored: this may pass by itself.
const BUSY: &[u16] = &[
    10008, // the cluster has no leader for its metadata
    10167, // too many messages under way
    10176, // the batch is not whole: it took too long, or a new leader has not seen its beginning
    10210, // too many batches under way
    10211,
];
/// Refused before anything is proposed or stored, and again next time.
const REFUSED: &[u16] = &[
    10002, // the account has no storage left
    10023, // the server has no storage left
    10047, // insufficient storage
    10054, // the message is larger than the stream allows
    10060, // another stream than expected
    10097, // the headers are too large
    10109, // the stream is sealed
    10174, // the stream takes no batches
    10199, // the batch is too large
];

/// What became of a publish.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// The subject is not where it was expected to be.
    WrongSequence,
    /// It is not stored, and never will be.
    NotApplied(StoreError),
    /// Nobody knows.
    Unknown(StoreError),
}

impl ApiError {
    /// What an answer to a publish proves.
    pub(crate) fn refusal(self) -> Refusal {
        let message = format!("the server refused the message: {self}");
        match self.err_code {
            WRONG_LAST_SEQUENCE | WRONG_LAST_SEQUENCE_IN_BATCH => Refusal::WrongSequence,
            code if BUSY.contains(&code) => Refusal::NotApplied(StoreError::transient(message)),
            code if REFUSED.contains(&code) => Refusal::NotApplied(StoreError::permanent(message)),
            // A full stream is found before anything is written; another failure of the disk may come after.
            STORE_FAILED if self.description.contains("maximum") => Refusal::NotApplied(StoreError::permanent(
                format!("{message}: raise the limit of the stream"),
            )),
            _ => Refusal::Unknown(StoreError::transient(message)),
        }
    }

    /// What an answer to anything else means.
    pub(crate) fn into_store_error(self, what: &str) -> StoreError {
        let message = format!("{what}: {self}");
        match self.code {
            503 | 500 | 408 => StoreError::transient(message),
            _ => StoreError::permanent(message),
        }
    }
}

impl From<Refusal> for AppendError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongSequence => Self::Conflict,
            Refusal::NotApplied(error) => Self::NotApplied(error),
            Refusal::Unknown(error) => Self::Unknown(error),
        }
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongSequence => Self::transient("somebody else writes the same key; try again"),
            Refusal::NotApplied(error) | Refusal::Unknown(error) => error,
        }
    }
}

/// What is stored is not what this crate writes.
pub(crate) fn corrupt(message: impl Into<String>) -> StoreError {
    StoreError::permanent(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(err_code: u16, description: &str) -> Refusal {
        let error = ApiError {
            code: 400,
            err_code,
            description: description.to_owned(),
        };
        error.refusal()
    }

    #[test]
    fn only_what_is_known_to_precede_storing_is_not_applied() {
        assert!(matches!(
            refused(10071, "wrong last sequence: 7"),
            Refusal::WrongSequence
        ));
        assert!(
            matches!(refused(10054, "message size exceeds maximum"), Refusal::NotApplied(error) if !error.is_transient())
        );
        assert!(
            matches!(refused(10077, "maximum bytes exceeded"), Refusal::NotApplied(error) if !error.is_transient())
        );
        assert!(matches!(refused(10167, "too many requests"), Refusal::NotApplied(error) if error.is_transient()));
        for unsure in [
            refused(10077, "i/o error"),
            refused(10049, "not processed"),
            refused(1, "new in 3.0"),
        ] {
            assert!(matches!(unsure, Refusal::Unknown(_)), "{unsure:?}");
        }
    }
}
