//! Mending users, by the tools of shadow-utils or those of BusyBox. A hash goes to `chpasswd` by its input, never as an argument.

use crate::resources::sh;
use crate::state::Gap;
use crate::text::Value;

use super::read::UNSET;

pub(super) fn script(gap: &Gap) -> String {
    let name = sh::quote(&gap.id.name);
    if gap.deletes() {
        let (force, remove) = (if flag(gap, "force") { " -f" } else { "" }, if flag(gap, "remove") { " -r" } else { "" });
        let busybox = if flag(gap, "remove") { " --remove-home" } else { "" };
        return format!(
            "if command -v userdel >/dev/null 2>&1; then userdel{force}{remove} {name}; else deluser{busybox} {name}; fi || exit\n"
        );
    }
    let mut text = String::from("if command -v useradd >/dev/null 2>&1; then\n");
    text += &if gap.creates() { useradd(gap, &name) } else { usermod(gap, &name) };
    text += "else\n";
    text += &if gap.creates() { adduser(gap, &name) } else { edit(gap, &name) };
    text += "fi\n";
    text + &password(gap, &name) + &ages(gap, &name) + &home(gap, &name)
}

fn flag(gap: &Gap, name: &str) -> bool {
    gap.how.get(name).is_some_and(Value::truthy)
}

/// What a field is to become, as a word.
fn changed(gap: &Gap, field: &str) -> Option<String> {
    let then = gap.change(field)?.then.as_ref()?;
    then.as_str().map(str::to_string).or_else(|| then.as_int().map(|number| number.to_string()))
}

fn groups(gap: &Gap) -> Option<Vec<String>> {
    let groups = gap.change("groups")?.then.as_ref()?.as_list()?;
    Some(groups.iter().filter_map(Value::as_str).map(str::to_string).collect())
}

/// Options that useradd and usermod share.
fn options(gap: &Gap) -> String {
    let mut text = String::new();
    for (field, option) in [("uid", "-u"), ("group", "-g"), ("comment", "-c"), ("home", "-d"), ("shell", "-s")] {
        text += &changed(gap, field).map(|word| format!(" {option} {}", sh::quote(&word))).unwrap_or_default();
    }
    text += &groups(gap).map(|groups| format!(" -G {}", sh::quote(&groups.join(",")))).unwrap_or_default();
    text += &changed(gap, "expires").map(|date| format!(" -e {}", if date == "never" { "''".into() } else { date })).unwrap_or_default();
    if flag(gap, "non_unique") && gap.change("uid").is_some() {
        text += " -o";
    }
    text
}

fn useradd(gap: &Gap, name: &str) -> String {
    let mut words = options(gap);
    let makes_home = gap.wanted("home_exists").is_some_and(Value::truthy);
    words += if makes_home { " -m" } else { " -M" };
    for (how, option) in [("skeleton", "-k"), ("umask", "-K UMASK")] {
        let joint = if how == "umask" { "=" } else { " " };
        let wanted = gap.how.get(how).and_then(Value::as_str).filter(|_| makes_home);
        words += &wanted.map(|word| format!(" {option}{joint}{}", sh::quote(word))).unwrap_or_default();
    }
    for (how, key) in [("uid_min", "UID_MIN"), ("uid_max", "UID_MAX")] {
        words += &gap.how.get(how).and_then(Value::as_int).map(|number| format!(" -K {key}={number}")).unwrap_or_default();
    }
    if flag(gap, "system") {
        words += " -r";
    }
    if gap.how.contains_key("hash") {
        words += &format!(" -p '{UNSET}'");
    }
    // a group of that name stands in the way of the user's own one
    let own = if gap.wanted("group").is_none() {
        format!("n=; grep -q {} /etc/group && n=-N\n", sh::quote(&format!("^{}:", gap.id.name)))
    } else {
        "n=\n".into()
    };
    let parent = changed(gap, "home")
        .filter(|_| makes_home)
        .map(|home| format!("mkdir -p {} || exit\n", sh::quote(crate::resources::path::parent(&home))));
    format!("{own}{}useradd{words} $n {name} || exit\n", parent.unwrap_or_default())
}

fn usermod(gap: &Gap, name: &str) -> String {
    let mut words = options(gap);
    if flag(gap, "move_home") && gap.change("home").is_some() {
        words += " -m";
    }
    if words.is_empty() { "true\n".into() } else { format!("usermod{words} {name} || exit\n") }
}

fn adduser(gap: &Gap, name: &str) -> String {
    let mut words = String::new();
    for (field, option) in [("uid", "-u"), ("group", "-G"), ("comment", "-g"), ("home", "-h"), ("shell", "-s")] {
        words += &changed(gap, field).map(|word| format!(" {option} {}", sh::quote(&word))).unwrap_or_default();
    }
    if !gap.wanted("home_exists").is_some_and(Value::truthy) {
        words += " -H";
    }
    if flag(gap, "system") {
        words += " -S";
    }
    let join: String = groups(gap).into_iter().flatten().map(|group| format!("addgroup {name} {} || exit\n", sh::quote(&group))).collect();
    format!("adduser -D{words} {name} || exit\n{join}")
}

