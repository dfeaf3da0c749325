//! Every operation in one form, so that every fault can meet every one of them.

use holdall_s3::{
    Client, CompletedPart, CopyOptions, CopySource, DeleteOptions, DeleteTarget, Error, GetOptions,
    ListOptions, PartCopyOptions, PutOptions, UploadHandle, Versioning, WriteCondition,
};
use holdall_testing::fault::Kind;

use super::{BUCKET, World};

pub(crate) const BODY: &[u8] = b"the bytes of an object, as they were put";

/// An operation with something to do: an object `k`, two more, and an upload of `big` with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Put,
    Get,
    Head,
    Delete,
    DeleteBatch,
    Copy,
    List,
    CreateUpload,
    UploadPart,
    UploadPartCopy,
    Complete,
    Abort,
    ListParts,
    ListUploads,
    HeadBucket,
    Location,
    Versions,
}

/// An upload that was begun while the server was still good.
pub(crate) struct Begun {
    pub(crate) upload: UploadHandle,
    pub(crate) part: CompletedPart,
}

/// Fills a server and begins an upload.
pub(crate) async fn prepare(world: &World) -> Begun {
    for key in ["k", "gone/1", "gone/2"] {
        world.server.put_object(BUCKET, key, BODY);
    }
    let client = world.client(|_| ());
    let upload = client.create_upload("big", &PutOptions::default()).await.unwrap();
    let sent = client.upload_part(&upload, 1, BODY.into()).await.unwrap();
    world.server.clear_log();
    Begun { upload, part: CompletedPart { number: 1, etag: sent.etag, checksum: None } }
}

