//! What was shown against what was printed.

use std::iter::zip;

/// Whether this is printed where that is shown. `…` stands for anything; times, durations and ETags for their like.
pub(crate) fn same(shown: &[String], printed: &[String], any_order: bool) -> bool {
    let prepared = |lines: &[String]| {
        let mut lines: Vec<String> = lines.iter().map(|line| normal(line)).collect();
        if any_order {
            lines.sort();
        }
        lines
    };
    let (shown, printed) = (prepared(shown), prepared(printed));
    shown.len() == printed.len() && zip(&shown, &printed).all(|(shown, printed)| matches(shown, printed))
}

fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('…') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
}

/// Puts a name in the place of each word that differs from run to run.
fn normal(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let follows = |at: usize, unit: &str| words.get(at + 1).is_some_and(|next| *next == unit);
    let name = |(at, word): (usize, &&str)| match *word {
        word if shape(word) == "0000-00-00T00:00:00Z" => "[moment]".to_owned(),
        word if follows(at, "s") && shape(word).trim_start_matches('0') == ".0" => "[seconds]".to_owned(),
        word if word.len() == 34 && word.starts_with('"') && word.ends_with('"') => "[etag]".to_owned(),
        word => word.to_owned(),
    };
    words.iter().enumerate().map(name).collect::<Vec<_>>().join(" ")
}

/// Every digit as 0.
fn shape(word: &str) -> String {
    word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}
