"""furrow farm against xargs and GNU parallel: commands that do nothing, so that all there is is what it costs to run one.

Knows sizes and bars; runs nothing.
"""
import os
import shutil
from dataclasses import dataclass

from faults import fits, paired, plain, safe
from works import Group, Program, Row, compare, median, quotient

RATE, JOBLOG, RESIDENT = "farm: rate", "farm: joblog", "farm: resident memory"
MIB = 2048  # more of it in each rank


@dataclass
class Sizes:
    commands: int
    parallel: int  # of GNU parallel, which is slow
    pairs: int
    reps: int
    every: int


FULL = Sizes(commands=2000, parallel=1000, pairs=3, reps=3, every=3)
QUICK = Sizes(commands=2000, parallel=200, pairs=3, reps=1, every=3)


def sizes(quick):
    return QUICK if quick else FULL


def program(binaries):
    return os.path.join(os.path.dirname(binaries), "bin", "furrow")


def missing(ranks, binaries):
    """What can't be measured here, and why: {title: reason}."""
    why = {}
    if not os.path.exists(program(binaries)):
        why = {title: "furrow was left out" for title in (RATE, JOBLOG, RESIDENT)}
    for tool in ("xargs", "parallel"):
        if not shutil.which(tool):
            why[RATE] = "there is no %s" % tool
    if not fits(MIB, ranks):
        why[RESIDENT] = "there is not enough memory"
    return why


def groups(quick, ranks, binaries):
    s = sizes(quick)

    def run(key, kind, *words):
        return Program(key, ["farm_run.py", kind, *words], python=True)

    def farm(key, kind, reps, *more):
        return run(key, kind, program(binaries), ranks, s.commands, reps, *more)

    return [
        Group(RATE, [farm("farm", "farm", s.reps), run("farm xargs", "xargs", ranks, s.commands, s.reps),
                     run("farm parallel", "parallel", ranks, s.parallel, 1)], s.every),
        Group(JOBLOG, [farm("farm joblog", "joblog", s.pairs)], s.every),
        Group(RESIDENT, [farm("farm resident", "resident", s.pairs, os.path.join(binaries, "libresident.so"), MIB)], s.every),
    ]


def rows(quick, ranks):
    s = sizes(quick)
    us, theirs = s.commands * 1e-6, s.parallel * 1e-6
    work, xargs, parallel = "farm, %d x true" % s.commands, "xargs -P%d -n1" % ranks, "GNU parallel -j%d" % ranks

    def whole(id, peer, key, per):
        ours, other = (lambda r: median(r["farm"]["whole"]) / us), (lambda r: median(r[key]["whole"]) / per)
        return Row(id, "the same with mpirun's start", peer, ["farm", key], ours, other, quotient(other, ours), "us")

    def against(id, work, key, peer):
        return Row(id, work, peer, [key], lambda r: safe(key)(r) / us, lambda r: plain(key)(r) / us, paired(key), "us",
                   bar=("<=", 1.05))

    return [
        compare("farm/xargs", work, xargs, "farm", "farm xargs", (">=", 1), "us", (us, us), True),
        compare("farm/parallel", work, parallel, "farm", "farm parallel", (">=", 4), "us", (us, theirs), True),
        whole("farm/xargs/whole", xargs, "farm xargs", us),
        whole("farm/parallel/whole", parallel, "farm parallel", theirs),
        against("farm/joblog", "farm with a joblog", "farm joblog", "the same without"),
        against("farm/resident", "farm, %d GiB resident a rank" % (MIB >> 10), "farm resident", "given back before the start"),
    ]
