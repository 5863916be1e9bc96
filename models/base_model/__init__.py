"""What every model here does beyond `keras.Model`: it keeps all digits, and writes whole files.

`precise_model` is the class; `array_batches` hands arrays over without rounding them to float32,
`dataset_checks` refuses batches that come out of a dataset, `blocks` takes many rows in pieces, so
that memory does not grow with them, `graph_class` makes `Model(inputs, outputs)` of a subclass, and
`multi_worker` lets Keras train on several machines. It may import the rooms below it.
"""

from .multi_worker import chief_path, several_machines

__all__ = [
    "chief_path",
    "several_machines",
]
