"""Python's share of the invalid signatures."""

import base64
import datetime
import hashlib
import hmac
import html
import json
import unicodedata
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlencode

LEFT_OUT = ("sign", "sign_type")


def md5(data):
    return hashlib.md5(data if isinstance(data, bytes) else data.encode())


def mac(key, data, digest=hashlib.sha256):
    return hmac.new(key if isinstance(key, bytes) else key.encode(), data if isinstance(data, bytes) else data.encode(), digest)


def items(payload):
    """The rule's pairs: (name, text), sorted."""
    kept = [(n, t) for n, k, t in payload["tokens"] if n not in LEFT_OUT and k != "null" and t != ""]
    return sorted(kept, key=lambda pair: pair[0].encode())


def join(pairs, separator="&"):
    return separator.join(f"{name}={text}" for name, text in pairs)


def finish(payload, string, key=None):
    """The rule's last step over a string that may be wrong."""
    key = key or payload["key"]
    data = string if isinstance(string, bytes) else string.encode()
    if payload["algorithm"] == "hmac":
        return mac(key, data).hexdigest()
    return md5(data + b"&" + (key if isinstance(key, bytes) else key.encode())).hexdigest()


def right(payload, key):
    return finish(payload, join(items(payload)), key)


def cases(payload):
    native = json.loads(payload["body"])
    kinds = {n: k for n, k, _ in payload["tokens"]}
    texts = {n: t for n, _, t in payload["tokens"]}
    S = join(items(payload))
    K = payload["key"]
    is_hmac = payload["algorithm"] == "hmac"
    made = []

    def case(mistake, says, sign, key=None):
        found = {"mistake": mistake, "payload": payload["name"], "sign": sign, "says": [says] if isinstance(says, str) else says}
        if key:
            found["key"] = key
        made.append(found)

    def string(mistake, says, text):
        case(mistake, says, finish(payload, text))

    def pick(keep):
        """Pairs of the members that a condition on name and native value keeps; null as nothing."""
        return sorted((n, t) for n, t in texts.items() if n not in LEFT_OUT and keep(n, native[n]))

    def values(change, kinds_changed=("string", "array", "object")):
        return join([(n, change(t) if kinds[n] in kinds_changed else t) for n, t in items(payload)])

    # Keys.
    for mistake, key in [
        ("key-newline", K + "\n"), ("key-crlf", K + "\r\n"), ("key-trailing-space", K + " "), ("key-leading-space", " " + K),
        ("key-double-quotes", f'"{K}"'), ("key-single-quotes", f"'{K}'"), ("key-bom", "\ufeff" + K),
        ("key-md5", md5(K).hexdigest()), ("key-md5-upper", md5(K).hexdigest().upper()), ("key-lower-case", K.lower()),
        ("key-upper-case", K.upper()), ("key-base64", base64.b64encode(K.encode())), ("key-hex", K.encode().hex()), ("key-tab", K + "\t"),
    ]:
        # md5 of the key as the key is the same text as "&" and md5 of the key.
        says = [mistake, "md5-of-key"] if mistake == "key-md5" else mistake
        case(mistake, says, finish(payload, S, key))
    if payload["name"] in ("example", "hmac", "plain"):
        key = "VGhpc0lzQmFzZTY0S2V5"
        case("key-base64-decoded", "key-base64-decoded", finish(payload, S, base64.b64decode(key)), key)
        key = "00112233445566778899aabbccddeeff"
        case("key-hex-decoded", "key-hex-decoded", finish(payload, S, bytes.fromhex(key)), key)
        case("key-trimmed", "key-trimmed", finish(payload, S, K), f" {K}\n")

    # Key forms and digests.
    if is_hmac:
        case("hmac-with-key-appended", "hmac-with-key-appended", mac(K, f"{S}&{K}").hexdigest())
        case("hmac-with-label-appended", "hmac-with-label-appended", mac(K, f"{S}&key={K}").hexdigest())
        case("hmac-with-label-upper", "hmac-with-label-appended+upper", mac(K, f"{S}&key={K}").hexdigest().upper())
        case("hmac-with-bare-key", "hmac-with-bare-key", mac(K, S + K).hexdigest())
        case("hmac-label-secret", "hmac-with-other-label", mac(K, f"{S}&secret={K}").hexdigest())
        case("hmac-swapped", "hmac-swapped", mac(S, K).hexdigest())
        case("sha256", "sha256", hashlib.sha256(f"{S}&{K}".encode()).hexdigest())
        case("sha256-label", "sha256-label", hashlib.sha256(f"{S}&key={K}".encode()).hexdigest())
        case("sha256-bare", "sha256-bare", hashlib.sha256(f"{S}{K}".encode()).hexdigest())
        case("sha256-no-key", "sha256-no-key", hashlib.sha256(S.encode()).hexdigest())
        case("other-algorithm", "other-algorithm", md5(f"{S}&{K}").hexdigest())
        case("other-algorithm-label", "key-prefix+other-algorithm", md5(f"{S}&key={K}").hexdigest())
        case("hmac-md5", "hmac-md5", mac(K, S, hashlib.md5).hexdigest())
        case("base64", "base64", base64.b64encode(mac(K, S).digest()).decode())
        case("base64-url", "base64", base64.urlsafe_b64encode(mac(K, S).digest()).decode().rstrip("="))
        case("upper", "upper", mac(K, S).hexdigest().upper())
        case("base64-label", "hmac-with-label-appended+base64", base64.b64encode(mac(K, f"{S}&key={K}").digest()).decode())
    else:
        for label in ["secret", "secret_key", "signkey", "api_key", "appkey", "k", "Key", "token", "appSecret"]:
            case(f"label-{label}", "key-label", md5(f"{S}&{label}={K}").hexdigest())
        for mistake, says, text in [
            ("key-prefix", "key-prefix", f"{S}&key={K}"), ("no-separator", "no-separator", S + K),
            ("double-ampersand", "double-ampersand", f"{S}&&{K}"), ("double-ampersand-label", "double-ampersand-label", f"{S}&&key={K}"),
            ("key-first", "key-first", K + S), ("key-first-ampersand", "key-first-ampersand", f"{K}&{S}"),
            ("key-both-ends", "key-both-ends", K + S + K), ("key-twice", "key-twice", f"{S}&{K}&{K}"),
            ("md5-of-key", ["md5-of-key", "key-md5"], f"{S}&{md5(K).hexdigest()}"), ("md5-of-key-bare", "md5-of-key-bare", S + md5(K).hexdigest()),
            ("no-key", "no-key", S), ("trailing-ampersand", "trailing-ampersand", S + "&"), ("key-equals", "key-equals", f"{S}key={K}"),
            ("key-trailing-ampersand", "key-trailing-ampersand", f"{S}&{K}&"),
        ]:
            case(mistake, says, md5(text).hexdigest())
            if mistake in ("key-prefix", "no-separator", "key-first"):
                case(mistake + "-upper", says + "+upper", md5(text).hexdigest().upper())
        own = md5(f"{S}&{K}")
        case("upper", "upper", own.hexdigest().upper())
        case("mixed-case", "mixed-case", own.hexdigest()[:16].upper() + own.hexdigest()[16:])
        case("middle-16", "middle-16", own.hexdigest()[8:24])
        case("middle-16-upper", ["middle-16+upper", "middle-16"], own.hexdigest()[8:24].upper())
        case("first-16", "first-16", own.hexdigest()[:16])
        case("last-16", "last-16", own.hexdigest()[-16:])
        case("base64", "base64", base64.b64encode(own.digest()).decode())
        case("base64-url", "base64", base64.urlsafe_b64encode(own.digest()).decode())
        case("base64-of-hex", "base64-of-hex", base64.b64encode(own.hexdigest().encode()).decode())
        case("base64-of-upper-hex", ["base64-of-hex", "base64-of-hex+upper"], base64.b64encode(own.hexdigest().upper().encode()).decode())
        case("no-byte-padding", ["no-byte-padding", "no-leading-zeros"], "".join("%x" % byte for byte in own.digest()))
        case("no-leading-zeros", ["no-leading-zeros", "no-byte-padding"], "%x" % int.from_bytes(own.digest(), "big"))
        case("digest-spaces", "digest-spaces", own.hexdigest() + "\n")
        case("hmac-md5", "hmac-md5", mac(K, S, hashlib.md5).hexdigest())
        case("hmac-md5-with-key", "hmac-md5-with-key", mac(K, f"{S}&{K}", hashlib.md5).hexdigest())
        case("hmac-md5-swapped", "hmac-md5-swapped", mac(S, K, hashlib.md5).hexdigest())
        case("double-md5", "double-md5", md5(own.hexdigest()).hexdigest())
        case("double-md5-upper", "double-md5-upper", md5(own.hexdigest().upper()).hexdigest())
        case("md5-then-key", "md5-then-key", md5(md5(S).hexdigest() + K).hexdigest())
        case("md5-then-ampersand-key", "md5-then-ampersand-key", md5(md5(S).hexdigest() + "&" + K).hexdigest())
        case("sha256", "sha256", hashlib.sha256(f"{S}&{K}".encode()).hexdigest())
        if "sign_type" in native:
            case("other-algorithm", "other-algorithm", mac(K, S).hexdigest())

    # Fields.
    string("drop-falsy", ["drop-falsy-containers", "drop-falsy"], join(pick(lambda n, v: bool(v))))
    string("not-none", "keep-empty-string", join(pick(lambda n, v: v is not None)))
    string("keep-empty", ["keep-empty", "keep-empty-string"], join(pick(lambda n, v: True)))
    string("drop-blank", "drop-blank", join(pick(lambda n, v: v is not None and str(v).strip() != "")))
    string("sign_type", "include-sign_type", join(sorted((n, t) for n, t in texts.items() if t != "" and n != "sign")))
    if "sign_type" in native:
        # The signature's own member stands there, empty, when the pairs are made.
        string("empty-sign", "include-sign-empty", join(sorted(items(payload) + [("sign", "")])))
    string("drop-zero-number", ["drop-zero-number", "drop-zero", "drop-falsy"], join(pick(lambda n, v: v not in ("", None) and not is_zero(v))))
    known = ["payout_id", "payout_cl_id", "platform_id", "amount", "real_amount", "fee", "status", "create_time", "update_time"]
    if payload["name"] in ("extra", "near", "hmac", "plain"):
        string("documented", ["drop-unknown", "required-only", "field-dropped"], join([(n, t) for n, t in items(payload) if n in known]))
        string("documented-error", ["drop-undocumented", "field-dropped"], join([(n, t) for n, t in items(payload) if n in known + ["error_msg"]]))
        for name in ["real_amount", "error_msg", "update_time"]:
            string("without-" + name, ["field-dropped", "drop-undocumented", "drop-unknown", "drop-falsy"], join([(n, t) for n, t in items(payload) if n != name]))

    # Order.
    unsorted = [(n, t) for n, k, t in payload["tokens"] if n not in LEFT_OUT and k != "null" and t != ""]
    string("unsorted", "doc-order", join(unsorted))
    string("reverse", "reverse-order", join(sorted(unsorted, reverse=True)))
    string("casefold", "case-insensitive", join(sorted(unsorted, key=lambda pair: pair[0].casefold())))
    string("upper-order", "case-insensitive-upper", join(sorted(unsorted, key=lambda pair: pair[0].upper())))
    string("sorted-pairs", "sorted-pairs", "&".join(sorted(f"{n}={t}" for n, t in unsorted)))
    string("by-value", "sorted-values", join(sorted(unsorted, key=lambda pair: pair[1])))
    string("by-length", "length-order", join(sorted(sorted(unsorted), key=lambda pair: len(pair[0]))))
    page = known + ["error_msg"]
    if payload["name"] in ("hmac", "plain", "extra"):
        rest = [(n, t) for n, t in unsorted if n not in page]
        string("page-order", ["page-order", "doc-order"], join([(n, texts[n]) for n in page if n in texts and texts[n]] + rest))

    # Value text.
    string("quote_plus", ["urlencode-go", "urlencode", "urlencode-java"], values(quote_plus))
    string("urlencode()", ["urlencode-go", "urlencode", "urlencode-java"], urlencode(items(payload)) if payload["name"] != "names" else S)
    string("quote", ["urlencode-slash", "urlencode-raw", "urlencode"], values(quote))
    string("quote-safe", ["urlencode-raw", "urlencode-js", "urlencode"], values(lambda t: quote(t, safe="")))
    string("quote-twice", ["double-urlencode", "double-urlencode-go"], values(lambda t: quote_plus(quote_plus(t))))
    string("unquote_plus", ["urldecode", "urldecode-percent", "plus-to-space", "string-urldecoded"], values(unquote_plus))
    string("unquote", ["urldecode-percent", "urldecode"], values(unquote))
    string("unquote-all", ["string-urldecoded", "urldecode", "urldecode-percent"], unquote_plus(S))
    if payload["name"] != "names":
        string("quote-all", ["string-urlencoded", "string-urlencoded-go"], quote_plus(S))
        if not is_hmac:
            case("quote-all-with-key", ["text-urlencoded", "text-urlencoded-go"], md5(quote_plus(f"{S}&{K}")).hexdigest())
    string("strip", ["trimmed", "drop-blank"], values(str.strip))
    string("split-join", ["collapsed-trimmed", "trimmed", "collapsed-spaces"], values(lambda t: " ".join(t.split())))
    string("no-spaces", ["spaces-removed", "trimmed"], values(lambda t: "".join(t.split()), ("string",)))
    string("html.escape", ["html-escaped", "html-escaped-python"], values(html.escape, ("string",)))
    string("html-page", "html-entities-in-string", html.unescape(S) if payload["name"] == "entities" else S)
    string("html-amp", "html-separators", html.escape(S, quote=False) if payload["name"] != "text" else S)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        string(form, [form.lower(), "nfc", "nfd"], unicodedata.normalize(form, S))
    string("gbk", "gbk", S.encode("gbk", errors="replace"))
    string("latin-1", ["latin-1", "question-marks"], S.encode("latin-1", errors="replace"))
    string("ascii", ["question-marks", "latin-1"], S.encode("ascii", errors="replace"))
    string("mojibake", "double-utf8", S.encode().decode("latin-1"))
    string("lower", "lower-case-string", S.lower())
    string("upper-string", "upper-case-string", S.upper())
    if is_hmac:
        string("utf-16", "utf-16", S.encode("utf-16-le"))
    else:
        case("utf-16", "utf-16-text", md5(f"{S}&{K}".encode("utf-16-le")).hexdigest())
        case("upper-text", "upper-case-text", md5(f"{S}&{K}".upper()).hexdigest())
        case("lower-text", "lower-case-text", md5(f"{S}&{K}".lower()).hexdigest())

    def printed(change, which=lambda n, v: v is not None and v != ""):
        return join(sorted((n, change(v)) for n, v in native.items() if n not in LEFT_OUT and which(n, v)))

    floats = {"number-python", "number-java", "float-js", "float-php", "decimals-reprinted"}
    string("str", ["bool-python", "array-python", "printed-python", *sorted(floats)], printed(str))
    string("str-none", "null-none", join(sorted((n, "None" if native[n] is None else t) for n, t in texts.items() if n not in LEFT_OUT and native[n] != "")))
    string("float", ["float-python", "float-java"], join([(n, str(float(t)) if kinds[n] == "number" else t) for n, t in items(payload)]))
    string("two-decimals", ["two-decimals", "amount-two-decimals"], join([(n, f"{float(t):.2f}" if kinds[n] == "number" else t) for n, t in items(payload)]))
    amounts = ("amount", "real_amount", "fee")
    string("amount-float", ["amount-float", "float-java", "float-python", "number-python", "decimals-python", "printed-python"], join([(n, str(float(t)) if n in amounts else t) for n, t in items(payload)]))
    string("amount-2f", "amount-two-decimals", join([(n, "%.2f" % float(t) if n in amounts else t) for n, t in items(payload)]))
    if payload["name"] != "numbers":
        string("amount-thousands", "amount-thousands", join([(n, f"{int(t):,}" if n in amounts and t.isdigit() else t) for n, t in items(payload)]))
    whole = all("." not in texts.get(n, "") for n in amounts)
    if whole:
        string("yuan", "yuan", join([(n, "%.2f" % (int(t) / 100) if n in amounts else t) for n, t in items(payload)]))
        string("yuan-float", ["yuan-float", "yuan-short"], join([(n, str(int(t) / 100) if n in amounts else t) for n, t in items(payload)]))
    string("decimal-text", ["decimals-python", "amount-float"], join([(n, str(float(t)) if kinds[n] in ("string", "number") and "." in t and is_decimal(t) else t) for n, t in items(payload)]))
    nested = ("array", "object")
    dumps = lambda **options: join([(n, json.dumps(native[n], **options) if kinds[n] in nested else t) for n, t in items(payload)])
    compact = {"separators": (",", ":")}
    string("dumps", ["json-spaced", "nested-spaced-escaped"], dumps())
    string("dumps-utf8", "json-spaced", dumps(ensure_ascii=False))
    string("dumps-ascii", ["nested-unicode-escaped", "unicode-escaped"], dumps(**compact))
    string("dumps-sorted", "nested-sorted", dumps(ensure_ascii=False, sort_keys=True, **compact))
    string("dumps-indent", "nested-pretty", dumps(ensure_ascii=False, indent=4))
    string("dumps-each", ["unicode-escaped", "nested-unicode-escaped"], join([(n, json.dumps(t)[1:-1] if kinds[n] == "string" else json.dumps(native[n], **compact) if kinds[n] in nested else t) for n, t in items(payload)]))
    string("dumps-quoted", "json-quoted", join([(n, json.dumps(t, ensure_ascii=False) if kinds[n] == "string" else t) for n, t in items(payload)]))
    string("repr", ["string-repr", "json-quoted"], join([(n, repr(t) if kinds[n] == "string" else t) for n, t in items(payload)]))
    if payload["name"] == "list":
        string("doseq", "array-repeated", "&".join(f"{n}={item}" for n, t in items(payload) for item in (native[n] if kinds[n] == "array" else [t])))

    def when(text, form):
        try:
            return form(datetime.datetime.fromisoformat(text))
        except ValueError:
            return text

    def times(form):
        return join([(n, when(t, form) if kinds[n] == "string" and n.endswith("_time") else t) for n, t in items(payload)])

    string("isoformat", ["time-iso-offset"], times(lambda d: d.isoformat()))
    string("str-datetime", ["time-python"], times(str))
    string("strftime", ["time-reprinted"], times(lambda d: d.strftime("%Y-%m-%d %H:%M:%S")))
    string("strftime-utc", ["time-reprinted-utc"], times(lambda d: d.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")))
    string("timestamp", ["time-as-seconds"], times(lambda d: str(int(d.timestamp()))))
    china = datetime.timezone(datetime.timedelta(hours=8))
    for mistake, zone in [("utc", datetime.timezone.utc), ("china", china)]:
        string("from-unix-" + mistake, "time-as-date" + ("-china" if zone is china else ""), join(
            [(n, datetime.datetime.fromtimestamp(int(t), zone).strftime("%Y-%m-%d %H:%M:%S") if kinds[n] == "number" and n.endswith("_time") else t) for n, t in items(payload)]))

    # Shape.
    pairs = items(payload)
    for mistake, text in [
        ("values-only", "".join(t for _, t in pairs)), ("values-joined", "&".join(t for _, t in pairs)),
        ("values-comma", ",".join(t for _, t in pairs)), ("values-pipe", "|".join(t for _, t in pairs)),
        ("no-ampersand", join(pairs, "")), ("names-and-values", "".join(n + t for n, t in pairs)),
        ("separator-comma", join(pairs, ",")), ("separator-pipe", join(pairs, "|")), ("separator-semicolon", join(pairs, ";")),
        ("separator-newline", join(pairs, "\n")), ("separator-space", join(pairs, " ")), ("colon", "&".join(f"{n}:{t}" for n, t in pairs)),
        ("question-mark", "?" + S), ("leading-ampersand", "&" + S), ("comma-space", join(pairs, ", ")),
    ]:
        string(mistake, mistake, text)
    string("raw-body", ["raw-body", "json"], payload["body"])
    if not is_hmac:
        case("raw-body-no-ampersand", ["no-separator+raw-body", "no-separator+json"], md5(payload["body"] + K).hexdigest())
    if payload["name"] not in ("numbers", "zeros"):
        string("sorted-json-spaced", ["sorted-json-python", "json-python"], json.dumps(native, sort_keys=True))
    if payload["name"] not in ("numbers", "zeros"):
        string("sorted-json", ["sorted-json", "sorted-json-deep", "raw-body", "json", "json-strings"], json.dumps(native, sort_keys=True, ensure_ascii=False, **compact))
    if payload["name"] == "wrapper":
        inner = native["data"]
        string("nested-only", "nested-only", join(sorted((n, str(v)) for n, v in inner.items() if v != "")))

    if payload["name"] in ("plain", "near", "hmac", "extra"):
        made.extend(pairs_of(payload))
    return made


def is_zero(value):
    try:
        return float(value) == 0
    except (TypeError, ValueError):
        return False


def is_decimal(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def pairs_of(payload):
    """Several mistakes at once: key form × case × fields × order or value text."""
    kinds = {n: k for n, k, _ in payload["tokens"]}
    native = json.loads(payload["body"])
    K = payload["key"]
    every = [(n, k, t) for n, k, t in payload["tokens"] if n != "sign"]
    falsy = lambda n: kinds[n] == "number" and float(native[n]) == 0
    fields = {
        "": lambda n, t: n != "sign_type" and t != "",
        "keep-empty": lambda n, t: n != "sign_type",
        "drop-zero": lambda n, t: n != "sign_type" and t != "" and not falsy(n),
        "include-sign_type": lambda n, t: t != "",
        "field-dropped": lambda n, t: n not in ("sign_type", "update_time") and t != "",
    }
    orders = {"": lambda p: sorted(p), "doc-order": lambda p: p, "reverse-order": lambda p: sorted(p, reverse=True)}
    texts = {
        "": lambda n, t: t,
        "urlencode": lambda n, t: quote_plus(t),
        "urlencode-raw": lambda n, t: quote(t, safe=""),
        "float-python": lambda n, t: str(float(t)) if kinds[n] == "number" else t,
        "amount-two-decimals": lambda n, t: "%.2f" % float(t) if n in ("amount", "real_amount", "fee") else t,
        "unicode-escaped": lambda n, t: json.dumps(t)[1:-1],
    }
    if payload["algorithm"] == "hmac":
        forms = {
            "": lambda s: mac(K, s),
            "hmac-with-label-appended": lambda s: mac(K, f"{s}&key={K}"),
            "hmac-with-key-appended": lambda s: mac(K, f"{s}&{K}"),
            "sha256": lambda s: hashlib.sha256(f"{s}&{K}".encode()),
        }
    else:
        forms = {
            "": lambda s: md5(f"{s}&{K}"),
            "key-prefix": lambda s: md5(f"{s}&key={K}"),
            "no-separator": lambda s: md5(s + K),
            "hmac-md5": lambda s: mac(K, s, hashlib.md5),
        }
    choices = [(f, o, v) for f in fields for o in orders for v in texts if [f, o, v].count("") >= 1 and [f, o, v].count("") < 3]
    frequent = {("keep-empty", "doc-order", "urlencode"), ("drop-zero", "doc-order", "urlencode"), ("keep-empty", "doc-order", "urlencode-raw"),
                ("include-sign_type", "doc-order", "urlencode")}
    for f, o, v in choices + sorted(frequent):
        text = join(orders[o]([(n, texts[v](n, t)) for n, k, t in every if fields[f](n, t)]))
        plain = join(sorted((n, t) for n, k, t in every if fields[""](n, t)))
        for form, sign in forms.items():
            for case in ("", "upper"):
                digest = sign(text).hexdigest()
                codes = [code for code in (form, case, f, o, v) if code]
                if len(codes) < 2 or text == plain:
                    continue
                # A part that changes nothing on this payload would make the names wrong.
                if any(text == join(orders[o2]([(n, texts[v2](n, t)) for n, k, t in every if fields[f2](n, t)]))
                       for f2, o2, v2 in ((("", o, v)) if f else (f, o, v), (f, "", v) if o else (f, o, v), (f, o, "") if v else (f, o, v))
                       if (f2, o2, v2) != (f, o, v)):
                    continue
                same = {
                    "drop-zero": ["drop-zero", "drop-falsy", "field-dropped"], "urlencode": ["urlencode", "urlencode-raw"],
                    "urlencode-raw": ["urlencode-raw", "urlencode"], "field-dropped": ["field-dropped"],
                    "float-python": ["float-python", "float-java", "amount-float"], "keep-empty": ["keep-empty", "keep-empty-string"],
                    "unicode-escaped": ["unicode-escaped", "json-escaped"],
                }
                says = [""]
                for code in codes:
                    says = [f"{a}+{b}" if a else b for a in says for b in same.get(code, [code])]
                yield {"mistake": "+".join(codes), "payload": payload["name"],
                       "sign": digest.upper() if case else digest, "says": says}
