"""Move this process to namespaces without a network, and with a disk that it can only read."""

import os
import socket
import struct
from contextlib import suppress
from ctypes import byref, c_char_p, create_string_buffer
from pathlib import Path

from chainrule.submission.process import system_calls

MOUNTS, SHARED_MEMORY = 0x00020000, 0x08000000  # of unshare(2)
USERS, NETWORK = 0x10000000, 0x40000000
BIND, RECURSIVE, PRIVATE = 1 << 12, 1 << 14, 1 << 18  # of mount(2)
SET_MOUNT, HERE, ALL_BELOW, READ_ONLY = 442, -100, 0x8000, 1
CAPABILITIES_VERSION = 0x20080522
READ_ANY_FILE = 0b110  # what root needs to read files of other users
MOST_CAPABILITIES = 64


def unshare(kinds: int) -> bool:
    """Move this process to new namespaces, if need be in a new user namespace."""
    user, group = os.getuid(), os.getgid()
    try:
        system_calls.call("unshare", kinds)
    except OSError:
        try:
            system_calls.call("unshare", kinds | USERS)
        except OSError:
            return False
        _keep_ids(user, group)
    return True


def _keep_ids(user: int, group: int) -> None:
    """Keep the ids of the user and the group in the new user namespace."""
    lines = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for file, line in lines.items():
        try:
            Path(f"/proc/self/{file}").write_text(line, encoding="utf-8")
        except OSError:
            return  # the user is then "nobody", which few programs notice


def has_no_network() -> bool:
    """Return whether the loopback interface and unused tunnels are the only interfaces."""
    return {name for _, name in socket.if_nameindex()} <= {"lo", "sit0", "tunl0", "ip6tnl0"}


# ---- the disk -----------------------------------------------------------------------------------


def make_read_only(folder: Path) -> bool:
    """Let this process, in a mount namespace of its own, write only to a folder, where it works.

    Parameters
    ----------
    folder : Path
    """
    name, work = c_char_p(os.fsencode(folder)), Path.cwd()
    try:
        system_calls.call("mount", None, c_char_p(b"/"), None, RECURSIVE | PRIVATE, None)
        system_calls.call("mount", name, name, None, BIND, None)
        _set_mount(c_char_p(b"/"), ALL_BELOW, READ_ONLY, 0)
        _set_mount(name, 0, 0, READ_ONLY)
        os.chdir(work)  # on the new mount
    except OSError:
        return False
    return True


def _set_mount(path: c_char_p, flags: int, added: int, removed: int) -> None:
    attributes = create_string_buffer(struct.pack("=4Q", added, removed, 0, 0))
    values = (SET_MOUNT, HERE, path, flags, byref(attributes), 32)
    system_calls.call("syscall", *values)


# ---- privileges ---------------------------------------------------------------------------------


def drop_privileges() -> None:
    """Give up the privileges of root, or of a user namespace, except for reading files.

    Raises
    ------
    OSError
        If that fails.
    """
    for capability in range(MOST_CAPABILITIES):
        with suppress(OSError):  # it does not exist, or this process may not drop it
            system_calls.prctl(system_calls.DROP_FROM_BOUND, capability)
    kept = READ_ANY_FILE if os.getuid() == 0 else 0
    header = create_string_buffer(struct.pack("=Ii", CAPABILITIES_VERSION, 0))
    for held in (kept, 0):  # root in a container may lack them
        with suppress(PermissionError):
            sets = create_string_buffer(struct.pack("=6I", held, held, 0, 0, 0, 0))
            system_calls.call("capset", byref(header), byref(sets))
            return
