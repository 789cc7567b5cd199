#!/usr/bin/env bash
# Tries to lose a training: kills it at random instants (KILL, TERM, HUP) and damages its last checkpoint at random (cut short, a bit
# flipped, emptied, removed); after each, --resume must end with the weights of an undisturbed run, to the bit. Some seconds a trial; outside CI.
#
#   .ci/campaign.sh [KILLS] [DAMAGES] [SEED]      100 and 100 unless given; the program is target/release/bitspike, or BITSPIKE;
#                                                 QUICKSTART is a folder that its quickstart has made
set -euo pipefail
cd "$(dirname "$0")/.."
bitspike=$(realpath "${BITSPIKE:-target/release/bitspike}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quickstart=${QUICKSTART:-$work/quickstart}
if [ ! -d "$quickstart/student-1.58" ]; then
    echo "a teacher, and a run that nothing disturbs"
    "$bitspike" quickstart --out "$quickstart" --display plain > "$work/log" 2>&1
fi
python3 - "$bitspike" "$work" "$quickstart" "${1:-100}" "${2:-100}" "${3:-1}" <<'PY'
import hashlib, json, os, random, shutil, signal, struct, subprocess, sys, time
program, work, quick = sys.argv[1:4]
kills, damages, seed = map(int, sys.argv[4:])
chance = random.Random(seed)
recipe = os.path.join(quick, "student-1.58", "recipe.toml")


def command(out):
    return [program, "distil", "--recipe", recipe, "--task", "sst2", "--data", os.path.join(quick, "corpus"), "--teacher",
            os.path.join(quick, "teacher"), "--out", out, "--limit", "1600", "--set", "run.checkpoint_minutes=0.005", "--threads", "1",
            "--display", "plain"]


def weights(path):
    """Digest of the values alone: counters hold times."""
    data = open(path, "rb").read()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    digest = hashlib.sha256()
    for name in sorted(header):
        begin, end = header[name]["data_offsets"]
        digest.update(name.encode() + data[8 + length + begin:8 + length + end])
    return digest.hexdigest()


def ended(out):
    return {name: weights(os.path.join(out, name)) for name in ("best.safetensors", "last.safetensors")}


def finish(out):
    for attempt in range(3):
        done = subprocess.run([*command(out), *(["--resume"] if os.path.exists(os.path.join(out, "model.json")) else [])],
                              capture_output=True, text=True)
        if done.returncode == 0:
            return
    sys.exit(f"{out}: it does not end:\n{done.stderr[-2000:]}")


whole = os.path.join(work, "whole")
began = time.time()
finish(whole)
took, expected = time.time() - began, ended(whole)
print(f"an undisturbed run takes {took:.1f} s; {kills} kills, {damages} damages, seed {seed}", flush=True)
wrong = 0
for trial in range(kills + damages):
    out = os.path.join(work, "trial")
    shutil.rmtree(out, ignore_errors=True)
    number = chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
    what = [signal.Signals(number).name]
    for _ in range(chance.randint(1, 3)):
        resume = ["--resume"] if os.path.exists(os.path.join(out, "model.json")) else []
        child = subprocess.Popen([*command(out), *resume], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.05, took))
        child.send_signal(number)
        child.wait()
    last = os.path.join(out, "last.safetensors")
    if trial >= kills and os.path.exists(os.path.join(out, "last.before.safetensors")) and os.path.exists(last):
        how = chance.choice(["cut", "flip", "empty", "remove"])
        what.append(how)
        size = os.path.getsize(last)
        if how == "remove":
            os.remove(last)
        else:
            with open(last, "r+b") as file:
                if how == "flip":
                    at = chance.randrange(size)
                    file.seek(at)
                    byte = file.read(1)[0]
                    file.seek(at)
                    file.write(bytes([byte ^ (1 << chance.randrange(8))]))
                else:
                    file.truncate(0 if how == "empty" else chance.randrange(size))
    finish(out)
    if ended(out) != expected:
        wrong += 1
        print(f"trial {trial} ({', '.join(what)}): other weights", flush=True)
    elif trial % 10 == 9:
        print(f"{trial + 1} trials", flush=True)
print(f"{kills + damages} trials, {wrong} with other weights, {time.time() - began:.0f} s")
sys.exit(1 if wrong else 0)
PY
