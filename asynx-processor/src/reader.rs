use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use asynx_core::store::{Head, HeadQuery};
use asynx_core::{Aggregate, AggregateId, Error, StoreError};
use futures::channel::oneshot;

use crate::held::Held;
use crate::queue::Queue;
use crate::sabotage::Sabotage;
use crate::shared::Shared;

/// A question about the present of an aggregate.
pub(crate) struct Question<A: Aggregate> {
    pub(crate) id: AggregateId,
    pub(crate) wants: Wants<A>,
}

pub(crate) enum Wants<A: Aggregate> {
    Head(oneshot::Sender<Result<Head, StoreError>>),
    State(oneshot::Sender<Result<Held<A>, Error>>),
}

/// Answers what is asked about one shard's aggregates: all that waits with one look at the heads and, where needed,
/// one load. A look begins after the questions it serves, so its answers are current.
pub(crate) async fn answer_questions<A: Aggregate>(shared: Arc<Shared<A>>, at: usize, asked: Queue<Question<A>>) {
    while let Ok(first) = asked.recv().await {
        let mut questions = vec![first];
        while questions.len() < shared.options.max_batch.get() {
            match asked.try_recv() {
                Ok(question) => questions.push(question),
                Err(_) => break,
            }
        }
        questions.retain(|question| !question.is_cancelled());
        answer(&shared, at, questions, &asked).await;
    }
}

async fn answer<A: Aggregate>(
    shared: &Shared<A>,
    at: usize,
    mut questions: Vec<Question<A>>,
    asked: &Queue<Question<A>>,
) {
    let cache = &shared.caches[at];
    let since = cache.since();
    let mut ids: Vec<AggregateId> = questions.iter().map(|question| question.id.clone()).collect();
    ids.sort();
    ids.dedup();
    let mut known: HashMap<AggregateId, Held<A>> = HashMap::new();
    for id in &ids {
        if let Some(held) = cache.get(id) {
            known.insert(id.clone(), held);
        }
    }
    let asks_head = questions
        .iter()
        .filter(|question| matches!(question.wants, Wants::Head(_)));
    let wants_head: HashSet<AggregateId> = asks_head.map(|question| question.id.clone()).collect();
    let sole_writer = shared.is_sole_writer();
    let sure: HashSet<AggregateId> = match sole_writer {
        true => known
            .keys()
            .filter(|id| cache.get_still(id).is_some())
            .cloned()
            .collect(),
        false => HashSet::new(),
    };
    let looked: Vec<AggregateId> = ids
        .iter()
        .filter(|id| (known.contains_key(*id) && !sure.contains(*id)) || wants_head.contains(*id))
        .cloned()
        .collect();
    let queries: Vec<HeadQuery> = looked
        .iter()
        .map(|id| HeadQuery {
            stream: shared.stream(id),
            event_id: None,
        })
        .collect();
    let heads = shared.calls.heads(&queries).await;
    let heads: HashMap<_, _> = looked.iter().cloned().zip(heads).collect();
    if shared.is_sabotaged(Sabotage::JoinFreshnessCheck) {
        // Those that it cannot answer are lost, and their callers told that it shuts down.
        let joining = std::iter::from_fn(|| asked.try_recv().ok());
        questions.extend(joining.filter(|question| heads.contains_key(&question.id)));
    }
    let mut failed: HashMap<AggregateId, Error> = HashMap::new();
    for id in &looked {
        let is_current = |held: &Held<A>| match heads.get(id) {
            Some(Ok(head)) => (held.head, held.floor) == (head.version, head.floor),
            _ => false,
        };
        if known.get(id).is_some_and(|held| !is_current(held)) {
            known.remove(id);
        }
        if let Some(Err(source)) = heads.get(id) {
            let source = source.clone();
            failed.insert(id.clone(), Error::Store { source });
        }
    }
    let wants_state = |question: &&Question<A>| matches!(question.wants, Wants::State(_));
    let missing = questions.iter().filter(wants_state).map(|question| &question.id);
    let is_open = |id: &&AggregateId| !known.contains_key(*id) && !failed.contains_key(*id);
    let mut missing: Vec<AggregateId> = missing.filter(is_open).cloned().collect();
    missing.sort();
    missing.dedup();
    shared.figures.looked_up(known.len() + missing.len(), missing.len());
    for (id, loaded) in missing.iter().zip(shared.load(&missing).await) {
        match loaded {
            Ok(held) => {
                cache.offer(id, held.clone(), since);
                known.insert(id.clone(), held);
            }
            Err(error) => {
                failed.insert(id.clone(), error);
            }
        }
    }
    for Question { id, wants } in questions {
        match wants {
            Wants::Head(reply) => {
                let _ = reply.send(heads.get(&id).cloned().unwrap_or_else(|| Ok(Head::default())));
            }
            Wants::State(reply) => {
                let answer = match known.get(&id) {
                    Some(held) => Ok(held.clone()),
                    None => Err(failed.get(&id).cloned().unwrap_or(Error::ShuttingDown)),
                };
                let _ = reply.send(answer);
            }
        }
    }
}

impl<A: Aggregate> Question<A> {
    fn is_cancelled(&self) -> bool {
        match &self.wants {
            Wants::Head(reply) => reply.is_canceled(),
            Wants::State(reply) => reply.is_canceled(),
        }
    }
}
