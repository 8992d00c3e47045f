//! D7: two versions of a type take turns in writing one stream, as in a rolling deployment.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use asynx_core::patch::{Document, Tape, create, evolve};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap, HashSet};

/// One version of the type. The members that only it has are given apart; all of them have defaults.
macro_rules! version {
    (
        $version:ident,
        order { $($order:tt)* }, line { $($line:tt)* }, shipped { $($shipped:tt)* }, address { $($address:tt)* },
        own $own:expr
    ) => {
        mod $version {
            use super::*;
            use serde::Deserialize;

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub(super) struct Order {
                $($order)*
                pub(super) id: String,
                pub(super) status: Status,
                pub(super) lines: Vec<Line>,
                pub(super) by_name: HashMap<String, Line>,
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub(super) address: Option<Address>,
                #[serde(default)]
                pub(super) tags: HashSet<String>,
                pub(super) pairs: Vec<(u8, Line)>,
            }

            #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
            pub(super) struct Line {
                pub(super) sku: String,
                $($line)*
                pub(super) quantity: u32,
                pub(super) price: f64,
            }

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub(super) enum Status {
                Pending,
                Shipped { $($shipped)* days: u32 },
            }

            #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
            pub(super) struct Address {
                pub(super) street: String,
                $($address)*
            }

            impl Order {
                fn line(sku: usize) -> Line {
                    Line { sku: format!("sku-{sku}"), quantity: 1, price: 0.5, ..Line::default() }
                }

                pub(super) fn edit(&mut self, edit: &Edit, fresh: usize) {
                    let room = self.lines.len() + 1;
                    let has_lines = room > 1;
                    match edit {
                        Edit::Pending => self.status = Status::Pending,
                        Edit::Days(n) => match &mut self.status {
                            Status::Shipped { days, .. } => *days = *n,
                            // only serde knows the other members
                            status => *status = serde_json::from_str(r#"{"Shipped":{"days":1}}"#).unwrap(),
                        },
                        Edit::AddLine(at) => self.lines.insert(at % room, Self::line(fresh)),
                        Edit::RemoveLine(at) if has_lines => drop(self.lines.remove(at % (room - 1))),
                        Edit::MoveLine(from, to) if has_lines => {
                            let line = self.lines.remove(from % (room - 1));
                            self.lines.insert(to % (room - 1), line);
                        }
                        Edit::Reverse => self.lines.reverse(),
                        Edit::Quantity(at, n) if has_lines => self.lines[at % (room - 1)].quantity = *n,
                        Edit::RemoveLine(_) | Edit::MoveLine(..) | Edit::Quantity(..) => {}
                        Edit::Put(name, n) => {
                            let line = self.by_name.entry((*name).to_owned());
                            line.or_insert_with(|| Self::line(fresh)).quantity = *n;
                        }
                        Edit::Take(name) => drop(self.by_name.remove(*name)),
                        Edit::Street(street) => self.address.get_or_insert_default().street = (*street).to_owned(),
                        Edit::NoAddress => self.address = None,
                        Edit::Tag(tag) => drop(self.tags.insert((*tag).to_owned())),
                        Edit::Untag(tag) => drop(self.tags.remove(*tag)),
                        Edit::Pair(n) => self.pairs.push((*n, Self::line(fresh))),
                        Edit::PairQuantity(at, n) => {
                            let count = self.pairs.len().max(1);
                            self.pairs.iter_mut().skip(at % count).take(1).for_each(|pair| pair.1.quantity = *n);
                        }
                        Edit::Own(n) => {
                            let own: fn(&mut Order, u32) = $own;
                            own(self, *n);
                        }
                    }
                }
            }
        }
    };
}

version!(
    v1,
    order { #[serde(default)] pub(super) legacy: String, },
    line { #[serde(default, skip_serializing_if = "Option::is_none")] pub(super) code: Option<u32>, },
    shipped { #[serde(default)] depot: u32, },
    address { #[serde(default)] pub(super) region: u32, },
    own |order, n| {
        order.legacy = n.to_string();
        order.lines.iter_mut().step_by(2).for_each(|line| line.code = Some(n));
        order.by_name.values_mut().for_each(|line| line.code = n.checked_sub(1));
        order.pairs.iter_mut().for_each(|pair| pair.1.code = Some(n));
        order.address.iter_mut().for_each(|address| address.region = n);
        if let Status::Shipped { depot, .. } = &mut order.status {
            *depot = n;
        }
    }
);

version!(
    v2,
    order { #[serde(default)] pub(super) priority: u32, #[serde(default)] pub(super) history: Vec<u32>, },
    line { #[serde(default)] pub(super) gift: u32, },
    shipped { #[serde(default)] carrier: BTreeMap<String, u32>, },
    address { #[serde(default, skip_serializing_if = "Vec::is_empty")] pub(super) country: Vec<u32>, },
    own |order, n| {
        order.priority = n;
        order.history.push(n);
        order.lines.iter_mut().step_by(3).for_each(|line| line.gift = n);
        order.by_name.values_mut().for_each(|line| line.gift = n);
        order.pairs.iter_mut().for_each(|pair| pair.1.gift = n);
        order.address.iter_mut().for_each(|address| address.country = vec![n; n as usize % 3]);
        if let Status::Shipped { carrier, .. } = &mut order.status {
            carrier.insert("name".to_owned(), n);
        }
    }
);

#[derive(Clone, Debug)]
enum Edit {
    Pending,
    Days(u32),
    AddLine(usize),
    RemoveLine(usize),
    MoveLine(usize, usize),
    Reverse,
    Quantity(usize, u32),
    Put(&'static str, u32),
    Take(&'static str),
    Street(&'static str),
    NoAddress,
    Tag(&'static str),
    Untag(&'static str),
    Pair(u8),
    PairQuantity(usize, u32),
    Own(u32),
}

fn edit() -> impl Strategy<Value = Edit> {
    let name = || prop::sample::select(vec!["a", "b/c", "~", ""]);
    prop_oneof![
        Just(Edit::Pending),
        (0_u32..5).prop_map(Edit::Days),
        (0_usize..9).prop_map(Edit::AddLine),
        (0_usize..9).prop_map(Edit::AddLine),
        (0_usize..9).prop_map(Edit::RemoveLine),
        (0_usize..9, 0_usize..9).prop_map(|(from, to)| Edit::MoveLine(from, to)),
        Just(Edit::Reverse),
        (0_usize..9, 0_u32..5).prop_map(|(at, n)| Edit::Quantity(at, n)),
        (name(), 0_u32..5).prop_map(|(name, n)| Edit::Put(name, n)),
        name().prop_map(Edit::Take),
        name().prop_map(Edit::Street),
        Just(Edit::NoAddress),
        prop::sample::select(vec!["red", "green", "blue", "a longer one"]).prop_map(Edit::Tag),
        prop::sample::select(vec!["red", "green", "blue", "a longer one"]).prop_map(Edit::Untag),
        any::<u8>().prop_map(Edit::Pair),
        (0_usize..9, 0_u32..5).prop_map(|(at, n)| Edit::PairQuantity(at, n)),
        (0_u32..5).prop_map(Edit::Own),
        (0_u32..5).prop_map(Edit::Own),
    ]
}

fn tape<T: Serialize + ?Sized>(state: &T) -> Tape {
    Tape::of(state).unwrap()
}

fn read<T: DeserializeOwned>(text: &[u8]) -> T {
    serde_json::from_slice(text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(text)))
}

fn reserialise<T: Serialize + DeserializeOwned>(text: &[u8]) -> Result<Tape, String> {
    let state: T = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    Tape::of(&state).map_err(|error| error.to_string())
}

/// The stream, and what it folds to.
struct Stream {
    patches: Vec<Vec<u8>>,
    folded: Tape,
}

impl Stream {
    fn new<T: Serialize>(first: &T) -> Self {
        let folded = tape(first);
        Self {
            patches: vec![create(&folded)],
            folded,
        }
    }

    /// A process with the type `T` writes its next event.
    fn write<T: Serialize + DeserializeOwned + Clone + PartialEq + std::fmt::Debug>(&mut self, edit: impl Fn(&mut T)) {
        let current: T = read(self.folded.text());
        let mut next = current.clone();
        edit(&mut next);
        let (target, patch) = evolve(&self.folded, &tape(&current), &tape(&next), reserialise::<T>)
            .unwrap_or_else(|error| panic!("{error}\nfolded {}\nnext {}", self.folded, tape(&next)));
        self.patches.push(patch);

        let mut document = Document::default();
        self.patches.iter().for_each(|patch| document.apply(patch).unwrap());
        assert!(document.tape().unwrap().same(&target));
        let mut from_snapshot = Document::parse(self.folded.text()).unwrap();
        from_snapshot.apply(self.patches.last().unwrap()).unwrap();
        assert_eq!(from_snapshot, document);
        assert_eq!(
            read::<T>(target.text()),
            next,
            "folded {}\ntarget {target}",
            self.folded
        );
        self.folded = target;
    }
}

/// Checks that what only one version knows is unharmed by a write of the other one.
macro_rules! check_unharmed {
    ($version:ident, $before:expr, $after:expr, [$($of_order:ident),*], $of_line:ident, $of_shipped:ident, $of_address:ident) => {{
        let (before, after): ($version::Order, $version::Order) = (read($before.text()), read($after.text()));
        $(assert_eq!(after.$of_order, before.$of_order);)*
        let lines: HashMap<_, _> = before.lines.iter().map(|line| (&line.sku, line)).collect();
        for line in &after.lines {
            if let Some(old) = lines.get(&line.sku) {
                assert_eq!(line.$of_line, old.$of_line, "{} became {}", $before, $after);
            }
        }
        for (name, line) in &after.by_name {
            if let Some(old) = before.by_name.get(name) {
                assert_eq!(line.$of_line, old.$of_line);
            }
        }
        for (old, new) in before.pairs.iter().zip(&after.pairs) {
            assert_eq!(old.1.$of_line, new.1.$of_line, "{} became {}", $before, $after);
        }
        if let ($version::Status::Shipped { $of_shipped: old, .. }, $version::Status::Shipped { $of_shipped: new, .. }) =
            (&before.status, &after.status)
        {
            assert_eq!(old, new);
        }
        if let (Some(old), Some(new)) = (&before.address, &after.address) {
            assert_eq!(old.$of_address, new.$of_address);
        }
    }};
}

proptest! {
    #[test]
    fn two_versions_take_turns(turns in prop::collection::vec((any::<bool>(), prop::collection::vec(edit(), 1..3)), 1..25), old_first: bool) {
        let empty = r#"{"id":"ORD-1","status":"Pending","lines":[],"by_name":{},"pairs":[]}"#.as_bytes();
        let mut stream = if old_first {
            Stream::new(&read::<v1::Order>(empty))
        } else {
            Stream::new(&read::<v2::Order>(empty))
        };
        let mut fresh = 0;
        for (is_old, edits) in turns {
            let before = stream.folded.clone();
            fresh += 10;
            if is_old {
                stream.write::<v1::Order>(|order| {
                    edits.iter().enumerate().for_each(|(n, edit)| order.edit(edit, fresh + n));
                });
                check_unharmed!(v2, before, stream.folded, [priority, history], gift, carrier, country);
            } else {
                stream.write::<v2::Order>(|order| {
                    edits.iter().enumerate().for_each(|(n, edit)| order.edit(edit, fresh + n));
                });
                check_unharmed!(v1, before, stream.folded, [legacy], code, depot, region);
            }
        }
    }
}
