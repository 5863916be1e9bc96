"""What a Keras model of the user's is made of, looked at without changing it.

`time_axis` tells which layers carry a state along time and which see one step alone; `twins` are
layers with the same weights and other options, so that nothing is ever set on the user's own. This
room imports Keras alone.
"""
