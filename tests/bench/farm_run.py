#!/usr/bin/python3
"""Runs many commands that do nothing, by furrow farm or by what people use in its place.

  farm_run.py farm FURROW RANKS COUNT REPS                  alone
  farm_run.py joblog FURROW RANKS COUNT REPS                with a joblog; `plain`: without
  farm_run.py resident FURROW RANKS COUNT REPS LIBRARY MIB  in ranks of so much more memory; `plain`: that had it
  farm_run.py xargs|parallel RANKS COUNT REPS

Prints one line like the C programs. `whole` is the wall time; `seconds` is that without the start: of the farm by its own
clock (FURROW_METRICS), of GNU parallel by what it takes for one command less. xargs has none. Runs with and without
alternate, so that a slow moment of the machine hits both.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "run")


def timed(words, **env):
    start = time.monotonic()
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ, **env), check=False)
    took = time.monotonic() - start
    if done.returncode != 0:
        sys.exit("bench: %s ended with status %d: %s" % (words[0], done.returncode, done.stderr.strip()))
    return took, done.stderr


def write_list(folder, count):
    path = os.path.join(folder, "list-%d" % count)
    with open(path, "w", encoding="ascii") as file:
        file.writelines("%d\n" % i for i in range(count))
    return path


def farm(furrow, ranks, options, list, before=()):
    """Seconds by its own clock, and in all."""
    took, errors = timed([RUN, "-n", ranks, *before, furrow, "farm", *options, "true", "::::", list], FURROW_METRICS="1")
    found = re.search(r"operations .*in ([0-9.]+) s", errors)
    if not found:
        sys.exit("bench: the farm does not say how long it took: " + errors.strip())
    return float(found.group(1)), took


def farm_alone(folder, furrow, ranks, count, reps):
    list = write_list(folder, count)
    seconds, whole = zip(*(farm(furrow, ranks, [], list) for _ in range(reps)))
    return {"seconds": seconds, "whole": whole}


def pairs(plain, other, reps):
    both = [(plain(), other()) if i % 2 else (other(), plain())[::-1] for i in range(reps)]
    return {"plain": [a[0] for a, _ in both], "seconds": [b[0] for _, b in both]}


def farm_joblog(folder, furrow, ranks, count, reps):
    list, log = write_list(folder, count), os.path.join(folder, "log")

    def logged():
        result = farm(furrow, ranks, ["--joblog", log], list)
        with open(log, encoding="utf-8") as file:
            lines = sum(1 for _ in file)
        os.unlink(log)
        if lines != count + 1:
            sys.exit("bench: the joblog has %d lines for %d commands" % (lines, count))
        return result

    return pairs(lambda: farm(furrow, ranks, [], list), logged, reps)


def farm_resident(folder, furrow, ranks, count, reps, library, mib):
    list = write_list(folder, count)
    large = ["env", "LD_PRELOAD=" + library, "BENCH_RESIDENT=" + mib]
    return pairs(lambda: farm(furrow, ranks, [], list, [*large, "BENCH_FREED=1"]), lambda: farm(furrow, ranks, [], list, large),
                 reps)


def xargs(folder, ranks, count, reps):
    whole = [timed(["xargs", "-a", write_list(folder, count), "-P", ranks, "-n1", "true"])[0] for _ in range(reps)]
    return {"seconds": whole, "whole": whole}


def parallel(folder, ranks, count, reps):
    def once(so_many):
        return timed(["parallel", "--will-cite", "-j", ranks, "true", "::::", write_list(folder, so_many)])[0]

    whole = [once(count) for _ in range(reps)]
    one = min(once(1) for _ in range(3))
    return {"seconds": [(took - one) * count / (count - 1) for took in whole], "whole": whole}


KINDS = {"farm": farm_alone, "joblog": farm_joblog, "resident": farm_resident, "xargs": xargs, "parallel": parallel}


def main():
    kind, *words = sys.argv[1:]
    at = 1 if kind in ("xargs", "parallel") else 2  # where COUNT stands
    count, reps = int(words[at]), int(words[at + 1])
    with tempfile.TemporaryDirectory() as folder:
        results = KINDS[kind](folder, *words[:at], count, reps, *words[at + 2:])
    figures = " ".join("%s=%s" % (name, ",".join("%.9g" % x for x in values)) for name, values in results.items())
    print("bench %s check=%x" % (figures, count), flush=True)


if __name__ == "__main__":
    main()
