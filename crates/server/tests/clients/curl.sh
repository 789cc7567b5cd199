#!/bin/sh
# curl URL BUSY EXPECTED, as the other clients.
set -eu
URL=$1
# snippet
curl -s "$URL/v1/classify" -d '{"inputs": "a gripping, funny film"}'
# end
echo
label() { python3 -c 'import json, sys; print(json.load(sys.stdin)["results"][0]["label"])'; }
[ "$(curl -s "$URL/v1/classify" -d '{"inputs": "a gripping, funny film"}' | label)" = positive ]
# snippet gzip
printf '{"inputs": "dull from start to finish"}' | gzip | curl -s "$URL/v1/classify" --data-binary @- -H 'content-encoding: gzip'
# end
echo
[ "$(printf '{"inputs": "dull from start to finish"}' | gzip | curl -s "$URL/v1/classify" --data-binary @- -H 'content-encoding: gzip' | label)" = negative ]
# A body without a length, and one that curl announces and waits with.
[ "$(printf '{"inputs": "dull from start to finish"}' | curl -s -X POST -T - "$URL/v1/classify" | label)" = negative ]
long=$(mktemp)
trap 'rm -f "$long"' EXIT
python3 -c 'import json; print(json.dumps({"inputs": ["a gripping, funny film"] + ["x" * 9000] * 300}))' > "$long"
[ "$(curl -s -H 'expect: 100-continue' "$URL/v1/classify" --data-binary @"$long" | label)" = positive ]
[ "$(curl -s --http2 "$URL/v1/classify" -d '{"inputs": "a gripping, funny film"}' | label)" = positive ]
# curl obeys Retry-After: the full queue is asked twice, a second apart.
began=$(date +%s)
for _ in 1 2 3 4 5 6 7 8 9 10; do
    code=$(curl -s -o "$long" -w '%{http_code} %{num_retries}' --retry 1 "$2/predict" -d '{"inputs": "a"}')
    [ "$code" = "429 1" ] && break
done
[ "$code" = "429 1" ] && [ $(($(date +%s) - began)) -ge 1 ]
echo "ok  $(curl --version | head -1 | cut -d' ' -f1,2): plain, gzip, chunked, Expect, an offer of HTTP/2, Retry-After obeyed"
