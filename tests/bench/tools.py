#!/usr/bin/python3
"""Runs checksum, fetch, or what xargs does instead, and measures the command from outside.

  tools.py checksum PROGRAM TREE RANKS REPS        tools.py sha256sum TREE PROCESSES REPS
  tools.py fetch PROGRAM URLS OUT RANKS THREADS REPS     tools.py curl URLS OUT PROCESSES EACH REPS

Prints one line like the C programs. `whole` is the wall time; `seconds` is that without the start-up of MPI, which is
what the same program takes for nothing.
"""
import hashlib
import os
import subprocess
import sys
import tempfile
import time

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "run")


def timed(words, **more):
    start = time.monotonic()
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, **more)
    return time.monotonic() - start, done.stdout


def checksum(program, tree, ranks):
    command = [RUN, "-n", ranks, program]
    return (lambda: timed([*command, "--recursive", tree])), (lambda: timed([*command, "/dev/null"]))


def sha256sum(tree, processes):
    return (lambda: timed(["sh", "-c", 'find "$1" -type f -print0 | xargs -0 -P"$2" sha256sum', "sh", tree,
                           processes])), None


def into(out, command, **more):
    """Time a command that writes files to a folder, whose name it gets behind its words; its result is what is in them. A
    new one each time, which the caller of this program removes in the end: ext4 creates files ten times slower soon after
    others were removed."""
    os.makedirs(out, exist_ok=True)
    where = tempfile.mkdtemp(dir=out)
    seconds, _ = timed([*command, where], **more)
    lines = []
    for name in sorted(os.listdir(where)):
        with open(os.path.join(where, name), "rb") as file:
            lines.append(b"%s %s" % (hashlib.sha256(file.read()).hexdigest().encode(), name.encode()))
    return seconds, b"\n".join(lines)


def fetch(program, urls, out, ranks, threads):
    def command(list):
        return [RUN, "-n", ranks, program, "--threads", threads, list, "--output"]

    return (lambda: into(out, command(urls), stderr=subprocess.DEVNULL)), (
        lambda: into(out, command("/dev/null"), stderr=subprocess.DEVNULL))


def curl(urls, out, processes, each):
    command = ["xargs", "-a", urls, "-P", processes, "-n", each, "curl", "--silent", "--fail", "--remote-name-all",
               "--output-dir"]
    return (lambda: into(out, command)), None


def main():
    kind, *rest, reps = sys.argv[1:]
    os.environ["no_proxy"] = "*"
    run, idle = {"checksum": checksum, "sha256sum": sha256sum, "fetch": fetch, "curl": curl}[kind](*rest)
    whole, seconds = [], []
    for _ in range(int(reps)):
        start_up = idle()[0] if idle else 0.0
        took, output = run()
        whole.append(took)
        seconds.append(took - start_up)
    # xargs prints in the order in which processes end; a line is a result
    digest = hashlib.sha256(b"\n".join(sorted(output.splitlines()))).hexdigest()
    print("bench seconds=%s whole=%s check=%s" % (",".join("%.9g" % s for s in seconds),
                                                  ",".join("%.9g" % s for s in whole), digest[:16]), flush=True)


if __name__ == "__main__":
    main()
