#!/usr/bin/python3
"""plot.py BENCH.json OUT.png: what a task costs here and with the peers, and how far each bar is used."""
import json
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

from report import figure_text, number  # noqa: E402

OURS, PEER, GOOD, BAD = "#1b6e53", "#9aa5b1", "#1b6e53", "#c0392b"
TITLE = {"loc": "left", "fontsize": 11, "fontweight": "bold"}


def time_text(ns):
    for unit, size in (("ns", 1), ("µs", 1e3), ("ms", 1e6)):
        if ns < 1000 * size or unit == "ms":
            return "%s %s" % (number(ns / size), unit)


def plot_cost(axes, rows):
    """One horizontal bar a system, cheapest on top; furrow once a chunk size."""
    bars = {}
    for row in rows:
        if row["unit"] == "ns" and row["figures"]:
            bars["furrow, chunk 1" if row["id"].startswith("chunk1") else "furrow"] = (row["furrow"], OURS)
            bars[row["peer"]] = (row["against"], PEER)
    ordered = sorted(bars.items(), key=lambda bar: bar[1][0], reverse=True)
    for place, (name, (cost, colour)) in enumerate(ordered):
        axes.barh(place, cost, color=colour, height=0.62)
        axes.text(cost * 1.15, place, time_text(cost), va="center", fontsize=9)
    axes.set_yticks(range(len(ordered)), [name for name, _ in ordered], fontsize=9)
    axes.set_xscale("log")
    if ordered:
        costs = [cost for _, (cost, _) in ordered]
        axes.set_xlim(min(costs) / 3, max(costs) * 12)
    axes.set_xlabel("nanoseconds a task, on a log scale: shorter is better")
    axes.set_title("What a task that does nothing costs", **TITLE)


def used_percent(row):
    """How much of what the bar allows was used: 100 % is the bar, less is better, whichever way the bar points."""
    sense, limit = row["bar"]
    return 100 * (row["figure"] / limit if sense == "<=" else limit / row["figure"])


def plot_bars(axes, rows):
    shown = [row for row in rows if row["bar"] and row["figures"]][::-1]
    edge = 150
    for place, row in enumerate(shown):
        used = max(used_percent(row), 0.5)
        axes.barh(place, min(used, edge), color=GOOD if row["met"] else BAD, height=0.62)
        sense = "≤" if row["bar"][0] == "<=" else "≥"
        text = "%s  (%s %g)" % (figure_text(row["figure"], row["figure_unit"]), sense, row["bar"][1])
        axes.text(edge + 6, place, text, va="center", fontsize=9, color="black" if row["met"] else BAD)
    names = ["%s / %s" % (row["work"], row["peer"]) for row in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=9)
    axes.axvline(100, color="black", linewidth=1.2)
    axes.set_xlim(0, edge + 75)
    axes.set_xticks([0, 50, 100, 150], ["0", "50 %", "100 %:\nthe bar", "150 %"])
    axes.set_title("How much of its bar each measurement uses (red: missed)", **TITLE)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        bench = json.load(file)
    rows, info = bench["rows"], bench["machine"]
    height = max(7, 0.3 * sum(bool(row["bar"]) for row in rows))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(16, height), width_ratios=(1, 1.25))
    plot_cost(left, rows)
    plot_bars(right, rows)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    caption = "furrow %s, %d ranks on %s, %d cores; %s benchmark, %s; medians of interleaved rounds" % (
        info["versions"]["furrow"], bench["ranks"], info["cpu"], info["cores"], bench["mode"], info["date"])
    figure.text(0.01, 0.01, caption, fontsize=8.5, color="#555555")
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(sys.argv[2], dpi=110)


if __name__ == "__main__":
    main()
