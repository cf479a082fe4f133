"""Files of C: what is written, what is refused, and what the numbers in them are."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from helpers.exchange_models import model_of_kind, model_of_symbols, ragged

from elman import RNNClassifier
from elman.data.named import NamedSequences
from elman.exchange.c99 import compare_int8, export, reasons_against, to_c
from elman.exchange.c99.literals import listed, literals
from elman.exchange.c99.names import c_string, comment_text
from elman.exchange.c99.quantising import quantised, rounded
from elman.exchange.digest import digest_of
from elman.exchange.parts import ExchangeError
from elman.formats.atomic import replacing


def texts_of(model, folder):
    """The header and the code of a model."""
    return [path.read_text(encoding="utf-8") for path in to_c(model, folder).paths]


class TestLiterals:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_every_number_is_read_back(self, dtype):
        rng = np.random.default_rng(0)
        info = np.finfo(dtype)
        bits = rng.integers(0, 2 ** (info.bits - 1), 2000, dtype=np.uint64)
        values = bits.astype(f"u{info.bits // 8}").view(dtype)
        ends = [info.max, info.tiny, info.smallest_subnormal, 0.0, -0.0, 1, 1e22, 0.1]
        values = np.concatenate([values[np.isfinite(values)], np.array(ends, dtype)])
        words = literals(np.concatenate([values, -values]))
        read = np.array([float(word.removesuffix("f")) for word in words]).astype(dtype)
        assert read.tobytes() == np.concatenate([values, -values]).tobytes()
        assert all(word.endswith("f") == (dtype is np.float32) for word in words)
        assert all("." in word or "e" in word for word in words)  # none is an integer

    def test_integers_and_nan(self):
        assert literals(np.array([-127, 5], np.int8)) == ["-127", "5"]
        assert literals(np.array([np.nan])) == ["NAN"]
        assert literals(np.array([np.nan], np.float32)) == ["NAN"]

    def test_lines_have_a_width(self):
        lines = listed(["0.125f"] * 100).splitlines()
        assert max(map(len, lines)) <= 100
        assert "".join(lines).count("0.125f,") == 100


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            *("", "9lives", "a-b", "a b", "_x", "été", "int", "Static", "math", "STDIO", 3, "a.b"),
            "features",
        ],
    )
    def test_what_begins_no_identifier_is_refused(self, tmp_path, name):
        with pytest.raises(ExchangeError, match="name"):
            to_c(model_of_kind(), tmp_path, name=name)
        assert not list(tmp_path.iterdir())

    def test_a_name_too_long(self, tmp_path):
        with pytest.raises(ExchangeError, match="41 characters; at most 40"):
            to_c(model_of_kind(), tmp_path, name="n" * 41)

    def test_strings_are_ascii_without_traps(self):
        assert c_string("é1??/") == r'"\303\2511\?\?/"'
        assert c_string("") == '""'
        long = c_string("\\" * 1000)
        assert long.count("\\\\") == 1000
        assert long.count('" "') > 1

    def test_a_comment_stays_one(self):
        shown = comment_text("a*/b\n/*??/\u202e" + "x" * 99)
        assert shown.startswith("a* /bU+000A/ *?? /U+202E")
        assert shown.endswith("...")

    @pytest.mark.parametrize("label", ["a\0b", "\ud800", "y" * 5000])
    def test_what_no_string_holds_is_a_reason(self, tmp_path, label):
        model = model_of_kind(classes=np.array(sorted(["a", label, "zz"]), object))
        assert len(reasons_against(model)) == 1
        with pytest.raises(ExchangeError, match="name of the class"):
            to_c(model, tmp_path)


class TestStatuses:
    """What the header says of a status is what the functions do."""

    @pytest.mark.parametrize(
        ("missing", "said"),
        [
            ("error", "MODEL_MISSING = -1, /* a value is NaN; the step was not read */"),
            ("mask", "MODEL_MISSING = -1, /* not of this model, which takes NaN */"),
            ("skip", "MODEL_MISSING = -1, /* not of this model, which takes NaN */"),
        ],
    )
    def test_nan(self, tmp_path, missing, said):
        header, code = texts_of(model_of_kind(missing=missing), tmp_path)
        assert said in header
        assert ("MODEL_MISSING" in code) == (missing == "error")

    @pytest.mark.parametrize(
        ("handle_unknown", "said"),
        [
            ("unknown", "/* an id is no whole number; the step was not read */"),
            ("error", "/* an id is no whole number, or out of range; the step was not read */"),
        ],
    )
    def test_an_id_out_of_range(self, tmp_path, handle_unknown, said):
        model = model_of_symbols("classifier", "tokens", handle_unknown=handle_unknown)
        assert f"MODEL_BAD_CATEGORY = -4, {said}" in texts_of(model, tmp_path)[0]


class TestFiles:
    def test_written_again_is_no_loss(self, tmp_path):
        model = model_of_kind()
        first = to_c(model, tmp_path / "new" / "folder")
        texts = [path.read_bytes() for path in first.paths]
        again = to_c(model, tmp_path / "new" / "folder")
        assert [path.read_bytes() for path in again.paths] == texts
        assert [path.name for path in again.paths] == ["model.h", "model.c"]

    def test_the_name_of_a_file_is_no_folder(self, tmp_path):
        with pytest.raises(ExchangeError, match="is the name of a file"):
            to_c(model_of_kind(), tmp_path / "swing.c")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("file", ["model.h", "model.c", "model_test.c"])
    def test_files_of_others_are_not_touched(self, tmp_path, file):
        (tmp_path / file).write_text("mine")
        with pytest.raises(ExchangeError, match=f"{file} is there and was not written by elman"):
            to_c(model_of_kind(), tmp_path, test_vectors=ragged())
        assert [path.name for path in tmp_path.iterdir()] == [file]
        to_c(model_of_kind(), tmp_path, test_vectors=ragged(), overwrite=True)
        assert (tmp_path / file).read_text().startswith("/* Made by elman")

    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_what_is_no_file_is_told_and_nothing_changes(self, tmp_path, make, overwrite):
        (tmp_path / "model.h").write_text("/* Made by elman, once */")
        make(tmp_path / "model.c")
        with pytest.raises((ExchangeError, OSError), match=r"model\.c"):
            to_c(model_of_kind(), tmp_path, overwrite=overwrite)
        assert (tmp_path / "model.h").read_text() == "/* Made by elman, once */"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model.c", "model.h"]

    @pytest.mark.parametrize("full", ["model.h", "model.c", "model_test.c"])
    def test_a_full_disk_leaves_the_files_of_one_model_together(self, tmp_path, monkeypatch, full):
        to_c(model_of_kind(), tmp_path, test_vectors=ragged())
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

        class Full(io.BytesIO):
            def write(self, content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), full)

        @contextlib.contextmanager
        def on_a_full_disk(path):
            with replacing(path) as file:
                yield Full() if path.name == full else file

        monkeypatch.setattr(export, "replacing", on_a_full_disk)
        with pytest.raises(OSError, match="No space left"):
            to_c(model_of_kind("tagger"), tmp_path, test_vectors=ragged())
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_a_folder_that_is_a_file(self, tmp_path):
        (tmp_path / "c").write_text("mine")
        with pytest.raises(NotADirectoryError):
            to_c(model_of_kind(), tmp_path / "c")

    @pytest.mark.parametrize("option", [{"dtype": "float16"}, {"weights": "int4"}])
    def test_options_that_are_not_known(self, tmp_path, option):
        with pytest.raises(ExchangeError, match="choose one of"):
            to_c(model_of_kind(), tmp_path, **option)

    def test_test_vectors_are_checked(self, tmp_path):
        with pytest.raises(ValueError, match="test_vectors"):
            to_c(model_of_kind(), tmp_path, test_vectors=ragged(3))
        with pytest.raises(ValueError, match=r"test_vectors has 0 sample\(s\)"):
            to_c(model_of_kind(), tmp_path, test_vectors=np.empty((0, 3, 2)))
        with pytest.raises(ValueError, match="test_vectors contains NaN"):
            to_c(model_of_kind(), tmp_path, test_vectors=ragged(2, "mask"))
        assert not list(tmp_path.iterdir())

    @pytest.mark.filterwarnings("error")
    def test_test_vectors_with_names_of_columns(self, tmp_path):
        model = replace(model_of_kind(), feature_names=("a", "b"))
        X = NamedSequences(ragged(), ("a", "b"))
        to_c(model, tmp_path, test_vectors=X)
        assert (tmp_path / "model_test.c").exists()

    def test_an_estimator_its_file_and_its_pipeline(self, tmp_path):
        from sklearn.pipeline import make_pipeline

        from elman import SequenceScaler, save

        X = np.random.default_rng(0).normal(size=(12, 5, 2))
        y = np.arange(12) % 2
        pipeline = make_pipeline(
            SequenceScaler(), RNNClassifier(hidden_size=3, max_iter=1, random_state=0)
        ).fit(X, y)
        save(pipeline, tmp_path / "m.safetensors")
        for i, given in enumerate((pipeline, tmp_path / "m.safetensors")):
            to_c(given, tmp_path / str(i))
        texts = [(tmp_path / f"{i}/model.c").read_text() for i in range(2)]
        assert texts[0] == texts[1]
        assert "mean1" in texts[0]
        assert (tmp_path / "0/model.h").read_text() == (tmp_path / "1/model.h").read_text()

    def test_a_scaler_before_categories_is_refused(self, tmp_path):
        scaler = model_of_kind(n_scalers=1).before
        model = replace(model_of_symbols(), before=scaler)
        with pytest.raises(ExchangeError, match="SequenceScaler stands before"):
            to_c(model, tmp_path)

    def test_weights_beyond_float32_are_refused(self, tmp_path):
        model = model_of_kind(dtype="float64")
        model.network.params["head.W"][0, 0] = 1e39
        with pytest.raises(ExchangeError, match=r"head\.W: write dtype='float64'"):
            to_c(model, tmp_path)
        assert reasons_against(model, dtype="float64") == []

    def test_loads_neither_scikit_learn_nor_any_other_framework(self):
        code = (
            "import sys, elman.exchange.c99\n"
            "print(sorted({'sklearn', 'onnx', 'torch', 'h5py'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout == "[]\n"


class TestHeader:
    def header(self, tmp_path, model, **options):
        return to_c(model, tmp_path, **options).paths[0].read_text(encoding="utf-8")

    def test_says_what_it_is_of(self, tmp_path):
        model = replace(model_of_kind("classifier", cell="lstm"), feature_names=("speed", "größe"))
        text = self.header(tmp_path, model)
        assert digest_of(model) in text
        assert "x[0] speed" in text
        assert "x[1] größe" in text
        assert "LSTM, 3 units" in text

    @pytest.mark.parametrize(
        ("missing", "words"), [("error", "is refused"), ("skip", "is skipped")]
    )
    def test_says_what_nan_does(self, tmp_path, missing, words):
        assert words in self.header(tmp_path, model_of_kind(missing=missing))

    def test_a_scaler_that_refuses_nan_decides(self, tmp_path):
        model = model_of_kind(missing="mask", n_scalers=1)
        model = replace(model, before=(replace(model.before[0], allow_nan=False),))
        assert "NaN in a step is refused" in self.header(tmp_path, model)

    def test_lists_categories_by_their_ids(self, tmp_path):
        text = self.header(tmp_path, model_of_symbols("classifier", "tokens"))
        words = "0 unknown, 1 'sea', 2 'the', 3 'blue', 4 'is', 5 'été'"
        assert f"Ids of x[0]: {words}" in text

    def test_counts_flash_and_work(self, tmp_path):
        model = model_of_kind(standardised=False, classes=np.array(["a", "b"]))
        written = to_c(model, tmp_path)
        # 2 features, a GRU of 3 units, 2 classes with names of a letter and a pointer each
        n_weights = 2 * 9 + 3 * 9 + 4 * 3 + 3 * 2 + 2
        assert written.costs.flash == 4 * n_weights + 2 * (2 + 4)
        assert written.costs.per_step == (2 + 3) * 9
        assert written.costs.per_answer == 3 * 2
        assert written.costs.state == 3 * 4
        assert f"Flash: {written.costs.flash:,} bytes" in written.paths[0].read_text()


class TestInt8:
    def test_is_within_half_a_unit(self):
        W = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
        W[2] = 0
        whole, scale = quantised(W)
        assert (whole.dtype, scale.dtype) == (np.int8, np.float32)
        assert np.abs(whole).max() == 127
        error = np.abs(whole * scale[:, np.newaxis] - W)
        assert (error <= 0.5001 * scale[:, np.newaxis]).all()
        assert not whole[2].any()
        assert scale[2] == 0

    def test_takes_less_flash(self, tmp_path):
        model = model_of_kind(stack="two")
        plain = to_c(model, tmp_path, name="plain").costs
        small = to_c(model, tmp_path, name="small", weights="int8").costs
        matrices = [w for w in model.network.params.values() if w.ndim == 2]
        saved = sum(3 * w.size - 4 * len(w) for w in matrices)
        assert plain.flash - small.flash == saved

    @pytest.mark.parametrize("kind", ["classifier", "multilabel", "tagger", "two targets"])
    def test_what_it_changes_is_measured(self, kind):
        model = model_of_kind(kind, stack="two")
        X = ragged()
        data = model.check(X)
        y = model.predict(data)
        found = compare_int8(model, X, y)
        assert found.before == 1
        assert 0 < found.largest_change < 0.2
        same = compare_int8(rounded(model, "float32", int8=True), X, y)
        assert same.after == found.after
        steps = sum(map(len, X)) if kind == "tagger" else len(X)
        assert found.n_answers == steps * {"multilabel": 3, "two targets": 2}.get(kind, 1)
        assert "int8" in str(found)

    def test_labels_of_steps_may_be_an_array(self):
        model = model_of_kind("tagger")
        X = np.stack([sample[:3] for sample in ragged() if len(sample) >= 3])
        y = np.array(model.predict(model.check(X)))
        found = compare_int8(model, X, y)
        assert (found.before, found.n_answers) == (1, y.size)

    def test_answers_of_another_length_are_refused(self):
        with pytest.raises(ValueError, match=r"y has 2 label\(s\), but X has 5"):
            compare_int8(model_of_kind(), ragged(), ["a", "b"])

    @pytest.mark.parametrize("kind", ["classifier", "tagger"])
    def test_labels_of_another_kind_are_refused_and_not_all_wrong(self, kind):
        model = model_of_kind(kind, classes=np.array([3, 5, 11]))
        X = ragged()
        y = [["3"] * len(sample) for sample in X] if kind == "tagger" else ["3"] * len(X)
        with pytest.raises(ValueError, match="labels of the same kind"):
            compare_int8(model, X, y)

    @pytest.mark.parametrize("kind", ["tagger", "step regressor"])
    def test_steps_that_are_not_known_do_not_count(self, kind):
        model = model_of_kind(kind)
        X = ragged()
        y = [np.array(each, object) for each in model.predict(model.check(X))]
        y[0][1] = y[3][2] = None
        found = compare_int8(model, X, y)
        assert (found.before, found.n_answers) == (1, sum(map(len, X)) - 2)

    @pytest.mark.parametrize("kind", ["classifier", "multilabel", "regressor", "two targets"])
    @pytest.mark.parametrize("nothing", [None, np.nan])
    def test_answers_that_are_missing_are_refused(self, kind, nothing):
        model = model_of_kind(kind)
        y = np.array(model.predict(model.check(ragged()))).astype(object)
        y[2] = nothing
        with pytest.raises(ValueError, match="missing"):
            compare_int8(model, ragged(), y)

    def test_one_label_where_several_are_asked_for(self):
        with pytest.raises(ValueError, match="indicator matrix"):
            compare_int8(model_of_kind("multilabel"), ragged(), [0, 1, 0, 1, 1])


class TestDigest:
    def test_is_of_all_that_answers(self):
        model = model_of_kind()
        other = replace(model, network=model.network.copy())
        assert digest_of(other) == digest_of(model)
        other.network.params["head.b"][0] += 1
        assert digest_of(other) != digest_of(model)
        assert digest_of(replace(model, missing="skip")) != digest_of(model)
