"""Trained models as ONNX files, which run in ONNX Runtime, browsers and other runtimes.

`export` is the way in. A graph is built node by node (`graph`) from what comes in (`inputs`,
`numbers`, `categories`, `fronted`) through the recurrent operators (`layers`) and what the head
reads (`readouts`) to the outputs (`answers`): of whole sequences in `whole`, of single steps in
`stream`. `metadata` is what the file says of itself.
"""

from elman.exchange.onnx.export import onnx_model, reasons_against, to_onnx

__all__ = ["onnx_model", "reasons_against", "to_onnx"]
