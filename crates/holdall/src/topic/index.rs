//! The URLs of a topic's files, and which of them are its scenes' and its own.

use super::roles::scene_of;
use super::{Role, Roles, Slug, Title};
use holdall_store::{Key, PresignMethod, PresignOptions, Result, State, Store};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

const SCHEMA: &str = "holdall.urls/1";

/// A file of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Artifact {
    /// Its path below the topic, which is that in its folder.
    pub path: String,
    /// Its key in the store.
    pub key: String,
    /// What it is to the topic.
    pub role: Role,
    /// The scene that it is of.
    pub scene: Option<u32>,
    /// Its size in bytes.
    pub size: u64,
    /// `stored`, or `queued` while it waits in the outbox of this machine: its URL answers nothing before it is drained.
    pub state: &'static str,
    /// Where it can be read: at any time, or where the index was asked for with an expiry until then. None where there is
    /// no such URL.
    pub s3_url: Option<String>,
}

/// A scene of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Scene {
    /// Its number.
    pub scene: u32,
    /// The URL of its video.
    pub s3_url: Option<String>,
    /// The URL of what it was made from.
    pub source_code_s3_url: Option<String>,
}

/// Where a topic's files can be read: `holdall.urls/1`.
///
/// Where several files of a scene have one role, the last counts, by paths in which numbers are compared as numbers:
/// `scene1_v10.py` rather than `scene1_v9.py`, `1080p60` rather than `480p15`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UrlIndex {
    schema: &'static str,
    /// The topic's slug.
    pub topic: Slug,
    /// Its title, where somebody said it.
    pub title: Option<Title>,
    /// For how long the URLs are good, from when the index was made; none for URLs that do not expire.
    pub expires_seconds: Option<u64>,
    /// The URL of the video of the whole topic.
    pub combined_video_s3_url: Option<String>,
    /// The URL of what the topic was made from, besides its scenes.
    pub source_code_s3_url: Option<String>,
    /// Its scenes, by their numbers.
    pub scenes: Vec<Scene>,
    /// All of its files, in the bytewise order of their paths.
    pub artifacts: Vec<Artifact>,
}

impl UrlIndex {
    /// The scene of a number.
    pub fn scene(&self, scene: u32) -> Option<&Scene> {
        self.scenes.iter().find(|other| other.scene == scene)
    }

    pub(super) fn new(
        topic: Slug,
        title: Option<Title>,
        expires: Option<Duration>,
        mut artifacts: Vec<Artifact>,
    ) -> Self {
        artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        let mut scenes: BTreeMap<u32, Scene> = BTreeMap::new();
        for artifact in artifacts.iter().filter(|artifact| is_of_a_scene(artifact)) {
            let number = artifact.scene.unwrap_or_default();
            scenes.entry(number).or_insert_with(|| Scene { scene: number, ..Scene::default() });
        }
        for scene in scenes.values_mut() {
            scene.s3_url = best(&artifacts, Role::SCENE, Some(scene.scene));
            scene.source_code_s3_url = best(&artifacts, Role::SOURCE, Some(scene.scene));
        }
        Self {
            schema: SCHEMA,
            topic,
            title,
            expires_seconds: expires.map(|expires| expires.as_secs()),
            combined_video_s3_url: best_of_any(&artifacts, Role::COMBINED_VIDEO),
            source_code_s3_url: best(&artifacts, Role::SOURCE, None),
            scenes: scenes.into_values().collect(),
            artifacts,
        }
    }
}

/// Whether a file makes a scene one that the index tells of.
fn is_of_a_scene(artifact: &Artifact) -> bool {
    artifact.scene.is_some() && [Role::SCENE, Role::SOURCE].contains(&artifact.role.as_str())
}

/// The URL of the last file of a role and a scene, or of a role and no scene.
fn best(artifacts: &[Artifact], role: &str, scene: Option<u32>) -> Option<String> {
    let of_it = artifacts.iter().filter(|one| one.role.as_str() == role && one.scene == scene);
    of_it.max_by(|a, b| natural(&a.path, &b.path)).and_then(|one| one.s3_url.clone())
}

fn best_of_any(artifacts: &[Artifact], role: &str) -> Option<String> {
    let of_it = artifacts.iter().filter(|one| one.role.as_str() == role);
    of_it.max_by(|a, b| natural(&a.path, &b.path)).and_then(|one| one.s3_url.clone())
}

