"""A program to which the kernel refuses a system call, as containers' seccomp filters do."""
import ctypes
import errno
import platform
import struct

# AUDIT_ARCH_* (linux/audit.h) and the number of perf_event_open (asm/unistd.h).
_MACHINES = {"x86_64": (0xC000003E, 298), "aarch64": (0xC00000B7, 241)}
_LOAD, _SAME, _RETURN = 0x20, 0x15, 0x06  # BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def perf_events(error=errno.EPERM):
    """For preexec_fn: perf_event_open fails with this error from then on."""
    arch, number = _MACHINES[platform.machine()]
    rows = (
        (_LOAD, 0, 0, 4), (_SAME, 0, 3, arch),  # struct seccomp_data: nr, arch, …
        (_LOAD, 0, 0, 0), (_SAME, 0, 1, number),
        (_RETURN, 0, 0, _ERRNO | error), (_RETURN, 0, 0, _ALLOW),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in rows))
    program = _Program(len(rows), ctypes.addressof(code))
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def refuse(kept=code):  # the filter's code lives as long as this does
        if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
                _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
            raise OSError(ctypes.get_errno(), "no filter")

    return refuse
