//! URL indexes as CSV and JSON, for a datastore.

use super::{Artifact, UrlIndex};
use holdall_store::{Error, ErrorKind, Result};

/// In which form indexes are written; always in UTF-8, and names as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexFormat {
    /// A row for each file, by RFC 4180: a line of names first, lines end with CR and LF.
    Csv,
    /// One array of indexes, each on a line.
    Json,
    /// An index on each line, and no more.
    Ndjson,
}

/// The text of indexes, one after the other.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use holdall::topic::{IndexFormat, IndexText, Roles, Topics};
/// use holdall::{Settings, Store};
///
/// let store = Store::memory();
/// let topic = Topics::open(&store, &Settings::default())?.topic("Sets")?;
/// store.put("topics/sets/a, b.py", "x").await?;
/// let mut text = IndexText::new(IndexFormat::Csv);
/// let mut lines = text.begin().to_owned();
/// lines += &text.index(&topic.urls(&Roles::default(), None).await?)?;
/// lines += text.end();
/// assert!(lines.contains("\r\nsets,Sets,\"a, b.py\",\"topics/sets/a, b.py\",source,"));
/// # Ok::<(), holdall::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct IndexText {
    format: IndexFormat,
    is_first: bool,
}

const HEAD: &str =
    "topic,title,path,key,role,scene,size,state,s3_url,source_code_s3_url,combined_video_s3_url\r\n";

impl IndexText {
    /// Begins a text.
    pub fn new(format: IndexFormat) -> Self {
        Self { format, is_first: true }
    }

    /// What comes before the indexes.
    pub fn begin(&self) -> &'static str {
        match self.format {
            IndexFormat::Csv => HEAD,
            IndexFormat::Json => "[\n",
            IndexFormat::Ndjson => "",
        }
    }

    /// An index, with the ends of its lines.
    ///
    /// # Errors
    ///
    /// None that is known; `Io` for what cannot be put into words.
    pub fn index(&mut self, index: &UrlIndex) -> Result<String> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if self.format == IndexFormat::Csv {
            return Ok(index.artifacts.iter().map(|artifact| row(index, artifact)).collect());
        }
        let json = serde_json::to_string(index)
            .map_err(|e| Error::new(ErrorKind::Io, "the index cannot be put into words").with_source(e))?;
        // The comma comes with the index that needs it: whether another follows is not known before.
        let comma = if self.format == IndexFormat::Json && !is_first { "," } else { "" };
        Ok(format!("{comma}{json}\n"))
    }

    /// What comes after the indexes. Without it an array is not closed, and no reader takes it for whole.
    pub fn end(&self) -> &'static str {
        if self.format == IndexFormat::Json { "]\n" } else { "" }
    }
}

/// A file with the URLs of its scene and its topic.
fn row(index: &UrlIndex, artifact: &Artifact) -> String {
    let scene = artifact.scene.map(|scene| scene.to_string());
    let source = match artifact.scene {
        Some(scene) => index.scene(scene).and_then(|scene| scene.source_code_s3_url.as_deref()),
        None => index.source_code_s3_url.as_deref(),
    };
    let size = artifact.size.to_string();
    let cells = [
        Some(index.topic.as_str()),
        index.title.as_ref().map(|title| title.as_str()),
        Some(&artifact.path),
        Some(&artifact.key),
        Some(artifact.role.as_str()),
        scene.as_deref(),
        Some(&size),
        Some(artifact.state),
        artifact.s3_url.as_deref(),
        source,
        index.combined_video_s3_url.as_deref(),
    ];
    let cells: Vec<String> = cells.into_iter().map(|cell| quoted(cell.unwrap_or_default())).collect();
    cells.join(",") + "\r\n"
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::{Roles, Topics};
    use holdall_store::{Settings, Store};

    async fn text(format: IndexFormat) -> String {
        let settings = Settings { public_base_url: Some("https://cdn".to_owned()), ..Settings::default() };
        let store = Store::open("memory://", &settings).unwrap();
        for key in ["scene1/Scene1.mp4", "scene1/s.py", "a \"b\"\n.txt", "all_combined.mp4"] {
            store.put(&format!("topics/t/{key}"), "x").await.unwrap();
        }
        let topics = Topics::open(&store, &settings).unwrap();
        let mut text = IndexText::new(format);
        let mut all = text.begin().to_owned();
        for title in ["T", "U"] {
            let index = topics.topic(title).unwrap().urls(&Roles::default(), None).await.unwrap();
            all += &text.index(&index).unwrap();
        }
        all + text.end()
    }

    /// TOP-10, TOP-11
    #[tokio::test]
    async fn rows_have_the_urls_of_their_file_scene_and_topic() {
        let csv = text(IndexFormat::Csv).await;
        let rows: Vec<&str> = csv.split("\r\n").collect();
        assert_eq!(rows.len(), 6, "{csv}");
        assert!(rows[1].starts_with("t,T,\"a \"\"b\"\"\n.txt\","), "{csv}");
        assert_eq!(
            rows[3],
            "t,T,scene1/Scene1.mp4,topics/t/scene1/Scene1.mp4,scene,1,1,stored,\
             https://cdn/topics/t/scene1/Scene1.mp4,https://cdn/topics/t/scene1/s.py,\
             https://cdn/topics/t/all_combined.mp4"
        );
    }

    /// TOP-11
    #[tokio::test]
    async fn json_is_an_array_or_a_line_each() {
        let array: serde_json::Value = serde_json::from_str(&text(IndexFormat::Json).await).unwrap();
        assert_eq!(array.as_array().unwrap().len(), 2);
        assert_eq!(text(IndexFormat::Ndjson).await.lines().count(), 2);
        assert!(
            serde_json::from_str::<serde_json::Value>(IndexText::new(IndexFormat::Json).begin()).is_err()
        );
    }
}
