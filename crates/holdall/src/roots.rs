//! Where in a store collections lie.

use holdall_store::{Error, ErrorKind, Key, Prefix, Result, Settings};

/// A kind of collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Collection {
    /// Steps of agents, by session.
    Sessions,
    /// Evidence of decisions.
    Evidence,
    /// Files that belong to evidence.
    Attachments,
    /// Output folders.
    Topics,
    /// Documents of jobs.
    Documents,
    /// Artifacts of runs.
    Runs,
}

impl Collection {
    const ALL: [Self; 6] =
        [Self::Sessions, Self::Evidence, Self::Attachments, Self::Topics, Self::Documents, Self::Runs];

    /// Its name in settings, which is also the folder it lies in unless they say otherwise.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Evidence => "evidence",
            Self::Attachments => "attachments",
            Self::Topics => "topics",
            Self::Documents => "documents",
            Self::Runs => "runs",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|collection| collection.as_str() == text)
    }
}

/// A place in a store below which a collection keeps everything: empty, or with a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Root(Prefix);

impl Root {
    /// The place that the settings give a collection.
    ///
    /// ```
    /// use holdall::{Collection, Root, Settings};
    /// let settings = Settings::default();
    /// assert_eq!(Root::of(Collection::Sessions, &settings)?.as_str(), "sessions/");
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` where the settings name a collection that there is not, or give two collections places of which one lies
    /// in the other. A collection may have the whole store if the settings name no other.
    pub fn of(collection: Collection, settings: &Settings) -> Result<Self> {
        let mut named = Vec::new();
        for (name, root) in &settings.roots {
            let known = Collection::parse(name).ok_or_else(|| no_collection(name))?;
            named.push((known, Self(root.clone())));
        }
        let default = |collection: Collection| Self::parse(collection.as_str());
        let is_named = |collection| named.iter().any(|(known, _)| *known == collection);
        let mut others = Vec::new();
        for other in Collection::ALL.into_iter().filter(|other| !is_named(*other)) {
            others.push((other, default(other)?));
        }
        for (n, (one, root)) in named.iter().enumerate() {
            let unnamed = others.iter().filter(|_| !root.as_str().is_empty());
            for (other, at) in named[n + 1..].iter().chain(unnamed) {
                if root.overlaps(at) {
                    return Err(overlapping((*one, root), (*other, at)));
                }
            }
        }
        match named.into_iter().find(|(known, _)| *known == collection) {
            Some((_, root)) => Ok(root),
            None => default(collection),
        }
    }

    /// A place of one's own choice; slashes around it do not count.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what no key can begin with.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim_matches('/');
        let text = if text.is_empty() { String::new() } else { format!("{text}/") };
        Prefix::parse(&text).map(Self)
    }

    /// The place as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// A key below it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key that is too long.
    pub fn key(&self, rest: &str) -> Result<Key> {
        self.0.join(rest)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.as_str().starts_with(other.as_str()) || other.as_str().starts_with(self.as_str())
    }
}

fn no_collection(name: &str) -> Error {
    let names: Vec<&str> = Collection::ALL.into_iter().map(Collection::as_str).collect();
    Error::new(ErrorKind::Config, "the setting `roots` names a collection that there is not")
        .with_fact("named", format_args!("{name:?}"))
        .with_fact("known", names.join(","))
}

fn overlapping((one, root): (Collection, &Root), (other, at): (Collection, &Root)) -> Error {
    Error::new(ErrorKind::Config, "two collections would lie in one another")
        .with_fact(one.as_str(), format_args!("{:?}", root.as_str()))
        .with_fact(other.as_str(), format_args!("{:?}", at.as_str()))
        .with_hint("give each a folder of its own in the setting `roots`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn settings(roots: &[(&str, &str)]) -> Settings {
        let roots: BTreeMap<String, Prefix> =
            roots.iter().map(|(name, root)| ((*name).to_owned(), Root::parse(root).unwrap().0)).collect();
        Settings { roots, ..Settings::default() }
    }

    fn of(collection: Collection, roots: &[(&str, &str)]) -> std::result::Result<String, ErrorKind> {
        let root = Root::of(collection, &settings(roots));
        root.map(|root| root.as_str().to_owned()).map_err(|error| error.kind())
    }

    #[test]
    fn a_collection_lies_in_its_own_folder_unless_settings_say_otherwise() {
        assert_eq!(of(Collection::Attachments, &[]).as_deref(), Ok("attachments/"));
        let planning = [("documents", "planning")];
        assert_eq!(of(Collection::Documents, &planning).as_deref(), Ok("planning/"));
        assert_eq!(of(Collection::Runs, &planning).as_deref(), Ok("runs/"));
        assert_eq!(of(Collection::Sessions, &[("sessions", "")]).as_deref(), Ok(""));
    }

    #[test]
    fn collections_that_would_lie_in_one_another_are_refused() {
        for roots in [
            &[("documents", "planning"), ("runs", "planning/runs")][..],
            &[("documents", ""), ("runs", "r")],
            &[("documents", "sessions/old")],
            &[("topics", "a"), ("runs", "a")],
            &[("documentation", "a")],
        ] {
            assert_eq!(of(Collection::Evidence, roots), Err(ErrorKind::Config), "{roots:?}");
        }
        // A folder's name may begin as another's does.
        assert_eq!(of(Collection::Runs, &[("runs", "sessions-old")]).as_deref(), Ok("sessions-old/"));
    }
}
