//! One JSON object on one line (RFC 8259), written name by name.

use std::fmt::{Display, Write};

/// An object that is being written.
#[derive(Default)]
pub(crate) struct Object(String);

impl Object {
    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        let _ = write!(self.0, "\"{name}\":");
    }

    /// A number, true or false, or a list of such; null if there is none.
    pub(crate) fn plain(&mut self, name: &str, value: Option<impl Display>) {
        self.name(name);
        self.0.push_str(&value.map_or_else(|| "null".to_owned(), |value| value.to_string()));
    }

    /// A string, whatever it holds; null if there is none.
    pub(crate) fn text(&mut self, name: &str, value: Option<impl Display>) {
        self.plain(name, value.map(|value| quoted(&value.to_string())));
    }

    /// As much of a string as there is room for, as the last one: the whole object, with its line end, has no more than
    /// `longest` bytes.
    pub(crate) fn last_text(mut self, name: &str, value: &str, longest: usize) -> String {
        const END: &str = "\"}\n";
        self.name(name);
        self.0.push('"');
        for character in value.chars() {
            let escaped = Escaped(character).to_string();
            if self.0.len() + escaped.len() + END.len() > longest {
                break;
            }
            self.0.push_str(&escaped);
        }
        self.0 + END
    }

    /// The whole object, with its line end.
    pub(crate) fn line(self) -> String {
        self.0 + "}\n"
    }
}

fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(Escaped).map(|it| it.to_string()).collect();
    format!("\"{escaped}\"")
}

/// A character as it stands in a string.
struct Escaped(char);

impl Display for Escaped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            '"' | '\\' => write!(f, "\\{}", self.0),
            control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control)),
            plain => f.write_char(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_string_holds_it_is_one() {
        let mut object = Object::default();
        object.plain("number", Some(-7));
        object.plain("none", None::<u8>);
        object.text("text", Some("a\"b\\c\u{1}\né"));
        object.text("nothing", None::<&str>);
        let line = object.line();
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["text"], "a\"b\\c\u{1}\né");
        assert_eq!((&read["number"], read["none"].is_null()), (&(-7).into(), true));
    }

    #[test]
    fn the_last_string_is_cut_between_characters() {
        let whole = |longest| Object::default().last_text("m", "\"ü\"", longest);
        assert_eq!(whole(99), "{\"m\":\"\\\"ü\\\"\"}\n");
        for longest in 9..16 {
            let line = whole(longest);
            assert!(line.len() <= longest, "{line}");
            serde_json::from_str::<serde_json::Value>(&line).unwrap();
        }
    }
}
