//! Keys are opaque: every odd one is a key of its own, kept exactly.

use super::capability::Capability::{
    self, ControlKeys, DotSegments, EmptySegments, EncodedListings, FolderKeys, LongKeys, NestedKeys,
    SpecialKeys,
};
use super::case::Case;
use super::failure::{Failure, Outcome, equal, fails, same_bytes};
use super::profile::Value;
use super::secrets::heard;
use super::subject::Subject;
use holdall_store::{CopyOptions, ErrorKind, Key, ListOptions, Location};

pub(super) fn cases() -> Vec<Case> {
    vec![
        key_case("keys/special", |s| Box::pin(hold(s, special()))).needs(&[SpecialKeys]),
        key_case("keys/unicode", |s| Box::pin(hold(s, unicode()))),
        key_case("keys/encoded", |s| Box::pin(hold(s, encoded()))).needs(&[SpecialKeys, EncodedListings]),
        key_case("keys/empty-segments", |s| Box::pin(hold(s, empty_segments()))).needs(&[EmptySegments]),
        key_case("keys/folders", |s| Box::pin(hold(s, folders()))).needs(&[FolderKeys]),
        key_case("keys/nested", |s| Box::pin(hold(s, nested()))).needs(&[NestedKeys]),
        key_case("keys/dots", |s| Box::pin(hold(s, dots()))).needs(&[DotSegments]),
        key_case("keys/control", |s| Box::pin(hold(s, control()))).needs(&[ControlKeys]),
        key_case("keys/long", |s| Box::pin(hold_long(s))).needs(&[LongKeys]),
        key_case("keys/near-reserved", |s| Box::pin(hold(s, near_reserved()))),
        Case::new(
            "keys/refused",
            "What is no key is InvalidInput for every verb, and nothing is sent.",
            |s| Box::pin(refused(s)),
        )
        .serves(&["SES-10"]),
        Case::new("keys/normal-forms", "A key is never found under its normalised form.", |s| {
            Box::pin(normal_forms(s))
        })
        .serves(&["TOP-3"]),
    ]
}

const PROMISE: &str = "Odd keys are put, read, listed, copied and deleted exactly as they are.";

fn key_case(name: &'static str, run: fn(Subject) -> holdall_store::BoxFuture<'static, Outcome>) -> Case {
    Case::new(name, PROMISE, run).serves(&["TOP-3", "SES-2"])
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn special() -> Vec<String> {
    let mut keys: Vec<String> = " #?~&=;:@!*'(),$\"<>[]{}|\\^`".chars().map(|c| format!("a{c}b")).collect();
    keys.extend(owned(&[" ", " lead", "trail ", "?", "&amp;", "x?versionId=1", "a,b;c"]));
    keys
}

fn unicode() -> Vec<String> {
    owned(&[
        "caf\u{e9}",
        "cafe\u{301}",
        "\u{212b}ngstr\u{f6}m",
        "\u{c5}ngstr\u{f6}m",
        "\u{1f9f3}",
        "\u{65e5}\u{672c}/\u{8a9e}.txt",
        "\u{feff}bom",
        "\u{202e}rtl",
        "\u{ff21}",
        "\u{fffd}",
    ])
}

fn encoded() -> Vec<String> {
    owned(&[
        "a%2Fb", "a/b", "%41", "A", "%", "%%", "%zz", "a%20b", "a b", "a+b", "a%2Bb", "%E9", "%00", "+",
        "a+b c", "a%b",
    ])
}

fn empty_segments() -> Vec<String> {
    owned(&["a//b", "a/b", "a///b", "/lead", "lead", "//two", "/", "//", "end//", "/.holdall/b"])
}

fn folders() -> Vec<String> {
    owned(&["dir/", "dir", "deep/er/", "deep/er"])
}

fn nested() -> Vec<String> {
    owned(&["a", "a/b", "a/b/c", "a.b", "a-b"])
}

fn dots() -> Vec<String> {
    owned(&["./x", "x", "a/../b", "b", "a/./b", "a/b", "..", ".", "../up", "...", "a/..", ".hidden", "a./b"])
}

fn control() -> Vec<String> {
    owned(&[
        "new\nline",
        "tab\tbed",
        "return\rcar",
        "start\u{1}of",
        "delete\u{7f}d",
        "\u{1f}",
        "bell\u{7}",
        "\n",
    ])
}

fn near_reserved() -> Vec<String> {
    owned(&[".holdallx", ".holdal", ".holdall-x/y", "a/.holdall", "b/.holdall/c", ".HOLDALL/b"])
}

/// Keys of as many bytes as the store's own prefix leaves room for: 1,024 in all.
fn long(room: usize) -> Vec<String> {
    let filled = |text: &str| {
        let mut key = text.repeat(room / text.len());
        key.push_str(&"x".repeat(room - key.len()));
        key
    };
    let mut keys: Vec<String> = ["k", "s/", "\u{e9}", "\u{65e5}", " "].into_iter().map(filled).collect();
    keys.push("k".repeat(room - 1));
    keys
}

async fn hold_long(s: Subject) -> Outcome {
    let s = s.alone().await?;
    let below = match &s.store().settings().store {
        Some(Location::S3 { prefix, .. }) if !prefix.as_str().is_empty() => prefix.as_str().len() + 1,
        _ => 0,
    };
    hold_alone(&s, long(1024 - below)).await
}

async fn hold(s: Subject, keys: Vec<String>) -> Outcome {
    hold_alone(&s.alone().await?, keys).await
}

/// Puts each key with bytes of its own, then reads, lists, copies and deletes them, in a store of their own.
async fn hold_alone(s: &Subject, mut keys: Vec<String>) -> Outcome {
    keys.sort();
    for key in &keys {
        let receipt = s.put(key, format!("at {key}")).await?;
        equal("the key in the receipt", receipt.key.as_str(), key)?;
    }
    for key in &keys {
        same_bytes(format!("{key:?}"), &s.read(key).await?, format!("at {key}").as_bytes())?;
        equal("the key in the head", s.head(key).await?.key.as_str(), key)?;
    }
    equal("the listing", s.names().await?, keys.clone())?;
    for key in &keys {
        equal(format!("listed by {key:?} as its prefix"), listed_first(s, key).await?, Some(key.clone()))?;
    }
    for key in &keys {
        s.store().copy(key, "copied", &CopyOptions::default()).await?;
        same_bytes(format!("copied from {key:?}"), &s.read("copied").await?, format!("at {key}").as_bytes())?;
    }
    s.store().delete("copied").await?;
    delete_all(s, &keys).await
}

async fn listed_first(s: &Subject, key: &str) -> Outcome<Option<String>> {
    let options = ListOptions { page_size: Some(1), ..ListOptions::default() };
    let options = ListOptions { prefix: holdall_store::Prefix::parse(key)?, ..options };
    let first = s.store().list_with(options)?.next().await.transpose()?;
    Ok(first.map(|object| object.key.as_str().to_owned()))
}

/// Deletes each key alone and sees that the others stay; copies them back from a first one, and deletes all at once.
async fn delete_all(s: &Subject, keys: &[String]) -> Outcome {
    let mut left = keys.to_vec();
    for key in keys {
        s.store().delete(key).await?;
        left.retain(|other| other != key);
        equal(format!("{key:?} exists after its delete"), s.exists(key).await?, false)?;
        equal(format!("what is left after the delete of {key:?}"), s.names().await?, left.clone())?;
    }
    s.put("source", "again").await?;
    for key in keys {
        s.store().copy("source", key, &CopyOptions::default()).await?;
        same_bytes(format!("copied to {key:?}"), &s.read(key).await?, b"again")?;
    }
    let parsed: Vec<Key> = keys.iter().map(|key| Key::parse(key)).collect::<Result<_, _>>()?;
    let failures = s.store().delete_many(parsed).await;
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure.error.into());
    }
    equal("what is left after the batch", s.names().await?, vec!["source".to_owned()])
}

