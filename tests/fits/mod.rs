//! Whether a document is what `dist/ucarpctl-status.schema.json` says, and has all that the documents of released programs
//! have, which are kept in `tests/golden/status`.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("it is there")).expect("it is JSON")
}

pub fn schema() -> Value {
    read(&root().join("dist/ucarpctl-status.schema.json"))
}

/// What released programs answered, each with its version.
pub fn goldens() -> Vec<(String, Value)> {
    let all = fs::read_dir(root().join("tests/golden/status")).expect("it is there").flatten();
    all.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(&entry.path()))).collect()
}

/// Fails unless it is what the schema says, and what those know who know a released one.
pub fn document(found: &Value) {
    fits(&schema(), found, "document");
    for (version, golden) in goldens() {
        has_all_of(&golden, found, &version);
    }
}

/// With `UPDATE_GOLDEN=1` this is what this version answers.
pub fn keep(found: &Value) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = root().join(format!("tests/golden/status/{}.json", env!("CARGO_PKG_VERSION")));
        let text = serde_json::to_string_pretty(found).expect("it was JSON");
        fs::write(path, text + "\n").expect("it is ours");
    }
}

/// Within one number of the schema nothing is taken away, and nothing becomes another kind of thing.
fn has_all_of(golden: &Value, found: &Value, place: &str) {
    let kind = |value: &Value| match value {
        Value::Null => None,
        Value::Bool(_) => Some("boolean"),
        Value::Number(_) => Some("number"),
        Value::String(_) => Some("string"),
        Value::Array(_) => Some("array"),
        Value::Object(_) => Some("object"),
    };
    if let (Some(old), Some(new)) = (kind(golden), kind(found)) {
        assert_eq!(old, new, "{place}");
    }
    for (name, golden) in golden.as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        has_all_of(golden, found.get(name).unwrap_or_else(|| panic!("{place} is gone")), &place);
    }
    if let (Some(golden), Some(found)) = (golden.as_array(), found.as_array()) {
        for (golden, found) in golden.iter().take(1).zip(found) {
            has_all_of(golden, found, place);
        }
    }
}

/// Whether a value is what the schema says.
pub fn fits(schema: &Value, value: &Value, place: &str) {
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{place}: {other}"),
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    assert!(kinds.iter().any(|kind| is(kind.as_str().expect("a name"))), "{place}: {value}");
    if let Some(fixed) = schema.get("const") {
        assert_eq!(fixed, value, "{place}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(name.as_str().expect("a name")).is_some(), "{place} lacks {name}");
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let schema =
            schema["properties"].get(name).unwrap_or_else(|| panic!("{place}: {name}: no such thing"));
        fits(schema, value, &format!("{place}.{name}"));
    }
    for value in value.as_array().into_iter().flatten() {
        fits(&schema["items"], value, place);
    }
}
