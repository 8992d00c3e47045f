//! Errors as RFC 9457 has them: `application/problem+json`. `GET /problems` lists the kinds.

use asynx::{Applied, Error, SendError};
use axum::extract::rejection::JsonRejection;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::commands::Refused;

#[derive(Debug, Clone, Copy)]
pub struct Kind {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
}

macro_rules! kinds {
    ($($kind:ident $name:literal $status:ident $title:literal)*) => {
        $(pub const $kind: Kind = Kind { name: $name, status: StatusCode::$status, title: $title };)*
        const ALL: &[Kind] = &[$($kind),*];
    };
}

kinds! {
    MALFORMED "malformed" BAD_REQUEST "the request cannot be understood"
    NOT_FOUND "not-found" NOT_FOUND "there is nothing of that name"
    METHOD "method" METHOD_NOT_ALLOWED "that cannot be done here"
    REFUSED "refused" CONFLICT "the order does not allow that as it stands"
    CONFLICT "conflict" CONFLICT "others wrote first, every time it was tried"
    STALE "stale" CONFLICT "the position is not of this log"
    FORGOTTEN "forgotten" GONE "it was done once and has been forgotten since"
    CHANGED "changed" PRECONDITION_FAILED "the order has changed meanwhile"
    TOO_LARGE "too-large" PAYLOAD_TOO_LARGE "that is more than is taken"
    MEDIA_TYPE "media-type" UNSUPPORTED_MEDIA_TYPE "the body must be application/json"
    INVALID "invalid" UNPROCESSABLE_ENTITY "that can never be carried out"
    KEY_REUSED "key-reused" UNPROCESSABLE_ENTITY "the idempotency key stands for something else"
    UNKNOWN "unknown-outcome" SERVICE_UNAVAILABLE "nobody can tell yet whether it was done"
    UNAVAILABLE "unavailable" SERVICE_UNAVAILABLE "not now"
    FAILED "failed" INTERNAL_SERVER_ERROR "something is broken here"
}

/// An answer that is an error.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    status: StatusCode,
    detail: String,
    applied: Option<Applied>,
    /// In seconds.
    retry_after: Option<u32>,
}

impl Kind {
    pub fn because(self, detail: impl Into<String>) -> Problem {
        Problem {
            kind: self,
            status: self.status,
            detail: detail.into(),
            applied: None,
            retry_after: None,
        }
    }
}

impl Problem {
    /// Why a command has no event to give.
    pub fn of(error: SendError<Refused>, keyed: bool) -> Self {
        match error {
            SendError::Rejected(refused) => refused.into(),
            SendError::Failed(error @ (Error::Unknown { .. } | Error::Ended { .. })) => unknown(&error, keyed),
            SendError::Failed(error) => error.into(),
        }
    }

    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// The client must not take this for a "no". With a key it may simply ask again: it will get the answer that it missed.
/// Without one, asking again could do it twice, so nothing here may invite clients or proxies to do that.
fn unknown(error: &Error, keyed: bool) -> Problem {
    eprintln!("{error}");
    let mut problem = if keyed {
        let again = "send the same request again, with the same Idempotency-Key: you will get its answer";
        UNKNOWN.because(again).retry_after(1)
    } else {
        let mut problem =
            UNKNOWN.because("look at the order before you try again; an Idempotency-Key would make that safe");
        problem.status = StatusCode::INTERNAL_SERVER_ERROR;
        problem
    };
    problem.applied = Some(Applied::Unknown);
    problem
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let kind = match refused {
            Refused::Missing | Refused::NoSuchLine(_) => NOT_FOUND,
            Refused::Exists | Refused::Is { .. } | Refused::LineExists(_) => REFUSED,
            Refused::NoCustomer | Refused::NoLines | Refused::Quantity(_) => INVALID,
        };
        let mut problem = kind.because(refused.to_string());
        problem.applied = Some(Applied::No);
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::InvalidName(_) | Error::InvalidKey { .. } => MALFORMED,
            Error::NotFound { .. } | Error::VersionNotFound { .. } => NOT_FOUND,
            Error::Unexpected { .. } => CHANGED,
            Error::Conflict { .. } => CONFLICT,
            Error::KeyReused { .. } => KEY_REUSED,
            Error::Forgotten { .. } => FORGOTTEN,
            Error::TooLarge { .. } => TOO_LARGE,
            Error::ShuttingDown => UNAVAILABLE,
            other if other.is_transient() => UNAVAILABLE,
            _ => FAILED,
        };
        let mut problem = if kind.status.is_server_error() {
            // What a database says is for the operator.
            eprintln!("{error}");
            kind.because("the log of the service says more")
        } else {
            kind.because(error.to_string())
        };
        problem.applied = Some(error.applied());
        if error.is_transient() || matches!(error, Error::ShuttingDown) {
            problem.retry_after = Some(1);
        }
        problem
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => MEDIA_TYPE,
            StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
            StatusCode::UNPROCESSABLE_ENTITY => INVALID,
            _ => MALFORMED,
        };
        kind.because(rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("/problems#{}", self.kind.name),
            "title": self.kind.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(applied) = self.applied {
            body["applied"] = match applied {
                Applied::No => "no",
                Applied::Yes => "yes",
                Applied::Unknown => "unknown",
            }
            .into();
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// What the `type` of a problem leads to.
pub async fn list() -> String {
    let line = |kind: &Kind| format!("{:<16} {} {}\n", kind.name, kind.status.as_u16(), kind.title);
    ALL.iter().map(line).collect()
}
