//! Writes the XML of requests.

use super::Element;

/// A document under construction.
pub(crate) struct XmlWriter(String);

impl XmlWriter {
    pub(crate) fn new() -> Self {
        Self(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"))
    }

    pub(crate) fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    /// Opens the root, in S3's name space.
    pub(crate) fn open_root(&mut self, name: &str) {
        self.open(&format!("{name} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""));
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.open(name);
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // A reader would fold a bare line end into a blank or a newline.
                '\r' => self.0.push_str("&#13;"),
                '\n' => self.0.push_str("&#10;"),
                '\t' => self.0.push_str("&#9;"),
                c => self.0.push(c),
            }
        }
        self.close(name);
    }

    /// Writes an element and all that is in it; space between its children is left out.
    pub(crate) fn tree(&mut self, element: &Element) {
        if element.children.is_empty() {
            return self.element(&element.name, &element.text);
        }
        self.open(&element.name);
        for child in &element.children {
            self.tree(child);
        }
        self.close(&element.name);
    }

    /// Writes a whole document of a root in S3's name space and its children.
    pub(crate) fn document(root: &str, children: &[Element]) -> Vec<u8> {
        let mut xml = Self::new();
        xml.open_root(root);
        for child in children {
            xml.tree(child);
        }
        xml.close(root);
        xml.finish()
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}
