//! One connection, both ways, until it ends or is cut.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::line::Line;
use super::{Cut, Links};
use crate::stop::Stop;

/// How often a connection looks whether the proxy still wants it.
const PATIENCE: Duration = Duration::from_millis(50);

/// Passes bytes both ways until both sides have said all, one of them is gone, or the proxy ends.
pub(super) fn carry(client: &TcpStream, server: &TcpStream, links: &Links, stop: &Stop) -> io::Result<()> {
    for stream in [client, server] {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
    }
    let mut up = Line::new(client, server, &links.up);
    let mut down = Line::new(server, client, &links.down);
    while !(stop.wait(Duration::ZERO) || up.is_closed() && down.is_closed()) {
        let mends = links.mends();
        let cut = match up.go_on()? {
            None => down.go_on()?,
            cut => cut,
        };
        match cut {
            Some(Cut::Reset) => return reset(client, server),
            Some(Cut::Stall) => return stall(client, || stop.wait(Duration::ZERO) || links.mends() != mends),
            None => wait(client, server, &up, &down)?,
        }
    }
    Ok(())
}

/// Lets the coming close of both be a reset.
fn reset(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    for stream in [client, server] {
        rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?;
    }
    Ok(())
}

/// Returns when the client is seen to have closed, or this has lasted long enough.
fn stall(client: &TcpStream, is_over: impl Fn() -> bool) -> io::Result<()> {
    while !is_over() {
        // What it has to say is left unread, so that it has to wait; its close may be behind that.
        let mut closed = [PollFd::new(client, PollFlags::RDHUP)];
        if poll(&mut closed, Some(&timespec(PATIENCE)))? > 0 {
            break;
        }
    }
    Ok(())
}

/// Returns when a socket is ready for what its lines want, or the next bytes are due.
fn wait(client: &TcpStream, server: &TcpStream, up: &Line<'_>, down: &Line<'_>) -> io::Result<()> {
    let now = Instant::now();
    let next = [up, down].into_iter().filter_map(Line::due).min();
    let until_due = next.map_or(PATIENCE, |due| due.saturating_duration_since(now));
    // What is due and was not passed on waits for room; what is not due yet needs no room.
    let wants_room = |line: &Line<'_>| line.due().is_some_and(|due| due <= now);
    let wants = |reads: &Line<'_>, writes: &Line<'_>| {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, reads.wants_input());
        flags.set(PollFlags::OUT, wants_room(writes));
        flags
    };
    let sockets = [(client, wants(up, down)), (server, wants(down, up))];
    // One that nothing is wanted of is left out: that it was closed would be told again and again.
    let mut asked: Vec<_> = sockets
        .into_iter()
        .filter(|(_, flags)| !flags.is_empty())
        .map(|(fd, flags)| PollFd::new(fd, flags))
        .collect();
    let blocked = wants_room(up) || wants_room(down);
    let time = if blocked { PATIENCE } else { until_due.min(PATIENCE) };
    poll(&mut asked, Some(&timespec(time)))?;
    Ok(())
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) }
}
