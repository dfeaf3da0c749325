//! What an object carries besides its bytes.

use super::capability::Capability::{
    EncryptionCustomer, EncryptionKms, EncryptionS3, OddMetadata, StandardHeaders, StorageClass, Tags,
    UnderscoreNames, UnderscoreTwins,
};
use super::case::Case;
use super::failure::{Failure, Outcome, ensure, equal, fails, same_bytes};
use super::presign::with_kms;
use super::secrets::{CUSTOMER_KEY, OTHER_CUSTOMER_KEY, heard};
use super::subject::Subject;
use super::wire;
use holdall_store::{Attributes, CopyOptions, Encryption, ErrorKind, GetOptions, PutOptions, WriteCondition};
use std::collections::BTreeMap;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("metadata/type-by-name", "The content type follows from the key's name.", |s| {
            Box::pin(type_by_name(s))
        })
        .serves(&["OBS-2"]),
        Case::new("metadata/type-by-bytes", "Where the name says nothing, the first bytes do.", |s| {
            Box::pin(type_by_bytes(s))
        })
        .serves(&["OBS-2"]),
        Case::new("metadata/headers", "Every standard header comes back as it was given.", |s| {
            Box::pin(headers(s))
        })
        .serves(&["EVI-1", "TOP-4"])
        .needs(&[StandardHeaders]),
        Case::new("metadata/storage-class", "The storage class comes back as it was given.", |s| {
            Box::pin(storage_class(s))
        })
        .serves(&["EVI-1"])
        .needs(&[StorageClass]),
        Case::new("metadata/plain", "User metadata comes back exactly.", |s| Box::pin(plain(s)))
            .serves(&["EVI-1", "EVI-2"]),
        Case::new("metadata/underscore", "A metadata name may hold an underscore.", |s| {
            Box::pin(underscore(s))
        })
        .serves(&["EVI-1"])
        .needs(&[UnderscoreNames]),
        Case::new(
            "metadata/underscore-beside-dash",
            "Metadata names that differ in an underscore and a dash are two names.",
            |s| Box::pin(underscore_beside_dash(s)),
        )
        .serves(&["EVI-1"])
        .needs(&[UnderscoreNames, UnderscoreTwins]),
        Case::new(
            "metadata/underscore-never-lies",
            "A metadata name with an underscore is kept or Unsupported, never changed.",
            |s| Box::pin(underscore_never_lies(s)),
        )
        .serves(&["EVI-1"]),
        Case::new("metadata/odd", "User metadata of any text comes back exactly.", |s| Box::pin(odd(s)))
            .serves(&["EVI-1", "EVI-2"])
            .needs(&[OddMetadata]),
        Case::new(
            "metadata/bound",
            "2 KiB of metadata fit, holdall's own with it; more is InvalidInput.",
            |s| Box::pin(bound(s)),
        )
        .serves(&["EVI-1"]),
        Case::new("metadata/bad-names", "A metadata name that no header can carry is InvalidInput.", |s| {
            Box::pin(bad_names(s))
        })
        .serves(&["SES-10"]),
        Case::new("metadata/bad-headers", "A header's value cannot smuggle another header.", |s| {
            Box::pin(bad_headers(s))
        })
        .serves(&["SES-10"]),
        Case::new("metadata/reserved", "holdall's own metadata cannot be set and is never shown.", |s| {
            Box::pin(reserved(s))
        })
        .serves(&["EVI-1"]),
        Case::new("metadata/tags", "Tags are kept with the object.", |s| Box::pin(tags(s)))
            .serves(&["TOP-12"])
            .needs(&[Tags]),
        Case::new("metadata/kms", "An object is encrypted by the KMS key that was asked for.", |s| {
            Box::pin(kms(s))
        })
        .serves(&["TOP-4"])
        .needs(&[EncryptionKms]),
        Case::new(
            "metadata/kms-by-settings",
            "With a KMS key in the settings nothing is put without it.",
            |s| Box::pin(kms_by_settings(s)),
        )
        .serves(&["TOP-4"])
        .needs(&[EncryptionKms]),
        Case::new("metadata/sse-s3", "An object is encrypted by the storage's own keys.", |s| {
            Box::pin(sse_s3(s))
        })
        .serves(&["TOP-4"])
        .needs(&[EncryptionS3]),
        Case::new("metadata/sse-c", "An object encrypted by the client's key is read with it only.", |s| {
            Box::pin(sse_c(s))
        })
        .serves(&["TOP-4"])
        .needs(&[EncryptionCustomer]),
    ]
}

