"""The natural frequency of one record, in Hz, as four other tools find it.

Each is told the law, as `identify` is, and guesses the frequency from the record's spectrum. The
offset of a record is its mean. Not a number stands for what a tool is not made for, infinity for
what it does not find.
"""

import numpy as np
import pysindy
from scipy.optimize import curve_fit

from oscillator_zoo.data import MeasuredOscillator, Pendulum, Sampled
from oscillator_zoo.models import PINN, LevenbergMarquardt
from oscillator_zoo.training.law_fits.oscillator_laws import LAWS

GRAVITY = 9.81  # m/s²
THRESHOLD = 0.05  # of SINDy's coefficients, in units of the record's size and frequency
MOST_PERIODS = 20.0  # for a network


def strongest(t, y):
    """The frequency of the spectrum's highest line, in Hz; uneven times are interpolated."""
    step = np.median(np.diff(t))
    grid = np.arange(0.0, t[-1], step)
    spectrum = np.abs(np.fft.rfft(np.interp(grid, t, y - y.mean())))
    return np.fft.rfftfreq(len(grid), step)[1 + np.argmax(spectrum[1:])]


def fitted_curve(law, record, driven):
    """FFT, then `scipy.optimize.curve_fit` on a linear decay: free records only."""
    t, y = record.times, record.states[0, :, 0]

    def model(t, c, a, b, frequency, alpha):
        wave = 2.0 * np.pi * frequency * t
        return c + np.exp(-alpha * t) * (a * np.cos(wave) + b * np.sin(wave))

    if driven:
        return np.nan
    try:
        guess = [y.mean(), np.ptp(y) / 2.0, 0.0, strongest(t, y), 1.0 / t[-1]]
        found = curve_fit(model, t, y, guess, maxfev=5000)[0]
    except (RuntimeError, ValueError):
        return np.inf
    return np.hypot(found[3], found[4] / (2.0 * np.pi))


def is_ring_down(law, record, driven):
    """Whether a record is a free linear decay at even times."""
    steps = np.diff(record.times)
    return law == "linear" and not driven and np.ptp(steps) < 1e-3 * steps.mean()


def ring_down(law, record, driven):
    """RingDownAnalysis: nonlinear least squares on a free linear record at even times."""
    from ringdownanalysis import NLSFrequencyEstimator

    if not is_ring_down(law, record, driven):
        return np.nan
    rate = 1.0 / np.diff(record.times).mean()
    found = NLSFrequencyEstimator(tau_known=None).estimate_full(record.states[0, :, 0], rate)
    return np.hypot(found.f, 1.0 / (2.0 * np.pi * found.tau)) if found.tau else np.inf


def sindy(law, record, driven):
    """pysindy: smoothed differences for noise, data of order one, STLSQ on the law's polynomials.

    The velocity is the smoothed derivative of the position, since only that was measured.
    """
    t, y = record.times, record.states[0, :, 0]
    rate = 2.0 * np.pi * strongest(t, y)
    x = (y - y.mean()) / (1.0 if law == "pendulum" else y.std())
    differences = pysindy.SmoothedFiniteDifference()
    states = np.c_[x, differences(x[:, None], rate * t)]
    library = pysindy.PolynomialLibrary(1 if law in ("linear", "pendulum") else 3)
    if law == "pendulum":
        library = library + pysindy.FourierLibrary(1)
    force = record.force[0, :, 0]
    model = pysindy.SINDy(
        optimizer=pysindy.STLSQ(threshold=THRESHOLD),
        feature_library=library,
        differentiation_method=differences,
    )
    names = ["x", "v", "u"][: 2 + driven]
    model.fit(states, t=rate * t, u=force / force.std() if driven else None, feature_names=names)
    found = dict(zip(model.get_feature_names(), model.coefficients()[1]))
    square = -found["x"] - found.get("sin(1 x)", 0.0)
    return rate * np.sqrt(square) / (2.0 * np.pi) if square > 0.0 else np.inf


def network(law, record, driven):
    """`PINN(unknown_parameters=...)` from the spectrum's frequency and little damping."""
    t, y = record.times, record.states[0, :, 0]
    rate = 2.0 * np.pi * strongest(t, y)
    if rate * t[-1] > 2.0 * np.pi * MOST_PERIODS or (law == "pendulum" and driven):
        return np.nan
    names = LAWS[law].constants(driven)
    x = y - y.mean()
    start = {"position": x[0], "velocity": 0.0}
    if law == "pendulum":
        problem = Pendulum(GRAVITY / rate**2, GRAVITY, 0.04 * rate, **start)
        names = ("length", "damping")
    else:
        given = dict.fromkeys(names, 0.0) | {"squared_frequency": rate**2}
        force = record.force[0, :, 0]
        if driven:
            given["gain"] = x.std() * rate**2 / force.std()
            given["force"] = Sampled(t, force)
        problem = MeasuredOscillator(**given | {"damping_rate": 0.04 * rate}, **start)
    pinn = PINN(problem, t[-1], unknown_parameters=(*names, "position", "velocity"), seed=0)
    pinn.compile(LevenbergMarquardt())
    pinn.fit(t, x, verbose=0)
    found = {name: e.value for name, e in pinn.estimates(t, x).items()}
    square = GRAVITY / found["length"] if law == "pendulum" else found["squared_frequency"]
    return np.sqrt(square) / (2.0 * np.pi) if square > 0.0 else np.inf


OF_RING_DOWNS = {"FFT + curve_fit": fitted_curve, "RingDownAnalysis": ring_down}
PEERS = OF_RING_DOWNS | {"pysindy": sindy, "PINN(unknown_parameters)": network}
