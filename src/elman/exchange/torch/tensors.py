"""A mapping, a .safetensors file or a .pt file in; arrays of float32 and float64, by name, out.

Everything that comes in is taken for hostile: no pickle is read but by PyTorch itself, from version
2.6 on, with ``weights_only=True``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.exchange.parts import ExchangeError
from elman.exchange.torch.names import listed
from elman.exchange.torch.writing import METADATA

Array = NDArray[Any]

FLOATS = {"float32", "float64", "F32", "F64"}
"""The types of weights, in the words of NumPy and PyTorch, and in those of safetensors."""
PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".tar")
SAFE = (2, 6)
"""The first PyTorch whose ``weights_only=True`` ran no code of a file: CVE-2025-32434."""
CONVERT = """\
convert it once, in an environment with PyTorch 2.6 or newer:

    import torch
    from safetensors.torch import save_file
    state = torch.load({path!r}, map_location="cpu", weights_only=True)
    save_file({{k: v.clone().contiguous() for k, v in state.items()}}, {safe!r})

and read {safe!r}"""


class Tensors(NamedTuple):
    """What a state dict holds."""

    arrays: dict[str, Array]
    """of float32 or float64"""
    others: dict[str, str]
    """what the tensors of other types are, by name: "int64, shape ()" """
    description: str | None = None
    """what elman wrote into the metadata of a file"""

    def without(self, ignore: tuple[str, ...]) -> Tensors:
        """The same without what the user names, or that begins with a name that ends in a dot.

        Raises
        ------
        ExchangeError
            There is no tensor of such a name.
        """
        names = [*self.arrays, *self.others]
        left: set[str] = set()
        for name in ignore:
            found = {n for n in names if n == name or (name.endswith(".") and n.startswith(name))}
            if not found:
                raise ExchangeError(f"ignore names {name!r:.80}, but there is only {listed(names)}")
            left |= found
        return Tensors(
            {name: array for name, array in self.arrays.items() if name not in left},
            {name: what for name, what in self.others.items() if name not in left},
            self.description,
        )


def tensors_of(given: Any) -> Tensors:
    """The tensors of what a user passed.

    Raises
    ------
    TypeError
        It is neither a mapping nor a path.
    ExchangeError
        The file is none of those that are read, or damaged; or a value is no tensor.
    """
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        if not path.is_file():
            if not path.exists():
                raise FileNotFoundError(f"{path}: there is no such file")
            raise ExchangeError(f"{path}: not a regular file, so no file of weights")
        suffix = path.suffix.lower()
        if suffix == ".safetensors":
            return _of_safetensors(path)
        if suffix in PICKLES:
            return _of_mapping(_of_pickle(path), f"{path}: ")
        raise ExchangeError(
            f"{path}: its suffix is none of .safetensors, {', '.join(PICKLES)}, the files of "
            "PyTorch weights that are read; elman.load reads a model of elman's own, and "
            "elman.exchange.read_keras one of Keras"
        )
    if isinstance(given, Mapping):
        return _of_mapping(given)
    if hasattr(given, "state_dict"):
        raise TypeError(
            f"expected a state dict, and got a {type(given).__name__}: pass its state_dict()"
        )
    raise TypeError(
        f"expected a mapping of names to tensors, or the path of a file of them, and got a "
        f"{type(given).__name__}"
    )


def _of_safetensors(path: Path) -> Tensors:
    from safetensors import SafetensorError, safe_open

    arrays: dict[str, Array] = {}
    others: dict[str, str] = {}
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            for name in file.keys():  # noqa: SIM118 -- it is no mapping
                part = file.get_slice(name)
                if part.get_dtype() in FLOATS:
                    arrays[name] = np.array(file.get_tensor(name))
                else:
                    others[name] = f"{part.get_dtype()}, shape {tuple(part.get_shape())}"
    except (SafetensorError, ValueError, OverflowError) as error:
        raise ExchangeError(f"{path}: no whole safetensors file ({error!s:.200})") from error
    if metadata.get("format") == "elman":
        raise ExchangeError(
            f"{path}: a model that elman saved, not a state dict: elman.load reads it, and "
            "elman.exchange.to_state_dict makes a state dict of it"
        )
    return Tensors(arrays, others, metadata.get(METADATA))


def _of_pickle(path: Path) -> Mapping[str, Any]:
    convert = CONVERT.format(path=str(path), safe=str(path.with_suffix(".safetensors")))
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{path}: a {path.suffix} file is a pickle, which only PyTorch itself can read without "
            f"running what is in it, and PyTorch is not installed: {convert}"
        ) from error
    version = re.match(r"([0-9]+)\.([0-9]+)", torch.__version__)
    if version is None or (int(version[1]), int(version[2])) < SAFE:
        raise ExchangeError(
            f"{path}: PyTorch {torch.__version__} may run code of a {path.suffix} file, even with "
            f"weights_only=True: {convert}"
        )
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch.load may raise anything of what a damaged file makes it do
        raise ExchangeError(
            f"{path}: PyTorch does not read it with weights_only=True, so it is damaged, or holds "
            f"other objects than tensors, which could run code ({_first_line(error)}). Whoever "
            "made it can save the state dict alone: torch.save(module.state_dict(), path)"
        ) from error
    if not isinstance(found, Mapping):
        raise ExchangeError(
            f"{path}: holds a {type(found).__name__}, not a state dict: save module.state_dict()"
        )
    return found


def _of_mapping(given: Mapping[Any, Any], where: str = "") -> Tensors:
    arrays: dict[str, Array] = {}
    others: dict[str, str] = {}
    inner = [key for key, value in given.items() if isinstance(value, Mapping)]
    if inner:
        what = "torch.load(path, map_location='cpu', weights_only=True)" if where else "mapping"
        raise ExchangeError(
            f"{where}a checkpoint, not a state dict: it holds mappings under "
            f"{listed([repr(key) for key in inner])}. Pass the one with the weights, {what}"
            f"[{inner[0]!r:.80}]"
        )
    for name, value in given.items():
        if not isinstance(name, str):
            raise ExchangeError(f"{where}the key {name!r:.80} is no name of a tensor, a str")
        kind = _type_of(value)
        if kind is None:
            raise ExchangeError(
                f"{where}{name} is of type {type(value).__name__}, no tensor: pass the state "
                "dict alone, or without this entry"
            )
        if kind not in FLOATS:
            others[name] = f"{kind}, shape {tuple(value.shape)}"
            continue
        try:
            if hasattr(value, "detach"):
                value = value.detach().cpu().numpy()
            arrays[name] = np.array(value, dtype=kind, order="C")
        except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
            raise ExchangeError(
                f"{where}{name} gives no array of numbers ({_first_line(error)})"
            ) from error
    return Tensors(arrays, others)


def _type_of(value: Any) -> str | None:
    """The name of a tensor's type, as NumPy and PyTorch both have it; None if it is no tensor."""
    if isinstance(value, np.ma.MaskedArray) or not hasattr(value, "shape"):
        return None
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return None
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


def _first_line(error: Exception) -> str:
    line = re.sub(r"\x1b\[[0-9;]*m", "", (str(error).splitlines() or [""])[0])  # without colours
    return f"{type(error).__name__}: {line:.200}"
