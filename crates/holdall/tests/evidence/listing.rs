//! Listing bundles, and links to them.

use crate::world::{World, at, bundle, decision, name, store};
use holdall::evidence::{AttachOptions, BundleFilter, Expiry, NewBundle};
use holdall::{ErrorKind, EvidenceType};
use std::time::Duration;

fn kind(text: &str) -> EvidenceType {
    EvidenceType::parse(text).unwrap()
}

async fn listed(world: &World, filter: BundleFilter) -> Vec<String> {
    let mut list = world.evidence.list(&filter).await.unwrap();
    let mut lines = Vec::new();
    while let Some(one) = list.next().await {
        lines.push(one.map_or_else(
            |error| error.kind().to_string(),
            |one| format!("{} {} {:04}-{:02}", one.decision, one.kind, one.year, one.month),
        ));
    }
    lines
}

#[tokio::test]
/// EVI-9
async fn bundles_are_listed_by_type_year_and_month() {
    for world in World::all() {
        for (id, of, when) in [
            ("d-1", "risk", "2025-12-31T23:59:59Z"),
            ("d-2", "risk", "2026-01-01T00:00:00Z"),
            ("d-3", "risk", "2026-02-01T00:00:00Z"),
            ("d-4", "price", "2026-02-01T00:00:00Z"),
            ("d-5", "risk-2", "2026-02-01T00:00:00Z"),
        ] {
            let new = NewBundle { kind: kind(of), created_at: Some(at(when)), ..bundle(id, "1") };
            store(&world.evidence, &new).await.unwrap();
        }
        let filter = |kind: Option<EvidenceType>, year, month| BundleFilter { kind, year, month };
        let risk = Some(kind("risk"));
        assert_eq!(
            listed(&world, BundleFilter::default()).await,
            [
                "d-4 price 2026-02",
                "d-5 risk-2 2026-02",
                "d-1 risk 2025-12",
                "d-2 risk 2026-01",
                "d-3 risk 2026-02"
            ],
            "{}",
            world.name
        );
        assert_eq!(
            listed(&world, filter(risk.clone(), Some(2026), None)).await,
            ["d-2 risk 2026-01", "d-3 risk 2026-02"]
        );
        assert_eq!(listed(&world, filter(risk, Some(2026), Some(1))).await, ["d-2 risk 2026-01"]);
        assert_eq!(listed(&world, filter(None, Some(2026), Some(2))).await.len(), 3);
        assert_eq!(listed(&world, filter(Some(kind("none")), None, None)).await.len(), 0);
        world.store.put("evidence/risk/note.txt", "theirs").await.unwrap();
        let all = listed(&world, filter(Some(kind("risk")), None, None)).await;
        assert_eq!(
            all.iter().filter(|line| *line == "invalid_input").count(),
            1,
            "it is told, and the rest go on"
        );
        assert_eq!(all.len(), 4);
    }
}

#[tokio::test]
/// EVI-9
async fn a_time_that_is_none_is_refused() {
    let world = World::memory();
    for (kind, year, month) in [
        (None, None, Some(1)),
        (None, Some(2026), Some(13)),
        (None, Some(0), None),
        (Some(kind("by-id")), None, None),
    ] {
        let error = world.evidence.list(&BundleFilter { kind, year, month }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
/// EVI-9
async fn a_link_is_made_for_what_is_there_and_until_a_moment_to_come() {
    let world = World::server();
    let (evidence, id) = (&world.evidence, decision("d-1"));
    let hour = Expiry::After(Duration::from_secs(3600));
    assert_eq!(evidence.share(&id, None, hour).await.unwrap_err().kind(), ErrorKind::NotFound);
    store(evidence, &bundle("d-1", "1")).await.unwrap();
    evidence.attach(&id, &name("a"), &"x".into(), &AttachOptions::default()).await.unwrap();
    let (key, url) = evidence.share(&id, None, hour).await.unwrap();
    assert!(url.contains(key.as_str()) && url.contains("X-Amz-Expires=3600"), "{url}");
    let (_, url) = evidence.share(&id, Some(&name("a")), hour).await.unwrap();
    assert!(url.contains("/d-1/a?"), "{url}");
    for expiry in [Expiry::At(at("2020-01-01T00:00:00")), Expiry::After(Duration::ZERO)] {
        let error = evidence.share(&id, None, expiry).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("past"), "{error}");
    }
    let week = Expiry::After(Duration::from_secs(8 * 86_400));
    assert_eq!(evidence.share(&id, None, week).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    world.store.delete(key.as_str()).await.unwrap();
    assert_eq!(evidence.share(&id, None, hour).await.unwrap_err().kind(), ErrorKind::Incomplete);
    let folder = World::folder();
    store(&folder.evidence, &bundle("d-1", "1")).await.unwrap();
    assert_eq!(folder.evidence.share(&id, None, hour).await.unwrap_err().kind(), ErrorKind::Unsupported);
}
