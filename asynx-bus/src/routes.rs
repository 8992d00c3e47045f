use std::collections::HashMap;
use std::sync::Arc;

use asynx_core::{Aggregate, EventName};

use crate::subscribed::Subscribed;

/// Who wants the events of one name, in the order of subscribing.
pub(crate) type Route<A> = Arc<[Arc<Subscribed<A>>]>;

/// Half of how many names are remembered.
const NAMES: usize = 512;

/// The routes of the names that were published lately, so that a publish need not try every pattern.
///
/// Names such as `order.created.ORD-001` have no end, so only two generations are kept: the young one becomes the old
/// one when it is full, and a name that is used again moves back to the young.
pub(crate) struct Routes<A: Aggregate> {
    young: HashMap<EventName, Route<A>>,
    old: HashMap<EventName, Route<A>>,
    epoch: u64,
}

/// What is known about a name.
pub(crate) enum Known<A: Aggregate> {
    /// Its route.
    Young(Route<A>),
    /// Its route, which is forgotten soon unless it is inserted again.
    Old(Route<A>),
    /// Nothing.
    No,
}

impl<A: Aggregate> Routes<A> {
    pub(crate) fn get(&self, name: &EventName) -> Known<A> {
        if let Some(route) = self.young.get(name) {
            return Known::Young(Arc::clone(route));
        }
        match self.old.get(name) {
            Some(route) => Known::Old(Arc::clone(route)),
            None => Known::No,
        }
    }

    /// Changes whenever the subscriptions do.
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Remembers a route that was found at `epoch`, unless subscriptions came or went since.
    pub(crate) fn insert(&mut self, name: EventName, route: Route<A>, epoch: u64) {
        if epoch != self.epoch {
            return;
        }
        if self.young.len() >= NAMES {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, route);
    }

    /// Forgets all routes: subscriptions came or went. They are returned, to be dropped outside of the lock.
    #[must_use]
    pub(crate) fn clear(&mut self) -> Self {
        let epoch = self.epoch + 1;
        std::mem::replace(
            self,
            Self {
                epoch,
                ..Self::default()
            },
        )
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

impl<A: Aggregate> Default for Routes<A> {
    fn default() -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            epoch: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Thing;

    impl Aggregate for Thing {
        const CATEGORY: &'static str = "thing";
    }

    fn route() -> Route<Thing> {
        Arc::from([])
    }

    #[test]
    fn remembers_a_bounded_number_of_names_and_keeps_those_in_use() {
        let mut routes = Routes::default();
        let hot = EventName::parse("hot").unwrap();
        routes.insert(hot.clone(), route(), 0);
        for number in 0..20 * NAMES {
            let name = EventName::parse(format!("order.created.{number}")).unwrap();
            assert!(matches!(routes.get(&name), Known::No));
            routes.insert(name, route(), 0);
            match routes.get(&hot) {
                Known::Young(_) => {}
                Known::Old(found) => routes.insert(hot.clone(), found, 0),
                Known::No => panic!("the name in use was forgotten"),
            }
            assert!(routes.len() <= 2 * NAMES, "{} names", routes.len());
        }
    }

    #[test]
    fn a_route_found_before_a_change_is_not_remembered() {
        let mut routes: Routes<Thing> = Routes::default();
        let name = EventName::parse("name").unwrap();
        let epoch = routes.epoch();
        routes.insert(name.clone(), route(), epoch);
        drop(routes.clear());
        assert!(matches!(routes.get(&name), Known::No));
        routes.insert(name.clone(), route(), epoch);
        assert!(matches!(routes.get(&name), Known::No));
    }
}
