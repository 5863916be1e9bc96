"""How fast one oscillation runs away from another."""

import numpy as np

FEWEST_PERIODS = 3.0
FEWEST_SAMPLES = 8


def phase_drift(times, truth, motion):
    """Growth of the phase of `motion` ahead of `truth`, in rad per period of `truth`.

    With the angular frequency ω of the truth, the complex amplitude of an oscillation s around
    the time t is its mean over two periods with Hann's weights w,

        z(t) = Σ_k w_k s(t + k Δt) e^{−iω (t + k Δt)}

    and arg(ẑ/z) is the phase that the motion is ahead. What the window or a decaying amplitude
    does to the phase cancels in the ratio. The drift is the slope of a straight line through it,
    with weights |z|, times 2π/ω: positive where the motion is too fast. The motion cos(1.01 ωt)
    drifts against cos(ωt) by 0.01 · 2π.

    Args:
        times: equidistant, `(num,)`, in s.
        truth: `(num,)`, in m.
        motion: `(num,)`, in m.

    Returns:
        Drift in rad per period; NaN where it has no meaning: fewer than 3 periods or than 8
        samples a period, a truth that does not swing, a motion that is not finite or almost at
        rest.

    Example:
    >>> t = np.linspace(0.0, 50.0, 1001)
    >>> round(phase_drift(t, np.cos(t), np.cos(1.01 * t)) / (2.0 * np.pi), 4)
    0.01
    """
    if not np.isfinite(motion).all():
        return float("nan")
    omega = dominant_frequency(times, truth)
    samples = 2.0 * np.pi / (omega * (times[1] - times[0])) if omega > 0.0 else 0.0
    if samples < FEWEST_SAMPLES or FEWEST_PERIODS * samples > len(times):
        return float("nan")
    z, z_motion = (_complex_amplitude(times, s, omega, samples) for s in (truth, motion))
    if np.median(np.abs(z_motion)) < 1e-3 * np.median(np.abs(z)):
        return float("nan")
    ahead = np.unwrap(np.angle(z_motion * z.conj()))
    slope, _ = np.polyfit(np.arange(len(ahead)), ahead, 1, w=np.abs(z) / np.abs(z).max())
    return float(slope * samples)


def dominant_frequency(times, signal):
    """Angular frequency of the highest peak of the spectrum, in rad/s; 0 for no oscillation.

    Args:
        times: equidistant, `(num,)`, in s.
        signal: `(num,)`.
    """
    num = len(times)
    swing = signal - signal.mean()
    if num < 4 or np.abs(swing).max() <= 1e-12 * np.abs(signal).max():
        return 0.0
    power = np.abs(np.fft.rfft(swing * np.hanning(num), 8 * num)) ** 2
    peak = int(np.argmax(power))
    if peak in (0, len(power) - 1):
        return 0.0
    before, here, after = np.log(power[peak - 1 : peak + 2] + 1e-30 * power[peak])
    peak += 0.5 * (before - after) / (before - 2.0 * here + after)
    return float(2.0 * np.pi * peak / (8 * num * (times[1] - times[0])))


def _complex_amplitude(times, signal, omega, samples):
    """z at every time that has a whole window of two periods around it."""
    turned = (signal - signal.mean()) * np.exp(-1j * omega * (times - times[0]))
    window = np.hanning(2 * round(samples) + 1)
    return np.convolve(turned, window / window.sum(), "valid")
