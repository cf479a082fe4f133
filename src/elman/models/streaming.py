"""Streams: a trained model reads time steps as they happen, and answers after each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elman.backends import get_backend
from elman.backends.contract import Backend
from elman.backends.streams import Link, SteppedNetwork, StreamPlan
from elman.data.frontend import Frontend
from elman.data.missing import HOW_TO_ALLOW
from elman.data.names import Names
from elman.data.rows import by_position
from elman.data.samples import HOW_TO_UNMASK
from elman.data.scaler import Scaler
from elman.data.scaling import Standardisation
from elman.data.symbols import Symbols
from elman.data.validation import check_sequences
from elman.models.fronted import FrontedNetwork
from elman.models.stepping import make_stepped
from elman.nn.network import Network
from elman.targets.checks import shown
from elman.targets.masked import refuse_masked

Array = NDArray[Any]

FLOAT32_SUM_STEPS = 2**24
"""The number of steps from which on a sum in float32 may have stopped growing."""


FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
"""The dtypes in which steps are standardised as they are."""


class Answering(Protocol):
    """What a stream asks of a `TrainedModel`."""

    @property
    def network(self) -> Network:
        """The network that reads the steps; the stream's own copy."""
        ...

    @property
    def standardisation(self) -> Standardisation | None:
        """The standardisation that a step goes through first; None if it has none."""
        ...

    @property
    def frontend(self) -> Frontend:
        """What is made of standardised steps before the network reads them."""
        ...

    @property
    def before(self) -> tuple[Scaler, ...]:
        """What a step goes through first, in order."""
        ...

    @property
    def symbols(self) -> Symbols | None:
        """What the categories of X are; None if it has numbers alone."""
        ...

    @property
    def missing(self) -> str:
        """What becomes of NaN: "error", "mask" or "skip"."""
        ...

    @property
    def backend(self) -> str | None:
        """Name of the backend; None for the default."""
        ...

    @property
    def kind(self) -> str:
        """Name of the estimator that trained it: what errors call it."""
        ...

    @property
    def feature_names(self) -> Names | None:
        """Names of the columns of X; None if they had none."""
        ...

    @property
    def two_d(self) -> bool:
        """Whether X was 2-D: one feature over time, and names are those of time steps."""
        ...

    @property
    def link(self) -> Link:
        """The function that turns logits into answers."""
        ...

    def predicted(self, logits: Array) -> Array:
        """The answers of `predict` to logits (n, n_outputs)."""
        ...

    def from_linked(self, linked: Array) -> Array:
        """The answer of `step` to what `link` made of logits: (n, n_outputs) or (n_outputs,)."""
        ...


