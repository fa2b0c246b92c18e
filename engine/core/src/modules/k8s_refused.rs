//! `k8s_scale`, `k8s_exec`: what would need more than the description of an object.

use std::sync::Arc;

use crate::text::Result;

use super::{Args, Entry, Module, Spec};

pub static SCALE: Entry = Entry { spec: &SCALE_SPEC, make: scale };
pub static EXEC: Entry = Entry { spec: &EXEC_SPEC, make: exec };

static SCALE_SPEC: Spec = Spec {
    name: "k8s_scale",
    collection: "kubernetes.core",
    about: "Not supported: `spec.replicas` belongs into the manifest",
    args: &[],
    free_form: None,
    any: true,
};

static EXEC_SPEC: Spec = Spec {
    name: "k8s_exec",
    collection: "kubernetes.core",
    about: "Not supported: run a Job instead",
    args: &[],
    free_form: None,
    any: true,
};

fn scale(args: &Args) -> Result<Arc<dyn Module>> {
    let hint = "write `spec.replicas` into the manifest that `k8s` applies; leave it out where an autoscaler sets it";
    Err(args.span.error("`k8s_scale` is not supported").hint(hint))
}

fn exec(args: &Args) -> Result<Arc<dyn Module>> {
    let hint = "describe a Job that runs the command, and wait for its condition `Complete`";
    Err(args.span.error("`k8s_exec` is not supported").hint(hint))
}
