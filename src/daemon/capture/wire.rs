//! A wire for a test: a network namespace of its own, in which a veth pair's ends are called v0 and v1, and lo is up.

/// Runs an ignored test there, known by its whole path.
pub(in super::super) fn run(inside: &str) {
    let (_, inside) = inside.split_once("::").unwrap();
    let namespace = format!("ucarp-{}-{}", inside.replace(':', ""), std::process::id());
    let script = format!(
        "ip netns add {namespace} || exit 77
         trap 'ip netns del {namespace}' EXIT
         ip -n {namespace} link add v0 type veth peer name v1 || exit 77
         ip -n {namespace} link set lo up && ip -n {namespace} link set v0 up && ip -n {namespace} link set v1 up || exit 77
         ip netns exec {namespace} \"$0\" --ignored --exact {inside} --nocapture"
    );
    #[expect(clippy::disallowed_methods, reason = "ip(8) makes the wire")]
    let done = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    if done.status.code() == Some(77) {
        println!("skipped: no network namespace to be had (root, ip)");
        return;
    }
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("1 passed"), "{said}");
}
