//! Which objects a list means: `labelSelector` and `fieldSelector`, for the few forms that they have.
//! https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/

use serde_json::Value as Json;

/// Whether an object is meant by all selectors; an error names the selector that nobody can read.
pub(super) fn meant(object: &Json, selectors: &[(&'static str, String)]) -> Result<bool, String> {
    for (kind, text) in selectors {
        let holds = match *kind {
            "labelSelector" => requirements(text).iter().map(|one| label(object, one)).collect::<Option<Vec<_>>>(),
            "fieldSelector" => text.split(',').filter(|one| !one.is_empty()).map(|one| field(object, one)).collect(),
            _ => None,
        };
        match holds {
            None => return Err(format!("the {kind} `{text}` cannot be read in a folder")),
            Some(holds) if !holds.iter().all(|holds| *holds) => return Ok(false),
            Some(_) => {}
        }
    }
    Ok(true)
}

/// Parts between commas that do not stand in brackets.
fn requirements(text: &str) -> Vec<&str> {
    let mut inside = false;
    let outside = |c: char| {
        inside = (inside || c == '(') && c != ')';
        c == ',' && !inside
    };
    text.split(outside).map(str::trim).filter(|one| !one.is_empty()).collect()
}

fn label(object: &Json, requirement: &str) -> Option<bool> {
    let has = |key: &str| object.get("metadata")?.get("labels")?.get(key.trim())?.as_str();
    if let Some((key, value)) = requirement.split_once("!=") {
        return Some(has(key) != Some(value.trim()));
    }
    if let Some((key, value)) = requirement.split_once('=') {
        return Some(has(key) == Some(value.trim_start_matches('=').trim()));
    }
    if let Some((head, values)) = requirement.split_once('(') {
        let values = values.strip_suffix(')')?;
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        let among = has(key).is_some_and(|value| values.split(',').any(|one| one.trim() == value));
        return match operator {
            "in" => Some(among),
            "notin" => Some(!among),
            _ => None,
        };
    }
    if requirement.contains(char::is_whitespace) {
        return None;
    }
    Some(match requirement.strip_prefix('!') {
        Some(key) => has(key).is_none(),
        None => has(requirement).is_some(),
    })
}

/// Fields by their path: `metadata.name=x`, `type!=y`.
fn field(object: &Json, requirement: &str) -> Option<bool> {
    let (path, value, equal) = match requirement.split_once("!=") {
        Some((path, value)) => (path, value, false),
        None => requirement.split_once('=').map(|(path, value)| (path, value.trim_start_matches('='), true))?,
    };
    let found = path.split('.').try_fold(object, |at, step| at.get(step));
    let text = match found {
        Some(Json::String(text)) => text.clone(),
        None | Some(Json::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    Some((text == value) == equal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_a_server_does() {
        let object = json!({"metadata": {"name": "x", "labels": {"app": "web", "tier": "front"}}, "type": "Opaque"});
        for (kind, text, holds) in [
            ("labelSelector", "app=web,tier==front", true),
            ("labelSelector", "app!=web", false),
            ("labelSelector", "none!=web", true),
            ("labelSelector", "app in (web, db),tier notin (back)", true),
            ("labelSelector", "app in (db)", false),
            ("labelSelector", "app,!none", true),
            ("labelSelector", "!app", false),
            ("labelSelector", "", true),
            ("fieldSelector", "metadata.name=x,type!=Other", true),
            ("fieldSelector", "metadata.name!=x", false),
        ] {
            assert_eq!(meant(&object, &[(kind, text.to_string())]), Ok(holds), "{text}");
        }
        assert!(meant(&object, &[("labelSelector", "a b".to_string())]).is_err());
        assert!(meant(&object, &[("fieldSelector", "nonsense".to_string())]).is_err());
    }
}
