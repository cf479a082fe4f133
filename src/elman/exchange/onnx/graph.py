"""Nodes and constants in, one after the other; an ONNX graph, and the model of it, out.

A value is known by its name, a str. Names are made here, so that no two values share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Value = str
"""The name of a value of the graph; "" stands for an optional one that is left out."""

OPSET = 17
IR_VERSION = 8
ML_OPSET = 3
ML = "ai.onnx.ml"
"""Opset 17 and ai.onnx.ml 3 are those of ONNX 1.12, whose files have the IR version 8. onnx itself
would write the newest, which older runtimes refuse."""


class Type(IntEnum):
    """The types of values that are used here, with ONNX's numbers for them."""

    FLOAT = 1
    INT32 = 6
    INT64 = 7
    STRING = 8
    BOOL = 9
    DOUBLE = 11


class Graph:
    """A graph that grows node by node."""

    def __init__(self) -> None:
        import onnx

        self._onnx = onnx
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []
        self._constants: dict[tuple[Any, ...], Value] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._taken: set[Value] = set()

    # Values

    def input(self, name: str, type_: Type, shape: Sequence[int | str], about: str) -> Value:
        """Declare an input of the graph.

        Parameters
        ----------
        name : str
        type_ : Type
        shape : sequence of int or str
            A str names an axis whose length is the caller's choice.
        about : str
            What it holds, which the file keeps.
        """
        self._taken.add(name)
        self._inputs.append(self._info(name, type_, shape, about))
        return name

    def output(
        self, name: str, value: Value, type_: Type, shape: Sequence[int | str], about: str
    ) -> None:
        """Declare a value as an output of the graph, under that name."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name], name=name))
        self._taken.add(name)
        self._outputs.append(self._info(name, type_, shape, about))

    def constant(self, array: Any, type_: Type | None = None, name: str = "constant") -> Value:
        """A value that never changes, an initialiser of the graph; equal ones are kept once.

        Parameters
        ----------
        array : array-like
            Of strings, an array of objects.
        type_ : Type, optional
            By default that of the array.
        name : str
            What its name begins with.
        """
        values = np.asarray(array)
        if type_ is not None and type_ != Type.STRING:
            values = values.astype(self._onnx.helper.tensor_dtype_to_np_dtype(type_))
        is_text = values.dtype.kind in "OU"
        content: Any = tuple(values.ravel().tolist()) if is_text else values.tobytes()
        key = (values.shape, "text" if is_text else values.dtype.str, content)
        if key not in self._constants:
            self._constants[key] = self._name(name)
            if is_text:
                tensor = self._onnx.helper.make_tensor(
                    self._constants[key],
                    Type.STRING,
                    values.shape,
                    [text.encode() for text in values.ravel().tolist()],
                )
            else:
                tensor = self._onnx.numpy_helper.from_array(
                    np.ascontiguousarray(values).reshape(values.shape), self._constants[key]
                )
            self._initializers.append(tensor)
        return self._constants[key]

    def add(self, op: str, *inputs: Value, domain: str = "", **attributes: Any) -> Value:
        """Add a node with one output, and return that."""
        return self.add_several(op, ["out"], *inputs, domain=domain, **attributes)[0]

    def add_several(
        self, op: str, wanted: Sequence[str], *inputs: Value, domain: str = "", **attributes: Any
    ) -> list[Value]:
        """Add a node, and return its outputs.

        Parameters
        ----------
        op : str
            Name of the operator.
        wanted : sequence of str
            For each output what its name ends in; "" for one that is not asked for.
        inputs : str
        domain : str
            Of the operator.
        attributes
            Of the node.
        """
        name = self._name(op)
        outputs = [f"{name}.{end}" if end else "" for end in wanted]
        self._nodes.append(
            self._onnx.helper.make_node(
                op, list(inputs), outputs, name=name, domain=domain, **attributes
            )
        )
        return outputs

    # Operators that are used often

    def cast(self, value: Value, to: Type) -> Value:
        """The value as another type."""
        return self.add("Cast", value, to=int(to))

    def where(self, condition: Value, value: Value, other: Value) -> Value:
        """The value where the condition holds, and else the other."""
        return self.add("Where", condition, value, other)

    def concatenated(self, values: Sequence[Value], axis: int) -> Value:
        """The values side by side; of one value that itself."""
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=axis)

    def unsqueezed(self, value: Value, *axes: int) -> Value:
        """The value with new axes of length 1, which these are in the result."""
        return self.add("Unsqueeze", value, self.axes(*axes))

    def squeezed(self, value: Value, *axes: int) -> Value:
        """The value without these axes, whose length is 1."""
        return self.add("Squeeze", value, self.axes(*axes))

    def summed(self, value: Value, axis: int, *, keepdims: bool = False) -> Value:
        """The sum along an axis, which is 0 where the axis has no entry."""
        return self.add("ReduceSum", value, self.axes(axis), keepdims=int(keepdims))

    def axes(self, *numbers: int) -> Value:
        """A vector of whole numbers, such as axes or a shape."""
        return self.constant(np.array(numbers, np.int64), name="axes")

    def length_of(self, value: Value, axis: int) -> Value:
        """The length of an axis, (1,) int64."""
        return self.add("Gather", self.add("Shape", value), self.axes(axis), axis=0)

    # The model

    def model(self, name: str, about: str, version: str, metadata: Mapping[str, str]) -> Any:
        """The whole as an `onnx.ModelProto`.

        Parameters
        ----------
        name : str
            Of the graph.
        about : str
            What it is, for those who look at the file.
        version : str
            Of elman.
        metadata : mapping of str to str
        """
        helper = self._onnx.helper
        read = {output.name for output in self._outputs}
        nodes = []
        for node in reversed(self._nodes):  # those that no output needs are left out
            if read & set(node.output):
                nodes.append(node)
                read |= set(node.input)
        constants = [each for each in self._initializers if each.name in read]
        graph = helper.make_graph(nodes[::-1], name, self._inputs, self._outputs, constants)
        domains = {node.domain for node in nodes}
        opsets = [helper.make_opsetid("", OPSET)]
        if ML in domains:
            opsets.append(helper.make_opsetid(ML, ML_OPSET))
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=IR_VERSION,
            producer_name="elman",
            producer_version=version,
            doc_string=about,
        )
        helper.set_model_props(model, dict(metadata))
        return model

    def _info(self, name: str, type_: Type, shape: Sequence[int | str], about: str) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, int(type_), list(shape), about)

    def _name(self, base: str) -> Value:
        found, number = base, 0
        while found in self._taken:
            number += 1
            found = f"{base}_{number}"
        self._taken.add(found)
        return found
