"""Other ways to step an ensemble of driven oscillators by explicit Euler, each at its best.

All do the same work: x and v of every trajectory at every step are kept and returned,

    x_{i+1} = x_i + Δt v_i
    v_{i+1} = v_i + Δt (A cos(W t_i) − g v_i − k x_i − c x_i³),

with the numbers g, k, c, A and the start of each trajectory its own. Each builder takes an
`Ensemble` and returns a function without arguments that gives (x, v), in the axis order that is
natural to it; `time_first` says which.
"""

import dataclasses

import numpy as np

FREQUENCY = 1.3  # W, in rad/s
TIME_STEP = 0.01


@dataclasses.dataclass
class Ensemble:
    """Numbers of one comparison; `case` is "free" (A = c = 0), "driven" (c = 0) or "duffing"."""

    case: str
    batch: int
    num_steps: int
    dtype: str

    def __post_init__(self):
        random = np.random.default_rng(0)
        for name, low, high in (("g", 0.0, 0.4), ("k", 0.5, 4.0), ("c", 0.1, 1.0), ("A", 0.0, 1.0)):
            setattr(self, name, random.uniform(low, high, self.batch).astype(self.dtype))
        self.x, self.v = random.normal(0.0, 1.0, (2, self.batch)).astype(self.dtype)
        self.number = np.dtype(self.dtype).type
        self.h = self.number(TIME_STEP)
        self.driven, self.cubic = self.case != "free", self.case == "duffing"

    def cosine(self):
        """cos(W t_i), the force's time dependence, for those who take it as an array."""
        times = TIME_STEP * np.arange(self.num_steps)
        return np.cos(FREQUENCY * times).astype(self.dtype)

    def acceleration(self, x, v, cosine, g, k, c, A):
        a = -g * v - k * x
        if self.driven:
            a = a + A * cosine
        return a - c * x * x * x if self.cubic else a

    def parameters(self):
        return self.g, self.k, self.c, self.A


def oscillator_zoo(e):
    """With Keras loaded, as after `import oscillator_zoo.models`: large nonlinear ones compile."""
    import keras  # noqa: F401

    from oscillator_zoo.data import DampedOscillator, Duffing, Sinusoid, simulate

    def value(array):
        return float(array[0]) if e.batch == 1 else array

    given = dict(damping=value(e.g), stiffness=value(e.k), position=value(e.x), velocity=value(e.v))
    if e.driven:
        given["force"] = Sinusoid(value(e.A), FREQUENCY, phase=np.pi / 2)
    if e.cubic:
        problem = Duffing(cubic_stiffness=value(e.c), **given)
    else:
        problem = DampedOscillator(**given)

    def run():
        states = simulate(problem, TIME_STEP, e.num_steps, dtype=e.dtype).states
        return states[:, :, 0], states[:, :, 1]

    return run


def numpy_loop(e):
    cosine, h = e.cosine(), e.h

    def run():
        xs, vs = (np.empty((e.num_steps + 1, e.batch), e.dtype) for _ in "xv")
        xs[0], vs[0] = x, v = e.x, e.v
        for i in range(e.num_steps):
            x, v = x + h * v, v + h * e.acceleration(x, v, cosine[i], *e.parameters())
            xs[i + 1], vs[i + 1] = x, v
        return xs, vs

    return run


def lfilter(e):
    """x as a second-order filter of the force, v from its differences; less work than the others.

    A call knows one set of coefficients, so all trajectories share g and k here.
    """
    from scipy.signal import lfilter as run_filter

    if e.cubic:
        return None
    e.g[:], e.k[:] = e.g[0], e.k[0]
    g, k, h = e.g[0], e.k[0], e.h
    b = np.array([0, 0, h * h], e.dtype)
    a = np.array([1, -(2 - h * g), 1 - h * g + h * h * k], e.dtype)
    start = np.stack([e.x, e.x + h * e.v + a[1] * e.x], axis=-1)
    cosine = np.append(e.cosine(), np.zeros(2, e.dtype))
    if not e.driven:
        cosine[:] = 0.0

    def run():
        xs, vs = (np.empty((e.batch, e.num_steps + 1), e.dtype) for _ in "xv")
        for i in range(0, e.batch, 1000):
            part = slice(i, i + 1000)
            x = run_filter(b, a, e.A[part, None] * cosine, axis=-1, zi=start[part])[0]
            xs[part] = x[:, :-1]
            vs[part] = np.diff(x) / h
        return xs, vs

    return run


