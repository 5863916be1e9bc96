"""Reads many damaged files in a process of its own: `fuzz_worker.py READER… FIRST LAST FOLDER`.

Prints what became of them as JSON, a line for each reader. Each file has a limit of time, the
process one of memory. A file must be read or refused with a clear error; of one whose bytes alone
were damaged, what is read must be what was written. Anything else ends up under "faults", with the
number that makes the same file again.
"""

import collections
import io
import json
import pathlib
import random
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings

import keras
import numpy as np
from mutations import damage_archive, damage_array, damage_bytes, damage_json

from oscillator_zoo.data import Trajectory, load_measurement
from oscillator_zoo.models import from_preset, load_model
from oscillator_zoo.training import Run

GOLDEN = pathlib.Path(__file__).parent / "golden"
SECONDS = 20  # for one file; a sound one takes less than a tenth of a second
ADDRESSES = 4 * 2**30  # bytes that the process may ask for beyond what it has
MEMORY = 600 * 2**20  # bytes that one file may make it use
CSV = "force_N;position_m\n" + "".join(f"{0.1 * k:.2f};{k * k}\n" for k in range(40))
TOKENS = ("nan", "1e999", "\x00", '"', '""', "\ufeff", "1_0", "١", ",", ";", "\t", "\r", "\x85")


def csv_file(rng, folder, marker):
    """A measured record."""
    text = CSV.replace(";", rng.choice(";;,\t "))
    for _ in range(rng.choice((0, 0, 1, 3))):
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 200000)) + text[at:]
    content = text.encode(rng.choice(("utf-8",) * 5 + ("utf-16", "utf-8-sig", "utf-32")))
    path = folder / "record.csv"
    path.write_bytes(damage_bytes(content, rng) if rng.random() < 0.6 else content)
    columns = rng.choice(((0, 1), (0, 1), ("force_N", "position_m")))
    return lambda: load_measurement(path, 10.0, *columns), None


def npz_file(rng, folder, marker):
    """A trajectory."""
    original = GOLDEN / rng.choice(("trajectory.npz", "run/test.npz"))

    def damage(name, inner):
        if name != "problem.npy" or rng.random() < 0.2:
            return damage_array(inner, rng, marker)
        text = damage_json(np.lib.format.read_array(io.BytesIO(inner)).item(), rng, marker)
        buffer = io.BytesIO()
        np.save(buffer, np.array(text.decode("utf-8", "replace").rstrip("\x00")))
        return buffer.getvalue()

    path = folder / "motion.npz"
    return (lambda: Trajectory.load(path)), write_damaged(path, original, rng, marker, damage)


def keras_file(rng, folder, marker):
    """A model alone."""
    original = GOLDEN / rng.choice(("pinn.keras", "duffing.keras", "run/model.keras"))

    def damage(name, inner):
        return (
            damage_json(inner, rng, marker) if name.endswith("json") else damage_bytes(inner, rng)
        )

    path = folder / "model.keras"
    return (lambda: load_model(path)), write_damaged(path, original, rng, marker, damage)


def run_file(rng, folder, marker):
    """A run's folder with one of its files damaged, its hashes left out half of the time."""
    shutil.copytree(GOLDEN / "run", folder / "run")
    damaged = rng.choice(("run.json",) * 6 + ("model.keras", "test.npz"))
    description = folder / "run" / "run.json"
    if rng.random() < 0.5:
        content = json.loads(description.read_text())
        del content["sha256"]
        description.write_text(json.dumps(content))
    path = folder / "run" / damaged
    is_text = damaged == "run.json"
    content = path.read_bytes()
    if is_text and rng.random() < 0.7:
        path.write_bytes(damage_json(content, rng, marker))
    else:
        path.write_bytes(damage_bytes(content, rng))
    return (lambda: Run.load(folder / "run")), None if is_text else GOLDEN / "run"


