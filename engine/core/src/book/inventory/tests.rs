use super::*;
use crate::book::vars::Var;
use crate::book::{magic, pattern};
use crate::text::{Decrypted, Diagnostic, MemoryControl, Value};

fn load(control: &MemoryControl, source: &str) -> (Inventory, Vec<String>) {
    let mut diagnostics = Collector::default();
    let inventory = Inventory::load(control, &[source.to_string()], &mut diagnostics);
    (inventory, diagnostics.iter().map(|diagnostic: &Diagnostic| diagnostic.render(false)).collect())
}

fn said(name: &str, text: &str) -> String {
    load(&MemoryControl::new([(name, text)]), name).1.join("\n")
}

#[test]
fn every_bad_line_is_told_with_its_place() {
    let said = said("hosts.ini", "[web]\nh1 a\nh[1:x] b=1\n[wbe:vars]\na=1\n[db:chidlren]\n[a b]\n");
    for part in [
        "`a` is no variable of a host",
        "hosts.ini:2:4",
        "`x` is no bound of a range",
        "hosts.ini:3:1",
        "the group `wbe` is declared nowhere",
        "did you mean `web`?",
        "`chidlren` is no kind of section",
        "did you mean `children`?",
        "`[a b]` is no section",
    ] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
}

#[test]
fn yaml_mistakes_are_told_with_their_mend() {
    assert!(said("h.yml", "web:\n  hosst: {a: }\n").contains("did you mean `hosts`?"));
    assert!(said("h.yml", "web:\n  hosts: [a, b]\n").contains("`hosts` is a list where a mapping was expected"));
    assert!(said("h.yml", "web:\n  hosts:\n    1: \n").contains("the host `1` is an integer"));
    assert!(said("h.yml", "plugin: amazon.aws.aws_ec2\n").contains("the inventory plugin `amazon.aws.aws_ec2` is not part of `play`"));
    assert!(said("h.yml", "a: {children: {b: {children: {a: }}}}\n").contains("cannot be a child"));
    assert!(said("hosts", "all:\n  hosts:\n   - a\n  b\n").contains("this is not YAML"));
}

#[test]
fn one_name_for_a_host_and_a_group_is_told() {
    assert!(said("hosts.ini", "[web]\nweb\n").contains("`web` is the name of a host and of a group"));
}

#[test]
fn a_source_that_is_not_there_is_an_error() {
    let control = MemoryControl::new([("inventory/hosts.ini", "a")]);
    assert!(load(&control, "inventory/host.ini").1[0].contains("did you mean `inventory/hosts.ini`?"));
}

#[test]
fn programs_that_fail_say_what_they_said() {
    let control = MemoryControl::new([("inv.sh", "#!/bin/sh\n")]).mode("inv.sh", 0o755).pipe("/work/inv.sh --list", 3, "", "no token\n");
    let said = load(&control, "inv.sh").1.join("");
    assert!(said.contains("`inv.sh --list` ended with exit code 3") && said.contains("no token"), "{said}");
}

#[test]
fn encrypted_sources_and_files_give_marked_values_and_veiled_places() {
    let control = MemoryControl::new([("hosts.ini", "cipher"), ("group_vars/web.yml", "other cipher")])
        .decrypts("cipher", Decrypted { text: "[web]\nh password=hunter2\nbad hunter3\n".into(), secrets: None })
        .decrypts("other cipher", Decrypted { text: "token: hunter4\n".into(), secrets: None });
    let (inventory, said) = load(&control, "hosts.ini");
    assert!(said.len() == 1 && said[0].contains("hosts.ini:3") && !said[0].contains("hunter"), "{said:?}");
    let mut vars = HostVars::new(&[]);
    vars.load(&control, &inventory, inventory.hosts(), &mut Collector::default());
    let layers = vars.layers(inventory.find_host("h").expect("h")).expect("loaded");
    for (name, text) in [("password", "hunter2"), ("token", "hunter4")] {
        let var = layers.get(name).expect("a variable");
        let marks: Vec<String> = var.to_value().marks().iter().map(|mark| mark.name.clone()).collect();
        assert_eq!((var.to_value().as_str(), marks), (Some(text), vec![format!("vars:{name}")]));
        assert_eq!(var.span().map(|span| span.text()), Some("*******"));
    }
}

#[test]
fn a_value_has_its_place() {
    let (inventory, _) = load(&MemoryControl::new([("hosts.ini", "[web]\n h 'a=x y' b=\"{{ c }}\"\n[web:vars]\nd =  e f\n")]), "hosts.ini");
    let layers = inventory.layers(inventory.find_host("h").expect("h"));
    let place = |name| layers.get(name).and_then(|var| var.span()).map(|span| (span.to_string(), span.text().to_string()));
    assert_eq!(place("b"), Some(("hosts.ini:2:14".into(), "\"{{ c }}\"".into())));
    assert_eq!(place("d"), Some(("hosts.ini:4:6".into(), "e f".into())));
    assert_eq!(place("a"), Some(("hosts.ini:2:7".into(), "x y'".into())));
}

