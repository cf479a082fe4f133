"""Constructors, help, options, files and checks follow the declarations of hyper-parameters."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import pydoc
import re
import subprocess
import sys
import typing

import numpy as np
import pytest
from sklearn.base import clone
from typer.main import get_command

import elman
from elman.cli.app import make_app
from elman.cli.columns import OPTIONS
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.hyperparameters import declared
from elman.hyperparameters.checks import boolean, integer, optional, real
from elman.hyperparameters.declared import DECLARED, PARAMETERS, declarations, defaults_of

X = [np.linspace(-1, 1, 2 * n).reshape(n, 2) for n in (3, 5, 4, 2, 6, 3, 5)]
Y = {
    "RNNClassifier": list("abababa"),
    "RNNTagger": [np.arange(len(x)) % 2 for x in X],
    "RNNRegressor": [0.5, 1.0, 4.0, -2.0, 0.25, 3.0, 1.5],
}


@pytest.fixture(params=PARAMETERS)
def kind(request):
    """The name of each estimator."""
    return request.param


def estimator(kind, **parameters):
    return getattr(elman, kind)(7, max_iter=1, random_state=0, **parameters)


def fitted(kind, **parameters):
    return estimator(kind, **parameters).fit(X, Y[kind])


def documented(text):
    """The parameters of a numpydoc docstring: name -> type and default, and what is said of it."""
    section = re.search(r"^Parameters\n-+\n(.*?)\n\n\w+\n-+\n", text, re.DOTALL | re.MULTILINE)[1]
    found = re.findall(r"^(\w+) : (.*)\n((?:    .*\n?)+)", section, re.MULTILINE)
    assert sum(len(lines.splitlines()) + 1 for _, _, lines in found) == len(section.splitlines())
    return {name: (accepts, " ".join(lines.split())) for name, accepts, lines in found}


def test_each_estimator_is_made_of_the_declarations(kind):
    parameters = inspect.signature(getattr(elman, kind)).parameters
    assert list(parameters) == list(declarations(PARAMETERS[kind]))
    for name, parameter in parameters.items():
        assert parameter.default is defaults_of(kind)[name]
        positional = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        assert positional == (name == "hidden_size")
        assert positional or parameter.kind is parameter.KEYWORD_ONLY
    hints = typing.get_type_hints(getattr(elman, kind).__init__)
    assert hints.keys() - {"return"} == parameters.keys()


def test_no_declaration_is_left_over():
    assert set(DECLARED) == {name for each in PARAMETERS.values() for name in declarations(each)}


def test_arguments_are_stored_untouched(kind):
    values = {name: object() for name in declarations(PARAMETERS[kind])}
    made = getattr(elman, kind)(**values)
    assert vars(made) == values
    assert made.get_params(deep=False) == values


def test_what_scikit_learn_asks_of_an_estimator(kind):
    made = estimator(kind, cell="gru", tol=0.5)
    assert repr(made) == f"{kind}(cell='gru', hidden_size=7, max_iter=1, random_state=0, tol=0.5)"
    for copy in (clone(made), pickle.loads(pickle.dumps(made))):
        assert type(copy) is type(made)
        assert copy.get_params() == made.get_params()
        assert copy != made
    assert made.set_params(cell="lstm").cell == "lstm"
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        made.set_params(colour="red")
    with pytest.raises(TypeError, match=rf"^{kind}.__init__\(\).*unexpected.*'colour'"):
        getattr(elman, kind)(colour="red")
    with pytest.raises(TypeError, match=rf"^{kind}.__init__\(\) takes from 1 to 2 positional"):
        getattr(elman, kind)(7, "gru")


def test_help_explains_every_parameter(kind):
    found = documented(inspect.getdoc(getattr(elman, kind)))
    assert list(found) == list(declarations(PARAMETERS[kind]))
    for name, (accepts, said) in found.items():
        declaration = DECLARED[name]
        default = defaults_of(kind)[name]
        written = f'"{default}"' if isinstance(default, str) else str(default)
        assert accepts == f"{declaration.check_for(kind).accepts}, default={written}"
        assert said == " ".join(declaration.doc_of.get(kind, declaration.doc).split())
    text = pydoc.plain(pydoc.render_doc(getattr(elman, kind)))
    assert f"class {kind}(" in text
    for name in found:
        assert re.search(rf"^ \|  {name} : ", text, re.MULTILINE), name
    assert "elman.hyperparameters.declared`" not in text


def test_texts_and_checks_differ_only_for_estimators_that_have_the_parameter():
    for name, declaration in DECLARED.items():
        for kind, check in declaration.check_of.items():
            assert name in declarations(PARAMETERS[kind])
            assert check.accepts != declaration.check.accepts
            assert check.option_type is declaration.check.option_type
        for kind, text in declaration.doc_of.items():
            assert name in declarations(PARAMETERS[kind])
            assert text.split() != declaration.doc.split()


def test_a_declaration_is_complete():
    for name, declaration in DECLARED.items():
        assert declaration.shapes in typing.get_args(declared.Shapes), name
        for flag in (declaration.bits, declaration.saved, declaration.option):
            assert isinstance(flag, bool)
        assert re.fullmatch(r"\S.*[^.\s]\.", declaration.help), name
        assert declaration.doc.strip().endswith("."), name
        assert declaration.check.accepts
        declaration.check(name, declaration.default)


def test_every_parameter_is_checked(kind):
    for name in declarations(PARAMETERS[kind]):
        wrong = estimator(kind).set_params(**{name: {1, 2}})
        with pytest.raises((TypeError, ValueError), match=rf"^{name}(=\{{1, 2\}}| is a set)"):
            wrong.fit(X, Y[kind])


def test_the_command_line_has_an_option_for_each():
    command = get_command(make_app(["fit"])).commands["fit"]
    parameters = {each.name: each for each in command.params}
    own = {"data", "output", "validation", "test", "kind", "force", "seed", "quiet", "help", "dask"}
    own |= {"log", "max_minutes"}
    own |= set(OPTIONS)  # of the columns of a table
    options = {name: each for name, each in parameters.items() if name not in own}
    assert list(options) == [name for name, each in DECLARED.items() if each.option]
    for name, option in options.items():
        assert option.help == DECLARED[name].help
        assert option.opts == [f"--{name.replace('_', '-')}"]
        assert option.default is None
        assert bool(option.secondary_opts) == (DECLARED[name].check.option_type is bool)
    left = {name for name, each in DECLARED.items() if not each.option}
    of_python = {"random_state", "verbose", "on_epoch", "stateful", "warm_start"}
    assert left == of_python | {"categories", "embedding_init"}


def test_a_model_file_keeps_what_is_declared_so(kind, tmp_path):
    options = {"on_epoch": print, "checkpoint": tmp_path / "run", "hidden_size": (7, 5)}
    options |= {"dtype": np.float32, "n_layers": np.int64(2), "early_stopping": np.False_}
    if kind == "RNNClassifier":
        options["class_weight"] = {"a": 2, "b": 0.5}
    if kind == "RNNTagger":
        options["class_weight"] = {0: 2, 1: 0.5}
    made = estimator(kind).set_params(**options).fit(X, Y[kind])
    made.save(tmp_path / "model")
    _, config = archive.load(tmp_path / "model")
    kept = {name for name in declarations(PARAMETERS[kind]) if DECLARED[name].saved}
    assert config["parameters"].keys() == kept
    left = {name for name, each in DECLARED.items() if not each.saved}
    assert left == {"on_epoch", "checkpoint", "categories", "embedding_init"}
    loaded = getattr(elman, kind).load(tmp_path / "model").get_params()
    lost = {"on_epoch": None, "checkpoint": None, "dtype": "float32"}
    assert loaded == made.get_params() | lost


def test_a_checkpoint_compares_what_decides_bits(kind, tmp_path):
    fitted(kind, checkpoint=tmp_path)
    _, config = archive.load(max(tmp_path.glob("epoch-*.safetensors")))
    beside = {"X", "y", "sample_weight", "validation data", "version of elman", "version of numpy"}
    wanted = {
        name for name, each in declarations(PARAMETERS[kind]).items() if each.bits and each.saved
    }
    assert config["training"]["fingerprint"].keys() == wanted | beside
    free = {name for name, each in DECLARED.items() if not each.bits}
    assert free == {
        "recompute_every",
        "checkpoint",
        "checkpoint_epochs",
        "checkpoint_minutes",
        "n_jobs",
        "verbose",
    }


@pytest.mark.parametrize("value", [None, 3])
def test_a_file_with_a_former_name_is_read(kind, value, tmp_path):
    made = fitted(kind, recompute_every=value)
    made.save(tmp_path / "model")
    tensors, config = archive.load(tmp_path / "model")
    parameters = config["parameters"]
    parameters["checkpoint_every"] = parameters.pop("recompute_every")
    archive.save(tmp_path / "older", tensors, config)
    loaded = getattr(elman, kind).load(tmp_path / "older")
    assert loaded.get_params() == made.get_params()
    assert not hasattr(loaded, "checkpoint_every")
    loaded.fit(X, Y[kind])
    np.testing.assert_array_equal(loaded.network_.params.flat, made.network_.params.flat)
    parameters["recompute_every"] = value
    archive.save(tmp_path / "both", tensors, config)
    with pytest.raises(ArchiveError, match="'recompute_every' twice"):
        getattr(elman, kind).load(tmp_path / "both")
    del parameters["recompute_every"]
    parameters["checkpoint_every"] = 0
    archive.save(tmp_path / "wrong", tensors, config)
    with pytest.raises(ArchiveError, match="recompute_every=0"):
        getattr(elman, kind).load(tmp_path / "wrong")


def test_a_former_name_is_no_argument(kind):
    for declaration in DECLARED.values():
        if declaration.formerly is not None:
            assert declaration.formerly not in DECLARED
            with pytest.raises(TypeError, match=f"unexpected.*'{declaration.formerly}'"):
                getattr(elman, kind)(**{declaration.formerly: 3})


def test_a_subclass_may_have_parameters_of_its_own(tmp_path):
    class Tuned(elman.RNNClassifier):
        def __init__(self, colour="red", hidden_size=7, max_iter=1, random_state=0):
            super().__init__(hidden_size, max_iter=max_iter, random_state=random_state)
            self.colour = colour

    made = clone(Tuned("blue")).fit(X, Y["RNNClassifier"])
    made.save(tmp_path / "model")
    assert Tuned.load(tmp_path / "model").get_params() == made.get_params()
    with pytest.raises(ArchiveError, match="unknown hyper-parameter 'colour'"):
        elman.RNNClassifier.load(tmp_path / "model")


def test_an_estimator_is_more_than_its_parameters(kind):
    """What takes a dataclass for its fields alone must not take an estimator for one."""
    made = fitted(kind)
    assert not dataclasses.is_dataclass(made)
    assert not dataclasses.is_dataclass(type(made))
    assert "__dataclass_fields__" not in dir(made)


def test_what_is_not_declared_is_no_parameter():
    class RNNTagger(declared.TaggerParameters):
        classes_: int

    RNNTagger.__doc__ = declared.PLACE
    with pytest.raises(TypeError, match=r"RNNTagger annotates \['classes_'\]"):
        declared.completed(RNNTagger)


def test_a_docstring_has_a_place_for_the_parameters():
    class RNNTagger(declared.TaggerParameters):
        """Tag."""

    with pytest.raises(TypeError, match="docstring of RNNTagger has no line"):
        declared.completed(RNNTagger)
    RNNTagger.__doc__ = None  # as with python -OO
    assert declared.completed(RNNTagger) is RNNTagger


@pytest.mark.parametrize(
    ("check", "accepts"),
    [
        (integer(2), "int >= 2"),
        (real(-np.inf, open_low=True), "float"),
        (real(0), "float >= 0"),
        (real(0, open_low=True), "float > 0"),
        (real(0, 1), "float in [0, 1)"),
        (optional(real(0, 1, open_low=True)), "float in (0, 1) or None"),
        (boolean, "bool"),
    ],
)
def test_a_check_says_what_it_accepts(check, accepts):
    assert check.accepts == accepts
    with pytest.raises(TypeError):
        check("width", "wide")


USES = """
from elman import RNNClassifier, RNNRegressor, RNNTagger
RNNClassifier(64, cell="gru")
RNNClassifier((7, 5), n_jobs=None, on_epoch=lambda epoch: None).fit
RNNClassifier(64, cel="gru")
RNNClassifier(64, "gru")
RNNTagger(readout="max")
RNNRegressor(hidden_size="7")
"""


def test_a_type_checker_sees_the_parameters(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "uses.py").write_text(USES)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path, "uses.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    errors = re.findall(r"^uses.py:(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    assert errors == [("5", "call-arg"), ("6", "call-arg"), ("7", "call-arg"), ("8", "arg-type")]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("stride", 0, "stride=0; it must be 'auto' or an int of at least 1"),
        ("stride", 2.0, "stride=2.0 is a float; it must be 'auto' or an int of at least 1"),
        ("stride", 2**31, "stride=2147483648 is larger than any number of time steps can be"),
        ("deltas", 3, "deltas=3; it must be 'auto' or an int from 0 to 2"),
        ("max_iter", "x", "max_iter='x'; it must be 'auto' or an int of at least 1"),
    ],
)
def test_bounds_are_said_where_they_are_of_use(name, value, words):
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(words)}$"):
        DECLARED[name].check(name, value)
