//! Reading a request's head.

use super::operation::Operation;

/// How the body is framed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// A parsed head: what is asked for and what follows on the wire.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) framing: Framing,
    /// The object's length where the wire's differs (`x-amz-decoded-content-length`).
    pub(super) decoded_length: Option<u64>,
    /// The body's SHA-256 in hex (`x-amz-content-sha256`), where one is said.
    pub(super) sha256: Option<[u8; 64]>,
    pub(super) expects_continue: bool,
    pub(super) close: bool,
}

/// What the headers say that the sink cares about.
#[derive(Default)]
pub(super) struct Headers<'a> {
    pub(super) range: Option<&'a str>,
    pub(super) copy_source: Option<&'a str>,
    length: u64,
    chunked: bool,
    decoded_length: Option<u64>,
    sha256: Option<[u8; 64]>,
    expects_continue: bool,
    close: bool,
}

/// Parses a head out of the buffer; `None` while it is incomplete.
///
/// # Errors
/// What is wrong with it; the connection cannot go on.
pub(super) fn parse(buffer: &[u8]) -> Result<Option<(Request, usize)>, &'static str> {
    let mut slots = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut slots);
    let consumed = match head.parse(buffer) {
        Ok(httparse::Status::Complete(consumed)) => consumed,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err("malformed request"),
    };
    let (Some(method), Some(target)) = (head.method, head.path) else { return Err("malformed request line") };
    let headers = read_headers(head.headers)?;
    let framing = if headers.chunked { Framing::Chunked } else { Framing::Length(headers.length) };
    let request = Request {
        operation: Operation::of(method, target, &headers),
        framing,
        decoded_length: headers.decoded_length,
        sha256: headers.sha256,
        expects_continue: headers.expects_continue,
        close: headers.close,
    };
    Ok(Some((request, consumed)))
}

fn read_headers<'a>(raw: &[httparse::Header<'a>]) -> Result<Headers<'a>, &'static str> {
    let mut headers = Headers::default();
    for header in raw {
        // The length tells most headers apart without comparing letters.
        let name = header.name;
        match name.len() {
            5 if name.eq_ignore_ascii_case("range") => headers.range = Some(text(header)?),
            6 if name.eq_ignore_ascii_case("expect") => headers.expects_continue = true,
            10 if name.eq_ignore_ascii_case("connection") => {
                headers.close = header.value.eq_ignore_ascii_case(b"close");
            }
            14 if name.eq_ignore_ascii_case("content-length") => headers.length = number(header)?,
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                headers.chunked = header.value.eq_ignore_ascii_case(b"chunked");
            }
            17 if name.eq_ignore_ascii_case("x-amz-copy-source") => headers.copy_source = Some(text(header)?),
            20 if name.eq_ignore_ascii_case("x-amz-content-sha256") => {
                headers.sha256 = header.value.try_into().ok();
            }
            28 if name.eq_ignore_ascii_case("x-amz-decoded-content-length") => {
                headers.decoded_length = Some(number(header)?);
            }
            _ => {}
        }
    }
    Ok(headers)
}

fn text<'a>(header: &httparse::Header<'a>) -> Result<&'a str, &'static str> {
    std::str::from_utf8(header.value).map_err(|_| "header is not text")
}

fn number(header: &httparse::Header<'_>) -> Result<u64, &'static str> {
    text(header)?.trim().parse().map_err(|_| "header is not a number")
}
