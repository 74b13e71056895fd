"""Threads of a rank: tasks that compute, against as many ranks; tasks that wait, against what can't be beaten.

Knows sizes and bars; runs nothing.
"""
from dataclasses import dataclass

from works import Group, Program, Row, compare, seconds

SLEEP = 0.05  # seconds of a task that waits
THREADS = 16  # of a rank that runs such tasks


@dataclass
class Sizes:
    computing: int  # tasks of 1 ms
    waiting: int
    reps: int


FULL = Sizes(computing=1000, waiting=200, reps=3)
QUICK = Sizes(computing=400, waiting=200, reps=1)


def sizes(quick):
    return QUICK if quick else FULL


def groups(quick, ranks, loops_per_ms):
    s = sizes(quick)
    work = ["map_furrow", "unit", s.computing, loops_per_ms, s.reps, 0, "auto"]
    return [
        Group("threads", [Program("threads", work, 1, {"FURROW_THREADS": str(ranks)}), Program("threads ranks", work, ranks)],
              same=True),
        Group("threads that wait", [Program("waits", ["threads_furrow", s.waiting, s.reps], ranks,
                                            {"FURROW_THREADS": str(THREADS)})]),
    ]


def rows(quick, ranks):
    s = sizes(quick)
    rounds = -(-s.waiting // (ranks * THREADS))  # all run at a time that can
    ours, least = seconds("waits"), rounds * SLEEP
    return [
        compare("threads/cpu", "1 ms tasks, 1 rank of %d threads" % ranks, "%d ranks" % ranks, "threads", "threads ranks",
                ("<=", 1.05)),
        Row("threads/waits", "%d tasks of 50 ms, %d x %d threads" % (s.waiting, ranks, THREADS), "the least possible",
            ["waits"], ours, lambda r: least, lambda r: ours(r) / least, bar=("<=", 0.45 / 0.35)),
    ]
