"""Runs long sequences forward and backward, a chunk of steps at a time.

Truncated backpropagation through time, Williams and Peng (1990), "An efficient gradient-based
algorithm for on-line training of recurrent network trajectories": a sequence is run in chunks of
`bptt_steps` steps, counted from its first. States go on from chunk to chunk, their gradient does
not: at a chunk's first step the state before is a given number. The history that is kept is that of
one chunk, so that memory does not grow with the sequence.

An answer for each sample is read from all of its steps, so there are two passes: one makes the
readout, and one makes each chunk again, to the same bits, and takes it back. What the loss says of
the readout reaches every chunk; "last" is read in the last one alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.nn.chunks import Chunk, chunks
from elman.nn.dropout import Masking
from elman.nn.layers import Backprop, PassContext, States, Watch, through
from elman.nn.network import BackwardPass, Lengths, Network
from elman.nn.parameters import Parameters

Array = NDArray[Any]


def check_onward(bidirectional: bool, what: str) -> None:
    """Raise ValueError for a network that reads a sequence in more than one direction."""
    if bidirectional:
        raise ValueError(
            f"{what} carries states on from one stretch of a sequence to the next, but "
            "bidirectional=True reads it from its end as well, where there is nothing to carry "
            "yet: set bidirectional=False, or leave it out"
        )


def forward(
    network: Network,
    X: Array,
    lengths: Lengths,
    backend: Backend,
    bptt_steps: int | None,
    *,
    recompute_every: int = 0,
    masking: Masking | None = None,
    states: dict[str, Array] | None = None,
    need_dX: bool = False,
    watch: Watch | None = None,
    batch_samples: int | None = None,
) -> tuple[Array, BackwardPass]:
    """Logits, and the function that takes their gradient back, cut at borders of chunks.

    Parameters
    ----------
    network : Network
        Of an answer for each sample, unless one chunk is all there is.
    bptt_steps : int or None
        Steps in a chunk, at least 1. With no border, from n_timesteps on or if None, it is
        `Network.forward`, to the same bits.
    X, lengths, backend, recompute_every, masking, states, need_dX, watch, batch_samples
        As there; where the way back is cut there is no gradient at X, and nothing to watch.

    Raises
    ------
    ValueError
        The way back is to be cut, but the network reads in two directions, or the samples are a
        part of a batch: its gradient is a sum over chunks of sums over all of its samples.
    """
    n_samples, n_timesteps, _ = X.shape
    if bptt_steps is None or bptt_steps >= n_timesteps:
        return network.forward(
            X,
            lengths,
            backend,
            recompute_every=recompute_every,
            masking=masking,
            states=states,
            need_dX=need_dX,
            watch=watch,
            batch_samples=batch_samples,
        )
    check_onward(network.layout.bidirectional, "bptt_steps")
    if batch_samples is not None and batch_samples != n_samples:
        raise ValueError(
            f"bptt_steps={bptt_steps} cuts sequences of {n_timesteps} steps, whose batch of "
            f"{batch_samples} samples has to be computed as a whole; got {n_samples} of them"
        )

    def run(chunk: Chunk, carried: dict[str, Array], keep_tape: bool) -> tuple[States, Backprop]:
        of_chunk = PassContext(
            network.params,
            backend,
            chunk.lengths,
            recompute_every=recompute_every,
            keep_tape=keep_tape,
            masking=chunk.masking(masking),
            states=chunk.states(carried),
        )
        value, back = through(network.body, chunk.of(X), of_chunk)
        chunk.carry(of_chunk.states or {}, carried)
        return value, back

    carried = {} if states is None else states
    cut = list(chunks(lengths, n_samples, n_timesteps, bptt_steps))
    steps = np.full(n_samples, n_timesteps) if lengths is None else lengths
    whole = PassContext(network.params, backend, lengths, masking=masking)
    readout = network.layout.readout_class(whole, steps, network.layout.width)
    read = [chunk for chunk in cut if readout.depends_on(chunk)]
    # If the readout reads some chunks only, the states before those are kept; if it reads all, the
    # backward pass runs every chunk again and carries the states along by itself.
    begin = dict(carried)
    beginnings = {}
    final = np.empty((n_samples, network.layout.width), X.dtype)
    for chunk in cut:
        if len(read) < len(cut) and readout.depends_on(chunk):
            beginnings[chunk.start] = dict(carried)
        value, _ = run(chunk, carried, keep_tape=False)
        readout.take(np.asarray(value.H), chunk)
        final[: chunk.n_samples] = value.final
    logits, through_tail = through(network.tail, readout.value(final), whole)

    def backward(
        dlogits: Array, gradient: Parameters | None = None
    ) -> tuple[Parameters, Array | None]:
        gradient = network.params.zeros_like() if gradient is None else gradient
        gradient.flat.fill(0)
        dvalue = through_tail(dlogits, gradient)
        of_chunk = network.params.zeros_like()
        carried = dict(begin)
        for chunk in read:
            if chunk.start in beginnings:
                carried = dict(beginnings[chunk.start])
            value, back = run(chunk, carried, keep_tape=True)
            back(readout.share(np.asarray(value.H), chunk, dvalue, of_chunk), of_chunk)
            gradient.flat += of_chunk.flat
        return gradient, None

    return logits, backward
