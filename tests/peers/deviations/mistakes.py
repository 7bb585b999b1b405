#!/usr/bin/env python3
"""Signatures with one mistake each, and the words that the first cause must have.

The first lines of the fixture are written by hand: mistakes that were met in the field. This script keeps
them and makes the others again, with the calls of the languages that make the mistake (PHP, Node, Ruby, Go
and Python):

    tests/peers/deviations/mistakes.py fixtures/vectors/mistakes.ndjson
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import time

KEY = "ThisIsYourSecretKey123"
FIELDS = {
    "payout_id": "POT00000102", "payout_cl_id": "97a968b4a9db497c8c03198e395a38c6", "platform_id": "PF0014",
    "amount": 400000, "real_amount": 400000, "fee": 3200, "status": 3,
    "create_time": 1567614049, "update_time": 1567614111,
}
ISO = {
    "payout_id": "LHPO00009280", "platform_id": "cn095", "amount": "100.0000", "fee": "0.0000", "status": 3,
    "create_time": "2024-05-08T04:27:15.000Z", "update_time": "2024-05-08T04:27:50.444Z",
}


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def pairs(fields, separator="&"):
    return separator.join(f"{name}={text(fields[name])}" for name in sorted(fields) if fields[name] != "")


def md5(data):
    return hashlib.md5(data if isinstance(data, bytes) else data.encode()).hexdigest()


def hmac256(data, key=KEY):
    return hmac.new(key.encode(), data.encode(), hashlib.sha256).hexdigest()


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def php(code):
    return run("php", "-r", code)


def node(code):
    return run("node", "-e", f"process.stdout.write(String({code}))")


def ruby(code):
    return run("ruby", "-e", f"print({code})")


def go(expression, imports):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "main.go")
        lines = "".join(f'import "{name}"\n' for name in ["fmt", *imports])
        with open(path, "w") as file:
            file.write(f"package main\n{lines}func main() {{ fmt.Print({expression}) }}\n")
        return run("go", "run", path)


def camel_name(name):
    return name[0] + name.title().replace("_", "")[1:]


def cases():
    def case(kind, what, sign, says, fields=FIELDS, no=(), **more):
        body = json.dumps({**fields, "sign": sign}, ensure_ascii=False, separators=(",", ":"))
        line = {"kind": kind, "what": what, "payload": body, "says": list(says)}
        return {**line, **({"not": list(no)} if no else {}), **more}

    def changed(kind, what, says, fields=FIELDS, **changes):
        return case(kind, what, md5(pairs({**fields, **changes}) + "&" + KEY), says, fields)

    def with_key(what, key, says):
        return case("key-replaced", what, md5(pairs(FIELDS) + "&" + key), says)

    right = md5(pairs(FIELDS) + "&" + KEY)
    string = pairs(FIELDS)

    # The digest in another dress; other hashes.
    yield case("digest-notation", "colons", ":".join(right[i:i + 2] for i in range(0, 32, 2)), ["colons"])
    yield case("digest-notation", "a header's label", "sha256=" + hmac256(string), ["label"])
    yield case("digest-notation", "quotation marks", f'"{right}"', ["quotation marks"])
    yield case("other-hash", "HMAC-SHA1", hmac.new(KEY.encode(), string.encode(), hashlib.sha1).hexdigest(), ["HMAC-SHA1"])
    yield case("other-hash", "SHA-224 of S&KEY", hashlib.sha224(f"{string}&{KEY}".encode()).hexdigest(), ["SHA-224"])
    yield case("other-hash", "SHA3-256 of S&KEY", hashlib.sha3_256(f"{string}&{KEY}".encode()).hexdigest(), ["SHA3-256"])
    yield case("other-hash", "HMAC-SHA3-256", hmac.new(KEY.encode(), string.encode(), "sha3_256").hexdigest(), ["HMAC-SHA3-256"])
    yield case("other-hash", "SHA3-512 of S&KEY", hashlib.sha3_512(f"{string}&{KEY}".encode()).hexdigest(), ["SHA3-512"])
    yield case("newline", "echo without -n, MD5", md5(f"{string}&{KEY}\n"), ["newline", "echo"])
    yield case("newline", "a Windows newline in the HMAC", hmac256(string + "\r\n"), ["Windows newline"])
    yield case("newline", "a newline in HMAC-SHA512", hmac.new(KEY.encode(), (string + "\n").encode(), "sha512").hexdigest(), ["newline", "HMAC-SHA512"])
    # What is in the place of the key.
    yield with_key("Python: str(bytes)", str(KEY.encode()), ["b'[key]'", "decode()"])
    yield with_key("Java: Optional.toString()", f"Optional[{KEY}]", ["Optional[[key]]", "Java"])
    yield with_key("Swift: an optional", f'Optional("{KEY}")', ['Optional("[key]")', "Swift"])
    yield with_key("Node: an unset variable", node("process.env.NO_SUCH_VARIABLE"), ["undefined"])
    yield with_key("an Authorization header", f"Bearer {KEY}", ["Bearer [key]"])
    yield with_key("base64 without padding", base64.b64encode(KEY.encode()).decode().rstrip("="), ["base64", "padding"])
    yield with_key("16 characters of the key", KEY[:16], ["first 16 bytes"])
    yield with_key("all but the last character", KEY[:-1], [f"first {len(KEY) - 1} bytes"])
    yield with_key("a placeholder of a template", "{{ SECRET_KEY }}", ["{{ SECRET_KEY }}", "template"])
    yield with_key("PHP: single quotes", php("echo '$secret';"), ["$secret"])
    yield with_key("Ruby: inspect", ruby(f'"{KEY}".to_sym.inspect'), [":[key]"])
    yield with_key("Go: fmt.Sprint([]byte)", go(f'fmt.Sprint([]byte("{KEY}"))', []), ["bytes as numbers", "Go"])
    yield with_key("Go: a nil value", go("fmt.Sprint(any(nil))", []), ["<nil>", "Go"])
    yield with_key("a masked secret", "********", ["********", "masked"])
    yield with_key("a masked key", KEY[:2] + "****" + KEY[-2:], ["middle masked"])
    yield with_key("Rails: filtered", "[FILTERED]", ["[FILTERED]", "Rails"])
    yield with_key(".NET: await is missing", "System.Threading.Tasks.Task`1[System.String]", ["Task", "await"])
    yield with_key("the last value of a loop", str(FIELDS["update_time"]), ["value of update_time", "loop"])
    yield with_key("the first name of a loop", "amount", ["amount", "name of a field"])
    # The key among the fields.
    for name in ["app_secret", "Password", "secret"]:
        yield case("key-as-field", f"{name}=KEY sorted in", md5(pairs({**FIELDS, name: KEY})), [name, "among the fields", "sort"])
    yield case("key-as-field", "values only, Password", hashlib.sha256("".join(text(v) for _, v in sorted({**FIELDS, "Password": KEY}.items())).encode()).hexdigest(), ["Password", "values"])
    yield case("key-as-field", "names and values", md5("".join(k + text(v) for k, v in sorted({**FIELDS, "secret": KEY}.items()))), ["secret", "names and values"])
    # Names of properties.
    for what, change, word in [("PascalCase", lambda n: n.title().replace("_", ""), "PascalCase"), ("camelCase", camel_name, "camelCase"),
                               ("upper case", str.upper, "upper case"), ("Go's PayoutID", lambda n: n.title().replace("_", "").replace("Id", "ID"), "ID in capitals")]:
        renamed = {change(name): value for name, value in FIELDS.items()}
        yield case("property-names", f"{what}, sorted after renaming", md5(pairs(renamed) + "&" + KEY), [word])
        before = "&".join(f"{change(n)}={text(FIELDS[n])}" for n in sorted(FIELDS))
        yield case("property-names", f"{what}, sorted before renaming", md5(before + "&" + KEY), [word])
    # Fields that the body does not have.
    few = {name: value for name, value in FIELDS.items() if name != "real_amount"}
    for what, added, words in [
        ("Python: None", {"error_msg": "None"}, ["error_msg=None", "Python"]),
        ("JavaScript: undefined", {"real_amount": "undefined", "error_msg": "undefined"}, ["undefined", "JavaScript"]),
        ("Go: a nil pointer", {"error_msg": "<nil>"}, ["error_msg=<nil>", "Go"]),
        ("Ruby: nil", {"memo": "nil"}, ["memo=nil", "Ruby"]),
        ("a client that adds sign_type", {"sign_type": "MD5"}, ["sign_type=MD5"]),
    ]:
        yield case("fields", what, md5(pairs({**few, **added}) + "&" + KEY), words, few)
    bean = {camel_name(name): value for name, value in {**few, "error_msg": "null", "real_amount": "null"}.items()}
    yield case("fields", "a Java bean with names of its own", md5(pairs(bean) + "&" + KEY), ["error_msg=null", "real_amount=null", "camelCase"], few)
    empty = "&".join(f"{n}={text(v)}" for n, v in sorted({**few, "error_msg": "", "real_amount": 0}.items()))
    yield case("fields", "a struct with empty text", md5(empty + "&" + KEY), ["error_msg=", "real_amount=0"], few)
    listed = {name: FIELDS[name] for name in ("payout_id", "amount", "status")}
    yield case("fields", "three fields only", md5(pairs(listed) + "&" + KEY), ["fixed list", "only amount, payout_id and status"])
    dropped = {name: value for name, value in FIELDS.items() if name not in ("fee", "update_time", "create_time", "platform_id")}
    yield case("fields", "four fields missing", md5(pairs(dropped) + "&" + KEY), ["fixed list", "without create_time, fee, platform_id and update_time"])
    values = "".join(text(listed[name]) for name in ("payout_id", "amount", "status"))
    yield case("fields", "values of three fields, received order", md5(values + KEY), ["fixed list", "values"])
    zero = {**FIELDS, "channel": 0}
    yield case("fields", "an unlisted field that is zero", right, ["documented fields"], zero, ["zero"])
    booleans = {**FIELDS, "urgent": True, "tags": ["a"]}
    yield case("fields", "booleans and arrays", right, ["leaves out booleans, arrays"], booleans, ["documented"])
    # Signed twice.
    for what, sign in [("upper-case first signature", right.upper()), ("HMAC", hmac256(string))]:
        second = pairs({**FIELDS, "sign": sign})
        digest = md5(second + "&" + KEY) if sign != hmac256(string) else hmac256(second)
        yield case("signed-twice", what, digest, ["signed twice"])
    yield case("signed-twice", "sign=null in an object", md5(pairs({**FIELDS, "sign": "null"}) + "&" + KEY), ["sign=null"])
    # Numbers.
    yield changed("number-format", "PHP: number_format with points", ["decimal comma"], amount=php("echo number_format(400000, 2, ',', '.');"), real_amount=php("echo number_format(400000, 2, ',', '.');"), fee=php("echo number_format(3200, 2, ',', '.');"))
    yield changed("number-format", "%f", ["six decimals", "%f"], amount="%f" % 400000, real_amount="%f" % 400000, fee="%f" % 3200)
    yield changed("number-format", "Node: toLocaleString", ["thousands"], amount=node("(400000).toLocaleString('en-US')"), real_amount="400,000")
    yield changed("number-format", "times 1000", ["times 1000"], amount=400000000, real_amount=400000000, fee=3200000)
    yield changed("number-format", "only real_amount, one decimal", ["real_amount only"], real_amount="400000.0")
    yield changed("number-format", "divided by 10000, four decimals", ["divided by 10000"], amount="40.0000", real_amount="40.0000", fee="0.3200")
    yield changed("number-format", "fee in units with three decimals", ["fee", "three decimals"], fee="32.000")
    # Times.
    for what, says, template in [
        ("Ruby: Time#to_s in UTC", ["Ruby"], "Time.at({}).utc.to_s"),
        ("Ruby: iso8601 in Vietnam", ["+07:00"], "require 'time'; Time.at({}).getlocal('+07:00').iso8601"),
    ]:
        made = {n: run("ruby", "-e", "require 'time'; print(" + template.format(FIELDS[n]).replace("require 'time'; ", "") + ")") for n in ("create_time", "update_time")}
        yield changed("time-format", what, says, **made)
    made = {n: node(f"new Date({FIELDS[n]} * 1000)") for n in ("create_time", "update_time")}
    if "Coordinated" in made["create_time"]:
        yield changed("time-format", "Node: a Date in a template", ["JavaScript"], **made)
    made = {n: php(f"date_default_timezone_set('Asia/Tokyo'); echo date('Y-m-d H:i:s', {FIELDS[n]});") for n in ("create_time", "update_time")}
    yield changed("time-format", "PHP in Tokyo", ["+09:00", "PHP"], **made)
    made = {n: php(f"echo date('c', {FIELDS[n]});") for n in ("create_time", "update_time")}
    yield changed("time-format", "PHP date('c')", ["date('c')"], **made)
    made = {n: go(f"time.Unix({FIELDS[n]}, 0).UTC().String()", ["time"]) for n in ("create_time", "update_time")}
    yield changed("time-format", "Go: Time.String()", ["Go"], **made)
    yield changed("time-format", "Java: java.sql.Timestamp", ["Timestamp"], ISO, create_time="2024-05-08 04:27:15.0", update_time="2024-05-08 04:27:50.444")
    yield changed("time-format", "one time only", ["update_time"], create_time=FIELDS["create_time"], update_time="2019-09-04 16:21:51")
    yield changed("time-format", ".NET round trip", [".NET"], ISO, create_time="2024-05-08T04:27:15.0000000Z", update_time="2024-05-08T04:27:50.4440000Z")
    # Charsets.
    for what, charset, words, message in [
        ("EUC-KR", "euc_kr", "EUC-KR", "계좌번호 오류"), ("Windows-1251", "cp1251", "Windows-1251", "Неверный счёт"),
        ("Windows-1252", "cp1252", "Windows-1252", "compte “inconnu” €"), ("GBK", "gbk", "GBK", "银行卡错误"),
        ("Windows-1258", "cp1258", "Windows-1258", "tài kho₫n"),
    ]:
        fields = {**FIELDS, "error_msg": message}
        yield case("charset", what, md5((pairs(fields) + "&" + KEY).encode(charset, "replace")), [words], fields)
    fields = {**FIELDS, "error_msg": "失败x"}
    yield case("charset", "ASCII", md5((pairs(fields) + "&" + KEY).encode("ascii", "replace")), ["?"], fields)
    # Text that was changed on the way.
    for what, message, php_code, says in [
        ("strip_tags", "<b>no</b> account & <i>x</i>", "strip_tags({})", ["strip_tags"]),
        ("nl2br", "a\nb", "nl2br({})", ["nl2br"]),
        ("CRLF", "a\r\nb", "str_replace(\"\\r\\n\", \"\\n\", {})", ["newlines"]),
        ("cut to 64", "x y" * 40, "mb_substr({}, 0, 64)", ["64"]),
        ("cut with an ellipsis", "abc def" * 20, "mb_strimwidth({}, 0, 53, '...')", ["50", "..."]),
        ("cut at &", "a&b&c", "explode('&', {})[0]", ["its own &"]),
        ("entities", "a & \"b\"", "htmlspecialchars({})", ["HTML"]),
    ]:
        made = php("echo " + php_code.format("json_decode(" + json.dumps(json.dumps(message)).replace("$", "\\$") + ")") + ";")
        yield changed("text-changed", what, says, {**FIELDS, "error_msg": message}, error_msg=made)
    yield changed("text-changed", "emoji as ?", ["emoji"], {**FIELDS, "error_msg": "no 😀 account"}, error_msg="no ? account")
    yield changed("text-changed", "payout_cl_id cut to 20", ["payout_cl_id", "20"], payout_cl_id=FIELDS["payout_cl_id"][:20])
    # Nested values.
    nested = {"b": ["é/", "<'=>", 1.5], "a": {"x": "1&2"}}
    literal = json.dumps(json.dumps(nested, ensure_ascii=False)).replace("$", "\\$")
    fields = {**FIELDS, "extra": nested}
    decoded = "json_decode(" + literal + ", true)"
    quoted = json.dumps(json.dumps(nested))
    for what, made, says in [
        ("PHP json_encode()", php(f"echo json_encode({decoded});"), ["\\/", "PHP"]),
        ("PHP JSON_FORCE_OBJECT", php(f"echo json_encode({decoded}, JSON_FORCE_OBJECT);"), ["objects with indexes"]),
        ("PHP JSON_HEX_*", php(f"echo json_encode({decoded}, JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT);"), ["JSON_HEX"]),
        ("PHP serialize()", php(f"echo serialize({decoded});"), ["serialize()"]),
        ("Python: sorted, compact, escaped", json.dumps(nested, sort_keys=True, separators=(",", ":")), ["sorted", "\\uXXXX"]),
        ("Python: sorted, spaces", json.dumps(nested, sort_keys=True, ensure_ascii=False), ["sorted", "spaces"]),
        ("Python: str(dict)", str(nested), ["Python"]),
        ("Go: json.Marshal of a map", json.dumps(nested, ensure_ascii=False, sort_keys=True, separators=(",", ":")).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"), ["Go"]),
        ("Ruby: inspect", ruby(f"(require 'json'; JSON.parse({quoted}).to_s)"), ["Ruby"]),
        ("twice in JSON", json.dumps(json.dumps(nested, ensure_ascii=False, separators=(",", ":")), ensure_ascii=False), ["JSON string"]),
    ]:
        yield changed("nested-text", what, says, fields, extra=made)
    listed = {**FIELDS, "last_numbers": ["12345", "67890"]}
    for what, made, says in [("| between items", "12345|67890", ["|"]), ("PHP implode with spaces", "12345 67890", ["spaces"]), ("C# string[]", "System.String[]", ["System.String[]"])]:
        yield changed("nested-text", what, says, listed, last_numbers=made)
    rest = pairs(FIELDS)
    indexed = rest.replace("payout_cl_id=", "last_numbers.0=12345&last_numbers.1=67890&payout_cl_id=")
    yield case("nested-text", "names with dots", md5(indexed + "&" + KEY), ["names of their own"], listed)
    numbers = {**FIELDS, "parts": {"b": 2.5, "a": [1.0]}}
    body = json.dumps({**numbers, "sign": md5(pairs({**numbers, "parts": '{"b":2.5,"a":[1]}'}) + "&" + KEY)}, separators=(",", ":"))
    yield {"kind": "nested-text", "what": "Node: numbers printed again", "payload": body, "says": ["numbers inside"]}
    # One field, an object as text, indexes.
    yield case("one-field", "payout_id + KEY", md5(FIELDS["payout_id"] + KEY), ["text of payout_id alone"])
    yield case("one-field", "HMAC over payout_cl_id", hmac256(FIELDS["payout_cl_id"]), ["text of payout_cl_id alone"])
    yield case("one-field", "Node: a template string", md5(node("`${{a: 1}}`") + "&" + KEY), ["[object Object]"])
    yield case("one-field", "Python: str(dict)", md5(str(FIELDS) + "&" + KEY), ["Python"])
    yield case("one-field", "PHP: an array as text", md5("Array" + KEY), ["Array", "PHP"])
    names = sorted(FIELDS)
    yield case("array-index", "for-in: indexes and names", md5("&".join(f"{i}={n}" for i, n in enumerate(names)) + "&" + KEY), ["index", "names"])
    yield case("array-index", "PHP: array_values", md5("&".join(f"{i}={text(FIELDS[n])}" for i, n in enumerate(names)) + "&" + KEY), ["index"])
    yield case("array-index", "undefined values", md5("&".join(f"{n}=undefined" for n in names) + "&" + KEY), ["undefined"])
    body = json.dumps(FIELDS, separators=(",", ":"))
    yield case("other-rule", "Cryptomus: base64(json_encode) + KEY, slashes escaped", md5(base64.b64encode(body.encode()).decode() + "&" + KEY), ["base64"])
    yield case("other-rule", "md5(md5(body) + KEY)", md5(md5(body) + KEY), ["body"])
    yield case("other-rule", "lines and the key", md5(pairs(FIELDS, "\n") + "\n" + KEY), ["newline"])
    yield case("other-rule", "HMAC over base64(body)", hmac256(base64.b64encode(body.encode()).decode()), ["base64"])
    # Altered values.
    for what, changes, says in [
        ("status 5", {"status": 5}, ["status is 5"]), ("amount + 1", {"amount": 400001}, ["amount is 400001"]),
        ("amount and fee exchanged", {"amount": 3200, "fee": 400000}, ["amount is 3200", "fee is 400000"]),
        ("real_amount without fee", {"real_amount": 396800}, ["real_amount is 396800"]),
        ("times exchanged", {"create_time": 1567614111, "update_time": 1567614049}, ["create_time is 1567614111"]),
        ("update_time as create_time", {"update_time": 1567614049}, ["update_time is 1567614049"]),
        ("a minute later", {"update_time": 1567614171}, ["update_time is 1567614171"]),
        ("no fee", {"fee": 0}, ["fee is 0"]),
    ]:
        yield changed("altered-value", what, [*says, "changed after signing"], **changes)
    flags = {**FIELDS, "is_final": True}
    yield changed("altered-value", "a flag", ["is_final is false"], flags, is_final=False)
    # Members of these kinds that were found later.
    yield with_key("Ruby: #{ENV[…]} in single quotes", ruby("'#{ENV[\"PAYOUT_NOTIFY_KEY\"]}'"), ['#{ENV["PAYOUT_NOTIFY_KEY"]}', "Ruby"])
    yield with_key("Spring: a property that was not found", "${payout.notify.key}", ["${payout.notify.key}"])
    yield with_key("Node: a function that was not called", node("require('util').inspect({ getKey() {} }.getKey)"), ["[Function: getKey]"])
    yield with_key("the path of a secret", "/run/secrets/payout_key", ["/run/secrets/payout_key", "Docker"])
    yield with_key("a placeholder of the documentation", "<your-key>", ["<your-key>"])
    for what, change, word in [("dots", lambda n: n.replace("_", "."), "dots"), ("as headers", lambda n: n.title().replace("_", "-"), "headers")]:
        yield case("property-names", what, md5(pairs({change(n): v for n, v in FIELDS.items()}) + "&" + KEY), [word])
    yield changed("absent-field", "JavaScript: o.remark", ["remark=undefined"], remark="undefined")
    yield changed("absent-field", "PHP: a form's default", ["attach=0"], attach="0")
    six = {name: run("printf", "%g", text(value)) if isinstance(value, int) else value for name, value in FIELDS.items()}
    yield changed("number-format", "printf %g", ["six digits", "%g"], **six)
    for what, convert, word in [
        ("US dollars", lambda v: f"${v / 100:,.2f}", "after $"), ("euros", lambda v: f"€{v / 100:.2f}", "after €"),
        ("Ruby: BigDecimal", lambda v: ruby(f"(require 'bigdecimal'; BigDecimal('{v}').to_s)"), "BigDecimal"),
    ]:
        yield changed("number-format", what, [word], **{n: convert(FIELDS[n]) for n in ("amount", "real_amount", "fee")})
    yield changed("number-format", "an enum's name", ["status by its name", "SUCCESS"], status="SUCCESS")
    for what, format, zone in [(".NET: invariant culture", "%m/%d/%Y %H:%M:%S", 0), ("English, with a comma", None, 0)]:
        def written(at):
            if format:
                return time.strftime(format, time.gmtime(at))
            return node(f"new Date({at}000).toLocaleString('en-US', {{ timeZone: 'UTC' }})").replace("\u202f", " ")
        yield changed("time-format", what, [written(1567614049)], **{n: written(FIELDS[n]) for n in ("create_time", "update_time")})
    parts = {**FIELDS, "parts": {"b": None, "a": "x", "c": [], "d": ""}}
    yield changed("nested-text", "Jackson NON_NULL", ["without nulls"], parts, parts='{"a":"x","c":[],"d":""}')
    yield changed("nested-text", "Jackson NON_EMPTY", ["without nulls and empty"], parts, parts='{"a":"x"}')
    accents = {**FIELDS, "error_msg": "bénéficiaire refusé: 'n° 7' <x>"}
    named = run("php", "-r", "echo htmlentities($argv[1]);", accents["error_msg"])
    yield changed("text-changed", "PHP: htmlentities", ["&eacute;", "htmlentities"], accents, error_msg=named)
    yield case("other-rule", "base64(string) + KEY", md5(base64.b64encode(string.encode()).decode() + KEY), ["base64"])
    yield case("other-rule", "name:value with |", md5("|".join(f"{n}:{text(FIELDS[n])}" for n in names) + "|" + KEY), ["name:value", "|"])
    # Four mistakes at once, each of them common.
    loop = {**FIELDS, "sign_type": "MD5", "fee": 0, "memo": ""}
    wechat = pairs({k: v for k, v in loop.items() if v != 0})
    yield case("several", "the WeChat loop", md5(f"{wechat}&key={KEY}").upper(), ["&key=", "upper case", "sign_type", "zeros"], loop)
    kept = "&".join(f"{k}={text(v)}" for k, v in sorted(loop.items()))
    yield case("several", "every field signed", md5(f"{kept}&key={KEY}").upper(), ["&key=", "upper case", "sign_type", "empty"], loop)
    received = "&".join(f"{k}={text(v)}" for k, v in loop.items() if v not in (0, ""))
    yield case("several", "the same in received order", md5(f"{received}&key={KEY}").upper(), ["&key=", "upper case", "sign_type", "zeros", "sort"], loop)
    # The merchant's digest beside the platform's.
    yield case("computed", "the body with sign", right, ["body, sign included"], computed=md5(json.dumps({**FIELDS, "sign": right}, separators=(",", ":")) + "&" + KEY))
    yield case("computed", "sign signed too", right, ["sign too"], computed=md5(pairs({**FIELDS, "sign": right}) + "&" + KEY))
    yield case("computed", "upper case", right, ["upper case"], computed=right.upper())
    yield case("computed", "&key=", right, ["&key="], computed=md5(f"{string}&key={KEY}"))


def main():
    path = sys.argv[1]
    with open(path) as file:
        given = [line for line in file if not json.loads(line).get("made")]
    with open(path, "w") as file:
        file.writelines(given)
        for line in cases():
            file.write(json.dumps({**line, "made": True}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
