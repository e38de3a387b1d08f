//! What a sentence costs more in another language than in English. Never an assertion: machines differ.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use super::*;

/// A sentence as the program says it, with a value for each of its placeholders.
struct Line {
    context: Option<&'static str>,
    one: &'static str,
    many: Option<&'static str>,
    names: Vec<&'static str>,
}

impl Line {
    /// As a catalogue has its key.
    fn of(key: &str) -> Self {
        let key: &'static str = key.to_owned().leak();
        let (context, text) =
            key.split_once('\u{4}').map_or((None, key), |(context, text)| (Some(context), text));
        let (one, many) = text.split_once('\0').map_or((text, None), |(one, many)| (one, Some(many)));
        let parts = many.unwrap_or(one).split('{').skip(1);
        Self { context, one, many, names: parts.filter_map(|part| Some(part.split_once('}')?.0)).collect() }
    }

    fn said(&self) -> String {
        let sentence = match (self.context, self.many) {
            (_, Some(many)) => sentence_about(self.one, many, 5),
            (Some(context), None) => sentence_of(context, self.one),
            (None, None) => sentence(self.one),
        };
        let values: Vec<(&str, &dyn Display)> =
            self.names.iter().map(|name| (*name, &"192.0.2.10" as &dyn Display)).collect();
        fill(&sentence, &values)
    }
}

/// How many nanoseconds one sentence takes, of some rounds through all of them the middle one.
#[expect(clippy::disallowed_methods, reason = "measures, and decides nothing")]
fn middle(lines: &[Line]) -> u128 {
    const ROUNDS: usize = 301;
    let mut took = [0; ROUNDS];
    for took in &mut took {
        let since = Instant::now();
        for line in lines {
            black_box(line.said());
        }
        *took = since.elapsed().as_nanos() / lines.len() as u128;
    }
    took.sort_unstable();
    took[ROUNDS / 2]
}

#[test]
#[ignore = "a measurement, made by ci/bench in a release build"]
fn cost_of_a_language() {
    let path = folder().join("de/LC_MESSAGES").join(format!("{DOMAIN}.mo"));
    let catalogue = Catalogue::parse(read(&path).expect("a German catalogue")).expect("a sound one");
    let lines: Vec<_> = catalogue.originals().filter(|key| !key.is_empty()).map(Line::of).collect();
    let english = middle(&lines);
    init(Some("de"), |_| false);
    let german = middle(&lines);
    let _ = writeln!(io::stderr(), "sentences: {}\nenglish: {english} ns\ngerman: {german} ns", lines.len());
}
