"""Refuse system calls by which a program could reach other processes or change their files.

The filter (seccomp) is a small program for the kernel, which reads the number of each call and its
first arguments. It stays in force for every process that is started from here on.
"""

import ctypes
import errno
import socket
import struct
from collections.abc import Iterable, Iterator

from chainrule.submission.process import system_calls

# Numbers of system calls: x86_64, aarch64 (0: the processor does not have the call).
NUMBERS = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "prlimit64": (302, 261),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "setns": (308, 268),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "io_uring_setup": (425, 425),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "chmod": (90, 0),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, 0),
    "fchown": (93, 55),
    "lchown": (94, 0),
    "fchownat": (260, 54),
    "utime": (132, 0),
    "utimes": (235, 0),
    "futimesat": (261, 0),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
PROCESSORS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
# Refused: to read or change another process, or to do by other means what is refused here.
REFUSED = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "setns"),
    "io_uring_setup",
)
# These have no effect, but report success to the program, as `shutil.copy` needs it.
# Landlock does not cover modes, owners, times and attributes of files. What stays in its group of
# processes can be ended with it.
WITHOUT_EFFECT = (
    *("setsid", "setpgid"),
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr"),
    *("removexattr", "lremovexattr", "fremovexattr", "setxattrat", "removexattrat"),
    "file_setattr",
)
SIGNALS = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open")
UNCLEAR_SIGNALS = ("tkill", "pidfd_send_signal")  # their numbers do not say to which process
EVERYTHING = 0xFFFFFFFF  # -1: all processes that may be signaled
OTHER_NUMBERS = 0x40000000  # x86_64 has every call a second time, with this added
ALLOW, ANSWER = 0x7FFF0000, 0x00050000  # ANSWER + n: the call does nothing and fails with error n
LOAD, AND, RETURN = 0x20, 0x54, 0x06
EQUAL, AT_LEAST = 0x15, 0x35  # jumps
NUMBER_AT, PROCESSOR_AT, ARGUMENTS_AT = 0, 4, 16  # in what the kernel hands to the filter

Instruction = tuple[int, int, int, int]  # code, skip if true, skip if false, operand


def filter_calls(*, has_network: bool, spared: Iterable[int]) -> None:
    """Refuse calls that reach other processes or change their files.

    Parameters
    ----------
    has_network : bool
        Whether the network is still there: no sockets at all are then allowed.
    spared : iterable of int
        Processes, or groups as negative numbers, that must not be signaled; none if something else
        prevents that.

    Raises
    ------
    OSError
        If the system has no such filters, or the numbers of its calls are not known.
    """
    machine = system_calls.machine()
    if not machine:
        raise OSError(errno.ENOSYS, "system calls of this processor are not known")
    column, processor = PROCESSORS[machine]
    families = [] if has_network else [int(socket.AF_INET), int(socket.AF_INET6)]
    code = list(_instructions(column, processor, families, [*spared]))
    system_calls.prctl(system_calls.NO_NEW_PRIVILEGES, 1)
    buffer = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *i) for i in code))
    program = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    system_calls.prctl(system_calls.SECCOMP, 2, ctypes.c_char_p(program))


def _instructions(
    column: int, processor: int, families: list[int], spared: list[int]
) -> Iterator[Instruction]:
    """Yield the instructions of the filter."""
    refused = [*REFUSED, *(UNCLEAR_SIGNALS if spared else [])]
    yield from ((LOAD, 0, 0, PROCESSOR_AT), (EQUAL, 1, 0, processor), _answer(errno.ENOSYS))
    yield from ((LOAD, 0, 0, NUMBER_AT), (AT_LEAST, 0, 1, OTHER_NUMBERS), _answer(errno.ENOSYS))
    for names, error in ((refused, errno.EPERM), (WITHOUT_EFFECT, 0)):
        for number in _numbers(names, column):
            yield from ((EQUAL, 0, 1, number), _answer(error))
    yield from _only("socket", column, 0, families)
    # Datagram sockets may be connected to another address later.
    yield from _only("socketpair", column, 1, [1, 5], mask=0xF)
    yield from _only("prlimit64", column, 0, [0])
    for name in SIGNALS if spared else ():
        yield from _never(name, column, [EVERYTHING, *(p & 0xFFFFFFFF for p in spared)])
    yield (RETURN, 0, 0, ALLOW)


def _numbers(names: Iterable[str], column: int) -> Iterator[int]:
    return (NUMBERS[name][column] for name in names if NUMBERS[name][column])


def _answer(error: int) -> Instruction:
    return (RETURN, 0, 0, ANSWER + error)


def _only(
    name: str, column: int, argument: int, values: list[int], mask: int = 0xFFFFFFFF
) -> Iterator[Instruction]:
    """Yield the instructions that refuse a call unless an argument has one of the values."""
    tests = [
        (LOAD, 0, 0, ARGUMENTS_AT + 8 * argument),
        (AND, 0, 0, mask),
        *((EQUAL, len(values) - k, 0, value) for k, value in enumerate(values)),
        _answer(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    yield from ((EQUAL, 0, len(tests), NUMBERS[name][column]), *tests)


def _never(name: str, column: int, values: list[int]) -> Iterator[Instruction]:
    """Yield the instructions that refuse a call if its first argument has one of the values."""
    tests = [
        (LOAD, 0, 0, ARGUMENTS_AT),
        *((EQUAL, len(values) - k, 0, value) for k, value in enumerate(values)),
        (RETURN, 0, 0, ALLOW),
        _answer(errno.EPERM),
    ]
    yield from ((EQUAL, 0, len(tests), NUMBERS[name][column]), *tests)
