//! What tags leave of a playbook.

use crate::book::task::Task;

use super::session::Options;

/// Whether `--tags` and `--skip-tags` leave this task. Without `--tags` all run but those tagged `never`.
pub fn selected(task: &Task, options: &Options) -> bool {
    let tags = task.tags();
    let has = |name: &str| tags.iter().any(|tag| tag == name);
    let named = |list: &[String]| list.iter().any(|wanted| tags.contains(wanted));
    let untagged = tags.iter().all(|tag| tag == "always" || tag == "never");
    let wanted = options.tags.iter().any(|tag| match tag.as_str() {
        "all" => !has("never") || named(&options.tags),
        "tagged" => !untagged && !has("never"),
        "untagged" => untagged && !has("never"),
        name => has(name),
    });
    let none = options.tags.is_empty();
    let run = if none { !has("never") } else { wanted || (has("always") && !options.skip_tags.iter().any(|tag| tag == "always")) };
    run && !options.skip_tags.iter().any(|tag| match tag.as_str() {
        "all" => !has("always") || options.skip_tags.iter().any(|tag| tag == "always"),
        "tagged" => !untagged,
        "untagged" => untagged && !has("always"),
        name => has(name),
    })
}
