//! What each server is known to do: one table.

use super::capability::Capability::{self, *};
use crate::plain_http;

/// How a server treats a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    /// As it should.
    Works,
    /// It answers with success and does nothing of the kind.
    Ignored,
    /// It says that it does not.
    Refused,
    /// It does something else.
    Broken,
}

impl Value {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Broken => "broken",
        }
    }
}

/// One server's treatment of one capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// How it is treated.
    pub value: Value,
    /// What exactly happens, where it does not work.
    pub note: &'static str,
}

const WORKS: Cell = Cell { value: Value::Works, note: "" };

const fn ignored(note: &'static str) -> Cell {
    Cell { value: Value::Ignored, note }
}

const fn refused(note: &'static str) -> Cell {
    Cell { value: Value::Refused, note }
}

const fn broken(note: &'static str) -> Cell {
    Cell { value: Value::Broken, note }
}

/// The servers of the table, in the order of its columns.
const SERVERS: [&str; 5] = ["memory", "folder", "ceph", "s3s-fs", "moto"];

const REPLACED: &str = "the object is replaced";
const LAX: &str = "stale parts are taken, gaps refused; 403 for what is gone";
const PLAIN: &str = "objects are not encrypted";
const NO_TAGS: &str = "there are none";
const NO_SERVICE: &str = "no service would answer";

type Row = (Capability, [Cell; 5]);

const fn everywhere(capability: Capability) -> Row {
    (capability, [WORKS; 5])
}

const TABLE: &[Row] = &[
    (PutIfAbsent, [WORKS, WORKS, WORKS, broken("several of 16 racers win"), WORKS]),
    (PutIfMatch, [WORKS, WORKS, WORKS, broken("several of 16 racers win"), WORKS]),
    (CompleteIfAbsent, [WORKS, WORKS, ignored(REPLACED), broken("several of 16 racers win"), WORKS]),
    (
        CompleteIfMatch,
        [WORKS, WORKS, ignored(REPLACED), broken("several of 16 racers win"), ignored(REPLACED)],
    ),
    (CopyConditions, [WORKS, WORKS, WORKS, broken("412 even on a match"), WORKS]),
    (ReadConditions, [WORKS, WORKS, WORKS, ignored("all reads are answered"), WORKS]),
    (
        ReadCombinations,
        [WORKS, WORKS, WORKS, ignored("all reads are answered"), broken("time decides over ETag")],
    ),
    everywhere(Ranges),
    (LastBytes, [WORKS, WORKS, WORKS, broken("500 where there are fewer"), WORKS]),
    (RangesOfNothing, [WORKS, WORKS, WORKS, broken("500"), ignored("the whole is answered")]),
    (AtomicPut, [WORKS, WORKS, WORKS, broken("bytes and metadata are written apart"), WORKS]),
    everywhere(Multipart),
    (StrictUploads, [WORKS, WORKS, WORKS, broken(LAX), WORKS]),
    (ListUploads, [refused(NO_SERVICE), refused(NO_SERVICE), WORKS, refused("501"), WORKS]),
    (
        UploadAges,
        [refused(NO_SERVICE), refused(NO_SERVICE), WORKS, refused("501"), broken("all are of 2010")],
    ),
    everywhere(DeleteBatch),
    everywhere(ListPages),
    (EncodedListings, [WORKS, WORKS, WORKS, broken("says that names are encoded and encodes none"), WORKS]),
    (ListedEtags, [WORKS, WORKS, WORKS, ignored("there are none"), WORKS]),
    (LongDelimiter, [WORKS, WORKS, WORKS, broken("only its first character counts"), WORKS]),
    everywhere(StartAfter),
    everywhere(ByteOrder),
    everywhere(StandardHeaders),
    (OddMetadata, [WORKS, WORKS, WORKS, broken("blanks at the ends are lost"), WORKS]),
    (UnderscoreNames, [WORKS, WORKS, broken("becomes a dash"), WORKS, WORKS]),
    (UnderscoreTwins, [WORKS, WORKS, refused("403"), WORKS, ignored("the one with `_` is dropped")]),
    (StorageClass, [WORKS, WORKS, refused("400 unless it is configured"), refused("400"), WORKS]),
    (Tags, [WORKS, WORKS, WORKS, ignored(NO_TAGS), WORKS]),
    (UploadTags, [WORKS, WORKS, ignored(NO_TAGS), ignored(NO_TAGS), WORKS]),
    (CopyTags, [WORKS, WORKS, broken("lost with the metadata, and not replaced"), ignored(NO_TAGS), WORKS]),
    (Acl, [WORKS, WORKS, WORKS, ignored("objects stay as they are"), WORKS]),
    (
        EncryptionKms,
        [refused("memory encrypts nothing"), refused("nothing is encrypted"), WORKS, ignored(PLAIN), WORKS],
    ),
    (
        EncryptionS3,
        [
            refused("memory encrypts nothing"),
            refused("nothing is encrypted"),
            ignored(PLAIN),
            ignored(PLAIN),
            WORKS,
        ],
    ),
    (
        EncryptionCustomer,
        [
            refused("memory encrypts nothing"),
            refused("nothing is encrypted"),
            WORKS,
            ignored(PLAIN),
            ignored(PLAIN),
        ],
    ),
    (
        Signatures,
        [
            ignored("there are no keys"),
            ignored("there are no keys"),
            WORKS,
            WORKS,
            ignored("signatures are not checked"),
        ],
    ),
    (
        MissingBucket,
        [
            ignored("every name is a store"),
            ignored("a put makes the folder"),
            WORKS,
            broken("a put makes the bucket"),
            WORKS,
        ],
    ),
    (Presign, [refused(NO_SERVICE), refused(NO_SERVICE), WORKS, WORKS, WORKS]),
    (ResponseOverrides, [refused(NO_SERVICE), refused(NO_SERVICE), WORKS, WORKS, WORKS]),
    (PostForm, [refused(NO_SERVICE), refused(NO_SERVICE), WORKS, WORKS, WORKS]),
    (PostLimits, [refused(NO_SERVICE), refused(NO_SERVICE), WORKS, WORKS, ignored("any size is taken")]),
    (PostEncryption, [refused(NO_SERVICE), refused(NO_SERVICE), WORKS, ignored(PLAIN), ignored(PLAIN)]),
    (
        Versions,
        [
            WORKS,
            WORKS,
            WORKS,
            refused("501"),
            broken("marks are listed behind all objects, `null` is refused"),
        ],
    ),
    (
        ObjectLock,
        [
            refused("nothing is locked"),
            refused("nothing is locked"),
            WORKS,
            refused("501"),
            broken("500 to who asks for a retention"),
        ],
    ),
    everywhere(SpecialKeys),
    (DotSegments, [WORKS, WORKS, WORKS, broken("500, or another object"), WORKS]),
    (EmptySegments, [WORKS, WORKS, WORKS, broken("500, or another object"), WORKS]),
    (FolderKeys, [WORKS, WORKS, WORKS, refused("unless the object is empty"), WORKS]),
    (NestedKeys, [WORKS, WORKS, WORKS, refused("500"), WORKS]),
    (ControlKeys, [WORKS, WORKS, WORKS, WORKS, broken("404 to a put")]),
    (LongKeys, [WORKS, WORKS, WORKS, refused("500: names of files are shorter"), WORKS]),
];

