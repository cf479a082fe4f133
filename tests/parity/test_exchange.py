"""Networks of PyTorch's as our estimators, and our models as modules of PyTorch's, live.

Bounds are those of the two types: 1e-12 in float64, 1e-6 in float32.
"""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from helpers.explained import (
    LENGTHS,
    MODELS,
    NETWORKS,
    classifier,
    labels,
    recordings,
    regressor,
    small,
)
from helpers.symbol_fits import DATA
from helpers.symbol_fits import KINDS as OF_SYMBOLS
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data.prepared import Prepared
from elman.exchange import (
    ExchangeError,
    from_state_dict,
    from_torch,
    save_state_dict,
    to_state_dict,
    to_torch,
)
from elman.exchange.torch.names import to_torch_names

BOUND = {torch.float32: 1e-6, torch.float64: 1e-12, np.dtype("f4"): 1e-6, np.dtype("f8"): 1e-12}
KINDS = {
    "tanh": (nn.RNN, {"nonlinearity": "tanh"}),
    "relu": (nn.RNN, {"nonlinearity": "relu"}),
    "gru": (nn.GRU, {}),
    "lstm": (nn.LSTM, {}),
}


class Net(nn.Module):
    """A network as people write one, which packs its samples."""

    def __init__(
        self, kind, *, readout="last", n_outputs=4, n_inputs=3, size=5, dtype=torch.float64, **opts
    ):
        super().__init__()
        make, options = KINDS[kind]
        self.encoder = make(n_inputs, size, batch_first=True, dtype=dtype, **options, **opts)
        self.readouts = (readout,) if isinstance(readout, str) else readout
        width = size * (2 if opts.get("bidirectional") else 1)
        self.fc = nn.Linear(width * len(self.readouts), n_outputs, dtype=dtype)

    def forward(self, X, lengths):
        packed = pack_padded_sequence(X, lengths, batch_first=True, enforce_sorted=False)
        packed, last = self.encoder(packed)
        H, _ = pad_packed_sequence(packed, batch_first=True)
        if self.readouts == ("every",):
            return self.fc(H)
        h_n = last[0] if isinstance(last, tuple) else last
        reads = {
            "last": lambda: torch.cat([*h_n[-2:]], 1) if self.encoder.bidirectional else h_n[-1],
            "mean": lambda: torch.stack([h[:n].mean(0) for h, n in zip(H, lengths, strict=True)]),
            "max": lambda: torch.stack([h[:n].amax(0) for h, n in zip(H, lengths, strict=True)]),
        }
        return self.fc(torch.cat([reads[name]() for name in self.readouts], 1))


def padded(X, dtype=torch.float64):
    out = torch.full((len(X), max(map(len, X)), X[0].shape[1]), torch.nan, dtype=dtype)
    for row, x in zip(out, X, strict=True):
        row[: len(x)] = torch.tensor(x)
    return out.nan_to_num(), torch.tensor([len(x) for x in X])


def within(ours, theirs, bound):
    ours, theirs = np.asarray(ours), theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert ours.size
    assert np.abs(ours - theirs).max() <= bound


