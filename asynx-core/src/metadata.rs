use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is known about an event besides the change itself. It is stored with the event and never changes.
///
/// Put no personal data here that a forget must remove from elsewhere: a tombstone carries the metadata of the call
/// that forgot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Metadata {
    /// Names everything that one request from outside set off. A command sent from a handler inherits it.
    #[serde(skip_serializing_if = "Option::is_none", rename = "correlation")]
    pub correlation_id: Option<String>,
    /// The id of the event whose handler sent the command.
    #[serde(skip_serializing_if = "Option::is_none", rename = "causation")]
    pub causation_id: Option<String>,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// On behalf of which tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The W3C trace context of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What tracing systems add to the trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// Anything else, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl Metadata {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
