//! `SHA256SUMS` as `sha256sum` of GNU writes and reads it.

use crate::Sha256;
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes lines, and finds the digest of all of them.
pub(crate) struct Sums<W> {
    out: W,
    digest: ring::digest::Context,
    size: u64,
}

impl<W: Write> Sums<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, digest: ring::digest::Context::new(&ring::digest::SHA256), size: 0 }
    }

    /// Adds a file. A name that would break the line is escaped, which a backslash before the digest says.
    pub(crate) fn add(&mut self, path: &str, sha256: Sha256) -> io::Result<()> {
        let escaped = escaped(path);
        let mark = if matches!(escaped, Cow::Owned(_)) { "\\" } else { "" };
        let line = format!("{mark}{}  {escaped}\n", sha256.to_hex());
        self.digest.update(line.as_bytes());
        self.size += line.len() as u64;
        self.out.write_all(line.as_bytes())
    }

    /// Ends them, and answers what took them, their size and their digest.
    pub(crate) fn end(mut self) -> io::Result<(W, u64, Sha256)> {
        self.out.flush()?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.digest.finish().as_ref());
        Ok((self.out, self.size, Sha256(sha256)))
    }
}

fn escaped(path: &str) -> Cow<'_, str> {
    if !path.contains(['\\', '\n', '\r']) {
        return Cow::Borrowed(path);
    }
    Cow::Owned(path.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_sha256sum() {
        let mut sums = Sums::new(Vec::new());
        for path in ["a b", "back\\slash", "new\nline", "re\rturn", "\u{fc}ber/-x"] {
            sums.add(path, crate::sha256(b"")).unwrap();
        }
        let (text, size, digest) = sums.end().unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let wanted = format!(
            "{empty}  a b\n\\{empty}  back\\\\slash\n\\{empty}  new\\nline\n\\{empty}  re\\rturn\n{empty}  \u{fc}ber/-x\n"
        );
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
        assert_eq!((size, digest), (wanted.len() as u64, crate::sha256(wanted.as_bytes())));
    }
}
