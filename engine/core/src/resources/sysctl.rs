//! A parameter of the kernel, as it is now. Field: `value`, its words with single blanks between them.

use crate::resources::{path, sh};
use crate::state::{Answer, Fields, Gap, Kind, KindName, Look, Reading, Refusal, Script, View};
use crate::text::Value;

pub const KIND: KindName = "sysctl";

pub struct Sysctl;

impl Kind for Sysctl {
    fn name(&self) -> KindName {
        KIND
    }

    fn ask(&self, looks: &[&Look]) -> Script {
        let line = |look: &&Look| format!("k {} {}\n", sh::quote(&look.id.name), sh::quote(&file(&look.id.name)));
        let ask = r#"k() { if [ -e "$2" ]; then if v=$(cat "$2" 2>/dev/null); then printf 'v %s %s\n' "$1" "$(printf %s "$v" | tr '\t\n' '  ')"; else printf 'x %s\n' "$1"; fi; fi; }
"#;
        (ask.to_string() + &looks.iter().map(line).collect::<String>() + "exit 0\n").into()
    }

    fn read(&self, look: &Look, answer: &Answer) -> Reading {
        let reply = answer.reply();
        let text = String::from_utf8_lossy(&reply.out);
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("v"), Some(name)) if name == &*look.id.name => {
                    let value = words.collect::<Vec<_>>().join(" ");
                    return Reading::one(look, Some(Fields::from([("value".into(), Value::text(value))])));
                }
                (Some("x"), Some(name)) if name == &*look.id.name => {
                    let message = format!("{} may not be read", look.id.name);
                    return Reading::Failed { message, hint: Some("this user may not read it; try `become: true`".into()) };
                }
                _ => {}
            }
        }
        Reading::one(look, None)
    }

    fn rights(&self, gap: &Gap) -> Vec<Look> {
        vec![path::writing(&file(&gap.id.name))]
    }

    /// The kernel has it or not, and takes no word where it has numbers.
    fn refusal(&self, gap: &Gap, view: &View<'_>) -> Option<Refusal> {
        let name = &gap.id.name;
        if gap.creates() && view.observed(&gap.id).is_some() {
            return Some(Refusal::Surely(missing(name)));
        }
        let numbers = |value: Option<&Value>| {
            let mut words = value.and_then(Value::as_str).unwrap_or_default().split_whitespace();
            words.all(|word| word.trim_start_matches('-').starts_with(|letter: char| letter.is_ascii_digit()))
        };
        if numbers(gap.had("value")) && !numbers(gap.wanted("value")) {
            return Some(Refusal::Surely(format!("the kernel takes numbers for {name}")));
        }
        path::unwritable(&file(name), view)
    }

    fn fix(&self, gaps: &[&Gap]) -> Script {
        let fix = |gap: &&Gap| {
            let Some(value) = gap.wanted("value").and_then(Value::as_str) else { return String::new() };
            let (path, name) = (sh::quote(&file(&gap.id.name)), &gap.id.name);
            let missing = sh::quote(&missing(name));
            format!("[ -e {path} ] || {{ echo {missing} >&2; exit 1; }}\nprintf '%s\\n' {} >{path} || exit\n", sh::quote(value))
        };
        gaps.iter().map(fix).collect::<String>().into()
    }
}

fn missing(name: &str) -> String {
    format!("setting {name} failed: the kernel has no such parameter")
}

/// As sysctl(8) reads names: whichever of `.` and `/` comes first separates, and the other one stands for it.
fn file(name: &str) -> String {
    let swap = |letter: char| match letter {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    let slashes = name.find(['.', '/']).is_some_and(|at| name.as_bytes()[at] == b'/');
    let inner = if slashes { name.to_string() } else { name.chars().map(swap).collect() };
    format!("/proc/sys/{inner}")
}

/// Reads a file of parameters again, as a whole.
pub fn reload(file: &str, ignore: bool) -> String {
    format!("sysctl{} -p {} >/dev/null || exit\n", if ignore { " -e" } else { "" }, sh::quote(file))
}

#[cfg(test)]
mod tests {
    use super::file;

    #[test]
    fn names_are_paths() {
        for (name, then) in [
            ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
            ("net.ipv4.conf.eth0/100.rp_filter", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"),
            ("net/ipv4/conf/eth0.100/rp_filter", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"),
        ] {
            assert_eq!(file(name), then);
        }
    }
}
