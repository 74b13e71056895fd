"""From the rounds to the table and the JSON, and what machine it was."""
import datetime
import json
import math
import os
import platform
import re
import subprocess
from statistics import median


def first_line(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=20,
                              check=False)
        return done.stdout.strip().splitlines()[0].strip()
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def python_versions():
    versions = {"Python": platform.python_version()}
    for module in ("mpi4py", "joblib"):
        try:
            versions[module] = __import__(module).__version__
        except ImportError:
            versions[module] = "missing"
    return versions


def machine(root, mpicc, cores):
    cpu = re.search(r"^model name\s*:\s*(.*)", read("/proc/cpuinfo"), re.M)
    system = re.search(r'^PRETTY_NAME="?([^"\n]*)', read("/etc/os-release"), re.M)
    macros = dict(re.findall(r"FURROW_VERSION_(\w+)\s+(\d+)", read(os.path.join(root, "lib/furrow/base.h"))))
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": cores,
        "system": "%s, Linux %s" % (system.group(1) if system else platform.system(), platform.release()),
        "date": datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        "load": os.getloadavg()[0],
        "versions": {
            "furrow": ".".join(macros.get(part, "?") for part in ("MAJOR", "MINOR", "PATCH")),
            "commit": first_line("git", "-C", root, "rev-parse", "--short", "HEAD"),
            "MPI": mpi_version(mpicc),
            "compiler": first_line(mpicc, "--version"),
            **python_versions(),
        },
    }


def mpi_version(mpicc):
    """By the library's own words, which hold for every MPI."""
    source = '#include <mpi.h>\n#include <stdio.h>\nint main(void){char t[MPI_MAX_LIBRARY_VERSION_STRING];int n;' \
             'MPI_Get_library_version(t,&n);puts(t);return 0;}'
    program = "/tmp/furrow-bench-mpi-version-%d" % os.getpid()
    try:
        subprocess.run([mpicc, "-x", "c", "-", "-o", program], input=source, text=True, check=True,
                       stderr=subprocess.DEVNULL, timeout=60)
        text = first_line(program)
        return re.split(r",|\t+Release", text)[0].replace("\t", " ").strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    finally:
        if os.path.exists(program):
            os.unlink(program)


def number(value):
    """Three significant digits, without exponents."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return "%.*f" % (min(max(digits, 0), 4), value)


def evaluate(row, rounds):
    """One row over all rounds in which everything it needs ran."""
    used = [r for r in rounds if all(key in r for key in row.needs)]
    out = {"id": row.id, "work": row.work, "peer": row.peer, "unit": row.unit, "figure_unit": row.figure_unit,
           "bar": list(row.bar) if row.bar else None, "rounds": len(used), "figures": [], "met": None}
    if not used:
        return out
    out["furrow"] = median(row.ours(r) for r in used)
    out["against"] = median(row.theirs(r) for r in used)
    out["figures"] = [row.figure(r) for r in used]
    out["figure"] = median(out["figures"])
    if row.bar:
        out["met"] = out["figure"] <= row.bar[1] if row.bar[0] == "<=" else out["figure"] >= row.bar[1]
    return out


def figure_text(value, unit):
    return "%.3f x" % value if unit == "x" and 0.5 < value < 2 else "%s %s" % (number(value), unit)


def cells(e):
    bar = "%s %g %s" % (e["bar"][0], e["bar"][1], e["figure_unit"]) if e["bar"] else "-"
    if not e["figures"]:
        return [e["work"], "-", e["peer"], "-", "did not run", "", bar, "no" if e["bar"] else "-"]
    low, high = min(e["figures"]), max(e["figures"])
    spread = " to ".join(figure_text(value, e["figure_unit"]).split()[0] for value in (low, high))
    return [e["work"], "%s %s" % (number(e["furrow"]), e["unit"]), e["peer"],
            "%s %s" % (number(e["against"]), e["unit"]), figure_text(e["figure"], e["figure_unit"]), spread, bar,
            {True: "yes", False: "NO", None: "-"}[e["met"]]]


def table(evaluated):
    lines = [["work", "furrow", "against", "", "figure", "spread", "bar", "met"]] + [cells(e) for e in evaluated]
    widths = [max(len(line[i]) for line in lines) for i in range(8)]
    right = (1, 3, 4)
    text = []
    for line in lines:
        parts = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths))]
        text.append("  ".join(parts).rstrip())
    text.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(text)


def heading(info, ranks, mode, rounds):
    busy = ""
    if info["load"] > 1:
        busy = "\nThe machine was busy with something else: these figures are not to be trusted."
    v = info["versions"]
    return "\n".join([
        "furrow %s (%s), %d ranks, %s benchmark, %d rounds, %s" % (v["furrow"], v["commit"], ranks, mode, rounds,
                                                                   info["date"]),
        "%s, %d cores, %s, load %.1f at the start" % (info["cpu"], info["cores"], info["system"], info["load"]),
        "%s; %s; Python %s, mpi4py %s, joblib %s" % (v["MPI"], v["compiler"], v["Python"], v["mpi4py"], v["joblib"]),
    ]) + busy


def verdict(evaluated, failures, skipped):
    with_bar = [e for e in evaluated if e["bar"]]
    lines = ["%d of %d bars met." % (sum(bool(e["met"]) for e in with_bar), len(with_bar))]
    for e in with_bar:
        if e["figures"] and not e["met"]:
            lines.append("missed: %s, against %s: %s, bar %s %g %s" % (
                e["work"], e["peer"], figure_text(e["figure"], e["figure_unit"]), *e["bar"], e["figure_unit"]))
    lines += ["SKIPPED: %s" % what for what in skipped]
    lines += ["FAILED: %s" % failure for failure in failures]
    return "\n".join(lines)


def write_json(path, info, ranks, mode, evaluated, rounds, failures, skipped):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": info, "ranks": ranks, "mode": mode, "rows": evaluated, "raw": rounds,
                   "failures": failures, "skipped": skipped}, file, indent=1)
        file.write("\n")
