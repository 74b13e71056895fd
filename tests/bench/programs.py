"""The programs that are tools, checksum and fetch, against what people do without them: xargs.

Makes the files that are read, starts the nginx that is fetched from, and removes both. Knows sizes and bars. What is
compared is the whole time of the commands, with mpirun's start; the time without it is shown beside it. Where the other takes
less than that start, the bar is for the time without.
"""
import contextlib
import os
import random
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass

from works import Group, Row, compare, median, quotient
from works import Program

CHECKSUM, FETCH = "programs: checksum", "programs: fetch"
AT_A_TIME = 32  # transfers


@dataclass
class Sizes:
    small: int  # files of 4 KiB
    middle: int  # of 100 KiB
    large: int  # of 10 MiB
    pages: int  # to fetch, of 1 to 16 KiB
    reps: int
    every: int


FULL = Sizes(small=20000, middle=2000, large=68, pages=2000, reps=3, every=3)
QUICK = Sizes(small=4000, middle=400, large=14, pages=500, reps=2, every=3)


def sizes(quick):
    return QUICK if quick else FULL


def folder(binaries, name):
    return os.path.join(binaries, "programs", name)


def nginx():
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def missing(binaries):
    """What can't be measured here, and why: {title: reason}."""
    why = {}
    for title, program, tools in ((CHECKSUM, "checksum", ["sha256sum", "xargs"]), (FETCH, "fetch", ["curl", "xargs"])):
        if not os.path.exists(os.path.join(os.path.dirname(binaries), "bin", program)):
            why[title] = "%s was left out" % program
        for tool in tools:
            if not shutil.which(tool):
                why[title] = "there is no %s" % tool
    if not nginx():
        why[FETCH] = "there is no nginx"
    return why


# ---- what is read ----


def make_files(where, count, size, source):
    """Files of so many bytes; `size` is a number, or gives one. A hundred share a folder."""
    for i in range(count):
        path = os.path.join(where, "%03d" % (i // 100))
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "%06d" % i), "wb") as file:
            file.write(source.randbytes(size() if callable(size) else size))


def make_tree(s, binaries):
    source = random.Random(5)
    for name, count, size in (("small", s.small, 4 << 10), ("middle", s.middle, 100 << 10), ("large", s.large, 10 << 20)):
        make_files(folder(binaries, "tree/" + name), count, size, source)


def make_pages(s, binaries):
    """The pages, their list of URLs, and the configuration of a server for them."""
    source = random.Random(6)
    www, port = folder(binaries, "www"), 20000 + os.getpid() % 12000
    make_files(www, s.pages, lambda: source.randrange(1 << 10, 16 << 10), source)
    with open(folder(binaries, "urls"), "w", encoding="ascii") as file:
        file.writelines("http://127.0.0.1:%d/%03d/%06d\n" % (port, i // 100, i) for i in range(s.pages))
    with open(folder(binaries, "nginx.conf"), "w", encoding="ascii") as file:
        file.write("daemon off; worker_processes 1; pid nginx.pid; %s\nevents { worker_connections 1024; }\n"
                   "http { access_log off; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;\n"
                   "uwsgi_temp_path tmp; scgi_temp_path tmp; server { listen 127.0.0.1:%d; root %s; } }\n" %
                   ("user root;" if os.geteuid() == 0 else "", port, www))
    return "http://127.0.0.1:%d/000/000000" % port


@contextlib.contextmanager
def server(binaries, url):
    where = folder(binaries, "")
    os.makedirs(os.path.join(where, "tmp"), exist_ok=True)
    child = subprocess.Popen([nginx(), "-p", where, "-c", folder(binaries, "nginx.conf"), "-e", folder(binaries, "errors")])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).close()
                break
            time.sleep(0.05)
        yield
    finally:
        child.terminate()
        child.wait()


@contextlib.contextmanager
def prepared(groups, quick, binaries):
    """What these groups need, for as long as the block runs."""
    titles = [group.title for group in groups]
    with contextlib.ExitStack() as stack:
        if CHECKSUM in titles or FETCH in titles:
            stack.callback(shutil.rmtree, folder(binaries, ""), ignore_errors=True)
        if CHECKSUM in titles:
            make_tree(sizes(quick), binaries)
        if FETCH in titles:
            stack.enter_context(server(binaries, make_pages(sizes(quick), binaries)))
        yield


# ---- what is measured ----


def groups(quick, ranks, binaries):
    s = sizes(quick)

    def tool(key, *argv):
        return Program(key, ["tools.py", *argv, s.reps], python=True)

    tree, urls, out = folder(binaries, "tree"), folder(binaries, "urls"), folder(binaries, "out")
    checksum, fetch = (os.path.join(os.path.dirname(binaries), "bin", name) for name in ("checksum", "fetch"))
    return [
        Group(CHECKSUM, [tool("checksum", "checksum", checksum, tree, ranks), tool("sha256sum", "sha256sum", tree, ranks)],
              s.every, same=True),
        Group(FETCH, [tool("fetch", "fetch", fetch, urls, out, ranks, AT_A_TIME // ranks),
                      tool("curl", "curl", urls, out, AT_A_TIME, -(-s.pages // AT_A_TIME)),
                      tool("curl one", "curl", urls, out, AT_A_TIME, 1)], s.every, same=True),
    ]


def rows(quick, ranks):
    s = sizes(quick)

    def whole(id, work, peer, key, other, bar=None):
        ours, theirs = (lambda r, k=k: median(r[k]["whole"]) for k in (key, other))
        return Row(id, work, peer, [key, other], ours, theirs, quotient(ours, theirs), bar=bar)

    size = "%.1f GB of files" % (1e-9 * ((s.small * 4 << 10) + (s.middle * 100 << 10) + (s.large * 10 << 20)))
    pages = "%d pages" % s.pages
    least = ("<=", 1)
    return [
        whole("programs/checksum", "checksum, " + size, "xargs -P%d sha256sum" % ranks, "checksum", "sha256sum", least),
        compare("programs/checksum/bare", "the same without start-up", "xargs -P%d sha256sum" % ranks, "checksum", "sha256sum",
                None),
        whole("programs/fetch", "fetch, " + pages, "xargs -P%d -n1 curl" % AT_A_TIME, "fetch", "curl one", least),
        whole("programs/fetch/many", "the same", "xargs -P%d curl, many each" % AT_A_TIME, "fetch", "curl"),
        compare("programs/fetch/bare", "the same without start-up", "xargs -P%d curl, many each" % AT_A_TIME, "fetch", "curl",
                least),
    ]
