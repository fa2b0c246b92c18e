"""Figures, their goals and the table that is printed of them."""
import dataclasses
import json

HEAD = ("figure", "play", "beside", "", "ratio", "goal", "")


@dataclasses.dataclass
class Figure:
    """One line of the table. `ratio` is play's share of what stands beside it; `goal` holds for the ratio, or for
    play's own value where there is nothing beside it."""

    name: str
    unit: str
    play: float
    beside: str = ""
    other: float = None
    ratio: float = None
    goal: float = None

    @property
    def met(self):
        """True, False, or None where there is no goal."""
        if self.goal is None:
            return None
        return (self.play if self.ratio is None else self.ratio) <= self.goal

    def record(self, name):
        return json.dumps({"measurement": name, **dataclasses.asdict(self), "met": self.met})

    def row(self):
        goal = "" if self.goal is None else f"<= {number(self.goal)}" + ("" if self.ratio is not None else f" {self.unit}".rstrip())
        met = {True: "met", False: "MISSED", None: ""}[self.met]
        other = "" if self.other is None else f"{number(self.other)} {self.unit}".rstrip()
        return (self.name, f"{number(self.play)} {self.unit}".rstrip(), self.beside, other, number(self.ratio), goal, met)


def number(value):
    """A value with three digits that count."""
    if value is None:
        return ""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows):
    """Lines of a table with columns as wide as they have to be."""
    rows = [HEAD, *rows]
    wide = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, wide)).rstrip() for row in rows]
