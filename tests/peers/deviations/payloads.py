"""The payloads that are signed wrongly, and their members with the text that the rule signs."""

import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = "ThisIsYourSecretKey123"

BODIES = {
    # The published example.
    "example": '{"payout_id":"POT00000102","payout_cl_id":"97a968b4a9db497c8c03198e395a38c6",'
    '"platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":2,'
    '"create_time":1567614049,"update_time":1567614111}',
    # The same with the other digest.
    "hmac": '{"payout_id":"POT00000104","payout_cl_id":"m-1 2","platform_id":"PF0014","amount":1234550,'
    '"real_amount":1234550,"fee":0,"status":3,"error_msg":"","memo":"王小头 a/b","create_time":1700000000,'
    '"update_time":1700000042,"sign_type":"HMAC-SHA256"}',
    # Everything that some language takes for empty.
    "zeros": '{"payout_id":"POT1","status":0,"amount":100,"real_amount":0,"fee":"0","rate":"0.00","ratio":0.0,'
    '"flag":false,"note":null,"memo":"","blank":" ","list":[],"map":{},"create_time":1567614049,'
    '"sign_type":"MD5"}',
    # One zero and one empty member: the everyday case.
    "plain": '{"status":3,"payout_id":"POT2","amount":5000,"fee":0,"error_msg":"","platform_id":"PF0014",'
    '"create_time":1567614049,"update_time":1567614111,"sign_type":"MD5"}',
    # Characters that encoders disagree about.
    "text": '{"payout_id":"POT3","amount":5000,"memo":"50% off + free & more","name":"王小头 (test)",'
    '"path":"a/b~c*d","quote":"it\'s \\"x\\" <b>","url":"https://m.example/cb?a=1&b=%41","pad":"  two  words ",'
    '"bang":"!$,;:@#","back":"c:\\\\d","wide":"\\u3000全角　"}',
    # Numbers that few languages print as they were written.
    "numbers": '{"payout_id":"POT4","amount":12345600,"real_amount":1000.0000,"fee":1.10,"big":12345678901234567890,'
    '"exp":1E5,"text":"1000.0000","rate":"0.50","small":0.000001,"neg":-5,"half":99.5,"create_time":1567614049}',
    # Booleans, arrays and objects.
    "nested": '{"payout_id":"POT5","amount":5000,"ok":true,"late":false,"ids":["12345","67890"],"nums":[1,2],'
    '"box":{"b":"中/文","a":1},"rows":[{"id":1,"name":"x y"},{"id":2,"name":"z"}],"create_time":1567614049}',
    "flags": '{"payout_id":"POT6","amount":5000,"ok":true,"late":false,"status":3}',
    "list": '{"payout_id":"POT7","amount":5000,"ids":["12345","67890"],"status":3}',
    # Names that orders disagree about.
    "names": '{"b":"1","a_b":"2","ab":"3","a1":"4","a":"5","Amount":"6","amount1":"7","amount":"8","10":"9","9":"10",'
    '"Zeta":"11","aB":"12","amount_x":"13","payout_id":"POT8"}',
    # Names that a page turns into characters.
    "entities": '{"amount":5000,"copy":"1","currency":"CNY","notify_url":"https://m.example/cb","para":"x","reg":"y",'
    '"section":"z","times":3,"lt":"w","payout_id":"POT9"}',
    # Text in several Unicode forms.
    "unicode": '{"payout_id":"POT10","amount":5000,"decomposed":"Cafe\\u0301","composed":"Caf\\u00e9","half":"ｱ１",'
    '"name":"王小头","emoji":"ok😀"}',
    # Text that GBK and Latin-1 can hold.
    "latin": '{"payout_id":"POT11","amount":5000,"name":"Müller","sign_type":"HMAC-SHA256"}',
    "chinese": '{"payout_id":"POT12","amount":5000,"name":"王小头 银行","status":3}',
    # Times as text.
    "times": '{"payout_id":"POT13","amount":"1000.0000","create_time":"2024-01-15T08:30:00+08:00",'
    '"update_time":"2024-01-15T00:31:05Z","status":3}',
    # Members beyond the page's table.
    "extra": '{"payout_id":"POT14","payout_cl_id":"m-3","platform_id":"PF0014","amount":400000,"real_amount":399000,'
    '"fee":1000,"status":5,"error_msg":"余额不足","memo":"m","currency":"CNY","create_time":1567614049,'
    '"update_time":1567614111,"sign_type":"MD5"}',
    # A wrapper around the order.
    "wrapper": '{"code":0,"msg":"ok","data":{"payout_id":"POT15","amount":5000,"memo":""}}',
    # Null among ordinary members.
    "null": '{"payout_id":"POT16","amount":5000,"error_msg":null,"status":3}',
}


class Number(str):
    """A number's digits as they are written in the JSON."""


def near_misses():
    with open(os.path.join(HERE, "../../../fixtures/vectors/near-misses.json"), encoding="utf-8") as file:
        return json.load(file)["payload"]


def digits(value):
    """The compact JSON of a nested value, numbers as written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(digits(item) for item in value) + "]"
    if isinstance(value, dict):
        members = (json.dumps(name, ensure_ascii=False) + ":" + digits(item) for name, item in value.items())
        return "{" + ",".join(members) + "}"
    return json.dumps(value, ensure_ascii=False)


def token(name, value):
    """Name, kind, and the text that the rule signs."""
    if value is None:
        return [name, "null", ""]
    if isinstance(value, bool):
        return [name, "bool", "true" if value else "false"]
    if isinstance(value, Number):
        return [name, "number", str(value)]
    if isinstance(value, str):
        return [name, "string", value]
    return [name, "array" if isinstance(value, list) else "object", digits(value)]


def all_payloads():
    bodies = {"near": near_misses(), **BODIES}
    found = []
    for name, body in bodies.items():
        exact = json.loads(body, parse_int=Number, parse_float=Number)
        hmac = str(exact.get("sign_type", "")).upper() == "HMAC-SHA256"
        found.append(
            {
                "name": name,
                "body": body,
                "key": KEY,
                "algorithm": "hmac" if hmac else "md5",
                "tokens": [token(member, value) for member, value in exact.items()],
            }
        )
    return found


def with_sign(body, sign):
    """The body with its signature as the last member."""
    return body[:-1] + ',"sign":' + json.dumps(sign) + "}"
