"""What the Python merchants of this folder share: HTTP, the signature, and a ledger that is a file."""
import hashlib, hmac, json, os, re, socketserver, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = b"ThisIsYourSecretKey123"
ACKNOWLEDGED, NOT_KNOWN, BAD_SIGNATURE, BUSY, TOO_LATE = "0000", "0002", "0004", "0009", "0014"
# What a final status moves; the other statuses move nothing.
MOVES = {"3": "credited", "4": "refunded", "5": "refunded"}
IDS = ("payout_id", "payout_cl_id", "platform_id")


class Notification:
    def __init__(self, body):
        payload = json.loads(body, parse_int=str, parse_float=str)
        fields = [payload[name] for name in (*IDS, "status", "amount", "update_time")]
        if not all(type(one) is str and re.fullmatch(r"[^&\s]+", one) for one in fields) or not fields[4].isdigit():
            raise ValueError("a field is missing or not usable")
        self.body, self.order, self.status = body, fields[0], fields[3]
        self.what, self.cents, self.update_time = MOVES.get(self.status), int(fields[4]), int(fields[5])
        self.is_signed = is_signed(payload)


def is_signed(payload):
    sign = payload.get("sign", "")
    names = sorted(name for name, value in payload.items() if name not in ("sign", "sign_type") and value not in ("", None))
    text = "&".join(f"{name}={payload[name]}" for name in names).encode()
    expected = hmac.new(KEY, text, hashlib.sha256) if len(sign) == 64 else hashlib.md5(text + b"&" + KEY)
    return hmac.compare_digest(expected.hexdigest(), sign)


def append(path, line):
    """Adds a line, and returns when it is on the disk; a full disk leaves no half of it."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    content, before = f"{line}\n".encode(), os.fstat(file).st_size
    try:
        if os.write(file, content) < len(content):
            raise OSError("the disk is full")
        os.fsync(file)
    except OSError:
        os.ftruncate(file, before)
        raise
    finally:
        os.close(file)


def lines(path):
    """The lines of a file that were written to their end."""
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [line.rstrip("\n").split(" ") for line in file if line.endswith("\n")]


class Handler(BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 15
    log_message = lambda self, *_: None

    def reply(self, status, code):
        content = json.dumps({"error_code": code}).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.wfile.write(head.encode() + content)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(min(length, 1 << 20))
        if len(body) < length:
            self.close_connection = True
            return
        try:
            notification = Notification(body)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return self.reply(400, "0021")
        # A merchant answers with a code, or with a code and what it does after its reply.
        answer = self.server.answer(notification)
        code, afterwards = answer if isinstance(answer, tuple) else (answer, None)
        self.reply(503 if code == BUSY else 200, code)
        if afterwards:
            afterwards()


class Server(ThreadingHTTPServer):
    request_queue_size, daemon_threads = 128, True
    # HTTPServer's own looks up the host's name.
    server_bind = socketserver.TCPServer.server_bind

    def handle_error(self, *_):
        """A client that went away is nothing to report."""


def serve(port, answer, takes_unsigned=False, workers=1):
    """Answers notifications; those with an invalid signature are refused, unless the merchant looks itself."""
    server = Server(("127.0.0.1", int(port)), Handler)
    server.answer = answer if takes_unsigned else lambda one: answer(one) if one.is_signed else BAD_SIGNATURE
    while workers > 1 and os.fork():
        workers -= 1
    server.serve_forever(poll_interval=5)


def start_thread(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()
