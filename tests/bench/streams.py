"""Items that come one by one, against Pool.imap: with chunk 1, and with whichever chunk is best there.

Knows sizes and bars; runs nothing.
"""
from dataclasses import dataclass
from statistics import median

from works import Group, Program, Row, compare, power, seconds

CHUNKS = (10, 100, 1000, 10000)  # of Pool.imap


@dataclass
class Sizes:
    items: int
    pool: int
    pool_chunk1: int
    every: int


FULL = Sizes(items=10**6, pool=10**6, pool_chunk1=40000, every=3)
QUICK = Sizes(items=10**6, pool=2 * 10**5, pool_chunk1=8000, every=3)


def sizes(quick):
    return QUICK if quick else FULL


def key(chunk):
    return "stream pool %d" % chunk


def groups(quick, ranks):
    s = sizes(quick)

    def pool(count, chunk):
        return Program(key(chunk), ["stream_pool.py", count, chunk, ranks], python=True)

    programs = [Program("stream", ["stream_furrow", s.items, 3], ranks), pool(s.pool_chunk1, 1)]
    return [Group("stream", programs + [pool(s.pool, chunk) for chunk in CHUNKS], s.every, same=True)]


def best(r):
    """Seconds of Pool.imap with its best chunk in this round."""
    return min(median(r[key(chunk)]["seconds"]) for chunk in CHUNKS)


def rows(quick):
    s = sizes(quick)
    us = 1e-6
    work = "stream in order, %s of 100 bytes" % power(s.items)
    ours = seconds("stream", s.items * us)
    return [
        compare("stream/chunk1", work, "Pool.imap, chunk 1", "stream", key(1), (">=", 20), "us",
                (s.items * us, s.pool_chunk1 * us), True),
        Row("stream/best", work, "Pool.imap, best chunk", ["stream"] + [key(chunk) for chunk in CHUNKS], ours,
            lambda r: best(r) / (s.pool * us), lambda r: best(r) / (s.pool * us) / ours(r), "us", "x", (">=", 1)),
    ]
