//! The run as a state machine, driven without I/O against targets in memory, under faults.
mod book;
mod drive;
mod far;
mod host;
mod kinds;
mod server;

use book::Book;
use drive::{Plan, run};
use far::Far;

#[test]
fn smoke() {
    let book = Book::new(
        2,
        "- name: p\n  hosts: hosts\n  gather_facts: false\n  tasks:\n    - name: t1 a\n      copy: {dest: /etc/a, content: x}\n    - name: t2 b\n      command: simctl count b\n    - name: t3\n      lineinfile: {path: /etc/a, line: y}\n    - name: t4\n      package: {name: nginx}\n    - name: t5\n      systemd_service: {name: nginx, state: started, enabled: true}\n    - name: t6\n      user: {name: bob, comment: x}\n    - name: t7\n      file: {path: /etc/a, owner: bob}\n    - name: t8\n      wait_for: {path: /run/late-a}\n    - name: t9\n      shell: simctl until c 3\n      register: r\n      until: r.rc == 0\n- name: q\n  hosts: clusters\n  gather_facts: false\n  tasks:\n    - name: t1\n      k8s: {definition: {apiVersion: v1, kind: Namespace, metadata: {name: n}}}\n    - name: t2\n      k8s: {definition: {apiVersion: v1, kind: ConfigMap, metadata: {name: n, namespace: n}, data: {a: '1'}}}\n",
    );
    let mut far = Far::new(2);
    for check in [true, false, false] {
        let trace = run(&book, &mut far, &Plan { check, ..Plan::default() });
        println!("{:#?}\n{:#?}\n{:?} {:?}", trace.told, trace.sent, trace.wrong, trace.summary.map(|s| s.recaps));
    }
    println!("{:#?}", far.state());
}
