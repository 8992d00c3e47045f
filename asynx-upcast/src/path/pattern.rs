use asynx_core::patch::{Json, Pointer};

use super::PathError;

/// Places in documents: a JSON pointer in which `*` is every element or member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// A member of an object, never an element of an array.
    Key(String),
    Any,
}

/// Where a path lies, as seen from a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// It leads to what may hold places of the pattern, this many segments down.
    Above(usize),
    At,
    /// It leads into a place of the pattern.
    Below,
    Apart,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, PathError> {
        let pointer = Pointer::parse(text)?;
        let segment = |token: &str| match token {
            "*" => Ok(Segment::Any),
            _ => key(token).map(Segment::Key),
        };
        pointer
            .tokens()
            .map(|token| segment(&token))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A pattern that ends with a key, and the key.
    pub(super) fn parse_member(text: &str) -> Result<(Self, String), PathError> {
        let pattern = Self::parse(text)?;
        match pattern.0.last() {
            Some(Segment::Key(key)) => {
                let key = key.clone();
                Ok((pattern, key))
            }
            _ => Err(PathError::NoMember { path: text.to_owned() }),
        }
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The same place in the same parent, called `key`.
    pub(super) fn sibling(&self, key: String) -> Self {
        let mut sibling = self.clone();
        sibling.0.pop();
        sibling.0.push(Segment::Key(key));
        sibling
    }

    pub(super) fn relation(&self, path: &Pointer) -> Relation {
        let mut tokens = path.tokens();
        for (depth, segment) in self.0.iter().enumerate() {
            match tokens.next() {
                None => return Relation::Above(depth),
                Some(token) if segment.matches(&token) => {}
                Some(_) => return Relation::Apart,
            }
        }
        if tokens.next().is_some() {
            Relation::Below
        } else {
            Relation::At
        }
    }
}

impl Segment {
    fn matches(&self, token: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Key(key) => key == token,
        }
    }
}

/// A key that no array can take for a place in itself: a patch does not tell objects from arrays.
pub(super) fn key(token: &str) -> Result<String, PathError> {
    let index = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    if index || token == "-" {
        return Err(PathError::Index {
            segment: token.to_owned(),
        });
    }
    Ok(token.to_owned())
}

/// Calls `change` with every place in `json` that the segments lead to.
pub(super) fn visit<E>(
    segments: &[Segment],
    json: &mut Json,
    change: &mut impl FnMut(&mut Json) -> Result<(), E>,
) -> Result<(), E> {
    let Some((first, rest)) = segments.split_first() else {
        return change(json);
    };
    match (first, json) {
        (Segment::Key(key), Json::Object(members)) => match members.get_mut(key) {
            Some(value) => visit(rest, value, change),
            None => Ok(()),
        },
        (Segment::Any, Json::Object(members)) => {
            members.iter_mut().try_for_each(|(_, value)| visit(rest, value, change))
        }
        (Segment::Any, Json::Array(elements)) => elements.iter_mut().try_for_each(|value| visit(rest, value, change)),
        _ => Ok(()),
    }
}
