"""A small merchant that does it right, on Python's standard library: verify, credit once, acknowledge.

PAYOUT_NOTIFY_KEY=... CREDIT_FILE=credits.txt python3 merchant.py 8080
REQUIRE_HMAC=1 refuses MD5. DIALECT=epay takes the notifications of epay. FLAW=memory remembers credited orders in
memory only: what `check --explore` finds. A line of CREDIT_FILE is "order amount"; observe.py adds them up.
"""
import hashlib, hmac, json, os, re, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KEY = os.environb[b"PAYOUT_NOTIFY_KEY"]
CREDIT_FILE = os.environ.get("CREDIT_FILE", "credits.txt")
REQUIRE_HMAC = os.environ.get("REQUIRE_HMAC") == "1"
EPAY = os.environ.get("DIALECT") == "epay"
REMEMBERED = set() if os.environ.get("FLAW") == "memory" else None
MAX_BYTES, CANCELLED, FAILED = 1 << 20, "4", "5"
SUCCESS = "TRADE_SUCCESS" if EPAY else "3"
IDS = ("trade_no", "out_trade_no", "pid") if EPAY else ("payout_id", "payout_cl_id", "platform_id")
OTHERS = ("trade_status", "money") if EPAY else ("status", "amount", "fee", "create_time", "update_time")
HTTP_STATUS, LOCK = {"0021": 400, "0022": 415, "0023": 405}, threading.Lock()

class Number(str):
    """A number as it was written: 1.10 stays 1.10, and 1E5 stays 1E5."""

def members(pairs):
    """Refuses a duplicate field: languages disagree on which one counts."""
    if len(dict(pairs)) == len(pairs):
        return dict(pairs)
    raise ValueError("duplicate field")

def text_of(value, top=True):
    """A value as it is signed: inside arrays and objects it is compact JSON."""
    if isinstance(value, Number) or (top and isinstance(value, str)):
        return value
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{text_of(n, False)}:{text_of(v, False)}" for n, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ",".join(text_of(v, False) for v in value)
    return json.dumps(value, ensure_ascii=False)

def is_signed(payload):
    """Whether the signature holds: over every field received, known or not, but for empty ones."""
    names = sorted(n for n, v in payload.items() if n not in ("sign", "sign_type") and v not in (None, ""))
    signed = "&".join(f"{name}={text_of(payload[name])}" for name in names).encode()
    sign, kind = payload.get("sign"), payload.get("sign_type")
    if type(sign) is not str:
        return False
    if kind in (None, ""):
        kind = "HMAC-SHA256" if re.fullmatch("[0-9a-fA-F]{64}", sign) else "MD5"
    kind = kind.upper() if type(kind) is str else None
    if kind == "HMAC-SHA256" and not EPAY:
        expected = hmac.new(KEY, signed, hashlib.sha256).hexdigest()
    elif kind == "MD5" and not REQUIRE_HMAC:
        expected = hashlib.md5(signed + (b"" if EPAY else b"&") + KEY).hexdigest()
    else:
        return False
    return hmac.compare_digest(expected.encode(), sign.encode())

def credit(order, amount):
    """Credits an order once, and returns when that is on the disk: only then it may be acknowledged."""
    with LOCK, open(CREDIT_FILE, "a+", encoding="utf-8") as file:
        file.seek(0)
        # A database would hold the order as a unique key, in the transaction that credits.
        known = {line.split(" ")[0] for line in file} if REMEMBERED is None else REMEMBERED
        if order not in known:
            known.add(order)
            file.write(f"{order} {amount}\n")
            file.flush()
            os.fsync(file.fileno())

def parsed(body):
    if EPAY:
        return members(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict"))
    # NaN and the like are not JSON: int refuses them. Half of a surrogate pair is a ValueError too.
    return json.loads(body.decode(), object_pairs_hook=members, parse_int=Number, parse_float=Number,
                      parse_constant=int)

def code_for(body):
    try:
        payload = parsed(body)
        if not isinstance(payload, dict) or not is_signed(payload):
            return "0004" if isinstance(payload, dict) else "0021"
    except (ValueError, RecursionError):
        return "0021"
    # A field that is missing may have been moved into another one's text: "&" is not escaped when signing.
    ids = [payload.get(name) for name in IDS]
    status, amount, *others = (str(payload.get(n)) for n in OTHERS)
    amount = re.fullmatch(r"([0-9]{1,16})(\.[0-9]{2}0*)?", amount)
    if not all(type(i) is str and re.fullmatch(r"[^&\s]+", i) for i in ids) or "None" in others \
            or not amount or not re.fullmatch("TRADE_[A-Z]+" if EPAY else "[0-9]{1,2}", status):
        return "0002"
    if status == SUCCESS:
        # Sisters of the platform write the major unit, and it with decimals: 123.4500 is 12345 cents.
        credit(ids[0], amount[1] + (amount[2] or (".00" if EPAY else ""))[1:3])
    elif status in (CANCELLED, FAILED):
        credit(ids[0], "0")  # The order is final: a success that comes later is not credited.
    return "0000"  # A payout that failed is acknowledged too.

class Handler(BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 15  # Seconds without a byte.
    log_message = lambda self, *_: None
    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = lambda self: self.reply("0023")

    def body(self):
        if "Transfer-Encoding" not in self.headers:
            return self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MAX_BYTES + 1))
        body = b""
        while len(body) <= MAX_BYTES and (size := int(self.rfile.readline(80).split(b";")[0], 16)) > 0:
            body += self.rfile.read(min(size, MAX_BYTES + 1) + 2)[:-2]
        self.rfile.readline(3)
        return body

    def reply(self, code):
        content = json.dumps({"error_code": code}).encode()
        if EPAY:
            content = b"success" if code == "0000" else b"fail"
        self.send_response(HTTP_STATUS.get(code, 200))
        self.send_header("Content-Type", "text/plain" if EPAY else "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if code != "0000":  # The body may not have been read to its end.
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.reply(code_for(urlsplit(self.path).query.encode()) if EPAY else "0023")

    def do_POST(self):
        if EPAY:
            return self.reply("0023")
        if self.headers.get("Content-Type", "").split(";")[0].strip().lower() != "application/json":
            return self.reply("0022")
        try:
            body = self.body()
            self.reply("0021" if len(body) > MAX_BYTES else code_for(body))
        except ValueError:  # A length that is not a number.
            self.reply("0021")

ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
