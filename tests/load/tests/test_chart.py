"""The picture of `bench`."""

from typing import Any
from xml.etree import ElementTree

from tests.load.chart import ROWS, draw

SVG = "{http://www.w3.org/2000/svg}"


def make_report(**ratios: float) -> dict[str, Any]:
    """Return a report with ratios of the first figure of some scenarios."""
    names = {scenario: name for scenario, name, _ in reversed(ROWS)}
    scenarios = [
        {"name": name, "figures": [{"name": names[name], "ratio": {"median": ratio}}]}
        for name, ratio in ratios.items()
    ]
    return {"scenarios": scenarios}


def find_bars(report: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Return class, left end and width of each bar."""
    root = ElementTree.fromstring(draw(report))
    return [
        (str(bar.get("class")), float(bar.get("x", "")), float(bar.get("width", "")))
        for bar in root.iter(f"{SVG}rect")
    ]


def test_bars_extend_from_the_line_of_the_bare_bot() -> None:
    known, new, memory = find_bars(make_report(known=0.5, new=4.0, memory=2.0))
    assert [known[0], new[0], memory[0]] == ["less", "more", "more"]
    assert new[1] == memory[1]
    assert abs(known[1] + known[2] - new[1]) < 0.2
    assert abs(new[2] - 2 * memory[2]) < 0.2, "the axis is logarithmic"


def test_higher_throughput_is_drawn_as_less_time() -> None:
    (bar,) = find_bars(make_report(throughput=2.0))
    assert bar[0] == "less"


def test_report_without_ratios_has_no_bars() -> None:
    assert find_bars({"scenarios": []}) == []


def test_labels_and_both_themes_are_there() -> None:
    svg = draw(make_report(known=0.8))
    assert "people who have written before" in svg
    assert "0.80×" in svg
    assert "prefers-color-scheme: dark" in svg
