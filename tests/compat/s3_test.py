#!/usr/bin/env python3
"""s3_test.py BIN - s3:// against a real server that verifies signatures.

The server is the one of AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (MinIO, versitygw, Amazon's
own); the test makes a bucket, fills it with a signer of its own and removes what it made. Runs with the Python
of the test environment (pyarrow). Nothing is skipped: without a server it fails.
"""
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
import xml.etree.ElementTree

import pyarrow
import pyarrow.fs
import pyarrow.parquet

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.galley import Galley, executors_of  # noqa: E402

ENDPOINT = urllib.parse.urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
KEY, SECRET = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
REGION = os.environ.get("AWS_REGION", "us-east-1")
BUCKET = "galley-test-" + uuid.uuid4().hex[:12]
failures = []


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        failures.append(what)


# ---- a client of its own ----------------------------------------------------------------------------------


def request(method, key="", query=None, body=b"", bucket=None, service="s3", path=None, more=None):
    """(status, headers, body) of a signed request."""
    connection = (http.client.HTTPSConnection if ENDPOINT.scheme == "https" else http.client.HTTPConnection)(
        ENDPOINT.hostname, ENDPOINT.port, timeout=30)
    path = path or urllib.parse.quote(f"/{bucket or BUCKET}" + (f"/{key}" if key else ""), safe="/-._~")
    pairs = sorted((urllib.parse.quote(k, safe="-._~"), urllib.parse.quote(v, safe="-._~"))
                   for k, v in (query or {}).items())
    text = "&".join(f"{k}={v}" for k, v in pairs)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": ENDPOINT.netloc, "x-amz-content-sha256": digest, "x-amz-date": now}
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, path, text, *(f"{n}:{headers[n]}" for n in sorted(headers)), "", names, digest])
    scope = f"{now[:8]}/{REGION}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = ("AWS4" + SECRET).encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(secret, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders={names},"
                                f"Signature={signature}")
    connection.request(method, path + (f"?{text}" if text else ""), body, {**headers, **(more or {})})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), content


def put(key, body):
    status, _, content = request("PUT", key, body=body)
    if status != 200:
        raise RuntimeError(f"PUT {key}: {status} {content[:300]}")


def texts(content, name):
    return [e.text for e in xml.etree.ElementTree.fromstring(content).iter() if e.tag.split("}")[-1] == name]


def keys(prefix=""):
    found, token = [], None
    while True:
        query = {"list-type": "2", "prefix": prefix} | ({"continuation-token": token} if token else {})
        status, _, content = request("GET", query=query)
        assert status == 200, content
        found += texts(content, "Key")
        token = (texts(content, "NextContinuationToken") or [None])[0]
        if not token:
            return found


def uploads_of(key):
    status, _, content = request("GET", query={"uploads": "", "prefix": key})
    assert status == 200, content
    return [k for k in texts(content, "Key") if k == key]


def remove_bucket():
    for key in keys():
        for upload in texts(request("GET", query={"uploads": "", "prefix": key})[2], "UploadId"):
            request("DELETE", key, {"uploadId": upload})
        request("DELETE", key)
    request("DELETE")


# ---- galley -----------------------------------------------------------------------------------------------


