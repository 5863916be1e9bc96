"""An ensemble worked on in parts that fit the processor's cache."""


def slices(num, size):
    """Slices of at most `size` that cover `range(num)`.

    Example:
    >>> slices(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(i, min(i + size, num)) for i in range(0, num, size)]
