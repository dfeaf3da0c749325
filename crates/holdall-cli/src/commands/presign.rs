//! `holdall presign`

use super::Outcome;
use super::lines::{Lines, key_of};
use crate::app::App;
use crate::args::{not_empty, pair};
use crate::cli::Override;
use crate::failure::Failure;
use crate::record::{FormRecord, UrlRecord};
use crate::target::Target;
use crate::text::escaped;
use clap::{Args, ValueEnum};
use holdall::{Error, ErrorKind, PostForm, PostPolicy, PresignMethod, PresignOptions, Store};
use std::fmt::Write as _;
use std::io::{self, Write as _};

const AFTER: &str = "\
Examples:
  holdall presign runs/7/report.pdf --expires 12h --download-name report.pdf
  holdall presign inbox/video.mp4 --put --content-type video/mp4
  holdall ls -r runs/7/ | holdall presign -
  holdall presign 'uploads/${filename}' --post --max-size 10MiB --starts-with Content-Type=image/";

/// Makes URLs by which somebody without credentials may make one request
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Presign {
    /// The key; - reads keys from standard input, one a line
    key: String,
    /// For how long, at most 7d [default: the setting presign_expiration, 1h]
    #[arg(long, value_name = "TIME", value_parser = not_empty())]
    expires: Option<String>,
    /// What the URL permits
    #[arg(long, value_enum, default_value_t = Method::Get)]
    method: Method,
    /// For an upload by PUT, as --method put
    #[arg(long, conflicts_with_all = ["method", "post"])]
    put: bool,
    /// The file name that a browser saves the object under
    #[arg(long, value_name = "NAME")]
    download_name: Option<String>,
    /// The content type that is answered, or that the upload must have
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Make a form for an upload by POST; ${filename} at the key's end is the name of the user's file
    #[arg(long, conflicts_with_all = ["method", "download_name"])]
    post: bool,
    /// The most bytes that may be posted
    #[arg(long, value_name = "SIZE", requires = "post", value_parser = holdall::parse_size)]
    max_size: Option<u64>,
    /// A field of the form that must be exactly so, such as acl=private; repeatable
    #[arg(long, value_name = "NAME=VALUE", requires = "post", value_parser = pair)]
    field: Vec<(String, String)>,
    /// User metadata of what is posted; repeatable
    #[arg(long, value_name = "NAME=VALUE", requires = "post", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// A field of the form that must begin so; repeatable
    #[arg(long, value_name = "FIELD=TEXT", requires = "post", value_parser = pair)]
    starts_with: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Method {
    Get,
    Put,
    Head,
    Delete,
}

impl Method {
    fn parts(self) -> (PresignMethod, &'static str) {
        match self {
            Self::Get => (PresignMethod::Get, "GET"),
            Self::Put => (PresignMethod::Put, "PUT"),
            Self::Head => (PresignMethod::Head, "HEAD"),
            Self::Delete => (PresignMethod::Delete, "DELETE"),
        }
    }
}

impl Presign {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        app.override_settings(Override::given([("--expires", "presign_expiration", &self.expires)]));
        match (&*self.key, self.post) {
            ("-", true) => Err(Error::new(ErrorKind::InvalidInput, "a form is for one key").into()),
            ("-", false) => self.lines(app).await,
            (_, true) => self.form(app).await,
            (key, false) => {
                let target = Target::parse(key)?;
                self.url(&target, app).await?;
                self.say_headers(&target, app)
            }
        }
    }

    fn method(&self) -> Method {
        if self.put { Method::Put } else { self.method }
    }

    /// Says what a request must carry, since whoever makes it gets no more than the URL.
    fn say_headers(&self, target: &Target, app: &mut App) -> Outcome {
        let store = app.store(target)?;
        for (name, value) in store.presigned_headers(&self.options(&store))? {
            app.report.summary(&format!(
                "note: the request must carry the header {}: {}",
                escaped(&name),
                escaped(&value)
            ));
        }
        Ok(())
    }

    async fn url(&self, target: &Target, app: &mut App) -> Outcome {
        let store = app.store(target)?;
        let options = self.options(&store);
        let url = store.presign(&target.key, &options).await?;
        let headers = store.presigned_headers(&options)?;
        Ok(self.print(&target.key, &url, &options, &headers, app)?)
    }

    fn options(&self, store: &Store) -> PresignOptions {
        PresignOptions {
            content_disposition: self.download_name.as_deref().map(attachment),
            content_type: self.content_type.clone(),
            ..PresignOptions::new(self.method().parts().0, store.settings().presign_expiration)
        }
    }

    fn print(
        &self,
        key: &str,
        url: &str,
        options: &PresignOptions,
        headers: &[(String, String)],
        app: &mut App,
    ) -> io::Result<()> {
        if app.globals.json {
            let (method, expires_seconds) = (self.method().parts().1, options.expires.as_secs());
            return app.out.json(&UrlRecord { key, method, url, expires_seconds, headers });
        }
        app.out.write_all(url.as_bytes())?;
        app.out.end_line()
    }

    /// Presigns each line of standard input, in order; one that is no key is reported and the rest go on.
    async fn lines(&self, app: &mut App) -> Outcome {
        let mut lines = Lines::of_stdin();
        let mut failed = false;
        while let Some(line) = lines.next().await? {
            match self.line(line, app).await {
                Err(Failure::Error(error)) if error.kind() == ErrorKind::InvalidInput => {
                    failed = true;
                    app.report.error(&error, Some(&String::from_utf8_lossy(line)));
                }
                other => other?,
            }
        }
        if failed { Err(Failure::Reported) } else { Ok(()) }
    }

    async fn line(&self, line: &[u8], app: &mut App) -> Outcome {
        self.url(&Target::parse(key_of(line)?)?, app).await
    }

    async fn form(&self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let store = app.store(&target)?;
        let content_type = self.content_type.iter().map(|text| ("Content-Type".to_owned(), text.clone()));
        let meta = self.meta.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone()));
        let policy = PostPolicy {
            key: target.key,
            expires: store.settings().presign_expiration,
            content_length: self.max_size.map(|most| (0, most)),
            fields: content_type.chain(self.field.iter().cloned()).chain(meta).collect(),
            starts_with: self.starts_with.clone(),
        };
        let form = store.presign_post(&policy).await?;
        Ok(print_form(&form, app)?)
    }
}

/// Prints the form's URL on the first line and each field as `name=value`, as `curl -F` takes them.
fn print_form(form: &PostForm, app: &mut App) -> io::Result<()> {
    if app.globals.json {
        return app.out.json(&FormRecord::from(form));
    }
    writeln!(app.out, "{}", form.url)?;
    for (name, value) in &form.fields {
        writeln!(app.out, "{name}={value}")?;
    }
    Ok(())
}

/// `Content-Disposition` for saving under a name; what ASCII cannot say goes into `filename*` (RFC 6266).
fn attachment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    let fallback: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut text =
        format!("attachment; filename=\"{}\"", fallback.replace('\\', "\\\\").replace('"', "\\\""));
    if !name.chars().all(plain) {
        text += "; filename*=UTF-8''";
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                write!(text, "%{byte:02X}").expect("a string takes all");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_name_cannot_leave_its_quotes() {
        let table = [
            ("a b.pdf", r#"attachment; filename="a b.pdf""#),
            (r#"a"\.pdf"#, r#"attachment; filename="a\"\\.pdf""#),
            ("\u{e9}\n", "attachment; filename=\"__\"; filename*=UTF-8''%C3%A9%0A"),
        ];
        for (name, header) in table {
            assert_eq!(attachment(name), header);
        }
    }
}
