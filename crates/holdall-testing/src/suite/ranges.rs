//! Parts of an object's bytes.

use super::capability::Capability::{LastBytes, Ranges, RangesOfNothing};
use super::case::Case;
use super::failure::{Outcome, equal, fails, same_bytes};
use super::subject::Subject;
use holdall_store::{ErrorKind, GetOptions, Object, Range, Result};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("ranges/inside", "A range has exactly the bytes asked for, half-open.", |s| {
            Box::pin(inside(s))
        })
        .serves(&["EVI-2", "SES-3"])
        .needs(&[Ranges]),
        Case::new("ranges/past-the-end", "A range that goes past the end is cut there.", |s| {
            Box::pin(past_the_end(s))
        })
        .serves(&["EVI-2"])
        .needs(&[Ranges]),
        Case::new("ranges/outside", "A range that starts at or past the end is InvalidInput.", |s| {
            Box::pin(outside(s))
        })
        .serves(&["EVI-2", "SES-10"])
        .needs(&[Ranges]),
        Case::new("ranges/last", "The last bytes are those there are, at most all.", |s| Box::pin(last(s)))
            .serves(&["EVI-2"])
            .needs(&[Ranges, LastBytes]),
        Case::new("ranges/empty", "An empty range is InvalidInput.", |s| Box::pin(empty(s)))
            .serves(&["EVI-2", "SES-10"]),
        Case::new("ranges/of-nothing", "Any range of an empty object is InvalidInput.", |s| {
            Box::pin(of_nothing(s))
        })
        .serves(&["EVI-2", "SES-10"])
        .needs(&[Ranges, RangesOfNothing]),
        Case::new("ranges/metadata", "A range comes with the metadata of the whole object.", |s| {
            Box::pin(metadata(s))
        })
        .serves(&["EVI-2"])
        .needs(&[Ranges]),
        Case::new("ranges/head", "A head does not look at the range.", |s| Box::pin(head(s)))
            .serves(&["EVI-2"]),
    ]
}

const SIZE: u64 = 100_000;

async fn get(s: &Subject, name: &str, range: Range) -> Result<Object> {
    let options = GetOptions { range: Some(range), ..GetOptions::default() };
    s.store().get_with(&s.key(name), &options).await
}

async fn prepared(s: &Subject) -> Outcome<Vec<u8>> {
    let bytes = s.random("ranges").bytes(SIZE as usize);
    s.put("r", bytes.clone()).await?;
    Ok(bytes)
}

async fn gives(s: &Subject, bytes: &[u8], range: Range, wanted: std::ops::Range<u64>) -> Outcome {
    let object = get(s, "r", range).await?;
    equal(format!("the range of {range:?}"), object.range.clone(), wanted.clone())?;
    equal(format!("the whole size at {range:?}"), object.metadata.size, bytes.len() as u64)?;
    let wanted = &bytes[wanted.start as usize..wanted.end as usize];
    same_bytes(format!("{range:?}"), &object.bytes().await?, wanted)
}

fn bounded(start: u64, end: u64) -> Range {
    Range::Bounded { start, end }
}

async fn inside(s: Subject) -> Outcome {
    let bytes = prepared(&s).await?;
    gives(&s, &bytes, bounded(0, 1), 0..1).await?;
    gives(&s, &bytes, bounded(SIZE - 1, SIZE), SIZE - 1..SIZE).await?;
    gives(&s, &bytes, bounded(0, SIZE), 0..SIZE).await?;
    gives(&s, &bytes, bounded(333, 4444), 333..4444).await?;
    gives(&s, &bytes, Range::From(0), 0..SIZE).await?;
    gives(&s, &bytes, Range::From(SIZE - 1), SIZE - 1..SIZE).await
}

async fn past_the_end(s: Subject) -> Outcome {
    let bytes = prepared(&s).await?;
    gives(&s, &bytes, bounded(SIZE - 1, SIZE + 1), SIZE - 1..SIZE).await?;
    gives(&s, &bytes, bounded(0, 1 << 40), 0..SIZE).await
}

async fn outside(s: Subject) -> Outcome {
    prepared(&s).await?;
    for range in
        [bounded(SIZE, SIZE + 1), bounded(SIZE + 1, SIZE + 2), Range::From(SIZE), Range::From(1 << 40)]
    {
        fails(format!("{range:?}"), get(&s, "r", range).await, ErrorKind::InvalidInput)?;
    }
    fails("of a missing object", get(&s, "none", Range::From(0)).await, ErrorKind::NotFound).map(drop)
}

async fn last(s: Subject) -> Outcome {
    let bytes = prepared(&s).await?;
    gives(&s, &bytes, Range::Last(1), SIZE - 1..SIZE).await?;
    gives(&s, &bytes, Range::Last(SIZE), 0..SIZE).await?;
    gives(&s, &bytes, Range::Last(SIZE + 1), 0..SIZE).await?;
    gives(&s, &bytes, Range::Last(1 << 40), 0..SIZE).await
}

async fn empty(s: Subject) -> Outcome {
    prepared(&s).await?;
    for range in [bounded(5, 5), bounded(6, 5), Range::Last(0)] {
        fails(format!("{range:?}"), get(&s, "r", range).await, ErrorKind::InvalidInput)?;
    }
    Ok(())
}

async fn of_nothing(s: Subject) -> Outcome {
    s.put("nothing", "").await?;
    for range in [bounded(0, 1), Range::From(0), Range::Last(1)] {
        let result = get(&s, "nothing", range).await;
        fails(format!("{range:?} of nothing"), result, ErrorKind::InvalidInput)?;
    }
    Ok(())
}

async fn metadata(s: Subject) -> Outcome {
    prepared(&s).await?;
    let head = s.head("r").await?;
    let object = get(&s, "r", bounded(10, 20)).await?;
    equal("the metadata", object.metadata, head)
}

async fn head(s: Subject) -> Outcome {
    prepared(&s).await?;
    let options = GetOptions { range: Some(Range::From(SIZE * 2)), ..GetOptions::default() };
    equal("the size", s.store().head_with(&s.key("r"), &options).await?.size, SIZE)
}
