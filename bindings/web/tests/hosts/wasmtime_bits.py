"""Logits and spike counts of the module in wasmtime, beside the native engine's: the arguments and the output of same_bits.js."""

import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path

import wasmtime

BATCH = 32
MODULES = Path(__file__).resolve().parent.parent / "node_modules" / "bitspike"


class Engine:
    """What npm/engine.js does: bytes in, bytes out."""

    def __init__(self, module: wasmtime.Module, store: wasmtime.Store) -> None:
        self.store = store
        self.exports = wasmtime.Instance(store, module, []).exports(store)

    def call(self, name: str, *values: int) -> int:
        return self.exports[name](self.store, *values)

    def put(self, data: bytes) -> None:
        at = self.call("reserve", len(data)) & 0xFFFFFFFF
        assert at, "no memory"
        self.exports["memory"].write(self.store, data, at)

    def reply(self, fine: int) -> dict:
        at, length = (self.call(name) & 0xFFFFFFFF for name in ("reply", "reply_length"))
        reply = json.loads(bytes(self.exports["memory"].read(self.store, at, at + length)))
        if not fine:
            raise SystemExit(f"the module replied {reply}")
        return reply

    def open(self, model: bytes, kernels: int) -> dict:
        self.put(model)
        return self.reply(self.call("open", kernels))

    def ask(self, request: dict) -> dict:
        self.put(json.dumps(request).encode())
        return self.reply(self.call("ask"))


def main() -> int:
    digests, file, most, *paths = sys.argv[1:]
    simd = os.environ.get("SIMD", "auto")
    lines = [line.split("\t")[0] for line in Path(file).read_text("utf-8").rstrip("\n").split("\n")]
    texts = lines[1:] if lines[0] == "sentence" else lines
    texts = texts[: int(most)]
    expected = {name: rest for name, *rest in (line.split(" ") for line in Path(digests).read_text().splitlines())}
    config = wasmtime.Config()
    store = wasmtime.Store(engine := wasmtime.Engine(config))
    module = wasmtime.Module.from_file(engine, str(MODULES / ("bitspike-relaxed.wasm" if simd == "auto" else "bitspike.wasm")))
    wrong = 0
    for path in map(Path, paths):
        name, began = path.parent.name, time.monotonic()
        instance = Engine(module, store)
        opened = instance.open(path.read_bytes(), {"auto": 0, "scalar": 1, "simd128": 2}[simd])
        asked = [{"text": text, "text_pair": texts[(i + 1) % len(texts)]} if opened["pair"] else text for i, text in enumerate(texts)]
        found = None
        for first in range(0, len(asked), BATCH):
            after = found and [found["logits"], found["counts"]]
            found = instance.ask({"fingerprint": {"inputs": asked[first : first + BATCH], "after": after}})
        count, logits, counts = expected[name]
        same = [int(count), logits, counts] == [len(texts), found["logits"], found["counts"]]
        wrong += not same
        verdict = "equal" if same else f"native {logits} {counts}"
        version = importlib.metadata.version("wasmtime")
        print(
            f"wasmtime {version} {opened['kernels']} {name}: {len(texts)} texts, logits {found['logits']}, counts {found['counts']}, "
            f"{verdict} ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
