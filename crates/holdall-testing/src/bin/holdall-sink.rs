//! Runs the sink for benchmarks until SIGTERM, or until the pipe on its standard input is closed.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;

use clap::Parser;
use holdall_testing::sink::{Sink, SinkOptions};
use holdall_testing::tls::Authority;

/// An S3-shaped server that does next to nothing; its endpoint is the only line on stdout.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many keys a listing has below any prefix
    #[arg(long, default_value_t = 100_000)]
    keys: u64,
    /// Size in bytes of an object whose key does not say size=N
    #[arg(long, default_value_t = 4096)]
    size: u64,
    /// Keep the size of whatever is put, to list and read it back
    #[arg(long)]
    remember: bool,
    /// Keep the bytes, too, in memory (--remember is implied)
    #[arg(long)]
    keep: bool,
    /// Refuse puts of up to 4 KiB whose bytes are not those that were signed
    #[arg(long)]
    verify: bool,
    /// Event loops, each on its own thread
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Speak TLS by a new authority, whose certificate is written to this file before the endpoint is said
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,
}

fn main() -> io::Result<()> {
    let Arguments { port, keys, size, remember, keep, verify, threads, tls } = Arguments::parse();
    let tls = tls.map(|bundle| {
        let authority = Authority::new()?;
        authority.write_bundle(&bundle)?;
        authority.server()
    });
    let sink = Sink::start(SinkOptions {
        port,
        keys,
        size,
        remember: remember || keep,
        keep,
        verify,
        threads,
        tls: tls.transpose()?,
    })?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", sink.endpoint())?;
    stdout.flush()?;
    wait_for_stdin()
}

/// Returns when the pipe on standard input is closed; never when there is none (a shell's background job has
/// /dev/null there).
fn wait_for_stdin() -> io::Result<()> {
    let kind = std::fs::metadata("/proc/self/fd/0").map(|stdin| stdin.file_type());
    if kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket()) {
        let mut waste = [0; 4096];
        while io::stdin().read(&mut waste)? > 0 {}
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}
