"""The Python peers' task on several hosts: the same machine code as the C programs', out of libwork.so.

A module of its own, so that mpi4py.futures can import it in its workers. BENCH_LIBRARY in the environment names the
library.
"""
import ctypes
import os
import time

library = ctypes.CDLL(os.environ["BENCH_LIBRARY"])
library.work_spin.restype = ctypes.c_uint64
library.work_spin.argtypes = [ctypes.c_uint64, ctypes.c_uint64]
library.work_find.restype = ctypes.c_void_p
library.work_check.restype = ctypes.c_uint64
library.work_check.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64]


def spin(index, loops):
    start = time.monotonic()
    value = library.work_spin(index, loops)
    return time.monotonic() - start, value
