use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use super::*;

fn at(ms: u64) -> Time {
    Time::from_micros(ms * 1000)
}

fn open(name: &str) -> (Control, PathBuf) {
    let folder = std::env::temp_dir().join(format!("ucarp-control-{name}-{}", std::process::id()));
    (Control::open_in(&folder, "x", 0o666).0, folder)
}

fn connect(folder: &Path) -> UnixStream {
    let stream = UnixStream::connect(folder.join("x.ctl")).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

/// All that can be read, and whether it ended.
fn read(mut stream: &UnixStream) -> (String, bool) {
    let mut bytes = [0; 4096];
    let mut text = String::new();
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return (text, true),
            Ok(count) => text.push_str(std::str::from_utf8(&bytes[..count]).unwrap()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (text, false),
            Err(_) => return (text, true),
        }
    }
}

#[test]
fn a_line_is_an_order_and_is_answered_once() {
    let (mut control, folder) = open("order");
    let client = connect(&folder);
    assert!(control.hear(at(0)).is_empty());
    let (greeting, ended) = read(&client);
    assert!(greeting.starts_with("ucarp 1 ") && !ended);
    (&client).write_all(b"version").unwrap();
    assert!(control.hear(at(1)).is_empty(), "it is not whole");
    (&client).write_all(b"\n").unwrap();
    let asked = control.hear(at(2)).remove(0);
    assert_eq!(asked.order, Order::parse(&["version"]).unwrap());
    control.answer(asked.client, &[Answer::new(Matter::Version, &[&"2"])], at(3));
    control.settle(at(3));
    assert_eq!(read(&client), ("version\t2\nend\t0\tunchanged\n".to_owned(), true));
    assert_eq!(control.deadline(at(3)), None);
    control.close();
    assert!(!folder.join("x.ctl").exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_no_order_is_refused_in_a_word() {
    let (mut control, folder) = open("wrong");
    let long = [b'x'; 300];
    for (line, part) in [
        (&b"frobnicate\n"[..], "no such verb"),
        (b"resgin\tweb\n", "resign?"),
        (b"take\tweb\t--force\n", "no such option"),
        (b"resign\0web\n", "control character"),
        (b"resign\t\xff\n", "UTF-8"),
        (&long, "256 bytes"),
        (b"\n", "nothing to do"),
    ] {
        let client = connect(&folder);
        control.hear(at(0));
        (&client).write_all(line).unwrap();
        assert!(control.hear(at(0)).is_empty());
        control.settle(at(0));
        let (answer, ended) = read(&client);
        assert!(ended && answer.contains(part) && answer.ends_with("end\t2\tunchanged\n"), "{answer}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nobody_takes_all_the_places_and_who_is_silent_loses_his() {
    let (mut control, folder) = open("places");
    let all: Vec<UnixStream> = (0..6).map(|_| connect(&folder)).collect();
    control.hear(at(0));
    let outcomes: Vec<(String, bool)> = all.iter().map(read).collect();
    assert!(outcomes[..4].iter().all(|(_, ended)| !ended));
    assert!(
        outcomes[4..].iter().all(|(text, ended)| *ended && text.contains("busy\nend\t1")),
        "{outcomes:?}"
    );
    assert_eq!(control.deadline(at(0)), Some(at(5000)));
    assert_eq!(control.descriptors(at(0)).count(), 6);
    // One of them has gone, one asks for ever, and two say nothing.
    let mut all = all;
    drop(all.remove(0));
    assert!(control.hear(at(1)).is_empty());
    control.settle(at(1));
    assert_eq!(control.descriptors(at(1)).count(), 5);
    (&all[0]).write_all(&[b'\t'; 10_000]).unwrap();
    control.hear(at(2));
    control.settle(at(2));
    assert_eq!(control.descriptors(at(2)).count(), 4);
    control.settle(at(5000));
    assert_eq!(control.descriptors(at(5000)).count(), 2);
    let client = connect(&folder);
    control.hear(at(5001));
    assert!(!read(&client).1);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_the_engine_has_to_say_is_awaited_for_a_while() {
    let (mut control, folder) = open("awaited");
    let ask = |control: &mut Control| {
        let client = connect(&folder);
        control.hear(at(0));
        (&client).write_all(b"resign\n").unwrap();
        (control.hear(at(0)).remove(0).client, client)
    };
    let hosts = || vec![(3, "web".to_owned()), (4, "mail".to_owned())];
    let (number, client) = ask(&mut control);
    let order = control.await_engine(number, hosts(), Vec::new(), at(0));
    let resigned = |name: &str| Some(Answer::new(Matter::Resigned, &[&name]));
    control.became(order, 9, resigned, at(1));
    control.became(order + 1, 3, resigned, at(1));
    control.became(order, 3, resigned, at(1));
    control.became(order, 3, resigned, at(1));
    read(&client);
    assert_eq!(control.deadline(at(1)), Some(at(3000)));
    control.became(order, 4, |_| None, at(2));
    assert_eq!(read(&client).0, "resigned\tweb\nend\t0\tchanged\n");
    let (number, client) = ask(&mut control);
    control.await_engine(number, hosts(), Vec::new(), at(0));
    control.settle(at(2999));
    read(&client);
    control.settle(at(3000));
    assert_eq!(read(&client).0, "not_served\tweb\nnot_served\tmail\nend\t1\tunchanged\n");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn who_only_asks_comes_by_another_way_and_leaves_room() {
    let (mut control, folder) = open("questions");
    let mode = |path: &Path| {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
    };
    let socket = folder.join("x.status");
    assert_eq!((mode(&folder), mode(&socket), mode(&folder.join("x.ctl"))), (0o755, 0o666, 0o600));
    let all: Vec<UnixStream> = (0..4).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    control.hear(at(0));
    (&all[0]).write_all(b"resign\n").unwrap();
    (&all[1]).write_all(b"status\n").unwrap();
    let asked = control.hear(at(0));
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].way, &asked[0].order.verb), (Way::Questions, &crate::config::order::Verb::Status));
    control.show(asked[0].client, "host\n", at(0));
    control.settle(at(0));
    for (client, end) in [(&all[0], "denied\t0\nend\t4\tunchanged\n"), (&all[1], "host\nend\t0\tunchanged\n")]
    {
        client.set_nonblocking(true).unwrap();
        assert!(read(client).0.ends_with(end), "{end}");
    }
    let more = connect(&folder);
    control.hear(at(0));
    assert!(!read(&more).1, "orders have their own room");
    control.close();
    assert!(!socket.exists());
    fs::remove_dir_all(folder).unwrap();
}
