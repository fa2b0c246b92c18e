//! `service`: a service runs or not, and starts at boot or not, by whichever init the host has.

use std::sync::Arc;

use crate::state::Fields;
use crate::text::Result;

use super::systemd_service::{ENABLED, STATE, Service, id};
use super::{Arg, Args, Entry, Module, Spec, Type};

pub static ENTRY: Entry = Entry { spec: &SPEC, make };

static SPEC: Spec = Spec {
    name: "service",
    collection: "ansible.builtin",
    about: "Start, stop and enable services, by systemd, OpenRC or init scripts",
    args: &[
        Arg::new("name", Type::Text, "The service").required(),
        STATE,
        ENABLED,
        Arg::new("sleep", Type::Int, "Seconds between stop and start of a restart; only init scripts need it"),
        Arg::new("pattern", Type::Text, "A text in the list of processes that shows that it runs; only init scripts need it"),
        Arg::new("arguments", Type::Text, "Further words for an init script").default("").aliases(&["args"]),
        Arg::new("runlevel", Type::Text, "The runlevel of OpenRC that it is enabled in").default("default"),
        Arg::new("use", Type::Text, "The init; found out by itself")
            .default("auto")
            .choices(&["auto", "service", "systemd", "openrc", "sysvinit"]),
    ],
    free_form: None,
    any: false,
};

fn make(args: &Args) -> Result<Arc<dyn Module>> {
    args.one_of(&["state", "enabled"])?;
    let given = args.need("name")?;
    let mut how = Fields::new();
    for name in ["sleep", "arguments", "runlevel"] {
        if args.given(name) {
            how.extend(args.value(name).map(|value| (name.into(), value)));
        }
    }
    Ok(Arc::new(Service {
        unit: Some(id(args, &given, "system")?),
        given: Some(given),
        pattern: args.text("pattern"),
        state: args.text("state"),
        enabled: args.maybe_flag("enabled"),
        masked: None,
        reload: None,
        reexec: false,
        how,
    }))
}
