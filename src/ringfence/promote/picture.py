"""The loops as a picture: one bar a stage, its parts side by side, the target as a line.

Seconds and hours share one picture, so the axis is logarithmic from a tenth of a second; parts are drawn to scale
within their bar. Plain SVG: it opens anywhere and says its numbers in text too. Times in the picture are medians.
"""

from collections.abc import Sequence
from html import escape
from math import log10

from ringfence.base.text import plural
from ringfence.promote.loops import Part, StageLoops

_COLOURS = {
    Part.QUEUE: "#b8b8b8",
    Part.GATES: "#c98500",
    Part.GIT: "#3a7d44",
    Part.ARGO_CD: "#1f6fb2",
    Part.ROLLOUT: "#7a4fa3",
}
_LEFT, _WIDTH, _ROW, _TOP = 130, 620, 52, 40
_LEAST, _MOST = 0.1, 7 * 86400.0


def seconds_text(seconds: float) -> str:
    """Seconds for people: ``0.4 s``, ``12 s``, ``3.5 min``, ``2.0 h``, ``1.5 d``."""
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def _x(seconds: float) -> float:
    bounded = min(max(seconds, _LEAST), _MOST)
    return _LEFT + _WIDTH * (log10(bounded) - log10(_LEAST)) / (log10(_MOST) - log10(_LEAST))


def draw(stages: Sequence[StageLoops], title: str) -> str:
    """The picture as SVG text."""
    height = _TOP + _ROW * max(1, len(stages)) + 60
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" role="img"',
        f' font-family="sans-serif" font-size="12" aria-label="{escape(title, quote=True)}">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="10" y="20" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for tick in (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 86400.0):
        at = f"{_x(tick):.1f}"
        label = f'<text x="{at}" y="{height - 36}" text-anchor="middle" fill="#555555">{seconds_text(tick)}</text>'
        lines.append(f'<line x1="{at}" y1="{_TOP}" x2="{at}" y2="{height - 50}" stroke="#e3e3e3"/>{label}')
    for row, stage in enumerate(stages):
        lines.extend(_row(stage, _TOP + row * _ROW))
    if not stages:
        lines.append(f'<text x="{_LEFT}" y="{_TOP + 30}">nothing was promoted yet</text>')
    for index, part in enumerate(Part):
        x = _LEFT + index * 110
        lines.append(
            f'<rect x="{x}" y="{height - 22}" width="12" height="12" fill="{_COLOURS[part]}"/>'
            f'<text x="{x + 17}" y="{height - 12}">{part.value}</text>'
        )
    x = _LEFT + len(Part) * 110
    middle = height - 16
    lines.append(
        f'<line x1="{x}" y1="{middle - 7}" x2="{x}" y2="{middle + 7}" stroke="#1b1b1b" stroke-width="2"/>'
        f'<text x="{x + 7}" y="{height - 12}">90 %</text>'
        f'<line x1="{x + 60}" y1="{middle - 7}" x2="{x + 60}" y2="{middle + 7}" stroke="#b00020"'
        f' stroke-dasharray="4 3"/><text x="{x + 67}" y="{height - 12}">target</text>'
    )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _row(stage: StageLoops, y: int) -> list[str]:
    end = _x(stage.step.p50)
    total = sum(spread.p50 for spread in stage.parts.values()) or 1.0
    lines = [f'<text x="10" y="{y + 26}">{escape(stage.stage)}</text>']
    x = float(_LEFT)
    for part, found in stage.parts.items():
        width = (end - _LEFT) * found.p50 / total
        if width > 0:
            lines.append(
                f'<rect x="{x:.1f}" y="{y + 12}" width="{width:.1f}" height="20" fill="{_COLOURS[part]}">'
                f"<title>{part.value}: {seconds_text(found.p50)}</title></rect>"
            )
        x += width
    p90 = _x(stage.step.p90)
    lines.append(f'<line x1="{p90:.1f}" y1="{y + 16}" x2="{p90:.1f}" y2="{y + 28}" stroke="#222222" stroke-width="2"/>')
    target = ""
    if stage.target is not None:
        at = _x(stage.target)
        lines.append(
            f'<line x1="{at:.1f}" y1="{y + 6}" x2="{at:.1f}" y2="{y + 38}" stroke="#b00020" stroke-dasharray="4 3"/>'
        )
        target = f", target {seconds_text(stage.target)}"
    count = plural(stage.count, "time", "times")
    words = f"median {seconds_text(stage.step.p50)}, 90 % {seconds_text(stage.step.p90)}{target}, {count}"
    lines.append(f'<text x="{_LEFT}" y="{y + 46}" fill="#444444" font-size="11">{escape(words)}</text>')
    return lines