class TestNetworksOfPyTorch:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("bidirectional", [True, False])
    @pytest.mark.parametrize("num_layers", [1, 3])
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_classifier(self, kind, num_layers, bidirectional, bias, dtype):
        torch.manual_seed(0)
        options = {"num_layers": num_layers, "bidirectional": bidirectional, "bias": bias}
        net = Net(kind, dtype=dtype, **options)
        clf = from_state_dict(
            net.state_dict(), readout="last", activation="relu" if kind == "relu" else "tanh"
        )
        X = [x.astype(str(dtype).removeprefix("torch.")) for x in recordings()]
        within(clf.predict_proba(X), net(*padded(X, dtype)).softmax(1), BOUND[dtype])
        assert clf.get_params()["bidirectional"] == bidirectional
        assert clf.get_params()["n_layers"] == num_layers

    @pytest.mark.parametrize("bidirectional", [True, False])
    @pytest.mark.parametrize("readout", ["mean", "max", ("last", "max"), ("max", "mean", "last")])
    @pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
    def test_readouts(self, kind, readout, bidirectional):
        net = Net(kind, readout=readout, bidirectional=bidirectional)
        clf = from_state_dict(net.state_dict(), readout=readout)
        within(clf.predict_proba(recordings()), net(*padded(recordings())).softmax(1), 1e-12)

    @pytest.mark.parametrize("kind", ["relu", "gru", "lstm"])
    def test_answers_at_every_step(self, kind):
        net = Net(kind, readout="every", bidirectional=True)
        options = {"activation": "relu"} if kind == "relu" else {}
        found = from_state_dict(net.state_dict(), task="tag", classes=list("dbca"), **options)
        values = from_state_dict(net.state_dict(), task="regress", readout="every", **options)
        assert found.classes_.tolist() == list("abcd")
        logits = net(*padded(recordings()))
        for i, n in enumerate(LENGTHS):
            judged = logits[i, :n].softmax(1)[:, [3, 1, 2, 0]]
            within(found.predict_proba(recordings())[i], judged, 1e-12)
            within(values.predict(recordings())[i], logits[i, :n], 1e-12)

    def test_numbers_with_a_scale(self):
        net = Net("gru", readout="mean", n_outputs=2)
        mean, scale = np.array([1.0, -3.0]), np.array([0.5, 20.0])
        reg = from_state_dict(
            net.state_dict(), task="regress", readout="mean", target_scaling=(mean, scale)
        )
        judged = net(*padded(recordings())) * torch.tensor(scale) + torch.tensor(mean)
        within(reg.predict(recordings()), judged, 1e-11)

    def test_one_output_is_the_second_of_two_classes(self):
        net = Net("lstm", n_outputs=1)
        p = net(*padded(recordings())).sigmoid()[:, 0]
        clf = from_state_dict(net.state_dict(), readout="last", classes=["no", "yes"])
        within(clf.predict_proba(recordings())[:, 1], p, 1e-12)
        turned = from_state_dict(net.state_dict(), readout="last", classes=["yes", "no"])
        within(turned.predict_proba(recordings())[:, 0], p, 1e-12)

    def test_several_labels(self):
        net = Net("gru", n_outputs=3)
        clf = from_state_dict(net.state_dict(), readout="last", task="multilabel")
        within(clf.predict_proba(recordings()), net(*padded(recordings())).sigmoid(), 1e-12)

    def test_scaling_of_the_features(self):
        net = Net("tanh")
        mean, scale = np.array([1.0, -2.0, 0.5]), np.array([2.0, 0.5, 3.0])
        clf = from_state_dict(net.state_dict(), readout="last", scaling=(mean, scale))
        X, lengths = padded(recordings())
        judged = net((X - torch.tensor(mean)) / torch.tensor(scale), lengths).softmax(1)
        within(clf.predict_proba(recordings()), judged, 1e-12)

    def test_modules_one_above_the_other(self):
        below, above = nn.GRU(3, 5, batch_first=True), nn.GRU(5, 4, batch_first=True)
        nets = nn.ModuleDict({"below": below, "above": above, "fc": nn.Linear(4, 3)}).double()
        clf = from_state_dict(nets.state_dict(), rnn=["below", "above"], readout="last")
        for x in recordings():
            H = above(below(torch.tensor(x[np.newaxis]))[0])[0]
            within(clf.predict_proba([x]), nets["fc"](H[:, -1]).softmax(1), 1e-12)

    def test_a_cell_module(self):
        net = nn.ModuleDict({"cell": nn.LSTMCell(3, 4), "fc": nn.Linear(4, 3)}).double()
        clf = from_state_dict(net.state_dict(), readout="last")
        for x in recordings():
            state = None
            for step in torch.tensor(x):
                state = net["cell"](step[None], state)
            within(clf.predict_proba([x]), net["fc"](state[0]).softmax(1), 1e-12)

    @pytest.mark.parametrize("form", ["characters", "tokens", "ids"])
    def test_an_embedding(self, form):
        torch.manual_seed(1)
        rows = {"characters": "?abcd", "tokens": ["<unk>", "a", None, "b", "c"], "ids": range(5)}
        names = rows[form]
        net = nn.ModuleDict(
            {
                "emb": nn.Embedding(len(names), 3),
                "rnn": nn.GRU(3, 4, batch_first=True),
                "fc": nn.Linear(4, 2),
            }
        ).double()
        unknown = {"characters": "?", "tokens": "<unk>", "ids": 0}[form]
        clf = from_state_dict(net.state_dict(), readout="last", vocabulary=names, unknown=unknown)
        words = {"characters": "ab?zc", "tokens": ["a", "zzz", "c", "b"], "ids": [3, 99, 1, 4]}
        known = [*names]
        ids = [known.index(w) if w in known else known.index(unknown) for w in words[form]]
        H, _ = net["rnn"](net["emb"](torch.tensor([ids])))
        X = [words[form]]
        within(clf.predict_proba(X), net["fc"](H[:, -1]).softmax(1), 1e-12)

    def test_our_weights_in_a_module_of_theirs(self):
        clf = classifier(cell="gru", n_layers=2, bidirectional=True, readout="last", deltas=0)
        net = Net("gru", num_layers=2, bidirectional=True, n_outputs=3, size=4)
        state = to_state_dict(clf)
        theirs = {
            name.replace("rnn.", "encoder.").replace("head.", "fc."): torch.tensor(array)
            for name, array in state.items()
            if not name.startswith("standardize")
        }
        assert net.load_state_dict(theirs)
        X, lengths = padded(recordings())
        X = (X - torch.tensor(state["standardize.mean"])) / torch.tensor(state["standardize.scale"])
        bound = BOUND[state["head.bias"].dtype]
        within(clf.predict_proba(recordings()), net(X, lengths).softmax(1), bound)


