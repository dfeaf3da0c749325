//! Writes a manifest: a file on each line, so that it is read by people and by line as well as by a parser.

use super::{Entry, SCHEMA, Trailer};
use std::io::{self, Write};

/// A manifest being written. Files come in the bytewise order of their paths.
pub(crate) struct ManifestWriter<W> {
    out: W,
    trailer: Trailer,
}

impl<W: Write> ManifestWriter<W> {
    pub(crate) fn begin(mut out: W) -> io::Result<Self> {
        write!(out, "{{\"schema\":\"{SCHEMA}\",\"files\":[")?;
        Ok(Self { out, trailer: Trailer::default() })
    }

    pub(crate) fn entry(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        self.out.write_all(if self.trailer.count == 0 { b"\n" } else { b",\n" })?;
        self.trailer.count += 1;
        self.trailer.bytes += entry.size;
        serde_json::to_writer(&mut self.out, entry).map_err(io::Error::from)
    }

    /// Ends it with what is known of `SHA256SUMS`.
    pub(crate) fn end(mut self, sums: super::Expected) -> io::Result<W> {
        self.trailer.sums = Some(sums);
        let trailer = serde_json::to_string(&self.trailer).map_err(io::Error::from)?;
        let rest = trailer.strip_prefix('{').unwrap_or_default();
        write!(self.out, "\n],{rest}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}
