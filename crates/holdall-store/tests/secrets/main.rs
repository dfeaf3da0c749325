//! No secret is ever told: not in logs at their most talkative, not in errors and their causes, not in `Debug`.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod canaries;
mod heard;
mod shown;
mod work;

use heard::Heard;

/// One test, since logs are of the whole process.
#[tokio::test(flavor = "multi_thread")]
async fn doc_10_no_secret_is_told() {
    let heard = Heard::listen();
    let signatures = work::everything(&heard).await;
    shown::everything(&heard);
    let text = heard.text();
    assert!(text.contains("TRACE"), "nothing was logged, so nothing was proved");
    assert!(text.contains("trying again") && text.contains("answered"), "the client's own events are there");
    assert!(text.len() > 20_000, "too little was heard: {} bytes", text.len());
    let mut told = Vec::new();
    for (what, canary) in canaries::all().into_iter().chain(signatures) {
        for (at, _) in text.match_indices(&canary).take(5) {
            let before: String = text[..at].chars().rev().take(200).collect();
            let after: String = text[at..].chars().take(200).collect();
            told.push(format!("{what}: …{}{after}…", before.chars().rev().collect::<String>()));
        }
    }
    assert!(told.is_empty(), "secrets were told:\n{}", told.join("\n\n"));
}