def answers(estimator, X):
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)
    return estimator.predict(X)


def assert_same_answers(estimator, X):
    """That a module gives what the estimator does, and comes back as it was."""
    expected = answers(estimator, X)
    module = to_torch(estimator)
    batch, lengths = module.batch(X)
    with torch.no_grad():
        found = module(batch, lengths).numpy()
    weight = module.head.weight
    for i, own in enumerate(expected):
        got = found[i, : len(own)] if isinstance(expected, list) else found[i]
        assert np.shape(got) == np.shape(own)
        largest = max(1.0, np.abs(own).max(initial=0))  # of values of a regressor
        assert np.abs(got - own).max(initial=0) <= BOUND[weight.dtype] * largest
        if isinstance(expected, list):
            assert not found[i, len(own) :].any()
    state = to_state_dict(estimator)
    assert {name: tuple(array.shape) for name, array in module.state_dict().items()} == {
        name: array.shape for name, array in state.items()
    }
    for one, other in zip(answers(from_torch(module), X), expected, strict=True):
        assert np.array_equal(one, other)


WITH_EMPTY = [*recordings(), np.zeros((0, 3))]
FRONT_ENDS = {
    "differences": {"deltas": 2},
    "blocks": {"deltas": 1, "stride": 3, "cell": "gru"},
    "both directions": {"deltas": 1, "stride": 2, "bidirectional": True},
    "own amplitude": {"deltas": 1, "stride": 2, "scale_each": True},
    "relu": {"activation": "relu", "standardize": False},
    "lstm that begins somewhere": {
        "cell": "lstm",
        "n_layers": 2,
        "bidirectional": True,
        "residual": True,
        "learn_initial_state": True,
    },
    "normed": {"layer_norm": True, "activation": "relu"},
    "normed gru": {"layer_norm": True, "cell": "gru", "n_layers": 2, "bidirectional": True},
    "normed lstm": {"layer_norm": True, "cell": "lstm", "learn_initial_state": True},
}


