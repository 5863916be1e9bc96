"""How much memory a step of least squares may take."""

MOST_BYTES = 4e9


def check_bytes(num_bytes, what):
    """Raise before a matrix of least squares is made that would take more than `MOST_BYTES`."""
    if num_bytes > MOST_BYTES:
        raise ValueError(
            f"Least squares may take {MOST_BYTES / 1e9:g} GB at once. Received {what}, which take "
            f"{num_bytes / 1e9:.3g} GB. Take a shorter duration, or LevenbergMarquardt() as it "
            "is: it solves for the readouts, window after window."
        )
