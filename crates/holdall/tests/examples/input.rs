//! Real input, made by Debian's tools: Chromium, ffmpeg and Graphviz.

use crate::place::succeeded;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is clicked at, step by step, on the page of a shop.
pub(crate) const CLICKS: [&[&str]; 3] = [&[], &["buy"], &["buy", "pay"]];

/// What no compression makes small, as scans are.
const NOISE: &str = "color=white:size=1400x1400,format=rgb24,noise=alls=100:allf=t";

fn run(program: &str, dir: &Path, args: &[&str]) -> Vec<u8> {
    let ran = Command::new(program).args(args).current_dir(dir).output();
    let ran = ran.unwrap_or_else(|error| panic!("{program} cannot be run: {error}; ./test installs it"));
    succeeded(&ran, program);
    ran.stdout
}

/// Records a session: of each step the page as Chromium has it, a screenshot, what was clicked at, and a printed page.
pub(crate) fn session(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    let page = dir.with_extension("html");
    std::fs::write(&page, include_str!("shop.html")).unwrap();
    for (number, clicks) in (1..).zip(CLICKS) {
        let step = dir.join(format!("{number:04}"));
        std::fs::create_dir(&step).unwrap();
        let query: Vec<String> = clicks.iter().map(|id| format!("click={id}")).collect();
        let url = format!("file://{}?{}", page.display(), query.join("&"));
        let html =
            chromium(&url, &step, &["--screenshot=screenshot.png", "--print-to-pdf=page.pdf", "--dump-dom"]);
        std::fs::write(step.join("page.html"), html).unwrap();
        let action = format!("{{\"url\": {url:?}, \"click\": {:?}}}\n", clicks.last().unwrap_or(&""));
        std::fs::write(step.join("action.json"), action).unwrap();
    }
}

/// Looks at a page with a new profile; answers what Chromium prints.
fn chromium(url: &str, dir: &Path, what: &[&str]) -> Vec<u8> {
    let profile = tempfile::tempdir().unwrap();
    let profile = format!("--user-data-dir={}", profile.path().display());
    let usual = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=800,600",
        &profile,
    ];
    run("chromium", dir, &[&usual, what, &[url]].concat())
}

/// Renders a topic as Manim lays it out: scenes of parts, all of it in one video, subtitles, sources and a diagram.
pub(crate) fn topic(dir: &Path) {
    for scene in ["1", "2"] {
        let (folder, parts) =
            (dir.join(format!("scene{scene}")), format!("scene{scene}/partial_movie_files"));
        std::fs::create_dir_all(dir.join(&parts)).unwrap();
        for part in ["0", "1"] {
            let source = format!("testsrc2=size=320x180:rate=15:duration=1.{part}");
            ffmpeg(
                dir,
                &["-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p", &format!("{parts}/{part}.mp4")],
            );
        }
        join(
            dir,
            &[format!("{parts}/0.mp4"), format!("{parts}/1.mp4")],
            &format!("scene{scene}/Scene{scene}.mp4"),
        );
        std::fs::write(folder.join("code.py"), format!("class Scene{scene}(Scene): ...\n")).unwrap();
        std::fs::write(folder.join("subtitles.srt"), "1\n00:00:00,000 --> 00:00:02,000\ne^{iπ} = −1\n")
            .unwrap();
    }
    join(dir, &["scene1/Scene1.mp4".to_owned(), "scene2/Scene2.mp4".to_owned()], "combined.mp4");
    std::fs::write(dir.join("formula.tex"), "\\[ e^{i\\pi} + 1 = 0 \\]\n").unwrap();
    let graph = dir.with_extension("gv");
    std::fs::write(&graph, "digraph { plan -> scene1 -> combined; plan -> scene2 -> combined }").unwrap();
    run("dot", dir, &["-Tsvg", "-oplan.svg", graph.to_str().unwrap()]);
}

fn ffmpeg(dir: &Path, args: &[&str]) {
    run("ffmpeg", dir, &[&["-v", "error", "-y"], args].concat());
}

/// Joins videos without encoding them again.
fn join(dir: &Path, parts: &[String], whole: &str) {
    let list = dir.with_extension("list");
    let lines: Vec<String> =
        parts.iter().map(|part| format!("file '{}'\n", dir.join(part).display())).collect();
    std::fs::write(&list, lines.concat()).unwrap();
    ffmpeg(dir, &["-f", "concat", "-safe", "0", "-i", list.to_str().unwrap(), "-c", "copy", whole]);
}

/// Makes 40 PDFs: two that Chromium printed of a page, and drawings, of which every tenth has a scan of some MiB.
pub(crate) fn pdfs(dir: &Path) -> Vec<PathBuf> {
    std::fs::create_dir_all(dir).unwrap();
    ffmpeg(dir, &["-f", "lavfi", "-i", NOISE, "-frames:v", "1", "scan.png"]);
    let page = dir.join("letter.html");
    std::fs::write(&page, include_str!("shop.html")).unwrap();
    for letter in ["01", "02"] {
        let to = format!("--print-to-pdf=Letter {letter}.pdf");
        chromium(&format!("file://{}", page.display()), dir, &[&to]);
    }
    let mut graphs: Vec<String> = Vec::new();
    for number in 3..=40 {
        let name = format!("Plan {number:02}.gv");
        std::fs::write(dir.join(&name), drawing(number)).unwrap();
        graphs.push(name);
    }
    // One process draws them all, each beside its source: `Plan 03.gv.pdf`.
    let graphs: Vec<&str> = graphs.iter().map(String::as_str).collect();
    run("dot", dir, &[&["-Tpdf", "-O"], &graphs[..]].concat());
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut pdfs: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "pdf")).collect();
    pdfs.sort();
    pdfs
}

fn drawing(number: u32) -> String {
    let houses: String =
        (1..number).map(|house| format!("\"house {house}\" -> \"road {}\"\n", house % 5)).collect();
    let scan =
        if number.is_multiple_of(10) { "scan [shape=box, label=\"\", image=\"scan.png\"]\n" } else { "" };
    format!("digraph {{ label=\"Site plan {number}\"\n{scan}{houses} }}")
}
