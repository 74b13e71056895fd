"""What surviving faults costs, and what others survive.

Knows sizes and bars; runs nothing. Each program measures both sides itself, in turns: `plain`, and `seconds` made safe.
"""
from dataclasses import dataclass
from statistics import median

from works import Group, Program, Row

PATIENCE = 3  # seconds after which a pool that hangs is given up
RESIDENT = (16, 256, 1024)  # MiB


@dataclass
class Sizes:
    never: int  # tasks of 1 us
    claims: int  # tasks of 20 us, each a claim
    long: int  # tasks of 10 ms
    journal: int  # tasks of 1 ms
    crash: int
    reps: int
    every: int


FULL = Sizes(never=10**6, claims=50000, long=100, journal=1000, crash=1000, reps=3, every=2)
QUICK = Sizes(never=3 * 10**5, claims=10000, long=40, journal=300, crash=1000, reps=3, every=3)


def sizes(quick):
    return QUICK if quick else FULL


def fits(mib, ranks):
    """Whether each rank can have so much memory, and leave as much."""
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    return 2 * mib * ranks * 1024 < available


def groups(quick, ranks, loops_per_ms, file):
    """`file`: where a journal may be written."""
    s = sizes(quick)

    def furrow(key, way, count, loops, chunk=0, mib=16, reps=s.reps):
        return Program(key, ["faults_furrow", way, count, loops, chunk, reps, mib, file], ranks)

    def python(key, kind):
        return Program(key, ["crash.py", kind, s.crash, ranks, PATIENCE], python=True)

    us = max(loops_per_ms // 1000, 1)
    return [
        Group("a policy that is never used", [furrow("never", "never", s.never, us)], s.every),
        Group("isolation", [furrow("claims", "isolate", s.claims, 20 * us, 1),
                            furrow("long isolated", "isolate", s.long, 10 * loops_per_ms)], s.every),
        Group("isolation against resident memory", [
            furrow("resident %d" % mib, "isolate", max(ranks, 2), 1, 1, mib, 1)
            for mib in RESIDENT if fits(mib, ranks)], s.every),
        Group("journal", [furrow("journal", "journal", s.journal, loops_per_ms)], s.every),
        Group("a crash", [furrow("crash", "crash", s.crash, us, 0, 16, 1), python("crash executor", "executor"),
                          python("crash pool", "pool")], 3)]


def safe(key):
    return lambda r: median(r[key]["seconds"])


def plain(key):
    return lambda r: median(r[key]["plain"])


def fork(key):
    return lambda r: median(r[key]["fork"])


def paired(key, apart=lambda r: 0.0):
    """The median over pairs of neighbours: a slow moment of the machine hits both."""
    return lambda r: median((a - apart(r)) / b for a, b in zip(r[key]["seconds"], r[key]["plain"]))


def per_claim(key, claims, ranks):
    """Microseconds that a claim takes longer, on the rank that makes it."""
    return lambda r: 1e6 * ranks / claims * (median(a - b for a, b in zip(r[key]["seconds"], r[key]["plain"])) -
                                             fork(key)(r))


def there(key):
    return lambda r: r[key]["there"][0]


def rows(quick, ranks):
    s = sizes(quick)

    def cost(id, work, key, bar, apart=lambda r: 0.0):
        return Row(id, work, "the same map without", [key], safe(key), plain(key), paired(key, apart), bar=("<=", bar))

    table = [
        cost("faults/never", "policy never used, tasks of 1 us", "never", 1.02),
        Row("faults/claims", "isolated, tasks of 20 us, extra a claim", "the same map without", ["claims"],
            safe("claims"), plain("claims"), per_claim("claims", s.claims, ranks), "s", "us", ("<=", 3)),
        cost("faults/long", "isolated, tasks of 10 ms, fork apart", "long isolated", 1.01, fork("long isolated")),
        cost("faults/journal", "journal, tasks of 1 ms", "journal", 1.02),
    ]
    for mib in RESIDENT:
        key = "resident %d" % mib
        table.append(Row("faults/fork/%d" % mib, "children of an operation, %d MiB resident" % mib,
                         "the same map without", [key], lambda r, key=key: 1e3 * safe(key)(r),
                         lambda r, key=key: 1e3 * plain(key)(r),
                         lambda r, key=key: 1e3 * fork(key)(r), "ms", "ms"))
    for key, peer in (("executor", "ProcessPoolExecutor (breaks)"),
                      ("pool", "Pool.map (hangs, %d s)" % PATIENCE)):
        table.append(Row("faults/crash/" + key, "a crash: results of the others", peer, ["crash", "crash " + key],
                         there("crash"), there("crash " + key), there("crash"), "%", "%", (">=", 100)))
    return table
