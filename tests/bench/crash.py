#!/usr/bin/python3
"""One of many tasks is killed: what the pools of Python's library make of it.

crash.py executor|pool COUNT WORKERS PATIENCE. Prints how many percent of the other tasks' results there are, and the
seconds until that was known: ProcessPoolExecutor breaks; Pool.map() never returns, and is given up after PATIENCE
seconds.
"""
import functools
import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool


def task(victim, i):
    if i == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * i + 1


def with_executor(run, count, workers, _):
    results = []
    with ProcessPoolExecutor(workers) as pool:
        try:
            for result in pool.map(run, range(count)):
                results.append(result)
        except BrokenProcessPool:
            pass
    return results


def with_pool(run, count, workers, patience):
    pool = multiprocessing.Pool(workers)
    try:
        return pool.map_async(run, range(count), 1).get(patience)
    except multiprocessing.TimeoutError:
        return []
    finally:
        pool.terminate()


def main():
    kind, (count, workers, patience) = sys.argv[1], map(int, sys.argv[2:5])
    run = functools.partial(task, count // 2)
    start = time.monotonic()
    results = (with_executor if kind == "executor" else with_pool)(run, count, workers, patience)
    seconds = time.monotonic() - start
    print("bench seconds=%.9g there=%.9g check=%x" % (seconds, 100 * len(results) / (count - 1), len(results)))


if __name__ == "__main__":
    main()
