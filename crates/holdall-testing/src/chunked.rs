//! The chunked transfer encoding, fed piece by piece.

/// Where in a chunked body the reader is.
#[derive(Debug, Default)]
pub(crate) enum Chunked {
    #[default]
    Size,
    Data(usize),
    /// The line end behind a chunk's data.
    Gap,
    Trailer,
    Done,
}

impl Chunked {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Chunked::Done)
    }

    /// Consumes what it can of the input, hands the data on, and answers how many bytes were used.
    ///
    /// A size that is no number ends the body: what follows is then refused as a malformed request.
    pub(crate) fn advance(&mut self, input: &[u8], mut data: impl FnMut(&[u8])) -> usize {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            match self {
                Chunked::Done => return at,
                Chunked::Data(left) => {
                    let count = rest.len().min(*left);
                    data(&rest[..count]);
                    at += count;
                    *left -= count;
                    if *left > 0 {
                        return at;
                    }
                    *self = Chunked::Gap;
                }
                Chunked::Size | Chunked::Gap | Chunked::Trailer => {
                    let Some(end) = rest.iter().position(|&b| b == b'\n') else { return at };
                    let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
                    at += end + 1;
                    *self = self.after_line(line);
                }
            }
        }
    }

    fn after_line(&self, line: &[u8]) -> Chunked {
        match self {
            Chunked::Gap => Chunked::Size,
            Chunked::Trailer if line.is_empty() => Chunked::Done,
            Chunked::Trailer => Chunked::Trailer,
            _ => match size(line) {
                Some(0) => Chunked::Trailer,
                Some(size) => Chunked::Data(size),
                None => Chunked::Done,
            },
        }
    }
}

fn size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|&b| b == b';').next()?;
    usize::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_fed_byte_by_byte_comes_out_whole() {
        let wire = b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nx-trailer: 1\r\n\r\nNEXT";
        for step in 1..wire.len() {
            let (mut chunked, mut out, mut held, mut fed) = (Chunked::default(), Vec::new(), Vec::new(), 0);
            while !chunked.is_done() {
                let end = (fed + step).min(wire.len());
                held.extend_from_slice(&wire[fed..end]);
                fed = end;
                let used = chunked.advance(&held, |data| out.extend_from_slice(data));
                held.drain(..used);
            }
            held.extend_from_slice(&wire[fed..]);
            assert_eq!((out.as_slice(), held.as_slice()), (&b"hello world"[..], &b"NEXT"[..]));
        }
    }
}
