//! `json_query`: JMESPath.

use super::Filter;
use super::encode::{Json, from_serde, json_text};
use crate::text::template::{Call, Here, Outcome, fail};
use crate::text::value::Value;

pub const FILTERS: &[Filter] = &[Filter::new("json_query", "value expr", json_query)];

fn json_query(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let text = call.text(1)?;
    let expression = jmespath::compile(&text).or_else(|error| fail(format!("`{text}` is no JMESPath: {error}")))?;
    let json = json_text(call.need(0)?, &Json::default())?;
    let input = jmespath::Variable::from_json(&json).or_else(|error| fail(format!("`json_query` cannot read this value: {error}")))?;
    let found = expression.search(input).or_else(|error| fail(format!("`{text}`: {error}")))?;
    match serde_json::to_value(&*found) {
        Ok(json) => Ok(from_serde(json)),
        Err(error) => fail(format!("`json_query` gave no value: {error}")),
    }
}
