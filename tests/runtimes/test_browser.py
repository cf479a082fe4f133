"""examples/deploy/browser in headless Chromium: what the page shows is what the model says.

A page of the test's own holds the example in a frame, does in it what a person does (chooses a
recording, moves the slider, opens a file), and writes what is shown then.
"""

from __future__ import annotations

import functools
import html
import json
import re
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from helpers.deploying import Deployed, assert_within, node_package, run, tool

FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
PERSON = """<!doctype html>
<iframe src="index.html" width="800" height="1200"></iframe>
<pre id="seen"></pre>
<script type="module">
const frame = document.querySelector("iframe");
await new Promise((done) => frame.addEventListener("load", done));
const page = frame.contentDocument;
const element = (id) => page.getElementById(id);
const seen = {recordings: [], steps: [], files: []};

function shown() {
  const rows = [...element("probabilities").querySelectorAll("tr")];
  return {
    message: element("message").textContent,
    hidden: element("answer").hidden,
    label: element("label").textContent,
    truth: element("truth").textContent,
    read: element("read").textContent,
    classes: rows.map((row) => row.querySelector("th").textContent),
    probabilities: rows.map((row) => Number(row.dataset.probability)),
    best: rows.findIndex((row) => row.className === "best"),
    lines: element("signal").querySelectorAll("path").length,
  };
}
/** Wait for a moment by the real clock, which a request takes: the browser's own clock runs ahead
 * of whatever else it waits for, such as a file that is read. */
const moment = () => fetch("person.html", {cache: "no-store"}).then((answer) => answer.text());

/** Do something, and wait until the page has settled. */
async function after(action) {
  element("message").textContent = "...";
  action();
  for (let i = 0; i < 5000 && element("message").textContent === "..."; i++) {
    await moment();
  }
  return shown();
}

while (element("answer").hidden && element("message").className !== "error") {
  await moment();
}
seen.begins = shown();
if (!element("answer").hidden) {
  const n = element("recording").options.length;
  for (let i = 0; i < n; i++) {
    seen.recordings.push(await after(() => element("next").click()));
  }
  for (let i = 1; i <= Number(element("steps").max); i++) {
    element("steps").value = i;
    element("steps").dispatchEvent(new Event("input"));
    seen.steps.push(shown());
  }
  for (const [name, text] of Object.entries(FILES)) {
    const given = new DataTransfer();
    given.items.add(new File([text], name, {type: "text/csv"}));
    seen.files.push(await after(() => {
      element("file").files = given.files;
      element("file").dispatchEvent(new Event("change"));
    }));
  }
}
document.getElementById("seen").textContent = JSON.stringify(seen);
</script>
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and prints nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def chromium():
    return tool("chromium", "chromium-browser", "google-chrome")


def watched(chromium, folder, files):
    """What a person sees who uses the page in a folder."""
    (folder / "person.html").write_text(
        PERSON.replace("FILES", json.dumps(files)), encoding="utf-8"
    )
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/person.html"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        profile = f"--user-data-dir={folder.parent / 'profile'}"
        command = [chromium, *options, profile, "--virtual-time-budget=60000", address]
        dom = run(command, folder)
        server.shutdown()
    (seen,) = re.findall(r'<pre id="seen">(.*?)</pre>', dom, flags=re.DOTALL)
    return json.loads(html.unescape(seen))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    return Deployed(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def page(deployed):
    """The folder of the page, with the files that a reader copies from the npm package."""
    package = node_package("onnxruntime-web")
    folder = deployed.folder / "browser"
    (folder / "onnxruntime").mkdir()
    for name in FILES:
        shutil.copy(package / "dist" / name, folder / "onnxruntime")
    return folder


def assert_shows(shown, clf, label, probabilities):
    assert (shown["message"], shown["hidden"]) == ("", False)
    assert shown["classes"] == clf.classes_.tolist()
    assert shown["label"] == label
    assert shown["best"] == probabilities.argmax()
    assert shown["lines"] == 12 + 2  # one for each feature, the axis, and the step that is read
    assert_within(shown["probabilities"], probabilities)


def test_the_page_shows_what_the_model_says(chromium, deployed, page):
    clf, X = deployed.clf, deployed.X
    table = "\n".join(",".join(map(repr, step.tolist())) for step in X[3])
    rows = table.splitlines()
    files = {
        "good.csv": ",".join(f"cepstrum{k}" for k in range(12)) + f"\n{table}\n",
        "narrow.csv": "\n".join([rows[0], "1,2,3"]),
        "gap.csv": "\n".join([rows[0], rows[1].replace(rows[1].split(",")[4], "")]),
        "empty.csv": "\n\n",
    }
    seen = watched(chromium, page, files)

    n = len(X)
    assert len(seen["recordings"]) == n
    assert_shows(seen["begins"], clf, deployed.labels[0], deployed.probabilities[0])
    for shown, i in zip(seen["recordings"], [*range(1, n), 0], strict=True):
        assert_shows(shown, clf, deployed.labels[i], deployed.probabilities[i])
        right = deployed.labels[i] == deployed.y[i]
        assert shown["truth"] == ("Right." if right else f"Wrong: it is {deployed.y[i]}.")
    assert [shown["truth"] == "Right." for shown in seen["recordings"]].count(False) == 1

    over_time = deployed.over_time(0)
    assert len(seen["steps"]) == len(over_time)
    for k, (shown, probabilities) in enumerate(zip(seen["steps"], over_time, strict=True)):
        label = clf.classes_[np.argmax(probabilities)]
        assert_shows(shown, clf, label, probabilities)
        assert shown["read"] == f"The answer to the first {k + 1} of {len(X[0])} time steps."

    good, *wrong = seen["files"]
    assert_shows(good, clf, deployed.labels[3], deployed.probabilities[3])
    assert good["truth"] == ""
    assert [shown["hidden"] for shown in wrong] == [True] * 3
    assert [shown["message"] for shown in wrong] == [
        "narrow.csv: line 2 has 3 columns, but the model reads 12",
        "gap.csv: line 2, column 5: nothing is no number",
        "empty.csv: there are no numbers in it",
    ]


def test_nothing_comes_from_elsewhere(page):
    """The files name no other address, and the browser is told to ask none."""
    for name in ("index.html", "style.css", "classify.js"):
        text = (page / name).read_text(encoding="utf-8")
        assert re.findall(r"https?://[^\s\"']+", text) in ([], ["http://www.w3.org/2000/svg"])
    content = (page / "index.html").read_text(encoding="utf-8")
    assert "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" in content


def test_a_page_without_its_model_says_so(chromium, page, tmp_path):
    shutil.copytree(page, tmp_path / "page")
    (tmp_path / "page" / "model.onnx").unlink()
    seen = watched(chromium, tmp_path / "page", {})
    assert seen["begins"]["hidden"]
    assert seen["begins"]["message"] == (
        "The page could not begin: model.onnx is not beside this page (404)"
    )
