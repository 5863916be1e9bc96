"""Records on a shaken base: the motion relative to it, driven by its acceleration.

x'' + d x' + s x + … = −b'',  with the way x from the base and the base's position b.
"""

import dataclasses

import numpy as np

KINDS = ("base_position", "base_velocity", "base_acceleration")
FRAMES = ("base", "ground")
# Central differences of order six: of a wave of ten samples they miss 5e-4 and 1e-4.
STENCILS = {
    1: np.array([-1.0, 9.0, -45.0, 0.0, 45.0, -9.0, 1.0]) / 60.0,
    2: np.array([2.0, -27.0, 270.0, -490.0, 270.0, -27.0, 2.0]) / 180.0,
}
EDGE = 3  # samples at each end that have no central difference


def on_the_base(record, kind, frame):
    """The record as motion relative to the base under the acceleration of the base.

    Args:
        record: `Record`, whose force is what was measured of the base.
        kind: "base_position", "base_velocity" or "base_acceleration"; others pass as they are.
        frame: "base" for a motion that is measured relative to the base, "ground" for one that
            is measured from the ground, as an accelerometer does.

    Raises:
        ValueError: for a motion from the ground of which the base's part is not known.
    """
    if kind not in KINDS or record.force is None:
        return record
    have = KINDS.index(kind)
    need = ("position", "velocity", "acceleration").index(record.quantity)
    ground = frame == "ground"
    if ground and need < have:
        raise ValueError(
            f"Of a {record.quantity} from the ground that of the base is subtracted. Received its "
            f"{kind[5:]} ({record.name}). Measure the base's {record.quantity}, or the motion "
            "relative to the base."
        )
    if have == 2 and not ground:
        return record
    if not record.is_even or not np.isfinite(record.force).all():
        return record  # refused as all such records are
    step = record.duration / (len(record.times) - 1)
    inner = record.part(slice(EDGE, -EDGE)) if have < 2 else record
    values = inner.values
    if ground:
        values = values - _derivative(record.force, step, need - have)[_kept(have)]
    units = dict(record.units)
    if have < 2 and "force" in units:
        units["force"] = f"({units['force']}/s{'²' if have == 0 else ''})"
    force = _derivative(record.force, step, 2 - have)[_kept(have)]
    return dataclasses.replace(inner, values=values, force=force, units=units)


def _kept(have):
    return slice(EDGE, -EDGE) if have < 2 else slice(None)


def _derivative(values, step, order):
    """Of the same length; without meaning in the three samples at each end."""
    if order == 0:
        return values
    return np.correlate(values, STENCILS[order], "same") / step**order
