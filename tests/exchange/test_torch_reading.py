"""State dicts of other networks as estimators, without PyTorch: equations, names and errors.

What the equations of PyTorch are is written here once more, as its documentation has them.
"""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.preprocessing import StandardScaler

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.exchange import ExchangeError, from_state_dict

GATES = {"tanh": 1, "relu": 1, "gru": 3, "lstm": 4}
LENGTHS = (5, 1, 7, 3)


def state_of(
    kind="gru",
    n_inputs=3,
    size=4,
    n_outputs=3,
    *,
    n_layers=1,
    both=False,
    bias=True,
    n_read=None,
    rnn="rnn.",
    head="fc.",
    dtype="float64",
):
    """A state dict as PyTorch has it, of numbers drawn at random."""
    rng = np.random.default_rng(3)
    rows, ends = GATES[kind] * size, ("", "_reverse")[: 1 + both]
    shapes = {}
    for k in range(n_layers):
        for end in ends:
            n_in = len(ends) * size if k else n_inputs
            shapes[f"{rnn}weight_ih_l{k}{end}"] = (rows, n_in)
            shapes[f"{rnn}weight_hh_l{k}{end}"] = (rows, size)
            if bias:
                shapes[f"{rnn}bias_ih_l{k}{end}"] = shapes[f"{rnn}bias_hh_l{k}{end}"] = (rows,)
    shapes[f"{head}weight"] = (n_outputs, n_read or len(ends) * size)
    shapes[f"{head}bias"] = (n_outputs,)
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def sequences(n_features=3):
    rng = np.random.default_rng(5)
    return [rng.normal(size=(n, n_features)) for n in LENGTHS]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def states_of(kind, state, x, end):
    """The hidden states of one direction of one layer, by PyTorch's equations."""
    W_ih, W_hh, b_ih, b_hh = (
        state.get(f"rnn.{part}_l{end}", 0.0)
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    h = c = np.zeros(W_hh.shape[1])
    found = []
    for step in x:
        a, b = W_ih @ step + b_ih, W_hh @ h + b_hh
        if kind == "tanh":
            h = np.tanh(a + b)
        elif kind == "relu":
            h = np.maximum(a + b, 0)
        elif kind == "gru":
            (ar, az, an), (br, bz, bn) = np.split(a, 3), np.split(b, 3)
            r, z = sigmoid(ar + br), sigmoid(az + bz)
            h = (1 - z) * np.tanh(an + r * bn) + z * h
        else:
            i, f, g, o = np.split(a + b, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return np.array(found)


def logits_of(kind, state, x, n_layers, both):
    """The head on h_n of the last layer."""
    for k in range(n_layers):
        ahead = states_of(kind, state, x, f"{k}")
        last = ahead[-1]
        if both:
            behind = states_of(kind, state, x[::-1], f"{k}_reverse")
            x, last = np.hstack([ahead, behind[::-1]]), np.concatenate([last, behind[-1]])
        else:
            x = ahead
    return state["fc.weight"] @ last + state["fc.bias"]


class TestEquations:
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize(("n_layers", "both"), [(1, False), (1, True), (3, False), (2, True)])
    @pytest.mark.parametrize("kind", GATES)
    def test_every_cell(self, kind, n_layers, both, bias):
        state = state_of(kind, n_layers=n_layers, both=both, bias=bias)
        clf = from_state_dict(
            state, readout="last", activation="relu" if kind == "relu" else "tanh"
        )
        expected = np.array([logits_of(kind, state, x, n_layers, both) for x in sequences()])
        p = np.exp(expected - expected.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        assert np.abs(clf.predict_proba(sequences()) - p).max() < 1e-12
        assert clf.cell == (kind if kind in ("gru", "lstm") else "elman")

    def test_float32_stays(self):
        clf = from_state_dict(state_of(dtype="float32"), readout="last")
        assert clf.dtype == "float32"
        assert clf.predict_proba(sequences()).dtype == np.float32


class TestClasses:
    def test_labels_are_sorted_and_outputs_with_them(self):
        state = state_of()
        plain = from_state_dict(state, readout="last").predict_proba(sequences())
        clf = from_state_dict(state, readout="last", classes=["sit", "run", "walk"])
        assert clf.classes_.tolist() == ["run", "sit", "walk"]
        assert np.array_equal(clf.predict_proba(sequences()), plain[:, [1, 0, 2]])
        tagger = from_state_dict(state, task="tag", classes=np.array([7, 9, 8]))
        assert isinstance(tagger, RNNTagger)
        assert tagger.classes_.tolist() == [7, 8, 9]
        last = np.array([p[-1] for p in tagger.predict_proba(sequences())])
        assert np.allclose(last, plain[:, [0, 2, 1]], atol=1e-15)

    @pytest.mark.parametrize("classes", [None, [0, 1], [1, 0], ["b", "a"], [True, False]])
    def test_one_output_is_the_logit_of_the_second(self, classes):
        state = state_of(n_outputs=1)
        clf = from_state_dict(state, readout="last", classes=classes)
        second = 1 if classes is None else classes[1]
        column = clf.classes_.tolist().index(second)
        z = np.array([logits_of("gru", state, x, 1, False)[0] for x in sequences()])
        assert np.abs(clf.predict_proba(sequences())[:, column] - sigmoid(z)).max() < 1e-12

    @pytest.mark.parametrize(
        ("classes", "message"),
        [
            (["a", "b"], "2 labels, but the head has 3"),
            (["a", "b", "a"], "twice"),
            (["a", "b", 3], "one type"),
            ([1.0, 2.0, np.nan], "no label"),
            ([[1], [2], [3]], "one type"),
            ([b"a", b"b", b"c"], "one type"),
            ([True, 2, 3], "one type"),
            ([2**63 + 1, -1, 3], "one type"),
            ([2**53 + 1, 0.5, 3], "one type"),
        ],
    )
    def test_labels_that_are_none(self, classes, message):
        with pytest.raises(ExchangeError, match=message):
            from_state_dict(state_of(), readout="last", classes=classes)

    def test_large_numbers_stay_as_they_are(self):
        classes = [2**63 + 1, 3, 2**63]
        clf = from_state_dict(state_of(), readout="last", classes=classes)
        assert clf.classes_.tolist() == sorted(classes)

    @pytest.mark.parametrize("name", ["classes", "vocabulary", "feature_names", "rnn"])
    def test_what_has_no_order_is_no_list(self, name):
        for given in ({"a", "b", "c"}, {"a": 2, "b": 0, "c": 1}):
            with pytest.raises(TypeError, match=f"{name} is a (set|dict), whose order says"):
                from_state_dict(state_of(), readout="last", **{name: given})

    def test_a_text_is_no_list_of_labels(self):
        with pytest.raises(TypeError, match="one text; it must be a list"):
            from_state_dict(state_of(), readout="last", classes="abc")

    def test_several_labels_and_numbers_have_no_classes(self):
        for task in ("multilabel", "regress"):
            with pytest.raises(ExchangeError, match="classes are of"):
                from_state_dict(state_of(), readout="last", task=task, classes=[1, 2, 3])


class TestReadout:
    def test_it_has_to_be_given(self):
        with pytest.raises(ExchangeError, match=r"readout is not given.*output\[:, -1\]"):
            from_state_dict(state_of())

    @pytest.mark.parametrize("readout", ["last", "mean", "max", ("last", "max", "mean")])
    def test_what_the_head_reads(self, readout):
        n = 1 if isinstance(readout, str) else len(readout)
        state = state_of(n_read=4 * n)
        reg = from_state_dict(state, readout=readout, task="regress")
        assert isinstance(reg, RNNRegressor)
        for x, found in zip(sequences(), reg.predict(sequences()), strict=True):
            H = states_of("gru", state, x, "0")
            reads = {"last": H[-1], "mean": H.mean(0), "max": H.max(0)}
            names = (readout,) if n == 1 else readout
            read = np.concatenate([reads[name] for name in names])
            assert np.abs(found - (state["fc.weight"] @ read + state["fc.bias"])).max() < 1e-12

    def test_a_head_that_reads_another_number_of_columns(self):
        with pytest.raises(ExchangeError, match=r"reads 8 columns, .*'fc\.'.*\(3, 4\)"):
            from_state_dict(state_of(), readout=("last", "mean"))
        with pytest.raises(ExchangeError, match=r"fc\.weight has shape \(3, 4\)"):
            from_state_dict(state_of(), readout=("last", "mean"), head="fc")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"readout": "every"}, "answers at every time step"),
            ({"readout": "last", "task": "tag"}, "a tagger reads 'every'"),
            ({"readout": "attention"}, "save_state_dict wrote"),
            ({"readout": ("mean", "attention")}, "save_state_dict wrote"),
        ],
    )
    def test_readouts_that_do_not_go(self, options, message):
        with pytest.raises(ExchangeError, match=message):
            from_state_dict(state_of(), **options)


