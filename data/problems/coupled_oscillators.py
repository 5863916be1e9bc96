"""Several masses that pull at each other."""

import numpy as np

from ..checks import is_tensor, real_value
from ..ensemble import operand
from ..forces.force import check_force, evaluate_force, select_force
from .closed_forms import characteristic_roots, linear_motion
from .driven_motion import driven_motion, has_closed_form, times_after
from .initial_value_problem import InitialValueProblem, linear


class CoupledOscillators(InitialValueProblem):
    """Masses in a row, joined by springs: M x'' + Γ x' + K x = F(t).

    | symbol | argument     | unit | shape                                       |
    |--------|--------------|------|---------------------------------------------|
    | M      | `masses`     | kg   | `(d,)`                                      |
    | K      | `stiffness`  | N/m  | number, `(d + 1,)` springs, `(d, d)` matrix |
    | Γ      | `damping`    | kg/s | number, `(d,)`, `(d, d)` matrix             |
    | F      | `force`      | N    | one force for all, or a tuple of d          |
    | x0     | `position`   | m    | number, `(d,)`, `(batch, d)`                |
    | v0     | `velocity`   | m/s  | number, `(d,)`, `(batch, d)`                |
    | t0     | `start_time` | s    | number                                      |

    Springs form a chain, wall – mass 1 – … – mass d – wall, the spring i left of mass i; a spring
    of 0 leaves that end free. Any other arrangement is a symmetric matrix K. Positions count from
    each mass's own rest.

    `exact` works by normal modes, each of which is one damped oscillator. That needs a damping
    which does not couple them (Γ M⁻¹ K symmetric: none, the same γ/m on all masses, or Γ = a M +
    b K), and forces that are None, `Constant`, `Sinusoid`, `Step` or `Sampled`.

    Args:
        masses: positive, at least two.
        stiffness: numbers ≥ 0, or a symmetric matrix that is nowhere negative (xᵀ K x ≥ 0).
        damping: numbers ≥ 0 (friction of each mass), or such a matrix.
        force: None, `Constant`, `Sinusoid`, `Step`, `Chirp`, `Sampled`, a function of t, or a
            tuple with one of these for each mass.
        position: a number puts every mass there.
        velocity: a number gives it to every mass.
        start_time: number.

    Raises:
        ValueError: for masses that are not positive, negative springs or damping, a matrix that is
            not symmetric, values that are not finite, or shapes that do not fit.

    Example:
    >>> pair = CoupledOscillators(masses=(1.0, 1.0), stiffness=(1.0, 4.0, 1.0), position=(1.0, 0.0))
    >>> pair.natural_frequencies  # together, and against each other
    array([1., 3.])
    >>> pair.rhs(0.0, np.array([1.0, 0.0]), np.zeros(2))
    array([-5.,  4.])

    Reference: H. Goldstein, Classical Mechanics, chapter "Oscillations".
    """

    def __init__(
        self,
        masses,
        stiffness=1.0,
        damping=0.0,
        force=None,
        position=1.0,
        velocity=0.0,
        start_time=0.0,
    ):
        self.masses = real_value("masses", masses, "kg", above=0.0)
        if np.ndim(self.masses) != 1 or len(self.masses) < 2:
            raise ValueError(
                "masses must be a sequence of at least two numbers in kg. "
                f"Received: {masses!r}. For one mass use DampedOscillator."
            )
        num = len(self.masses)
        self.stiffness = _coupling("stiffness", stiffness, "N/m", num, row=num + 1)
        self.damping = _coupling("damping", damping, "kg/s", num, row=num)
        self.force = check_force(force)
        position, velocity = (
            np.full(num, value) if isinstance(value, float) else value
            for value in (
                real_value("position", position, "m"),
                real_value("velocity", velocity, "m/s"),
            )
        )
        super().__init__(position, velocity, start_time, dimension=num)

    @linear
    def rhs(self, t, x, v, ops=np):
        masses, damping = operand(self.masses, ops), operand(self.damping, ops)
        coupled = _is_matrix(damping, self.dimension)
        friction = _times_matrix(v, damping) if coupled else damping * v
        force = evaluate_force(self.force, t, ops)
        return (force + self._spring_force(x, ops) - friction) / masses

    def _spring_force(self, x, ops):
        """−K x; for a chain by the tensions, T_i = k_i (x_i − x_{i−1}), the walls at 0."""
        stiffness = operand(self.stiffness, ops)
        if _is_matrix(stiffness, self.dimension):
            return -_times_matrix(x, stiffness)
        wall = 0.0 * x[..., :1]
        right, left = ops.concatenate([x, wall], axis=-1), ops.concatenate([wall, x], axis=-1)
        tension = stiffness * (right - left)
        return tension[..., 1:] - tension[..., :-1]

    def energy(self, x, v, ops=np):
        """Kinetic and potential energy of all masses, Σ m v² / 2 + xᵀ K x / 2, in J: `(…, 1)`."""
        masses = operand(self.masses, ops)
        density = 0.5 * masses * v**2 - 0.5 * x * self._spring_force(x, ops)
        return ops.sum(density, axis=-1, keepdims=True)

    @property
    def energy_never_grows(self):
        return self.force is None or all(force is None for force in self.coordinate_forces)

    @property
    def stiffness_matrix(self):
        """K, `(d, d)`, in N/m."""
        return -self._spring_force(np.eye(self.dimension), np)

    @property
    def damping_matrix(self):
        """Γ, `(d, d)`, in kg/s."""
        if _is_matrix(self.damping, self.dimension):
            return self.damping
        return np.diag(np.broadcast_to(self.damping, self.dimension))

    @property
    def natural_frequencies(self):
        """Frequencies of the undamped normal modes, increasing, `(d,)`, in rad/s."""
        roots = np.sqrt(np.outer(self.masses, self.masses))
        return np.sqrt(np.maximum(np.linalg.eigvalsh(self.stiffness_matrix / roots), 0.0))

    def exact(self, t):
        """Closed-form solution; arguments and result as in `InitialValueProblem.exact`.

        Raises:
            ValueError: for a damping that couples the modes, a `Chirp` or a plain function of t,
                times before the start, or outside the times of a `Sampled` force.
        """
        modes = _normal_modes(self.stiffness_matrix, self.damping_matrix, self.masses)
        if modes is None or not all(map(has_closed_form, self.coordinate_forces)):
            return super().exact(t)
        shapes, alpha, delta = modes
        times = times_after(self.start_time, t)
        roots = characteristic_roots(alpha[:, None], delta[:, None])
        # x = shapes q, and q = shapesᵀ M x: modes are orthonormal with the masses as weights.
        state = tuple((y * self.masses @ shapes)[..., None] for y in self.initial_state())
        motion = linear_motion(roots, state, (), times - self.start_time)
        rest = (np.zeros((self.dimension, 1)),) * 2
        for force, weight in zip(self.coordinate_forces, shapes):
            if force is None:
                continue
            size = getattr(force, "ensemble_size", None)
            members = [force] if size is None else [select_force(force, i) for i in range(size)]
            answers = [
                driven_motion(roots, rest, member, weight[:, None], self.start_time, times)
                for member in members
            ]
            motion = tuple(q + np.stack(answer) for q, answer in zip(motion, zip(*answers)))
        return self.as_exact(*(np.swapaxes(q, 1, 2) @ shapes.T for q in motion))


