//! The output of Ansible's default callback, for tools and eyes that know it.

use play_core::run::{Event, Outcome, Summary, Told};
use play_core::text::template::mask::{masked, shown};
use play_core::text::{Map, Value, json};

use super::{Paint, Report, Style, diff, to_stderr, to_stdout};

pub(super) struct Ansible {
    style: Style,
    paint: Paint,
}

impl Ansible {
    pub(super) fn new(style: Style) -> Ansible {
        let paint = Paint(style.colour);
        Ansible { style, paint }
    }

    fn banner(&self, text: &str) {
        let stars = 79_usize.saturating_sub(text.chars().count()).max(3);
        to_stdout(&format!("\n{text} {}\n", "*".repeat(stars)));
    }

    fn told(&self, told: &Told, item: bool) {
        let looped = !item && told.result.get("results").is_some();
        let host = match &told.delegated {
            Some(delegated) => format!("{} -> {delegated}", told.host),
            None => told.host.to_string(),
        };
        let changed = told.result.get("changed").is_some_and(Value::truthy);
        let of = told.item.as_ref().map(|item| format!(" => (item={})", label(item))).unwrap_or_default();
        let show = told.say.is_some() || self.style.verbosity > 0;
        let body = if told.hidden { hidden() } else { result(told) };
        if told.task.diff.unwrap_or(self.style.diff) && !told.hidden {
            let text: String = told.gaps.iter().map(|gap| diff::lines(gap, true, self.paint, "")).collect();
            if !looped {
                to_stdout(&text);
            }
        }
        let line = match &told.outcome {
            Outcome::Failed if looped => return self.ignored(told),
            Outcome::Failed if item => self.paint.failed(&format!("failed: [{host}]{} => {body}", of.replacen(" => ", " ", 1))),
            Outcome::Failed => self.paint.failed(&format!("fatal: [{host}]: FAILED! => {body}")),
            Outcome::Unreachable => self.paint.failed(&format!("fatal: [{host}]: UNREACHABLE! => {body}")),
            // Ansible leaves a task that was interrupted without a line
            Outcome::Interrupted => return,
            Outcome::Skipped(_) => self.paint.skipped(&format!("skipping: [{host}]{}", of)),
            _ if looped => return,
            _ if changed => {
                self.paint.changed(&format!("changed: [{host}]{of}{}", if show { format!(" => {body}") } else { String::new() }))
            }
            _ => self.paint.same(&format!("ok: [{host}]{of}{}", if show { format!(" => {body}") } else { String::new() })),
        };
        to_stdout(&format!("{line}\n"));
        self.ignored(told);
    }

    fn ignored(&self, told: &Told) {
        if told.ignored && told.outcome == Outcome::Failed && told.item.is_none() {
            to_stdout(&format!("{}\n", self.paint.skipped("...ignoring")));
        }
    }
}

/// An item as Python prints it, secrets masked.
fn label(item: &Value) -> String {
    let plain = masked_value(item);
    play_core::text::template::python_text(&plain).map_or_else(|_| shown(item), |text| text.into_owned())
}

fn hidden() -> String {
    "{\"censored\": \"the output has been hidden due to the fact that 'no_log: true' was specified for this result\", \"changed\": false}"
        .into()
}

/// The result as JSON, secrets masked; what `debug` says stands alone and indented.
fn result(told: &Told) -> String {
    if let Some(say) = &told.say {
        let map = match say.plain() {
            Value::Map(map) => map.as_ref().clone(),
            _ => Map::from_iter([("msg".into(), say.clone())]),
        };
        return pretty(&map);
    }
    let result = masked_value(&Value::Map(told.result.clone()));
    json::python(&result).unwrap_or_else(|_| shown(&result))
}

fn pretty(map: &Map) -> String {
    let value = masked_value(&Value::from(map.clone()));
    let Ok(json) = value.to_json() else { return shown(&value) };
    let mut text = vec![];
    let mut writer = serde_json::Serializer::with_formatter(&mut text, serde_json::ser::PrettyFormatter::with_indent(b"    "));
    match serde::Serialize::serialize(&json, &mut writer) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => shown(&value),
    }
}

/// A value in which no secret and nothing unknown is left.
pub(super) fn masked_value(value: &Value) -> Value {
    let marks = value.marks();
    mask(value, &marks)
}

fn mask(value: &Value, marks: &[std::sync::Arc<play_core::text::Mark>]) -> Value {
    match value {
        Value::Secret(secret) => Value::text(masked(&shown(value), &secret.marks)),
        Value::Unknown(unknown) => Value::text(format!("<unknown: {}>", unknown.because)),
        Value::Text(text) if !marks.is_empty() && marks.iter().any(|mark| text.contains(mark.text())) => Value::text(masked(text, marks)),
        Value::List(items) => Value::list(items.iter().map(|item| mask(item, marks))),
        Value::Map(map) => Value::from(map.iter().map(|(key, value)| (key.clone(), mask(value, marks))).collect::<Map>()),
        Value::Bytes(_) | Value::Contents(_) => Value::text(shown(value)),
        Value::Float(float) if !float.is_finite() => Value::text(float.to_string()),
        other => other.clone(),
    }
}

impl Report for Ansible {
    fn tell(&mut self, event: &Event) {
        match event {
            Event::PlayBegins { name, hosts } => {
                self.banner(&format!("PLAY [{name}]"));
                if *hosts == 0 {
                    to_stdout("skipping: no hosts matched\n");
                }
            }
            Event::TaskBegins(label) => {
                let role = label.role.as_ref().map(|role| format!("{role} : ")).unwrap_or_default();
                let word = if label.handler { "RUNNING HANDLER" } else { "TASK" };
                self.banner(&format!("{word} [{role}{}]", label.name));
            }
            Event::Item(told) => self.told(told, true),
            Event::Task(told) => self.told(told, false),
            Event::Notice(diagnostic) => to_stderr(&diagnostic.render(self.style.colour)),
            Event::Line { .. } | Event::Waiting { .. } | Event::Finished(_) => {}
        }
    }

    fn finish(&mut self, summary: &Summary) {
        if summary.interrupted {
            to_stderr("[ERROR]: User interrupted execution");
            return;
        }
        self.banner("PLAY RECAP");
        let mut recaps = summary.recaps.clone();
        recaps.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, recap) in &recaps {
            let line = format!(
                "{name:<26} : ok={:<4} changed={:<4} unreachable={:<4} failed={:<4} skipped={:<4} rescued={:<4} ignored={:<4}\n",
                recap.ok, recap.changed, recap.unreachable, recap.failed, recap.skipped, recap.rescued, recap.ignored
            );
            to_stdout(&line);
        }
        to_stdout("\n");
    }
}
