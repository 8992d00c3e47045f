//! JSON as lines, and what differs between lines.

use asynx_core::patch::{Json, Object, Patch};

/// Lines beyond which common lines in the middle are not looked for.
const MANY: usize = 2000;

/// How many common lines are shown around a difference.
const AROUND: usize = 3;

/// The value on many lines, members sorted.
pub(super) fn pretty(json: &Json) -> String {
    let mut out = String::new();
    write(&mut out, &sorted(json), 0);
    out
}

/// One operation a line, members of values sorted.
pub(super) fn operations(patch: &Patch) -> String {
    let lines = patch.0.iter().map(|operation| {
        let mut operation = operation.clone();
        if let Some(value) = operation.value_mut() {
            *value = sorted(value);
        }
        let one = Patch(vec![operation]).to_string();
        one[1..one.len() - 1].to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn sorted(json: &Json) -> Json {
    match json {
        Json::Array(elements) => Json::Array(elements.iter().map(sorted).collect()),
        Json::Object(members) => {
            let mut keys: Vec<&str> = members.keys().collect();
            keys.sort_unstable();
            let members = keys
                .into_iter()
                .filter_map(|key| Some((key, sorted(members.get(key)?))));
            Json::Object(members.collect::<Object>())
        }
        scalar => scalar.clone(),
    }
}

fn write(out: &mut String, json: &Json, depth: usize) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match json {
        Json::Array(elements) if !elements.is_empty() => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, depth + 1);
                write(out, element, depth + 1);
            }
            line(out, depth);
            out.push(']');
        }
        Json::Object(members) if !members.is_empty() => {
            out.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, depth + 1);
                out.push_str(&Json::from(key).to_string());
                out.push_str(": ");
                write(out, value, depth + 1);
            }
            line(out, depth);
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// Expected lines behind `-`, actual ones behind `+`, common ones around them.
pub(super) fn difference(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let before = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old[before..].iter().rev().zip(new[before..].iter().rev());
    let after = rest.take_while(|(a, b)| a == b).count();
    let (left, right) = (&old[before..old.len() - after], &new[before..new.len() - after]);

    let mut lines: Vec<(char, &str)> = old[..before].iter().map(|line| (' ', *line)).collect();
    lines.extend(middle(left, right));
    lines.extend(old[old.len() - after..].iter().map(|line| (' ', *line)));
    shown(&lines)
}

/// The shortest way from one to the other, by the longest common subsequence.
fn middle<'a>(left: &[&'a str], right: &[&'a str]) -> Vec<(char, &'a str)> {
    let mut lines = Vec::new();
    if left.len() > MANY || right.len() > MANY {
        lines.extend(left.iter().map(|line| ('-', *line)));
        lines.extend(right.iter().map(|line| ('+', *line)));
        return lines;
    }
    let width = right.len() + 1;
    let mut common = vec![0_u32; (left.len() + 1) * width];
    for a in (0..left.len()).rev() {
        for b in (0..right.len()).rev() {
            common[a * width + b] = match left[a] == right[b] {
                true => common[(a + 1) * width + b + 1] + 1,
                false => common[(a + 1) * width + b].max(common[a * width + b + 1]),
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < left.len() || b < right.len() {
        if a < left.len() && b < right.len() && left[a] == right[b] {
            lines.push((' ', left[a]));
            (a, b) = (a + 1, b + 1);
        } else if b == right.len() || (a < left.len() && common[(a + 1) * width + b] >= common[a * width + b + 1]) {
            lines.push(('-', left[a]));
            a += 1;
        } else {
            lines.push(('+', right[b]));
            b += 1;
        }
    }
    lines
}

fn shown(lines: &[(char, &str)]) -> String {
    let near = |at: usize| {
        let around = at.saturating_sub(AROUND)..lines.len().min(at + AROUND + 1);
        lines[around].iter().any(|(sign, _)| *sign != ' ')
    };
    let mut out = String::from("expected (-), actual (+):");
    let mut left_out = false;
    for (at, (sign, line)) in lines.iter().enumerate() {
        match near(at) {
            true => out.push_str(&format!("\n  {sign} {line}")),
            false if !left_out => out.push_str("\n    ..."),
            false => {}
        }
        left_out = !near(at);
    }
    out
}

/// Every line further in.
pub(super) fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
