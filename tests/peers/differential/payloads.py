"""Random payloads, one per line: most are well formed, some are broken in ways that parsers disagree on."""

import json
import random

NAMES = ["amount", "real_amount", "fee", "status", "payout_id", "payout_cl_id", "platform_id", "create_time",
         "update_time", "error_msg", "memo", "sign", "sign_type", "Amount", "a", "a1", "a.b", "ключ", "名", "😀", ""]
NUMBERS = ["0", "-0", "1", "400000", "1.10", "1e3", "1E5", "1e+2", "-1.5E-7", "9007199254740993", "0.0",
           "123456789012345678901234567890", "1567614049"]
TEXTS = ["", " ", "0", "x&fee=0", "PF0014", "\u0000", "a\tb\nc", 'quote"', "back\\slash", "a/b", "é", "e\u0301", "王小明",
         "😀", "\u2028", "\ufeff", "\u202e", "</script>", "100%", "a+b", "\u007f", "=&="]
BROKEN = ["", "null", "[]", "{", "}", "{}x", "{\"a\":1,}", "{'a':1}", "{a:1}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}",
          "{\"a\":1e}", "{\"a\":-}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":True}", "{\"a\":\"\\x41\"}", "{\"a\":\"\\u12\"}",
          "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\\ud800\"}", "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\t\"}", "{\"a\":1,\"a\":2}",
          "{\"a\":1,\"\\u0061\":2}", "{\"a\":{\"b\":1,\"b\":2}}", "{\"a\":[{\"b\":1,\"b\":1}]}", "{\"a\":1}{\"b\":2}", "{\"a\" 1}",
          "{\"a\":1 \"b\":2}", "{\"a\":[1,]}", "{\"a\":[,1]}", "\ufeff{\"a\":1}", "{\"a\":\u00a01}", "{\"a\":1}\u000b", "{\"a\":tru}",
          "{\"a\":\"", "{\"a\":\"\\\"}", "// x", "{\"a\":1}//", "{\"sign_type\":\"SHA1\"}", "{\"sign_type\":5,\"a\":1}"]


def spaces(chance, random_):
    return random_.choice([" ", "  ", "\t"]) if random_.random() < chance else ""


def text(value, random_):
    """A JSON string, each character plain or escaped in one of the ways that JSON allows."""
    out = []
    for character in value:
        code = ord(character)
        plain = json.dumps(character, ensure_ascii=False)[1:-1]
        ways = [plain, plain, plain]
        if code < 0x10000:
            ways += [f"\\u{code:04x}", f"\\u{code:04X}"]
        else:
            high, low = divmod(code - 0x10000, 0x400)
            ways.append(f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04X}")
        if character == "/":
            ways.append("\\/")
        out.append(random_.choice(ways))
    return '"' + "".join(out) + '"'


def value(depth, random_):
    kind = random_.randrange(12)
    if kind < 4:
        return random_.choice(NUMBERS) if random_.random() < 0.7 else str(random_.randrange(-10**6, 10**12))
    if kind < 8:
        parts = random_.randrange(3)
        return text("".join(random_.choice(TEXTS) for _ in range(parts + 1)), random_)
    if kind == 8:
        return random_.choice(["true", "false", "null"])
    if depth > 3:
        return "[]"
    inner = lambda: spaces(0.3, random_) + value(depth + 1, random_) + spaces(0.2, random_)
    if kind == 9:
        return "[" + ",".join(inner() for _ in range(random_.randrange(4))) + "]"
    return members(random_.sample(NAMES, random_.randrange(4)), inner, random_)


def members(names, inner, random_):
    pairs = (spaces(0.2, random_) + text(name, random_) + spaces(0.2, random_) + ":" + inner() for name in names)
    return "{" + ",".join(pairs) + spaces(0.2, random_) + "}"


def payload(random_):
    if random_.random() < 0.08:
        return random_.choice(BROKEN).encode()
    if random_.random() < 0.01:
        depth = random_.choice([126, 127, 200])
        return ('{"a":' * depth + "1" + "}" * depth).encode()
    names = [name for name in random_.sample(NAMES, random_.randrange(1, len(NAMES))) if name != "sign_type"]
    line = members(names, lambda: value(1, random_), random_)
    if random_.random() < 0.4:
        kind = random_.choice(["MD5", "md5", "HMAC-SHA256", "hmac-sha256", "Hmac-Sha256"])
        line = line[:-1] + ("," if names else "") + f'"sign_type":"{kind}"}}'
    line = line.encode()
    if random_.random() < 0.04:
        # One byte is changed, taken away or put in; a new line would make two payloads of one.
        at = random_.randrange(len(line))
        byte = bytes([random_.choice([b for b in range(256) if b not in (10, 13)])])
        line = random_.choice([line[:at] + byte + line[at + 1:], line[:at] + line[at + 1:], line[:at] + byte + line[at:]])
    return line


def lines(count, seed):
    random_ = random.Random(seed)
    made = 0
    while made < count:
        line = payload(random_)
        # Blank lines are no payloads to --lines, and are passed over.
        if line.strip():
            made += 1
            yield line
