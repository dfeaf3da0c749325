//! What a server may or may not be able to do.

/// Something that not every server can do, or not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// `If-None-Match: *` on a put, decided atomically.
    PutIfAbsent,
    /// `If-Match` on a put, decided atomically.
    PutIfMatch,
    /// `If-None-Match: *` on the completion of a multipart upload.
    CompleteIfAbsent,
    /// `If-Match` on the completion of a multipart upload.
    CompleteIfMatch,
    /// Conditions on the source of a copy.
    CopyConditions,
    /// Wrong signatures, wrong methods and expired URLs are refused.
    Signatures,
    /// A bucket that is not there is told from an object that is not there.
    MissingBucket,
    /// Canned access control lists are applied.
    Acl,
    /// Tags are kept.
    Tags,
    /// Tags given when an upload begins are kept.
    UploadTags,
    /// Tags are replaced by a copy, and go along when only the rest is replaced.
    CopyTags,
    /// Another storage class than the standard one is kept.
    StorageClass,
    /// Encryption by keys of a key management service.
    EncryptionKms,
    /// Encryption by keys of the storage itself.
    EncryptionS3,
    /// Encryption by a key of the client's.
    EncryptionCustomer,
    /// URLs that carry a signature.
    Presign,
    /// A presigned GET sets the type and disposition of its answer.
    ResponseOverrides,
    /// Forms that carry a signed policy.
    PostForm,
    /// The bounds of a form's policy on the size.
    PostLimits,
    /// Encryption that a form asks for.
    PostEncryption,
    /// Versions of what is replaced and deleted.
    Versions,
    /// Legal holds and retention of versions.
    ObjectLock,
    /// Keys with `.` and `..` between slashes.
    DotSegments,
    /// Keys that begin with a slash or have two in a row.
    EmptySegments,
    /// Keys that end with a slash.
    FolderKeys,
    /// An object at `a` beside one at `a/b`.
    NestedKeys,
    /// Keys with control characters.
    ControlKeys,
    /// Keys of 1,024 bytes.
    LongKeys,
    /// Keys with characters that URLs and XML use themselves.
    SpecialKeys,
    /// Listings of more than one page.
    ListPages,
    /// Listings encode names as they say that they do.
    EncodedListings,
    /// Listings have ETags.
    ListedEtags,
    /// A delimiter of several characters.
    LongDelimiter,
    /// Listings that start in the middle.
    StartAfter,
    /// The order of keys is that of their bytes.
    ByteOrder,
    /// Objects sent in parts.
    Multipart,
    /// Uploads may have gaps, are held to their parts, and can be aborted again.
    StrictUploads,
    /// Unfinished uploads can be listed.
    ListUploads,
    /// A listing says when uploads were begun.
    UploadAges,
    /// More than one key is deleted by one request.
    DeleteBatch,
    /// All standard headers are kept.
    StandardHeaders,
    /// Metadata survives odd values.
    OddMetadata,
    /// Metadata names with an underscore.
    UnderscoreNames,
    /// Metadata names that differ in an underscore and a dash only.
    UnderscoreTwins,
    /// An object appears whole or not at all, also to who reads it meanwhile.
    AtomicPut,
    /// A read under conditions is answered as HTTP says.
    ReadConditions,
    /// Of two conditions on a read the one on the ETag decides.
    ReadCombinations,
    /// A range of bytes is answered as HTTP says.
    Ranges,
    /// The last bytes of an object, also of one that has fewer.
    LastBytes,
    /// A range of an empty object is refused as unsatisfiable.
    RangesOfNothing,
}

use Capability as C;

impl Capability {
    /// Every one, in the order of the table.
    pub const ALL: [Self; 50] = [
        C::PutIfAbsent,
        C::PutIfMatch,
        C::CompleteIfAbsent,
        C::CompleteIfMatch,
        C::CopyConditions,
        C::ReadConditions,
        C::ReadCombinations,
        C::Ranges,
        C::LastBytes,
        C::RangesOfNothing,
        C::AtomicPut,
        C::Multipart,
        C::StrictUploads,
        C::ListUploads,
        C::UploadAges,
        C::DeleteBatch,
        C::ListPages,
        C::EncodedListings,
        C::ListedEtags,
        C::LongDelimiter,
        C::StartAfter,
        C::ByteOrder,
        C::StandardHeaders,
        C::OddMetadata,
        C::UnderscoreNames,
        C::UnderscoreTwins,
        C::StorageClass,
        C::Tags,
        C::UploadTags,
        C::CopyTags,
        C::Acl,
        C::EncryptionKms,
        C::EncryptionS3,
        C::EncryptionCustomer,
        C::Signatures,
        C::MissingBucket,
        C::Presign,
        C::ResponseOverrides,
        C::PostForm,
        C::PostLimits,
        C::PostEncryption,
        C::Versions,
        C::ObjectLock,
        C::SpecialKeys,
        C::DotSegments,
        C::EmptySegments,
        C::FolderKeys,
        C::NestedKeys,
        C::ControlKeys,
        C::LongKeys,
    ];

