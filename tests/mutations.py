"""Ways to damage a file, or to make it hostile: bytes, archives, JSON, array headers."""

import copy
import io
import json
import pickle
import re
import zipfile

CANARY = "canary"  # name of the module and of the file that its code creates

NUMBERS = (0, -1, 1, 2, 3.5, 1e-320, 1e308, -1e308, 10**9, 10**12, 2**63, 2**64, 10**400)
VALUES = (
    *NUMBERS,
    *(float("nan"), float("inf"), True, False, None, "", "tanh", "x" * 5000, "\x00", "\ud800"),
    *([], {}, [[]], [1, "a"], {"a": None}, list(range(300)), [10**9, 10**9], [None] * 4),
)


def planted(marker):
    """JSON objects and names that would run code or read files if a reader trusted them."""
    code = "4wAAAAAAAAAAAAAAAAAAAAAAAAAAAABzAAAAAA=="
    function = {"module": "builtins", "class_name": "function", "registered_name": None}
    call = {"function": {**function, "config": "exec"}, "arguments": {"x": str(marker)}}
    return (
        {"class_name": "__lambda__", "config": {"value": code}},
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": [code]}},
        {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "a", **call}},
        {"module": CANARY, "class_name": "Thing", "config": {}, "registered_name": None},
        {"module": CANARY, "class_name": "function", "config": "run", "registered_name": None},
        {"module": "os", "class_name": "system", "config": {"command": f"touch {marker}"}},
        {"module": "keras.utils", "class_name": "function", "config": "get_file"},
        {"module": "keras.src.utils.file_utils", "class_name": "function", "config": "makedirs"},
        {"module": "keras.src.backend.torch.core", "class_name": "Variable", "config": {}},
        {"module": "keras_hub.models", "class_name": "Task", "config": {}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/"}},
        {"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "U2000000000"}},
        {"class_name": "__typespec__", "spec_name": "TensorSpec", "config": [], "module": "os"},
        {"module": "builtins", "class_name": "function", "config": "exec"},
        *(f"{CANARY}.run", "os.system", "builtins>exec", "__import__"),
    )


class Exploit:
    """Creates a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def damage_bytes(content, rng):
    """Bits flipped, pieces lost, doubled, moved, zeroed, inserted; the end cut off."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        kind = rng.randrange(7)
        start = rng.randrange(max(1, len(content)))
        stop = min(len(content), start + rng.choice((1, 2, 8, 64, 700)))
        if kind == 0 and content:
            content[start] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del content[rng.choice((start, stop)) :]
        elif kind == 2:
            content[start:start] = rng.randbytes(rng.choice((1, 3, 40)))
        elif kind == 3:
            content[start:start] = content[start:stop]
        elif kind == 4:
            del content[start:stop]
        elif kind == 5:
            content[start:stop] = bytes(stop - start)
        else:
            content[start:stop] = rng.randbytes(stop - start)
    return bytes(content)


def damage_json(content, rng, marker):
    """A text of JSON with values, keys or objects exchanged, or nested without end."""
    try:
        tree = json.loads(content)
    except ValueError:
        return damage_bytes(content, rng)
    if rng.random() < 0.03:
        depth = rng.choice((50, 3000, 200000))
        return b"[" * depth + b"]" * depth if rng.random() < 0.5 else b'{"a":' * depth
    holder = {"": tree}
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(holder))
        parent, key = places[rng.randrange(len(places))]
        parent[key] = _other(parent[key], places, rng, marker)
        if rng.random() < 0.1 and isinstance(parent, dict) and parent is not holder:
            parent[f"{key}{rng.choice(('', 's', '_'))}"] = parent.pop(key)
    text = json.dumps(holder[""])
    if rng.random() < 0.05:
        text = text.replace("1.0", rng.choice(("1" * 5000, "1e999", "-Infinity", "01", "1.0.0")))
    return text.encode()


def _places(tree):
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _other(value, places, rng, marker):
    kind = rng.randrange(5)
    if kind == 0:
        parent, key = places[rng.randrange(1, len(places))] if len(places) > 1 else places[0]
        return copy.deepcopy(parent[key])
    if kind == 1:
        return rng.choice(planted(marker))
    if kind == 2 and isinstance(value, list) and value:
        return value[:-1] if rng.random() < 0.5 else value * 2
    if kind == 3 and isinstance(value, int | float):
        return rng.choice(NUMBERS)
    return copy.deepcopy(rng.choice(VALUES))


def damage_array(content, rng, marker):
    """A `.npy` file with another header, or with Python objects."""
    kind = rng.randrange(6)
    if kind == 0:
        return damage_bytes(content, rng)
    if kind == 1:
        header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
        return _with_header(header) + pickle.dumps(Exploit(marker))
    end = content.index(b"\n") + 1
    header, data = content[10:end], content[end:]
    if kind == 2:
        shape = rng.choice((b"(10000000000,)", b"(-1,)", b"()", b"(0, 99999999999)", b"(2,)" * 20))
        header = re.sub(rb"\([^)]*\)", shape, header)
    elif kind == 3:
        kinds = (b"<f4", b"<i8", b"|V0", b"<U0", b"<U9", b"|O", b"<c16", b"|S99999999", b"<M8[s]")
        header = re.sub(rb"'descr': '[^']*'", b"'descr': '" + rng.choice(kinds) + b"'", header)
    elif kind == 4:
        header = damage_bytes(header, rng)
    else:
        data = damage_bytes(data, rng)
    return _with_header(header) + data


def _with_header(header):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def damage_archive(content, rng, marker, damage):
    """A zip archive with members damaged, exchanged, doubled, dropped, added or packed.

    Args:
        content: bytes of the archive.
        rng: `random.Random`.
        marker: path that hostile code would create.
        damage: function (name, content) → damaged content of a member, by its kind.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
        comment = archive.comment
    k, j = rng.randrange(len(members)), rng.randrange(len(members))
    others = ("swap", "drop", "double", "rename", "add", "bomb", "comment")
    kind = rng.choice(("damage",) * 6 + others)
    name, inner = members[k]
    if kind == "damage":
        members[k] = name, damage(name, inner)
    elif kind == "swap":
        members[k], members[j] = (name, members[j][1]), (members[j][0], inner)
    elif kind == "drop":
        del members[k]
    elif kind == "double":
        members.append((name, damage_bytes(inner, rng)))
    elif kind == "rename":
        members[k] = rng.choice(("../" + name, "/" + name, name.upper(), "x")), inner
    elif kind == "add":
        members.append((rng.choice(("assets/a", "../../canary", "x.npy")), rng.randbytes(99)))
    elif kind == "bomb":
        members[k] = name, inner + bytes(rng.choice((10**6, 5 * 10**7)))
    elif kind == "comment":
        comment = rng.choice((b"oscillator-zoo format 2", b"", rng.randbytes(50), comment + b"9"))
    packed = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    packed = zipfile.ZIP_DEFLATED if kind == "bomb" else packed
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as archive:
        for name, inner in members:
            archive.writestr(name, inner)
        archive.comment = comment
    result = buffer.getvalue()
    if rng.random() < 0.1:  # a size that is not true, in the directory at the end
        at = result.rindex(b"PK\x01\x02") + 24
        size = rng.choice((2**32 - 2, 0, 5)).to_bytes(4, "little")
        result = result[:at] + size + result[at + 4 :]
    return result
