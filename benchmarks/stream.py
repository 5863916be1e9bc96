"""How many trajectories a second `trajectory_stream` makes, next to what `fit` takes.

Three contenders take turns, each with the batches of one recipe:

- *fit*: a recurrent model trained on one batch again and again, which costs nothing to make;
- *stream*: the batches made and thrown away;
- *fit on the stream*: both at once, in the processors there are.
"""

import time

import numpy as np

NUM_BATCHES = 100  # in a round
WAVE = {"amplitude": (0.2, 1.0), "phase": (0.0, 2.0 * np.pi)}
CASES = {  # arguments of the stream, columns of the inputs
    "64 × 200 steps, force to motion": ({"batch_size": 64, "inputs": "force", **WAVE}, 1),
    "8 × 200 steps, force to motion": ({"batch_size": 8, "inputs": "force", **WAVE}, 1),
    "elman-harmonic: 16 × 25, next state": ({"batch_size": 16, "num_steps": 25}, 2),
}


def rates(arguments, num_columns, rounds):
    """Trajectories a second in every round, `(3, rounds)`: fit, stream, fit on the stream."""
    import keras

    from oscillator_zoo.data import trajectory_stream
    from oscillator_zoo.models import ElmanRNN

    stream = trajectory_stream(0, **arguments)
    same = stream.take(1).cache().repeat()
    layer = ElmanRNN(32, output_units=2, return_sequences=True)
    model = keras.Sequential([keras.Input((None, num_columns)), layer])
    model.compile(keras.optimizers.Adam(1e-3), loss="mse")

    def fit(dataset):
        model.fit(dataset, steps_per_epoch=NUM_BATCHES, verbose=0, shuffle=False)

    def read():
        for _ in stream.take(NUM_BATCHES):
            pass

    contenders = (lambda: fit(same), read, lambda: fit(stream))
    seconds = [[] for _ in contenders]
    for measured in range(rounds + 1):  # the first compiles
        for run, own in zip(contenders, seconds):
            start = time.perf_counter()
            run()
            if measured:
                own.append(time.perf_counter() - start)
    return NUM_BATCHES * arguments["batch_size"] / np.array(seconds)


def stream_table(rounds):
    """Markdown: one row for each recipe, medians and the ratio of stream to fit."""
    lines = [
        "### stream, trajectories a second",
        "",
        "| ElmanRNN(32), batch × steps | fit | stream (÷ fit) | fit on the stream (÷ fit) |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, (arguments, num_columns) in CASES.items():
        fit, stream, both = np.median(rates(arguments, num_columns, rounds), axis=1)
        cells = [f"{fit:,.0f}", *(f"{x:,.0f} (×{x / fit:.2g})" for x in (stream, both))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])
