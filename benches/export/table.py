"""The table of what every export was found to be, from the parity.json of each.

    python table.py FOLDER PROGRAM
"""

import json
import subprocess
import sys
import time
from pathlib import Path

folder, program = Path(sys.argv[1]), sys.argv[2]
print("| model | runtime | counts that differ | labels that differ | logits by | MB | ms at 25 tokens |")
print("|---|---|---|---|---|---|---|")
for path in sorted(folder.glob("*/parity.json")):
    found = json.loads(path.read_text())
    counts = f"{found['counts_differ']} of {found['counts']:,}" if found["counts"] else "not handed out"
    labels = f"{found['labels_differ']} of {found['texts']}"
    size, best = found["bytes"] / 1e6, found["milliseconds"][0]
    print(f"| {path.parent.name} | {found['runtime']} | {counts} | {labels} | {found['logits_by']:.1e} | {size:.2f} | {best:.2f} |")
for path in sorted(folder.glob("*-back.safetensors")):
    model = Path("models") / path.name.removesuffix("-back.safetensors") / "model.safetensors"
    command = [program, "bench", model, "--lengths", "25", "--batches", "1", "--no-kernels", "--json"]
    best = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["scenarios"][0]["best_ms"]
    print(f"| {model.parent.name} | bitspike | | | | {model.stat().st_size / 1e6:.2f} | {best:.2f} |")
teacher = folder / "teacher"
if teacher.is_dir():
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    ids = np.arange(2000, 2025, dtype=np.int64)[None]
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    for kind in ("int8", "f32"):
        file = teacher / f"{kind}.onnx"
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        times = []
        for _ in range(60):
            began = time.perf_counter()
            session.run(None, feed)
            times.append(1e3 * (time.perf_counter() - began))
        print(f"| teacher, {kind} | onnxruntime {onnxruntime.__version__} | | | | {file.stat().st_size / 1e6:.2f} | {min(times):.2f} |")
