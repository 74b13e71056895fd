#!/usr/bin/python3
"""mpi4py.futures on several hosts: the tasks `unit` of work.c.

peers_hosts.py COUNT LOOPS CHUNK REPS, started as `mpirun ... python3 -m mpi4py.futures peers_hosts.py ...`; rank 0 only
manages. Prints one line like the C programs.
"""
import struct
import sys
import time
from functools import partial

from spin import library, spin


def check(results):
    """As in C, so that all programs can be compared."""
    data = b"".join(struct.pack("=dQ", *result) for result in results)
    return library.work_check(library.work_find(b"unit"), data, len(results))


def main():
    from mpi4py.futures import MPIPoolExecutor

    count, loops, chunk, reps = map(int, sys.argv[1:5])
    seconds = []
    with MPIPoolExecutor() as pool:
        list(pool.map(partial(spin, loops=1), range(count), chunksize=chunk))
        for _ in range(reps):
            start = time.monotonic()
            results = list(pool.map(partial(spin, loops=loops), range(count), chunksize=chunk))
            seconds.append(time.monotonic() - start)
    print("bench seconds=" + ",".join("%.9g" % s for s in seconds), "check=%x" % check(results), flush=True)


if __name__ == "__main__":
    main()
