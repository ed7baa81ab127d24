"""The last words of ours in a child that is not ours: `python -m archwright.local.launch … -- program …`.

It asks the kernel (Linux) to end the child with its parent, leaves root where the program refuses root, and becomes
the program; pid and start time stay the same. It is a process of its own, and no function that runs between
fork and exec, because such a function may deadlock.

PostgreSQL will not run as root, yet in a container root is often all there is. Its files are then given to
another user, and the capability to walk through root's private folders is kept: so nobody's folders need
to be opened to the world.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def launched(
    command: tuple[str, ...], stop_signal: signal.Signals, identity: tuple[int, int] | None = None
) -> tuple[str, ...]:
    """Return the command line that ends up as `command`, with this process as its parent."""
    who = ("--user", str(identity[0]), "--group", str(identity[1])) if identity else ()
    options = ("--parent", str(os.getpid()), "--stop-signal", str(int(stop_signal)), *who)
    return (sys.executable, "-P", "-m", "archwright.local.launch", *options, "--", *command)


def main(arguments: list[str]) -> None:
    """Become the program."""
    parser = argparse.ArgumentParser(prog="archwright.local.launch")
    parser.add_argument("--parent", type=int, required=True, help="pid of the process that must outlive the child")
    parser.add_argument("--stop-signal", type=int, required=True, help="what the kernel sends when it does not")
    parser.add_argument("--user", type=int, help="user id to run as")
    parser.add_argument("--group", type=int, help="group id to run as")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args(arguments)
    if options.user is not None:
        _become(options.user, options.group)
    if sys.platform == "linux":
        # After the change of user, which clears it.
        _prctl(_PR_SET_PDEATHSIG, options.stop_signal)
    if os.getppid() != options.parent:
        sys.exit("the parent is gone already")
    os.execv(options.program[0], options.program)  # noqa: S606 - no shell is what we want


def _become(user: int, group: int) -> None:
    os.setgroups([])
    os.setgid(group)
    if sys.platform != "linux":
        os.setuid(user)
        return
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setuid(user)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bit = 1 << _CAP_DAC_OVERRIDE
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    # A container may withhold the capability; then the folders' own permissions decide, and the program
    # itself says which one it could not enter.
    if _libc().capset(header, effective_permitted_inheritable) == 0:
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def _prctl(option: int, *arguments: int) -> None:
    words = [ctypes.c_ulong(word) for word in (option, *arguments, 0, 0, 0, 0)[:5]]
    if _libc().prctl(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    main(sys.argv[1:])
