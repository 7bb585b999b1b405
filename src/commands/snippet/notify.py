"""Verifies and acknowledges payout notifications signed as the dialect @DIALECT@ says.

Serve: PAYOUT_NOTIFY_KEY=... PORT=8080 python3 notify.py      (Python 3.8 or later, nothing else)
In a rotation PAYOUT_NOTIFY_RETIRED_KEY is accepted too.
Test:  python3 notify.py VECTORS.json ...
"""
import hashlib, hmac, json, os, re, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

SIGN_FIELD = @SIGN_FIELD@
READS_SIGN_TYPE = @READS_SIGN_TYPE@
SCHEMES = {  # The first one holds where sign_type says nothing.
    @ALGORITHM@: {'before_key': @BEFORE_KEY@, 'key': @KEY_FORM@, 'separator': @SEPARATOR@,
        'upper': @UPPER@, 'keep_empty': @KEEP_EMPTY@, 'nulls': @NULLS@,
        'signed': [@SIGNED@], 'unsigned': [@UNSIGNED@]},
}
SUCCESS = @SUCCESS@
REFUSAL = @REFUSAL@
# Fields that always come. Without them a value such as "x&fee=0" could swallow a field unseen.
REQUIRED = [@REQUIRED@]
STATUS_FIELD, STATUS_IS_NUMBER = @STATUS_FIELD@, @STATUS_IS_NUMBER@
METHOD, CONTENT_TYPE = @METHOD@, @CONTENT_TYPE@  # Without a content type the fields are in the query.
MAX_BODY, MAX_DEPTH = 65536, 127

TOKEN = re.compile(r'[ \t\n\r]*("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
                   r'|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|[{}\[\],:])')


def parse(text):
    """The members of a JSON object, name -> (kind, text); ValueError where it is none."""
    tokens, at = [], 0
    while found := TOKEN.match(text, at):
        tokens.append(found[1])
        at = found.end()
    tokens.append('')
    tokens.reverse()
    if text[at:].strip(' \t\n\r') or tokens[-1] != '{':
        raise ValueError('no JSON object')
    members = children(tokens, 1)
    if tokens != ['']:
        raise ValueError('data after the object')
    return members


def children(tokens, depth):
    """The members of an object by name, or the values of an array by number."""
    close, found = {'{': '}', '[': ']'}[tokens.pop()], {}
    if depth > MAX_DEPTH:
        raise ValueError('nested too deep')
    mark = tokens.pop() if tokens[-1] == close else ','
    while mark == ',':
        kind, name = 'number', len(found)
        if close == '}':
            kind, name = value(tokens, depth)
            if kind != 'string' or name in found or tokens.pop() != ':':
                raise ValueError('no name, or a name twice')
        found[name] = value(tokens, depth)
        mark = tokens.pop()
    if mark != close:
        raise ValueError('not closed')
    return found


def value(tokens, depth):
    """One value as (kind, text): digits as written, nested values as compact JSON."""
    token = tokens[-1]
    if token in ('{', '['):
        found = children(tokens, depth + 1)
        quote = lambda text: json.dumps(text, ensure_ascii=False)
        values = [quote(text) if kind == 'string' else text or 'null' for kind, text in found.values()]
        if token == '[':
            return 'array', '[' + ','.join(values) + ']'
        return 'object', '{' + ','.join(quote(n) + ':' + v for n, v in zip(found, values)) + '}'
    tokens.pop()
    if token[:1] == '"':
        text = json.loads(token)
        text.encode()  # Half of a surrogate pair is not text: this raises a ValueError.
        return 'string', text
    if token in ('true', 'false', 'null'):
        return ('null', '') if token == 'null' else ('boolean', token)
    if token[:1] in tuple('-0123456789'):
        return 'number', token
    raise ValueError('no value')


def signature(members, algorithm, key):
    scheme = SCHEMES[algorithm]
    text = scheme['separator'].join(
        f"{name}={'null' if kind == 'null' and scheme['nulls'] == 'text' else text}"
        for name, (kind, text) in sorted(members.items())  # Code points sort as UTF-8 does.
        if name not in scheme['unsigned'] and (not scheme['signed'] or name in scheme['signed'])
        and (scheme['nulls'] != 'drop' if kind == 'null' else text != '' or scheme['keep_empty']))
    shown = {'plain': key, 'md5': hashlib.md5(key).hexdigest().encode(), 'none': b''}[scheme['key']]
    data = (text + scheme['before_key']).encode() + shown
    digest = (hmac.new(key, data, hashlib.sha256) if algorithm == 'hmac-sha256'
              else hashlib.new(algorithm, data)).hexdigest()
    return digest.upper() if scheme['upper'] else digest


def verified(members, key):
    kind, sign = members.get(SIGN_FIELD, ('null', ''))
    said_kind, said = members.get('sign_type', ('null', '')) if READS_SIGN_TYPE else ('null', '')
    algorithm = next(iter(SCHEMES))
    if said != '':
        algorithm = said.lower() if said_kind == 'string' else None
    elif re.fullmatch('[0-9a-fA-F]{64}', sign):
        algorithm = next((name for name in ('hmac-sha256', 'sha256') if name in SCHEMES), algorithm)
    if kind != 'string' or sign == '' or algorithm not in SCHEMES:
        return False
    return hmac.compare_digest(signature(members, algorithm, key).encode(), sign.encode())


