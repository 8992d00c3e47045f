use asynx_core::patch::{Json, Operation, Patch, Pointer};

/// What a rule turns into other steps.
pub(super) enum Step {
    Operation(Operation),
    /// The member is not there afterwards, whether it was before or not: an `add` and, right behind it, a `remove`.
    /// It must be one step, because the value that the `add` brings is seen by nobody and fits no schema.
    Clear(Pointer),
}

impl Step {
    pub(super) fn path(&self) -> &Pointer {
        match self {
            Self::Operation(operation) => operation.path(),
            Self::Clear(path) => path,
        }
    }

    pub(super) fn path_mut(&mut self) -> &mut Pointer {
        match self {
            Self::Operation(operation) => operation.path_mut(),
            Self::Clear(path) => path,
        }
    }

    pub(super) fn value_mut(&mut self) -> Option<&mut Json> {
        match self {
            Self::Operation(operation) => operation.value_mut(),
            Self::Clear(_) => None,
        }
    }

    /// `add`, `remove` or `replace`: the operation that the step begins with.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.name(),
            Self::Clear(_) => "add",
        }
    }
}

/// The steps of a patch, each with the index of its first operation.
pub(super) fn lift(patch: Patch) -> impl Iterator<Item = (usize, Step)> {
    let mut operations = patch.0.into_iter().enumerate().peekable();
    std::iter::from_fn(move || {
        let (index, operation) = operations.next()?;
        if let Operation::Add { path, .. } = &operation
            && let Some((_, Operation::Remove { path })) =
                operations.next_if(|(_, next)| matches!(next, Operation::Remove { path: removed } if removed == path))
        {
            return Some((index, Step::Clear(path)));
        }
        Some((index, Step::Operation(operation)))
    })
}

/// The patch that consists of these steps.
pub(super) fn lower(steps: Vec<Step>) -> Patch {
    let mut operations = Vec::with_capacity(steps.len());
    for step in steps {
        match step {
            Step::Operation(operation) => operations.push(operation),
            Step::Clear(path) => {
                operations.push(Operation::Add {
                    path: path.clone(),
                    value: Json::Null,
                });
                operations.push(Operation::Remove { path });
            }
        }
    }
    Patch(operations)
}
