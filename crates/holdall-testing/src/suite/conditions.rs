//! Reads and writes that happen only under a condition.

use super::capability::Capability::{PutIfAbsent, PutIfMatch, ReadCombinations, ReadConditions as Reads};
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::secrets::heard;
use super::subject::Subject;
use holdall_store::{ErrorKind, GetOptions, PutOptions, ReadConditions, Receipt, Result, WriteCondition};
use std::time::{Duration, SystemTime};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("conditions/read-etag", "A read by ETag is answered for this ETag, or not for it.", |s| {
            Box::pin(read_etag(s))
        })
        .serves(&["EVI-2"])
        .needs(&[Reads]),
        Case::new("conditions/read-time", "A read by time is answered if changed after it, or not.", |s| {
            Box::pin(read_time(s))
        })
        .serves(&["EVI-2"])
        .needs(&[Reads]),
        Case::new(
            "conditions/read-both",
            "Of two conditions the one on the ETag decides, as in HTTP.",
            |s| Box::pin(read_both(s)),
        )
        .serves(&["EVI-2"])
        .needs(&[Reads, ReadCombinations]),
        Case::new("conditions/read-missing", "A conditional read of what is not there is NotFound.", |s| {
            Box::pin(read_missing(s))
        })
        .serves(&["EVI-2", "SES-10"]),
        Case::new("conditions/put-absent", "A create-only put never replaces an object.", |s| {
            Box::pin(put_absent(s))
        })
        .serves(&["EVI-10", "EVI-11"])
        .needs(&[PutIfAbsent]),
        Case::new("conditions/put-absent-racers", "Of 16 creators at once exactly one wins.", |s| {
            Box::pin(put_absent_racers(s))
        })
        .serves(&["EVI-10", "SES-11"])
        .needs(&[PutIfAbsent]),
        Case::new("conditions/put-matches", "A put over a known ETag replaces that object only.", |s| {
            Box::pin(put_matches(s))
        })
        .serves(&["EVI-10"])
        .needs(&[PutIfMatch]),
        Case::new("conditions/put-matches-racers", "Of 16 replacers of one ETag exactly one wins.", |s| {
            Box::pin(put_matches_racers(s))
        })
        .serves(&["SES-11"])
        .needs(&[PutIfMatch]),
        Case::new(
            "conditions/put-never-lies",
            "A conditional put is decided or Unsupported, never ignored.",
            |s| Box::pin(put_never_lies(s)),
        )
        .serves(&["EVI-10"]),
    ]
}

/// Reads and asks under conditions; both must answer alike. Answers whether they were answered at all.
async fn answered(s: &Subject, what: &str, conditions: ReadConditions) -> Outcome<bool> {
    let options = GetOptions { conditions, ..GetOptions::default() };
    let key = s.key("r");
    let head = heard(s.store().head_with(&key, &options).await);
    match s.store().get_with(&key, &options).await {
        Ok(object) => {
            same_bytes(what, &object.bytes().await?, b"read me")?;
            ensure(head.is_ok(), format!("{what}: the head is answered as the get is: {head:?}"))?;
            Ok(true)
        }
        refused => {
            fails(format!("get {what}"), refused, ErrorKind::Precondition)?;
            fails(format!("head {what}"), head, ErrorKind::Precondition)?;
            Ok(false)
        }
    }
}

const OTHER: &str = "\"00000000000000000000000000000000\"";

/// Stores the object and answers its ETag and time.
async fn prepared(s: &Subject) -> Outcome<(String, SystemTime)> {
    s.put("r", "read me").await?;
    let head = s.head("r").await?;
    Ok((head.etag.unwrap_or_default(), head.last_modified.unwrap_or(SystemTime::UNIX_EPOCH)))
}

async fn read_etag(s: Subject) -> Outcome {
    let (etag, _) = prepared(&s).await?;
    let matching = |etag: &str| ReadConditions { if_match: Some(etag.into()), ..ReadConditions::default() };
    let other = |etag: &str| ReadConditions { if_none_match: Some(etag.into()), ..ReadConditions::default() };
    equal("if it matches, and it does", answered(&s, "match", matching(&etag)).await?, true)?;
    equal("if it matches, and it does not", answered(&s, "no match", matching(OTHER)).await?, false)?;
    equal("if it does not match, and it does", answered(&s, "none match", other(&etag)).await?, false)?;
    equal("if it does not match, and so it is", answered(&s, "other", other(OTHER)).await?, true)
}

const HOUR: Duration = Duration::from_secs(3600);

fn since(at: SystemTime) -> ReadConditions {
    ReadConditions { if_modified_since: Some(at), ..ReadConditions::default() }
}

fn unless(at: SystemTime) -> ReadConditions {
    ReadConditions { if_unmodified_since: Some(at), ..ReadConditions::default() }
}

async fn read_time(s: Subject) -> Outcome {
    let (_, written) = prepared(&s).await?;
    equal("changed since an hour before", answered(&s, "before", since(written - HOUR)).await?, true)?;
    equal("changed since it was written", answered(&s, "then", since(written)).await?, false)?;
    equal("unchanged since it was written", answered(&s, "then", unless(written)).await?, true)?;
    equal("unchanged since an hour before", answered(&s, "before", unless(written - HOUR)).await?, false)
}

