"""Draws browser-page.png, the picture of examples/deploy/browser in headless Chromium.

Run after `make runtimes`: python docs/how-to/deploy/browser_picture.py .venv-runtimes/node_modules
"""

import functools
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from elman import RNNClassifier
from elman.data import load_japanese_vowels, write_npz

HERE = Path(__file__).parent
PREPARE = HERE.parents[2] / "examples" / "deploy" / "prepare.py"
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
RECORDING = 13
"""of those that prepare.py chooses: one that is taken for another speaker's at first"""

package = Path(sys.argv[1]) / "onnxruntime-web" / "dist"
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    RNNClassifier(random_state=0).fit(*load_japanese_vowels("train")).save(folder / "m.safetensors")
    write_npz(folder / "test.npz", *load_japanese_vowels("test"))
    command = [sys.executable, PREPARE, "m.safetensors", "test.npz", "deploy"]
    subprocess.run(command, cwd=folder, check=True)
    page = folder / "deploy" / "browser"
    (page / "onnxruntime").mkdir()
    for file in FILES:
        shutil.copy(package / file, page / "onnxruntime")
    serve = functools.partial(SimpleHTTPRequestHandler, directory=str(page))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=740,1100"]
        options += ["--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}"]
        picture = f"--screenshot={HERE / 'browser-page.png'}"
        address = f"http://127.0.0.1:{server.server_port}/index.html#{RECORDING}"
        subprocess.run(["chromium", *options, picture, address], check=True, capture_output=True)
        server.shutdown()