class TestNames:
    @pytest.mark.parametrize("rnn", ["", "rnn.", "module.model.encoder.0."])
    def test_the_only_one_is_found(self, rnn):
        state = state_of(rnn=rnn, head="out.")
        expected = from_state_dict(state_of(), readout="last").predict_proba(sequences())
        for options in ({}, {"rnn": rnn, "head": "out"}):
            clf = from_state_dict(state, readout="last", **options)
            assert np.array_equal(clf.predict_proba(sequences()), expected)

    def test_several_are_listed(self):
        state = state_of() | state_of("lstm", rnn="other.", head="more.")
        with pytest.raises(ExchangeError, match=r"several prefixes, 'rnn\.', 'other\.'"):
            from_state_dict(state, readout="last")
        with pytest.raises(ExchangeError, match=r"several.*'fc\.'.*'more\.'"):
            from_state_dict(state, readout="last", rnn="rnn")
        with pytest.raises(ExchangeError, match=r"beside.*other\.weight_ih_l0"):
            from_state_dict(state, readout="last", rnn="rnn", head="fc")
        clf = from_state_dict(
            state, readout="last", rnn="other", head="more", ignore=["rnn.", "fc.weight", "fc.bias"]
        )
        assert clf.cell == "lstm"

    def test_prefixes_that_are_not_there(self):
        with pytest.raises(ExchangeError, match=r"below rnn='gru\.'; there are 'rnn\.'"):
            from_state_dict(state_of(), readout="last", rnn="gru")
        with pytest.raises(ExchangeError, match=r"no head\.weight; it has rnn\.weight_ih_l0"):
            from_state_dict(state_of(), readout="last", head="head")
        with pytest.raises(ExchangeError, match="ignore names 'loss'"):
            from_state_dict(state_of(), readout="last", ignore=["loss"])
        with pytest.raises(ExchangeError, match="no recurrent layer"):
            from_state_dict({"fc.weight": np.ones((2, 3))}, readout="last")
        with pytest.raises(ExchangeError, match=r"no recurrent layer.*it has no tensor at all"):
            from_state_dict({}, readout="last")

    def test_a_stack_of_modules(self):
        whole = state_of(n_layers=2, both=True)
        apart = {
            name.replace("rnn.", "b.").replace("_l1", "_l0") if "_l1" in name
            else name.replace("rnn.", "a."): array
            for name, array in whole.items()
        }  # fmt: skip
        one = from_state_dict(whole, readout="last")
        two = from_state_dict(apart, readout="last", rnn=["a", "b"])
        assert np.array_equal(one.predict_proba(sequences()), two.predict_proba(sequences()))
        with pytest.raises(ExchangeError, match=r"a\.weight_ih_l0 reads 3 columns.*gives 8"):
            from_state_dict(apart, readout="last", rnn=["b", "a"])
        with pytest.raises(ExchangeError, match="one twice"):
            from_state_dict(apart, readout="last", rnn=["a", "a"])

    def test_a_cell_module_is_a_layer(self):
        state = {name.replace("_l0", ""): array for name, array in state_of("lstm").items()}
        one = from_state_dict(state, readout="last").predict_proba(sequences())
        two = from_state_dict(state_of("lstm"), readout="last").predict_proba(sequences())
        assert np.array_equal(one, two)


