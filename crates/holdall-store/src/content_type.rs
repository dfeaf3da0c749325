//! What kind of content a name, or else the first bytes, say.

/// The type of content where nothing says more.
pub(crate) const BINARY: &str = "application/octet-stream";

/// Finds a MIME type by the name's extension, and by the first bytes where the name says nothing.
///
/// ```
/// assert_eq!(holdall_store::content_type_of("a/b.pdf", b""), "application/pdf");
/// assert_eq!(holdall_store::content_type_of("screenshot", b"\x89PNG\r\n\x1a\n"), "image/png");
/// ```
pub fn content_type_of(name: &str, first_bytes: &[u8]) -> String {
    if let Some(mime) = mime_guess::from_path(name).first() {
        return match (mime.type_().as_str(), mime.subtype().as_str()) {
            ("text", subtype) => format!("text/{subtype}; charset=utf-8"),
            _ => mime.essence_str().to_owned(),
        };
    }
    infer::get(first_bytes).map_or(BINARY, |found| found.mime_type()).to_owned()
}

/// Whether a name's extension says the type, so that the first bytes are not asked.
pub(crate) fn says_type(name: &str) -> bool {
    mime_guess::from_path(name).first().is_some()
}

/// How many first bytes are worth looking at.
pub(crate) const SNIFF: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obs_2_the_name_says_it_and_else_the_bytes() {
        let table: [(&str, &[u8], &str); 7] = [
            ("a.mp4", b"", "video/mp4"),
            ("a.json", b"", "application/json"),
            ("a.html", b"", "text/html; charset=utf-8"),
            ("A.PNG", b"%PDF-", "image/png"),
            ("report", b"%PDF-1.7", "application/pdf"),
            ("noext", b"hello", BINARY),
            (".hidden", b"", BINARY),
        ];
        for (name, bytes, wanted) in table {
            assert_eq!(content_type_of(name, bytes), wanted, "{name}");
        }
    }
}
