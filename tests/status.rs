//! What `ucarpctl status --json` promises: its schema, and what released programs answered (`tests/golden/status`, one file
//! for each; `UPDATE_GOLDEN=1 cargo test --test netns -- control_shows_how` writes that of this version).

#[allow(dead_code, unreachable_pub, reason = "others need more of it")]
mod fits;

use serde_json::Value;

/// Everything has a description, and what is always there is known.
fn is_documented(schema: &Value, place: &str) {
    let all = schema["properties"].as_object();
    for (name, inside) in all.into_iter().flatten() {
        let place = format!("{place}.{name}");
        assert!(inside.get("type").is_some(), "{place} has no type");
        is_documented(inside, &place);
        is_documented(&inside["items"], &place);
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        let known = name.as_str().and_then(|name| all?.get(name));
        assert!(known.is_some(), "{place} requires {name}, which it does not describe");
    }
}

#[test]
fn all_that_is_required_is_described() {
    is_documented(&fits::schema(), "document");
}

#[test]
fn what_was_answered_once_is_still_understood() {
    let goldens = fits::goldens();
    let version = concat!(env!("CARGO_PKG_VERSION"), ".json");
    assert!(goldens.iter().any(|(name, _)| name == version), "tests/golden/status lacks {version}");
    for (name, golden) in goldens {
        if name == version {
            fits::document(&golden);
        }
        assert_eq!(golden["schema"], 1, "{name}");
    }
}
