"""A trained network that describes itself: recordings in; logits, states and streams out.

What its logits mean, each kind of model says in a file of its own. None needs scikit-learn, which
takes longer to import than most files take to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.backends import available_threads, get_backend
from elman.backends.contract import Backend
from elman.backends.streams import MISSING, Link
from elman.data.frontend import PLAIN, Frontend
from elman.data.prepared import Prepared
from elman.data.scaler import Scaler
from elman.data.scaling import Standardisation
from elman.data.sequences import Sequences
from elman.data.symbols import (
    Symbols,
    encoded_sequences,
    has_symbols,
    hint_of_unknown,
)
from elman.data.validation import check_sequences
from elman.models.columns import restored_columns
from elman.models.inference import (
    hidden_states,
    predict_logits,
    predict_logits_over_time,
    predict_logits_while_reading,
)
from elman.models.streaming import Stream
from elman.nn.layout import Layout
from elman.nn.losses import linked
from elman.nn.network import Network, network_shapes
from elman.nn.parameters import Parameters
from elman.targets.callers import warn_caller
from elman.targets.checks import listed

Array = NDArray[Any]
Described = dict[str, Any]
"""What JSON keeps of a model."""
Tensors = dict[str, Array]
"""The arrays of a model, by name."""
T = TypeVar("T")
Question = Callable[[Network, Prepared, Backend], T]
"""A function of `elman.models.inference`: it asks a network about sequences."""


class Asking(Protocol):
    """Who asks a network: this process, or others for it, which give the same bits."""

    def __call__(
        self, question: Question[T], network: Network, data: Prepared, backend: Backend, /
    ) -> T:
        """The answer of `question` to all samples of `data`, in their order."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedModel:
    """A trained network with all that it needs to answer, without scikit-learn.

    Each takes the `Sequences` that `check` made of X. `describe` and `restore` are all that a file
    needs to know of it.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.models.fitted import fitted
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = (X[:, -1, 0] > 0).astype(int)
    >>> model = fitted(RNNClassifier(hidden_size=4, max_iter=3, random_state=0).fit(X, y)).model
    >>> print(model.kind, model.n_features_in, model.network.layout.hidden_sizes)
    RNNClassifier 2 (4,)
    """

    kind: ClassVar[str]
    """name of the estimator that trains it: what files and errors call it"""

    network: Network
    n_features_in: int
    """`X.shape[-1]`: for a 2-D X the number of its columns"""
    two_d: bool
    """whether X was 2-D: one feature over time, a column for each step"""
    standardisation: Standardisation | None = None
    frontend: Frontend = PLAIN
    """what is made of standardised steps before the network reads them"""
    missing: str = "error"
    """what NaN becomes: one of `elman.backends.streams.MISSING`"""
    feature_names: tuple[str, ...] | None = None
    """names of the columns of X, where they had any"""
    symbols: Symbols | None = None
    """what the categories of X are, in which columns; None if X has numbers alone"""
    columns: Mapping[str, Any] | None = None
    """what the columns of the table were that X is from, by role: see `elman.models.columns`"""
    backend: str | None = None
    n_jobs: int | None = None
    before: tuple[Scaler, ...] = ()
    """what X goes through first, in order: the scalers of a pipeline that ends in this model.
    `n_features_in`, `two_d` and `feature_names` are then of X as it comes in"""
    asking: Asking | None = None
    """who asks the network; None is this process. It is set for a call, and never kept."""
    first: int = 0
    """the number of the first sample, for errors, where those before it are asked about apart"""

    @property
    def after_scalers(self) -> Self:
        """The model as it takes what `check` makes of X: itself, if that changes nothing.

        That is what comes out of its scalers; of X with symbols, steps whose categories have their
        numbers, which `check` then takes as they are.
        """
        if self.symbols is not None:
            return replace(self, before=(), symbols=None, feature_names=self.symbols.encoded_names)
        return replace(self, before=(), feature_names=None) if self.before else self

    @property
    def meaning(self) -> dict[str, Any]:
        """The fields that its kind adds to those of every model: they say what its outputs mean."""
        shared = {field.name for field in fields(TrainedModel)}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in shared}

    # What a file keeps

    def describe(self) -> tuple[Described, Tensors]:
        """The model in JSON's words, and its arrays: all that `restore` needs."""
        spoilt = self.network.params.unusable()
        if spoilt is not None:
            raise ValueError(
                f"the weights {spoilt} hold NaN, infinity or values that no network can compute "
                "with, so that no file of them could be read back: train again at a lower rate"
            )
        tensors: Tensors = dict(self.network.params)
        if self.standardisation is not None:
            tensors |= {f"standardize.{k}": v for k, v in self.standardisation._asdict().items()}
        if self.symbols is not None:
            symbols, arrays = self.symbols.describe()
            tensors |= arrays
        front, front_arrays = self.frontend.describe()
        tensors |= {f"frontend.{name}": array for name, array in front_arrays.items()}
        answers, arrays = self.describe_answers()
        described = {
            "kind": self.kind,
            "network": self.network.layout.to_dict(),
            "n_features_in": int(self.n_features_in),
            "two_d": bool(self.two_d),
            "missing": self.missing,
            "feature_names_in": None if self.feature_names is None else [*self.feature_names],
        }
        if front:
            described["frontend"] = front
        if self.symbols is not None:
            described["symbols"] = symbols
        if self.columns is not None:
            described["columns"] = dict(self.columns)
        if self.before:
            described["before"] = [_described_scaler(each) for each in self.before]
            for i, each in enumerate(self.before):
                tensors |= {f"before{i}.mean": each.mean, f"before{i}.scale": each.scale}
        return described | answers, tensors | arrays

    def describe_answers(self) -> tuple[Described, Tensors]:
        """The part of `describe` that says what the outputs mean."""
        raise NotImplementedError

    @classmethod
    def restore(cls, described: Mapping[str, Any], tensors: Tensors) -> Self:
        """The model that `describe` described, which may have been forged on the way.

        Parameters
        ----------
        described : mapping
        tensors : dict of str to ndarray
            What belongs to the model is taken out.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is no such model; older files may leave out what came later.
        """
        layout = Layout.from_dict(described["network"], most_layers=len(tensors))
        weights = {name: tensors.pop(name) for name in network_shapes(layout)}
        dtypes = {array.dtype for array in weights.values()}
        if len(dtypes) != 1 or dtypes.pop() not in (np.float32, np.float64):
            raise ValueError("the weights are not all float32, or all float64")
        network = Network(layout, Parameters.from_arrays(weights, weights["head.W"].dtype))
        spoilt = network.params.unusable()
        if spoilt is not None:
            raise ValueError(f"the weights {spoilt} hold NaN, infinity or values beyond all use")
        meaning = cls.restore_answers(described, tensors, network)
        n_features_in, two_d = described["n_features_in"], described["two_d"]
        if not isinstance(n_features_in, int) or isinstance(n_features_in, bool):
            raise TypeError(f"n_features_in is {n_features_in!r}, which is no number of columns")
        if not isinstance(two_d, bool):
            raise TypeError(f"two_d is {two_d!r}; it must be true or false")
        missing = described.get("missing", "error")
        if missing not in MISSING:
            raise ValueError(f"missing is {missing!r}; it must be one of {', '.join(MISSING)}")
        # A 2-D X has a column for each step of its one feature.
        n_features = 1 if two_d else n_features_in
        symbols = _restored_symbols(described, tensors, layout, n_features_in, two_d, missing)
        n_codes = 0 if symbols is None else symbols.n_codes
        named = [name for name in tensors if name.startswith("frontend.")]
        arrays = {name.removeprefix("frontend."): tensors.pop(name) for name in named}
        frontend = Frontend.restore(described.get("frontend"), arrays, n_features)
        if n_codes and not frontend.plain:
            raise ValueError("a front end beside categories, of which none is made")
        frontend = replace(frontend, n_codes=n_codes)
        if frontend.n_inputs(n_features, missing) != layout.n_features or n_features_in < 1:
            front = "" if frontend.plain else f", behind {frontend!r}".split("\n")[0]
            raise ValueError(
                f"n_features_in is {n_features_in} and missing {missing!r}{front}, but the network "
                f"takes {layout.n_features} features"
            )
        return cls(
            network=network,
            n_features_in=n_features_in,
            two_d=two_d,
            standardisation=restored_standardisation(tensors, n_features, "standardize"),
            frontend=frontend,
            missing=missing,
            symbols=symbols,
            feature_names=_restored_names(described["feature_names_in"], n_features_in),
            columns=restored_columns(described.get("columns")),
            before=_restored_scalers(described.get("before", []), tensors, n_features_in, two_d),
            **meaning,
        )

    @classmethod
    def restore_answers(
        cls, described: Mapping[str, Any], tensors: Tensors, network: Network
    ) -> dict[str, Any]:
        """The fields of `meaning` as `describe_answers` described them."""
        raise NotImplementedError

    # What an estimator asks

    def check(self, X: Any, name: str = "X", estimator: str | None = None) -> Sequences:
        """Sequences of what the user passed.

        Whether every value is finite is left to the answer that reads them.

        Parameters
        ----------
        X : array-like
        name : str
            What errors call it.
        estimator : str, optional
            What errors call the model; by default its kind.

        Raises
        ------
        TypeError, ValueError
            X cannot be used, or is not what the network was trained on: its columns are called
            otherwise, or stand in another order.
        """
        for scaler in self.before:
            X = scaler.transform(X, name)
        called = estimator or self.kind
        if self.symbols is not None:
            found = encoded_sequences(
                X,
                self.symbols,
                name=name,
                dtype=self.network.params.dtype if self.standardisation is None else None,
                estimator=called,
                look_at_values=False,
            )
            hint = hint_of_unknown(found, self.symbols, name, called)
            if hint is not None:
                warn_caller(hint)
            return found
        if not isinstance(X, (str, bytes)) and has_symbols(X):
            raise TypeError(
                f"{name} holds texts or other categories, but {called} was trained on numbers: "
                "pass numbers, or train it on sequences like these"
            )
        # Standardisation works in float64 on what X holds.
        dtype = self.network.params.dtype if self.standardisation is None else None
        return check_sequences(
            X,
            name=name,
            dtype=dtype,
            n_features=self.n_features_in,
            two_d=self.two_d,
            feature_names=None if self.before else self.feature_names,
            estimator=estimator or self.kind,
            ensure_min_timesteps=0,
            look_at_values=False,  # inference does, a batch at a time
            missing=self.missing,
        )

    def hidden_states(self, data: Sequences) -> list[Array]:
        """The last layer's states of each sample, (n_timesteps_i, width), of both directions.

        Raises
        ------
        ValueError
            A state is NaN or infinite.
        """
        states = self._ask(hidden_states, data)
        return [_checked(H, i, "hidden state at") for i, H in enumerate(states, start=self.first)]

    def logits(self, data: Sequences, backend: Backend | None = None) -> Array:
        """The outputs of the head, (n_samples, n_outputs).

        Raises
        ------
        ValueError
            One is NaN or infinite, of which no label or number could be made.
        """
        return _checked(self._ask(predict_logits, data, backend), first=self.first)

    def logits_over_time(self, data: Sequences, backend: Backend | None = None) -> list[Array]:
        """The outputs of the head after every step: (n_timesteps_i, n_outputs) for each sample.

        Where a front end puts steps into blocks, each step of a block has the answer to its block
        if every step is answered; if a sample is, the answer that was known by then.

        Raises
        ------
        ValueError
            One is NaN or infinite, of which no label or number could be made.
        """
        logits = self._ask(predict_logits_over_time, data, backend)
        return [_checked(z, i) for i, z in enumerate(logits, start=self.first)]

    def logits_while_reading(self, data: Sequences) -> list[Array]:
        """As `logits_over_time`, of every kind of model with what was known by each step.

        Raises
        ------
        ValueError
            One is NaN or infinite, or there is no answer before a sequence has ended.
        """
        logits = self._ask(predict_logits_while_reading, data)
        return [_checked(z, i) for i, z in enumerate(logits, start=self.first)]

    def stream(self, n: int | None = None) -> Stream:
        """Return a stream: it reads sequences while they happen, with a copy of the weights.

        Parameters
        ----------
        n : int or None
            Streams that go on side by side; None is one, whose arrays have no axis for streams.
        """
        return Stream(replace(self, network=self.network.copy()), n)

    @property
    def link(self) -> Link:
        """The function that turns logits into answers."""
        return "softmax"

    def predicted(self, logits: Array) -> Array:
        """The answers of `predict` to logits (n, n_outputs)."""
        raise NotImplementedError

    def from_linked(self, linked: Array) -> Array:
        """The answer of a stream's step to `linked`: logits (..., n_outputs) through `link`."""
        return linked

    def _ask(
        self,
        question: Question[T],
        data: Sequences,
        backend: Backend | None = None,
    ) -> T:
        dtype = self.network.params.dtype
        prepared = Prepared(data, self.standardisation, dtype, self.frontend)
        backend = backend or self.current_backend()
        if self.asking is not None:
            return self.asking(question, self.network, prepared, backend)
        return question(self.network, prepared, backend)

    def _linked_over_time(self, data: Sequences) -> list[Array]:
        backend = self.current_backend()
        logits = self.logits_over_time(data, backend)
        return [linked(z, self.link, backend.fused) for z in logits]

    def current_backend(self) -> Backend:
        """What this process computes with."""
        return get_backend(self.backend, n_threads=available_threads(self.n_jobs))


