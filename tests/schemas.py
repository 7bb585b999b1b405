#!/usr/bin/env python3
"""The documents of `payout-notify schema` against the validators of their ecosystems.

    tests/schemas.py [PROGRAM]

For every dialect: the JSON Schemas against PyPI's jsonschema, with notifications and replies of the program itself; the OpenAPI document against
openapi-spec-validator and, where it is installed, @redocly/cli; the Postman collection run by newman against a listener, and imported by Bruno's own
converter and run by its bru: the listener must find every signature valid. Packages: PyPI jsonschema, openapi-spec-validator; npm newman,
@redocly/cli, @usebruno/cli and @usebruno/converters (from PATH or ./node_modules). What is not installed is left out, with a line about it.
Everything is on loopback.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "payout-notify"
KEY = "ThisIsYourSecretKey123"
ENVIRONMENT = {**os.environ, "PAYOUT_NOTIFY_KEY": KEY}
os.environ["PATH"] += os.pathsep + str(ROOT / "node_modules/.bin") + os.pathsep + os.path.abspath("node_modules/.bin")
failures = []


def check(is_right, what):
    if not is_right:
        failures.append(what)
        print("failed:", what)


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False, **options)


def schema(what, dialect):
    made = run("schema", what, "--dialect", dialect)
    check(made.returncode == 0, f"schema {what} --dialect {dialect}: {made.stderr}")
    return json.loads(made.stdout)


class Listener:
    """A listener of this dialect on a free port."""

    def __init__(self, dialect):
        words = [PROGRAM, "listen", "--bind", ":0", "--no-inbox", "--format", "json", "--dialect", dialect]
        self.process = subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self.process.stdout.readline())["url"]

    def end(self):
        self.process.send_signal(2)
        lines = [json.loads(line) for line in self.process.communicate(timeout=20)[0].splitlines()]
        return [line for line in lines if line["type"] == "callback"]


def statuses(dialect, described):
    layout = described["statuses"]
    return [name for name in ("success", "failed", "cancelled") if layout[name] is not None]


def validate_json(dialect, described):
    import jsonschema

    documents = {what: schema(what, dialect) for what in ("notification", "reply")}
    for document in documents.values():
        jsonschema.Draft202012Validator.check_schema(document)
    validator = jsonschema.Draft202012Validator(documents["notification"])
    listener = Listener(dialect)
    for status in statuses(dialect, described):
        sent = run("simulate", listener.url, "--dialect", dialect, "--status", status, "--retries", "0")
        check(sent.returncode == 0, f"simulate --dialect {dialect} --status {status}: {sent.stderr}{sent.stdout}")
    count = 0
    for callback in listener.end():
        fields = fields_of(callback, described["transport"])
        errors = [error.message for error in validator.iter_errors(fields)]
        check(not errors, f"{dialect}: {fields}: {errors}")
        for name in documents["notification"]["required"]:
            check(not validator.is_valid({key: value for key, value in fields.items() if key != name}), f"{dialect} without {name}")
        count += 1
    check(count == len(statuses(dialect, described)), f"{dialect}: {count} callbacks")
    return count


def fields_of(callback, transport):
    from urllib.parse import parse_qsl
    from xml.etree import ElementTree

    if transport == "json":
        return json.loads(callback["body"])
    if transport == "xml":
        return {element.tag: element.text or "" for element in ElementTree.fromstring(callback["body"])}
    pairs = callback["body"] if transport == "form" else callback["path"].split("?", 1)[1]
    return dict(parse_qsl(pairs, keep_blank_values=True))


def validate_openapi(dialect, folder):
    document = schema("openapi", dialect)
    from openapi_spec_validator import OpenAPIV31SpecValidator

    errors = [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()]
    check(not errors, f"openapi of {dialect}: {errors}")
    if shutil.which("redocly") is None:
        return "openapi-spec-validator"
    path = pathlib.Path(folder) / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    environment = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    # A document of webhooks has no servers: the merchant's own URL is called.
    words = ["redocly", "lint", "--extends=recommended", "--skip-rule=no-empty-servers", "--format=json", str(path)]
    linted = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    problems = [problem for problem in json.loads(linted.stdout)["problems"] if problem["severity"] == "error"]
    check(linted.returncode == 0 and not problems, f"redocly on {dialect}: {problems}{linted.stderr}")
    return "openapi-spec-validator, redocly"


# Bruno's command line imports OpenAPI alone; its application imports collections with this converter, and writes them with this function.
IMPORT = """
const { postmanToBruno } = require('@usebruno/converters');
const { createCollectionFromBrunoObject } = require('@usebruno/cli/src/utils/collection.js');
const [file, folder] = process.argv.slice(1);
postmanToBruno(JSON.parse(require('fs').readFileSync(file, 'utf8')))
  .then(({ collection, issues }) => {
    if (issues.length > 0) throw new Error(JSON.stringify(issues));
    return createCollectionFromBrunoObject(collection, folder, { format: 'bru' });
  })
  .catch((error) => { console.error(error); process.exitCode = 1; });
