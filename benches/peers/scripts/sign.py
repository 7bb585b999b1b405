"""Signs NDJSON by the platform's MD5 rule, as a merchant would in Python."""

import hashlib
import json
import os
import sys

key = os.environ["PAYOUT_NOTIFY_KEY"]


def text(value):
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def sign(payload):
    pairs = [
        f"{name}={text(value)}"
        for name, value in sorted(payload.items())
        if name not in ("sign", "sign_type") and value not in ("", None)
    ]
    return hashlib.md5(("&".join(pairs) + "&" + key).encode()).hexdigest()


with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        try:
            payload = json.loads(line)
        except ValueError:
            continue
        payload["sign"] = sign(payload)
        sys.stdout.write(json.dumps(payload, ensure_ascii=False, separators=(",", ":")) + "\n")
