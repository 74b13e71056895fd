#!/usr/bin/python3
"""The peers in Python: no-op tasks through a pool's map.

peers.py pool|mpi4py|joblib COUNT CHUNK REPS WORKERS; CHUNK 0 is the pool's default. mpi4py.futures is started as
`mpirun -n WORKERS+1 python3 -m mpi4py.futures peers.py ...`, because it needs one more rank as its manager.
Prints one line like the C programs.
"""
import sys
import time

from noop import noop


def measure(map_all, count, reps):
    map_all(range(1000))
    seconds = []
    for _ in range(reps):
        start = time.monotonic()
        results = map_all(range(count))
        seconds.append(time.monotonic() - start)
        if len(results) != count or any(result != noop(i) for i, result in enumerate(results)):
            sys.exit("bench: a result is wrong")
    print("bench seconds=" + ",".join("%.9g" % s for s in seconds), "check=%x" % count, flush=True)


def main():
    kind, (count, chunk, reps, workers) = sys.argv[1], map(int, sys.argv[2:6])
    if kind == "pool":
        import multiprocessing

        with multiprocessing.Pool(workers) as pool:
            measure(lambda indices: pool.map(noop, indices, chunk or None), count, reps)
    elif kind == "mpi4py":
        from mpi4py import MPI
        from mpi4py.futures import MPIPoolExecutor

        if MPI.COMM_WORLD.Get_size() != workers + 1:
            sys.exit("bench: mpi4py.futures wants %d ranks" % (workers + 1))
        with MPIPoolExecutor() as pool:
            measure(lambda indices: list(pool.map(noop, indices, chunksize=chunk or 1)), count, reps)
    else:
        from joblib import Parallel, delayed

        with Parallel(n_jobs=workers) as pool:
            measure(lambda indices: pool(delayed(noop)(i) for i in indices), count, reps)


if __name__ == "__main__":
    main()
