"""Draws the ratios of a report of `bench` as a picture for the documentation.

    python -m tests.load.chart FILE.json docs/images/performance.svg

It writes the few elements itself: a browser then chooses the colours for its light or dark theme,
which the pictures of plotting libraries cannot follow.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tests.load.figures import index_figures

ROWS = (
    ("known", "CPU", "CPU, people who have written before"),
    ("new", "CPU", "CPU, people who have never written"),
    ("long", "CPU", "CPU, long history"),
    ("trickle", "CPU", "CPU, one person at a time"),
    ("streamed", "CPU", "CPU, answer shown while it is written"),
    ("throughput", "messages", "time per message, fully loaded"),
    ("latency", "added p50, 1 person", "added time, 1 person"),
    ("latency", "added p50, 200 people", "added time, 200 people at once"),
    ("latency", "added p50, 1,000 people", "added time, 1,000 people at once"),
    ("memory", "PSS after load", "memory"),
)
"""Scenario, figure and label. Less is better in each: throughput is drawn as its inverse."""
_LABEL_WIDTH, _PLOT_WIDTH, _ROW_HEIGHT, _TOP = 270, 400, 28, 52
_TICKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32)
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px } .tick { fill: #656d76 }
line { stroke: #d0d7de } line.one { stroke: #1f2328; stroke-width: 2 }
.less { fill: #1a7f37 } .more { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .tick { fill: #8d96a0 } line { stroke: #30363d }
  line.one { stroke: #e6edf3 } .less { fill: #3fb950 } .more { fill: #db6d28 }
}"""


def draw(report: dict[str, Any]) -> str:
    """Return the picture as SVG. Figures that the report lacks are left out."""
    figures = index_figures(report)
    rows = []
    for scenario, name, label in ROWS:
        if ratio := figures.get((scenario, name), {}).get("ratio"):
            value = ratio["median"]
            rows.append((label, 1 / value if scenario == "throughput" else value))
    ticks = [tick for tick in _TICKS if tick <= max([2.0, *(2 * value for _, value in rows)])]
    height = _TOP + len(rows) * _ROW_HEIGHT + 30

    def x(ratio: float) -> float:
        share = math.log(max(ratio, ticks[0]) / ticks[0]) / math.log(ticks[-1] / ticks[0])
        return round(_LABEL_WIDTH + share * _PLOT_WIDTH, 1)

    parts = [_text(12, 24, "The suite compared with a bare bot (= 1); less is better", "title")]
    for tick in ticks:
        kind = "one" if tick == 1 else ""
        at = f'x1="{x(tick)}" x2="{x(tick)}" y1="{_TOP - 8}" y2="{height - 28}"'
        parts.append(f'<line class="{kind}" {at}/>')
        parts.append(_text(x(tick) - 8, height - 10, f"{tick:g}×", "tick"))
    for number, (label, value) in enumerate(rows):
        y, left, right = _TOP + number * _ROW_HEIGHT, x(min(value, 1)), x(max(value, 1))
        kind = "less" if value <= 1 else "more"
        box = f'x="{left}" y="{y}" width="{max(right - left, 1):.1f}" height="18"'
        parts += [_text(12, y + 14, label), f'<rect class="{kind}" rx="2" {box}/>']
        parts.append(_text(right + 6, y + 14, f"{value:.2f}×"))
    width = _LABEL_WIDTH + _PLOT_WIDTH + 70
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{_STYLE}\n</style>'
    return "\n".join([head, *parts, "</svg>\n"])


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}">{escape(text)}</text>'


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(draw(json.loads(source.read_text())))
