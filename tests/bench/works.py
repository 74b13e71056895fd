"""What is measured: the programs, which of them run side by side, and the rows of the table with their bars.

Knows sizes and bars; runs nothing.
"""
from dataclasses import dataclass, field
from statistics import median
from typing import Callable, Optional


@dataclass
class Program:
    """One command. `ranks`: under scripts/run with so many; None: directly. `hosts`: under scripts/hosts-run, with so
    many ranks on each host: "1,2"."""

    key: str
    argv: list
    ranks: Optional[int] = None
    env: dict = field(default_factory=dict)
    python: bool = False
    hosts: Optional[str] = None


@dataclass
class Group:
    """Programs that run one after the other, forwards in one round and backwards in the next. `every`: the rounds
    between two runs. `same`: all must have found the same results."""

    title: str
    programs: list
    every: int = 1
    same: bool = False


@dataclass
class Row:
    """A row of the table. `ours`, `theirs` and `figure` take the results of one round: {key: {name: [numbers]}}.
    `bar` is ("<=" or ">=", number), or None where the comparison is only shown."""

    id: str
    work: str
    peer: str
    needs: list
    ours: Callable
    theirs: Callable
    figure: Callable
    unit: str = "s"
    figure_unit: str = "x"
    bar: Optional[tuple] = None


@dataclass
class Sizes:
    noop: int
    noop_chunk1: int
    manager: int
    pool: int
    pool_chunk1: int
    mpi4py: int
    mpi4py_chunk1: int
    joblib: int
    calls: int
    skew_ms: int
    iterations: int
    pi: int
    units: int
    idle_ms: int
    memory: int
    rounds: int
    every: int
    budget: float


FULL = Sizes(noop=10**7, noop_chunk1=10**7, manager=200000, pool=10**7, pool_chunk1=20000, mpi4py=500000,
             mpi4py_chunk1=2000, joblib=200000, calls=10000, skew_ms=2000, iterations=1200, pi=10**9, units=2000,
             idle_ms=3000, memory=10**9, rounds=7, every=3, budget=690)
QUICK = Sizes(noop=10**7, noop_chunk1=10**6, manager=50000, pool=10**6, pool_chunk1=4000, mpi4py=100000,
              mpi4py_chunk1=500, joblib=50000, calls=2000, skew_ms=400, iterations=250, pi=50 * 10**6, units=300,
              idle_ms=1000, memory=10**8, rounds=3, every=3, budget=85)

SKEWED = ("linear", "long", "mandelbrot")
SKEWED_TEXT = {"linear": "cost grows with the index", "long": "one task is 20 % of all",
               "mandelbrot": "Mandelbrot rows"}


