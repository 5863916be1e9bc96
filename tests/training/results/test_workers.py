"""Which workers train together is said by `TF_CONFIG`, as TensorFlow has it."""

import pytest

from oscillator_zoo.training.results.workers import num_workers


@pytest.mark.parametrize(
    ("text", "num"),
    [
        ("", 1),
        ("{}", 1),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}', 1),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}', 2),
        (
            '{"cluster": {"chief": ["c:1"], "worker": ["a:1"]}, '
            '"task": {"type": "chief", "index": 0}}',
            2,
        ),
    ],
)
def test_tf_config_says_how_many_workers_there_are(text, num):
    assert num_workers(text) == num


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1:12345",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": 3}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_another_tf_config_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="unset it to train in this process alone"):
        num_workers(text)