class Stream:
    """A trained network that reads sequences while they happen, one time step of each in a call.

    Made by an estimator's `stream`. It keeps of a sequence what its network carries from one step
    to the next, and nothing else: its memory does not grow. Its answer after step t is, bit for
    bit, that of a whole sequence of so many steps. What is trained later is not seen. Not for two
    threads at once. It can be pickled and copied; the copy goes on by itself.

    With a `stride` above 1, which "auto", the default, may choose where sequences have more than
    128 steps, the network reads a block of steps at its end. What `step` returns changes then,
    and within a block is the answer to the blocks before it; `n_waiting` says how many steps it
    does not know of yet. `answer` and `predict` count them: they are the answers of a whole
    sequence of so many steps, bit for bit, and cost a step of the network.

    Parameters
    ----------
    model : TrainedModel
    n : int or None
        Streams that go on side by side; None is one, whose arrays have no axis for streams.

    Raises
    ------
    ValueError
        The network is bidirectional, or scale_each divides a sequence by its own amplitude: there
        is no answer before a sequence has ended.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = (X[:, -1, 0] > 0).astype(int)
    >>> clf = RNNClassifier(hidden_size=4, max_iter=3, random_state=0).fit(X, y)
    >>> stream = clf.stream()
    >>> for x_t in X[0]:
    ...     probabilities = stream.step(x_t)
    >>> bool(np.array_equal(probabilities, clf.predict_proba(X[:1])[0]))
    True
    """

    def __init__(self, model: Answering, n: int | None = None) -> None:
        if n is not None and (isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1):
            raise ValueError(f"n={n!r} must be a whole number of streams, at least 1, or None")
        network = model.network
        network.check_stream()
        model.frontend.check_reads_on()
        self._model = model
        self._before = model.before
        self._symbols = model.symbols
        self._encoded = _encoded_tokens(model.symbols) if n is None else {}
        self._n = None if n is None else int(n)
        backend = get_backend(model.backend, n_threads=1)
        plan = plan_of(model, backend, self._n)
        self._steps: SteppedNetwork = (
            make_stepped(plan, backend)
            if model.frontend.plain
            else FrontedNetwork(plan, model.frontend, network.layout.n_features, backend)
        )
        self._n_features = plan.n_features
        shape: tuple[int, ...] = (
            (plan.n_features,) if n is None else (self._n or 1, plan.n_features)
        )
        self._shapes = (shape, shape[:-1]) if plan.n_features == 1 else (shape,)
        self._start = {name: array[:1].copy() for name, array in self._steps.state.items()}
        for i, layer in enumerate(network.recurrent_layers):
            if layer.learn_initial:
                self._start[f"recurrent{i}"][...] = network.params[f"{layer.name}.initial"]
        self.reset()

    # Steps

    def step(self, x_t: ArrayLike | Mapping[str, Any]) -> Array:
        """Read one time step, and answer to the sequence so far.

        Parameters
        ----------
        x_t : array-like of shape (n_features,), or (n, n_features) for n streams
            Of a model of texts one character; of tokens one of them; of tables one row; for n
            streams a list of n of these. Of one feature also a number, or (n,). Or by name, where
            the model was trained on names: a mapping, a named tuple, a pandas series or a data
            frame of one row; for n streams a list of n of them, or a frame of n rows. Their order
            is then of no importance, but no name may be missing or unknown. NaN is what `missing`
            said in training; a step that is skipped leaves the state as it is, and the answer too.

        Returns
        -------
        ndarray of shape (n_classes,) or (n, n_classes)
            Probability of each class; of a regressor what `predict` returns. With `stride` the
            answer to the blocks that have ended, until the next one has: see `n_waiting`.

        Raises
        ------
        TypeError, ValueError
            A step that cannot be used; names stream, time step and feature. No stream has changed.
        ValueError
            The network's answer is NaN or infinite, because values or weights are too large. The
            step has been read; `reset` begins again.
        """
        if self._before:
            return self._model.from_linked(self._step_scaled(x_t))
        if self._symbols is not None:
            x_t = self._encoded_step(x_t)
        try:
            answers = self._steps.step(x_t)  # type: ignore[arg-type]  # None for what it cannot use
            if answers is None:
                x_t = self._by_position(x_t)
                answers = self._step_converted(x_t)
            if answers is None:
                answers = self._steps.step(self._checked(x_t))
        except FloatingPointError:
            raise self._overflown() from None
        if answers is None:
            raise RuntimeError("the backend refused a time step that passed all checks")
        return self._model.from_linked(answers)

    def _encoded_step(self, x_t: Any) -> Array:
        """A step with symbols as numbers of categories, and its numbers behind them."""
        try:
            return self._encoded[x_t]
        except (KeyError, TypeError):  # a token that is not known, or no token
            pass
        symbols, kind = self._symbols, self._model.kind
        assert symbols is not None
        if self._n is None:
            return symbols.encode_step(x_t, "x_t", kind)
        return symbols.encode_steps(x_t, self._n, "x_t", kind)

    def predict(self, x_t: ArrayLike | Mapping[str, Any] | None = None) -> Any:
        """The label so far, or of a regressor the value; given a step, it is read before.

        Parameters
        ----------
        x_t : array-like, optional
            As for `step`.

        Returns
        -------
        label, or ndarray of shape (n,)
            As the estimator's `predict` has it for a sequence of the steps so far: of several
            labels at once an indicator, of several targets an array.
        """
        if x_t is None:
            self.answer()
        else:
            self.step(x_t)
            if np.any(self.n_waiting):
                self.answer()
        answers = self._model.predicted(self._steps.logits)
        return answers[0] if self._n is None else answers

    def answer(self) -> Array:
        """The answer to the steps so far, without reading another one.

        Returns
        -------
        ndarray of shape (n_classes,) or (n, n_classes)
            As `step` returns it.

        Raises
        ------
        ValueError
            It is NaN or infinite.
        """
        try:
            return self._model.from_linked(self._steps.answer())
        except FloatingPointError:
            raise self._overflown() from None

    def _overflown(self) -> ValueError:
        """The error that says which stream's answer is NaN or infinite."""
        logits = self._steps.logits
        which = ""
        if self._n is not None:
            which = f" of stream {int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])}"
        return ValueError(
            f"the network's answer to the steps so far{which} is NaN or infinite: their values, or "
            f"the network's weights, are too large to compute with in {logits.dtype}. Call reset, "
            "and scale the steps, or train again at a lower learning rate"
        )

    @property
    def n_steps(self) -> Any:
        """Steps read since the last reset, those skipped left out: int, or ndarray (n,)."""
        counts = self._steps.state["n_steps"]
        return int(counts[0]) if self._n is None else counts.copy()

    @property
    def n_waiting(self) -> Any:
        """Steps of a block that has not ended, of which `step`'s answer does not know: int, or
        ndarray (n,). 0 at the end of a block, and always where the network reads each step.
        """
        counts = self._steps.state.get(
            "block.size", np.zeros(1 if self._n is None else self._n, int)
        )
        return int(counts[0]) if self._n is None else counts.copy()

    # State

    def reset(self, streams: Any = None) -> Self:
        """Begin again, as before the first step of a new sequence.

        Parameters
        ----------
        streams : int, slice, array-like of int or of bool, optional
            Which of n streams; all by default.

        Returns
        -------
        Stream
            The stream itself.
        """
        refuse_masked(streams, "streams")
        everyone = np.arange(len(self._steps.logits))
        if isinstance(streams, (list, tuple)) and not streams:
            streams = slice(0)
        try:
            rows = everyone if streams is None else np.atleast_1d(everyone[streams])
        except IndexError:
            raise IndexError(
                f"streams={streams!r:.60} names a stream that is not there: there are "
                f"{len(everyone)}, numbered from 0"
            ) from None
        for name, array in self._steps.state.items():
            array[rows] = self._start[name]
        return self

    @property
    def state(self) -> dict[str, Array]:
        """All that goes from step to step: named arrays, a row for each stream, copied.

        Assign it, to this stream or to another of the same model, and that goes on from there with
        the same bits. To a file and back: `np.savez(path, **stream.state)`, `np.load(path)`.

        Sums over time (of readouts: "readout.sum", ...) are float64. One in float32 is taken too,
        as it stands, unless it covers so many steps that it may have stopped growing: a ValueError.
        """
        return {name: array.copy() for name, array in self._steps.state.items()}

    @state.setter
    def state(self, state: Mapping[str, ArrayLike]) -> None:
        own = self._steps.state
        if set(state) != set(own):
            raise ValueError(
                f"a state of this stream has {sorted(own)}, got {sorted(state)}: assign a state "
                "of a stream of the same model"
            )
        refuse_masked({name: state[name] for name in own}, "state")
        arrays = {name: np.asarray(state[name]) for name in own}
        for name, array in arrays.items():
            mine = own[name]
            if array.shape != mine.shape or not np.can_cast(array.dtype, mine.dtype, "same_kind"):
                raise ValueError(
                    f"state[{name!r}] is {array.dtype} of shape {array.shape}, but this stream has "
                    f"{mine.dtype} of shape {mine.shape}: assign a state of as many streams of the "
                    "same model"
                )
        if np.any((arrays["n_steps"] < 0) | (arrays["n_steps"] >= 2**62)):
            raise ValueError("state['n_steps'] has a number of steps below 0, or beyond counting")
        if "block.size" in arrays:
            _refuse_impossible_blocks(arrays, self._model.frontend.stride)
        for name, array in arrays.items():
            bad = ~np.isfinite(array) & (array != self._start[name])  # the largest so far is -inf
            if bad.any():
                place = ", ".join(map(str, np.argwhere(bad)[0].tolist()))
                raise ValueError(
                    f"state[{name!r}][{place}] is {array[bad][0]}: a stream whose answers are "
                    "numbers has no such state; assign another one, or call reset"
                )
        _refuse_stalled_sums(arrays, own)
        for name, array in arrays.items():
            own[name][...] = array

    def __reduce__(self) -> Any:
        return _restored, (self._model, self._n, self.state)

    def __repr__(self) -> str:
        n = "" if self._n is None else f"n={self._n}, "
        symbols = self._model.symbols
        if symbols is not None and symbols.form != "steps":
            return f"<Stream of a {self._model.kind}: {n}{symbols.form}>"
        features = "feature" if self._n_features == 1 else "features"
        return f"<Stream of a {self._model.kind}: {n}{self._n_features} {features}>"

    # What is not an array as the kernel takes it, and what cannot be used

    def _by_position(self, x_t: Any) -> Any:
        """The step in the order of training, if it says its values by name."""
        return by_position(
            x_t,
            self._model.feature_names,
            name="x_t",
            estimator=self._model.kind,
            n=self._n,
            of_steps=self._model.two_d,
        )

    def _step_converted(self, x_t: Any) -> Array | None:
        """The answers to a step that only needs conversion; None if its values must be checked."""
        if type(x_t) is not np.ndarray and not isinstance(x_t, (list, tuple, int, float)):
            return None
        if isinstance(x_t, (list, tuple)):
            refuse_masked(x_t, "x_t", HOW_TO_UNMASK)
        try:
            array = np.asarray(x_t)
        except ValueError:
            return None
        if array.dtype.kind not in "fiub" or array.shape not in self._shapes:
            return None
        return self._steps.step(np.array(array, np.float64, order="C").reshape(self._shapes[0]))

    def _step_scaled(self, x_t: Any) -> Array:
        """The answers to a step that goes through the scalers of a pipeline first."""
        n = 1 if self._n is None else self._n
        if type(x_t) is np.ndarray and x_t.shape in self._shapes and x_t.dtype in FLOATS:
            given = np.array(x_t, x_t.dtype.newbyteorder("="), order="C").reshape(n, -1)
            values = given
        else:
            values, given = self._converted(self._by_position(x_t))
        for scaler in self._before:
            if not scaler.allow_nan and np.isnan(values).any():
                stream, feature = np.argwhere(np.isnan(values))[0].tolist()
                raise ValueError(
                    f"x_t contains NaN: {self._place(stream, feature)}. SequenceScaler accepts "
                    "missing values only with allow_nan=True: choose that in training, fill it "
                    "in, or leave the step out"
                )
            values = scaler.step(values)
        try:
            answers = self._steps.step(values.reshape(self._shapes[0]))
        except FloatingPointError:
            raise self._overflown() from None
        if answers is None:
            self._refuse_values(values, given)
            raise RuntimeError("the backend refused a time step that passed all checks")
        return answers

    def _checked(self, x_t: Any) -> Array:
        """The step as a plain array of the right shape, or an error that says what is wrong."""
        values, given = self._converted(x_t)
        self._refuse_values(values, given)
        return values.reshape(self._shapes[0])

    def _converted(self, x_t: Any) -> tuple[Array, Array]:
        """A step of n streams (n, n_features), of a float dtype, and as it was given.

        An error says what is wrong with it, but for its values.
        """
        name, n_features = "x_t", self._n_features
        n = 1 if self._n is None else self._n
        if x_t is None or isinstance(x_t, (str, bytes, dict, set)):
            raise TypeError(
                f"{name} is {x_t!r:.60}, a {type(x_t).__name__}; expected an array of shape "
                f"{self._shapes[0]}: the values of one time step"
            )
        if hasattr(x_t, "nnz"):
            check_sequences(x_t, name=name)  # raises the error about sparse input
        refuse_masked(x_t, name, HOW_TO_UNMASK)
        try:
            array = np.asarray(x_t)
        except ValueError as error:
            raise ValueError(f"{name} cannot be read as an array of numbers ({error})") from error
        if array.shape not in self._shapes:
            of_what = f"{n_features} feature(s)" + (f" of {n} streams" if self._n else "")
            raise ValueError(
                f"{name} has shape {array.shape}, expected {self._shapes[0]}: one time step, "
                f"{of_what}, of what the {self._model.kind} was trained on"
            )
        model = self._model
        scaled = model.standardisation is not None or self._before
        data = check_sequences(
            array.reshape(n, 1, n_features),
            name=name,
            dtype=None if scaled else model.network.params.dtype,
            missing="keep" if self._before else model.missing,
            look_at_values=False,
        )
        return data.values, array.reshape(n, n_features)

    def _refuse_values(self, values: Array, given: Array) -> None:
        """An error for the first value that cannot be used: converted (n, n_features), as given."""
        model, dtype = self._model, self._model.network.params.dtype
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = values.astype(np.float64)
            if model.standardisation is not None:
                scaled = (scaled - model.standardisation.mean) / model.standardisation.scale
            bad = ~np.isfinite(scaled.astype(dtype))
        missing = np.isnan(values)
        if model.missing != "error":
            bad &= ~missing
        if model.missing == "skip":  # a step that is skipped may hold values of any size
            bad &= ~missing.any(axis=1, keepdims=True) | np.isinf(values)
        if not bad.any():
            self._refuse_categories(values)
            return
        stream, feature = np.argwhere(bad)[0].tolist()
        place = self._place(stream, feature)
        if missing[stream, feature]:
            raise ValueError(
                f"x_t contains NaN: {place}. {model.kind} accepts missing values only with "
                f"{HOW_TO_ALLOW}: choose that in training, fill it in, or leave the step out"
            )
        value = given[stream, feature]
        if np.isinf(np.float64(value)):
            raise ValueError(f"x_t contains infinity: {place} is {value!s}. Correct the value")
        raise ValueError(
            f"x_t contains a value too large for {dtype} (infinity): {place} is {value!s}. Correct "
            "the value, or train on data of that size"
        )

    def _refuse_categories(self, values: Array) -> None:
        """An error for the first category (n, n_features) that its column does not have."""
        counts = np.array([n for n, _ in self._model.network.layout.categories], np.int64)
        ids = values[:, : len(counts)]
        wrong = ~((ids >= 0) & (ids < counts) & (np.floor(ids) == ids))
        if self._model.missing == "skip":
            wrong[np.isnan(values).any(axis=1)] = False
        if wrong.any():
            stream, feature = np.argwhere(wrong)[0].tolist()
            raise ValueError(
                f"x_t: {self._place(stream, feature)} is {values[stream, feature]!s}, but it is a "
                f"category, a whole number from 0 to {counts[feature] - 1}"
            )

    def _place(self, stream: int, feature: int) -> str:
        """Where a value of a step stands, for an error."""
        counts = self._steps.state["n_steps"]
        names = None if self._model.two_d else self._model.feature_names
        column = "" if names is None else f" (column {shown(names[feature])})"
        place = f"feature {feature}{column}, time step {counts[stream]}"
        return place if self._n is None else f"stream {stream}, {place}"