class TestOurModels:
    @pytest.fixture(autouse=True)
    def one_backend(self, monkeypatch):
        """What comes back has the default one, whatever the user chose."""
        monkeypatch.setenv("ELMAN_BACKEND", "reference")

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("network", NETWORKS)
    @pytest.mark.parametrize("kind", MODELS)
    def test_networks(self, kind, network, dtype):
        options = NETWORKS[network] | {"dtype": dtype}
        if kind in ("tagger", "regressor of steps"):
            options.pop("readout", None)
        assert_same_answers(MODELS[kind](**options), WITH_EMPTY)

    @pytest.mark.parametrize("front", FRONT_ENDS)
    @pytest.mark.parametrize("kind", MODELS)
    def test_front_ends_and_cells(self, kind, front):
        options = {
            k: v for k, v in FRONT_ENDS[front].items() if (kind, k) != ("pipeline", "standardize")
        }
        assert_same_answers(MODELS[kind](**options, dtype="float64"), WITH_EMPTY)

    @pytest.mark.parametrize("missing", ["mask", "skip"])
    @pytest.mark.parametrize("front", ["differences", "both directions", "own amplitude"])
    @pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
    def test_missing_values(self, kind, front, missing):
        rng = np.random.default_rng(0)
        X = [np.where(rng.random(x.shape) < 0.2, np.nan, x) for x in recordings()]
        X[3][...] = np.nan
        y = {
            RNNClassifier: labels(),
            RNNTagger: [np.arange(n) % 3 for n in LENGTHS],
            RNNRegressor: [np.cumsum(np.ones(n)) for n in LENGTHS],
        }[kind]
        fitted = small(kind, missing=missing, dtype="float64", **FRONT_ENDS[front]).fit(X, y)
        assert_same_answers(fitted, [*X, np.zeros((0, 3))])

    @pytest.mark.parametrize(
        "options", [{"embedding_size": 2, "bidirectional": True}, {"embedding_size": None}]
    )
    @pytest.mark.parametrize("form", DATA)
    @pytest.mark.parametrize("kind", OF_SYMBOLS)
    def test_symbols(self, kind, form, options):
        assert_same_answers(OF_SYMBOLS[kind](form, **options), DATA[form]())

    def test_a_2d_x(self):
        X = np.random.default_rng(0).normal(size=(9, 6))
        clf = RNNClassifier(3, max_iter=2, random_state=0).fit(X, np.arange(9) % 2)
        assert_same_answers(clf, X)
        found = to_torch(clf)(torch.tensor(X))
        within(clf.predict_proba(X), found, 1e-6)

    def test_the_padding_is_not_read(self):
        for make in MODELS.values():
            module = to_torch(make(stride=2, deltas=1))
            batch, lengths = module.batch(recordings())
            past = torch.arange(batch.shape[1]) >= lengths[:, None]
            spoilt = batch.masked_fill(past[:, :, None], torch.nan)
            assert torch.equal(module(batch, lengths), module(spoilt, lengths))

    def test_no_samples_and_no_steps(self):
        for make in MODELS.values():
            fitted = make()
            module = to_torch(fitted)
            assert len(module(torch.zeros(0, 4, 3), torch.zeros(0, dtype=torch.int64))) == 0
            nothing = module(torch.zeros(2, 0, 3))
            if not isinstance(answers(fitted, recordings()), list):
                within(answers(fitted, [np.zeros((0, 3))] * 2), nothing, 1e-6)

    @pytest.mark.parametrize(
        ("X", "lengths", "message"),
        [
            (torch.zeros(2, 4, 5), None, r"expected \(n_samples, n_timesteps, 3\)"),
            (torch.zeros(2, 4, 3), torch.tensor([4, 5]), r"lengths has \[4, 5\]"),
            (torch.zeros(2, 4, 3), torch.tensor([1.0, 2.0]), "whole numbers"),
            (torch.full((2, 4, 3), torch.nan), None, r"X\[0\], time step 0"),
            (torch.full((2, 4, 3), 1e300, dtype=torch.float64), None, "leaves the range"),
        ],
    )
    def test_bad_input(self, X, lengths, message):
        with pytest.raises(ValueError, match=message):
            to_torch(classifier(dtype="float32"))(X, lengths)

    def test_ids_that_are_none(self):
        module = to_torch(OF_SYMBOLS["classifier"]("tokens"))
        for bad in (-1.0, 0.5, 99.0):
            with pytest.raises(ValueError, match="ids of categories"):
                module(torch.full((1, 2, 1), bad))

    def test_the_generator_of_pytorch_stays(self):
        torch.manual_seed(3)
        before = torch.get_rng_state()
        to_torch(classifier())
        assert torch.equal(torch.get_rng_state(), before)

    def test_a_copy_a_pickle_and_another_type(self):
        clf = classifier()
        module = to_torch(clf)
        batch, lengths = module.batch(recordings())
        for same in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
            assert torch.equal(same(batch, lengths), module(batch, lengths))
        alike = from_torch(copy.deepcopy(module).double()).predict_proba(recordings())
        assert np.abs(alike - clf.predict_proba(recordings())).max() < 1e-6
        with pytest.raises(ExchangeError, match=r"float16, shape .*tensor\.float\(\)"):
            from_torch(copy.deepcopy(module).half())


