//! A command of the user's that ingests a document: run without a shell, so that nothing in a name is more than a name.

use holdall::document::{Ready, Refused};
use holdall::{Error, ErrorKind, Result};
use std::os::fd::AsFd;
use std::process::Stdio;
use tokio::process::Command;

/// What stands for the document's file.
const FILE: &str = "{}";
/// What stands for its URL.
const URL: &str = "{url}";

/// A command, split into its words.
#[derive(Debug)]
pub(super) struct Exec(Vec<String>);

impl Exec {
    /// Splits a command once, as a shell would its words: blanks part them, quotes and backslashes keep what they enclose.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a quote without an end, and a command that names no file.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let words = split(text).map_err(|why| {
            Error::new(ErrorKind::InvalidInput, "the command cannot be split into words")
                .with_fact("because", why)
                .with_hint("quote as in a shell: 'a b', \"a b\" or a\\ b")
        })?;
        let is_used = words.iter().skip(1).any(|word| word.contains(FILE));
        let program = words.first().filter(|word| !word.is_empty() && !word.contains(FILE));
        if program.is_none() || !is_used {
            return Err(Error::new(ErrorKind::InvalidInput, "the command takes no document")
                .with_hint("name a program, and put {} where it takes the file: --exec 'ingest {}'"));
        }
        Ok(Self(words))
    }

    /// Runs it for a document. Dropped before its end, it is killed.
    pub(super) fn run(
        &self,
        ready: Ready,
    ) -> impl Future<Output = std::result::Result<(), Refused>> + Send + use<> {
        let command = self.command(&ready);
        async move {
            let mut command = command?;
            let status =
                command.status().await.map_err(|error| format!("the command cannot be run: {error}"))?;
            if status.success() { Ok(()) } else { Err(format!("the command ended with {status}").into()) }
        }
    }

    fn command(&self, ready: &Ready) -> std::result::Result<Command, Refused> {
        let path = ready.path.to_str().ok_or("the file's path is not UTF-8")?;
        let url = ready.url.as_deref().unwrap_or_default();
        let mut words = self.0.iter();
        let mut command = Command::new(words.next().ok_or("there is no command")?);
        command.args(words.map(|word| filled(word, path, url)));
        // Standard output is holdall's own.
        let stderr = std::io::stderr().as_fd().try_clone_to_owned()?;
        command.stdin(Stdio::null()).stdout(Stdio::from(stderr)).kill_on_drop(true);
        Ok(command)
    }
}

/// Fills a word in, reading it once: what a name has of placeholders stays as it is.
fn filled(word: &str, path: &str, url: &str) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (value, place) = match rest {
            _ if rest.starts_with(FILE) => (path, FILE),
            _ if rest.starts_with(URL) => (url, URL),
            _ => ("{", "{"),
        };
        text.push_str(value);
        rest = &rest[place.len()..];
    }
    text + rest
}

fn split(text: &str) -> std::result::Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match c {
            '\'' => quoted(&mut rest, word)?,
            '"' => double_quoted(&mut rest, word)?,
            '\\' => word.push(rest.next().ok_or("it ends in a backslash")?),
            c => word.push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> std::result::Result<(), &'static str> {
    loop {
        match rest.next().ok_or("a ' has no end")? {
            '\'' => return Ok(()),
            c => word.push(c),
        }
    }
}

fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> std::result::Result<(), &'static str> {
    let no_end = "a \" has no end";
    loop {
        match rest.next().ok_or(no_end)? {
            '"' => return Ok(()),
            '\\' => match rest.next().ok_or(no_end)? {
                c @ ('"' | '\\' | '$' | '`') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does() {
        for (text, expected) in [
            ("ingest {}", &["ingest", "{}"][..]),
            ("  a\t b\n", &["a", "b"]),
            ("a 'b c' \"d e\" f\\ g", &["a", "b c", "d e", "f g"]),
            ("a '' \"\"", &["a", "", ""]),
            (r#"a 'x\y"' "x\"y\z" --f={}"#, &["a", "x\\y\"", "x\"y\\z", "--f={}"]),
            ("a $HOME `id` ; b|c", &["a", "$HOME", "`id`", ";", "b|c"]),
            ("", &[]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
        for text in ["a 'b", "a \"b", "a \\", "a \"b\\"] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_command_names_a_program_and_a_file() {
        for text in ["", "ingest", "{}", "'' {}", "ingest {url}"] {
            assert_eq!(Exec::parse(text).unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
        Exec::parse("ingest --file={} {url}").unwrap();
    }

    #[test]
    fn a_placeholder_in_a_name_is_no_placeholder() {
        assert_eq!(filled("{}", "/a {url} {}.pdf", "u"), "/a {url} {}.pdf");
        assert_eq!(filled("--x={}:{url}{", "/p q", "http://h/"), "--x=/p q:http://h/{");
    }
}