MOST_ENCODED = 100_000
"""Tokens of which a stream has the encoded step ready."""


def _encoded_tokens(symbols: Symbols | None) -> dict[Any, Array]:
    """By token the encoded step of a sequence of tokens, or of characters; empty of tables."""
    if symbols is None or symbols.n_columns > 1:
        return {}
    tokens = symbols.vocabularies[0].tokens
    if len(tokens) > MOST_ENCODED or not all(type(token) is str for token in tokens):
        return {}  # 1, 1.0 and True are one key
    return {token: symbols.encode_step(token) for token in tokens}


def plan_of(model: Answering, backend: Backend, n: int | None) -> StreamPlan:
    """The network with all around it, as a backend takes it for a stream."""
    network, standardisation = model.network, model.standardisation
    params, n_streams = network.params, 1 if n is None else n
    categories = network.layout.categories
    return StreamPlan(
        steppers=network.steppers(backend, n_streams),
        hidden_sizes=network.layout.hidden_sizes,
        residual=network.layout.residual,
        readout=network.layout.readout,
        readout_weights={
            name: params[name] for name in network.layout.readout_class.shapes(network.layout.width)
        },
        W=params["head.W"],
        b=params["head.b"],
        link=model.link,
        n_features=model.frontend.n_features_of(network.layout.n_features, model.missing),
        mean=None if standardisation is None else standardisation.mean,
        scale=None if standardisation is None else standardisation.scale,
        missing=model.missing,
        flat=n is None,
        categories=tuple(n_categories for n_categories, _ in categories),
    )