class TestFineTuning:
    @pytest.mark.parametrize(
        "options",
        [
            {"cell": "gru", "readout": ("mean", "attention")},
            {"cell": "lstm", "n_layers": 2, "bidirectional": True, "learn_initial_state": True},
            {"layer_norm": True},
        ],
    )
    def test_a_classifier_learns_and_comes_back(self, options, tmp_path):
        clf = classifier(**options, dtype="float64")
        module = to_torch(clf).train()
        batch, lengths = module.batch(recordings())
        codes = torch.tensor(np.searchsorted(clf.classes_, labels()))
        optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
        losses = []
        for _ in range(20):
            loss = nn.functional.cross_entropy(module.logits(batch, lengths), codes)
            optimizer.zero_grad()
            loss.backward()
            assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())
            optimizer.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.7 * losses[0]
        back = from_torch(module)
        within(back.predict_proba(recordings()), module(batch, lengths), 1e-12)
        assert back.classes_.tolist() == clf.classes_.tolist()
        torch.save(module.state_dict(), tmp_path / "tuned.pt")
        other = from_state_dict(tmp_path / "tuned.pt", like=clf)
        assert np.array_equal(other.predict_proba(recordings()), back.predict_proba(recordings()))
        back.save(tmp_path / "tuned.safetensors")
        save_state_dict(tmp_path / "tuned.safetensors", tmp_path / "weights.safetensors")
        last = from_state_dict(tmp_path / "weights.safetensors")
        assert np.array_equal(last.predict_proba(recordings()), back.predict_proba(recordings()))

    def test_a_regressor_learns_and_comes_back(self):
        reg = regressor(cell="gru", dtype="float64")
        module = to_torch(reg)
        batch, lengths = module.batch(recordings())
        y = torch.tensor([[x[:, 0].sum(), x[-1, 1]] for x in recordings()])
        targets = (y - module.target.mean) / module.target.scale
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            ((module.logits(batch, lengths) - targets) ** 2).mean().backward()
            optimizer.step()
        within(from_torch(module).predict(recordings()), module(batch, lengths), 1e-11)

    def test_frozen_vectors_stay(self):
        clf = OF_SYMBOLS["classifier"]("tokens", embedding_size=2)
        clf.set_params(freeze_embedding=True)
        clf.partial_fit(DATA["tokens"](), clf.predict(DATA["tokens"]()))
        frozen = clf.model_.network.layout.frozen_embeddings
        assert to_torch(clf).embedding["0"].weight.requires_grad == (not frozen)

    @pytest.mark.parametrize("network", NETWORKS)
    def test_gradients_are_ours(self, network):
        options = NETWORKS[network] | {"backend": "reference", "dtype": "float64"}
        model = classifier(**options, deltas=1).model_
        backend, module = model.current_backend(), to_torch(model)
        data = Prepared(model.check(WITH_EMPTY), model.standardisation, "f8", model.frontend)
        batch = data.batch(slice(None), backend)
        logits, backward = model.network.forward(batch.X, batch.lengths, backend)
        dlogits = np.random.default_rng(0).normal(size=logits.shape)
        gradient, _ = backward(dlogits)
        X, lengths = module.batch(WITH_EMPTY)
        found = module.logits(X, lengths)[torch.tensor(batch.order)]
        (found * torch.tensor(dlogits)).sum().backward()
        expected = to_torch_names(model.network.layout, gradient)
        assert expected.keys() == dict(module.named_parameters()).keys()
        for name, parameter in module.named_parameters():
            if "bias_hh" not in name:  # a part of ours, and the same as that of bias_ih
                within(expected[name], parameter.grad, 1e-11)