/// What is known of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    server: &'static str,
    /// Its column; none for a server that nothing is known of, which is held to everything.
    column: Option<usize>,
}

impl Profile {
    /// The profile of a server by name; a name that is not in the table is held to everything.
    pub fn of(name: &str) -> Self {
        let column = SERVERS.iter().position(|server| *server == name);
        Self { server: column.map_or("unknown", |column| SERVERS[column]), column }
    }

    /// The profile of the server at an endpoint, as far as its answers give it away.
    pub fn detect(endpoint: &str) -> Self {
        let Ok(answer) = plain_http::send("GET", endpoint, &[], &[]) else { return Self::of("unknown") };
        let begins = |name: &str, with: &str| answer.header(name).is_some_and(|v| v.starts_with(with));
        if begins("server", "Ceph") || begins("x-amz-request-id", "tx00000") {
            return Self::of("ceph");
        }
        if begins("server", "Werkzeug") {
            return Self::of("moto");
        }
        Self::of("unknown")
    }

    /// Whether nothing is known of the server.
    pub fn is_unknown(&self) -> bool {
        self.column.is_none()
    }

    /// Every profile of the table.
    pub fn all() -> Vec<Self> {
        SERVERS.iter().map(|name| Self::of(name)).collect()
    }

    /// The server's name.
    pub fn server(&self) -> &'static str {
        self.server
    }

    /// How the server treats a capability.
    pub fn cell(&self, capability: Capability) -> Cell {
        let Some(column) = self.column else { return WORKS };
        TABLE.iter().find(|(row, _)| *row == capability).map_or(WORKS, |(_, cells)| cells[column])
    }

    /// What the server cannot do.
    pub fn absent(&self) -> Vec<Capability> {
        let works = |capability: &Capability| self.cell(*capability).value == Value::Works;
        Capability::ALL.into_iter().filter(|capability| !works(capability)).collect()
    }

    /// Why a case with these needs means nothing here; none where it does.
    pub fn lacks(&self, needs: &[Capability]) -> Option<String> {
        let lacking = needs.iter().find(|need| self.cell(**need).value != Value::Works)?;
        let cell = self.cell(*lacking);
        Some(format!("{lacking:?} is {} by {}: {}", cell.value.as_str(), self.server, cell.note))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scope;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_capability_has_one_row() {
        let rows: Vec<Capability> = TABLE.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, Capability::ALL.to_vec());
        assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len());
    }

    #[test]
    fn every_capability_is_needed_by_a_case() {
        let needed: BTreeSet<Capability> =
            super::super::cases().iter().flat_map(|case| case.needs.iter().copied()).collect();
        for capability in Capability::ALL {
            assert!(needed.contains(&capability), "{capability:?}");
        }
    }

    #[test]
    fn every_yes_is_proved_by_a_case_that_runs_there() {
        for profile in Profile::all() {
            let here = match profile.server() {
                "memory" => Scope::Memory,
                "folder" => Scope::Everywhere,
                _ => Scope::Service,
            };
            let runs: Vec<_> = super::super::cases()
                .into_iter()
                .filter(|case| case.scope == Scope::Everywhere || case.scope == here)
                .filter(|case| profile.lacks(case.needs).is_none())
                .collect();
            for capability in Capability::ALL {
                let works = profile.cell(capability).value == Value::Works;
                let proved = runs.iter().any(|case| case.needs.contains(&capability));
                assert!(proved || !works, "{capability:?} of {}", profile.server());
            }
        }
    }

    #[test]
    fn what_does_not_work_says_how() {
        for (capability, cells) in TABLE {
            for cell in cells {
                assert_eq!(cell.note.is_empty(), cell.value == Value::Works, "{capability:?}");
            }
        }
    }

    #[test]
    fn an_unknown_server_is_held_to_everything() {
        assert!(Profile::of("nobody-knows").absent().is_empty());
        assert!(Profile::of("ceph").lacks(&[StorageClass]).is_some_and(|why| why.contains("400")));
    }
}
