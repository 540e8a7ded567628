"""Axes of a plot: from values to places, with ticks at round numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from verify.pictures.svg import INK, MUTED, Drawing, Point


@dataclass(frozen=True)
class Axes:
    """A rectangle of places and the values along it; with `is_log` the upright values are powers of ten."""

    left: float
    top: float
    width: float
    height: float
    xs: tuple[float, float]
    ys: tuple[float, float]
    is_log: bool = False

    def place(self, x: float, y: float) -> Point:
        """The place of a value."""
        upright = log10(y) if self.is_log else y
        across = (x - self.xs[0]) / (self.xs[1] - self.xs[0])
        down = (self.ys[1] - upright) / (self.ys[1] - self.ys[0])
        return self.left + across * self.width, self.top + down * self.height

    def frame(self, drawing: Drawing, xticks: Sequence[float], yticks: Sequence[float], x: str, y: str) -> None:
        """The frame with grid lines, numbers at the ticks and what the axes hold."""
        right, bottom = self.left + self.width, self.top + self.height
        for tick in xticks:
            at = self.place(tick, 10 ** self.ys[0] if self.is_log else self.ys[0])[0]
            drawing.line((at, self.top), (at, bottom), MUTED, 0.4)
            drawing.label((at, bottom + 14), plain(tick), 11.5, kind="tick")
        for tick in yticks:
            at = self.place(self.xs[0], 10**tick if self.is_log else tick)[1]
            drawing.line((self.left, at), (right, at), MUTED, 0.4)
            text = power(tick) if self.is_log else plain(tick)
            drawing.label((self.left - 7, at), text, 11.5, anchor="end", kind="tick")
        drawing.box((self.left, self.top), self.width, self.height, stroke=INK, line=0.8)
        drawing.label((self.left + self.width / 2, bottom + 33), x, 12.5)
        if y:
            drawing.label((self.left - 56, self.top + self.height / 2), y, 12.5, turned=True)


def plain(value: float) -> str:
    """A tick's number, with a minus sign of full width."""
    return f"{value:g}".replace("-", "−")


def power(exponent: float) -> str:
    """10⁻³."""
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return "10" + str(int(exponent)).translate(digits)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers in a range: multiples of 1, 2 or 5 times a power of ten, `most` at most."""
    step = 10.0 ** floor(log10((high - low) / most))
    while (high - low) / step > most:
        step *= 2.5 if f"{step:e}"[0] == "2" else 2
    return [round(k * step, 10) for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
