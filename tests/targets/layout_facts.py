"""Holds a row of layouts.in against the interpreter that runs this, by reading its own memory.

The row comes as JSON in argv[1] (fields that the build lacks are absent). Prints what
disagrees, one line each, and the number of facts compared. Any Python from 2.7 on.
"""
from __future__ import print_function

import ctypes
import json
import sys
import threading

ROW = json.loads(sys.argv[1])
PY2 = sys.version_info[0] == 2
VERSION = sys.version_info[:2]
TEXT = type(u"")
compared = []


def word(address, kind=ctypes.c_uint64):
    return kind.from_address(address).value


def has(*fields):
    return all(field in ROW for field in fields)


def fact(field, got, want):
    compared.append(field)
    if got != want:
        print("%s: at %d there is %r, not %r" % (field, ROW[field], got, want))


def points_to(field, base, thing):
    if has(field):
        fact(field, word(base + ROW[field]), id(thing))


class Plain(object):
    def __init__(self):
        self.first = 1


def function():
    return 1


def objects():
    fact("object_size", object.__basicsize__, ROW["object_size"])
    points_to("object_type", id(function), type(function))
    items = (1, 2, 3)
    fact("var_size", word(id(items) + ROW["var_size"]), 3)
    points_to("tuple_items", id(items), items[0])
    listed = [function, 1]
    fact("list_items", word(word(id(listed) + ROW["list_items"])), id(function))
    data = b"some bytes"
    fact("bytes_data", ctypes.string_at(id(data) + ROW["bytes_data"], 10), data)
    big = 5 * 2 ** 30 + 7 if not PY2 else eval("5 * 2 ** 30 + 7L")
    # Digits of 30 bits.
    fact("long_digits", word(id(big) + ROW["long_digits"], ctypes.c_uint32), 7)


def types():
    fact("type_name", ctypes.string_at(word(id(dict) + ROW["type_name"])), b"dict")
    fact("type_basicsize", word(id(BaseException) + ROW["type_basicsize"]),
         BaseException.__basicsize__)
    fact("type_dictoffset", word(id(BaseException) + ROW["type_dictoffset"], ctypes.c_int64),
         BaseException.__dictoffset__)
    fact("type_flags", word(id(Plain) + ROW["type_flags"]), Plain.__flags__)


def strings():
    ascii_text, wide = TEXT("hello"), u"h\u20ac"
    fact("unicode_length", word(id(wide) + ROW["unicode_length"]), 2)
    if PY2:
        fact("unicode_str", word(word(id(ascii_text) + ROW["unicode_str"]), ctypes.c_uint16), 104)
        return
    fact("unicode_ascii_data",
         ctypes.string_at(id(ascii_text) + ROW["unicode_ascii_data"], 5), b"hello")
    fact("unicode_compact_data",
         ctypes.string_at(id(wide) + ROW["unicode_compact_data"], 4), b"h\0\xac\x20")
    # The kind is the three bits after `interned`, which is 2, 8 or 16 bits wide.
    state_ascii = word(id(ascii_text) + ROW["unicode_state"], ctypes.c_uint32)
    state_wide = word(id(wide) + ROW["unicode_state"], ctypes.c_uint32)
    shift = next((s for s in (2, 8, 16) if (state_ascii >> s) & 7 == 1
                  and (state_wide >> s) & 7 == 2), None)
    fact("unicode_state", shift is not None, True)


def dicts():
    table = {}
    for number in range(6):
        table["key%d" % number] = number
    fact("dict_keys", word(id(table) + ROW["dict_keys"]) != 0, True)
    keys = word(id(table) + ROW["dict_keys"])
    if PY2:
        mask = word(id(table) + ROW["dict_mask"])
        fact("dict_mask", mask in (7, 15, 31), True)
        found = {word(keys + 24 * slot + 8) for slot in range(mask + 1)} - {0}
        fact("dict_keys", found, set(map(id, table)))
        return
    points_into = word(id(table) + ROW["dict_values"])
    fact("dict_values", points_into, 0)
    fact("keys_nentries", word(keys + ROW["keys_nentries"]), 6)
    if has("keys_kind"):
        log2_size = word(keys + ROW["keys_size"], ctypes.c_uint8)
        fact("keys_size", log2_size in (3, 4), True)
        log2_bytes = word(keys + ROW["keys_log2_index_bytes"], ctypes.c_uint8)
        fact("keys_log2_index_bytes", log2_bytes, log2_size)
        # General keys have the hash first, and only str as keys mean 1.
        fact("keys_kind", word(keys + ROW["keys_kind"], ctypes.c_uint8), 1)
        entries, stride, key_at = keys + ROW["keys_indices"] + (1 << log2_bytes), 16, 0
    else:
        size = word(keys + ROW["keys_size"])
        fact("keys_size", size in (8, 16), True)
        entries, stride, key_at = keys + ROW["keys_indices"] + size, 24, 8
    got = [word(entries + stride * number + key_at) for number in range(6)]
    fact("keys_indices", got, [id(key) for key in table])


