"""What an archive of unknown origin may make the reader allocate."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Trajectory, simulate
from oscillator_zoo.data.archives import check_unpacked_size, read_array


def archive(path, packed=zipfile.ZIP_DEFLATED, **members):
    """A zip file of the given bytes, opened to read."""
    with zipfile.ZipFile(path, "w", packed) as written:
        for name, content in members.items():
            written.writestr(f"{name}.npy", content)
    return zipfile.ZipFile(path)


def npy(descr="<f8", shape="(2,)", data=bytes(16), version=1, length=64):
    """A `.npy` file with the header as given."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    size = (2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(*size) + header.encode() + data


@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.array(3), np.array(["a", "βγ"]), np.zeros((0, 2))]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_numpy_are_read(array, order, tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array, order=order))
    with archive(tmp_path / "a.npz", a=buffer.getvalue()) as opened:
        found = read_array(opened, "a")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@pytest.mark.parametrize(
    ("descr", "shape", "data"),
    [
        ("<f8", "(12500000000,)", bytes(16)),  # 100 GB
        ("<f8", "(3,)", bytes(16)),
        ("<f8", "(1,)", bytes(16)),
        ("<f8", "(-2,)", bytes(16)),
        ("<f8", "(-1, -2)", bytes(16)),
        ("<f8", "(0, -5)", b""),
        ("|V0", "(1000000000000,)", b""),
        ("<U0", "(1000000000000,)", b""),
    ],
)
def test_a_header_must_fit_its_data(descr, shape, data, tmp_path):
    with archive(tmp_path / "a.npz", a=npy(descr, shape, data)) as opened:
        with pytest.raises(ValueError, match="the header of 'a' does not fit its data"):
            read_array(opened, "a")


def test_a_header_of_a_table_is_refused(tmp_path):
    with archive(tmp_path / "a.npz", a=npy(version=2)) as opened:
        with pytest.raises(ValueError, match="the array 'a' is of npy version 2"):
            read_array(opened, "a")


class Exploit:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_objects_are_refused_unopened(tmp_path):
    payload = pickle.dumps(Exploit(tmp_path / "executed"))
    payload += bytes(-len(payload) % 8)
    content = npy("|O", f"({len(payload) // 8},)", payload)
    with archive(tmp_path / "a.npz", a=content) as opened:
        with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
            read_array(opened, "a")
    assert not (tmp_path / "executed").exists()


def test_a_missing_array_is_a_key_error(tmp_path):
    with archive(tmp_path / "a.npz", a=npy()) as opened:
        with pytest.raises(KeyError, match="b"):
            read_array(opened, "b")


def test_zeros_may_unpack_to_what_any_computer_holds(tmp_path):
    with archive(tmp_path / "a.npz", a=bytes(2**28)) as opened:
        assert os.path.getsize(tmp_path / "a.npz") < 2**28 // 900
        check_unpacked_size(opened)
    with archive(tmp_path / "b.npz", a=bytes(2**27), b=bytes(2**27 + 1)) as opened:
        with pytest.raises(ValueError, match="would unpack to 268435457"):
            check_unpacked_size(opened)


def test_large_archives_of_numbers_are_no_bombs(tmp_path):
    noise = np.random.default_rng(0).bytes(3 * 2**20)
    with archive(tmp_path / "a.npz", a=noise, b=bytes(2**28)) as opened:
        check_unpacked_size(opened)


@pytest.mark.slow
def test_a_trajectory_that_is_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    simulate(DampedOscillator(), 0.1, 3, method="rk4").save(tmp_path / "motion.npz")
    with zipfile.ZipFile(tmp_path / "motion.npz") as opened:
        members = {name[:-4]: opened.read(name) for name in opened.namelist()}
    zeros = npy("<f8", f"(1, {2**26}, 2)", bytes(2**30))
    archive(tmp_path / "bomb.npz", **{**members, "states": zeros}).close()
    with pytest.raises(ValueError, match=r"Received: .*bomb\.npz.*would unpack to 1073"):
        Trajectory.load(tmp_path / "bomb.npz")


@pytest.mark.parametrize(
    ("changed", "content"),
    [
        ("feature_names", np.array("position")),
        ("feature_names", np.array([1.0, 2.0])),
        ("problem", np.array(3.0)),
        ("problem", np.array(["a", "b"])),
        ("method", np.array(1)),
        ("method_step", np.array("x")),
        ("method_step", np.array([0.1, 0.2])),
        ("format_version", np.array([1])),
        ("format_version", np.array(1.0)),
    ],
)
def test_arrays_of_another_kind_are_refused(changed, content, tmp_path):
    path = tmp_path / "motion.npz"
    simulate(DampedOscillator(), 0.1, 3, method="rk4").save(path)
    with np.load(path) as opened:
        members = {**opened, changed: content}
    np.savez(path, **members)
    with pytest.raises(ValueError, match=f"damaged .'{changed}' is an array of"):
        Trajectory.load(path)