async fn read_both(s: Subject) -> Outcome {
    let (etag, written) = prepared(&s).await?;
    let before = written - HOUR;
    let matching = |etag: &str, at| ReadConditions { if_match: Some(etag.into()), ..unless(at) };
    let other = |etag: &str, at| ReadConditions { if_none_match: Some(etag.into()), ..since(at) };
    equal("both hold", answered(&s, "a", matching(&etag, written)).await?, true)?;
    equal("it matches though changed", answered(&s, "b", matching(&etag, before)).await?, true)?;
    equal("unchanged but another", answered(&s, "c", matching(OTHER, written)).await?, false)?;
    equal("the same though changed", answered(&s, "d", other(&etag, before)).await?, false)?;
    equal("another though unchanged", answered(&s, "e", other(OTHER, written)).await?, true)?;
    let split = ReadConditions { if_match: Some(etag.clone()), ..other(&etag, before) };
    equal("it must match and must not", answered(&s, "f", split).await?, false)
}

async fn read_missing(s: Subject) -> Outcome {
    let (etag, _) = prepared(&s).await?;
    let conditions = ReadConditions { if_match: Some(etag), ..ReadConditions::default() };
    let options = GetOptions { conditions, ..GetOptions::default() };
    fails("get", s.store().get_with(&s.key("none"), &options).await, ErrorKind::NotFound)?;
    fails("head", s.store().head_with(&s.key("none"), &options).await, ErrorKind::NotFound).map(drop)
}

async fn put_if(s: &Subject, name: &str, bytes: &str, condition: WriteCondition) -> Result<Receipt> {
    let options = PutOptions { condition, ..PutOptions::default() };
    s.store().put_with(&s.key(name), bytes.to_owned(), &options).await
}

async fn put_absent(s: Subject) -> Outcome {
    let first = put_if(&s, "o", "first", WriteCondition::Absent).await?;
    let again = put_if(&s, "o", "second", WriteCondition::Absent).await;
    let error = fails("over an object", again, ErrorKind::Precondition)?;
    equal("the key that the error names", error.key(), Some(&*s.key("o")))?;
    same_bytes("what is there", &s.read("o").await?, b"first")?;
    equal("its ETag", s.head("o").await?.etag, first.etag)?;
    s.store().delete(&s.key("o")).await?;
    put_if(&s, "o", "third", WriteCondition::Absent).await?;
    same_bytes("after a delete", &s.read("o").await?, b"third")?;
    fails(
        "over an empty object",
        {
            s.put("empty", "").await?;
            put_if(&s, "empty", "x", WriteCondition::Absent).await
        },
        ErrorKind::Precondition,
    )
    .map(drop)
}

async fn put_matches(s: Subject) -> Outcome {
    let first = s.put("o", "first").await?.etag.unwrap_or_default();
    let second = put_if(&s, "o", "second", WriteCondition::Matches(first.clone())).await?;
    same_bytes("over the one that was known", &s.read("o").await?, b"second")?;
    let stale = put_if(&s, "o", "third", WriteCondition::Matches(first.clone())).await;
    fails("over one that is gone", stale, ErrorKind::Precondition)?;
    same_bytes("what is there", &s.read("o").await?, b"second")?;
    equal("its ETag", s.head("o").await?.etag, second.etag)?;
    let nothing = heard(put_if(&s, "none", "x", WriteCondition::Matches(first)).await);
    let error = nothing.err().map(|error| error.kind());
    ensure(
        matches!(error, Some(ErrorKind::Precondition | ErrorKind::NotFound)),
        format!("over nothing it fails with Precondition or NotFound: {error:?}"),
    )?;
    equal("it made an object", s.exists("none").await?, false)
}

/// Puts 16 objects at once under one condition; the only winner's bytes must be there.
async fn race(s: &Subject, name: &str, condition: &WriteCondition) -> Outcome {
    let racers = (0..16).map(|n| {
        let (s, name, condition) = (s.clone(), name.to_owned(), condition.clone());
        tokio::spawn(async move { (n, heard(put_if(&s, &name, &format!("racer {n}"), condition).await)) })
    });
    let mut winners = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        match racer.await? {
            (n, Ok(_)) => winners.push(n),
            (n, lost) => {
                // Ceph answers some losers of a race with 500, and not all of them can be asked again.
                let kind = lost.as_ref().err().map(holdall_store::Error::kind);
                let told = matches!(kind, Some(ErrorKind::Precondition | ErrorKind::Conflict))
                    || lost.as_ref().is_err_and(holdall_store::Error::is_transient);
                ensure(told, format!("racer {n} lost by the condition or a passing fault: {lost:?}"))?;
            }
        }
    }
    equal(format!("the number of winners {winners:?}"), winners.len(), 1)?;
    same_bytes("what is there", &s.read(name).await?, format!("racer {}", winners[0]).as_bytes())
}

async fn put_absent_racers(s: Subject) -> Outcome {
    for round in 0..8 {
        race(&s, &format!("round-{round}"), &WriteCondition::Absent).await?;
    }
    Ok(())
}

async fn put_matches_racers(s: Subject) -> Outcome {
    for round in 0..8 {
        let name = format!("round-{round}");
        let etag = s.put(&name, "before").await?.etag.unwrap_or_default();
        race(&s, &name, &WriteCondition::Matches(etag)).await?;
    }
    Ok(())
}

async fn put_never_lies(s: Subject) -> Outcome {
    s.put("o", "first").await?;
    for condition in [WriteCondition::Absent, WriteCondition::Matches(OTHER.into())] {
        let kind = heard(put_if(&s, "o", "second", condition.clone()).await).err().map(|error| error.kind());
        let honest = matches!(kind, Some(ErrorKind::Precondition | ErrorKind::Unsupported));
        ensure(honest, format!("{condition:?} over an object is refused: {kind:?}"))?;
        same_bytes("what is there", &s.read("o").await?, b"first")?;
    }
    Ok(())
}
