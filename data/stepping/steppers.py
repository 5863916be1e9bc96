"""One step of each method: s_i → s_{i+1} for the state s = (x, v), or (x,) for order 1."""


def euler_step(problem, t, state, time_step):
    """Explicit Euler, the lecture's algorithm: order 1, y_{i+1} = y_i + Δt y'(t_i).

    The position moves with the *old* velocity. An undamped oscillator gains energy by the factor
    1 + (ω0 Δt)² in every step.
    """
    slopes = problem.slopes(t, *state)
    return tuple(y + time_step * slope for y, slope in zip(state, slopes))


def euler_cromer_step(problem, t, state, time_step):
    """Euler–Cromer (semi-implicit Euler): order 1, the position moves with the *new* velocity.

    Symplectic: an undamped oscillator keeps v² + δ x² − Δt δ x v exactly. Order 2 only.
    """
    x, v = state
    v = v + time_step * problem.rhs(t, x, v)
    return x + time_step * v, v


def rk4_step(problem, t, state, time_step):
    """The classical Runge–Kutta method: order 4."""
    half = 0.5 * time_step

    def moved(slopes, by):
        return tuple(y + by * slope for y, slope in zip(state, slopes))

    k1 = problem.slopes(t, *state)
    k2 = problem.slopes(t + half, *moved(k1, half))
    k3 = problem.slopes(t + half, *moved(k2, half))
    k4 = problem.slopes(t + time_step, *moved(k3, time_step))
    return tuple(
        y + time_step * (a + 2.0 * b + 2.0 * c + d) / 6.0
        for y, a, b, c, d in zip(state, k1, k2, k3, k4)
    )


STEPPERS = {"euler": euler_step, "euler_cromer": euler_cromer_step, "rk4": rk4_step}

# As messages, pictures and tables call them.
LABELS = {"euler": "explicit Euler", "euler_cromer": "Euler–Cromer", "rk4": "RK4"}

ORDERS = {"euler": 1, "euler_cromer": 1, "rk4": 4}

# How often a step evaluates the right-hand side.
EVALUATIONS = {"euler": 1, "euler_cromer": 1, "rk4": 4}

# When a step from t looks at the force: at t + fraction · Δt.
FORCE_FRACTIONS = {"euler": (0.0,), "euler_cromer": (0.0,), "rk4": (0.0, 0.5, 1.0)}