def instances():
    if not has("object_managed_dict"):
        return
    plain = Plain()
    values = 0
    if has("object_managed_values"):
        values = word(id(plain) - ROW["object_managed_values"])
        if VERSION == (3, 12):
            fact("object_managed_values", values & 1, 1)
            values += 1
    else:
        fact("object_managed_dict", word(id(plain) - ROW["object_managed_dict"]), 0)
        values = id(plain) + Plain.__basicsize__
    fact("dictvalues_values", word(values + ROW["dictvalues_values"]), id(1))
    contents = plain.__dict__
    fact("object_managed_dict", word(id(plain) - ROW["object_managed_dict"]), id(contents))
    keys = word(id(Plain) + ROW["heap_type_cached_keys"])
    fact("heap_type_cached_keys", word(keys + ROW["keys_nentries"]), 1)


def codes():
    code = function.__code__
    points_to("code_filename", id(code), code.co_filename)
    points_to("code_name", id(code), code.co_name)
    if has("code_qualname"):
        points_to("code_qualname", id(code), code.co_qualname)
    fact("code_firstlineno", word(id(code) + ROW["code_firstlineno"], ctypes.c_int),
         code.co_firstlineno)
    table = word(id(code) + ROW["code_linetable"])
    want = code.co_lnotab if VERSION < (3, 10) else code.co_linetable
    fact("code_linetable", ctypes.string_at(table + ROW["bytes_data"], len(want)), want)
    if VERSION < (3, 11):
        points_to("code_code", id(code), code.co_code)
        fact("code_size", ROW["code_size"] <= type(code).__basicsize__, True)
        return
    # The instructions: RESUME first, as nothing comes before it here.
    fact("code_firsttraceable", word(id(code) + ROW["code_firsttraceable"], ctypes.c_int), 0)
    raw = ctypes.string_at(id(code) + ROW["code_code"], len(code._co_code_adaptive))
    fact("code_code", raw, code._co_code_adaptive)


def main_interpreter():
    """The interpreter, and the runtime or 0."""
    if not has("runtime_interpreters_head"):
        head = ctypes.pythonapi.PyInterpreterState_Head
        head.restype = ctypes.c_void_p
        return head(), 0
    runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    return word(runtime + ROW["runtime_interpreters_head"]), runtime


def interpreters():
    interpreter, runtime = main_interpreter()
    fact("interp_next", word(interpreter + ROW["interp_next"]), 0)
    if has("interp_id"):
        fact("interp_id", word(interpreter + ROW["interp_id"]), 0)
    points_to("interp_modules", interpreter, sys.modules)
    points_to("interp_sysdict", interpreter, sys.__dict__)
    if runtime:
        fact("runtime_finalizing", word(runtime + ROW["runtime_finalizing"]), 0)
    return interpreter, runtime


def thread_state(interpreter):
    """The calling thread's, found as pyspyc does."""
    state, chain = word(interpreter + ROW["interp_threads_head"]), []
    while state and len(chain) < 10:
        chain.append(word(state + ROW["tstate_thread_id"]))
        if chain[-1] == threading.current_thread().ident:
            fact("tstate_interp", word(state + ROW["tstate_interp"]), interpreter)
            return state
        state = word(state + ROW["tstate_next"])
    fact("tstate_thread_id", chain, "ours")
    return 0


