"""Turns, inputs, and what is said of figures: sums, verdicts, the page, the picture. Run by `python3 -m unittest`."""

import json
import tempfile
import unittest
import xml.etree.ElementTree as xml
from dataclasses import replace
from pathlib import Path

from sidebyside import data, plot, results, table
from sidebyside.bench import Bench, Options
from sidebyside.figures import Figures, Measured, Row, ratio, same_work
from sidebyside.jobs import ALL, Aim, Job, collections
from sidebyside.measure import Launcher, Run, Sample

JOB = Job("J3", "a job", lambda bench: {}, (Aim(0.15, "s5cmd"), Aim(0.5, "obstore")), peak=64)


def sample(wall: float, cpu: float = 1.0, peak: float = 10.0, code: int = 0) -> Sample:
    return Sample(wall, cpu, peak, code)


def measured(**walls: float) -> Measured:
    samples = {client: [sample(wall)] for client, wall in walls.items()}
    return Measured(samples, "2026-01-02T03:04:05+00:00", "abc1234")


class Sums(unittest.TestCase):
    def test_a_run_that_failed_is_counted_and_is_no_sample(self):
        row = Row.of("x", [sample(3), sample(1, peak=20), sample(0.01, peak=99, code=1), sample(8, cpu=4)])
        self.assertEqual(row, Row("x", runs=4, failed=1, wall=3, fastest=1, cpu=1.0, peak=20))
        self.assertIsNone(Row.of("x", [sample(1, code=-6)]))

    def test_an_aim_is_a_part_of_a_peers_time_or_of_a_second(self):
        job = Job("X", "work", lambda _: {}, (Aim(0.5, "b", "a"), Aim(0.02, None, "a")), peak=None)
        rows = {name: Row.of(name, [sample(wall)]) for name, wall in {"a": 0.025, "b": 0.1}.items()}
        self.assertEqual(table.judged("sink", job, rows, rows["a"]), ["≤ 0.5 b: 0.25", "**≤ 0.02 s: 0.0250, missed**"])

    def test_a_ratio_is_of_the_same_work(self):
        walls = {"holdall: 1 KiB": 1, "s5cmd: 1 KiB": 4, "s5cmd: 1 GiB": 8, "holdall, none": 2, "s5cmd": 8}
        rows = {name: Row.of(name, [sample(wall, cpu=wall * wall)]) for name, wall in walls.items()}
        self.assertEqual(ratio(rows, "holdall: 1 KiB", "s5cmd"), 0.25)
        self.assertEqual(ratio(rows, "holdall: 1 KiB", "s5cmd", "cpu"), 1 / 16)
        self.assertEqual(ratio(rows, "holdall, none", "s5cmd"), 0.25)
        self.assertIsNone(ratio(rows, "holdall: 1 KiB", "obstore"))
        self.assertEqual(same_work("holdall", "s5cmd"), "s5cmd")


class Tables(unittest.TestCase):
    def test_each_aim_is_judged_and_a_missed_one_stands_out(self):
        one = measured(holdall=1, s5cmd=5, obstore=4)
        self.assertEqual(
            table.lines("sink", JOB, one)[0],
            "| J3 | holdall | 1 | 1.000 | 1.000 | 1.000 | 10 | 0.20 | 0.25 "
            "| **≤ 0.15 s5cmd: 0.20, missed**; ≤ 0.5 obstore: 0.25; peak ≤ 64 MiB: 10 |",
        )

    def test_a_client_that_always_failed_has_a_row_without_figures(self):
        failed = Measured({"holdall": [sample(1)], "s5cmd": [sample(1, code=1)] * 2}, "", "")
        lines = table.lines("sink", JOB, failed)
        self.assertEqual(lines[1], "| J3 | s5cmd | 2, all failed | | | | | | | |")
        self.assertIn("| 10 |  |  | peak ≤ 64 MiB: 10 |", lines[0], "no ratio to what has no figure")

    def test_every_row_has_the_columns_of_the_head(self):
        wanted = table.head("sink").splitlines()[0].count("|")
        failing = Measured({"holdall": [sample(1)], "s5cmd": [sample(1, code=1)]}, "", "")
        for kind in ("sink", "ceph"):
            for line in [*table.lines(kind, JOB, failing), *table.head(kind).splitlines()]:
                self.assertEqual(line.count("|"), wanted, line)

    def test_against_ceph_processor_time_is_compared(self):
        samples = {"holdall": [sample(1, cpu=1)], "s5cmd": [sample(1, cpu=4)]}
        line = table.lines("ceph", JOB, Measured(samples, "", ""))[0]
        self.assertTrue(line.endswith("| 0.25 |  |  |"), line)
        job = Job("J3", "a job", lambda bench: {}, (Aim(0.15, "s5cmd"), Aim(0.2, "s5cmd", on="ceph")))
        line = table.lines("ceph", job, Measured(samples, "", ""))[0]
        self.assertTrue(line.endswith("| 0.25 |  | **≤ 0.2 s5cmd: 0.25, missed** |"), line)


