"""X as a user passes it in; `Sequences` out, or an error with what is wrong, where, and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.backends.streams import MISSING
from elman.data.axes import padding_hint
from elman.data.containers import unpacked
from elman.data.frames import is_frame, is_frame_type, read_frame
from elman.data.missing import HOW_TO_ALLOW
from elman.data.names import Names, agreed_names, check_names, names_of
from elman.data.samples import LAYOUTS, as_array, plain_sample, plain_samples, refuse_containers
from elman.data.sequences import Sequences, first_infinite, first_not_finite, is_small
from elman.data.sources import Apart, converted
from elman.data.store.stored import Stored
from elman.data.values import is_nested, refuse_types
from elman.targets.checks import shown

Array = NDArray[Any]


def check_sequences(
    X: Any,
    *,
    name: str = "X",
    dtype: DTypeLike | None = np.float32,
    n_features: int | None = None,
    two_d: bool | None = None,
    feature_names: Names | None = None,
    estimator: str = "RNNClassifier",
    ensure_min_samples: int = 1,
    ensure_min_timesteps: int = 1,
    look_at_values: bool = True,
    missing: str = "error",
    how_to_allow: str = HOW_TO_ALLOW,
) -> Sequences:
    """Validate and convert X.

    Parameters
    ----------
    X : array-like
        One of

        - (n_samples, n_timesteps, n_features) array;
        - list, tuple or 1-D object array of (n_timesteps_i, n_features) arrays or nested lists;
          n_timesteps_i may be 0;
        - (n_samples, n_timesteps) array: one feature, a column for each step;
        - list of 1-D arrays of one feature: as 2-D if all are of one length and no estimator says
          otherwise, else (n_timesteps_i, 1) each;
        - what `elman.data.containers.unpacked` makes a list or an array of: groups of a data frame,
          frames of sequences, tensors;
        - `elman.data.SequenceStore`, or a view of one.

        In the place of each two-dimensional array a data frame of pandas, polars, pyarrow or any
        other library that narwhals knows (a lazy one is collected): its columns in their order,
        without its index. Names of columns are kept and compared. So they are of a list that has
        them as an attribute `feature_names`. Missing values of nullable types become NaN.

        Any real number type, byte order, strides and alignment. Copied only if it is not already
        a C-contiguous, aligned, native array of `dtype`, and then only if it is small; what is
        large is converted when it is read.
    name : str
        What errors call the argument.
    dtype : {float32, float64} or None
        Of the result. None keeps what float32 represents exactly (float32, float16, bool,
        integers of 16 bits) as float32 and makes everything else float64.
    n_features : int, optional
        The fitted estimator's `n_features_in_`, which `X.shape[-1]` must equal.
    two_d : bool, optional
        Whether the estimator was fitted on a 2-D X, if it was fitted.
    feature_names : tuple of str, optional
        The names of the columns that the estimator was fitted on; None if they had none. They count
        only beside `n_features`.
    estimator : str
        What errors call the estimator.
    ensure_min_samples : int
        The least number of samples.
    ensure_min_timesteps : int
        The least length of the longest sequence: 1 refuses an X without any time step (to train
        on), 0 accepts it (a network's answer is then that of its initial state).
    look_at_values : bool
        Whether NaN and infinity are looked for now; if not, the result's `pending_check` does so.
    missing : {"error", "keep", "mask", "skip"}
        Whether NaN is refused ("error"), or left in place for who reads the result's `missing`.
        Infinity is always refused.
    how_to_allow : str
        The argument of the estimator that an error about NaN recommends.

    Returns
    -------
    Sequences

    Raises
    ------
    TypeError
        If X is not made of numbers, or is sparse; if a data frame has a column of dates, text or
        categories, or names of which only some are strings.
    ValueError
        If samples have columns of other names, or in another order, than each other or than
        `feature_names`; if its shape or a value cannot be used: wrong number of dimensions, no
        samples, no features, another number of features than `n_features`, NaN unless it is
        allowed, infinity, a value too large for `dtype`, complex or masked values.

    Warns
    -----
    UserWarning
        If X has names and the estimator was fitted without any, or the reverse.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.data import check_sequences
    >>> sequences = check_sequences([np.zeros((3, 2)), np.ones((5, 2))])
    >>> print(len(sequences), sequences.lengths, sequences.n_features)
    2 [3 5] 2
    """
    wanted = None if dtype is None else np.dtype(dtype)
    if wanted not in (None, np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype={dtype!r} cannot be used; choose float32 or float64")
    if missing not in (*MISSING, "keep"):
        choices = ", ".join(map(repr, MISSING))
        raise ValueError(f"missing={missing!r} is not known; choose one of {choices}")
    X = unpacked(X, name, two_d=two_d)
    checker = _Checker(name, wanted, n_features, two_d, feature_names, estimator, how_to_allow)
    found = checker.sequences(X)
    found.missing = missing
    if len(found) < ensure_min_samples:
        shape = getattr(X, "shape", (len(found),))
        raise ValueError(
            f"{name} has {len(found)} sample(s) (shape={tuple(shape)}) while a minimum of "
            f"{ensure_min_samples} is required: pass at least {ensure_min_samples} sequence(s)"
        )
    if len(found) and found.lengths.max() < ensure_min_timesteps:
        raise ValueError(
            f"{name} has {len(found)} sample(s), the longest of {found.lengths.max()} "
            f"timestep(s), while a minimum of {ensure_min_timesteps} is required: pass recordings "
            "that are not empty"
        )
    if isinstance(X, Stored) and X.holds_only(missing, found.dtype):
        pass  # values were looked at when they were written
    elif look_at_values:
        checker.check_finite(found, X)
    else:
        found.pending_check = lambda: checker.check_finite(found, X)
    return found


class _Checker:
    """The arguments of one `check_sequences` call, which every error message needs."""

    def __init__(
        self,
        name: str,
        dtype: np.dtype[Any] | None,
        n_features: int | None,
        two_d: bool | None,
        feature_names: Names | None,
        estimator: str,
        how_to_allow: str,
    ) -> None:
        self.name = name
        self.dtype = dtype
        self.n_features = n_features
        self.two_d = two_d
        self.feature_names = feature_names
        self.estimator = estimator
        self.how_to_allow = how_to_allow
        self.names: Names | None = None  # of the columns of X, once they are known

    # What kind of thing X is

    def sequences(self, X: Any) -> Sequences:
        found = self.read(X)
        found.feature_names = self.names
        return found

    def read(self, X: Any) -> Sequences:
        if isinstance(X, Stored):
            return self.from_store(X)
        if is_frame(X):
            return self.from_frame(X)
        refuse_containers(X, self.name)
        if isinstance(X, (list, tuple)):
            return self.from_list(X)
        array = as_array(X, self.name)
        if array.dtype == object and array.ndim == 1 and any(map(is_nested, array)):
            return self.from_list(array.tolist())
        return self.from_array(array)

    # Stores

    def from_store(self, X: Stored) -> Sequences:
        """Sequences that are read when they are asked for, or now if they are few."""
        self.names = X.feature_names
        n_steps = int(X.lengths[0]) if len(X) else 0
        shape = X.shape if X.two_d else (n_steps, X.n_features)
        self.check_names(X.two_d, shape[-1])
        self.check_width(shape, X.two_d)
        return X.sequences(self.dtype).settled()

    # Arrays

    def from_frame(self, frame: Any) -> Sequences:
        try:
            array, labels = read_frame(frame, self.name)
        except TypeError as error:  # such as a column of ids
            raise TypeError(
                f"{error}; if this is a long table, a row for each time step, "
                "elman.data.from_table makes sequences of it"
            ) from error
        self.names = names_of(labels, self.name)
        return self.from_array(array)

    def from_array(self, array: Array) -> Sequences:
        if array.ndim not in (2, 3):
            raise ValueError(self.wrong_ndim(array))
        self.refuse_dtype(array, None)
        if array.shape[-1] == 0 and not (array.ndim == 2 and array.shape[0] == 0):
            raise ValueError(
                f"{self.name} has 0 feature(s) (shape={array.shape}) while a minimum of 1 is "
                f"required: pass {LAYOUTS}"
            )
        two_d = array.ndim == 2
        self.check_names(two_d, array.shape[-1])
        self.check_width(array.shape, two_d)
        dtype = self.dtype or _least_dtype([array])
        if not is_small(array.size) and not _fits(array, dtype) and array.dtype != object:
            cube = array[..., np.newaxis] if two_d else array
            return Sequences(Apart(cube, dtype), [cube.shape[1]] * len(cube), two_d=two_d)
        array = converted(array, dtype)
        return Sequences.from_array(array[..., np.newaxis] if two_d else array, two_d=two_d)

    def wrong_ndim(self, array: Array) -> str:
        seen = f"{self.name} is {array.ndim}-D (shape={array.shape}); expected {LAYOUTS}. "
        if array.ndim == 0:
            return seen + f"The value seen is {shown(array.item())}."
        if array.ndim == 1 and len(array) and isinstance(array[0], (str, bytes)):
            first, is_bytes = shown(array[:1].tolist()[0]), isinstance(array[0], bytes)
            decode = "decode them, [x.decode() for x in X], and " if is_bytes else ""
            return seen + (
                f"The values are {'bytes' if is_bytes else 'strings'} ({first}, ...). "
                "RNNClassifier, RNNTagger and RNNRegressor read text: "
                f"{decode}pass the strings to one of them directly, each of which is then a "
                "sequence of characters; or make numbers of them with elman.TokenEncoder, which "
                'an estimator takes with categorical_features="all".'
            )
        if array.ndim == 1:
            return seen + (
                "Reshape your data: X.reshape(1, -1, n_features) if it is one recording, "
                "X.reshape(-1, 1) if it is one time step of one feature for each sample."
            )
        return seen + "Reshape your data: X.reshape(len(X), n_timesteps, -1) joins the last axes."

    def check_width(self, shape: tuple[int, ...], two_d: bool) -> None:
        """Whether X.shape[-1] is what the estimator was fitted on."""
        if self.n_features is None:
            return
        seen, expected = shape[-1], self.n_features
        mismatch = (
            f"{self.name} has {seen} features, but {self.estimator} is expecting {expected} "
            f"features as input (shape={shape})"
        )
        if two_d and self.two_d is False:
            fixes = [f"a 2-D {self.name} means one feature, a column for each step"]
            if seen == expected:
                fixes.append(f"if it is one recording, pass {self.name}[np.newaxis]")
            if expected == 1:
                fixes.append(f"pass {self.name}[:, :, np.newaxis]")
            if seen >= expected:
                fixes.append(
                    "if it is a long table, a row for each time step, elman.data.from_table makes "
                    "sequences of it"
                )
            raise ValueError(
                f"{self.name} is 2-D (shape={shape}), but {self.estimator} was fitted on sequences "
                f"of {expected} feature(s): {'; '.join(fixes)}"
            )
        if not two_d and self.two_d:
            raise ValueError(
                f"{self.name} holds (n_timesteps, n_features) sequences (shape={shape}), but "
                f"{self.estimator} was fitted on a 2-D X of {expected} columns (one feature): pass "
                f"a 2-D array (n_samples, {expected})"
            )
        if seen == expected:
            return
        if len(shape) == 3 and shape[1] == expected:
            raise ValueError(f"{mismatch}: {_channels_first(self.name)}")
        raise ValueError(f"{mismatch}: pass {expected} columns, in the order of the training data")

    def check_names(self, two_d: bool, n_features: int) -> None:
        """Whether the columns are called as those that the estimator was fitted on."""
        if self.names is not None and len(self.names) != n_features:
            raise ValueError(
                f"{self.name} has {len(self.names)} feature names for {n_features} features"
            )
        if self.n_features is None or self.two_d not in (None, two_d):
            return  # nothing to compare with, or an error about the shape follows
        check_names(
            self.names, self.feature_names, name=self.name, sample=None, estimator=self.estimator
        )

    # Lists

    def from_list(self, X: Sequence[Any]) -> Sequences:
        if len(X) == 0:
            return Sequences.from_array(np.empty((0, 0, 0), self.dtype or np.float64))
        if hasattr(X, "feature_names"):  # a list that knows its columns
            self.names = None if X.feature_names is None else tuple(X.feature_names)
        kinds = set(map(type, X))
        frames = {kind for kind in kinds if is_frame_type(kind)}
        if not frames and not any(map(is_nested, X)):
            # Numbers, not samples: np.asarray has the better message for what they are.
            return self.from_array(as_array(X, self.name))
        samples, labels = plain_samples(X, kinds, frames, self.name)
        n_dims = set(map(attrgetter("ndim"), samples))
        if n_dims == {1}:
            return self.from_rows(samples)
        if n_dims != {2}:
            for i, sample in enumerate(samples):
                if sample.ndim != 2:
                    self.refuse_sample_ndim(i, sample)
        if labels is not None:
            fitted = self.n_features is not None and self.two_d is not True
            expected = self.feature_names if fitted else None
            self.names = agreed_names(labels, expected, self.name, self.estimator)
        return self.from_samples(samples)

    def from_rows(self, samples: list[Array]) -> Sequences:
        """1-D samples: a 2-D X if they are equally long, else sequences of one feature.

        Once fitted, an estimator reads them as it was fitted, whatever their lengths are.
        """
        self.refuse_dtypes(samples)
        lengths = [len(sample) for sample in samples]
        other = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
        of_one_feature = self.two_d is False and self.n_features == 1
        if of_one_feature or (other is not None and self.two_d is None):
            return self.from_samples([sample[:, np.newaxis] for sample in samples])
        if other is not None:
            seen = (
                f"{self.name}: sample {other} has {lengths[other]} values but sample 0 has "
                f"{lengths[0]}"
            )
            if self.two_d:
                raise ValueError(
                    f"{seen}, and {self.estimator} was fitted on a 2-D X of {self.n_features} "
                    "columns (one feature): to take other lengths it must be trained on sequences "
                    "[np.reshape(x, (-1, 1)) for x in X]"
                )
            raise ValueError(
                f"{seen}; 1-D samples have one feature, but {self.estimator} was fitted on "
                f"sequences of {self.n_features} features: pass (n_timesteps_i, "
                f"{self.n_features}) arrays"
            )
        return self.from_array(np.stack(samples))

    def refuse_dtypes(self, samples: list[Array]) -> None:
        if any(dtype.kind not in "fiub" for dtype in set(map(attrgetter("dtype"), samples))):
            for i, sample in enumerate(samples):
                self.refuse_dtype(sample, i)

    def refuse_sample_ndim(self, i: int, sample: Array) -> NoReturn:
        place = f"{self.name}: sample {i} is {sample.ndim}-D (shape={sample.shape})"
        if sample.shape == (0,):
            fix = "a recording without steps is np.empty((0, n_features))"
        elif sample.ndim == 1:
            fix = "reshape it: x.reshape(-1, 1) for one feature, x.reshape(1, -1) for one step"
        elif sample.ndim == 0:
            fix = f"the value seen is {shown(sample.item())}"
        else:
            fix = "a list holds one recording in each element"
        raise ValueError(f"{place}; expected (n_timesteps_i, n_features): {fix}")

    def from_samples(self, samples: list[Array]) -> Sequences:
        widths = {shape[1] for shape in set(map(attrgetter("shape"), samples))}
        self.check_names(False, samples[0].shape[1])
        if widths != {self.n_features or samples[0].shape[1]} or 0 in widths:
            self.check_list_widths([sample.shape for sample in samples])
        self.check_width(samples[0].shape, two_d=False)
        self.refuse_dtypes(samples)
        dtype = self.dtype or _least_dtype(samples)
        lengths = np.fromiter(map(len, samples), np.int64, len(samples))
        return Sequences(Apart(samples, dtype), lengths).settled()

    def check_list_widths(self, shapes: list[tuple[int, ...]]) -> None:
        widths = {shape[1] for shape in shapes}
        heights = {shape[0] for shape in shapes}
        turned = len(heights) == 1 and (
            heights == {self.n_features} if self.n_features is not None else len(widths) > 1
        )
        hint = _channels_first(self.name) if turned else None
        expected = self.n_features if self.two_d is not True else None
        for i, shape in enumerate(shapes):
            place = f"{self.name}: sample {i} (shape={shape})"
            if shape[1] == 0:
                raise ValueError(
                    f"{place} has 0 feature(s) while a minimum of 1 is required: every sample is "
                    "(n_timesteps_i, n_features)"
                )
            if expected is not None and shape[1] != expected:
                raise ValueError(
                    f"{self.name} has {shape[1]} features, but {self.estimator} is expecting "
                    f"{expected} features as input: sample {i} has shape {shape}; "
                    + (hint or f"pass {expected} columns, in the order of the training data")
                )
            if shape[1] != shapes[0][1]:
                raise ValueError(
                    f"{place} has {shape[1]} features but sample 0 (shape={shapes[0]}) has "
                    f"{shapes[0][1]}: "
                    + (hint or "every sample needs the same features, one in each column")
                )

    # Values

    def refuse_dtype(self, array: Array, sample: int | None) -> None:
        refuse_types(array, self.name, sample, self.names)

    def check_finite(self, found: Sequences, X: Any) -> None:
        bad = found.first(first_not_finite)
        if bad is not None and found.missing != "error":
            bad = found.first(first_infinite)
        if bad is None:
            return
        sample, timestep, feature = found.where(bad)
        place = found.place(bad)
        if np.isnan(found[sample][timestep, feature]):
            hint = "" if self.two_d else padding_hint(found, self.name)
            raise ValueError(
                f"Input {self.name} contains NaN: {place}. {hint}{self.estimator} accepts missing "
                f"values only with {self.how_to_allow}: choose that, fill them in, or leave the "
                "sample out"
            )
        value = self.original(X, found, sample, timestep, feature)
        if np.isinf(value):
            raise ValueError(
                f"Input {self.name} contains infinity: {place} is {value!s}. Correct the value, "
                "or leave the sample out"
            )
        raise ValueError(
            f"Input {self.name} contains a value too large for {found.dtype} (infinity): {place} "
            f"is {value!s}. Rescale {self.name}, for example to zero mean and unit deviation"
        )

    def original(self, X: Any, found: Sequences, sample: int, timestep: int, feature: int) -> Any:
        """The value as the caller gave it, before it was converted."""
        if is_frame(X):
            row = read_frame(X, self.name)[0][sample]
        else:
            row = X[sample] if isinstance(X, (list, tuple, Stored)) else np.asarray(X)[sample]
            row = read_frame(row, self.name)[0] if is_frame(row) else plain_sample(row, self.name)
        value = row[timestep] if row.ndim == 1 else row[timestep, feature]
        return value if isinstance(value, np.floating) else float(value)


def _fits(array: Array, dtype: np.dtype[Any]) -> bool:
    """Whether an array needs no conversion: C-contiguous, aligned, native and of `dtype`."""
    return array.dtype == dtype and bool(array.flags.c_contiguous and array.flags.aligned)


def _least_dtype(arrays: list[Array]) -> np.dtype[Any]:
    """float32 if it holds every value of these types exactly, else float64."""
    dtypes = set(map(attrgetter("dtype"), arrays))
    exact = all(np.can_cast(dtype, np.float32, "safe") for dtype in dtypes)
    return np.dtype(np.float32 if exact else np.float64)


def _channels_first(name: str) -> str:
    return (
        f"{name} looks like (sample, feature, time); if it is, convert it with "
        f"elman.data.from_channels_first({name})"
    )
