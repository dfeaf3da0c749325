//! Where a verb is tried: a bucket, a folder, and a proxy before the server.

use super::cargo::{Cargo, Files, LARGE};
use super::place::{Place, is_temporary};
use super::tally::AT_ONCE;
use super::verb::Verb;
use crate::kills::{noted, through};
use crate::real::{Bucket, client};
use crate::shell::{Shell, stdout};
use holdall_testing::proxy::Proxy;
use holdall_testing::server::Server;

pub(super) struct Ground {
    pub(super) verb: Verb,
    pub(super) proxy: Proxy,
    /// Its commands pass the proxy.
    pub(super) shell: Shell,
    server: Server,
    bucket: Bucket,
}

impl Ground {
    pub(super) fn new(server: &Server, verb: Verb) -> Self {
        let test = format!("crash-{}", verb.name());
        let proxy = Proxy::before(&server.endpoint).unwrap();
        let shell = through(&proxy, server, &test, AT_ONCE);
        let bucket = Bucket::on(server, &test);
        let server = Server::from_env(&server.name).expect("it was there").unwrap();
        Self { verb, proxy, shell, server, bucket }
    }

    /// How many bytes have come the way that the verb's go.
    pub(super) fn came(&self) -> u64 {
        self.proxy.bytes(self.verb.way())
    }

    /// What is killed.
    pub(super) fn command(&self) -> Vec<String> {
        let here = |dir: &str| format!("{dir}/{LARGE}");
        let words = match self.verb {
            Verb::Push => ["push".to_owned(), "in".to_owned(), "out".to_owned()],
            Verb::Pull => ["pull".to_owned(), "in".to_owned(), "out".to_owned()],
            Verb::Put => ["put".to_owned(), here("in"), here("out")],
            Verb::Get => ["get".to_owned(), here("in"), here("out")],
            Verb::Copy => ["cp".to_owned(), here("in"), here("out")],
            Verb::Move => ["mv".to_owned(), here("in"), here("out")],
            Verb::CopyUp => ["cp".to_owned(), self.folder(), self.url()],
            Verb::MoveUp => ["mv".to_owned(), self.folder(), self.url()],
        };
        words.into_iter().chain(["--quiet".to_owned()]).collect()
    }

    /// The file where a folder is the store.
    fn folder(&self) -> String {
        format!("file://{}", self.shell.path("in").join(LARGE).display())
    }

    fn url(&self) -> String {
        format!("s3://{}/below/out/{LARGE}", self.bucket.client.bucket())
    }

    fn objects(&self, prefix: &str) -> Place {
        Place::objects(client(&self.server, self.bucket.client.bucket()), prefix)
    }

    pub(super) fn destination(&self) -> Place {
        match self.verb.is_fetched() {
            true => Place::Folder(self.shell.path("out")),
            false => self.objects("below/out/"),
        }
    }

    /// What a move empties.
    pub(super) fn source(&self) -> Option<Place> {
        match self.verb {
            Verb::Move => Some(self.objects("below/in/")),
            Verb::MoveUp => Some(Place::Folder(self.shell.path("in"))),
            _ => None,
        }
    }

    /// Puts the cargo where it is taken from, and what was there before where it goes.
    pub(super) fn set_out(&self, cargo: &Cargo) {
        if self.verb.is_sent() {
            write(&self.shell, "in", &cargo.new);
        } else {
            push(&self.bucket.shell, "in", &cargo.new);
        }
        if self.verb.is_fetched() {
            std::fs::create_dir(self.shell.path("out")).unwrap();
            write(&self.shell, "out", &cargo.old);
        } else {
            push(&self.bucket.shell, "out", &cargo.old);
        }
    }

    pub(super) fn gc(&self) {
        stdout(&self.shell.run(&["gc", "--older-than", "0s"]));
    }

    /// Makes sure that nothing is left of any process, on either side.
    pub(super) fn has_no_leftovers(&self) {
        assert_eq!(stdout(&self.shell.run(&["gc", "--older-than", "0s", "--dry-run", "--json"])), "");
        assert!(noted(&self.shell).is_empty(), "notes are left");
        assert_eq!(self.bucket.uploads(), [""; 0]);
        let files = self.shell.files();
        let left: Vec<_> =
            files.iter().filter(|path| is_temporary(path.rsplit('/').next().unwrap())).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    pub(super) fn clear(&self) {
        stdout(&self.bucket.shell.run(&["rm", "-r", "--all", "--quiet"]));
        for dir in ["in", "out"].map(|dir| self.shell.path(dir)).iter().filter(|dir| dir.exists()) {
            std::fs::remove_dir_all(dir).unwrap();
        }
    }
}

fn write(shell: &Shell, dir: &str, files: &Files) {
    for (name, bytes) in files {
        shell.write(&format!("{dir}/{name}"), bytes);
    }
}

/// Puts files below a prefix, past the proxy.
fn push(shell: &Shell, prefix: &str, files: &Files) {
    if !files.is_empty() {
        write(shell, prefix, files);
        stdout(&shell.run(&["push", prefix, prefix, "--quiet"]));
        std::fs::remove_dir_all(shell.path(prefix)).unwrap();
    }
}
