"""Libraries for physics-informed networks, each used as its documentation advises.

Every builder takes a `Task` and a dtype and returns a `Solver`; conditions at the start are built
in, not part of the loss.
"""

import os

import numpy as np
from pinn_clock import STEP_NETWORK, Solver, column


def deepxde(task, dtype="float64", hidden=(50, 50, 50), backend="pytorch"):
    """Its ODE demos: FNN, tanh, Glorot uniform, output transform, Adam 1e-3, then L-BFGS, float64.

    L-BFGS, for two thirds of the time, is not implemented for its JAX backend.
    """
    os.environ["DDE_BACKEND"] = backend
    import deepxde as dde

    if backend == "pytorch":
        import torch as m
    else:
        import jax.numpy as m
    dde.config.set_default_float(dtype)
    dde.config.set_random_seed(0)
    plain = (lambda y: y[0]) if backend == "jax" else (lambda y: y)

    def derivatives(s, X):
        state = [plain(X)[:, k : k + 1] for k in range(task.dimension)]
        first = [plain(dde.grad.jacobian(X, s, i=k)) for k in range(task.dimension)]
        if task.order == 1:
            return state, first
        component = (lambda k: k) if task.dimension > 1 else (lambda k: 0)
        second = [plain(dde.grad.hessian(X, s, component=component(k))) for k in range(len(state))]
        return state, first, second

    def residuals(s, X):
        state, *rates = derivatives(s, X)
        return [a - b for a, b in zip(rates[-1], task.rhs(s, state, rates[0], m))]

    def trial(s, X):
        x0 = m.asarray(np.asarray(task.x0, dtype))
        return (x0 + m.tanh(s) ** task.order * X).reshape(X.shape)

    data = dde.data.PDE(
        dde.geometry.TimeDomain(0.0, task.length),
        residuals,
        [],
        num_domain=len(task.points) - 2,
        num_boundary=2,
        train_distribution="uniform",
    )
    net = dde.nn.FNN([1, *hidden, task.dimension], "tanh", "Glorot uniform")
    net.apply_output_transform(trial)
    model = dde.Model(data, net)
    quiet = dict(display_every=10**9, verbose=0)
    model.compile("adam", lr=1e-3, verbose=0)

    def motion(s):
        def of_order(n):
            def operator(s, X):
                return m.hstack(derivatives(s, X)[n])

            return model.predict(column(s, dtype), operator=operator)

        return [of_order(n) for n in range(task.order + 1)]

    class Watch(dde.callbacks.Callback):
        until = 0.0

        def on_epoch_end(self):
            if clock.check() or clock.elapsed() >= self.until:
                self.model.stop_training = True

    def train(given_clock):
        nonlocal clock
        clock, watch = given_clock, Watch()
        watch.until = clock.budget / 3.0
        model.train(iterations=10**9, callbacks=[watch], **quiet)
        watch.until = clock.budget
        dde.optimizers.set_LBFGS_options(maxiter=10**6)
        dde.optimizers.config.LBFGS_options.update(iter_per_step=50, fun_per_step=63)
        while not clock.check():  # begun again where the line search gives up
            before = model.train_state.step
            model.compile("L-BFGS", verbose=0)
            model.train(callbacks=[watch], **quiet)
            if model.train_state.step == before:
                break

    def adam(n):
        model.train(iterations=n, **quiet)

    clock = None
    return Solver(motion, adam, train, facts={"dtype": dtype})


def neurodiffeq(task, dtype="float64", hidden=(32, 32)):
    """Its README's oscillator: IVP conditions, FCNN with SinActv, Adam, jittered points, float64.

    The network that did best on its validation points, four batches an epoch, is the answer.
    """
    import torch
    from neurodiffeq import diff
    from neurodiffeq.conditions import IVP
    from neurodiffeq.generators import Generator1D
    from neurodiffeq.networks import FCNN, SinActv
    from neurodiffeq.solvers import Solver1D

    torch.set_default_dtype(getattr(torch, dtype))
    torch.manual_seed(0)

    def derivatives(s, X):
        states = [list(X)]
        for _ in range(task.order):
            states.append([diff(x, s) for x in states[-1]])
        return states

    def equations(*given):
        *X, s = given
        states = derivatives(s, X)
        return [a - b for a, b in zip(states[-1], task.rhs(s, X, states[1], torch))]

    def points(method):
        return Generator1D(len(task.points), 0.0, task.length, method)

    activation = torch.nn.Tanh if hidden == STEP_NETWORK else SinActv
    start = [IVP(0.0, x, 0.0) if task.order == 2 else IVP(0.0, x) for x in task.x0]
    solver = Solver1D(
        equations,
        start,
        nets=[FCNN(hidden_units=hidden, actv=activation) for _ in start],
        train_generator=points("equally-spaced-noisy"),
        valid_generator=points("equally-spaced"),
    )

    def motion(s):
        s = torch.tensor(column(s, dtype), requires_grad=True)
        X = solver.get_solution(best=True)(s)
        X = [X] if task.dimension == 1 else X
        return [torch.hstack(y).detach().numpy() for y in derivatives(s, X)]

    def train(clock):
        def watch(solver):
            clock.check(stop=lambda: setattr(solver, "_stop_training", True))

        solver.fit(max_epochs=10**8, callbacks=[watch], tqdm_file=None)

    def adam(n):
        solver.fit(max_epochs=n, tqdm_file=None)

    return Solver(motion, adam, train, facts={"dtype": dtype})


