"""Curves over the hours of a day as SVG: readable in light and dark, without scripts."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 54, 34
COLOURS: Final = ("#2f6fb3", "#c8681e", "#3c8d5a", "#8a5aa8")
_GREY: Final = "#7d8590"


def stacked(title: str, unit: str, series: Mapping[str, Sequence[float]]) -> str:
    """Areas on top of each other: what together is a whole."""
    sums = [sum(values) for values in zip(*series.values(), strict=True)]
    top = _top(max(sums, default=0))
    base = [0.0] * len(sums)
    shapes = []
    for colour, values in zip(COLOURS, series.values(), strict=False):
        over = [low + value for low, value in zip(base, values, strict=True)]
        edge = [*_points(over, top), *reversed(_points(base, top))]
        shapes.append(f'<polygon points="{_path(edge)}" fill="{colour}" fill-opacity="0.75"/>')
        base = over
    return _chart(title, unit, list(series), top, shapes)


def lines(title: str, unit: str, series: Mapping[str, Sequence[float]]) -> str:
    """One line for each: what is to be compared."""
    top = _top(max((max(values) for values in series.values()), default=0))
    shapes = [
        f'<polyline points="{_path(_points(values, top))}" fill="none" stroke="{colour}" '
        'stroke-width="2" stroke-linejoin="round"/>'
        for colour, values in zip(COLOURS, series.values(), strict=False)
    ]
    return _chart(title, unit, list(series), top, shapes)


def bars(title: str, unit: str, series: Mapping[str, Sequence[float]]) -> str:
    """Bars of each hour on top of each other: what is counted."""
    sums = [sum(values) for values in zip(*series.values(), strict=True)]
    top = _top(max(sums, default=0))
    wide = (WIDTH - LEFT - RIGHT) / max(len(sums), 1)
    base = [0.0] * len(sums)
    shapes = []
    for colour, values in zip(COLOURS, series.values(), strict=False):
        for place, value in enumerate(values):
            if value == 0:
                continue
            y, high = _y(base[place] + value, top), value / top * (HEIGHT - TOP - BOTTOM)
            shapes.append(
                f'<rect x="{LEFT + place * wide + 2:.1f}" y="{y:.1f}" width="{wide - 4:.1f}" '
                f'height="{high:.1f}" fill="{colour}"/>'
            )
            base[place] += value
    return _chart(title, unit, list(series), top, shapes)


def _chart(title: str, unit: str, names: Sequence[str], top: float, shapes: Sequence[str]) -> str:
    style = f'font-family="system-ui, sans-serif" font-size="12" fill="{_GREY}"'
    rows = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(title)}" {style}>'
        ),
        f"<title>{escape(title)}</title>",
        f'<text x="{LEFT}" y="18" font-size="14" font-weight="600">{escape(title)}</text>',
        *_legend(names),
        f'<text x="{LEFT - 8}" y="{TOP - 8}" text-anchor="end">{escape(unit)}</text>',
    ]
    for part in range(5):
        value = top * part / 4
        y = _y(value, top)
        rows.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_GREY}" '
            'stroke-opacity="0.25"/>'
        )
        label = f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        rows.append(label)
    for hour in range(0, 25, 3):
        x = LEFT + (WIDTH - LEFT - RIGHT) * hour / 24
        text = f'<text x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="middle">{hour:02d}:00</text>'
        rows.append(text)
    return "\n".join([*rows, *shapes, "</svg>"]) + "\n"


def _legend(names: Sequence[str]) -> list[str]:
    rows, x = [], float(LEFT)
    for colour, name in zip(COLOURS, names, strict=False):
        rows.append(f'<rect x="{x:.0f}" y="27" width="10" height="10" fill="{colour}"/>')
        rows.append(f'<text x="{x + 15:.0f}" y="36">{escape(name)}</text>')
        x += 15 + 7 * len(name) + 18
    return rows


def _points(values: Sequence[float], top: float) -> list[tuple[float, float]]:
    step = (WIDTH - LEFT - RIGHT) / max(len(values) - 1, 1)
    return [(LEFT + place * step, _y(value, top)) for place, value in enumerate(values)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _top(highest: float) -> float:
    """A round number not below the highest, that four parts divide well."""
    step = 4.0
    while True:
        for factor in (1, 2, 5):
            if highest <= step * factor:
                return step * factor
        step *= 10
