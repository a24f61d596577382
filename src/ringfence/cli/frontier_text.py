"""The frontier for people: a table in the terminal, and a picture."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from ringfence.decide.explain import price
from ringfence.decide.frontier import Choice

_NOTES = {
    "planned": "the plan",
    "recommended": "two Environments, as recommended",
    "dominated": "not on the frontier: dominated",
}


def to_json(name: str, choices: Sequence[Choice]) -> dict[str, Any]:
    """The choices as plain values."""
    return {
        "apiVersion": "ringfence.dev/v1",
        "kind": "Frontier",
        "metadata": {"name": name},
        "choices": [
            {
                "choice": each.words,
                "price": float(each.price),
                "waitingMinutes": None if each.waiting == float("inf") else each.waiting,
                "blastRadius": each.blast,
                "environments": each.environments,
                "clusters": each.clusters,
                "testingCopies": each.copies,
                "planned": each.planned,
                "recommended": each.recommended,
                "dominated": each.dominated,
            }
            for each in choices
        ],
    }


def lines(name: str, choices: Sequence[Choice]) -> Iterator[str]:
    """The table: numbers of choices are those of the picture."""
    yield f"{name}: what price buys in waiting and blast radius (no choice here is worse in everything than another)"
    yield ""
    yield " NO     PRICE   WAITING   BLAST  ENVIRONMENTS  CLUSTERS  COPIES"
    for number, each in enumerate(choices, start=1):
        copies = "as written" if each.copies is None else str(each.copies)
        yield (
            f"{number:>3}  {price(each.price):>8}  {_minutes(each.waiting):>8}  {each.blast * 100:>5.1f}%"
            f"  {each.environments:>12}  {each.clusters:>8}  {copies}"
        )
        yield f"     {each.words}"
        if marks := _marks(each):
            yield f"     <- {marks}"
    yield ""
    yield "PRICE is a month. WAITING is minutes that a change waits on its way to production, for a free"
    yield "testing copy and where a promotion leaves a cluster or an Environment. BLAST is how much of all"
    yield "data's worth is lost, besides its own, with one deployment. docs/explanation/decision.md has the"
    yield "assumptions; the figures compare choices and mean nothing alone."


def _marks(choice: Choice) -> str:
    return "; ".join(text for key, text in _NOTES.items() if getattr(choice, key))


def _minutes(value: float) -> str:
    return "no end" if value == float("inf") else f"{value:.1f} m"


_WIDTH, _HEIGHT, _LEFT, _TOP = 900, 520, 80, 60
_PLOT_WIDTH, _PLOT_HEIGHT = 760, 360
_BLUE, _ORANGE, _GREY = "#2f6fab", "#c8641a", "#9aa3ab"


def svg(name: str, choices: Sequence[Choice]) -> str:
    """A picture: price across, waiting up, the blast radius as the size of the dot."""
    shown = [each for each in choices if each.waiting != float("inf")]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '  # noqa: ISC004
        f'width="{_WIDTH}" height="{_HEIGHT}" font-size="12" role="img">',
        f"<title>{escape(name)}: price against waiting against blast radius</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="28" font-size="16">{escape(name)}: price, waiting, blast radius</text>',
        f'<text x="{_LEFT}" y="46" fill="#555">a dot is a choice; its area is what is lost with one deployment</text>',
    ]
    if shown:
        parts += _axes(shown)
        parts += _dots(choices, shown)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or max(abs(high) * 0.1, 1.0)
    return max(0.0, low - room), high + room


def _axes(shown: Sequence[Choice]) -> Iterator[str]:
    bottom, right = _TOP + _PLOT_HEIGHT, _LEFT + _PLOT_WIDTH
    yield f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#333"/>'
    for axis, (low, high) in (("x", _range([float(each.price) for each in shown])),
                              ("y", _range([each.waiting for each in shown]))):  # fmt: skip
        for step in range(6):
            value = low + (high - low) * step / 5
            if axis == "x":
                x = _LEFT + _PLOT_WIDTH * step / 5
                yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="#333">{value:,.0f}</text>'
            else:
                y = bottom - _PLOT_HEIGHT * step / 5
                yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#333">{value:.0f}</text>'
                yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#e6e6e6"/>'
    yield f'<text x="{(_LEFT + right) / 2}" y="{bottom + 40}" text-anchor="middle">price a month</text>'
    middle = (_TOP + bottom) / 2
    yield (f'<text x="22" y="{middle}" text-anchor="middle" transform="rotate(-90 22 {middle})">'
           "waiting of a change, minutes</text>")  # fmt: skip
    yield (f'<text x="{_LEFT}" y="{_HEIGHT - 20}"><tspan fill="{_ORANGE}">orange: the plan</tspan>'
           f'<tspan dx="16" fill="{_BLUE}">ringed: two Environments, as recommended</tspan>'
           f'<tspan dx="16" fill="{_GREY}">grey: not on the frontier</tspan></text>')  # fmt: skip


def _dots(choices: Sequence[Choice], shown: Sequence[Choice]) -> Iterator[str]:
    xs, ys = _range([float(each.price) for each in shown]), _range([each.waiting for each in shown])
    most = max(each.blast for each in shown) or 1.0
    for number, each in sorted(enumerate(choices, start=1), key=lambda pair: -pair[1].blast):
        if each not in shown:
            continue
        x = _LEFT + _PLOT_WIDTH * (float(each.price) - xs[0]) / (xs[1] - xs[0])
        y = _TOP + _PLOT_HEIGHT * (1 - (each.waiting - ys[0]) / (ys[1] - ys[0]))
        radius = 5 + 17 * (each.blast / most) ** 0.5
        fill = _ORANGE if each.planned else _GREY if each.dominated else _BLUE
        figures = f"price {price(each.price)}, waiting {_minutes(each.waiting)}, blast {each.blast:.1%}"
        said = f"{number}: {each.words}; {figures}"
        yield f'<g><title>{escape(said)}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" fill-opacity="0.55"/>'  # noqa: E501
        if each.recommended:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius + 3:.1f}" fill="none" stroke="{_BLUE}"/>'
        yield f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{number}</text></g>'