def usable(members):
    """Whether the fields are there, plain, and not hidden inside another value."""
    separator = next(iter(SCHEMES.values()))['separator']
    hidden = [f'{separator}{name}=' for name in REQUIRED + ['real_amount']]
    return (all(members.get(name, ('', ''))[0] in ('string', 'number') and members[name][1] for name in REQUIRED)
            and not any(pair in text for _, text in members.values() for pair in hidden)
            and (not STATUS_IS_NUMBER or re.fullmatch('[0-9]+', members[STATUS_FIELD][1], re.ASCII) is not None))


def settle(members):
    """Called for every verified notification, duplicates and late ones included."""
    # credit once: in the transaction that stores @ID_FIELD@
    #   BEGIN; INSERT INTO payouts(payout_id, ...) ... ON CONFLICT DO NOTHING; credit or refund only where
    #   a row was inserted or its status became final; COMMIT. Raise where that fails: it is sent again.
    # @STATUS_NOTE@


def pairs(text):
    """The same of the pairs of a form or a query, whose values are all texts."""
    found = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors='strict')
    if len(dict(found)) < len(found):
        raise ValueError('a name twice')
    return {name: ('string', text) for name, text in found}


def answer(method, path, content_type, body, keys):
    refuse = lambda status, code: (status, REFUSAL.replace('CODE', code))
    if method != METHOD:
        return refuse(405, '0023')
    if CONTENT_TYPE and content_type.split(';')[0].strip().lower() != CONTENT_TYPE:
        return refuse(415, '0022')
    if len(body) > MAX_BODY:
        return refuse(413, '0002')
    try:
        text = body.decode('utf-8') if CONTENT_TYPE else urlsplit(path).query
        members = parse(text) if CONTENT_TYPE == 'application/json' else pairs(text)
    except ValueError:
        return refuse(400, '0021')
    if not any(verified(members, key) for key in keys):
        return refuse(401, '0004')
    if not usable(members):
        return refuse(400, '0002')
    settle(members)
    return 200, SUCCESS


class Handler(BaseHTTPRequestHandler):
    protocol_version, timeout = 'HTTP/1.1', 10

    def body(self):
        """At most one byte more than allowed; None where it cannot be read."""
        if 'chunked' not in self.headers.get('Transfer-Encoding', '').lower():
            length = self.headers.get('Content-Length', '0')
            return self.rfile.read(min(int(length), MAX_BODY + 1)) if re.fullmatch('[0-9]{1,18}', length) else None
        body = b''
        while size := re.match(rb'([0-9a-fA-F]{1,8})[ \t]*[;\r\n]', self.rfile.readline(256)):
            size = int(size[1], 16)
            body += self.rfile.read(min(size, MAX_BODY + 1 - len(body)))
            if size == 0 or len(body) > MAX_BODY:
                return body
            self.rfile.readline(3)
        return None

    def do_POST(self):
        body = self.body()
        status, text = (400, REFUSAL.replace('CODE', '0002')) if body is None else answer(
            self.command, self.path, self.headers.get('Content-Type', ''), body, KEYS)
        self.send_response(status)
        self.send_header('Content-Type', 'application/json;charset=utf-8' if text[:1] == '{' else 'text/plain')
        self.send_header('Content-Length', str(len(text.encode())))
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(b'' if self.command == 'HEAD' else text.encode())

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST


def selftest(paths):
    checks = failures = 0
    for path in paths:
        with open(path, encoding='utf-8') as file:
            data = json.load(file)
        for vector in data if isinstance(data, list) else [data]:
            for algorithm, scheme in SCHEMES.items():
                ok = {'md5': 'OK-MD5', 'hmac-sha256': 'OK-HMAC'}.get(algorithm)
                tries = [(('string', case['digest']), case['code'] == ok) for case in vector.get('cases', [])]
                right = vector.get(algorithm.replace('-', '_'))
                if right is not None:
                    other = right.lower() if scheme['upper'] else right.upper()
                    tries += [(('string', right), True), (('boolean', 'true'), False)]
                    tries += [(('string', wrong), False) for wrong in (other, right[1:], '')]
                for sign, wanted in tries:
                    members = parse(vector['payload'])
                    members[SIGN_FIELD] = sign
                    if 'sign_type' in scheme['unsigned']:
                        members['sign_type'] = ('string', algorithm)
                    checks += 1
                    if verified(members, vector['key'].encode()) != wanted:
                        failures += 1
                        print('failed:', vector.get('id', 'near miss'), algorithm)
    print(f'{failures} of {checks} checks failed' if failures else f'ok: {checks} checks')
    sys.exit(1 if failures or checks == 0 else 0)


if __name__ == '__main__':
    if len(sys.argv) > 1:
        selftest(sys.argv[1:])
    KEYS = [os.environ.get(name, '').encode() for name in ('PAYOUT_NOTIFY_KEY', 'PAYOUT_NOTIFY_RETIRED_KEY')]
    if not KEYS[0]:
        sys.exit('set PAYOUT_NOTIFY_KEY')
    KEYS = list(filter(None, KEYS))  # Anyone can sign with an empty key.
    server = ThreadingHTTPServer(('127.0.0.1', int(os.environ.get('PORT', '8080'))), Handler)
    print(f'listening on http://127.0.0.1:{server.server_port}/', flush=True)
    server.serve_forever()