"""


def signing_options(described):
    return [[]] + [["--sign-type", scheme["algorithm"]] for scheme in described["schemes"]]


def run_in_bruno(dialect, folder, described):
    valid = 0
    for more in signing_options(described):
        made = run("schema", "postman", "--dialect", dialect, *more)
        check(made.returncode == 0 and KEY not in made.stdout, f"postman of {dialect}: {made.stderr}")
        with tempfile.TemporaryDirectory(dir=folder) as imported:
            path = pathlib.Path(folder) / "for-bruno.json"
            path.write_text(made.stdout, encoding="utf-8")
            words = ["node", "-e", IMPORT, str(path), imported]
            converted = subprocess.run(words, capture_output=True, text=True, check=False)
            check(converted.returncode == 0, f"import of {dialect} {more}: {converted.stderr}")
            listener = Listener(dialect)
            words = ["bru", "run", "--env-var", f"payout_notify_key={KEY}", "--env-var", f"notify_url={listener.url}"]
            ran = subprocess.run(words, cwd=imported, capture_output=True, text=True, check=False)
            callbacks = listener.end()
        check(ran.returncode == 0, f"bru on {dialect} {more}:\n{ran.stdout}{ran.stderr}")
        check(len(callbacks) == len(json.loads(made.stdout)["item"]), f"bru on {dialect} {more}: {len(callbacks)} callbacks")
        for callback in callbacks:
            check(callback["valid"], f"bru on {dialect} {more}: {callback}")
            valid += callback["valid"]
    return valid


def has_bruno():
    if shutil.which("bru") is None or shutil.which("node") is None:
        return False
    asked = subprocess.run(["node", "-e", "require('@usebruno/converters'); require('@usebruno/cli/src/utils/collection.js')"], capture_output=True, check=False)
    return asked.returncode == 0


def run_collection(dialect, folder, described):
    valid = 0
    for more in signing_options(described):
        made = run("schema", "postman", "--dialect", dialect, *more)
        check(made.returncode == 0 and KEY not in made.stdout, f"postman of {dialect}: {made.stderr}")
        path = pathlib.Path(folder) / "collection.json"
        path.write_text(made.stdout, encoding="utf-8")
        listener = Listener(dialect)
        variables = ["--global-var", f"payout_notify_key={KEY}", "--global-var", f"notify_url={listener.url}"]
        # Postman lets a collection's own variable win over a global one.
        collection = json.loads(made.stdout)
        collection["variable"] = []
        path.write_text(json.dumps(collection), encoding="utf-8")
        words = ["newman", "run", str(path), "--reporters", "cli", "--color", "off", *variables]
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
        callbacks = listener.end()
        check(ran.returncode == 0, f"newman on {dialect} {more}:\n{ran.stdout}{ran.stderr}")
        check(len(callbacks) == len(collection["item"]), f"{dialect} {more}: {len(callbacks)} callbacks")
        for callback in callbacks:
            check(callback["valid"], f"{dialect} {more}: {callback}")
            valid += callback["valid"]
    return valid


def main():
    described = json.loads(run("dialects", "--format", "json").stdout)["dialects"]
    with tempfile.TemporaryDirectory() as folder:
        for dialect in described:
            name = dialect["id"]
            report = []
            try:
                report.append(f"{validate_json(name, dialect)} notifications by jsonschema")
            except ModuleNotFoundError as error:
                report.append(f"left out: {error}")
            try:
                report.append(validate_openapi(name, folder))
            except ModuleNotFoundError as error:
                report.append(f"left out: {error}")
            if shutil.which("newman"):
                report.append(f"{run_collection(name, folder, dialect)} requests by newman, all valid")
            else:
                report.append("left out: newman is not installed")
            if has_bruno():
                report.append(f"{run_in_bruno(name, folder, dialect)} requests by Bruno, all valid")
            else:
                report.append("left out: Bruno's packages are not installed")
            print(f"{name:<10} {'; '.join(report)}")
    print(f"{len(failures)} failures" if failures else "ok")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