async fn refused(s: Subject) -> Outcome {
    let long = "k".repeat(1025);
    for key in ["", "a\0b", ".holdall", ".holdall/", ".holdall/x", &long] {
        let shown: String = key.chars().take(20).collect();
        let invalid = ErrorKind::InvalidInput;
        let store = s.store();
        fails(format!("put {shown:?}"), store.put(key, "x").await, invalid)?;
        fails(format!("get {shown:?}"), store.get(key).await, invalid)?;
        fails(format!("head {shown:?}"), store.head(key).await, invalid)?;
        fails(format!("delete {shown:?}"), store.delete(key).await, invalid)?;
        fails(format!("url of {shown:?}"), store.url_for(key).await, invalid)?;
        fails(format!("presign {shown:?}"), store.presign_get(key).await, invalid)?;
        let options = CopyOptions::default();
        fails(format!("copy from {shown:?}"), store.copy(key, &s.key("x"), &options).await, invalid)?;
        fails(format!("copy to {shown:?}"), store.copy(&s.key("x"), key, &options).await, invalid)?;
    }
    Ok(())
}

/// Where the server takes odd keys at all, none of them may lead to another object.
async fn normal_forms(s: Subject) -> Outcome {
    let pairs: [(&str, &str, Option<Capability>); 12] = [
        ("a//b", "a/b", Some(EmptySegments)),
        ("/lead", "lead", Some(EmptySegments)),
        ("dir/", "dir", Some(FolderKeys)),
        ("./x", "x", Some(DotSegments)),
        ("a/./c", "a/c", Some(DotSegments)),
        ("a/../d", "d", Some(DotSegments)),
        ("caf\u{e9}", "cafe\u{301}", None),
        ("A", "a", None),
        ("a+e", "a e", Some(SpecialKeys)),
        ("a%2Fg", "a/g", Some(SpecialKeys)),
        ("%41x", "Ax", Some(SpecialKeys)),
        ("t ", "t", Some(SpecialKeys)),
    ];
    let s = s.alone().await?;
    let works = |need: &Option<Capability>| need.is_none_or(|need| s.can(need).value == Value::Works);
    for (one, other, _) in pairs.into_iter().filter(|(.., need)| works(need)) {
        for (there, absent) in [(one, other), (other, one)] {
            s.put(there, "x").await?;
            match heard(s.store().head(absent).await) {
                Ok(_) => return Err(Failure::new(format!("{there:?} was put and {absent:?} is there"))),
                Err(error) => equal(format!("head of {absent:?}"), error.kind(), ErrorKind::NotFound)?,
            }
            s.store().delete(absent).await?;
            equal(format!("{there:?} after a delete of {absent:?}"), s.exists(there).await?, true)?;
            s.store().delete(there).await?;
        }
    }
    Ok(())
}
