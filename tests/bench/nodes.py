"""What is measured on several nodes, simulated on this machine: two hosts with one link between them.

Knows sizes and bars; runs nothing. Where tasks compute, there are as many computing ranks as cores: what a progress
thread takes is missing to them, and counts. Where tasks sleep, ranks may exceed the cores.
"""
from dataclasses import dataclass
from statistics import median

from works import Group, Program, Row, compare, quotient, seconds

HOSTS = 2
EVEN, MANAGED = "1,1", "2,1"  # with rank 0 as a mere manager, h1 needs a second rank to use its core
MIB = 2**20


@dataclass
class Sizes:
    work_ms: int  # in all tasks of a map together
    reps: int
    naps: int  # sleeping tasks a rank
    long_ms: int
    beside: int  # tasks of 1 ms beside the long one
    messages: int  # of 1 MiB
    every: int
    peers_every: int


FULL = Sizes(work_ms=2000, reps=2, naps=1000, long_ms=5000, beside=10000, messages=400, every=2, peers_every=3)
QUICK = Sizes(work_ms=1000, reps=1, naps=300, long_ms=1000, beside=2000, messages=150, every=3, peers_every=3)

# microseconds a task, its name, its bar, and how many mpi4py.futures is given at a time: 1 ms of them at least
TASKS = ((100, "0.1 ms", 0.90, 10), (1000, "1 ms", 0.95, 1), (10000, "10 ms", 0.97, 1))
HALF = 1000  # of these tasks, in microseconds, it is also shown what a manager on two ranks makes of two cores: half
WAYS = (("down", "items"), ("up", "results"))


def sizes(quick):
    return QUICK if quick else FULL


def groups(quick, loops_per_ms, word):
    """`word`: a file that both hosts see, by which a task on one learns how far the other is."""
    s = sizes(quick)
    made = []
    for micros, name, _, chunk in TASKS:
        work = ["unit", s.work_ms * 1000 // micros, loops_per_ms * micros // 1000]
        peers = [Program(name + " manager", ["map_manager", *work, 1], hosts=MANAGED),
                 Program(name + " mpi4py", ["peers_hosts.py", *work[1:], chunk, 1], hosts=MANAGED, python=True)]
        if micros == HALF:
            peers.append(Program(name + " manager alone", ["map_manager", *work, 1], hosts=EVEN))
        made += [
            Group("2 hosts, tasks of " + name, [
                Program(name, ["map_furrow", *work, s.reps, 0, "auto"], hosts=EVEN),
                Program(name + " bare", ["map_bare", *work, s.reps], hosts=EVEN)], s.every, same=True),
            Group("2 hosts, tasks of %s with peers" % name, peers, s.peers_every, same=True)]
    for way, what in WAYS:
        made.append(Group("2 hosts, large " + what, [
            Program(way, ["link_furrow", way, MIB, s.messages, 3, word], hosts=EVEN),
            Program(way + " mpi", ["link_mpi", way, MIB, s.messages, 3], hosts=EVEN)], s.every, same=True))
    made += [
        Group("2 hosts, uneven", [
            Program("ranks", ["uneven_furrow", "ranks", 3 * s.naps, 1000, s.reps, 0], hosts="1,2"),
            Program("speed", ["uneven_furrow", "speed", 2 * s.naps, 1000, s.reps, 0], hosts=EVEN)], s.every),
        Group("2 hosts, a long task", [
            Program("beside", ["uneven_furrow", "long", s.beside + 1, 1000, 1, s.long_ms], hosts="1,2")],
            s.peers_every)]
    return made


def bandwidth(key, messages):
    """GB over the link in a second."""
    return lambda r: messages * MIB / 1e9 / median(r[key]["seconds"])


def bound(key):
    return lambda r: median(r[key]["bound"])


def against_bound(key, work, bar):
    return Row("hosts/" + key, work, "best possible", [key], seconds(key), bound(key),
               lambda r: median(a / b for a, b in zip(r[key]["seconds"], r[key]["bound"])), bar=("<=", bar))


def rows(quick):
    s = sizes(quick)
    table = []
    for micros, name, bar, chunk in TASKS:
        work = "2 hosts, tasks of " + name
        table.append(Row("hosts/" + name, work, "the bare cores", [name, name + " bare"], seconds(name),
                         seconds(name + " bare"), quotient(seconds(name + " bare"), seconds(name)), bar=(">=", bar)))
        # Beside it, without what the progress threads take of the cores: only how well tasks were handed out.
        table.append(Row("hosts/%s/inside" % name, work, "time inside the tasks", [name], seconds(name), bound(name),
                         quotient(bound(name), seconds(name))))
        peers = {"manager": "MPI manager/worker, 3 ranks", "mpi4py": "mpi4py.futures, 3 ranks, chunk %d" % chunk}
        if micros == HALF:
            peers["manager alone"] = "MPI manager/worker, 2 ranks"
        for key, peer in peers.items():
            table.append(compare("hosts/%s/%s" % (name, key), work, peer, name, name + " " + key, None, faster=True))
    for way, what in WAYS:
        ours, theirs = bandwidth(way, s.messages), bandwidth(way + " mpi", s.messages)
        table.append(Row("hosts/" + way, "2 hosts, %s of 1 MiB" % what, "an MPI stream, 2 in flight",
                         [way, way + " mpi"], ours, theirs, quotient(ours, theirs), "GB/s", bar=(">=", 0.8)))
    return table + [
        against_bound("ranks", "2 hosts with 1 and 2 ranks, tasks of 1 ms", 1.05),
        against_bound("speed", "2 hosts, one at a third of the speed", 1.05),
        against_bound("beside", "%s s on rank 0 beside %d of 1 ms" % (s.long_ms // 1000, s.beside), 1.02)]