def pina(task, dtype="float64", hidden=(64, 64)):
    """Its tutorials: hard conditions in the model, tanh, Adam 5e-3, L-BFGS by SwitchOptimizer.

    L-BFGS has the last two thirds of the time. In float64, which did better than its float32.
    """
    import torch
    from lightning.pytorch.callbacks import Callback
    from pina import Condition, LabelTensor, Trainer
    from pina.callback import SwitchOptimizer
    from pina.domain import CartesianDomain
    from pina.equation import Equation
    from pina.model import FeedForward
    from pina.operator import grad
    from pina.optim import TorchOptimizer
    from pina.problem import TimeDependentProblem
    from pina.solver import PhysicsInformedSingleModelSolver

    torch.set_default_dtype(getattr(torch, dtype))
    torch.manual_seed(0)
    names = [f"x{k}" for k in range(task.dimension)]
    x0 = torch.tensor(task.x0)

    def derivatives(s, X):
        states, labels = [X], names
        for _ in range(task.order):
            states.append(grad(states[-1], s, components=labels, d=["s"]))
            labels = [f"d{label}ds" for label in labels]
        return [[y.extract([label]).tensor for label in y.labels] for y in states]

    def equation(s, X):
        states = derivatives(s, X)
        rhs = task.rhs(s.extract(["s"]).tensor, states[0], states[1], torch)
        return torch.hstack([a - b for a, b in zip(states[-1], rhs)])

    class Oscillator(TimeDependentProblem):
        output_variables = names
        temporal_domain = CartesianDomain({"s": [0.0, task.length]})
        domains = {"D": temporal_domain}  # noqa: RUF012
        conditions = {  # noqa: RUF012
            "physics": Condition(domain="D", equation=Equation(equation))
        }

    class Trial(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = FeedForward(1, task.dimension, layers=list(hidden), func=torch.nn.Tanh)

        def forward(self, s):
            s = s.extract(["s"]).tensor
            return x0 + torch.tanh(s) ** task.order * self.net(s)

    problem, model = Oscillator(), Trial()
    problem.discretise_domain(len(task.points), "grid", domains=["D"])
    optimizer = TorchOptimizer(torch.optim.Adam, lr=5e-3)
    solver = PhysicsInformedSingleModelSolver(problem, model, optimizer)

    def adam(n, *callbacks):
        Trainer(
            solver=solver,
            max_epochs=n,
            accelerator="cpu",
            logger=False,
            callbacks=list(callbacks),
            enable_model_summary=False,
            enable_progress_bar=False,
            enable_checkpointing=False,
            train_size=1.0,
            val_size=0.0,
            test_size=0.0,
        ).train()

    def motion(s):
        with torch.enable_grad():
            s = LabelTensor(torch.tensor(column(s, dtype)), ["s"]).requires_grad_()
            X = solver(s)
            X.labels = names
            return [torch.hstack(y).detach().numpy() for y in derivatives(s, X)]

    class Watch(Callback):
        def on_train_epoch_end(self, trainer, _):
            clock.check(stop=lambda: setattr(trainer, "should_stop", True))
            if not self.switched and clock.elapsed() > clock.budget / 3.0:
                self.switched = True
                switch._epoch_switch = trainer.current_epoch + 1

        switched = False

    clock = switch = None

    def train(given_clock):
        nonlocal clock, switch
        clock = given_clock
        lbfgs = TorchOptimizer(
            torch.optim.LBFGS, max_iter=20, history_size=50, line_search_fn="strong_wolfe"
        )
        switch = SwitchOptimizer(lbfgs, epoch_switch=10**9)
        adam(10**8, Watch(), switch)

    return Solver(motion, adam, train, facts={"dtype": dtype})
