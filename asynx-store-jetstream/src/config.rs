use asynx_core::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{JetStreamOptions, Storage};

/// What the server says of a stream.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamInfo {
    pub(crate) config: StreamConfig,
    pub(crate) state: StreamState,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StreamState {
    pub(crate) last_seq: u64,
}

/// What of a stream's configuration this crate depends on.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct StreamConfig {
    pub(crate) subjects: Vec<String>,
    pub(crate) retention: String,
    pub(crate) discard: String,
    pub(crate) storage: String,
    pub(crate) num_replicas: usize,
    pub(crate) max_age: i64,
    pub(crate) max_msgs: i64,
    pub(crate) max_bytes: i64,
    pub(crate) max_msgs_per_subject: i64,
    pub(crate) persist_mode: String,
    pub(crate) no_ack: bool,
    pub(crate) sealed: bool,
    pub(crate) deny_purge: bool,
    pub(crate) allow_direct: bool,
    pub(crate) allow_atomic: bool,
    pub(crate) allow_msg_counter: bool,
    pub(crate) mirror: Value,
    pub(crate) sources: Value,
    pub(crate) subject_transform: Value,
    pub(crate) republish: Value,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            subjects: Vec::new(),
            retention: "limits".to_owned(),
            discard: "old".to_owned(),
            storage: "file".to_owned(),
            num_replicas: 1,
            max_age: 0,
            max_msgs: -1,
            max_bytes: -1,
            max_msgs_per_subject: -1,
            persist_mode: String::new(),
            no_ack: false,
            sealed: false,
            deny_purge: false,
            allow_direct: false,
            allow_atomic: false,
            allow_msg_counter: false,
            mirror: Value::Null,
            sources: Value::Null,
            subject_transform: Value::Null,
            republish: Value::Null,
        }
    }
}

/// What to ask of a server for a stream that is not there yet.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) subjects: Vec<String>,
    /// How many messages a subject keeps; -1 for all.
    pub(crate) per_subject: i64,
    /// From where to where the headers of what was stored are told.
    pub(crate) republish: Option<(String, String)>,
}

impl Wanted {
    pub(crate) fn request(&self, options: &JetStreamOptions) -> Value {
        let mut config = json!({
            "name": self.name,
            "subjects": self.subjects,
            "retention": "limits",
            "discard": "new",
            "storage": match options.storage { Storage::File => "file", Storage::Memory => "memory" },
            "num_replicas": options.replicas.unwrap_or(1),
            "max_age": 0,
            "max_msgs": -1,
            "max_bytes": options.max_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            "max_msgs_per_subject": self.per_subject,
            "allow_direct": true,
            "allow_atomic": true,
            "allow_rollup_hdrs": true,
        });
        if let Some((from, to)) = &self.republish {
            config["republish"] = json!({ "src": from, "dest": to, "headers_only": true });
        }
        config
    }

    /// Whether a stream of that name can be trusted with events.
    pub(crate) fn check(&self, found: &StreamConfig, options: &JetStreamOptions) -> Result<(), StoreError> {
        let faults = self.faults(found, options);
        if faults.is_empty() {
            return Ok(());
        }
        Err(StoreError::permanent(format!(
            "the stream {} cannot be used: {}",
            self.name,
            faults.join("; ")
        )))
    }

    fn faults(&self, found: &StreamConfig, options: &JetStreamOptions) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fault = |is: bool, what: &str| {
            if is {
                faults.push(what.to_owned());
            }
        };
        fault(
            self.subjects.iter().any(|subject| !found.subjects.contains(subject)),
            &format!("its subjects must be {}", self.subjects.join(", ")),
        );
        fault(
            found.retention != "limits",
            "its retention would drop what was read: set it to `limits`",
        );
        fault(found.max_age > 0, "max_age would drop old events: set it to 0");
        fault(
            found.max_msgs >= 0 && found.discard != "new",
            "max_msgs would drop old events: take it away, or set discard to `new`",
        );
        fault(
            found.max_bytes >= 0 && found.discard != "new",
            "max_bytes would drop old events: take it away, or set discard to `new`",
        );
        fault(
            found.max_msgs_per_subject > 0 && found.max_msgs_per_subject != self.per_subject,
            "max_msgs_per_subject would drop old events: take it away",
        );
        fault(
            self.per_subject > 0 && found.max_msgs_per_subject != self.per_subject,
            "max_msgs_per_subject must be 1",
        );
        fault(
            found.storage == "memory" && options.storage != Storage::Memory,
            "it keeps its events in memory only: move it to files, or ask for memory with `with_storage`",
        );
        fault(
            options.replicas.is_some_and(|wanted| wanted != found.num_replicas),
            &format!(
                "it has {} replicas, not {}: change it with `nats stream edit`",
                found.num_replicas,
                options.replicas.unwrap_or(1)
            ),
        );
        fault(
            !matches!(&*found.persist_mode, "" | "default"),
            "persist_mode answers before events are written: set it to `default`",
        );
        fault(found.no_ack, "no_ack leaves appends without an answer: set it to false");
        fault(found.sealed, "it is sealed and takes no events");
        fault(
            found.deny_purge,
            "deny_purge makes forgetting impossible: set it to false",
        );
        fault(!found.allow_direct, "allow_direct must be true");
        fault(
            !found.allow_atomic,
            "allow_atomic must be true (server 2.12 or newer): events of one command are one batch",
        );
        fault(found.allow_msg_counter, "allow_msg_counter takes only counters");
        fault(!is_empty(&found.mirror), "it is a mirror and takes no events");
        fault(
            !is_empty(&found.sources),
            "it takes messages from other streams, which no append checks",
        );
        fault(
            !is_empty(&found.subject_transform),
            "subject_transform renames what is stored",
        );
        faults
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
