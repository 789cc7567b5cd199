"""Keeps the queue of the server at URL full: busy.py URL."""

import json
import sys
import threading
import time
import urllib.error
import urllib.request

body = json.dumps({"inputs": ["a gripping, funny film " * 40] * 1000}).encode()


def fill():
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/v1/classify", data=body)).read()
        except urllib.error.HTTPError:
            time.sleep(0.02)
        except OSError:
            # The server was stopped.
            return


for _ in range(3):
    threading.Thread(target=fill, daemon=True).start()
sys.stdin.read()
