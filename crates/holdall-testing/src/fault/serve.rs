//! One connection of the fault server, request by request.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::http::{Framing, Wire};
use super::reply::{Refusal, Reply};
use super::request::Request;
use super::send::{Fate, Sending};
use super::{Fault, Seen, Shared, inject, payload, s3};

/// How long an early answer can be read before the unread body turns the close into a reset.
const LINGER: Duration = Duration::from_millis(500);

/// Serves a connection to its end. A client that breaks off ends it too: that is its right.
pub(super) fn serve(shared: &Shared, connection: u64, stream: Arc<TcpStream>) {
    let mut wire = Wire::new(stream);
    let mut fate = Fate::Keep;
    while let Ok(next) = one(shared, connection, &mut wire, fate) {
        fate = next;
        match fate {
            Fate::Keep | Fate::KeepForReset => {}
            Fate::Close => return,
            Fate::Reset => {
                // Without it the close is an orderly one, and a test that waits for a reset says so.
                let _armed = wire.arm_reset();
                return;
            }
        }
    }
}

fn one(shared: &Shared, connection: u64, wire: &mut Wire, fate: Fate) -> io::Result<Fate> {
    if !wire.wait()? {
        return Ok(Fate::Close);
    }
    if fate == Fate::KeepForReset {
        return Ok(Fate::Reset);
    }
    let (mut request, framing) = match wire.read_head() {
        Ok(Some(read)) => read,
        Ok(None) => return Ok(Fate::Close),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            wire.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
            return Ok(Fate::Close);
        }
        Err(error) => return Err(error),
    };
    let fault = shared.engine().decide(&request);
    let fault = fault.as_ref();
    if let Some(fault) = fault
        && let Some(fate) = before_the_body(shared, connection, wire, &mut request, framing, fault)?
    {
        return Ok(fate);
    }
    if request.header("expect").is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue")) {
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.body = wire.read_body(framing, usize::MAX)?;
    payload::unwrap(&mut request);
    shared.note(Seen::of(connection, &request, fault));
    match fault {
        Some(Fault::Reset) => return Ok(Fate::Reset),
        Some(Fault::Stall) => {
            wire.swallow()?;
            return Ok(Fate::Close);
        }
        _ => {}
    }
    let reply = answer(shared, &mut request, fault);
    let fate = Sending { wire, request: &request, reply: &reply, stop: &shared.stop }.run(fault)?;
    let close = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(if close && fate == Fate::Keep { Fate::Close } else { fate })
}

/// The faults that do not wait for the body.
fn before_the_body(
    shared: &Shared,
    connection: u64,
    wire: &mut Wire,
    request: &mut Request,
    framing: Framing,
    fault: &Fault,
) -> io::Result<Option<Fate>> {
    match fault {
        Fault::ResetUnread => {
            shared.note(Seen::of(connection, request, Some(fault)));
            Ok(Some(Fate::Reset))
        }
        Fault::RefuseEarly { status, code, after } => {
            request.body = wire.read_body(framing, *after)?;
            shared.note(Seen::of(connection, request, Some(fault)));
            let reply = Refusal::new(*status, code).reply().with("connection", "close");
            Sending { wire, request, reply: &reply, stop: &shared.stop }.run(None)?;
            wire.finish()?;
            shared.stop.wait(LINGER);
            Ok(Some(Fate::Close))
        }
        _ => Ok(None),
    }
}

fn answer(shared: &Shared, request: &mut Request, fault: Option<&Fault>) -> Reply {
    let serial = shared.answers.fetch_add(1, Ordering::SeqCst) + 1;
    let refused = fault.and_then(|fault| inject::instead(fault, request, &shared.trap.endpoint()));
    let mut reply = match (refused, payload::verify(request)) {
        (Some(reply), _) => reply,
        (None, Err(refusal)) => refusal.reply(),
        (None, Ok(())) => {
            fault.into_iter().for_each(|fault| inject::mislead(fault, request));
            s3::perform(request, fault, &mut shared.store())
        }
    };
    if reply.header("date").is_none() {
        reply.set("date", &httpdate::fmt_http_date(std::time::SystemTime::now()));
    }
    reply.set("x-amz-request-id", &format!("{serial:016X}"));
    fault.into_iter().for_each(|fault| inject::alter(fault, &mut reply, serial));
    reply
}