fn with(attributes: Attributes) -> PutOptions {
    PutOptions { attributes, ..PutOptions::default() }
}

fn with_metadata<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> PutOptions {
    let metadata = pairs.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    with(Attributes { metadata, ..Attributes::default() })
}

async fn type_by_name(s: Subject) -> Outcome {
    let table = [
        ("a.mp4", "video/mp4"),
        ("a.json", "application/json"),
        ("a.html", "text/html; charset=utf-8"),
        ("dir.png/a.pdf", "application/pdf"),
        ("a", "application/octet-stream"),
    ];
    for (name, wanted) in table {
        s.put(name, "x").await?;
        equal(name, s.head(name).await?.attributes.content_type.as_deref(), Some(wanted))?;
    }
    Ok(())
}

async fn type_by_bytes(s: Subject) -> Outcome {
    let table: [(&str, &'static [u8], &str); 3] = [
        ("shot", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        ("report", b"%PDF-1.7\n", "application/pdf"),
        ("a.txt", b"%PDF-1.7\n", "text/plain; charset=utf-8"),
    ];
    for (name, bytes, wanted) in table {
        s.put(name, bytes).await?;
        equal(name, s.head(name).await?.attributes.content_type.as_deref(), Some(wanted))?;
    }
    Ok(())
}

async fn headers(s: Subject) -> Outcome {
    let attributes = Attributes {
        content_type: Some("text/x-own; charset=latin1".into()),
        cache_control: Some("public, max-age=31536000, immutable".into()),
        content_disposition: Some("attachment; filename=\"a b.txt\"; filename*=UTF-8''%C3%A9.txt".into()),
        content_encoding: Some("gzip".into()),
        content_language: Some("de-CH, en".into()),
        storage_class: None,
        metadata: BTreeMap::new(),
    };
    s.store().put_with(&s.key("h"), "not really gzip", &with(attributes.clone())).await?;
    equal("by head", s.head("h").await?.attributes, attributes.clone())?;
    let object = s.store().get(&s.key("h")).await?;
    equal("by get", object.metadata.attributes.clone(), attributes)?;
    same_bytes("the bytes, not decoded", &object.bytes().await?, b"not really gzip")
}

async fn storage_class(s: Subject) -> Outcome {
    let attributes = Attributes { storage_class: Some("STANDARD_IA".into()), ..Attributes::default() };
    s.store().put_with(&s.key("ia"), "x", &with(attributes)).await?;
    s.put("plain", "x").await?;
    equal("of the one", s.head("ia").await?.attributes.storage_class.as_deref(), Some("STANDARD_IA"))?;
    equal("of the other", s.head("plain").await?.attributes.storage_class, None::<String>)
}

async fn round_trip(s: &Subject, name: &str, pairs: &[(&str, &str)]) -> Outcome {
    let options = with_metadata(pairs.iter().copied());
    s.store().put_with(&s.key(name), "x", &options).await?;
    equal(format!("{name} by head"), &s.head(name).await?.attributes.metadata, &options.attributes.metadata)?;
    let object = s.store().get(&s.key(name)).await?;
    equal(format!("{name} by get"), &object.metadata.attributes.metadata, &options.attributes.metadata)
}

async fn plain(s: Subject) -> Outcome {
    round_trip(&s, "one", &[("source", "camera 7"), ("a-b.c", "1"), ("n0", "a=b; c, \"d\" <e> %41")]).await
}

async fn underscore(s: Subject) -> Outcome {
    let names = [("a_b", "1"), ("b-c", "2"), ("_", "3")];
    round_trip(&s, "one", &names).await?;
    let options = with_metadata(names);
    let wanted = &options.attributes.metadata;
    let upload = s.backend().begin_upload(&s.parsed("parts")?, &options).await?;
    let part = upload.put_part(1, "x".into()).await?;
    upload.complete(&[part], &WriteCondition::Always).await?;
    equal("of an upload", &s.head("parts").await?.attributes.metadata, wanted)?;
    let attributes = Some(options.attributes.clone());
    s.put("plain", "x").await?;
    let copy = CopyOptions { attributes, ..CopyOptions::default() };
    s.store().copy(&s.key("plain"), &s.key("copy"), &copy).await?;
    equal("of a copy", &s.head("copy").await?.attributes.metadata, wanted)
}

async fn underscore_beside_dash(s: Subject) -> Outcome {
    round_trip(&s, "one", &[("a_b", "1"), ("a-b", "2")]).await
}

async fn underscore_never_lies(s: Subject) -> Outcome {
    for (name, pairs) in [("one", vec![("a_b", "1")]), ("twins", vec![("a_b", "1"), ("a-b", "2")])] {
        let options = with_metadata(pairs);
        match heard(s.store().put_with(&s.key(name), "x", &options).await) {
            Ok(_) => equal(name, s.head(name).await?.attributes.metadata, options.attributes.metadata)?,
            Err(error) => {
                equal(format!("the kind of the refusal of {name}"), error.kind(), ErrorKind::Unsupported)?;
                let hint = error.hint().unwrap_or_default();
                ensure(hint.contains("dash"), format!("the hint says what to do: {hint:?}"))?;
                equal("the refused object exists", s.exists(name).await?, false)?;
            }
        }
    }
    Ok(())
}

async fn odd(s: Subject) -> Outcome {
    let table = [
        ("unicode", "caf\u{e9} \u{65e5}\u{672c}\u{8a9e} \u{1f9f3}"),
        ("decomposed", "cafe\u{301}"),
        ("empty", ""),
        ("blanks", "  two at each end  "),
        ("only-blank", " "),
        ("looks-encoded", "=?UTF-8?B?eA==?="),
        ("half-encoded", "a =? b"),
        ("lines", "a\r\nb\tc"),
        ("delete", "\u{7f}"),
    ];
    for (name, value) in table {
        round_trip(&s, name, &[(name, value)]).await?;
    }
    round_trip(&s, "all", &table).await
}

/// S3's bound counts what holdall adds as well: the name of the write and the digest. Every backend has it so.
async fn bound(s: Subject) -> Outcome {
    let own = "holdall-put".len() + 32 + "holdall-sha256".len() + 64;
    let value = "v".repeat(2048 - own - "name".len());
    round_trip(&s, "fits", &[("name", &value)]).await?;
    let longer = format!("{value}v");
    let result = s.store().put_with(&s.key("more"), "x", &with_metadata([("name", &*longer)])).await;
    fails("one byte more", result, ErrorKind::InvalidInput)?;
    equal("the refused object exists", s.exists("more").await?, false)
}

async fn bad_names(s: Subject) -> Outcome {
    for name in ["", "Upper", "two words", "n\u{f6}n", "a:b", "a\nb", "a/b"] {
        let result = s.store().put_with(&s.key("bad"), "x", &with_metadata([(name, "v")])).await;
        fails(format!("{name:?}"), result, ErrorKind::InvalidInput)?;
    }
    equal("the refused object exists", s.exists("bad").await?, false)
}

async fn bad_headers(s: Subject) -> Outcome {
    let evil = || Some("a\r\nx-amz-acl: public-read".to_owned());
    let table = [
        ("type", Attributes { content_type: evil(), ..Attributes::default() }),
        ("cache", Attributes { cache_control: evil(), ..Attributes::default() }),
        ("disposition", Attributes { content_disposition: evil(), ..Attributes::default() }),
        ("language", Attributes { content_language: evil(), ..Attributes::default() }),
    ];
    for (name, attributes) in table {
        let result = s.store().put_with(&s.key(name), "x", &with(attributes)).await;
        fails(name, result, ErrorKind::InvalidInput)?;
        equal("the refused object exists", s.exists(name).await?, false)?;
    }
    Ok(())
}

async fn reserved(s: Subject) -> Outcome {
    for name in ["holdall-put", "holdall-sha256", "holdall-x"] {
        let result = s.store().put_with(&s.key("r"), "x", &with_metadata([(name, "v")])).await;
        fails(name, result, ErrorKind::InvalidInput)?;
    }
    equal("the refused object exists", s.exists("r").await?, false)?;
    round_trip(&s, "r", &[("holdall", "a name of the user's"), ("xholdall-y", "too")]).await
}

async fn tags(s: Subject) -> Outcome {
    let tags = vec![("kind".to_owned(), "partial movie".to_owned()), ("a+b".to_owned(), "c=d".to_owned())];
    s.store().put_with(&s.key("t"), "x", &PutOptions { tags: tags.clone(), ..PutOptions::default() }).await?;
    wire::has_tags(&s, "t", &tags).await
}

async fn kms(s: Subject) -> Outcome {
    let key = s.place().service().and_then(|service| service.kms_key()).map(str::to_owned);
    let encryption = Some(Encryption::Kms(key));
    let options = PutOptions { encryption, ..PutOptions::default() };
    equal("size", s.store().put_with(&s.key("k"), "secret", &options).await?.size, 6)?;
    same_bytes("read without naming the key", &s.read("k").await?, b"secret")?;
    wire::has_header(&s, "k", "x-amz-server-side-encryption", "aws:kms").await
}

async fn kms_by_settings(s: Subject) -> Outcome {
    let store = with_kms(&s)?;
    store.put(&s.key("put"), "secret").await?;
    let in_parts = s.random("kms").bytes(store.settings().multipart_threshold as usize + 1);
    store.put(&s.key("parts"), in_parts).await?;
    for name in ["put", "parts"] {
        wire::has_header(&s, name, "x-amz-server-side-encryption", "aws:kms").await?;
    }
    same_bytes("what was put", &s.read("put").await?, b"secret")
}

async fn sse_s3(s: Subject) -> Outcome {
    let encryption = Some(Encryption::S3);
    s.store().put_with(&s.key("k"), "secret", &PutOptions { encryption, ..PutOptions::default() }).await?;
    same_bytes("read", &s.read("k").await?, b"secret")?;
    wire::has_header(&s, "k", "x-amz-server-side-encryption", "AES256").await
}

async fn sse_c(s: Subject) -> Outcome {
    let encryption = Some(Encryption::customer(*CUSTOMER_KEY));
    let options = PutOptions { encryption: encryption.clone(), ..PutOptions::default() };
    s.store().put_with(&s.key("k"), "secret", &options).await?;
    let options = GetOptions { encryption, ..GetOptions::default() };
    let object = s.store().get_with(&s.key("k"), &options).await?;
    same_bytes("read with the key", &object.bytes().await?, b"secret")?;
    equal("head with the key", s.store().head_with(&s.key("k"), &options).await?.size, 6)?;
    let other =
        GetOptions { encryption: Some(Encryption::customer(*OTHER_CUSTOMER_KEY)), ..GetOptions::default() };
    for (what, options) in [("without a key", GetOptions::default()), ("with another key", other)] {
        if let Ok(object) = heard(s.store().get_with(&s.key("k"), &options).await) {
            let read = object.bytes().await;
            return Err(Failure::new(format!("read {what}: {read:?}")));
        }
    }
    ensure(heard(s.store().exists(&s.key("k")).await).is_err(), "even head needs the key")
}
