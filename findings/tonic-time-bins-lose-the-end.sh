#!/usr/bin/env bash
# software: Tonic 1.7.0
# expected: ToFrame with a fixed number of time bins spreads a recording over them
# happens: the width of a bin is cut to a whole unit of time and the rest is left out: of 100 steps 64 bins keep 64, of 64 steps none
#
# n_time_bins is the documented way to get frames of one length from recordings of many lengths: bins of the length of the recording divided by
# their number. Tonic 1.7.0 divides with the fraction dropped, in the unit of the timestamps, and everything after the last bin is gone.
# With microseconds little is lost. With spikes in milliseconds or in simulation steps up to half of the recording is, always its
# end; a recording of as many steps as bins gives frames of zeros, and so does one in seconds as floats. SliceByTimeBins does the same.
# A network is trained on the beginnings of the recordings, or on nothing, and shapes are as they should be.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet tonic==1.7.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import numpy as np
from tonic.transforms import ToFrame


def kept(times, bins):
    """Events in all frames, of a recording with one event at each of these times."""
    events = np.zeros(len(times), np.dtype([("x", "i2"), ("y", "i2"), ("t", times.dtype), ("p", "i1")]))
    events["t"] = times
    frames = ToFrame(sensor_size=(1, 1, 1), n_time_bins=bins)(events)
    assert frames.shape == (bins, 1, 1, 1)
    return int(frames.sum())


print(f"tonic {version('tonic')}; events kept")
found = []
for name, times, bins in (
    ("100,000 microseconds", np.arange(100_000), 64),
    ("100 milliseconds", np.arange(100), 64),
    ("128 milliseconds", np.arange(128), 64),
    ("64 milliseconds", np.arange(64), 64),
    ("0.1 seconds", np.arange(100_000) / 1e6, 64),
    ("1 second", np.arange(1_000) / 1e3, 10),
):
    found.append(kept(times, bins))
    print(f"{name:21} in {bins} bins: {found[-1]:6} of {len(times)}")
if found != [99968, 64, 64, 0, 0, 0]:
    sys.exit("the behaviour has changed")
PY
