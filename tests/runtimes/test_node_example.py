"""examples/deploy/node under Node, with onnxruntime-web: the answers of the model."""

from __future__ import annotations

from helpers.deploying import Deployed, assert_within, node_package, run, tool


def test_classes_and_probabilities(tmp_path):
    node, package = tool("node"), node_package("onnxruntime-web")
    made = Deployed(tmp_path)
    (made.folder / "node" / "node_modules").symlink_to(package.parent)
    printed = run([node, "classify.mjs"], made.folder / "node")
    names, labels, probabilities = zip(
        *(line.split("\t") for line in printed.splitlines()), strict=True
    )
    assert list(names) == [f"number {i}" for i in range(len(made.X))]
    assert list(labels) == made.labels.tolist()
    assert_within([float(each) for each in probabilities], made.probabilities.max(axis=1))
