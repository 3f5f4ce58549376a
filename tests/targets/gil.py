"""Two threads that compute, one in hold_first(), one in hold_second(); a third waits for no GIL."""
import threading
import time

import truth


def hold_first(end):
    while time.time() < end:
        total = 0
        for i in range(1000):
            total += i


def hold_second(end):
    while time.time() < end:
        total = 0
        for i in range(1000):
            total += i


def waits():
    threading.Event().wait()


end = time.time() + 120
for function, arguments in ((hold_first, (end,)), (hold_second, (end,)), (waits, ())):
    thread = threading.Thread(target=function, args=arguments, name=function.__name__)
    thread.daemon = True
    thread.start()
truth.tell(waits=True)
truth.wait()
