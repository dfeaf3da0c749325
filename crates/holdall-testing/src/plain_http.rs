//! A plain HTTP/1.1 client that knows nothing of S3: what a browser or `curl` would do with a URL it was given.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a request answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the status is a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Sends one request over a connection of its own. Blocks for at most 30 s at a time.
///
/// # Errors
///
/// Whatever the socket says; `Unsupported` for a URL that is not http.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    let (authority, target) = split(url)?;
    let address = if authority.rsplit(']').next().is_some_and(|end| end.contains(':')) {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    stream.set_nodelay(true)?;
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || matches!(method, "PUT" | "POST") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    // A server may refuse early and close; its answer says more than the broken pipe.
    let sent = stream.write_all(body);
    let mut raw = Vec::new();
    let received = stream.read_to_end(&mut raw);
    match parse(&raw, method) {
        Ok(answer) => Ok(answer),
        Err(error) => Err(sent.err().or(received.err()).unwrap_or(error)),
    }
}

/// Sends a form as a browser does, the file last.
///
/// # Errors
///
/// As [`send`].
pub fn send_form(url: &str, fields: &[(String, String)], file: &[u8]) -> io::Result<Answer> {
    const BOUNDARY: &str = "----------------------------holdall7f3a91c0";
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let part = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"upload.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(part.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    send("POST", url, &[("Content-Type", &format!("multipart/form-data; boundary={BOUNDARY}"))], &body)
}

fn split(url: &str) -> io::Result<(&str, String)> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "this client speaks plain http only"))?;
    Ok(match rest.find(['/', '?']) {
        Some(at) if rest[at..].starts_with('/') => (&rest[..at], rest[at..].to_owned()),
        Some(at) => (&rest[..at], format!("/{}", &rest[at..])),
        None => (rest, "/".to_owned()),
    })
}

fn parse(raw: &[u8], method: &str) -> io::Result<Answer> {
    let bad = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_owned());
    let end = raw.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(|| bad("no head of an answer"))?;
    let head = String::from_utf8_lossy(&raw[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let status: u16 = status.ok_or_else(|| bad("no status"))?;
    if status == 100 {
        return parse(&raw[end + 4..], method);
    }
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    if method == "HEAD" {
        return Ok(answer);
    }
    let body = &raw[end + 4..];
    let chunked = answer.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked"));
    let length = answer.header("content-length").and_then(|v| v.parse::<usize>().ok());
    answer.body = match (chunked, length) {
        (true, _) => unchunk(body).ok_or_else(|| bad("a chunk is broken"))?,
        (false, Some(length)) => body.get(..length).ok_or_else(|| bad("the body is short"))?.to_vec(),
        (false, None) => body.to_vec(),
    };
    Ok(answer)
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(out);
        }
        out.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_or_not_at_all() {
        let answer = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A:  b \r\n\r\nabcd", "GET").unwrap();
        assert_eq!((answer.status, answer.header("x-a"), &*answer.body), (200, Some("b"), &b"abc"[..]));
        let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        assert_eq!(parse(chunks, "GET").unwrap().body, b"abc");
        assert!(parse(&chunks[..chunks.len() - 8], "GET").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "GET").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD").is_ok());
    }

    #[test]
    fn urls_are_split_as_they_stand() {
        assert_eq!(split("http://h:1/a/../%2F?x=%20").unwrap(), ("h:1", "/a/../%2F?x=%20".to_owned()));
        assert_eq!(split("http://h?x").unwrap(), ("h", "/?x".to_owned()));
        assert!(split("https://h/").is_err());
    }
}
