//! What is known of a virtual host, piece by piece.

use crate::json::Object;

/// One piece. Its name is that in JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Letters and underscores.
    pub name: String,
    /// What it is.
    pub value: Value,
}

/// What a [`Field`] can be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// There is none.
    Nothing,
    /// A text.
    Text(String),
    /// A number, true or false, or JSON that is shown to nobody else.
    Plain(String),
    /// A text for people alone, which JSON has in another form.
    Note(String),
}

impl Field {
    fn new(name: &str, value: Value) -> Self {
        Self { name: name.to_owned(), value }
    }

    /// A text, if there is one.
    pub(crate) fn text(name: &str, text: Option<impl ToString>) -> Self {
        Self::new(name, text.map_or(Value::Nothing, |text| Value::Text(text.to_string())))
    }

    /// A number, true or false, if there is one.
    pub(crate) fn plain(name: &str, number: Option<impl ToString>) -> Self {
        Self::new(name, number.map_or(Value::Nothing, |number| Value::Plain(number.to_string())))
    }

    /// A figure of this name: a metric, with labels if it has some.
    #[expect(clippy::needless_pass_by_value, reason = "as a rule a number that is made on the spot")]
    pub(crate) fn sample(name: &str, labels: &[(&str, &str)], value: impl ToString) -> Self {
        Self::figure(name, labels, value.to_string())
    }

    fn figure(name: &str, labels: &[(&str, &str)], value: String) -> Self {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Neither ends a field, or a line.
        let name = format!("{name}{labels}").replace(char::is_control, " ");
        Self { name, value: Value::Plain(value) }
    }

    /// A list of objects.
    pub(crate) fn objects(name: &str, objects: impl IntoIterator<Item = Object>) -> Self {
        let objects: Vec<String> =
            objects.into_iter().map(|object| object.line().trim_end().to_owned()).collect();
        Self::new(name, Value::Plain(format!("[{}]", objects.join(","))))
    }

    /// A text for people alone.
    pub(crate) fn note(name: &str, text: &str) -> Self {
        Self::new(name, Value::Note(text.to_owned()))
    }

    /// The line between programs, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        let (kind, value) = match &self.value {
            Value::Nothing => ("nothing", ""),
            Value::Text(text) => ("text", text.as_str()),
            Value::Plain(text) => ("plain", text.as_str()),
            Value::Note(text) => ("note", text.as_str()),
        };
        // None ends a field, or a line.
        let value: String =
            value.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        format!("{kind}\t{}\t{value}\n", self.name)
    }

    /// The one of this line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut parts = line.splitn(3, '\t');
        let (kind, name, value) = (parts.next()?, parts.next()?.to_owned(), parts.next()?.to_owned());
        let value = match kind {
            "nothing" => Value::Nothing,
            "text" => Value::Text(value),
            "plain" => Value::Plain(value),
            "note" => Value::Note(value),
            _ => return None,
        };
        Some(Self { name, value })
    }

    /// Puts it into an object, if it is for one.
    pub(crate) fn put(&self, object: &mut Object) {
        match &self.value {
            Value::Nothing => object.plain(&self.name, None::<u8>),
            Value::Text(text) => object.text(&self.name, Some(text)),
            Value::Plain(text) => object.plain(&self.name, Some(text)),
            Value::Note(_) => {}
        }
    }
}