def _checked(
    logits: Array, sample: int | None = None, what: str = "answer to", *, first: int = 0
) -> Array:
    """Logits of samples (n_samples, n_outputs), or of the steps of one sample, all of them finite.

    `what` is the word for them in the error, `first` the number of the first sample there.

    Raises
    ------
    ValueError
        One is NaN or infinite; names the sample, and the time step.
    """
    if np.isfinite(logits).all():
        return logits
    row = int(np.flatnonzero(~np.isfinite(logits).all(axis=-1))[0])
    place = f"X[{first + row}]" if sample is None else f"X[{sample}], time step {row},"
    raise ValueError(
        f"the network's {what} {place} is NaN or infinite: the values there, or the network's "
        f"weights, are too large to compute with in {logits.dtype}. Scale X, keep "
        "standardize=True, or train again at a lower learning rate"
    )


def restored_standardisation(
    tensors: Tensors, n_features: int, prefix: str
) -> Standardisation | None:
    """The statistics in arrays called "prefix.mean" and "prefix.scale"; None if there are none.

    Raises
    ------
    ValueError
        One without the other, or values that no training makes.
    """
    found: list[Any] = [tensors.pop(f"{prefix}.{name}", None) for name in Standardisation._fields]
    if all(value is None for value in found):
        return None
    for name, value in zip(Standardisation._fields, found, strict=True):
        if value is None:
            raise ValueError(f"{prefix}.mean and {prefix}.scale belong together")
        if (value.shape, value.dtype) != ((n_features,), np.float64):
            raise ValueError(f"{prefix}.{name} has shape {value.shape} and type {value.dtype}")
        if not np.isfinite(value).all() or (name == "scale" and (value <= 0).any()):
            raise ValueError(f"{prefix}.{name} is {listed(value)}, which no training makes")
    return Standardisation(*found)


