//! Listings that are cut short, never end, or are out of order: an error, never a shorter listing.

use holdall_s3::{Error, ErrorKind, ListOptions};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::ops::list;
use crate::support::{BUCKET, World, in_time};

/// A server with 25 keys, listed ten at a time.
fn with(rule: Rule) -> World {
    let world = World::with(rule);
    for n in 0..25 {
        world.server.put_object(BUCKET, &format!("k{n:02}"), b"x");
    }
    world
}

fn tens() -> ListOptions {
    ListOptions { page_size: Some(10), ..ListOptions::default() }
}

async fn listed(world: &World) -> Result<Vec<String>, Error> {
    in_time(list(&world.client, tens())).await
}

#[tokio::test]
async fn a_listing_that_cannot_be_right_is_a_protocol_fault() {
    for fault in [
        Fault::NoToken,
        Fault::Unordered,
        Fault::DuplicateKeys,
        Fault::ForeignKeys(vec!["a-key-before-all".into()]),
        Fault::garbage_xml(),
        Fault::EntityBomb,
        Fault::DeepXml { depth: 1000 },
        Fault::CutBody { to: 400 },
        Fault::ReplaceBody(b"<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>".to_vec()),
        Fault::ReplaceBody(b"<ListBucketResult></ListBucketResult><ListBucketResult/>".to_vec()),
        Fault::ReplaceBody(
            b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>"
                .to_vec(),
        ),
    ] {
        for nth in 1..=3 {
            let world = with(Rule::new(fault.clone()).on(Kind::List).nth(nth));
            let error = listed(&world).await.expect_err(&format!("{fault:?} on page {nth}"));
            assert_eq!(error.kind(), ErrorKind::Protocol, "{fault:?} on page {nth}: {error:?}");
            assert!(world.count(Kind::List) <= 4, "{fault:?} on page {nth}");
        }
    }
}

#[tokio::test]
async fn a_listing_that_gives_the_token_back_is_a_protocol_fault() {
    let world = with(Rule::new(Fault::SameToken).on(Kind::List).from(2));
    assert_eq!(listed(&world).await.unwrap_err().kind(), ErrorKind::Protocol);
    let world = with(Rule::new(Fault::SameToken).on(Kind::List));
    assert_eq!(listed(&world).await.unwrap_err().kind(), ErrorKind::Protocol);
    assert!(world.count(Kind::List) <= 3);
}

#[tokio::test]
async fn a_fault_of_any_page_is_retried_and_loses_no_key() {
    for fault in [Fault::Reset, Fault::AnswerLost, Fault::slow_down(None), Fault::ShortBody { missing: 9 }] {
        for nth in 1..=3 {
            let world = with(Rule::new(fault.clone()).on(Kind::List).nth(nth));
            assert_eq!(listed(&world).await.unwrap().len(), 25, "{fault:?} on page {nth}");
        }
    }
}

#[tokio::test]
async fn after_an_error_there_is_nothing_more() {
    let world = with(Rule::new(Fault::internal_error()).on(Kind::List).from(2));
    let mut pages = world.client.list(tens());
    assert_eq!(in_time(pages.next()).await.unwrap().unwrap().objects.len(), 10);
    assert_eq!(in_time(pages.next()).await.unwrap().unwrap_err().kind(), ErrorKind::Unreachable);
    assert!(in_time(pages.next()).await.is_none());
}

#[tokio::test]
async fn keys_outside_of_the_prefix_are_refused() {
    let world = with(Rule::new(Fault::ForeignKeys(vec!["zzz".into()])).on(Kind::List));
    let options = ListOptions { prefix: "k".into(), ..ListOptions::default() };
    assert_eq!(in_time(list(&world.client, options)).await.unwrap_err().kind(), ErrorKind::Protocol);
}

/// A server that does not know `start-after` begins at the beginning.
#[tokio::test]
async fn keys_before_the_start_are_refused() {
    let page = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k01</Key><Size>1</Size></Contents>\
                </ListBucketResult>";
    let world = with(Rule::new(Fault::ReplaceBody(page.into())).on(Kind::List));
    let options = ListOptions { start_after: Some("k20".into()), ..ListOptions::default() };
    assert_eq!(in_time(list(&world.client, options)).await.unwrap_err().kind(), ErrorKind::Protocol);
}

fn empty_page(token: &str) -> Fault {
    Fault::ReplaceBody(
        format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>{token}</NextContinuationToken></ListBucketResult>"
        )
        .into_bytes(),
    )
}

/// Two tokens in turn, and never a key.
#[tokio::test]
async fn a_listing_that_goes_round_in_circles_ends_as_a_protocol_fault() {
    let world = with(Rule::new(empty_page("61")).on(Kind::List).every(2));
    world.server.add_rule(Rule::new(empty_page("62")).on(Kind::List));
    assert_eq!(listed(&world).await.unwrap_err().kind(), ErrorKind::Protocol);
    assert!(world.count(Kind::List) < 5000, "{}", world.count(Kind::List));
}

/// Services may answer empty pages, where there are many deleted keys.
#[tokio::test]
async fn some_empty_pages_are_no_fault() {
    let world = with(Rule::new(empty_page("6b303921")).on(Kind::List).nth(2));
    assert_eq!(listed(&world).await.unwrap().len(), 25);
}

#[tokio::test]
async fn a_listing_of_parts_or_uploads_that_goes_on_where_it_was_is_refused() {
    let world = World::good();
    let begun = crate::support::ops::prepare(&world).await;
    for (kind, page) in [
        (Kind::ListParts, "<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"),
        (
            Kind::ListParts,
            "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>\
             <Part><PartNumber>7</PartNumber><Size>1</Size><ETag>x</ETag></Part></ListPartsResult>",
        ),
        (
            Kind::ListMultipartUploads,
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>",
        ),
        (
            Kind::ListMultipartUploads,
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><Upload><Key>a</Key><UploadId>1</UploadId>\
             </Upload></ListMultipartUploadsResult>",
        ),
    ] {
        world.server.clear_rules();
        world.server.add_rule(Rule::new(Fault::ReplaceBody(page.into())).on(kind));
        let error = match kind {
            Kind::ListParts => in_time(world.client.list_parts(&begun.upload, None)).await.unwrap_err(),
            _ => in_time(world.client.list_uploads("", None)).await.unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Protocol, "{page}");
    }
}

#[tokio::test]
async fn a_dropped_listing_asks_for_nothing_more() {
    let world = with(Rule::new(Fault::Delay(std::time::Duration::from_millis(100))).on(Kind::List).from(2));
    let mut pages = world.client.list(tens());
    in_time(pages.next()).await.unwrap().unwrap();
    drop(pages);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(world.count(Kind::List) <= 2);
}