def gil(interpreter, runtime, state):
    # ctypes.CDLL's functions release the GIL, reading memory does not: it is ours now.
    if has("runtime_tstate_current"):
        fact("runtime_tstate_current", word(runtime + ROW["runtime_tstate_current"]), state)
        fact("runtime_gil_locked", word(runtime + ROW["runtime_gil_locked"], ctypes.c_int), 1)
    if has("interp_ceval_gil"):
        lock = word(interpreter + ROW["interp_ceval_gil"])
        enabled = not has("gil_enabled") or word(lock + ROW["gil_enabled"], ctypes.c_int)
        if has("gil_enabled"):
            fact("gil_enabled", bool(enabled), sys._is_gil_enabled())
        if enabled:
            fact("gil_locked", word(lock + ROW["gil_locked"], ctypes.c_int), 1)
            fact("gil_last_holder", word(lock + ROW["gil_last_holder"]), state)
        if has("tstate_holds_gil"):
            fact("tstate_holds_gil", word(state + ROW["tstate_holds_gil"], ctypes.c_int),
                 int(bool(enabled)))
    if has("tstate_state"):
        fact("tstate_state", word(state + ROW["tstate_state"], ctypes.c_int), 1)  # attached
    if has("tstate_status"):
        # initialized and bound, neither unbound nor finalizing.
        fact("tstate_status", word(state + ROW["tstate_status"], ctypes.c_uint32) & 7, 3)


def frames_on_heap(state):
    frame = sys._getframe()
    # A call to word() would have a frame of its own.
    innermost = ctypes.c_uint64.from_address(state + ROW["tstate_frame"]).value
    fact("tstate_frame", innermost, id(frame))
    points_to("frame_back", id(frame), frame.f_back)
    points_to("frame_code", id(frame), frame.f_code)
    lasti = word(id(frame) + ROW["frame_lasti"], ctypes.c_int)
    want = frame.f_lasti
    if VERSION >= (3, 10):
        lasti *= 2
    # The frame has moved on since.
    fact("frame_lasti", 0 < want - lasti < 100, True)
    points_to("frame_localsplus", id(frame), state)


def frames_in_stack(state):
    if has("tstate_cframe"):
        current = word(word(state + ROW["tstate_cframe"]) + ROW["cframe_current_frame"])
    else:
        current = word(state + ROW["tstate_current_frame"])
    chain, codes_seen, address = [], [], current
    while address and len(chain) < 20:
        chain.append(address)
        codes_seen.append(word(address + ROW["frame_code"]) & ~7)
        address = word(address + ROW["frame_back"])
    fact("frame_back", address, 0)
    expected, frame = [], sys._getframe()
    while frame:
        expected.append(id(frame.f_code))
        frame = frame.f_back
    # Others' entries (shims, sentinels) may stand between.
    fact("frame_code", [code for code in codes_seen if code in expected][:len(expected)],
         expected)
    mine = chain[codes_seen.index(expected[0])]
    # References on the stack have tags in their low bits from 3.14 on.
    fact("frame_localsplus", word(mine + ROW["frame_localsplus"]) & ~7, id(state))
    fact("frame_owner", word(mine + ROW["frame_owner"], ctypes.c_uint8), 0)
    start, size = expected[0] + ROW["code_code"], len(sys._getframe().f_code.co_code)
    instruction = word(mine + ROW["frame_instr_ptr"])
    if has("frame_tlbc_index") and not start <= instruction < start + size:
        tlbc = word(expected[0] + ROW["code_tlbc"])
        index = word(mine + ROW["frame_tlbc_index"], ctypes.c_int32)
        start = word(tlbc + 8 * (1 + index))
    fact("frame_instr_ptr", start <= instruction < start + size, True)
    chunk = word(state + ROW["tstate_datastack_chunk"])
    fact("tstate_datastack_chunk", chunk <= mine < chunk + word(chunk + 8), True)
    top = word(state + ROW["tstate_datastack_top"])
    fact("tstate_datastack_top", mine < top <= chunk + word(chunk + 8), True)
    if has("tstate_base_frame"):
        fact("tstate_base_frame", word(state + ROW["tstate_base_frame"]), chain[-1])


def main():
    for check in (objects, types, strings, dicts, instances, codes):
        check()
    interpreter, runtime = interpreters()
    state = thread_state(interpreter)
    if state:
        if has("tstate_native_thread_id"):
            fact("tstate_native_thread_id", word(state + ROW["tstate_native_thread_id"]),
                 threading.get_native_id())
        gil(interpreter, runtime, state)
        if has("tstate_frame"):
            frames_on_heap(state)
        else:
            frames_in_stack(state)
    print("%d fields compared" % len(set(compared)))


if __name__ == "__main__":
    main()