def _described_scaler(scaler: Scaler) -> Described:
    """All but the arrays of what X goes through first, in JSON's words."""
    names = scaler.feature_names
    return {
        "kind": "SequenceScaler",
        "n_features_in": int(scaler.n_features_in),
        "two_d": bool(scaler.two_d),
        "feature_names_in": None if names is None else [*names],
        "allow_nan": bool(scaler.allow_nan),
    }


def _restored_scalers(
    described: Any, tensors: Tensors, n_features_in: int, two_d: bool
) -> tuple[Scaler, ...]:
    """What X goes through before a model, which was described, maybe by someone who means harm.

    Raises
    ------
    KeyError, TypeError, ValueError
        It is no such list, or its scalers and the model do not fit each other.
    """
    if not isinstance(described, list) or not all(isinstance(each, dict) for each in described):
        raise TypeError(f"before is {described!r:.60}; it must be a list of objects")
    scalers = []
    for i, each in enumerate(described):
        if each["kind"] != "SequenceScaler":
            raise ValueError(f"X goes through a {each['kind']!r:.60}, which is not known")
        for name in ("two_d", "allow_nan"):
            if not isinstance(each[name], bool):
                raise TypeError(f"before[{i}]: {name} is {each[name]!r:.60}, not true or false")
        if type(each["n_features_in"]) is not int:
            raise TypeError(f"before[{i}]: n_features_in is {each['n_features_in']!r:.60}")
        if (each["n_features_in"], each["two_d"]) != (n_features_in, two_d):
            raise ValueError(
                f"before[{i}] gives {each['n_features_in']} features, two_d {each['two_d']}, but "
                f"the model takes {n_features_in}, two_d {two_d}"
            )
        learned = restored_standardisation(tensors, 1 if two_d else n_features_in, f"before{i}")
        if learned is None:
            raise ValueError(f"before[{i}] has no mean and scale")
        scalers.append(
            Scaler(
                mean=learned.mean,
                scale=learned.scale,
                n_features_in=n_features_in,
                two_d=two_d,
                feature_names=_restored_names(each["feature_names_in"], n_features_in),
                allow_nan=each["allow_nan"],
            )
        )
    return tuple(scalers)


def _restored_symbols(
    described: Mapping[str, Any],
    tensors: Tensors,
    layout: Layout,
    n_features_in: int,
    two_d: bool,
    missing: str,
) -> Symbols | None:
    """The symbols that were described; None if there are none.

    Raises
    ------
    KeyError, TypeError, ValueError
        They are no symbols, or not those of the network.
    """
    config = described.get("symbols")
    if config is None:
        if layout.categories:
            raise ValueError("the network takes categories, but there is no vocabulary of them")
        return None
    found = Symbols.restore(config, tensors)
    expected = tuple(n for n, _ in layout.categories)
    if (found.n_categories, found.n_columns, two_d) != (expected, n_features_in, False):
        raise ValueError(
            f"vocabularies of {found.n_categories} categories and {found.n_columns} columns, but a "
            f"network that takes {expected} of {n_features_in}"
        )
    if found.missing != missing:
        raise ValueError(f"missing is {missing!r}, but {found.missing!r} among the symbols")
    return found


def _restored_names(names: Any, n_features_in: int) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"feature_names_in is {names!r:.60}; it must be a list of names")
    if len(names) != n_features_in:
        raise ValueError(f"feature_names_in has {len(names)} names of {n_features_in} features")
    return tuple(names)