class TestEveryTensorIsTaken:
    @pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
    @pytest.mark.parametrize("both", [True, False])
    def test_a_missing_one_is_named(self, kind, both):
        state = state_of(kind, n_layers=2, both=both)
        for name in state:
            if name == "fc.bias":  # nn.Linear(bias=False)
                continue
            with pytest.raises(ExchangeError, match=r"fc|columns|l0|l1") as error:
                from_state_dict({k: v for k, v in state.items() if k != name}, readout="last")
            if "fc" not in name:
                assert name in str(error.value)

    def test_a_missing_layer_half_or_bias(self):
        state = state_of(n_layers=3)
        gone = {k: v for k, v in state.items() if "_l1" not in k}
        with pytest.raises(ExchangeError, match=r"a layer 2 .*no rnn\.weight_ih_l1"):
            from_state_dict(gone, readout="last")
        gone = {k: v for k, v in state.items() if "bias" not in k or "_l1" not in k}
        with pytest.raises(ExchangeError, match=r"weight_ih_l1 has none"):
            from_state_dict(gone, readout="last")
        state = state_of(n_layers=2, both=True)
        gone = {k: v for k, v in state.items() if "_l1_reverse" not in k}
        with pytest.raises(ExchangeError, match=r"lacks rnn\.weight_ih_l1_reverse"):
            from_state_dict(gone, readout="last")

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("norm.running_mean", "batch normalisation"),
            ("norm.num_batches_tracked", "batch normalisation"),
            ("rnn.weight_hr_l0", "proj_size"),
            ("rnn.weight_hh_l0_g", "weight or spectral normalisation"),
            ("rnn.parametrizations.weight_hh_l0.original0", "weight or spectral normalisation"),
            ("embed.weight", "vocabulary="),
            ("h0", "beside the recurrent layers"),
            ("_extra_state", "beside the recurrent layers"),
            ("rnn.weight_ih_l0_more", "beside the recurrent layers"),
        ],
    )
    def test_one_more_is_named(self, name, hint):
        with pytest.raises(ExchangeError, match=hint) as error:
            from_state_dict(state_of() | {name: np.ones((2, 7))}, readout="last")
        assert name in str(error.value)
        if "weight_hr" not in name:
            assert from_state_dict(
                state_of() | {name: np.ones((2, 7))}, readout="last", ignore=[name]
            )

    def test_a_layer_with_a_bias_is_taken_for_no_embedding(self):
        state = state_of() | {"embed.weight": np.ones((2, 7)), "embed.bias": np.ones(2)}
        with pytest.raises(ExchangeError, match=r"embed\.weight, embed\.bias") as error:
            from_state_dict(state, readout="last")
        assert "nn.Embedding" not in str(error.value)

    def test_many_layers_are_counted_quickly(self):
        state = state_of() | {"rnn.weight_ih_l9999": np.ones((12, 4))}
        with pytest.raises(ExchangeError, match="weight_ih_l1"):
            from_state_dict(state, readout="last")
        state = state_of() | {f"rnn.weight_ih_l{'9' * 5000}": np.ones((12, 4))}
        with pytest.raises(ExchangeError, match="beside the recurrent layers"):
            from_state_dict(state, readout="last")


