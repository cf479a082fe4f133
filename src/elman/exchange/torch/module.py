"""A trained model in; a `torch.nn.Module` that gives its answers out, and back.

PyTorch is imported when the class is asked for, which is then made once.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.exchange.parts import ExchangeError, model_of
from elman.exchange.torch.description import BUFFERS, taken_apart
from elman.exchange.torch.layers import layer_classes
from elman.exchange.torch.names import is_one_module
from elman.exchange.torch.reading import from_state_dict
from elman.exchange.torch.steps import block_means, differences, each_scaled, own_steps
from elman.models.model import TrainedModel
from elman.nn.layout import Layout
from elman.nn.readouts import names_of

if TYPE_CHECKING:
    from torch import Tensor

NAME = "ElmanModule"


def to_torch(model: Any) -> Any:
    """A ``torch.nn.Module`` that gives the answers of a trained model, and can be trained further.

    Its weights are ordinary parameters of ``nn.RNN``, ``GRU`` or ``LSTM``, ``nn.Linear`` and
    ``nn.Embedding``, by the names that `to_state_dict` gives them. All that is done to X before
    the network is inside: standardisation, the front end, missing values.

    ``module(X, lengths)`` gives the probabilities of each sample, (n_samples, n_classes); of a
    tagger those of each time step, (n_samples, n_timesteps, n_classes), 0 past a sample's end; of a
    regressor its values as ``predict`` has them, (n_samples,) or (n_samples, n_targets), padded
    likewise where each time step has some. ``module.logits(X, lengths)`` gives what goes into
    softmax, for the loss of a fine-tuning: ``torch.nn.functional.cross_entropy(logits, codes)``
    with the place of each label in ``classes_`` (``binary_cross_entropy_with_logits`` of several
    labels at once); of a regressor standardised values, to be compared with (y - mean) / scale of
    ``module.target``.

    - ``X``: a tensor (n_samples, n_timesteps, n_features), with anything past a sample's end; of a
      model that was trained on a 2-D X also (n_samples, n_timesteps). Categories are their ids,
      which come first in a step.
    - ``lengths``: a tensor (n_samples,) of whole numbers; None is n_timesteps for all. A sample
      without a step has the answer to the initial state.

    ``module.batch(X)`` makes both of what ``predict`` takes: lists of arrays of unequal length,
    texts, tables. `from_torch` brings the module back as an estimator, trained further or not.

    The module draws no dropout in training; put your own between its parts if you want some. The
    statistics of the scaling are float64 and so is what is computed with them; for a device without
    float64, call ``module.float()`` first.

    Parameters
    ----------
    model : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path
        Fitted, or the file of one. Of a pipeline the scalers before the estimator come along.

    Returns
    -------
    torch.nn.Module
        In evaluation mode, on the CPU, of the type that the model computes in.

    Raises
    ------
    ImportError
        PyTorch is not installed.
    TypeError, ValueError
        The model is none, or its weights are not finite.

    See Also
    --------
    to_state_dict : the weights alone, without PyTorch.

    Examples
    --------
    >>> import elman
    >>> from elman.data import make_parity
    >>> X, y = make_parity(20, random_state=0)
    >>> clf = elman.RNNClassifier(4, max_iter=2, random_state=0).fit(X, y)

    With PyTorch installed:

    >>> module = elman.exchange.to_torch(clf)  # doctest: +SKIP
    >>> import torch  # doctest: +SKIP
    >>> optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)  # doctest: +SKIP
    >>> batch, lengths = module.batch(X)  # doctest: +SKIP
    >>> for _ in range(10):  # doctest: +SKIP
    ...     loss = torch.nn.functional.cross_entropy(
    ...         module.logits(batch, lengths), torch.tensor(y)
    ...     )
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    >>> clf = elman.exchange.from_torch(module)  # doctest: +SKIP
    """
    return _module_class()(model_of(model))


def from_torch(module: Any) -> Any:
    """The estimator of a module that `to_torch` made, with the weights that it has now.

    What the weights do not say is as in the model that the module was made of. For any other module
    there is `from_state_dict`.

    Parameters
    ----------
    module : torch.nn.Module
        What `to_torch` returned, also after training, or on another device.

    Returns
    -------
    RNNClassifier, RNNTagger, RNNRegressor or Pipeline
        Fitted. The history of its training is empty.

    Raises
    ------
    TypeError
        It is another module.
    ExchangeError
        A weight is NaN or infinite, or of half precision; or a part was replaced by another kind.

    Examples
    --------
    >>> from elman.exchange import from_torch
    >>> from_torch("module")
    Traceback (most recent call last):
        ...
    TypeError: expected a module that to_torch made, and got a str; from_state_dict reads others

    With PyTorch installed:

    >>> clf = from_torch(to_torch(clf))  # doctest: +SKIP
    """
    module = getattr(module, "_orig_mod", module)  # of torch.compile
    if type(module).__name__ != NAME or not hasattr(module, "trained_model"):
        raise TypeError(
            f"expected a module that to_torch made, and got a {type(module).__name__}; "
            "from_state_dict reads others"
        )
    cell = module.trained_model.network.layout.cell
    expected = f"RNN_{cell.activation.upper()}" if cell.name == "elman" else cell.name.upper()
    for rnn in module.rnn if hasattr(module.rnn, "__iter__") else [module.rnn]:
        if getattr(rnn, "mode", expected) != expected:
            raise ExchangeError(
                f"its recurrent layers were replaced: they compute as {rnn.mode}, and those of the "
                f"model as {expected}; from_state_dict reads the weights of another network"
            )
    return from_state_dict(module.state_dict(), like=module.trained_model)


def __getattr__(name: str) -> Any:
    # So that pickle, and torch.save of a whole module, find the class by its name.
    if name == NAME:
        return _module_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _module_class() -> Any:
    """The class of all modules; ImportError if there is no PyTorch."""
    try:
        import torch
    except ImportError as error:
        raise ImportError("to_torch needs PyTorch: pip install torch") from error
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    layers = layer_classes()

    class ElmanModule(nn.Module):  # type: ignore[misc]
        """A model that elman trained, as `elman.exchange.to_torch` describes it.

        Attributes
        ----------
        trained_model : TrainedModel
            What it was made of, which does not change in training.
        """

        def __init__(self, model: TrainedModel) -> None:
            super().__init__()
            self.trained_model = replace(model, asking=None)
            state, _ = taken_apart(model)
            layout = model.network.layout
            dtype = getattr(torch, model.network.params.dtype.name)
            # PyTorch draws weights, which are overwritten: its generator stays as it was.
            with torch.random.fork_rng(devices=[]):
                self.embedding = nn.ModuleDict(
                    {str(k): nn.Embedding(n, size) for k, (n, size) in self._embedded()}
                )
                n_inputs = sum(size or n for n, size in layout.categories)
                n_inputs += layout.n_features - len(layout.categories)
                self.rnn = self._stack(layout, n_inputs)
                if "attention" in names_of(layout.readout):
                    self.attention = layers.Attention(layout.width)
                self.head = nn.Linear(layout.n_read, layout.n_outputs)
            for name, array in state.items():
                if name.startswith("initial_"):
                    self.register_parameter(name, nn.Parameter(torch.zeros(array.shape)))
            self.to(dtype)
            buffers: dict[str, dict[str, Any]] = {}
            for name in filter(BUFFERS.fullmatch, state):
                owner, _, own = name.partition(".")
                buffers.setdefault(owner, {})[own] = state[name]
            for owner, arrays in buffers.items():
                self.add_module(owner, layers.Statistics(arrays))
            self.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
            self.embedding.requires_grad_(not layout.frozen_embeddings)
            self.eval()

        def _embedded(self) -> list[tuple[int, tuple[int, int]]]:
            columns = self.trained_model.network.layout.categories
            return [(k, column) for k, column in enumerate(columns) if column[1]]

        @staticmethod
        def _stack(layout: Layout, n_inputs: int) -> Any:
            sizes = layout.hidden_sizes
            widths = [n_inputs, *(layout.n_directions * size for size in sizes)]
            if layout.cell.layer_norm:
                return nn.ModuleList(
                    layers.NormedRNN(layout, n_in, size)
                    for n_in, size in zip(widths, sizes, strict=False)
                )
            kind = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[layout.cell.name]
            options: dict[str, Any] = {"batch_first": True, "bidirectional": layout.bidirectional}
            if layout.cell.name == "elman":
                options["nonlinearity"] = layout.cell.activation
            if is_one_module(layout):
                return kind(n_inputs, sizes[0], num_layers=len(sizes), **options)
            return nn.ModuleList(
                kind(n_in, size, **options) for n_in, size in zip(widths, sizes, strict=False)
            )

        # What it answers

        def forward(self, X: Tensor, lengths: Tensor | None = None) -> Tensor:
            """Probabilities, or the values of a regressor."""
            model = self.trained_model
            logits = self.logits(X, lengths)
            if model.link == "identity":
                target = self.target
                values = logits.to(target.mean.dtype) * target.scale + target.mean
                if model.network.layout.at_every_step:
                    values = values * self._own(logits, lengths)
                return values[..., 0] if model.meaning["one_target"] else values
            linked = logits.softmax(-1) if model.link == "softmax" else logits.sigmoid()
            if model.network.layout.at_every_step:
                return linked * self._own(logits, lengths)
            return linked

        def logits(self, X: Tensor, lengths: Tensor | None = None) -> Tensor:
            """What the head gives, before softmax; of time steps 0 past a sample's end."""
            layout, frontend = self.trained_model.network.layout, self.trained_model.frontend
            X, lengths = self._checked(X, lengths)
            if not len(X):
                shape = (0, *X.shape[1:2] * layout.at_every_step, layout.n_outputs)
                return self.head.weight.new_zeros(shape)
            values, n_steps, kept = self._prepared(X, lengths)
            H, final = self._states(*self._inputs(values, n_steps))
            if not layout.at_every_step:
                return self.head(self._read(H, final, frontend.n_blocks(n_steps)))
            answers = self.head(H)
            if not X.shape[1]:
                return answers[:, :0]
            steps = torch.arange(X.shape[1], device=X.device).expand(X.shape[:2])
            if kept is not None:  # the answer of the last step before it that was kept
                answers = torch.cat([self.head(self._initial(len(X))[1])[:, None], answers], 1)
                steps = kept.cumsum(1) - 1
            where = steps.div(frontend.stride, rounding_mode="floor") + (kept is not None)
            where = where.clamp(max=answers.shape[1] - 1)  # past a sample's end
            answers = answers.gather(1, where[:, :, None].expand(-1, -1, layout.n_outputs))
            return answers * self._own(answers, lengths)

        def batch(self, X: Any) -> tuple[Tensor, Tensor]:
            """What `predict` takes, as a padded tensor (n_samples, n_timesteps, n) and lengths."""
            model = self.trained_model
            data = replace(model, before=()).check(X) if model.before else model.check(X)
            lengths = torch.tensor(data.lengths)
            out = np.zeros((len(data), int(data.lengths.max(initial=0)), data.n_features))
            for row, sample in zip(out, data, strict=True):
                row[: len(sample)] = sample
            device = self.head.weight.device
            wide = data.dtype == np.float64 and self._wide() == torch.float64
            dtype = torch.float64 if wide else torch.float32
            return torch.tensor(out, dtype=dtype, device=device), lengths.to(device)

        # On the way there

        def _own(self, like: Tensor, lengths: Tensor | None) -> Tensor:
            """(n, T, 1): 1 at a sample's own steps."""
            n, n_timesteps = like.shape[:2]
            if lengths is None:
                return like.new_ones((n, n_timesteps, 1))
            own = own_steps(torch.as_tensor(lengths, device=like.device), n_timesteps)
            return own[:, :, None].to(like.dtype)

        def _wide(self) -> Any:
            """The type in which numbers are scaled."""
            return next((buffer.dtype for buffer in self.buffers()), torch.float64)

        def _checked(self, X: Any, lengths: Any) -> tuple[Tensor, Tensor]:
            model = self.trained_model
            X = torch.as_tensor(X, device=self.head.weight.device)
            if model.two_d and X.ndim == 2:
                X = X[:, :, None]
            n_features = 1 if model.two_d else model.n_features_in
            if X.ndim != 3 or X.shape[2] != n_features:
                raise ValueError(
                    f"X has shape {tuple(X.shape)}; expected (n_samples, n_timesteps, {n_features})"
                )
            if lengths is None:
                lengths = torch.full((len(X),), X.shape[1])
            lengths = torch.as_tensor(lengths, device=X.device)
            if lengths.shape != (len(X),) or lengths.is_floating_point():
                raise ValueError(
                    f"lengths has shape {tuple(lengths.shape)} and type {lengths.dtype}; expected "
                    f"({len(X)},), whole numbers"
                )
            if bool(((lengths < 0) | (lengths > X.shape[1])).any()):
                raise ValueError(
                    f"lengths has {lengths.tolist()[:8]}; each must lie in [0, {X.shape[1]}], the "
                    "time steps of X"
                )
            return X, lengths.long()

        def _prepared(self, X: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            """Standardised steps, how many of each sample there are, and which were kept."""
            model = self.trained_model
            own = own_steps(lengths, X.shape[1])
            if X.is_floating_point():
                bad = X.isinf() if model.missing != "error" else ~X.isfinite()
                bad = bad.any(2) & own
                if bool(bad.any()):
                    sample, step = (int(i) for i in bad.nonzero()[0])
                    raise ValueError(
                        f"X[{sample}], time step {step}, holds NaN or infinity, and the model was "
                        f"trained with missing={model.missing!r}"
                    )
            plain = model.frontend.plain and not any(
                hasattr(self, name) for name in ("standardize", "before0")
            )
            x = X.to(self.head.weight.dtype if plain else self._wide())
            x = torch.where(own[:, :, None], x, torch.zeros((), dtype=x.dtype, device=x.device))
            kept = None
            if model.missing == "skip":
                kept = own & ~x.isnan().any(2)
                order = (~kept).to(torch.int8).argsort(dim=1, stable=True)
                x = x.gather(1, order[:, :, None].expand(x.shape))
                lengths = kept.sum(1)
                x = x.masked_fill(~own_steps(lengths, x.shape[1])[:, :, None], 0)
            for i in range(len(model.before)):
                scaler = getattr(self, f"before{i}")
                x = (x - scaler.mean) / scaler.scale
            if hasattr(self, "standardize"):
                x = (x - self.standardize.mean) / self.standardize.scale
            return x, lengths, kept

        def _inputs(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            """What the recurrent layers read, zero past each end; and of how many steps."""
            model = self.trained_model
            frontend, columns = model.frontend, model.network.layout.categories
            n_codes = len(columns)
            codes, x = x[:, :, :n_codes], x[:, :, n_codes:]
            of_samples = []
            if frontend.scale_each:
                x, mean, amplitude = each_scaled(x, lengths)
                logs = (amplitude.log() - self.frontend.log_mean) / self.frontend.log_scale
                of_samples = [logs, mean]
            if frontend.stride > 1:
                x, lengths = block_means(x, lengths, frontend.stride)
            parts, found = [x], x
            for order in range(frontend.deltas):
                found = differences(found)
                parts.append(found / self.frontend.delta_scale[order])
            parts += [each[:, None].expand(-1, x.shape[1], -1) for each in of_samples]
            if model.missing == "mask":
                parts.append(x.isnan().to(x.dtype))
            x = torch.cat(parts, 2)
            own = own_steps(lengths, x.shape[1])[:, :, None]
            x = x.masked_fill(x.isnan() | ~own, 0).to(self.head.weight.dtype)
            if not bool(x.isfinite().all()):
                raise ValueError(
                    f"what the scaling makes of X leaves the range of {x.dtype}: values are too "
                    "large, or too far from those of training"
                )
            if n_codes:
                x = torch.cat([*self._vectors(codes, own), x], 2)
            return x, lengths

        def _vectors(self, codes: Tensor, own: Tensor) -> list[Tensor]:
            """What stands for the ids of each column of categories."""
            found = []
            for k, (n, size) in enumerate(self.trained_model.network.layout.categories):
                ids = codes[:, :, k].round().masked_fill(~own[:, :, 0], 0)
                if bool(((ids < 0) | (ids >= n) | (ids != codes[:, :, k]) & own[:, :, 0]).any()):
                    raise ValueError(
                        f"X[:, :, {k}] holds something else than ids of categories, whole numbers "
                        f"from 0 to {n - 1}: module.batch(X) makes them"
                    )
                if size:
                    found.append(self.embedding[str(k)](ids.long()))
                else:
                    found.append(nn.functional.one_hot(ids.long(), n).to(self.head.weight.dtype))
            return found

        def _initial(self, n: int) -> tuple[list[list[Tensor]], Tensor]:
            """States before the first step, and what the last layer gives for them, (n, width).

            Of each layer and direction (n, state_size).
            """
            layout = self.trained_model.network.layout
            states, final = [], None
            for k, size in enumerate(layout.hidden_sizes):
                own = []
                for end in ("", "_reverse")[: layout.n_directions]:
                    state = getattr(self, f"initial_l{k}{end}", None)
                    if state is None:
                        state = self.head.weight.new_zeros(layout.cell.state_size(size))
                    own.append(state.expand(n, -1))
                hidden = torch.cat([state[:, :size] for state in own], 1)
                final = hidden if final is None or not layout.residual else final + hidden
                states.append(own)
            return states, final

        def _states(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            """The last layer's states (n, T, width), zero past each end, and after the last step.

            Both are what the layer gives, so with residual connections sums over layers.
            """
            layout = self.trained_model.network.layout
            initial, before = self._initial(len(x))
            own = own_steps(lengths, x.shape[1])[:, :, None]
            if is_one_module(layout):
                H, last = self._run(self.rnn, x, lengths, initial)
                final = torch.cat([*last[-layout.n_directions :]], 1)
            else:
                H, final = x, None
                for k, rnn in enumerate(self.rnn):
                    if layout.cell.layer_norm:
                        states, last = rnn(H, lengths, initial[k])
                    else:
                        states, last = self._run(rnn, H, lengths, initial[k : k + 1])
                        last = torch.cat([*last], 1)
                    adds = layout.residual and k
                    H = (states + H if adds else states) * own
                    final = last + final if adds else last
            # Of a sample without a step what was run was padding.
            return H * own, torch.where((lengths == 0)[:, None], before, final)

        def _run(
            self, rnn: Any, x: Tensor, lengths: Tensor, initial: list[list[Tensor]]
        ) -> tuple[Tensor, Tensor]:
            """H (n, T, directions * size), and the last h (layers * directions, n, size)."""
            size, n_timesteps = rnn.hidden_size, x.shape[1]
            states = torch.stack([state for layer in initial for state in layer])
            hidden = states[:, :, :size].contiguous()
            given = (hidden, states[:, :, size:].contiguous()) if rnn.mode == "LSTM" else hidden
            if n_timesteps == 0:
                return x.new_zeros((len(x), 0, size * len(initial[0]))), hidden
            if bool((lengths == n_timesteps).all()):
                H, last = rnn(x, given)
            else:
                packed, last = rnn(
                    pack_padded_sequence(
                        x, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
                    ),
                    given,
                )
                H, _ = pad_packed_sequence(packed, batch_first=True, total_length=n_timesteps)
            return H, last[0] if rnn.mode == "LSTM" else last

        def _read(self, H: Tensor, final: Tensor, lengths: Tensor) -> Tensor:
            """What the head reads of each sample."""
            own = own_steps(lengths, H.shape[1])
            parts = []
            for name in names_of(self.trained_model.network.layout.readout):
                if name == "last" or not H.shape[1]:
                    parts.append(final)
                    continue
                if name == "mean":
                    value = H.sum(1) / lengths.clamp(min=1)[:, None]
                elif name == "max":
                    value = H.masked_fill(~own[:, :, None], -torch.inf).amax(1)
                else:
                    value = self.attention(H, own)
                parts.append(torch.where((lengths == 0)[:, None], final, value))
            return torch.cat(parts, 1)

    ElmanModule.__module__, ElmanModule.__qualname__ = __name__, NAME
    return ElmanModule
