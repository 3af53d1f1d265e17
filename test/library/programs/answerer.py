"""Answers asker.c from a Python interpreter that calls libpvm through ctypes."""
import ctypes
import gc
import sys

pvm = ctypes.CDLL("libpvm3.so.3")


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
def handler(mid):
    """A message handler: C calls Python."""
    seen.append(mid)
    return 0


seen = []
if pvm.pvm_mytid() < 0:
    sys.exit(2)
pvm.pvm_addmhf(-1, 3, 0, handler)
print("ready", flush=True)
served = 0
while True:
    mid = pvm.pvm_recv(-1, 1)
    if mid < 0:
        sys.exit(3)
    number, tid = ctypes.c_int(), ctypes.c_int()
    pvm.pvm_bufinfo(mid, None, None, ctypes.byref(tid))
    pvm.pvm_upkint(ctypes.byref(number), 1, 1)
    if number.value < 0:
        break
    square = ctypes.c_double(number.value * number.value)
    pvm.pvm_initsend(0)
    # To itself: the handler takes it while the library looks for something else.
    pvm.pvm_send(pvm.pvm_mytid(), 3)
    pvm.pvm_nrecv(-1, 4)
    pvm.pvm_initsend(0)
    pvm.pvm_pkint(ctypes.byref(number), 1, 1)
    pvm.pvm_pkdouble(ctypes.byref(square), 1, 1)
    pvm.pvm_pkstr(str(number.value).encode())
    pvm.pvm_send(tid, 2)
    served += 1
    if served % 50 == 0:
        gc.collect()
if len(seen) != served:
    print(f"the handler ran {len(seen)} times")
    sys.exit(4)
print("served", served)
pvm.pvm_exit()
