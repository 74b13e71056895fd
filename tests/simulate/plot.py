#!/usr/bin/python3
"""plot.py SIMULATE.json OUT.png: efficiency against nodes, and how busy rank 0 is."""
import json
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

COLOURS = {"constant": "#1b6e53", "lognormal": "#c77b1b", "Pareto": "#7a4fa3", "reduction": "#2f6fb0", "one node": "#555555"}
TITLE = {"loc": "left", "fontsize": 11, "fontweight": "bold"}


def style(name):
    """One colour a distribution; dashed: more tasks; crosses: slow messages."""
    colour = next(colour for start, colour in COLOURS.items() if name.startswith(start))
    return {"color": colour, "linestyle": "--" if "10 times" in name else "-", "linewidth": 1.3,
            "marker": "x" if "slow messages" in name else "o", "markersize": 4, "label": name}


def draw(axes, rows, value, names):
    for name in names:
        mine = [row for row in rows if row["series"] == name]
        axes.plot([row["nodes"] for row in mine], [value(row) for row in mine], **style(name))
    axes.set_xscale("log")
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("nodes of 128 ranks")
    axes.grid(color="#e5e5e5")
    axes.spines[["top", "right"]].set_visible(False)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        simulated = json.load(file)
    rows = simulated["rows"]
    names = list(dict.fromkeys(row["series"] for row in rows))
    dealt = [name for name in names if not name.startswith("one node")]
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(18, 6.5))
    draw(left, rows, lambda row: row["efficiency"], names)
    left.axhline(0.95, color="black", linewidth=0.8)
    left.set_title("Efficiency: work / ranks / time", **TITLE)
    left.legend(fontsize=8, loc="lower left")
    draw(middle, rows, lambda row: row["greedy"] / row["seconds"], dealt)
    middle.axhline(0.95, color="black", linewidth=0.8)
    middle.set_title("Of the best possible: one queue that costs nothing", **TITLE)
    draw(right, rows, lambda row: row["busy"], names)
    right.set_title("Part of the time that rank 0 spends on messages", **TITLE)
    caption = "Simulated: 10^7 tasks of 10 ms (dashed: 10^8); a message costs rank 0 %.1f µs, under way 5 µs (crosses: 10 and 50 µs)" % (
        simulated["message"] / 1000)
    figure.text(0.01, 0.01, caption, fontsize=8.5, color="#555555")
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(sys.argv[2], dpi=100)


if __name__ == "__main__":
    main()
