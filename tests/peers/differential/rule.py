"""The signing rule in Python, written from the protocol's page and not from the tool: one answer per line.

Reads one payload per line from stdin; prints the signature that the payload should carry, or "refused".
"""

import hashlib
import hmac
import json
import os
import sys

KEY = os.environ["PAYOUT_NOTIFY_KEY"].encode()
DEEPEST = 127


class Number(str):
    """A number as it was written."""


def once(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("duplicate field")
    return dict(pairs)


def constant(name):
    raise ValueError(f"{name} is not valid JSON")


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def string(text):
    # A lone half of a surrogate pair is no character, so it cannot be signed.
    text.encode("utf-8")
    return text


def check(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            string(name), check(inner)
    elif isinstance(value, list):
        for inner in value:
            check(inner)
    elif isinstance(value, str):
        string(value)


def compact(value):
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(name)}:{compact(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def signature(line):
    text = line.decode("utf-8")
    payload = json.loads(text, object_pairs_hook=once, parse_int=Number, parse_float=Number, parse_constant=constant)
    if not isinstance(payload, dict) or depth(payload) > DEEPEST:
        raise ValueError("no object, or too deep")
    check(payload)
    pairs = []
    for name in sorted(payload, key=lambda name: name.encode()):
        value = payload[name]
        if name in ("sign", "sign_type") or value is None or (value == "" and not isinstance(value, Number)):
            continue
        pairs.append(f"{name}={value if isinstance(value, str) else compact(value)}")
    s = "&".join(pairs).encode()
    kind = payload.get("sign_type")
    if kind is None or kind == "" and not isinstance(kind, Number):
        kind = "MD5"
    if not isinstance(kind, str) or isinstance(kind, Number):
        raise ValueError("sign_type is not text")
    if kind.upper() == "MD5":
        return hashlib.md5(s + b"&" + KEY).hexdigest()
    if kind.upper() == "HMAC-SHA256":
        return hmac.new(KEY, s, hashlib.sha256).hexdigest()
    raise ValueError("an unknown sign_type")


sys.setrecursionlimit(10_000)
for line in sys.stdin.buffer.read().split(b"\n")[:-1]:
    try:
        print(signature(line.removesuffix(b"\r")))
    except (ValueError, RecursionError):
        print("refused")