class Harm:
    """A pickle that writes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


class TestFilesOfPyTorch:
    @pytest.mark.parametrize("legacy", [True, False])
    @pytest.mark.parametrize("suffix", ["pt", "pth", "bin", "ckpt"])
    def test_a_state_dict(self, tmp_path, suffix, legacy):
        net = Net("gru")
        path = tmp_path / f"net.{suffix}"
        torch.save(net.state_dict(), path, _use_new_zipfile_serialization=not legacy)
        clf = from_state_dict(path, readout="last")
        within(clf.predict_proba(recordings()), net(*padded(recordings())).softmax(1), 1e-12)

    def test_safetensors_of_another_program(self, tmp_path):
        from safetensors.torch import save_file

        net = Net("lstm")
        save_file(net.state_dict(), tmp_path / "net.safetensors", metadata={"format": "pt"})
        clf = from_state_dict(tmp_path / "net.safetensors", readout="last")
        within(clf.predict_proba(recordings()), net(*padded(recordings())).softmax(1), 1e-12)

    @pytest.mark.parametrize("legacy", [True, False])
    def test_a_hostile_pickle_runs_nothing(self, tmp_path, legacy):
        state = {**Net("gru").state_dict(), "harm": Harm(tmp_path / "harmed")}
        torch.save(state, tmp_path / "net.pt", _use_new_zipfile_serialization=not legacy)
        with pytest.raises(ExchangeError, match="weights_only=True"):
            from_state_dict(tmp_path / "net.pt", readout="last")
        assert not (tmp_path / "harmed").exists()

    def test_a_plain_hostile_pickle_runs_nothing(self, tmp_path):
        (tmp_path / "net.pt").write_bytes(pickle.dumps(Harm(tmp_path / "harmed")))
        with pytest.raises(ExchangeError, match="weights_only=True"):
            from_state_dict(tmp_path / "net.pt", readout="last")
        assert not (tmp_path / "harmed").exists()

    def test_damaged_files(self, tmp_path):
        path = tmp_path / "net.pt"
        torch.save(Net("gru").state_dict(), path)
        whole = path.read_bytes()
        for content in (b"", b"PK", whole[:100], whole[: len(whole) // 2], b"\x80\x02]."):
            path.write_bytes(content)
            with pytest.raises(ExchangeError, match=r"net\.pt"):
                from_state_dict(path, readout="last")

    def test_a_whole_module_is_refused(self, tmp_path):
        torch.save(Net("gru"), tmp_path / "net.pt")
        with pytest.raises(ExchangeError, match=r"torch.save\(module.state_dict\(\), path\)"):
            from_state_dict(tmp_path / "net.pt", readout="last")

    def test_an_older_pytorch_is_refused(self, tmp_path, monkeypatch):
        torch.save(Net("gru").state_dict(), tmp_path / "net.pt")
        monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
        with pytest.raises(ExchangeError, match=r"2\.5\.1.*may run code") as error:
            from_state_dict(tmp_path / "net.pt", readout="last")
        assert "save_file(" in str(error.value)

    def test_a_checkpoint_says_where_the_weights_are(self, tmp_path):
        net = Net("gru")
        torch.save({"epoch": 3, "model": net.state_dict()}, tmp_path / "net.ckpt")
        with pytest.raises(ExchangeError, match=r"'model'"):
            from_state_dict(tmp_path / "net.ckpt", readout="last")

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex64])
    def test_other_types(self, dtype):
        state = Net("gru").state_dict()
        state["encoder.bias_hh_l0"] = state["encoder.bias_hh_l0"].to(dtype)
        name = str(dtype).removeprefix("torch.")
        with pytest.raises(ExchangeError, match=f"encoder.bias_hh_l0 is {name}"):
            from_state_dict(state, readout="last")

    def test_tensors_without_numbers(self):
        state = Net("gru").state_dict()
        state["encoder.bias_hh_l0"] = state["encoder.bias_hh_l0"].to("meta")
        with pytest.raises(ExchangeError, match="bias_hh_l0 gives no array"):
            from_state_dict(state, readout="last")

    def test_other_layers_are_named(self):
        net = nn.Sequential()
        net.rnn, net.norm, net.fc = nn.GRU(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)
        with pytest.raises(ExchangeError, match=r"norm.weight.*batch normalisation"):
            from_state_dict(net.state_dict(), readout="last")
        net.norm, net.fc = nn.Identity(), nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
        with pytest.raises(ExchangeError, match=r"several.*'fc\.0\.'.*'fc\.1\.'"):
            from_state_dict(net.state_dict(), readout="last")
        net = nn.Sequential(nn.LSTM(3, 4, proj_size=2), nn.Linear(2, 2))
        with pytest.raises(ExchangeError, match=r"0\.weight_hr_l0.*proj_size"):
            from_state_dict(net.state_dict(), readout="last")

    def test_a_module_instead_of_its_weights(self):
        with pytest.raises(TypeError, match=r"pass its state_dict\(\)"):
            from_state_dict(Net("gru"), readout="last")
        with pytest.raises(TypeError, match="a module that to_torch made"):
            from_torch(Net("gru"))

    def test_a_module_whose_cell_was_replaced(self):
        module = to_torch(classifier(cell="elman"))
        old = module.rnn
        module.rnn = nn.RNN(old.input_size, old.hidden_size, nonlinearity="relu", batch_first=True)
        with pytest.raises(ExchangeError, match="as RNN_RELU, and those of the model as RNN_TANH"):
            from_torch(module)
