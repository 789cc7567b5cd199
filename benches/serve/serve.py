"""What a server reaches on one core, beside a peer. See README.md.

    python serve.py --bitspike PROGRAM --load PROGRAM --model FILE --data DIR/SST-2 [--teacher FOLDER] [--parts a,b,..] [--json OUT]
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVER, GENERATOR = "0", "1"
PORT = 8191


def pinned(core, command, **more):
    return subprocess.Popen(["taskset", "-c", core, *map(str, command)], **more)


def wait_for(path, method="GET", body=None):
    end = time.time() + 60
    while True:
        try:
            return urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=body, method=method)).read()
        except OSError:
            if time.time() > end:
                raise
            time.sleep(0.05)


class Running:
    """A server on its core, answering."""

    def __init__(self, command):
        self.log = tempfile.TemporaryFile("w+")
        self.process = pinned(SERVER, command, stdout=subprocess.DEVNULL, stderr=self.log)
        wait_for("/predict", "POST", b'{"inputs": "fine"}')

    def resident(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def state(self):
        """What a leak would show in."""
        threads = int(re.search(r"Threads:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1])
        metrics = wait_for("/metrics").decode()
        gauge = {name: int(float(value)) for name, value in re.findall(r"^bitspike_(connections|tasks|http_requests_in_flight) (\S+)", metrics, re.M)}
        files = len(os.listdir(f"/proc/{self.process.pid}/fd"))
        return {"resident": round(self.resident(), 2), "threads": threads, "files": files} | gauge

    def panics(self):
        self.log.seek(0)
        return len(re.findall("panicked", self.log.read()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Bench:
    def __init__(self, flags, work):
        self.flags, self.work = flags, work
        rows = (flags.data / "dev.tsv").read_text(encoding="utf-8").splitlines()
        column = rows[0].split("\t").index("sentence")
        texts = [row.split("\t")[column] for row in rows[1:]]
        self.texts, self.bodies = work / "texts.txt", work / "bodies.jsonl"
        self.texts.write_text("\n".join(texts) + "\n", encoding="utf-8")
        self.bodies.write_text("".join(json.dumps({"inputs": text}) + "\n" for text in texts), encoding="utf-8")
        self.count = len(texts)

    def server(self, *more):
        flags = ["--port", PORT, "--threads", "1", "--io-threads", "1", *more]
        return Running([self.flags.bitspike, "serve", self.flags.model, *flags])

    def wrk(self, connections):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{self.flags.seconds}s", "--latency", "-s", HERE / "predict.lua",
                   f"http://127.0.0.1:{PORT}/predict", "--", self.bodies]
        said = pinned(GENERATOR, command, stdout=subprocess.PIPE, text=True).communicate()[0]
        if "Non-2xx" in said:
            raise SystemExit(said)
        return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])

    def load(self, *more):
        command = [self.flags.load, f"127.0.0.1:{PORT}", self.flags.model, self.texts, *more]
        return json.loads(pinned(GENERATOR, command, stdout=subprocess.PIPE, text=True).communicate()[0])

    # ---- Parts

    def throughput(self):
        """Requests a second over 32 connections, taking turns."""
        peers = [(f"{name}, {how}", file, batch) for name, file in (("ONNX Runtime int8", self.flags.onnx), ("OpenVINO int8", self.flags.openvino))
                 for how, batch in (("one at a time", 1), ("batches of 32", 32))]
        rounds = {"bitspike": []} | {name: [] for name, _, _ in peers}
        for _ in range(self.flags.rounds):
            with self.server():
                rounds["bitspike"].append(self.wrk(32))
            for name, file, batch in peers:
                peer = [sys.executable, HERE / "peer.py", file, self.flags.teacher / "tokenizer.json", PORT, batch]
                with Running(peer):
                    rounds[name].append(self.wrk(32))
        best = max(max(values) for name, values in rounds.items() if name != "bitspike")
        return {"per_second": rounds, "ratio_of_best": max(rounds["bitspike"]) / best}

    def overhead(self):
        """Requests a second beside `classify` on the same core, taking turns."""
        many = self.work / "many.txt"
        many.write_text(self.texts.read_text(encoding="utf-8") * 4, encoding="utf-8")
        served, direct = [], []
        for _ in range(self.flags.rounds):
            with self.server():
                served.append(self.wrk(32))
            began = time.time()
            command = [self.flags.bitspike, "classify", "--model", self.flags.model, "--threads", "1", "--input", many]
            pinned(SERVER, command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait()
            direct.append(4 * self.count / (time.time() - began))
        return {"served": served, "classify": direct, "share_of_best": max(served) / max(direct)}

    def saturation(self):
        with self.server():
            return self.load("connections=32", f"seconds={self.flags.seconds}")["per_second"]

    def latency(self):
        """Times at half of the saturation."""
        rate = self.saturation() / 2
        with self.server():
            return {"rate": rate} | self.load("connections=64", f"rate={rate}", f"seconds={self.flags.seconds}")

    def overload(self):
        """Ten times the saturation."""
        full = self.saturation()
        with self.server("--max-queue-tokens", "4096"):
            found = self.load("connections=256", f"rate={10 * full}", f"seconds={self.flags.overload_seconds}")
        return {"saturation": full, "kept": found["per_second"] / full} | found

    def memory(self):
        """Memory, threads, files and tasks: idle, after a tenth of the requests, after all. Texts of SST-2 and of random characters, every
        second request with odd headers, two hostile connections beside the 32."""
        ask = ["connections=32", "random=2000", "odd=1", "hostile=2"]
        with self.server("--idle-seconds", "5", "--body-seconds", "5") as server:
            found = {"idle": server.state()}
            tenth = self.flags.requests // 10
            for name, requests in (("a tenth", tenth), ("the rest", self.flags.requests - tenth)):
                found[name] = self.load(*ask, f"requests={requests}")
                # What hostile connections left is ended by then.
                time.sleep(12)
                found[f"after {name}"] = server.state()
                print("memory so far", json.dumps(found), file=sys.stderr, flush=True)
            found["panics"] = server.panics()
            found["alive"] = server.process.poll() is None
        return found

    def soak(self):
        """Memory, threads, open files and tasks every ten seconds under a steady load, two hostile connections beside the 32."""
        samples = []
        with self.server() as server:
            began = time.time()
            command = [self.flags.load, f"127.0.0.1:{PORT}", self.flags.model, self.texts, "connections=16", "random=2000", "odd=1", "hostile=2",
                       f"rate={self.flags.soak_rate}", f"seconds={self.flags.soak_seconds}"]
            client = pinned(GENERATOR, command, stdout=subprocess.PIPE, text=True)
            while client.poll() is None:
                state = server.state()
                samples.append([round(time.time() - began, 1), state["resident"], state["threads"], state["files"], state.get("tasks")])
                time.sleep(10)
            found = json.loads(client.communicate()[0])
            alive, panics = server.process.poll() is None, server.panics()
        if self.flags.plot:
            self.flags.plot.write_text(soak_svg(samples), encoding="utf-8")
        return {"samples": samples, "alive": alive, "panics": panics} | found

    def killed(self):
        """kill -9 and a new start, three times, under load behind a client that tries again."""
        server = self.server()
        command = [self.flags.load, f"127.0.0.1:{PORT}", self.flags.model, self.texts, "connections=16", "seconds=12", "retry=1"]
        client = pinned(GENERATOR, command, stdout=subprocess.PIPE, text=True)
        for _ in range(3):
            time.sleep(2.5)
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
            server = self.server()
        found = json.loads(client.communicate()[0])
        server.__exit__()
        return found


def soak_svg(samples):
    """Resident memory against time, with the open files below it."""
    width, height, left, top = 720, 200, 60, 20
    end = max(sample[0] for sample in samples)

    def curve(column, title, offset):
        values = [sample[column] for sample in samples]
        most = 1.1 * max(values)
        points = " ".join(f"{left + width * sample[0] / end:.1f},{offset + height * (1 - sample[column] / most):.1f}" for sample in samples)
        bottom = offset + height
        return (f'<text x="{left}" y="{offset - 6}">{title}: {values[0]:g} at first, {max(values):g} at most, {values[-1]:g} at last</text>'
                f'<path d="M{left} {offset}V{bottom}H{left + width}" fill="none" stroke="#888"/>'
                f'<text x="{left - 8}" y="{bottom}" text-anchor="end">0</text><text x="{left - 8}" y="{offset + 8}" text-anchor="end">{most:.0f}</text>'
                f'<polyline points="{points}" fill="none" stroke="#2563eb" stroke-width="1.5"/>')

    body = curve(1, "resident memory, MiB", top + 10) + curve(3, "open files", top + height + 50)
    whole = top + 2 * height + 90
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {whole}" font-family="sans-serif" font-size="12" fill="#444">'
            f'<rect width="100%" height="100%" fill="#fff"/>{body}'
            f'<text x="{left + width}" y="{whole - 12}" text-anchor="end">{end / 60:.0f} minutes</text></svg>\n')


def main():
    parts = ["throughput", "overhead", "latency", "overload", "memory", "killed"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bitspike", "load", "model", "data"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("teacher", "onnx", "openvino"):
        parser.add_argument(f"--{name}", type=Path, help="of the peers in `throughput`")
    parser.add_argument("--parts", default=",".join(parts))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--overload-seconds", type=int, default=60)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--soak-seconds", type=int, default=1800)
    parser.add_argument("--soak-rate", type=int, default=100)
    parser.add_argument("--plot", type=Path, help="file of the picture of `soak`, which is not among the parts unless named")
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args()
    if "throughput" in flags.parts.split(",") and not flags.teacher:
        parser.error("throughput needs --teacher; --parts names others")
    found = {}
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(flags, Path(work))
        for part in flags.parts.split(","):
            found[part] = getattr(bench, part)()
            print(part, json.dumps(found[part]), flush=True)
            if flags.json:
                flags.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