class Page(unittest.TestCase):
    def test_what_was_written_by_hand_stays(self):
        page = f"# Results\n\nby hand\n\n{results.BEGIN}\nold\n{results.END}\n\nalso by hand\n"
        new = results.replaced(page, "fresh\n")
        self.assertEqual(new, f"# Results\n\nby hand\n\n{results.BEGIN}\n\nfresh\n\n{results.END}\n\nalso by hand\n")
        self.assertEqual(results.replaced(new, "fresh\n"), new)

    def test_a_page_without_both_marks_is_left_alone(self):
        for page in ("nothing", results.BEGIN, f"{results.END} {results.BEGIN}"):
            with self.assertRaises(SystemExit):
                results.replaced(page, "fresh")

    def test_the_page_of_this_repository_has_the_marks(self):
        page = Path(__file__).with_name("RESULTS.md").read_text()
        self.assertIn("fresh", results.replaced(page, "fresh"))

    def test_figures_come_back_as_they_were_kept(self):
        figures = Figures({"sink": {"J3": measured(holdall=1, s5cmd=4)}}, {"machine": "2 cores"})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "out" / "figures.json"
            self.assertEqual(Figures.load(path), Figures())
            figures.save(path)
            self.assertEqual(Figures.load(path), figures)
        section = results.section(figures, "results.svg", {})
        self.assertIn("Measured 2026-01-02 at abc1234.", section)
        self.assertIn("| J3 | s5cmd | 1 | 4.000 |", section)

    def test_rows_of_jobs_that_were_not_measured_stay(self):
        one, two, three = (measured(holdall=wall) for wall in (1, 2, 3))
        before = Figures({"sink": {"J3": one, "J4": two}, "ceph": {"J3": three}})
        page = results.replaced(f"{results.BEGIN}{results.END}", results.section(before, "results.svg", {}))
        anew = results.section(Figures({"sink": {"J3": measured(holdall=4)}}), "results.svg", results.rows_of(page))
        rows = [line.split(" | ")[:4] for line in anew.splitlines() if line.startswith("| J")]
        self.assertEqual([(row[0], row[3]) for row in rows], [("| J3", "4.000"), ("| J4", "2.000"), ("| J3", "3.000")])
        self.assertIn("From before are: J4 (sink), J3 (ceph).", anew)


class Picture(unittest.TestCase):
    def test_bars_end_where_the_scale_puts_them(self):
        bars = plot.bars({"J3": JOB}, {"J3": measured(holdall=1, s5cmd=10, obstore=1)})
        self.assertEqual(bars, {"J3": [plot.Bar("s5cmd", 0.1, 0.15), plot.Bar("obstore", 1.0, 0.5)]})
        root = xml.fromstring(plot.draw(bars))
        widths = {
            rect.get("class"): float(rect.get("width"))
            for rect in root.iter("{http://www.w3.org/2000/svg}rect")
            if rect.get("width") != "10"
        }
        self.assertEqual(widths, {"s5cmd": 0.0, "obstore": plot.WIDTH})
        aims = [line for line in root.iter("{http://www.w3.org/2000/svg}line") if line.get("class") == "aim"]
        self.assertEqual(len(aims), 3, "one in the legend, one for each bar")

    def test_labels_are_escaped(self):
        self.assertIn("a &lt; b", plot.draw({"a < b": [plot.Bar("s5cmd", 0.5)]}))

    def test_nothing_measured_is_a_picture_all_the_same(self):
        xml.fromstring(plot.draw({}))


class Jobs(unittest.TestCase):
    def test_every_aim_is_of_a_peer_that_a_plot_or_a_row_has(self):
        for job in ALL.values():
            for aim in job.aims:
                self.assertLess(0, aim.at_most, job.name)
                self.assertTrue(aim.client.startswith("holdall"), job.name)

    def test_the_readme_has_a_row_for_every_job(self):
        readme = Path(__file__).with_name("README.md").read_text()
        for job in ALL.values():
            self.assertIn(f"| {job.name} | {job.work} |", readme)


