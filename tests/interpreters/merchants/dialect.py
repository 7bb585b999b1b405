"""A merchant of any dialect: it knows the table that `payout-notify dialects --format json` prints.

PAYOUT_NOTIFY_KEY=... CREDIT_FILE=credits.txt python3 dialect.py TABLE.json DIALECT
"""
import hashlib, hmac, json, os, re, sys, threading
import xml.etree.ElementTree as ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KEY = os.environb[b"PAYOUT_NOTIFY_KEY"]
CREDIT_FILE = os.environ["CREDIT_FILE"]
with open(sys.argv[1], encoding="utf-8") as table:
    DIALECT = next(one for one in json.load(table)["dialects"] if one["id"] == sys.argv[2])
FIELDS, SCHEMES = DIALECT["fields"], DIALECT["schemes"]
SIGN_FIELD = SCHEMES[0]["sign_field"]
CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded", "xml": "text/xml"}
LOCK, MAX_BYTES = threading.Lock(), 1 << 20


class Number(str):
    """A number as it was written."""


def unique(pairs):
    pairs = list(pairs)
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a field twice")
    return dict(pairs)


def parsed(body):
    """The fields by name; ValueError where the body is something else."""
    text = body.decode()
    if DIALECT["transport"] == "json":
        fields = json.loads(text, object_pairs_hook=unique, parse_int=Number, parse_float=Number, parse_constant=int)
        if not isinstance(fields, dict):
            raise ValueError("no object")
        return fields
    if DIALECT["transport"] == "xml":
        try:
            return unique((one.tag, one.text or "") for one in ElementTree.fromstring(text))
        except ElementTree.ParseError as error:
            raise ValueError from error
    return unique(parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict"))


def text_of(value, top=True):
    if isinstance(value, Number) or (top and isinstance(value, str)):
        return value
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{text_of(n, False)}:{text_of(v, False)}" for n, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ",".join(text_of(v, False) for v in value)
    return json.dumps(value, ensure_ascii=False)


def is_kept(scheme, name, value):
    if name in scheme["not_signed"] or (scheme["signed"] is not None and name not in scheme["signed"]):
        return False
    return scheme["nulls"] != "drop" if value is None else value != "" or scheme["empties"] == "keep"


def signature(fields, scheme):
    null = "null" if scheme["nulls"] == "text" else ""
    pairs = [(name, null if value is None else text_of(value))
             for name, value in sorted(fields.items()) if is_kept(scheme, name, value)]
    text = scheme["separator"].join(f"{name}={value}" for name, value in pairs)
    after = scheme["after"].replace("md5(KEY)", hashlib.md5(KEY).hexdigest()).encode().replace(b"KEY", KEY)
    data = text.encode() + after
    digest = (hmac.new(KEY, data, hashlib.sha256) if scheme["algorithm"] == "hmac-sha256"
              else hashlib.new(scheme["algorithm"], data)).hexdigest()
    return digest.upper() if scheme["digest"] == "upper" else digest


def is_signed(fields):
    sign, said = fields.get(SIGN_FIELD), fields.get("sign_type")
    if type(sign) is not str:
        return False
    scheme = SCHEMES[0]
    if len(SCHEMES) > 1 or "sign_type" in scheme["not_signed"]:
        if said in (None, "") and len(sign) == 64:
            said = "hmac-sha256"
        if said not in (None, ""):
            known = [one for one in SCHEMES if type(said) is str and one["algorithm"] == said.lower()]
            if not known:
                return False
            scheme = known[0]
    return hmac.compare_digest(signature(fields, scheme).encode(), sign.encode())


def cents_of(text):
    if DIALECT["amounts"] == "cents":
        found = re.fullmatch(r"([0-9]{1,16})()(\.0+)?", text)
    else:
        found = re.fullmatch(r"([0-9]{1,14})(?:\.([0-9]{1,2})0*)?", text)
    if found is None:
        raise ValueError("no amount")
    return int(found[1] + ("" if DIALECT["amounts"] == "cents" else (found[2] or "").ljust(2, "0")))


def book(order, cents):
    with LOCK, open(CREDIT_FILE, "a+", encoding="utf-8") as file:
        file.seek(0)
        if not any(line.split(" ")[0] == order for line in file):
            file.write(f"{order} {cents}\n")
            file.flush()
            os.fsync(file.fileno())


def is_accepted(body):
    fields = parsed(body)
    if not is_signed(fields):
        return False
    texts = {}
    for logical, name in FIELDS.items():
        value = fields.get(name) if name is not None else None
        if value is not None and not isinstance(value, str):
            raise ValueError("no plain value")
        # Some deployments leave what was received out, and the reason of a failure is optional.
        if name is not None and logical not in ("real_amount", "error_msg") and (value is None or re.search(r"&|^$", value)):
            raise ValueError(name)
        texts[logical] = value
    cents, words = cents_of(texts["amount"]), DIALECT["statuses"]
    status = next((name for name, word in words.items() if word is not None and str(word) == texts["status"]), None)
    if status is None and not re.fullmatch("[0-9]{1,2}", texts["status"]):
        return False
    if status == "success":
        book(texts["payout_id"], cents)
    elif status in ("failed", "cancelled"):
        book(texts["payout_id"], 0)
    return True


class Handler(BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 15
    log_message = lambda self, *_: None

    def body(self):
        if "Transfer-Encoding" not in self.headers:
            return self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MAX_BYTES + 1))
        body = b""
        while len(body) <= MAX_BYTES and (size := int(self.rfile.readline(80).split(b";")[0], 16)) > 0:
            body += self.rfile.read(min(size, MAX_BYTES + 1) + 2)[:-2]
        self.rfile.readline(3)
        return body

    def answer(self):
        try:
            if self.command != DIALECT["method"]:
                return self.reply(405, "wrong method")
            body = self.body()
            if DIALECT["transport"] == "query":
                body = urlsplit(self.path).query.encode()
            elif self.headers.get("Content-Type", "").split(";")[0].strip().lower() != CONTENT_TYPES[DIALECT["transport"]]:
                return self.reply(415, "wrong content type")
            if len(body) <= MAX_BYTES and is_accepted(body):
                return self.reply(200, DIALECT["success_reply"])
            return self.reply(200, "refused")
        except (ValueError, RecursionError):
            return self.reply(400, "refused")

    def reply(self, status, text):
        kind = "application/json" if text[0] == "{" else "text/xml" if text[0] == "<" else "text/plain"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        if status != 200:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer


ThreadingHTTPServer.request_queue_size = 128
SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening on http://127.0.0.1:{SERVER.server_port}/", flush=True)
SERVER.serve_forever()
