#!/usr/bin/python3
"""Pool.imap of the items of stream_furrow.c: stream_pool.py COUNT CHUNK WORKERS.

The task is zlib.adler32 itself, so no Python code runs for it. Prints one line like the C programs.
"""
import itertools
import multiprocessing
import sys
import time
import zlib

BLOCKS, BLOCK, CHECKED = 1000, 100, 4000


def main():
    count, chunk, workers = map(int, sys.argv[1:4])
    blocks = [bytes((block * 7 + i * 13 + block // 256) % 256 for i in range(BLOCK)) for block in range(BLOCKS)]
    sums = [zlib.adler32(block) for block in blocks]
    with multiprocessing.Pool(workers) as pool:
        pool.map(zlib.adler32, blocks)
        items = itertools.islice(itertools.cycle(blocks), count)
        expected = itertools.cycle(sums)
        start = time.monotonic()
        results = list(pool.imap(zlib.adler32, items, chunk))
        seconds = time.monotonic() - start
    if len(results) != count or any(a != b for a, b in zip(results, expected)):
        sys.exit("bench: a result is wrong")
    check = 0
    for result in results[:CHECKED]:
        check = (check * 31 + result) % 2**64
    print("bench seconds=%.9g check=%x" % (seconds, check), flush=True)


if __name__ == "__main__":
    main()