    /// What it is, for the table of servers.
    pub fn label(self) -> &'static str {
        match self {
            C::PutIfAbsent => "Put only where nothing is (`If-None-Match: *`), atomically",
            C::PutIfMatch => "Put only over a known object (`If-Match`), atomically",
            C::CompleteIfAbsent => "The same for uploads in parts (`If-None-Match: *` on completion)",
            C::CompleteIfMatch => "The same for uploads in parts (`If-Match` on completion)",
            C::CopyConditions => "Conditions on a copy's source",
            C::ReadCombinations => "Two conditions on one read",
            C::ReadConditions => "Conditions on reads",
            C::RangesOfNothing => "Ranges of empty objects are refused",
            C::LastBytes => "The last bytes, of objects with fewer too",
            C::Ranges => "Byte ranges",
            C::AtomicPut => "Readers see the old object or the new one, whole",
            C::StrictUploads => "Uploads are held to their parts, may have gaps, can be aborted again",
            C::Multipart => "Uploads in parts",
            C::ListUploads => "Unfinished uploads can be listed",
            C::UploadAges => "How old unfinished uploads are",
            C::DeleteBatch => "Deletes of 1,000 keys by one request",
            C::EncodedListings => "Names with `+` and `%` in listings",
            C::ListedEtags => "ETags in listings",
            C::ListPages => "Listings of more than 1,000 keys",
            C::LongDelimiter => "Delimiters of several characters",
            C::StartAfter => "Listings that start after a key",
            C::ByteOrder => "Listings in the order of the keys' bytes",
            C::StandardHeaders => "`Cache-Control`, `Content-Disposition`, `-Encoding`, `-Language`",
            C::UnderscoreNames => "User metadata with `_` in its name",
            C::UnderscoreTwins => "The same beside metadata with `-` in its place",
            C::OddMetadata => "User metadata of any text",
            C::StorageClass => "Storage classes",
            C::CopyTags => "Tags replaced, or kept while metadata is replaced, by a copy",
            C::UploadTags => "Tags of uploads in parts",
            C::Tags => "Tags",
            C::Acl => "Canned ACLs",
            C::EncryptionKms => "Encryption by KMS keys",
            C::EncryptionS3 => "Encryption by the storage's own keys",
            C::EncryptionCustomer => "Encryption by the client's key",
            C::Signatures => "Wrong keys, wrong methods and expired URLs are refused",
            C::MissingBucket => "A missing bucket is told from a missing object",
            C::ResponseOverrides => "Presigned URLs set type and disposition of the answer",
            C::Presign => "Presigned URLs",
            C::PostForm => "Presigned forms",
            C::PostLimits => "Size limits of presigned forms",
            C::PostEncryption => "Encryption of what presigned forms upload",
            C::Versions => "Versions, and marks of what was deleted",
            C::ObjectLock => "Legal holds and retention, in buckets made for them",
            C::SpecialKeys => "Keys with characters that URLs and XML use themselves",
            C::DotSegments => "Keys with `.` and `..` between slashes",
            C::EmptySegments => "Keys such as `/lead` and `a//b`",
            C::FolderKeys => "Keys that end with a slash",
            C::NestedKeys => "An object at `a` beside one at `a/b`",
            C::ControlKeys => "Keys with control characters",
            C::LongKeys => "Keys of 1,024 bytes",
        }
    }

    /// Whether holdall itself finds out and refuses what the server would ignore or break.
    pub(crate) fn is_guarded(self) -> bool {
        matches!(
            self,
            C::PutIfAbsent
                | C::PutIfMatch
                | C::CompleteIfAbsent
                | C::CompleteIfMatch
                | C::Tags
                | C::UploadTags
                | C::CopyTags
                | C::UnderscoreNames
                | C::UnderscoreTwins
                | C::Acl
                | C::EncryptionKms
                | C::EncryptionS3
                | C::EncryptionCustomer
        )
    }
}