class Tests:
    def __init__(self, binaries):
        self.galley = Galley(binaries)
        self.arrow = pyarrow.fs.S3FileSystem(
            access_key=KEY, secret_key=SECRET, region=REGION, scheme=ENDPOINT.scheme,
            endpoint_override=ENDPOINT.netloc)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="galley-s3-"))

    def sql(self, text, *options, **settings):
        return self.galley.run("sql", text, "--format", "csv", *options, **settings)

    def rows(self, text, *options, **settings):
        """The result as lists of text; the error is part of the answer."""
        code, out, err = self.sql(text, *options, **settings)
        return [line.split(",") for line in out.splitlines()[1:]] if code == 0 else [["error", err.strip()]]

    def one(self, text, *options, **settings):
        found = self.rows(text, *options, **settings)
        return found[0] if len(found) == 1 else found

    def write(self, text, **settings):
        code, _, err = self.sql(text, **settings)
        if code != 0:
            print(err)
        return code == 0

    # ---- names ----

    def test_names(self):
        """Keys with everything that paths have in real life."""
        table = pyarrow.table({"x": [1, 2, 3]})
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink)
        data = sink.getvalue().to_pybytes()
        names = ["plain", "with space", "a+b", "50%", "a=b", "ünïcode ✓", "%20", "q'uote", "(1)", "a&b", "c,d;e", "~t-_.x", "x@y:z", "$!*"]
        for name in names:
            put(f"names/dt=2024-01-01/{name}.parquet", data)
        put("names/dt=2024-01-02/b.parquet", data)
        put("names/_hidden/c.parquet", b"no Parquet")
        put("names/.hidden.parquet", b"no Parquet")
        files = len(names) + 1
        check(self.one(f"SELECT count(*), sum(x), count(DISTINCT dt) FROM parquet.`s3://{BUCKET}/names`") ==
              [str(3 * files), str(6 * files), "2"], "a directory with spaces, +, %, =, Unicode in its names")
        check(self.one(f"SELECT count(*) FROM parquet.`s3://{BUCKET}/names/` WHERE dt = DATE'2024-01-02'") == ["3"],
              "a Hive partition is chosen")
        for name in names:
            if not set(name) & set("*?[{,`"):
                found = self.one(f"SELECT sum(x) FROM parquet.`s3a://{BUCKET}/names/dt=2024-01-01/{name}.parquet`")
                check(found == ["6"], f"the file {name!r} {'' if found == ['6'] else found}")
        check(self.one(f"SELECT count(*) FROM parquet.`s3://{BUCKET}/names/dt=2024-*-02/*.parquet`") == ["3"], "a glob")
        check(self.one(f"SELECT count(*) FROM parquet.`s3://{BUCKET}/names/dt=2024-01-0{{1,2}}/[ab]*`") == ["12"],
              "a glob with braces and sets")
        for name in ["out/with space +%/dt=2024-01-01", "out/ünïcode ✓"]:
            done = self.write(f"INSERT OVERWRITE DIRECTORY 's3://{BUCKET}/{name}' USING parquet SELECT id FROM range(10)")
            table = pyarrow.parquet.read_table(f"{BUCKET}/{name}", filesystem=self.arrow, partitioning=None)
            check(done and sorted(table.column("id").to_pylist()) == list(range(10)), f"pyarrow reads {name!r}")

    def test_paging(self):
        """More keys than fit into two pages."""
        count = 2600
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda i: put(f"paging/p={i % 7}/{i:05}.csv", f"{i}\n".encode()), range(count)))
        found = self.one("SELECT count(*), sum(CAST(_c0 AS BIGINT)), count(DISTINCT p) FROM "
                         f"csv.`s3://{BUCKET}/paging`", "--conf", "spark.sql.files.openCostInBytes=64k")
        check(found == [str(count), str(count * (count - 1) // 2), "7"], f"{count} files in pages of 1000: {found}")

    # ---- writing ----

    def arrow_sums(self, path):
        table = pyarrow.parquet.read_table(f"{BUCKET}/{path}", filesystem=self.arrow)
        return len(table), sum(v for v in table.column("x").to_pylist() if v is not None)

    def test_writing(self):
        select = "SELECT id, id % 100 AS x, CONCAT('text ', id) AS t FROM range({})"
        where = f"s3://{BUCKET}/table"
        check(self.write(f"INSERT OVERWRITE DIRECTORY '{where}' USING parquet " + select.format(500000)), "INSERT OVERWRITE")
        check(self.arrow_sums("table") == (500000, 24750000), "pyarrow reads what was written")
        check(self.write(f"INSERT INTO DIRECTORY '{where}' USING parquet " + select.format(1000)), "INSERT INTO")
        check(self.arrow_sums("table") == (501000, 24799500), "pyarrow reads old and new files")
        check(self.write(f"INSERT OVERWRITE DIRECTORY '{where}/' USING parquet " + select.format(2000)), "INSERT OVERWRITE again")
        check(self.arrow_sums("table") == (2000, 99000), "the old files are gone")
        names = keys("table/")
        check("table/_SUCCESS" in names and not [n for n in names if "_temporary" in n],
              "_SUCCESS is there, _temporary is not")
        # Its own source is overwritten: it was read before.
        check(self.write(f"INSERT OVERWRITE DIRECTORY '{where}' USING parquet SELECT * FROM parquet.`{where}` WHERE x < 50"),
              "a table is replaced by a part of itself")
        check(self.arrow_sums("table") == (1000, 24500), "and is that part")
        for form in ("csv", "json"):
            path = f"s3a://{BUCKET}/text-{form}"
            options = "OPTIONS (header 'true')" if form == "csv" else ""
            self.write(f"INSERT OVERWRITE DIRECTORY '{path}' USING {form} {options} " + select.format(300000))
            view = f"CREATE TEMPORARY VIEW v USING {form} OPTIONS (path '{path}', header 'true');"
            script = self.scratch / "text.sql"
            script.write_text(view + "SELECT count(*), sum(CAST(x AS BIGINT)), max(length(t)) FROM v")
            code, out, err = self.galley.run("run", str(script), "--format", "csv")
            check(code == 0 and out.split()[-1] == "300000,14850000,11", f"{form} there and back {err if code else ''}")
        # Parts: more than 8 MiB in a file.
        self.write(f"INSERT OVERWRITE DIRECTORY 's3://{BUCKET}/large' USING parquet OPTIONS (compression 'none') "
                   "SELECT id AS x, CAST(rand(1) AS STRING) AS t FROM range(2000000)")
        check(self.arrow_sums("large") == (2000000, 1999999000000), "files of many parts")
        check(self.one(f"SELECT count(*), sum(x) FROM parquet.`s3://{BUCKET}/large`") == ["2000000", "1999999000000"],
              "and galley reads them")
        self.write(f"INSERT OVERWRITE DIRECTORY 's3://{BUCKET}/none' USING csv SELECT id FROM range(10) WHERE id > 100")
        check(any(k.startswith("none/part-00000") for k in keys("none/")), "an empty result has one (empty) file")

    def test_killed(self):
        """kill -9 of the driver in the middle of writing; then the next run."""
        path = "killed"
        self.write(f"INSERT OVERWRITE DIRECTORY 's3://{BUCKET}/{path}' USING parquet SELECT id AS x FROM range(100)")
        before = keys(path + "/")
        process = self.galley.start(
            "sql", f"INSERT OVERWRITE DIRECTORY 's3://{BUCKET}/{path}' USING parquet OPTIONS (compression 'none') "
                   "SELECT id AS x, CAST(rand() AS STRING) AS a, CAST(rand() AS STRING) AS b FROM range(40000000)")
        deadline = time.time() + 60
        finals = []
        while time.time() < deadline and not finals and process.poll() is None:
            records = [k for k in keys(path + "/_temporary/") if k.endswith(".upload")]
            finals = [f"{path}/{k.rsplit('/', 1)[1][:-len('.upload')]}" for k in records]
            finals = finals if any(uploads_of(k) for k in finals) else []
        workers = executors_of(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        check(bool(finals) and process.returncode == -9, "the writing job was killed while it uploaded")
        deadline = time.time() + 20
        while any(pathlib.Path(f"/proc/{w}").exists() for w in workers) and time.time() < deadline:
            time.sleep(0.05)
        check(not any(pathlib.Path(f"/proc/{w}").exists() for w in workers), "its executors left")
        visible = [k for k in keys(path + "/") if "/_temporary/" not in k]
        check(visible == before, "nothing of it is visible")
        check(self.one(f"SELECT count(*) FROM parquet.`s3://{BUCKET}/{path}`") == ["100"], "the table is what it was")
        left = [k for k in keys(path + "/_temporary/") if k.endswith(".upload")]
        finals = sorted({f"{path}/{k.rsplit('/', 1)[1][:-len('.upload')]}" for k in left} | set(finals))
        check(self.write(f"INSERT INTO DIRECTORY 's3://{BUCKET}/{path}' USING parquet SELECT id AS x FROM range(11)"),
              "the next run writes there")
        check(not [k for k in finals if uploads_of(k)], f"no upload of {len(finals)} is left over")
        check(not keys(path + "/_temporary/"), "nor anything else")
        check(self.one(f"SELECT count(*) FROM parquet.`s3://{BUCKET}/{path}`") == ["111"], "and the table has both")

    def test_executor_lost(self):
        """kill -9 of an executor in the middle of writing: the job goes on, its lost uploads go away."""
        path = "lost"
        process = self.galley.start(
            "sql", f"INSERT OVERWRITE DIRECTORY 's3://{BUCKET}/{path}' USING parquet OPTIONS (compression 'none') "
                   "SELECT id AS x, CAST(rand(3) AS STRING) AS a FROM range(6000000)", "--executors", "2")
        deadline = time.time() + 60
        workers = finals = []
        while time.time() < deadline and process.poll() is None and not finals:
            records = [k for k in keys(path + "/_temporary/") if k.endswith(".upload")]
            finals = [f"{path}/{k.rsplit('/', 1)[1][:-len('.upload')]}" for k in records]
            workers = executors_of(process.pid)
        if workers:
            os.kill(workers[0], signal.SIGKILL)
        _, err = process.communicate(timeout=120)
        check(bool(finals) and len(workers) == 2 and process.returncode == 0, f"a job survives its executor {err[-200:] if process.returncode else ''}")
        check(self.one(f"SELECT count(*), sum(x) FROM parquet.`s3://{BUCKET}/{path}`") == ["6000000", "17999997000000"],
              "every row is there once")
        check(not keys(path + "/_temporary/") and not [k for k in finals if uploads_of(k)], "no upload is left over")

    def test_failing_job(self):
        path = f"s3://{BUCKET}/failing"
        code, _, err = self.sql(f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet "
                                "SELECT id, 1 / (id - 150000) FROM range(200000)")
        check(code != 0 and "zero" in err, f"a job that fails says why")
        check(not keys("failing"), "and leaves nothing")

    # ---- settings ----

    def sentence(self, text, expected, **env):
        code, out, err = self.sql(text, env={k: v for k, v in env.items()})
        lines = [l for l in err.strip().splitlines() if l.strip()]
        good = code != 0 and len(lines) == 1 and all(re.search(e, err) for e in expected) and SECRET not in err
        check(good, f"one sentence with {expected}: {err.strip()[:300]}")

    def test_errors(self):
        path = f"parquet.`s3://{BUCKET}/table`"
        self.sentence(f"SELECT * FROM {path}", ["403 SignatureDoesNotMatch", BUCKET], AWS_SECRET_ACCESS_KEY="wrong-secret")
        self.sentence(f"SELECT * FROM {path}", ["40[34] (InvalidAccessKeyId|XAdminUserNotFound).*AWS_ACCESS_KEY_ID", BUCKET], AWS_ACCESS_KEY_ID="WRONGKEY")
        self.sentence(f"SELECT * FROM parquet.`s3://{BUCKET}-absent/x`", ["bucket", f"{BUCKET}-absent", "does not exist"])
        self.sentence(f"SELECT * FROM parquet.`s3://{BUCKET}/absent.parquet`", [f"s3://{BUCKET}/absent.parquet", "does not exist"])
        self.sentence(f"SELECT * FROM parquet.`s3://{BUCKET}/absent/*.parquet`", ["no file matches"])
        self.sentence("SELECT * FROM parquet.`s3:///x`", ["s3://BUCKET"])
        self.sentence(f"SELECT * FROM {path}", ["AWS_ACCESS_KEY_ID"], AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="",
                      AWS_SHARED_CREDENTIALS_FILE="", HOME=str(self.scratch / "nobody"))
        self.sentence(f"SELECT * FROM {path}", ["AWS_ENDPOINT_URL"], AWS_ENDPOINT_URL="minio:9000")
        self.sentence(f"INSERT OVERWRITE DIRECTORY 's3://{BUCKET}-absent/x' USING parquet SELECT 1 AS x", ["bucket"])
        put("bad/file.parquet", b"PAR1 this is no Parquet file")
        self.sentence(f"SELECT * FROM parquet.`s3://{BUCKET}/bad`", ["bad/file.parquet"])

    def test_credentials(self):
        query = f"SELECT count(*) FROM parquet.`s3://{BUCKET}/table`"
        files = self.scratch / "credentials"
        files.write_text(f"[default]\naws_access_key_id=x\naws_secret_access_key=y\n\n[galley]\n"
                         f"aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
        nothing = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        check(self.one(query, env={**nothing, "AWS_SHARED_CREDENTIALS_FILE": str(files), "AWS_PROFILE": "galley"}) ==
              ["1000"], "a profile of a credentials file")
        conf = ["--conf", f"spark.hadoop.fs.s3a.access.key={KEY}", "--conf", f"spark.hadoop.fs.s3a.secret.key={SECRET}",
                "--conf", f"spark.hadoop.fs.s3a.endpoint={ENDPOINT.geturl()}"]
        check(self.one(query, *conf, env={**nothing, "AWS_ENDPOINT_URL": ""}) == ["1000"], "Spark's settings")

    def test_session_token(self):
        body = b"Action=AssumeRole&Version=2011-06-15&DurationSeconds=3600"
        status, headers, content = request("POST", body=body, service="sts", path="/",
                                           more={"content-type": "application/x-www-form-urlencoded"})
        is_minio = "minio" in headers.get("Server", "").lower()
        if status != 200 and not is_minio:
            print(f"note    this server gives no temporary credentials (STS: {status})")
            return
        check(status == 200, f"STS gives temporary credentials {content[:200] if status != 200 else ''}")
        if status != 200:
            return
        env = {"AWS_ACCESS_KEY_ID": texts(content, "AccessKeyId")[0],
               "AWS_SECRET_ACCESS_KEY": texts(content, "SecretAccessKey")[0],
               "AWS_SESSION_TOKEN": texts(content, "SessionToken")[0]}
        query = f"SELECT count(*) FROM parquet.`s3://{BUCKET}/table`"
        check(self.one(query, env=env) == ["1000"], "temporary credentials with a session token")
        self.sentence(query, ["40[03]"], **{**env, "AWS_SESSION_TOKEN": ""})

    # ---- the wire ----

    def test_tls(self):
        """The same over TLS, with an authority of one's own (bodies are not hashed then)."""
        certificate, key = self.scratch / "ca.pem", self.scratch / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with Proxy(context=context) as proxy:
            env = {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{proxy.port}", "AWS_CA_BUNDLE": str(certificate)}
            path = f"s3://{BUCKET}/tls"
            check(self.write(f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT id AS x, CAST(rand() AS STRING) AS t "
                             "FROM range(600000)", env=env), "writing over TLS")
            check(self.one(f"SELECT count(*), sum(x) FROM parquet.`{path}`", env=env) == ["600000", "179999700000"],
                  "reading over TLS")
            self.sentence(f"SELECT count(*) FROM parquet.`{path}`", ["certificate"],
                          **{**env, "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt"})

    def test_latency(self):
        """Requests of a scan are few and go out together: 20 ms each cost little."""
        query = f"SELECT count(*), sum(x), max(t) FROM parquet.`s3://{BUCKET}/large`"
        with Proxy() as near, Proxy(delay=0.020) as far:
            times = {}
            for name, proxy in (("0 ms", near), ("20 ms", far)) * 3:
                before, start = proxy.requests, time.time()
                self.one(query, env={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"})
                times.setdefault(name, []).append(time.time() - start)
                requests = proxy.requests - before
        size = sum(pyarrow.fs.FileInfo(f.path).size or 0 for f in
                   self.arrow.get_file_info(pyarrow.fs.FileSelector(f"{BUCKET}/large")))
        files = len([k for k in keys("large/") if "part-" in k])
        bound = 10 + files * 8 + 2 * size // (8 << 20)
        print(f"note    {files} files: {requests} requests; seconds: "
              f"0 ms {min(times['0 ms']):.2f}, 20 ms {min(times['20 ms']):.2f}")
        check(requests <= bound, f"{requests} requests, at most {bound}")
        check(min(times["20 ms"]) <= 1.5 * min(times["0 ms"]) + 15 * 0.020 + 0.5, "latency is hidden")


class Proxy:
    """Forwards connections to the server, over TLS if it has a context, each request after a delay."""

    def __init__(self, context=None, delay=0.0):
        self.context, self.delay, self.requests = context, delay, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            server = socket.create_connection((ENDPOINT.hostname, ENDPOINT.port or 80))
        except OSError:
            client.close()
            return
        threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()
        self.pump(client, server, True)

    def pump(self, source, sink, counts):
        try:
            while data := source.recv(1 << 20):
                if counts and data[:4] in (b"GET ", b"PUT ", b"POST", b"HEAD", b"DELE"):
                    self.requests += 1
                    time.sleep(self.delay)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def main():
    if len(sys.argv) < 2 or not ENDPOINT.netloc or not KEY or not SECRET:
        sys.exit("usage: s3_test.py BIN [TEST...], with AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and "
                 "AWS_SECRET_ACCESS_KEY of a server that may be written to")
    status, headers, content = request("PUT")
    if status != 200:
        sys.exit(f"no bucket can be made at {ENDPOINT.geturl()}: {status} {content[:300]}")
    print(f"note    {ENDPOINT.geturl()}, {headers.get('Server', 'a server without a name')}, bucket {BUCKET}")
    tests = Tests(sys.argv[1])
    names = sys.argv[2:] or ["names", "paging", "writing", "killed", "executor_lost", "failing_job", "errors", "credentials",
                             "session_token", "tls", "latency"]
    try:
        for name in names:
            print(f"-- {name}", flush=True)
            getattr(tests, "test_" + name)()
    finally:
        remove_bucket()
        shutil.rmtree(tests.scratch)
    print(f"{len(failures)} failures" if failures else "all is well")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
