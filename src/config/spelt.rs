//! Options are named with dashes to who wrote them on a command line, and without to who wrote them in a file.

use std::fmt::Display;

use super::options::{self, Takes};
use crate::i18n;

/// As what the options in a sentence were written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spelt {
    /// `--vhid=1`.
    Option,
    /// `vhid = 1`.
    Key,
}

impl Spelt {
    /// The sentence in the operator's language with its values, among which those of these names are options themselves;
    /// what else is filled in is left as it is.
    pub(super) fn filled(self, message: &'static str, values: &[(&str, &dyn Display)]) -> String {
        const OPTIONS: [&str; 5] = ["option", "other", "used", "ignored", "example"];
        let message = i18n::sentence(message);
        if self == Self::Option {
            return i18n::fill(&message, values);
        }
        let spelt: Vec<Option<String>> = values
            .iter()
            .map(|(name, value)| OPTIONS.contains(name).then(|| keys(&value.to_string())))
            .collect();
        let values: Vec<(&str, &dyn Display)> = values
            .iter()
            .zip(&spelt)
            .map(|((name, value), spelt)| match spelt {
                Some(spelt) => (*name, spelt as &dyn Display),
                None => (*name, *value),
            })
            .collect();
        i18n::fill(&keys(&message), &values)
    }
}

/// The text with every option in it as a key.
fn keys(text: &str) -> String {
    let mut spelt = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("--") {
        spelt.push_str(before);
        let name_ends = after.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(after.len());
        let (name, behind) = after.split_at(name_ends);
        let Some(row) = options::all().find(|row| row.key() == name) else {
            spelt.push_str("--");
            rest = after;
            continue;
        };
        spelt.push_str(name);
        rest = behind;
        let Some(value) = behind.strip_prefix('=') else { continue };
        let ends = value
            .find(|c: char| c.is_whitespace() || ",;".contains(c) || !c.is_ascii())
            .unwrap_or(value.len());
        let (value, behind) = value.split_at(ends);
        let colon = value.strip_suffix(':');
        let value = colon.unwrap_or(value);
        spelt.push_str(&match row.takes {
            Takes::Number => format!(" = {value}"),
            Takes::List => format!(" = [\"{value}\"]"),
            Takes::Nothing | Takes::Perhaps | Takes::Word | Takes::Time | Takes::Secret => {
                format!(" = \"{value}\"")
            }
        });
        spelt.push_str(if colon.is_some() { ":" } else { "" });
        rest = behind;
    }
    spelt + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_keys() {
        for (option, key) in [
            ("--vhid", "vhid"),
            ("--vhid=1", "vhid = 1"),
            ("--addr=192.0.2.10/24", "addr = [\"192.0.2.10/24\"]"),
            ("is missing, as --interface=eth0; mend it", "is missing, as interface = \"eth0\"; mend it"),
            ("--interface=eth0\u{3002}x", "interface = \"eth0\"\u{3002}x"),
            ("--addr={value}: what", "addr = [\"{value}\"]: what"),
            ("(groups go to --mcast)", "(groups go to mcast)"),
            ("--advbase and --advskew: both", "advbase and advskew: both"),
            ("a -- b --nosuch", "a -- b --nosuch"),
        ] {
            assert_eq!(keys(option), key);
        }
    }

    #[test]
    fn values_are_left_alone() {
        let path = "/etc/--vhid";
        let values: [(&str, &dyn Display); 2] = [("option", &"--addr"), ("path", &path)];
        assert_eq!(Spelt::Key.filled("{option}: '{path}'", &values), "addr: '/etc/--vhid'");
        assert_eq!(Spelt::Option.filled("{option}: '{path}'", &values), "--addr: '/etc/--vhid'");
    }
}
