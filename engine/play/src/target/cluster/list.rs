//! Lists come in pages, and are given back as one.

use std::time::Duration;

use play_core::run::Fault;
use play_core::state::{Request, Response};
use serde_json::{Value as Json, json};

use super::call::{Call, escaped};
use super::connection::Connection;
use crate::target::requests::Progress;

/// All pages of a list, merged; each item with its apiVersion and kind, which servers leave out.
pub(super) async fn all(
    connection: &Connection,
    request: &Request,
    first: &Call,
    page: usize,
    limit: Duration,
    progress: &Progress,
) -> Result<Response, Fault> {
    let mut merged: Option<Response> = None;
    let mut items: Vec<Json> = vec![];
    let mut size = page;
    let mut next = String::new();
    loop {
        let more = if next.is_empty() { String::new() } else { format!("&continue={}", escaped(&next)) };
        let joint = if first.path.contains('?') { '&' } else { '?' };
        let call = Call::get(format!("{}{joint}limit={size}{more}", first.path));
        let mut response = connection.exchange(&call, limit, progress).await?;
        // the snapshot that the pages come from is gone: from the start, in one piece
        if response.status == 410 && !next.is_empty() {
            progress(&format!("{}: the list of {} took too long; again, without pages", connection.place.server, request.kind));
            (merged, items, size, next) = (None, vec![], 0, String::new());
            continue;
        }
        if response.status != 200 {
            return Ok(response);
        }
        next = response.body.pointer("/metadata/continue").and_then(Json::as_str).unwrap_or_default().to_string();
        if let Some(Json::Array(page)) = response.body.get_mut("items").map(Json::take) {
            items.extend(page);
        }
        let merged = merged.get_or_insert_with(|| response.clone());
        for warning in response.warnings {
            if !merged.warnings.contains(&warning) {
                merged.warnings.push(warning);
            }
        }
        if next.is_empty() {
            break;
        }
    }
    let Some(mut response) = merged else { return Ok(Response { status: 0, body: Json::Null, warnings: vec![], retry_after: None }) };
    typed(&mut items, request);
    response.body["items"] = Json::Array(items);
    if let Some(Json::Object(metadata)) = response.body.get_mut("metadata") {
        metadata.retain(|key, _| key != "continue" && key != "remainingItemCount");
    }
    Ok(response)
}

fn typed(items: &mut [Json], request: &Request) {
    let version = if request.group.is_empty() { request.version.to_string() } else { format!("{}/{}", request.group, request.version) };
    for item in items {
        if let Json::Object(members) = item
            && !members.contains_key("kind")
        {
            let mut whole =
                serde_json::Map::from_iter([("apiVersion".to_string(), json!(version)), ("kind".to_string(), json!(&*request.kind))]);
            whole.append(members);
            *members = whole;
        }
    }
}