impl Op {
    pub(crate) const ALL: [Self; 17] = [
        Self::Put,
        Self::Get,
        Self::Head,
        Self::Delete,
        Self::DeleteBatch,
        Self::Copy,
        Self::List,
        Self::CreateUpload,
        Self::UploadPart,
        Self::UploadPartCopy,
        Self::Complete,
        Self::Abort,
        Self::ListParts,
        Self::ListUploads,
        Self::HeadBucket,
        Self::Location,
        Self::Versions,
    ];

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Put => Kind::PutObject,
            Self::Get => Kind::GetObject,
            Self::Head => Kind::HeadObject,
            Self::Delete => Kind::DeleteObject,
            Self::DeleteBatch => Kind::DeleteObjects,
            Self::Copy => Kind::CopyObject,
            Self::List => Kind::ListObjects,
            Self::CreateUpload => Kind::CreateMultipartUpload,
            Self::UploadPart => Kind::UploadPart,
            Self::UploadPartCopy => Kind::UploadPartCopy,
            Self::Complete => Kind::CompleteMultipartUpload,
            Self::Abort => Kind::AbortMultipartUpload,
            Self::ListParts => Kind::ListParts,
            Self::ListUploads => Kind::ListMultipartUploads,
            Self::HeadBucket => Kind::HeadBucket,
            Self::Location => Kind::GetBucketLocation,
            Self::Versions => Kind::GetBucketVersioning,
        }
    }

    /// Whether its answer has a body that says something.
    pub(crate) fn answers_with_a_body(self) -> bool {
        !matches!(
            self,
            Self::Put | Self::Head | Self::Delete | Self::UploadPart | Self::Abort | Self::HeadBucket
        )
    }

    /// Whether the server may take its time, because it moves bytes before it answers.
    pub(crate) fn is_waited_for(self) -> bool {
        matches!(self, Self::Copy | Self::UploadPartCopy | Self::Complete)
    }

    /// Does it, and panics when a success is a wrong answer.
    pub(crate) async fn run(self, client: &Client, begun: &Begun) -> Result<(), Error> {
        let upload = &begun.upload;
        match self {
            Self::Put => client.put("new", BODY.into(), &PutOptions::default()).await.map(drop),
            Self::Get => {
                let got = super::get(client, "k", &GetOptions::default()).await?;
                assert_eq!(got, BODY, "wrong bytes");
                Ok(())
            }
            Self::Head => {
                let head = client.head("k", &GetOptions::default()).await?;
                assert_eq!(head.size, BODY.len() as u64, "wrong size");
                Ok(())
            }
            Self::Delete => client.delete("gone/1", &DeleteOptions::default()).await.map(drop),
            Self::DeleteBatch => delete_batch(client).await,
            Self::Copy => client.copy(&CopySource::new("k"), "copy", &CopyOptions::default()).await.map(drop),
            Self::List => {
                let keys = list(client, ListOptions::default()).await?;
                assert_eq!(keys, ["gone/1", "gone/2", "k"], "wrong listing");
                Ok(())
            }
            Self::CreateUpload => {
                let upload = client.create_upload("another", &PutOptions::default()).await?;
                assert!(!upload.id.is_empty());
                Ok(())
            }
            Self::UploadPart => client.upload_part(upload, 2, BODY.into()).await.map(drop),
            Self::UploadPartCopy => {
                let options = PartCopyOptions { source: CopySource::new("k"), range: None };
                client.upload_part_copy(upload, 2, &options).await.map(drop)
            }
            Self::Complete => {
                let parts = [begun.part.clone()];
                client.complete_upload(upload, &parts, &WriteCondition::Always).await.map(drop)
            }
            Self::Abort => client.abort_upload(upload).await,
            Self::ListParts => {
                let list = client.list_parts(upload, None).await?;
                assert_eq!((list.parts.len(), list.next), (1, None), "wrong parts");
                Ok(())
            }
            Self::ListUploads => {
                let list = client.list_uploads("", None).await?;
                assert_eq!((list.uploads.len(), list.next), (1, None), "wrong uploads");
                Ok(())
            }
            Self::HeadBucket => client.head_bucket().await,
            Self::Location => client.bucket_location().await.map(|region| assert_eq!(region, "us-east-1")),
            Self::Versions => {
                client.versioning().await.map(|versioning| assert_eq!(versioning, Versioning::Off))
            }
        }
    }

    /// Whether the server shows what the operation does.
    pub(crate) async fn is_done(self, world: &World, begun: &Begun) -> bool {
        let has = |key: &str| world.stored(key).as_deref() == Some(BODY);
        match self {
            Self::Put => has("new"),
            Self::Copy => has("copy"),
            Self::Complete => has("big"),
            Self::Delete => world.stored("gone/1").is_none(),
            Self::DeleteBatch => world.stored("gone/1").is_none() && world.stored("gone/2").is_none(),
            Self::CreateUpload => world.server.uploads().values().any(|key| key == "another"),
            Self::Abort => !world.server.uploads().contains_key(&begun.upload.id),
            Self::UploadPart | Self::UploadPartCopy => {
                let list = world.client(|_| ()).list_parts(&begun.upload, None).await.unwrap();
                list.parts.iter().any(|part| part.number == 2 && part.size == BODY.len() as u64)
            }
            _ => true,
        }
    }

    /// Panics when the server holds anything that nobody asked for.
    pub(crate) fn assert_nothing_else_changed(self, world: &World) {
        for (key, object) in world.server.objects(BUCKET) {
            assert_eq!(object.bytes, BODY, "{self:?} left other bytes in {key}");
        }
        let keys: Vec<String> = world.server.objects(BUCKET).into_keys().collect();
        let mut allowed = vec!["gone/1", "gone/2", "k"];
        allowed.extend(match self {
            Self::Put => Some("new"),
            Self::Copy => Some("copy"),
            Self::Complete => Some("big"),
            _ => None,
        });
        assert!(keys.iter().all(|key| allowed.contains(&key.as_str())), "{self:?} made {keys:?}");
        let missing = allowed.iter().take(3).filter(|key| !keys.iter().any(|have| have == *key));
        let may_go: &[&&str] = match self {
            Self::Delete => &[&"gone/1"],
            Self::DeleteBatch => &[&"gone/1", &"gone/2"],
            _ => &[],
        };
        assert!(missing.clone().all(|key| may_go.contains(&key)), "{self:?} removed {missing:?}");
    }
}

async fn delete_batch(client: &Client) -> Result<(), Error> {
    let targets = ["gone/1", "gone/2"].map(|key| DeleteTarget { key: key.to_owned(), version: None });
    match client.delete_batch(&targets).await?.pop() {
        Some(failure) => Err(failure.error),
        None => Ok(()),
    }
}

/// All keys of a listing; common prefixes are left out.
pub(crate) async fn list(client: &Client, options: ListOptions) -> Result<Vec<String>, Error> {
    let mut pages = client.list(options);
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        keys.extend(page?.objects.into_iter().map(|object| object.key));
    }
    Ok(keys)
}