/// Without `usermod`: fields of the passwd file, written beside; groups by their own tools.
fn edit(gap: &Gap, name: &str) -> String {
    let mut text = String::from("true\n");
    let mut sets = String::new();
    for (field, column) in [("uid", 3), ("comment", 5), ("home", 6), ("shell", 7)] {
        if let Some(word) = changed(gap, field) {
            text += &format!("v{column}={}; export v{column}\n", sh::quote(&word));
            sets += &format!("${column}=ENVIRON[\"v{column}\"];");
        }
    }
    if let Some(group) = changed(gap, "group") {
        text += &format!("v4=$(awk -F: -v n={} '$1==n||$3==n{{print $3;exit}}' /etc/group); export v4\n", sh::quote(&group));
        sets += "$4=ENVIRON[\"v4\"];";
    }
    if !sets.is_empty() {
        text += &format!(
            "cp -p /etc/passwd /etc/.passwd.play && awk -F: -v OFS=: -v n={name} '$1==n{{{sets}}} {{print}}' /etc/passwd >/etc/.passwd.play && mv -f /etc/.passwd.play /etc/passwd || exit\n"
        );
    }
    let list = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_string).collect()
    };
    if let Some(then) = groups(gap) {
        let now = list(gap.had("groups"));
        for group in then.iter().filter(|group| !now.contains(group)) {
            text += &format!("addgroup {name} {} || exit\n", sh::quote(group));
        }
        for group in now.iter().filter(|group| !then.contains(group)) {
            text += &format!("delgroup {name} {} || exit\n", sh::quote(group));
        }
    }
    text
}

/// The password, and whether it is locked.
fn password(gap: &Gap, name: &str) -> String {
    let mut text = String::new();
    let hash = gap.how.get("hash").and_then(Value::as_str).filter(|_| gap.change("password").is_some());
    let locked = gap
        .change("locked")
        .and_then(|change| change.then.as_ref())
        .or_else(|| gap.wanted("locked").filter(|_| gap.change("password").is_some()))
        .map(Value::truthy);
    if let Some(hash) = hash {
        // a lock is a `!` before the hash, also before one that is a `!` itself
        let lock = if locked == Some(true) { "!" } else { "" };
        let line = format!("{}:{lock}{hash}\n", gap.id.name);
        text += &format!("{} | chpasswd -e || exit\n", sh::print(line.as_bytes()));
    }
    match locked {
        Some(true) if hash.is_none() => {
            text += &format!("if command -v usermod >/dev/null 2>&1; then usermod -L {name}; else passwd -l {name}; fi || exit\n")
        }
        Some(false) if gap.now.is_some() && hash.is_none_or(|hash| hash.starts_with('!')) => {
            text += &format!("if command -v usermod >/dev/null 2>&1; then usermod -U {name}; else passwd -u {name}; fi || exit\n");
        }
        _ => {}
    }
    text
}

fn ages(gap: &Gap, name: &str) -> String {
    let mut words = String::new();
    for (field, option) in [("password_min", "-m"), ("password_max", "-M"), ("password_warn", "-W"), ("password_inactive", "-I")] {
        words += &changed(gap, field).map(|days| format!(" {option} {days}")).unwrap_or_default();
    }
    if words.is_empty() { words } else { format!("chage{words} {name} || exit\n") }
}

/// A home that is missing for a user that is there: made beside, with what new users get.
fn home(gap: &Gap, name: &str) -> String {
    if gap.now.is_none() || !gap.change("home_exists").is_some_and(|change| change.then.as_ref().is_some_and(Value::truthy)) {
        return String::new();
    }
    let skeleton = sh::quote(gap.how.get("skeleton").and_then(Value::as_str).unwrap_or("/etc/skel"));
    let umask = gap.how.get("umask").and_then(Value::as_str).map(sh::quote);
    let umask = umask.unwrap_or_else(|| "$(awk '$1==\"UMASK\"{print $2}' /etc/login.defs 2>/dev/null)".into());
    format!(
        r#"l=$(grep {} /etc/passwd) || l=$(getent passwd {name}) || exit; h=${{l%:*}}; h=${{h##*:}}; g=${{l#*:*:*:}}; g=${{g%%:*}}
u={umask}; mkdir -p "${{h%/*}}/" && rm -rf "$h.play" && (umask 077; mkdir "$h.play") && {{ [ ! -d {skeleton} ] || cp -a {skeleton}/. "$h.play/"; }} && chown -R {name}:"$g" "$h.play" && chmod "$(printf %o $((0777 & ~0${{u:-022}})))" "$h.play" && mv -T "$h.play" "$h" || exit
"#,
        sh::quote(&format!("^{}:", gap.id.name))
    )
}