def _refuse_impossible_blocks(arrays: Mapping[str, Array], stride: int) -> None:
    """Raise ValueError for a place within blocks that no steps lead to."""
    size, gaps, known = arrays["block.size"], arrays["block.gaps"], arrays["block.known"]
    in_blocks = arrays["n_steps"] - size
    if (
        np.any((size < 0) | (size >= stride))
        or np.any((in_blocks % stride != 0) | (in_blocks // stride != arrays["n_blocks"]))
        or np.any((gaps < 0) | (gaps > size[:, np.newaxis]) | (gaps % 1 != 0))
        or np.any((gaps == size[:, np.newaxis]) & (arrays["block.sum"] != 0))
        or np.any((known != 0) & (known != 1))
    ):
        raise ValueError(
            "state['n_steps'], state['n_blocks'] and the arrays of state['block.*'] do not belong "
            f"together: no number of steps leads there in blocks of {stride}. Assign a state as a "
            "stream of the same model gave it"
        )


def _refuse_stalled_sums(arrays: Mapping[str, Array], own: Mapping[str, Array]) -> None:
    """Raise ValueError for a sum over time that was kept in float32 for too many steps.

    What a readout keeps in float64, in `own`, is such a sum.
    """
    n_steps = int(np.max(arrays["n_steps"], initial=0))
    for name, array in arrays.items():
        is_sum = name.startswith("readout.") and own[name].dtype == np.float64
        if not is_sum or array.dtype.itemsize >= 8 or n_steps < FLOAT32_SUM_STEPS:
            continue
        raise ValueError(
            f"state[{name!r}] is {array.dtype} after {n_steps} steps: a sum in float32 can stop "
            f"growing after {FLOAT32_SUM_STEPS} steps, so that answers from it would be wrong. "
            "Assign a state whose sums were kept in float64, or reset the stream and begin again"
        )


def _restored(model: Answering, n: int | None, state: dict[str, Array]) -> Stream:
    """The stream of which `Stream.__reduce__` gave these parts."""
    stream = Stream(model, n)
    stream.state = state
    return stream
