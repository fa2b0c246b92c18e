//! `meta`: a word to the run itself.

use std::sync::Arc;

use crate::state::{Halt, Look, View};
use crate::text::Result;

use super::{Arg, Args, Effect, Entry, Module, Spec, Type, Want};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "meta",
    collection: "ansible.builtin",
    about: "Run handlers now, end a host, a batch, a role or the play, forget facts or errors",
    args: &[Arg::new("free_form", Type::Text, "What to do").required().aliases(&["_raw_params"]).choices(&[
        "clear_facts",
        "clear_host_errors",
        "end_batch",
        "end_host",
        "end_play",
        "end_role",
        "flush_handlers",
        "noop",
        "refresh_inventory",
        "reset_connection",
    ])],
    free_form: Some("free_form"),
    any: false,
};

struct Meta(Option<Effect>);

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    Ok(Arc::new(Meta(match args.need("free_form")?.as_str() {
        "clear_facts" => Some(Effect::ClearFacts),
        "clear_host_errors" => Some(Effect::ClearHostErrors),
        "end_batch" => Some(Effect::EndBatch),
        "end_host" => Some(Effect::EndHost),
        "end_play" => Some(Effect::EndPlay),
        "end_role" => Some(Effect::EndRole),
        "flush_handlers" => Some(Effect::FlushHandlers),
        "refresh_inventory" => Some(Effect::RefreshInventory),
        "reset_connection" => Some(Effect::ResetConnection),
        _ => None,
    })))
}

impl Module for Meta {
    fn looks(&self) -> Vec<Look> {
        vec![]
    }

    fn want(&self, _view: &View<'_>) -> std::result::Result<Want, Halt> {
        Ok(self.0.clone().map(Want::effect).unwrap_or_default())
    }
}