def shell(script: str, *words: object, feed: tuple[str, ...] = ()) -> Run:
    return Run(["sh", "-c", script, "sh", *words], {"PATH": "/usr/bin:/bin"}, feed=feed)


class Turns(unittest.TestCase):
    def setUp(self):
        self.work = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.launcher = self.enterContext(Launcher(self.work))

    def take_turns(self, options: Options, makes: dict) -> dict[str, list[int]]:
        samples = Bench(self.work, options, self.launcher).take_turns(makes)
        return {name: [sample.code for sample in taken] for name, taken in samples.items()}

    def said(self, name: str, code: int = 0) -> Run:
        return shell('echo "$1" >> "$2"; exit "$3"', name, self.work / "log", code)

    def test_another_client_begins_each_round(self):
        makes = {"a": lambda _: self.said("a"), "b": lambda _: self.said("b", 3), "none": lambda _: None}
        self.assertEqual(self.take_turns(Options(rounds=3), makes), {"a": [0] * 3, "b": [3] * 3})
        self.assertEqual((self.work / "log").read_text().split(), ["a", "b", "b", "a", "a", "b"])

    def test_a_client_that_used_up_its_time_has_no_more_turns(self):
        makes = {"a": lambda _: self.said("a"), "b": lambda _: self.said("b")}
        self.assertEqual(self.take_turns(Options(rounds=3, budget=0), makes), {"a": [0], "b": [0]})

    def test_a_command_that_is_not_there_is_a_run_that_failed(self):
        self.assertEqual(self.take_turns(Options(rounds=1), {"a": lambda _: Run(["no-such-command"])}), {"a": [127]})

    def test_standard_input_is_fed_and_a_run_has_a_path_of_its_own(self):
        feed = ("head", "-c", "3000000", "/dev/zero")

        def make(to: Path) -> Run:
            return shell('test "$(wc -c)" = 3000000 && mkdir "$1"', to, feed=feed)

        self.assertEqual(self.take_turns(Options(rounds=2), {"a": make, "b": make}), {"a": [0, 0], "b": [0, 0]})

    def test_what_was_written_stays_until_the_bench_ends(self):
        bench = Bench(self.work, Options(rounds=2), self.launcher)
        makes = {"a, b": lambda to: shell('mkdir "$1" && touch "$1/file"', to)}
        for clear in (False, True, False):
            bench.take_turns(makes, clear=clear)
        left = sorted(path.relative_to(self.work / "outputs") for path in self.work.glob("outputs/*/*"))
        self.assertEqual(left, [Path(f"{n}-a/file") for n in (0, 1, 4, 5)])

    def test_what_a_run_took_is_its_own(self):
        spin = shell("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done")
        sample = self.launcher.run(spin)
        self.assertTrue(sample.good)
        self.assertTrue(sample.cpu > 0 and sample.wall > 0 and 0 < sample.peak < 1000, sample)

    def test_a_command_may_tell_what_counts(self):
        self.assertEqual(self.launcher.run(replace(shell("echo 0.0125"), tells=True)).wall, 0.0125)
        failed = self.launcher.run(replace(shell("echo wrong; exit 3"), tells=True))
        self.assertEqual(failed.code, 3)


class Inputs(unittest.TestCase):
    def setUp(self):
        self.work = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_files_are_written_once_for_all_jobs(self):
        folder = data.small_files(self.work / "small", 2, 10)
        before = {path: path.read_bytes() for path in folder.iterdir()}
        self.assertEqual(data.small_files(folder, 2, 10), folder)
        self.assertEqual({path: path.read_bytes() for path in folder.iterdir()}, before)

    def test_a_step_is_of_the_sizes_that_are_named_and_its_marker_comes_last(self):
        step = data.steps(self.work / "steps", 1) / "0000"
        sizes = [(path.name, path.stat().st_size >> 10) for path in sorted(step.iterdir())]
        self.assertEqual(sizes, [("action.json", 1), ("page.html", 60), ("screenshot.png", 300), ("step.json", 0)])

    def test_a_job_that_deletes_its_documents_leaves_them_to_the_next_one(self):
        folder = data.small_files(self.work / "documents", 3, 10)
        job = collections.job_of(folder, self.work / "job")
        for document in json.loads(job.read_text())["documents"]:
            (job.parent / document["path"]).unlink()
        self.assertEqual(len(list(folder.iterdir())), 3)


if __name__ == "__main__":
    unittest.main()
