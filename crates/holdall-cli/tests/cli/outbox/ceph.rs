//! A real service that stops and starts again: a Ceph of this test's own, since others use the shared one.

use super::stderr;
use crate::real::{client, wait};
use crate::shell::{Shell, stdout};
use holdall_testing::random::Random;
use holdall_testing::server::{Kind, Server};

fn shell(server: &Server) -> Shell {
    let bucket = "outbox";
    wait(client(server, bucket).create_bucket()).unwrap();
    let shell = crate::real::below(server, bucket)
        .with("HOLDALL_ON_REMOTE_ERROR", "outbox")
        .with("HOLDALL_ATTEMPTS", "2")
        .with("HOLDALL_LOG", "error");
    let folder = shell.path("outbox").display().to_string();
    shell.with("HOLDALL_OUTBOX_DIR", &folder)
}

/// A folder as jobs leave it: some files, one of them in parts, others below.
fn write_folder(shell: &Shell, seed: u64) {
    let mut random = Random::named(seed, "folder");
    for n in 0..60 {
        let size = random.number() % 20_000;
        shell.write(&format!("in/{}/f{n:02}.bin", n % 4), random.bytes(size as usize));
    }
    shell.write("in/video.mp4", random.bytes(20 << 20));
}

#[test]
fn ses_6_a_push_while_the_service_is_stopped_is_there_when_it_is_back() {
    assert!(std::env::var_os("HOLDALL_TEST_CEPH").is_some(), "it is set where Ceph is installed");
    let server = Server::start(Kind::Ceph).unwrap();
    let shell = shell(&server);
    shell.write("first", "before");
    stdout(&shell.run(&["put", "first", "first"]));
    server.pause().unwrap();
    write_folder(&shell, 1);
    let pushed = shell.run(&["push", "in", "p", "--manifest"]);
    assert_eq!(pushed.status.code(), Some(0), "{pushed:?}");
    assert!(stderr(&pushed).contains("queued 63 writes in"), "{pushed:?}");
    assert_eq!(stdout(&shell.run(&["ls", "--queued", "-r", "p/"])).lines().count(), 63);
    stdout(&shell.run(&["get", "p/video.mp4", "back.mp4"]));
    assert!(shell.read("back.mp4") == shell.read("in/video.mp4"));
    assert_eq!(shell.run(&["get", "first", "out"]).status.code(), Some(5));
    assert_eq!(shell.run(&["outbox", "drain"]).status.code(), Some(5));
    server.resume().unwrap();
    stdout(&shell.run(&["outbox", "drain", "--wait"]));
    assert_eq!(stdout(&shell.run(&["outbox", "ls"])), "");
    let verified = shell.run(&["verify", "p/", "in", "--deep"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let again = shell.run(&["push", "in", "p"]);
    assert!(stderr(&again).contains("pushed 0 files, 0 B, 61 unchanged"), "{again:?}");
    assert_eq!(stdout(&shell.run(&["cat", "first"])), "before");
}

#[test]
fn what_is_written_while_the_service_stops_and_starts_is_all_there() {
    assert!(std::env::var_os("HOLDALL_TEST_CEPH").is_some(), "it is set where Ceph is installed");
    let server = Server::start(Kind::Ceph).unwrap();
    let shell = shell(&server);
    for round in 0..3 {
        write_folder(&shell, round);
        // It stops in the middle of the push, or before it, and starts in the middle of a drain.
        let push = shell.spawn(&["push", "in", "p", "--force"]);
        std::thread::sleep(std::time::Duration::from_millis(40 * round));
        server.pause().unwrap();
        let pushed = push.wait_with_output().unwrap();
        assert_eq!(pushed.status.code(), Some(0), "{pushed:?}");
        let drain = shell.spawn(&["outbox", "drain", "--wait"]);
        server.resume().unwrap();
        let drained = drain.wait_with_output().unwrap();
        assert_eq!(drained.status.code(), Some(0), "{drained:?}");
        let verified = shell.run(&["verify", "p/", "in", "--deep"]);
        assert_eq!(verified.status.code(), Some(0), "{round}: {verified:?}");
    }
}