def numba_on(num_threads):
    def build(e):
        import numba

        cubic, driven, num_steps = e.cubic, e.driven, e.num_steps

        @numba.njit(parallel=num_threads > 1)
        def kernel(x0, v0, g, k, c, A, cosine, h, out):
            for j in numba.prange(x0.size):
                x, v = x0[j], v0[j]
                out[j, 0, 0], out[j, 0, 1] = x, v
                for i in range(num_steps):
                    a = -g[j] * v - k[j] * x
                    if driven:
                        a += A[j] * cosine[i]
                    if cubic:
                        a -= c[j] * x * x * x
                    x, v = x + h * v, v + h * a
                    out[j, i + 1, 0], out[j, i + 1, 1] = x, v

        cosine = e.cosine()

        def run():
            numba.set_num_threads(num_threads)
            out = np.empty((e.batch, num_steps + 1, 2), e.dtype)
            kernel(e.x, e.v, *e.parameters(), cosine, e.h, out)
            return out[:, :, 0], out[:, :, 1]

        return run

    return build


def jax_scan(e):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", e.dtype == "float64")

    @jax.jit
    def solve(x, v, parameters, cosine):
        def step(state, force):
            x, v = state
            new = x + e.h * v, v + e.h * e.acceleration(x, v, force, *parameters)
            return new, new

        xs, vs = jax.lax.scan(step, (x, v), cosine)[1]
        return jnp.concatenate([x[None], xs]), jnp.concatenate([v[None], vs])

    given = jax.tree.map(jnp.asarray, (e.x, e.v, e.parameters(), e.cosine()))
    return lambda: tuple(map(np.asarray, solve(*given)))


def diffrax_vmap(e):
    """As its documentation batches: `vmap` over trajectories. Slow: up to 10,000 only."""
    return diffrax_euler(e, vmap=True) if e.batch <= 10_000 else None


def diffrax_euler(e, vmap=False):
    """The whole ensemble as one state, every step saved: the fastest form that was found."""
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", e.dtype == "float64")

    def field(t, state, parameters):
        x, v = state
        return v, e.acceleration(x, v, jnp.cos(e.number(FREQUENCY) * t), *parameters)

    def solve(x, v, parameters):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Euler(),
            e.number(0.0),
            e.number(TIME_STEP * e.num_steps),
            e.h,
            (x, v),
            parameters,
            saveat=diffrax.SaveAt(t0=True, steps=True),
            max_steps=e.num_steps + 1,
            adjoint=diffrax.ForwardMode(),
        ).ys

    solve = jax.jit(jax.vmap(solve) if vmap else solve)
    part = (slice(None), slice(e.num_steps + 1)) if vmap else slice(e.num_steps + 1)
    given = jax.tree.map(jnp.asarray, (e.x, e.v, e.parameters()))
    return lambda: tuple(np.asarray(y)[part] for y in solve(*given))


def torchdiffeq_euler(e):
    import torch
    from torchdiffeq import odeint

    g, k, c, A = map(torch.tensor, e.parameters())
    start = torch.tensor(np.stack([e.x, e.v]))
    times = torch.tensor((TIME_STEP * np.arange(e.num_steps + 1)).astype(e.dtype))

    def field(t, state):
        x, v = state
        return torch.stack([v, e.acceleration(x, v, torch.cos(FREQUENCY * t), g, k, c, A)])

    @torch.no_grad()
    def run():
        states = odeint(field, start, times, method="euler").numpy()
        return states[:, 0], states[:, 1]

    return run


# name → (builder, whether time is its first axis)
CONTENDERS = {
    "oscillator_zoo": (oscillator_zoo, False),
    "NumPy loop": (numpy_loop, True),
    "lfilter, shared g and k": (lfilter, False),
    "numba, 1 thread": (numba_on(1), False),
    "numba, 2 threads": (numba_on(2), False),
    "JAX scan": (jax_scan, True),
    "diffrax, one state": (diffrax_euler, True),
    "diffrax, vmap": (diffrax_vmap, False),
    "torchdiffeq": (torchdiffeq_euler, True),
}