class TestShapesAndTypes:
    @pytest.mark.parametrize(
        ("name", "shape", "message"),
        [
            ("rnn.weight_ih_l0", (11, 3), "weight_ih_l0 has 11 rows"),
            ("rnn.weight_hh_l0", (8, 4), "1, 3 or 4 times"),
            ("rnn.weight_hh_l0", (13, 4), "1, 3 or 4 times"),
            ("rnn.weight_hh_l0", (12,), "no weights of a layer"),
            ("rnn.weight_ih_l0", (12, 3, 1), "no weights of a layer"),
            ("rnn.weight_hh_l0", (0, 0), "no weights of a layer"),
            ("rnn.bias_hh_l0", (4,), r"bias_hh_l0 has shape \(4,\)"),
            ("rnn.bias_ih_l0", (12, 1), r"bias_ih_l0 has shape \(12, 1\)"),
            ("rnn.weight_ih_l1", (12, 5), "weight_ih_l1 reads 5 columns"),
            ("fc.bias", (4,), r"fc\.bias has shape \(4,\)"),
            ("fc.weight", (0, 4), r"fc\.weight has shape \(0, 4\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, name, shape, message):
        with pytest.raises(ExchangeError, match=message):
            from_state_dict(state_of(n_layers=2) | {name: np.ones(shape)}, readout="last")

    def test_layers_of_two_cells(self):
        state = state_of(n_layers=2) | {
            f"rnn.{name}_l1": np.ones(shape)
            for name, shape in (
                ("weight_ih", (16, 4)),
                ("weight_hh", (16, 4)),
                ("bias_ih", (16,)),
                ("bias_hh", (16,)),
            )
        }
        with pytest.raises(ExchangeError, match="gru, lstm"):
            from_state_dict(state, readout="last")

    def test_a_cell_that_was_not_expected(self):
        with pytest.raises(ExchangeError, match=r"cell='lstm', but .* gru"):
            from_state_dict(state_of(), readout="last", cell="lstm")
        with pytest.raises(ExchangeError, match="activation='relu'"):
            from_state_dict(state_of(), readout="last", activation="relu")
        with pytest.raises(ExchangeError, match="activation='sin'"):
            from_state_dict(state_of("tanh"), readout="last", activation="sin")

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_numbers_that_are_none(self, bad):
        for name, array in state_of(n_layers=2).items():
            spoilt = array.copy()
            spoilt.flat[-1] = bad
            with pytest.raises(ExchangeError, match=f"{name} holds NaN or infinity at"):
                from_state_dict(state_of(n_layers=2) | {name: spoilt}, readout="last")

    def test_numbers_beyond_all_use(self):
        state = state_of()
        state["rnn.weight_hh_l0"] = np.full((12, 4), 1e200)
        with pytest.raises(ExchangeError, match="so large"):
            from_state_dict(state, readout="last")

    @pytest.mark.parametrize("dtype", ["float16", "int64", "int8", "bool", "complex128"])
    def test_other_types(self, dtype):
        for name in state_of():
            state = state_of()
            state[name] = state[name].astype(dtype)
            with pytest.raises(ExchangeError, match=rf"{name}.* is {dtype}.*float\(\)"):
                from_state_dict(state, readout="last")

    def test_two_types(self):
        state = state_of()
        state["fc.weight"] = state["fc.weight"].astype("float32")
        with pytest.raises(ExchangeError, match=r"float64, and fc\.weight is float32"):
            from_state_dict(state, readout="last")

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("epoch", 3, "epoch is of type int"),
            ("note", "text", "note is of type str"),
            ("parts", [1.0], "parts is of type list"),
            (7, np.ones(3), "7 is no name"),
            ("masked", np.ma.ones(3), "masked is of type MaskedArray"),
            ("optimizer", {"lr": 1}, r"mappings under 'optimizer'.*mapping\['optimizer'\]"),
        ],
    )
    def test_values_that_are_no_tensors(self, key, value, message):
        with pytest.raises(ExchangeError, match=message):
            from_state_dict(state_of() | {key: value}, readout="last")

    def test_what_is_no_state_dict(self):
        for given in (3, None, [1.0], np.ones(3)):
            with pytest.raises(TypeError, match="expected a mapping"):
                from_state_dict(given, readout="last")


class FakeTensor:
    """As much of a tensor of PyTorch's as is asked for."""

    def __init__(self, array, dtype=None):
        self.array = array
        self.dtype = f"torch.{dtype or array.dtype}"
        self.shape = array.shape

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.array


class TestTensors:
    def test_tensors_are_as_good_as_arrays(self):
        state = {name: FakeTensor(array) for name, array in state_of().items()}
        one = from_state_dict(state, readout="last").predict_proba(sequences())
        two = from_state_dict(state_of(), readout="last").predict_proba(sequences())
        assert np.array_equal(one, two)

    def test_the_weights_are_copies(self):
        state = state_of()
        clf = from_state_dict(state, readout="last")
        before = clf.predict_proba(sequences())
        for array in state.values():
            array[...] = 0
        assert np.array_equal(clf.predict_proba(sequences()), before)

    def test_half_precision_says_how_to_convert(self):
        state = state_of() | {"fc.bias": FakeTensor(np.ones(3), "bfloat16")}
        with pytest.raises(ExchangeError, match=r"fc\.bias is bfloat16.*tensor\.float\(\)"):
            from_state_dict(state, readout="last")

    def test_a_file_of_another_program(self, tmp_path):
        path = tmp_path / "net.safetensors"
        save_file(state_of(), path, metadata={"format": "pt"})
        one = from_state_dict(path, readout="last").predict_proba(sequences())
        two = from_state_dict(state_of(), readout="last").predict_proba(sequences())
        assert np.array_equal(one, two)
        with pytest.raises(ExchangeError, match="readout is not given"):
            from_state_dict(path)
        save_file(state_of() | {"fc.bias": np.ones(3, "float16")}, path)
        with pytest.raises(ExchangeError, match=r"fc\.bias is F16"):
            from_state_dict(path, readout="last")


class TestScalingAndMissing:
    def test_scaling_in_every_form(self):
        mean, scale = np.array([1.0, -2.0, 0.5]), np.array([2.0, 0.5, 3.0])
        rows = np.concatenate(sequences())
        state = state_of()
        plain = from_state_dict(state, readout="last")
        for given in (
            (mean, scale),
            StandardScaler().fit(rows),
            StandardScaler(with_mean=False).fit(rows + 1),
            StandardScaler(with_std=False).fit(rows),
            SequenceScaler().fit(sequences()),
        ):
            if isinstance(given, tuple):
                scaled = [(x - mean) / scale for x in sequences()]
            elif isinstance(given, StandardScaler):
                scaled = [given.transform(x) for x in sequences()]
            else:
                scaled = given.transform(sequences())
            clf = from_state_dict(state, readout="last", scaling=given)
            found = clf.predict_proba(sequences())
            assert np.abs(found - plain.predict_proba(scaled)).max() < 1e-12

    @pytest.mark.parametrize(
        ("scaling", "message"),
        [
            (([1, 2], [1, 2]), "2 value"),
            (([1, 2, 3], [1, 0, 1]), "scale"),
            (([1, 2, np.nan], [1, 1, 1]), "mean"),
            (([1, 2, 3], [1, 1, -1]), "scale"),
        ],
    )
    def test_scaling_that_is_none(self, scaling, message):
        with pytest.raises(ExchangeError, match=message):
            from_state_dict(state_of(), readout="last", scaling=scaling)
        with pytest.raises(TypeError, match="must be a pair"):
            from_state_dict(state_of(), readout="last", scaling=3.0)

    def test_a_scale_of_targets(self):
        state = state_of(n_outputs=2)
        plain = from_state_dict(state, readout="mean", task="regress").predict(sequences())
        reg = from_state_dict(
            state, readout="mean", task="regress", target_scaling=([1, -1], [10, 0.5])
        )
        assert np.allclose(reg.predict(sequences()), plain * [10, 0.5] + [1, -1], atol=1e-12)
        with pytest.raises(ExchangeError, match="target_scaling"):
            from_state_dict(state, readout="mean", target_scaling=([1, -1], [10, 0.5]))

    def test_missing_values(self):
        state = state_of(n_inputs=4)
        X = [x[:, :2].copy() for x in sequences()]
        X[0][1, 0] = X[2][3] = np.nan
        fed = [np.hstack([np.nan_to_num(x), np.isnan(x)]) for x in X]
        plain = from_state_dict(state, readout="last").predict_proba(fed)
        clf = from_state_dict(state, readout="last", missing="mask")
        assert np.array_equal(clf.predict_proba(X), plain)
        kept = [x[~np.isnan(x).any(1)] for x in X]
        two = state_of(n_inputs=2)
        plain = from_state_dict(two, readout="last").predict_proba(kept)
        clf = from_state_dict(two, readout="last", missing="skip")
        assert np.array_equal(clf.predict_proba(X), plain)
        with pytest.raises(ExchangeError, match="reads 3"):
            from_state_dict(state_of(), readout="last", missing="mask")
        with pytest.raises(ExchangeError, match="choose one of"):
            from_state_dict(state, readout="last", missing="drop")

    def test_names_of_features(self):
        clf = from_state_dict(state_of(), readout="last", feature_names=["a", "b", "c"])
        assert clf.feature_names_in_.tolist() == ["a", "b", "c"]
        with pytest.raises(ExchangeError, match="3 different names"):
            from_state_dict(state_of(), readout="last", feature_names=["a", "b"])
        with pytest.raises(ExchangeError, match="3 different names"):
            from_state_dict(state_of(), readout="last", feature_names=["a", "b", "a"])


class TestVocabularies:
    def state(self, n_rows, **options):
        E = np.random.default_rng(8).normal(size=(n_rows, 3))
        return state_of(**options) | {"embed.weight": E}

    def expected(self, state, ids):
        x = state["embed.weight"][ids]
        z = logits_of("gru", state, x, 1, False)
        return np.exp(z) / np.exp(z).sum()

    def test_texts(self):
        state = self.state(5)
        clf = from_state_dict(state, readout="last", vocabulary="ab?cd", unknown="?")
        found = clf.predict_proba(["dab", "axb"])
        assert np.abs(found[0] - self.expected(state, [4, 0, 1])).max() < 1e-12
        assert np.abs(found[1] - self.expected(state, [0, 2, 1])).max() < 1e-12

    @pytest.mark.parametrize("tokens", [["<pad>", "the", "sea", "is"], [10, 3, 7, 99]])
    def test_tokens_of_which_none_is_unknown(self, tokens):
        state = self.state(4)
        rows = [None, *tokens[1:]]
        clf = from_state_dict(state, readout="last", vocabulary=rows)
        found = clf.predict_proba([[tokens[3], tokens[1]], [tokens[2]]])
        assert np.abs(found[0] - self.expected(state, [3, 1])).max() < 1e-12
        assert np.abs(found[1] - self.expected(state, [2])).max() < 1e-12
        with pytest.raises(ValueError, match="none of the 3 categories"):
            clf.predict_proba([[tokens[0]]])

    def test_an_array_and_a_tagger(self):
        state = self.state(4)
        tagger = from_state_dict(state, task="tag", vocabulary=np.arange(4), unknown=0)
        found = tagger.predict_proba([[3, 1], [77]])
        assert np.abs(found[0][1] - self.expected(state, [3, 1])).max() < 1e-12
        assert np.abs(found[1][0] - self.expected(state, [0])).max() < 1e-12

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"vocabulary": "abc"}, r"no tensor of shape \(3, 3\)"),
            ({"vocabulary": "abcd", "embedding": "emb"}, r"no emb\.weight"),
            ({"vocabulary": "abcd", "embedding": "fc"}, r"fc\.weight has shape \(3, 4\)"),
            ({"vocabulary": "abca"}, "'a' twice"),
            ({"vocabulary": ["a", 1, "b", "c"]}, "all texts"),
            ({"vocabulary": [1.0, 2.0, 3.0, 4.0]}, "all texts"),
            ({"vocabulary": []}, "all texts"),
            ({"vocabulary": "abcd", "unknown": "?"}, "not in the vocabulary"),
            ({"vocabulary": [None, "a", None, None], "unknown": "a"}, "no token that is known"),
            ({"vocabulary": "abcd", "scaling": ([0], [1])}, "of numbers"),
            ({"vocabulary": "abcd", "missing": "mask"}, "X holds tokens"),
            ({"unknown": "?"}, "belong to a vocabulary"),
            ({"embedding": "embed"}, "belong to a vocabulary"),
            ({}, "vocabulary="),
        ],
    )
    def test_vocabularies_that_do_not_fit(self, options, message):
        with pytest.raises(ExchangeError, match=message):
            from_state_dict(self.state(4), readout="last", **options)


def test_what_comes_back_is_an_estimator(tmp_path):
    clf = from_state_dict(state_of(), readout="last", classes=["a", "b", "c"])
    assert isinstance(clf, RNNClassifier)
    clf.save(tmp_path / "model.safetensors")
    again = RNNClassifier.load(tmp_path / "model.safetensors")
    assert np.array_equal(again.predict_proba(sequences()), clf.predict_proba(sequences()))
    before = clf.predict_proba(sequences())
    clf.partial_fit(sequences(), ["a", "b", "c", "a"])
    assert not np.array_equal(clf.predict_proba(sequences()), before)


def test_tasks_that_are_none():
    with pytest.raises(ExchangeError, match="classify, multilabel, tag, regress"):
        from_state_dict(state_of(), readout="last", task="classification")
    with pytest.raises(TypeError, match="list of names"):
        from_state_dict(state_of(), readout="last", ignore="fc")
