use asynx_core::store::AppendGroup;
use asynx_core::{EventId, EventName, StreamId, Version};
use asynx_testkit::{Random, ThreadRuntime, samples};

/// The kinds of streams; readers filter by them.
pub(super) const CATEGORIES: [&str; 3] = ["account", "order", "cart"];
/// What happens in streams; readers filter by it.
pub(super) const NAMES: [&str; 3] = ["Opened", "Changed", "Closed"];
/// An append with such an event takes a while.
pub(super) const SLOW: &str = "Slow";
/// An append with such an event takes a while and is rolled back.
pub(super) const DOOMED: &str = "Doomed";
/// An append with such an event is rolled back at once.
pub(super) const REFUSED: &str = "Refused";
/// How many streams all writers fight for.
const SHARED: u64 = 48;

/// Events to append to one stream, wherever its head is then.
pub(super) struct Draft {
    pub(super) stream: StreamId,
    pub(super) events: Vec<DraftEvent>,
}

#[derive(Clone)]
pub(super) struct DraftEvent {
    pub(super) id: EventId,
    pub(super) name: EventName,
    text: String,
}

impl Draft {
    pub(super) fn behind(&self, head: Option<Version>) -> AppendGroup {
        let events = self.events.iter().zip(Version::after(head).get()..);
        AppendGroup {
            stream: self.stream.clone(),
            events: events
                .map(|(event, version)| samples::made_of(version, event.id, event.name.clone(), &event.text))
                .collect(),
        }
    }

    pub(super) fn is_doomed(&self) -> bool {
        self.events
            .iter()
            .any(|event| event.name == DOOMED || event.name == REFUSED)
    }
}

/// Thinks of appends.
pub(crate) struct Plan {
    random: Random,
    /// What this writer's own streams begin with.
    prefix: String,
    own: u64,
    hinders: bool,
}

impl Plan {
    /// The plan of one writer; one that hinders makes appends that take a while.
    pub(crate) fn new(seed: u64, process: u64, writer: u64, hinders: bool) -> Self {
        Self {
            random: Random::seeded(seed ^ (process << 16 | writer).wrapping_mul(0x9e37_79b9)),
            prefix: format!("p{process}-w{writer}"),
            own: 0,
            hinders,
        }
    }

    pub(super) const fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// What to append at once: each to another stream.
    pub(super) fn drafts(&mut self) -> Vec<Draft> {
        let count = 1 + self.random.below(5);
        let mut drafts: Vec<Draft> = Vec::new();
        for _ in 0..count {
            let stream = self.stream();
            if drafts.iter().all(|draft| draft.stream != stream) {
                let events = 1 + self.random.below(3);
                let events = (0..events).map(|_| self.event()).collect();
                drafts.push(Draft { stream, events });
            }
        }
        if self.hinders {
            let name = if self.random.chance(0.5) { SLOW } else { DOOMED };
            let hindered = self.random.below(drafts.len() as u64) as usize;
            if let Some(last) = drafts[hindered].events.last_mut() {
                last.name = named(name);
            }
        }
        drafts
    }

    /// A new stream, or one that others want too.
    fn stream(&mut self) -> StreamId {
        // Who is slow holds up all who want the same stream.
        let share = if self.hinders { 0.1 } else { 0.4 };
        let (number, id) = if self.random.chance(share) {
            let number = self.random.below(SHARED);
            (number, format!("shared-{number}"))
        } else {
            self.own += 1;
            (self.own, format!("{}-{}", self.prefix, self.own))
        };
        let category = CATEGORIES[number as usize % CATEGORIES.len()];
        StreamId::parse(category, &id).expect("these names are valid")
    }

    fn event(&mut self) -> DraftEvent {
        let name = if self.random.chance(0.002) {
            REFUSED
        } else {
            NAMES[self.random.below(NAMES.len() as u64) as usize]
        };
        DraftEvent {
            id: EventId::generate(&ThreadRuntime),
            name: named(name),
            text: "x".repeat(self.random.below(200) as usize),
        }
    }
}

fn named(name: &str) -> EventName {
    EventName::parse(name).expect("these names are valid")
}
