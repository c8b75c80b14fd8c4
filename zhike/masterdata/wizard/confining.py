"""What the reading process may use: so much memory and time, no network, no other program, not one byte on a disk."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct

MEMORY_BYTES = 512 * 1024 * 1024
MOST_DESCRIPTORS = 64
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
# By machine: its number for the kernel and the calls refused: socket, connect, execve, execveat, fork, vfork, ptrace,
# io_uring_setup, process_vm_readv.
CALLS: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, (41, 42, 59, 322, 57, 58, 101, 425, 310)),
    "aarch64": (0xC00000B7, (198, 203, 221, 281, 117, 425, 270)),
}
OTHER_TABLE = 0x40000000  # x32 calls of the same machine


def confine(cpu_seconds: int) -> None:
    """From here on, for good. Raises OSError where the kernel cannot: then nothing is read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_DESCRIPTORS, MOST_DESCRIPTORS))
    _refuse_calls()


def _refuse_calls() -> None:
    if platform.machine() not in CALLS:
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    machine, calls = CALLS[platform.machine()]
    refuse = len(calls) + 5  # the place of the last line
    lines = [
        (LOAD, 0, 0, 4),
        (EQUAL, 0, refuse - 2, machine),
        (LOAD, 0, 0, 0),
        (AT_LEAST, refuse - 4, 0, OTHER_TABLE),
    ]
    for call in calls:
        lines.append((EQUAL, refuse - len(lines) - 1, 0, call))
    lines += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    header = ctypes.create_string_buffer(struct.pack("HL", len(lines), ctypes.addressof(program)))
    library = ctypes.CDLL(None, use_errno=True)
    done = library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or library.prctl(
        SECCOMP, FILTER, ctypes.c_void_p(ctypes.addressof(header)), 0, 0
    )
    if done:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
