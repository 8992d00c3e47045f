//! What two sequences have in common, in order, with bounded work.

use std::collections::HashMap;

/// Beyond this many removals and insertions the shortest way is no longer looked for.
const MAX_EDITS: usize = 512;

/// Pairs of places with equal elements, ascending on both sides.
pub(crate) fn common(left: &[u32], right: &[u32]) -> Vec<(usize, usize)> {
    if right.len() <= left.len() {
        if let Some(pairs) = embed(right, left) {
            return pairs
                .into_iter()
                .enumerate()
                .map(|(right, left)| (left, right))
                .collect();
        }
    } else if let Some(pairs) = embed(left, right) {
        return pairs.into_iter().enumerate().collect();
    }
    shortest(left, right).unwrap_or_else(|| by_unique(left, right))
}

/// Where the elements of `short` lie in `long`, if they all do, in order.
fn embed(short: &[u32], long: &[u32]) -> Option<Vec<usize>> {
    let mut places = long.iter().enumerate();
    short
        .iter()
        .map(|wanted| places.find(|(_, found)| *found == wanted).map(|(place, _)| place))
        .collect()
}

/// Myers' algorithm (An O(ND) Difference Algorithm and Its Variations, 1986), up to [`MAX_EDITS`].
fn shortest(left: &[u32], right: &[u32]) -> Option<Vec<(usize, usize)>> {
    let (n, m) = (left.len() as isize, right.len() as isize);
    let max = (left.len() + right.len()).min(MAX_EDITS) as isize;
    let zero = max + 1;
    let at = |k: isize| (zero + k) as usize;
    // how far each diagonal k = x - y was followed, and the same before each round
    let mut furthest = vec![0_isize; at(max + 1) + 1];
    let mut rounds: Vec<Vec<isize>> = Vec::new();
    for d in 0..=max {
        rounds.push(furthest[at(-d - 1)..=at(d + 1)].to_vec());
        for k in (-d..=d).step_by(2) {
            let down = k == -d || (k != d && furthest[at(k - 1)] < furthest[at(k + 1)]);
            let mut x = if down {
                furthest[at(k + 1)]
            } else {
                furthest[at(k - 1)] + 1
            };
            while x < n && x - k < m && left[x as usize] == right[(x - k) as usize] {
                x += 1;
            }
            furthest[at(k)] = x;
            if x >= n && x - k >= m {
                return Some(trace_back(&rounds, n, m));
            }
        }
    }
    None
}

fn trace_back(rounds: &[Vec<isize>], mut x: isize, mut y: isize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (d, furthest) in rounds.iter().enumerate().rev() {
        let d = d as isize;
        let at = |k: isize| furthest[(k + d + 1) as usize];
        let k = x - y;
        let down = k == -d || (k != d && at(k - 1) < at(k + 1));
        let before = if down { k + 1 } else { k - 1 };
        let (before_x, before_y) = (at(before), at(before) - before);
        while x > before_x.max(0) && y > before_y.max(0) {
            (x, y) = (x - 1, y - 1);
            pairs.push((x as usize, y as usize));
        }
        (x, y) = (before_x, before_y);
    }
    pairs.reverse();
    pairs
}

/// The longest ascending run of elements that occur once on each side, and what equals beside them.
fn by_unique(left: &[u32], right: &[u32]) -> Vec<(usize, usize)> {
    let mut places: HashMap<u32, [(usize, usize); 2]> = HashMap::with_capacity(left.len());
    for (side, elements) in [left, right].into_iter().enumerate() {
        for (place, &element) in elements.iter().enumerate() {
            let entry = places.entry(element).or_default();
            entry[side] = (entry[side].0 + 1, place);
        }
    }
    let unique = left.iter().filter_map(|element| match places[element] {
        [(1, left), (1, right)] => Some((left, right)),
        _ => None,
    });
    let anchors = longest_ascending(unique.collect());

    let mut pairs = Vec::with_capacity(anchors.len());
    let mut from = (0, 0);
    for anchor in anchors.into_iter().chain([(left.len(), right.len())]) {
        let forward = left[from.0..anchor.0]
            .iter()
            .zip(&right[from.1..anchor.1])
            .take_while(|(a, b)| a == b)
            .count();
        pairs.extend((0..forward).map(|step| (from.0 + step, from.1 + step)));
        let rest = (from.0 + forward, from.1 + forward);
        let (before, beside) = (&left[rest.0..anchor.0], &right[rest.1..anchor.1]);
        let backward = before
            .iter()
            .rev()
            .zip(beside.iter().rev())
            .take_while(|(a, b)| a == b)
            .count();
        pairs.extend(
            (0..backward)
                .rev()
                .map(|step| (anchor.0 - 1 - step, anchor.1 - 1 - step)),
        );
        if anchor.0 < left.len() {
            pairs.push(anchor);
        }
        from = (anchor.0 + 1, anchor.1 + 1);
    }
    pairs
}

/// `pairs` ascend on the left; answers the most that ascend on the right as well.
fn longest_ascending(pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    // the ends of the best runs of each length, and what comes before each pair in its run
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (place, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < pair.1);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(place);
        } else {
            ends[length] = place;
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut last = ends.last().copied();
    while let Some(place) = last {
        run.push(pairs[place]);
        last = before[place];
    }
    run.reverse();
    run
}
