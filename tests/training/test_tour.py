"""The tour, whole, as a newcomer runs it."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from oscillator_zoo.__main__ import main
from oscillator_zoo.data import Trajectory


@pytest.mark.slow
def test_the_tour_prints_one_table_and_leaves_what_it_names(tmp_path, capsys):
    folder = tmp_path / "tour"
    assert main(["tour", "--output-dir", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert f"are in {folder}" in printed

    rows = re.findall(r"^  (\S.*?)  +([\d.e+-]+)  +([\d.e+-]+)$", printed, flags=re.MULTILINE)
    errors = {label: float(error) for label, error, _ in rows}
    assert len(rows) == 11
    network = errors["Elman network, closed loop"]
    # 280 steps on its own predictions, from states it has never seen; the README shows its size.
    assert network < 0.3 < errors["persistence"]
    (learned,) = (error for label, error in errors.items() if "SelfScaledBroyden" in label)
    many_steps = errors["RK4, 5600 steps"]
    # The linear equation is solved to rounding: a few units of 1e-16 for each of 224 points.
    assert errors["PINN, readout solve"] < 1e-12
    assert learned < 1e-6  # with residuals of ε = 1e-6 m/s²
    # 100 times as many steps: 1e-8 of the error, 1e-13, to which rounding adds as much.
    assert many_steps < 1e-12

    for name in ("elman-harmonic", "pinn-damped", "pinn-damped-learned"):
        assert (folder / name / "result.png").stat().st_size > 5000
        model = keras.models.load_model(folder / name / "model.keras")
        served = tf.saved_model.load(str(folder / name / "saved_model"))
        if name.startswith("pinn"):
            x = np.linspace(0.0, 8.0, 5)[:, None]
        else:
            x = Trajectory.load(folder / name / "test.npz").states[:2, :20].astype("float32")
        np.testing.assert_allclose(served.serve(x), model(x), rtol=1e-5, atol=1e-6)
    assert Trajectory.load(folder / "euler.npz").states.shape == (1, 2001, 2)
    assert (folder / "euler.png").stat().st_size > 5000