def preset_file(rng, folder, marker):
    """A preset with its card or its model damaged, a few as they were."""
    shutil.copytree(GOLDEN / "preset", folder / "preset")
    if rng.random() < 0.2:
        return (lambda: from_preset(folder / "preset")), GOLDEN / "preset"
    is_card = rng.random() < 0.7
    path = folder / "preset" / ("card.json" if is_card else "model.keras")
    content = path.read_bytes()
    if is_card and rng.random() < 0.8:
        path.write_bytes(damage_json(content, rng, marker))
    else:
        path.write_bytes(damage_bytes(content, rng))
    return (lambda: from_preset(folder / "preset")), None if is_card else GOLDEN / "preset"


def write_damaged(path, original, rng, marker, damage):
    """Writes an archive damaged as a whole or inside; returns `original` if as a whole."""
    content = original.read_bytes()
    as_a_whole = rng.random() < 0.3
    path.write_bytes(
        damage_bytes(content, rng) if as_a_whole else damage_archive(content, rng, marker, damage)
    )
    return original if as_a_whole else None


READERS = {
    "csv": csv_file,
    "npz": npz_file,
    "keras": keras_file,
    "run": run_file,
    "preset": preset_file,
}


def numbers(found):
    """The arrays in whatever a reader returns."""
    if isinstance(found, Run):
        return numbers(found.model) + numbers(found.test)
    if isinstance(found, Trajectory):
        return [found.times, found.states, found.force]
    state = [] if found.optimizer is None else found.optimizer.variables
    return [np.array(variable) for variable in (*found.weights, *state)]


def sound(original):
    """The arrays in the file as it was before."""
    if original.suffix == ".npz":
        return numbers(Trajectory.load(original))
    if original.name == "preset":
        return numbers(from_preset(original))
    return numbers(Run.load(original) if original.is_dir() else load_model(original))


def outcome(read, original=None):
    """Whether a file was "read" or "refused"; anything else is a fault."""
    try:
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            found = read()
    except (ValueError, FileNotFoundError) as error:
        text = str(error)
        if type(error) not in (ValueError, FileNotFoundError):
            return traceback.format_exc()
        if "\n" in text or len(text) > 3000 or not ("Received" in text or "There is no" in text):
            return f"An unclear error: {text[:2000]}"
        return "refused"
    except BaseException:
        return traceback.format_exc()
    if original is not None:
        expected = sound(original)
        if not all(map(np.array_equal, numbers(found), expected)):
            return f"Other numbers than in {original}."
    return "read"


def out_of_time(signum, frame):
    raise TimeoutError(f"more than {SECONDS} s")


def work(reader, seed, folder, canary):
    """One damaged file; returns its outcome."""
    rng = random.Random(f"{reader} {seed}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zipfile, that names come twice
        read, original = READERS[reader](rng, folder, canary)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        result = outcome(read, original)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    if canary.exists() or "canary" in sys.modules:
        result = "It ran code from the file."
    return result


def main(readers, first, last, folder):
    """All files of each reader with numbers from `first` to before `last`."""
    canary = folder / "canary-was-here"
    (folder / "canary.py").write_text(f"open({str(canary)!r}, 'w')\ndef run(*args): pass\n")
    sys.path.insert(0, str(folder))
    signal.signal(signal.SIGALRM, out_of_time)
    Run.load(GOLDEN / "run"), load_model(GOLDEN / "pinn.keras")  # what is needed once
    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESSES, used + ADDRESSES))
    for reader in readers:
        print(json.dumps(read_all(reader, range(first, last), folder, canary)), flush=True)


def read_all(reader, seeds, folder, canary):
    """What became of a reader's files, and the seconds of the slowest."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts, faults, slowest = collections.Counter(), {}, 0.0
    for seed in seeds:
        (folder / "current").write_text(f"{reader} {seed}")
        start = time.perf_counter()
        result = work(reader, seed, folder / "file", canary)
        slowest = max(slowest, time.perf_counter() - start)
        before, peak = peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if 1024 * (peak - before) > MEMORY:
            result = f"It took {(peak - before) // 1024} MiB."
        counts[result if result in ("read", "refused") else "fault"] += 1
        if result not in ("read", "refused"):
            faults[seed] = result
        if seed % 50 == 0:
            keras.backend.clear_session()
    return {"reader": reader, "counts": counts, "faults": faults, "slowest": slowest}


if __name__ == "__main__":
    *names, begin, end, place = sys.argv[1:]
    main(names, int(begin), int(end), pathlib.Path(place))
