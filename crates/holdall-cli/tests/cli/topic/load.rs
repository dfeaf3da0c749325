//! Many topics of many scenes, with the concurrency that is configured, in flat memory.

use crate::kills::is_long;
use crate::memory::{assert_flat, before, peak_of};
use crate::shell::stdout;
use holdall_testing::sink::{Sink, SinkOptions};

/// TOP-13: 20 topics of 50 scenes; with `HOLDALL_TEST_LONG=1` scenes of half a megabyte.
#[test]
fn twenty_topics_of_fifty_scenes_are_stored_in_flat_memory() {
    const TOPICS: u64 = 20;
    const SCENES: u64 = 50;
    let sink = Sink::start(SinkOptions { remember: true, keep: true, ..SinkOptions::default() }).unwrap();
    let shell = before(&sink).with("S3_MAX_CONCURRENCY", "16");
    // The server keeps all of it in memory, in this process and not in the one that is measured.
    let video = if is_long() { 512 << 10 } else { 4 << 10 };
    for topic in 0..TOPICS {
        for scene in 0..SCENES {
            let folder = format!("old/Topic {topic}/scene{scene}");
            shell.write(&format!("{folder}/code.py"), format!("scene {scene} of {topic}"));
            let path = shell.path(&format!("{folder}/Scene{scene}.mp4"));
            std::fs::File::create(path).unwrap().set_len(video).unwrap();
        }
    }
    let most = peak_of(shell.command(&["topic", "backfill", "old"]));
    assert_flat(most, 96, TOPICS * SCENES);
    let again = stdout(&shell.run(&["topic", "backfill", "old", "--json"]));
    let summary: serde_json::Value = serde_json::from_str(again.lines().last().unwrap()).unwrap();
    assert_eq!(summary["topics"], TOPICS, "{summary}");
    assert_eq!((&summary["files"], &summary["unchanged"]), (&0.into(), &(TOPICS * SCENES * 2).into()));
}