def programs(s, ranks, loops_per_ms):
    """The groups, in the order in which a round runs them."""
    threads = {"OMP_NUM_THREADS": str(ranks)}
    tasks = {"linear": 2000, "long": 2001, "mandelbrot": 1000}
    turns = s.skew_ms * loops_per_ms
    loops = {"linear": turns * 2 // 2000**2, "long": turns * 4 // 5 // 2000, "mandelbrot": s.iterations}

    def furrow(key, work, count, turn, reps, chunk=0, schedule="auto", on=ranks):
        return Program(key, ["map_furrow", work, count, turn, reps, chunk, schedule], on)

    def openmp(key, work, count, turn, reps, schedule):
        return Program(key, ["map_openmp", work, count, turn, reps, schedule], None, threads)

    def python(key, *argv):
        return Program(key, ["peers.py", *argv, ranks], ranks + 1 if argv[0] == "mpi4py" else None, python=True)

    groups = [
        Group("no-op tasks", [furrow("noop", "noop", s.noop, 1, 5),
                              openmp("noop guided", "noop", s.noop, 1, 5, "guided")], same=True),
        Group("no-op tasks in Python", [python("pool", "pool", s.pool, 0, 1),
                                        python("mpi4py", "mpi4py", s.mpi4py, 1000, 1),
                                        python("joblib", "joblib", s.joblib, 0, 1)], s.every),
        Group("no-op tasks, chunk 1", [furrow("chunk1", "noop", s.noop_chunk1, 1, 3, 1),
                                       openmp("chunk1 dynamic", "noop", s.noop_chunk1, 1, 3, "dynamic")], same=True),
        Group("no-op tasks one by one", [Program("manager", ["map_manager", "noop", s.manager, 1, 2], ranks),
                                         python("pool1", "pool", s.pool_chunk1, 1, 1),
                                         python("mpi4py1", "mpi4py", s.mpi4py_chunk1, 1, 1)], s.every),
    ]
    for key, on in (("small", ranks), ("small over", 2 * ranks)):
        groups.append(Group("small maps on %d ranks" % on, [
            Program(key, ["small_furrow", s.calls, 5], on),
            Program(key + " mpi", ["small_mpi", s.calls, 5], on)], same=True))
    for work in SKEWED:
        groups.append(Group(SKEWED_TEXT[work], [
            furrow(work, work, tasks[work], loops[work], 2),
            openmp(work + " dynamic", work, tasks[work], loops[work], 2, "dynamic")], same=True))
    groups.append(Group("unfit schedules", [
        furrow("linear static", "linear", tasks["linear"], loops["linear"], 1, 0, "static"),
        Program("linear manager", ["map_manager", "linear", tasks["linear"], loops["linear"], 1], ranks)], s.every,
        same=True))
    groups += [
        Group("pi", [Program("pi", ["pi_furrow", s.pi, 1], ranks),
                     Program("pi openmp", ["pi_openmp", s.pi, 1], None, threads),
                     Program("pi 1", ["pi_furrow", s.pi, 1], 1),
                     Program("pi openmp 1", ["pi_openmp", s.pi, 1], None, {"OMP_NUM_THREADS": "1"})], same=True),
        Group("oversubscribed", [furrow("unit", "unit", s.units, loops_per_ms, 1),
                                 furrow("unit over", "unit", s.units, loops_per_ms, 1, on=4 * ranks)], same=True),
        Group("idle ranks", [Program("idle", ["idle_furrow", s.idle_ms * loops_per_ms], 2 * ranks),
                             Program("idle mpi", ["idle_mpi", s.idle_ms * loops_per_ms], 2 * ranks)], s.every,
              same=True),
        Group("memory", [Program("memory bare", ["memory_furrow", 0], ranks),
                         Program("memory", ["memory_furrow", s.memory], ranks),
                         Program("memory few", ["memory_furrow", 10**6], ranks)], s.every),
    ]
    return groups


def seconds(key, per=1.0):
    return lambda r: median(r[key]["seconds"]) / per


def quotient(a, b):
    return lambda r: a(r) / b(r)


def idle_share(key):
    """Of the ranks without the task, the busiest: its CPU time in percent of the wall time."""

    def share(r):
        busy = int(r[key]["busy"][0])
        return 100 * max(cpu for rank, cpu in enumerate(r[key]["cpu"]) if rank != busy) / r[key]["seconds"][0]

    return share


def most_above(key, base):
    """MiB by which the ranks' peaks exceed those of another run, rank by rank; the most."""
    return lambda r: max(a - b for a, b in zip(r[key]["kib"], r[base]["kib"])) / 1024


def power(n):
    """1000000 as 10^6."""
    text = str(n)
    return "10^%d" % (len(text) - 1) if text.strip("0") == "1" else "{:,}".format(n).replace(",", " ")


def compare(id, work, peer, key, other, bar, unit="s", per=(1.0, 1.0), faster=False):
    """furrow against a peer: times as much time, or with `faster`, times as fast."""
    ours, theirs = seconds(key, per[0]), seconds(other, per[1])
    figure = quotient(theirs, ours) if faster else quotient(ours, theirs)
    return Row(id, work, peer, [key, other], ours, theirs, figure, unit, "x", bar)


def rows(s, ranks):
    noop, one = "no-op tasks, %s" % power(s.noop), "no-op, chunk 1, %s" % power(s.noop_chunk1)
    ns = 1e-9
    table = [
        compare("noop/guided", noop, "OpenMP guided", "noop", "noop guided", ("<=", 3), "ns", (s.noop * ns,) * 2),
        compare("noop/pool", noop, "Pool.map", "noop", "pool", (">=", 50), "ns", (s.noop * ns, s.pool * ns), True),
        compare("noop/mpi4py", noop, "mpi4py.futures, chunk 1000", "noop", "mpi4py", None, "ns",
                (s.noop * ns, s.mpi4py * ns), True),
        compare("noop/joblib", noop, "joblib", "noop", "joblib", None, "ns", (s.noop * ns, s.joblib * ns), True),
        compare("chunk1/dynamic", one, "OpenMP dynamic,1", "chunk1", "chunk1 dynamic", ("<=", 3), "ns",
                (s.noop_chunk1 * ns,) * 2),
        compare("chunk1/pool", one, "Pool.map, chunk 1", "chunk1", "pool1", (">=", 100), "ns",
                (s.noop_chunk1 * ns, s.pool_chunk1 * ns), True),
        compare("chunk1/mpi4py", one, "mpi4py.futures, chunk 1", "chunk1", "mpi4py1", None, "ns",
                (s.noop_chunk1 * ns, s.mpi4py_chunk1 * ns), True),
        compare("chunk1/manager", one, "MPI manager/worker", "chunk1", "manager", None, "ns",
                (s.noop_chunk1 * ns, s.manager * ns), True),
        compare("small", "100 small tasks, a call", "MPI_Scatter + MPI_Gather", "small", "small mpi", ("<=", 4), "us",
                (s.calls * 1e-6,) * 2),
        compare("small/over", "100 small tasks, %d ranks" % (2 * ranks), "MPI_Scatter + MPI_Gather", "small over",
                "small over mpi", ("<=", 1), "us", (s.calls * 1e-6,) * 2),
    ]
    for work in SKEWED:
        table.append(Row(work + "/bound", SKEWED_TEXT[work], "best possible", [work], seconds(work),
                         lambda r, work=work: median(r[work]["bound"]),
                         lambda r, work=work: median(a / b for a, b in zip(r[work]["seconds"], r[work]["bound"])),
                         bar=("<=", 1.02)))
        # "Never behind" is read as: not by more than the measurement can tell.
        table.append(compare(work + "/dynamic", SKEWED_TEXT[work], "OpenMP dynamic,1", work, work + " dynamic",
                             ("<=", 1.01)))
    speedup = quotient(seconds("pi 1"), seconds("pi"))
    openmp_speedup = quotient(seconds("pi openmp 1"), seconds("pi openmp"))
    table += [
        compare("linear/static", SKEWED_TEXT["linear"], "furrow, static schedule", "linear", "linear static", None),
        compare("linear/manager", SKEWED_TEXT["linear"], "MPI manager/worker", "linear", "linear manager", None),
        compare("pi", "pi, %s points" % power(s.pi), "OpenMP", "pi", "pi openmp", (">=", 0.97), faster=True),
        Row("pi/speed-up", "pi, speed-up 1 to %d ranks" % ranks, "OpenMP",
            ["pi", "pi 1", "pi openmp", "pi openmp 1"], speedup, openmp_speedup, quotient(speedup, openmp_speedup),
            "x", "x", (">=", 0.97)),
        compare("oversubscribed", "tasks of 1 ms, %d ranks" % (4 * ranks), "furrow, %d ranks" % ranks, "unit over",
                "unit", ("<=", 1.10)),
        Row("idle", "idle ranks beside a %g s task" % (s.idle_ms / 1000), "MPI_Bcast", ["idle", "idle mpi"],
            idle_share("idle"), idle_share("idle mpi"), idle_share("idle"), "%", "%", ("<=", 1)),
        Row("memory", "memory, map_reduce of %s" % power(s.memory), "bare MPI_Init", ["memory", "memory bare"],
            lambda r: max(r["memory"]["kib"]) / 1024, lambda r: max(r["memory bare"]["kib"]) / 1024,
            most_above("memory", "memory bare"), "MiB", "MiB", ("<=", 10)),
        Row("memory/constant", "memory, constant in the count", "map_reduce of %s" % power(10**6),
            ["memory", "memory few"],
            lambda r: max(r["memory"]["kib"]) / 1024, lambda r: max(r["memory few"]["kib"]) / 1024,
            most_above("memory", "memory few"), "MiB", "MiB", ("<=", 1)),
    ]
    return table
