"""The ratios as a picture: bars on a logarithmic scale, drawn as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from .figures import Measured, ratio
from .jobs import Job

LEFT, WIDTH, RIGHT, TOP, BAR, GAP = 210, 560, 60, 56, 13, 11
PEERS = ("s5cmd", "obstore")
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .faint { fill: #59636e }
  .end { text-anchor: end } .middle { text-anchor: middle }
  .grid { stroke: #d1d9e0 } .equal { stroke: #59636e; stroke-dasharray: 4 3 }
  .s5cmd { fill: #2f6fb5 } .obstore { fill: #c4701c }
  .aim { stroke: #1f2328; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint { fill: #9198a1 }
    .grid { stroke: #3d444d } .equal { stroke: #9198a1 }
    .s5cmd { fill: #6ba7e8 } .obstore { fill: #e59a4d }
    .aim { stroke: #e6edf3 }
  }
"""


@dataclass(frozen=True)
class Bar:
    """holdall's wall time as a part of a peer's, and what it is meant to be at most."""

    peer: str
    ratio: float
    aim: float | None = None


def bars(jobs: Mapping[str, Job], measured: Mapping[str, Measured]) -> dict[str, list[Bar]]:
    """The bars of every row of holdall's that did what s5cmd or obstore did too, by the row's label."""
    found: dict[str, list[Bar]] = {}
    for name, job in jobs.items():
        rows = measured[name].rows() if name in measured else {}
        for client in (client for client in rows if client.startswith("holdall")):
            aims = {aim.of: aim.at_most for aim in job.aims if (aim.client, aim.on) == (client, "sink")}
            parts = {peer: ratio(rows, client, peer) for peer in PEERS}
            of_row = [Bar(peer, part, aims.get(peer)) for peer, part in parts.items() if part]
            if of_row:
                found[f"{name} {client.removeprefix('holdall').lstrip(',: ')}".strip()] = of_row
    return found


def draw(groups: Mapping[str, Sequence[Bar]]) -> str:
    """A picture of the groups, one below the other."""
    scale = Scale.over(
        [figure for group in groups.values() for bar in group for figure in (bar.ratio, bar.aim) if figure]
    )
    body, y = [], TOP
    for label, group in groups.items():
        body.append(_text(LEFT - 10, y + (len(group) * BAR) / 2 + 4, label, "end"))
        for bar in group:
            body += _bar(bar, y, scale)
            y += BAR
        y += GAP
    height = y + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" role="img">',
        "<title>Wall time of holdall as a part of its peers'</title>",
        f"<style>{STYLE}</style>",
        *_legend(),
        *_grid(scale, y),
        *body,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


@dataclass(frozen=True)
class Scale:
    """Places figures between two powers of ten."""

    first: int
    last: int

    @staticmethod
    def over(figures: Sequence[float]) -> "Scale":
        logs = [math.log10(figure) for figure in figures] or [-1.0]
        first, last = math.floor(min(*logs, -1.0)), math.ceil(max(*logs, 0.0))
        return Scale(first, last)

    def x(self, figure: float) -> float:
        return LEFT + WIDTH * (math.log10(figure) - self.first) / (self.last - self.first)

    def ticks(self) -> list[float]:
        return [step * 10**power for power in range(self.first, self.last) for step in (1, 2, 5)] + [10**self.last]


def _bar(bar: Bar, y: float, scale: Scale) -> list[str]:
    end = scale.x(bar.ratio)
    drawn = [
        f'<rect class="{bar.peer}" x="{LEFT}" y="{y + 1}" width="{end - LEFT:.1f}" height="{BAR - 2}"/>',
        _text(end + 4, y + BAR - 1, f"{bar.ratio:.2f}", "faint"),
    ]
    if bar.aim:
        x = f"{scale.x(bar.aim):.1f}"
        drawn.append(f'<line class="aim" x1="{x}" x2="{x}" y1="{y - 1}" y2="{y + BAR + 1}"/>')
    return drawn


def _legend() -> list[str]:
    said = [_text(LEFT, 16, "wall time of holdall ÷", "")]
    for at, peer in enumerate(PEERS):
        x = LEFT + 140 + at * 90
        said += [f'<rect class="{peer}" x="{x}" y="7" width="10" height="10"/>', _text(x + 15, 16, peer, "")]
    x = LEFT + 325
    said += [f'<line class="aim" x1="{x}" x2="{x}" y1="6" y2="18"/>', _text(x + 8, 16, "aim, at most", "")]
    return said


def _grid(scale: Scale, bottom: float) -> list[str]:
    drawn = []
    for tick in scale.ticks():
        x, kind = f"{scale.x(tick):.1f}", "equal" if tick == 1 else "grid"
        drawn.append(f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{bottom}"/>')
        drawn.append(_text(scale.x(tick), TOP - 13, f"{tick:g}", "middle faint"))
    return drawn


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