#[test]
fn localhost_is_always_there_and_in_no_group() {
    let control =
        MemoryControl::new([("hosts.ini", "[web]\nh\n"), ("group_vars/all.yml", "a: 1\n"), ("host_vars/localhost.yml", "b: 2\n")]);
    let (inventory, _) = load(&control, "hosts.ini");
    let local = inventory.find_host("localhost").expect("localhost");
    assert!(inventory.host(local).implicit && !inventory.hosts().any(|host| host == local));
    let mut vars = HostVars::new(&[]);
    vars.load(&control, &inventory, [local], &mut Collector::default());
    let value = |name: &str| vars.layers(local).and_then(|layers| layers.get(name)).map(Var::to_value);
    assert_eq!((value("a"), value("b")), (Some(Value::Int(1)), Some(Value::Int(2))));
    assert_eq!(value("ansible_connection"), Some(Value::text("local")));
    assert_eq!(pattern::select(&inventory, "all").expect("hosts").hosts.len(), 1);
}

#[test]
fn tasks_may_add_hosts_and_groups() {
    let control = MemoryControl::new([("hosts.ini", "lone\n"), ("group_vars/new.yml", "a: 1\n")]);
    let (mut inventory, _) = load(&control, "hosts.ini");
    let mut vars = HostVars::new(&[]);
    let lone = inventory.find_host("lone").expect("lone");
    vars.load(&control, &inventory, [lone], &mut Collector::default());
    let group = inventory.add_group("new");
    inventory.put(lone, group);
    let local = inventory.add_host("localhost", Some(group), None, None);
    inventory.reconcile();
    vars.forget(lone);
    vars.load(&control, &inventory, [lone], &mut Collector::default());
    assert!(vars.layers(lone).is_some_and(|layers| layers.get("a").is_some()));
    assert_eq!(magic::group_names(&inventory, lone), ["new".into()] as [Arc<str>; 1]);
    assert!(!inventory.host(local).implicit);
    assert_eq!(pattern::select(&inventory, "ungrouped").expect("hosts").hosts, []);
}

#[test]
fn magic_variables_tell_where_a_host_stands() {
    let (inventory, _) = load(&MemoryControl::new([("inv/hosts.ini", "[b]\nh.x.y\n10.0.0.1\n[a:children]\nb\n")]), "inv/hosts.ini");
    let scope = magic::host(&inventory, inventory.find_host("h.x.y").expect("a host"));
    let value = |name| scope.get(name).map(Var::to_value);
    assert_eq!(value("group_names"), Some(Value::list(["a".into(), "b".into()])));
    assert_eq!(value("inventory_hostname_short"), Some("h".into()));
    assert_eq!((value("inventory_file"), value("inventory_dir")), (Some("/work/inv/hosts.ini".into()), Some("/work/inv".into())));
    assert_eq!(magic::short_name("10.0.0.1"), "10.0.0.1");
    assert_eq!(magic::groups(&inventory).get("ungrouped"), Some(&Value::list([])));
    assert_eq!(magic::groups(&inventory).get("a"), Some(&Value::list(["h.x.y".into(), "10.0.0.1".into()])));
}

#[test]
fn words_of_patterns_that_match_nothing_are_told() {
    let control = MemoryControl::new([("hosts.ini", "[web]\nweb1\n2001:db8::1\n"), ("retry", "web1\n\n")]);
    let (inventory, _) = load(&control, "hosts.ini");
    let selected = pattern::select(&inventory, "wbe:web1").expect("hosts");
    assert!(selected.hosts.len() == 1 && selected.warnings[0].render(false).contains("did you mean `web`?"));
    assert_eq!(pattern::select(&inventory, "[2001:db8::1]").expect("hosts").hosts.len(), 1);
    assert_eq!(pattern::select(&inventory, "web,![2001:db8::1]").expect("hosts").hosts.len(), 1);
    let words = pattern::limit_words(&control, "@retry").expect("words");
    assert_eq!(words, ["web1"]);
    assert!(pattern::limit_words(&control, "@rtery").expect_err("an error").render(false).contains("did you mean `retry`?"));
    assert!(pattern::select(&inventory, "web[7]").expect_err("an error").message().contains("`web` has 2"));
}

#[test]
fn ten_thousand_hosts_are_no_trouble() {
    let groups: String =
        (0..50).map(|n| format!("[g{n}]\nh[{}:{}]\n[g{n}:vars]\nv={n}\n[all{n}:children]\ng{n}\n", n * 200, n * 200 + 199)).collect();
    let control = MemoryControl::new([("hosts.ini", groups), ("group_vars/all.yml", "a: 1\n".into())]);
    let (inventory, said) = load(&control, "hosts.ini");
    assert_eq!((said.len(), inventory.hosts().count()), (0, 10_000));
    let mut vars = HostVars::new(&[]);
    vars.load(&control, &inventory, inventory.hosts(), &mut Collector::default());
    let last = inventory.find_host("h9999").expect("the last");
    assert_eq!(vars.layers(last).and_then(|layers| layers.get("v")).map(Var::to_value), Some(Value::Int(49)));
    assert_eq!(pattern::select(&inventory, "all:!g1*:&h*5").expect("hosts").hosts.len(), 780);
}
