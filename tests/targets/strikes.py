"""The only thread that Python knows sleeps. Every PERIOD one that C code has made comes and computes
for SPELL, and is gone: strike().
"""
import ctypes
import sys
import time

import truth

PERIOD, SPELL = 0.02, 0.005
SIGEV_THREAD = 2
CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Event(ctypes.Structure):
    """struct sigevent (sigevent(7))."""
    _fields_ = [("value", ctypes.c_void_p), ("signal", ctypes.c_int), ("notify", ctypes.c_int),
                ("function", CALLBACK), ("attributes", ctypes.c_void_p), ("rest", ctypes.c_char * 32)]


class Times(ctypes.Structure):
    """struct itimerspec, in seconds and nanoseconds."""
    _fields_ = [(name, ctypes.c_long) for name in ("every", "every_ns", "first", "first_ns")]


def strike(_):
    end = time.time() + SPELL
    while time.time() < end:
        pass


def main():
    library = ctypes.CDLL("librt.so.1", use_errno=True)
    timer = ctypes.c_void_p()
    event = Event(notify=SIGEV_THREAD, function=CALLBACK(strike))
    often = int(PERIOD * 1e9)
    times = Times(every_ns=often, first_ns=often)
    if library.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)):
        raise OSError(ctypes.get_errno(), "timer_create")
    library.timer_settime(timer, 0, ctypes.byref(times), None)
    truth.tell(share=SPELL / PERIOD)
    time.sleep(float(sys.argv[1]))


main()