/// Compares paths, and numbers in them as numbers; those that differ in zeros before numbers alone, bytewise.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (one, other) = (next(&mut left), next(&mut right));
        let order = match (one, other) {
            (None, None) => return a.cmp(b),
            (Some(Piece::Number(one)), Some(Piece::Number(other))) => {
                (one.len(), one).cmp(&(other.len(), other))
            }
            (one, other) => one.map(Piece::text).cmp(&other.map(Piece::text)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A piece of a path.
#[derive(Clone, Copy)]
enum Piece<'a> {
    /// Digits, without zeros before them.
    Number(&'a str),
    Text(&'a str),
}

impl<'a> Piece<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Number(text) | Self::Text(text) => text,
        }
    }
}

/// Takes the next piece off a path.
fn next<'a>(rest: &mut &'a str) -> Option<Piece<'a>> {
    let is_number = rest.chars().next()?.is_ascii_digit();
    let end = rest.find(|c: char| c.is_ascii_digit() != is_number).unwrap_or(rest.len());
    let (piece, after) = rest.split_at(end);
    *rest = after;
    Some(if is_number { Piece::Number(piece.trim_start_matches('0')) } else { Piece::Text(piece) })
}

/// Makes artifacts of what is known of objects.
pub(super) struct Indexing<'a> {
    pub(super) store: &'a Store,
    pub(super) roles: &'a Roles,
    pub(super) expires: Option<Duration>,
}

impl Indexing<'_> {
    pub(super) async fn artifact(&self, path: &str, key: &Key, size: u64, state: State) -> Result<Artifact> {
        Ok(Artifact {
            path: path.to_owned(),
            key: key.to_string(),
            role: self.roles.of(path),
            scene: scene_of(path),
            size,
            state: state.as_str(),
            s3_url: self.url(key).await?,
        })
    }

    async fn url(&self, key: &Key) -> Result<Option<String>> {
        match self.expires {
            Some(expires) => {
                let options = PresignOptions::new(PresignMethod::Get, expires);
                self.store.presign(key.as_str(), &options).await.map(Some)
            }
            None => self.store.lasting_url(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(path: &str) -> Artifact {
        Artifact {
            path: path.to_owned(),
            key: format!("topics/t/{path}"),
            role: Roles::default().of(path),
            scene: scene_of(path),
            size: 1,
            state: "stored",
            s3_url: Some(format!("u/{path}")),
        }
    }

    fn index(paths: &[&str]) -> UrlIndex {
        let artifacts = paths.iter().map(|path| artifact(path)).collect();
        UrlIndex::new(Slug::parse("t").unwrap(), None, None, artifacts)
    }

    #[test]
    fn top_10_a_topic_and_its_scenes_answer_their_urls() {
        let index = index(&[
            "scene10/Scene10.mp4",
            "scene2/code/scene2_v9.py",
            "scene2/code/scene2_v10.py",
            "scene2/480p15/Scene2.mp4",
            "scene2/1080p60/Scene2.mp4",
            "scene2/partial_movie_files/x.mp4",
            "scene3/notes.txt",
            "t_combined.mp4",
            "main.tex",
        ]);
        assert_eq!(index.combined_video_s3_url.as_deref(), Some("u/t_combined.mp4"));
        assert_eq!(index.source_code_s3_url.as_deref(), Some("u/main.tex"));
        let numbers: Vec<u32> = index.scenes.iter().map(|scene| scene.scene).collect();
        assert_eq!(numbers, [2, 10], "a scene of notes alone has nothing to answer");
        let two = index.scene(2).unwrap();
        assert_eq!(two.s3_url.as_deref(), Some("u/scene2/1080p60/Scene2.mp4"));
        assert_eq!(two.source_code_s3_url.as_deref(), Some("u/scene2/code/scene2_v10.py"));
        assert_eq!(index.scene(10).unwrap().source_code_s3_url, None);
        assert!(index.artifacts.is_sorted_by(|a, b| a.path < b.path));
    }

    #[test]
    fn a_topic_without_videos_has_no_urls_of_them() {
        let index = index(&["a.txt"]);
        assert_eq!(
            (index.combined_video_s3_url, index.source_code_s3_url, index.scenes.len()),
            (None, None, 0)
        );
    }

    #[test]
    fn numbers_in_paths_are_compared_as_numbers() {
        let sorted =
            ["a", "a1", "a02", "a2", "a2b", "a10", "b", "b99999999999999999999", "b100000000000000000000"];
        for pair in sorted.windows(2) {
            assert_eq!(natural(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(natural(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(natural("a0", "a0"), Ordering::Equal);
    }

    #[test]
    fn an_index_is_written_as_it_always_was() {
        let golden = include_str!("testdata/urls-1.json");
        let index = index(&["scene1/Scene1.mp4", "t_combined.mp4"]);
        assert_eq!(serde_json::to_string_pretty(&index).unwrap() + "\n", golden);
    }
}
