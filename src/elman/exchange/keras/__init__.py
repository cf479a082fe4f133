"""Models of Keras 3 as ours, and ours as models that Keras 3 opens. Keras itself is not imported.

Gates, biases and equations are alike in both for what goes through; what has another equation in
one of the two is refused by name. `containers.py`, `hdf5.py` and `heaps.py` open files that nobody
trusts; `config.py` reads the layers and how they hang together, or `assumed.py` makes them up from
weights alone; `weights.py` gives each layer its arrays; `meaning.py` says what each does to a model
of ours, and `reading.py` puts it together. `graph.py` is a graph of Keras's to be written, and
`writing.py` makes one of a model.
"""

from elman.exchange.keras.reading import read_keras
from elman.exchange.keras.writing import reasons_against, write_keras

__all__ = ["read_keras", "reasons_against", "write_keras"]