def _normal_modes(stiffness, damping, masses):
    """Mode shapes `(d, modes)`, α and δ of every mode; None if the damping couples the modes."""
    roots = np.sqrt(masses)
    matrices = [matrix / np.outer(roots, roots) for matrix in (stiffness, damping)]
    scales = [np.max(np.abs(matrix)) or 1.0 for matrix in matrices]
    # Modes of equal frequency may differ in damping: an odd mixture of both tells all apart.
    mixture = matrices[0] / scales[0] + 0.6180339887 * matrices[1] / scales[1]
    vectors = np.linalg.eigh(mixture)[1]
    rates = []
    for matrix, scale in zip(matrices, scales):
        modal = vectors.T @ matrix @ vectors
        diagonal = np.diag(modal)
        if np.max(np.abs(modal - np.diag(diagonal))) > 1e-12 * len(masses) * scale:
            return None
        rates.append(np.where(diagonal < 1e-14 * scale, 0.0, diagonal))
    delta, alpha = rates
    return vectors / roots[:, None], alpha, delta


def _coupling(name, value, unit, num, row):
    """Check a number, `(row,)` of numbers ≥ 0, or a symmetric `(num, num)` matrix."""
    if is_tensor(value):
        return value
    if np.ndim(value) < 2:
        value = real_value(name, value, unit, at_least=0.0)
        if np.shape(value) in ((), (row,)):
            return value
    else:
        value = real_value(name, value, unit)
    if np.shape(value) != (num, num):
        raise ValueError(
            f"{name} of {num} masses must be a number, ({row},) numbers, or a matrix "
            f"({num}, {num}). Received shape {np.shape(value)}. Check it against the masses."
        )
    scale = np.max(np.abs(value))
    if np.max(np.abs(value - value.T)) > 1e-12 * scale:
        raise ValueError(
            f"A matrix {name} must be symmetric, as action and reaction are. "
            f"Received: {value.tolist()}. Use (A + A.T) / 2."
        )
    lowest = np.linalg.eigvalsh(value)[0]
    if lowest < -1e-12 * scale:
        raise ValueError(
            f"A matrix {name} must not be negative in any direction. Received the eigenvalue "
            f"{lowest:g} {unit}. Make each diagonal element at least the sum of its row's others."
        )
    return value


def _is_matrix(value, num):
    return tuple(getattr(value, "shape", ())) == (num, num)


def _times_matrix(x, matrix):
    """x A for a symmetric A, term by term, so that every backend gives the same numbers."""
    return sum(x[..., i : i + 1] * matrix[i] for i in range(matrix.shape[0]))
