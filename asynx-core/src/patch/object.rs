use std::fmt;

use indexmap::IndexMap;

use super::Json;

/// Up to this many members a search from the front beats hashing.
const FEW: usize = 16;

/// The members of a JSON object, in the order in which they were added.
///
/// Looking up, adding and removing a member takes constant time (amortised), also where there are ten thousand.
/// Two objects are equal if they have equal members, whatever the order.
#[derive(Clone)]
pub struct Object(Repr);

#[derive(Clone)]
enum Repr {
    Few(Vec<(String, Json)>),
    Many(Box<Many>),
}

/// A removed member leaves its place empty, so that no other moves; the places are reclaimed when most are empty.
#[derive(Clone)]
struct Many {
    places: IndexMap<String, Option<Json>>,
    filled: usize,
}

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self(Repr::Few(Vec::new()))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Few(members) => members.len(),
            Repr::Many(many) => many.filled,
        }
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the member `key`.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match &self.0 {
            Repr::Few(members) => members.iter().find(|member| member.0 == key).map(|member| &member.1),
            Repr::Many(many) => many.places.get(key)?.as_ref(),
        }
    }

    /// The value of the member `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        match &mut self.0 {
            Repr::Few(members) => members
                .iter_mut()
                .find(|member| member.0 == key)
                .map(|member| &mut member.1),
            Repr::Many(many) => many.places.get_mut(key)?.as_mut(),
        }
    }

    /// Whether there is a member `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Gives the member `key` a value; returns the value that it had. A new member goes to the end.
    pub fn insert(&mut self, key: impl Into<String> + AsRef<str>, value: impl Into<Json>) -> Option<Json> {
        let value = value.into();
        if let Some(place) = self.get_mut(key.as_ref()) {
            return Some(std::mem::replace(place, value));
        }
        self.push(key.into(), value);
        None
    }

    /// Adds a member if its key is new, else changes nothing and answers false.
    pub(crate) fn insert_new(&mut self, key: String, value: Json) -> bool {
        let new = !self.contains_key(&key);
        if new {
            self.push(key, value);
        }
        new
    }

    /// `key` is not there.
    fn push(&mut self, key: String, value: Json) {
        if let Repr::Few(members) = &mut self.0
            && members.len() == FEW
        {
            let places: IndexMap<_, _> = members.drain(..).map(|(key, value)| (key, Some(value))).collect();
            self.0 = Repr::Many(Box::new(Many { places, filled: FEW }));
        }
        match &mut self.0 {
            Repr::Few(members) => members.push((key, value)),
            Repr::Many(many) => {
                many.places.insert(key, Some(value));
                many.filled += 1;
            }
        }
    }

    /// Removes the member `key` and returns its value. The others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        match &mut self.0 {
            Repr::Few(members) => {
                let place = members.iter().position(|member| member.0 == key)?;
                Some(members.remove(place).1)
            }
            Repr::Many(many) => {
                let removed = many.places.get_mut(key)?.take()?;
                many.filled -= 1;
                if many.places.len() > 2 * many.filled + FEW {
                    many.places.retain(|_, value| value.is_some());
                }
                Some(removed)
            }
        }
    }

    /// The members in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Repr::Few(members) => IterRepr::Few(members.iter()),
            Repr::Many(many) => IterRepr::Many(many.places.iter()),
        })
    }

    /// The members in order, their values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json)> {
        let (few, many) = match &mut self.0 {
            Repr::Few(members) => (Some(members), None),
            Repr::Many(many) => (None, Some(&mut many.places)),
        };
        let few = few.into_iter().flatten().map(|(key, value)| (key.as_str(), value));
        let many = many
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_mut()?)));
        few.chain(many)
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }
}

impl Default for Object {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Into<String> + AsRef<str>, V: Into<Json>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut object = Self::new();
        object.extend(members);
        object
    }
}

impl<K: Into<String> + AsRef<str>, V: Into<Json>> Extend<(K, V)> for Object {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, members: I) {
        for (key, value) in members {
            self.insert(key, value);
        }
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a str, &'a Json);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for Object {
    type Item = (String, Json);
    type IntoIter = std::vec::IntoIter<(String, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        match self.0 {
            Repr::Few(members) => members.into_iter(),
            Repr::Many(many) => {
                let members: Vec<_> = many
                    .places
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, value?)))
                    .collect();
                members.into_iter()
            }
        }
    }
}

/// The members of an [`Object`] in order.
#[derive(Clone)]
pub struct Iter<'a>(IterRepr<'a>);

#[derive(Clone)]
enum IterRepr<'a> {
    Few(std::slice::Iter<'a, (String, Json)>),
    Many(indexmap::map::Iter<'a, String, Option<Json>>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Json);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            IterRepr::Few(members) => members.next().map(|(key, value)| (key.as_str(), value)),
            IterRepr::Many(places) => places.find_map(|(key, value)| Some((key.as_str(), value.as_ref()?))),
        }
    }
}
