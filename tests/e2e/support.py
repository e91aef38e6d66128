"""support.py - what the tests on a cluster share: the API, kubectl and helm, applications, answers, waiting.

Reading and waiting goes through one `kubectl proxy`; what a person would type is typed (kubectl, helm). A test is a
function with @test; it gets a Context and raises Failure with a sentence that says what was expected and what was seen.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUP = "/apis/galley.dev/v1alpha1"
FINAL = ("Succeeded", "Failed")
PLURALS = {"gapp": (GROUP, "galleyapplications"), "gsched": (GROUP, "galleyschedules"), "pod": ("/api/v1", "pods"),
           "secret": ("/api/v1", "secrets"), "configmap": ("/api/v1", "configmaps"), "event": ("/api/v1", "events"),
           "service": ("/api/v1", "services"), "quota": ("/api/v1", "resourcequotas"), "namespace": ("/api/v1", "namespaces"),
           "serviceaccount": ("/api/v1", "serviceaccounts"), "deployment": ("/apis/apps/v1", "deployments"),
           "lease": ("/apis/coordination.k8s.io/v1", "leases"), "role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
           "crd": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"), "node": ("/api/v1", "nodes")}
TESTS = []


class Failure(Exception):
    pass


class NotRun(Exception):
    """The test needs something that this cluster does not offer; the sentence says what."""


def test(alone=False, last=False):
    """alone: nothing else may run meanwhile. last: after everything else."""
    def register(function):
        TESTS.append((function.__name__, function, alone, last))
        return function
    return register


def check(condition, sentence):
    if not condition:
        raise Failure(sentence)


def wait_for(what, condition, seconds=60, step=0.2):
    """What condition returns as soon as it is true; a Failure that names what was waited for. An API that does not answer is waited for."""
    end, last = time.monotonic() + seconds, ""
    while True:
        try:
            value = condition()
            if value:
                return value
        except (OSError, ApiError) as error:  # also urllib's
            last = f"; last error: {error}"
        if time.monotonic() > end:
            raise Failure(f"waited {seconds:g} s in vain for {what}{last}")
        time.sleep(step)


class ApiError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Api:
    """The API server by way of `kubectl proxy`."""

    def __init__(self):
        self.process = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        match = re.search(r"127\.0\.0\.1:\d+", line)
        if not match:
            raise SystemExit("tests/e2e: kubectl cannot reach a cluster; set KUBECONFIG")
        self.base = "http://" + match.group(0)

    def close(self):
        self.process.terminate()
        self.process.wait()

    def call(self, method, path, body=None, kind="application/json", timeout=20):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                text = json.loads(text)["message"]
            except (ValueError, KeyError):
                pass
            raise ApiError(error.code, text) from None
        return json.loads(text) if text.startswith("{") else text

    @staticmethod
    def path(kind, namespace, name=None, query=None):
        group, plural = PLURALS[kind]
        path = group + (f"/namespaces/{namespace}" if namespace else "") + "/" + plural + (f"/{name}" if name else "")
        return path + ("?" + urllib.parse.urlencode(query) if query else "")

    def get(self, kind, namespace, name):
        """The object, or None."""
        try:
            return self.call("GET", self.path(kind, namespace, name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def list(self, kind, namespace, **query):
        return self.call("GET", self.path(kind, namespace, None, query))["items"]

    def create(self, kind, namespace, body):
        return self.call("POST", self.path(kind, namespace), body)

    def patch(self, kind, namespace, name, body):
        return self.call("PATCH", self.path(kind, namespace, name), body, "application/merge-patch+json")

    def delete(self, kind, namespace, name, **options):
        try:
            return self.call("DELETE", self.path(kind, namespace, name), options or None)
        except ApiError as error:
            if error.code != 404:
                raise


def run(*words, input=None, timeout=120, check_code=True, env=None):
    """(exit code, stdout, stderr) of a command."""
    done = subprocess.run(words, input=input, capture_output=True, text=True, timeout=timeout, env={**os.environ, **(env or {})})
    if check_code and done.returncode != 0:
        raise Failure(f"{' '.join(words)[:200]}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.returncode, done.stdout, done.stderr


def kubectl(*words, **options):
    return run("kubectl", *words, **options)[1]


def helm(*words, **options):
    return run("helm", *words, **options)[1]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Settings:
    """Of this run, from the environment and run.py's options."""

    def __init__(self, binaries, tag, prefix):
        self.binaries, self.tag, self.prefix = pathlib.Path(binaries), tag, prefix
        self.release, self.namespace = prefix, prefix
        self.jobs = []
        env = os.environ
        self.s3 = {"endpoint": env.get("E2E_S3_ENDPOINT"), "bucket": env.get("E2E_S3_BUCKET"),
                   "key": env.get("AWS_ACCESS_KEY_ID"), "secret": env.get("AWS_SECRET_ACCESS_KEY"),
                   "region": env.get("AWS_REGION", "us-east-1"),
                   "own_endpoint": env.get("AWS_ENDPOINT_URL") or env.get("E2E_S3_ENDPOINT")}
        self.stop_api, self.start_api = env.get("E2E_STOP_API"), env.get("E2E_START_API")

    def has_s3(self):
        return all(self.s3[k] for k in ("endpoint", "bucket", "key", "secret"))


# --- A query that takes as long as a test wants, with an answer that depends on every row --------------------------

CONF = {"galley.test.functions": "true", "spark.sql.shuffle.partitions": "8"}
MAPS, REDUCES = 24, 8


def slow_query(map_ms=0, reduce_ms=0, maps=MAPS):
    """maps tasks of map_ms, then 8 tasks that together sleep 16 x reduce_ms. Its answer is the same whatever it waits for."""
    rows = maps * 10000
    return (f"SELECT count(*) AS groups, sum(n) AS n, sum(s) AS s, max(k) AS k FROM (SELECT k, count(*) AS n, sum(id) AS s FROM "
            f"(SELECT id, pmod(xxhash64(id), 30000) AS k FROM range(0, {rows}, 1, {maps}) "
            f"WHERE CASE WHEN pmod(id, 10000) = 0 THEN galley_test_sleep({map_ms}) ELSE 0 END >= 0) t GROUP BY k) u "
            f"WHERE CASE WHEN pmod(k, 1875) = 0 THEN galley_test_sleep({reduce_ms}) ELSE 0 END >= 0")


class Reference:
    """Answers of an undisturbed run on this machine, each computed once."""

    def __init__(self, binaries):
        self.program, self.known, self.lock = binaries / "galley", {}, threading.Lock()

    def answer(self, query):
        with self.lock:
            if query not in self.known:
                options = [word for key, value in CONF.items() for word in ("--conf", f"{key}={value}")]
                self.known[query] = run(str(self.program), "sql", query, "--executors", "2", "--format", "csv", "--quiet", *options)[1]
            return self.known[query]


# --- Applications ---------------------------------------------------------------------------------------------------

def role(container, cores=1, memory="256Mi", disk="512Mi", template=None, grace=None):
    """spec.driver or spec.executor of a test: asks the scheduler for little, so that many fit on a small cluster."""
    spec = {"containers": [{"name": container, "resources": {"requests": {"cpu": "50m"}}}]}
    if grace is not None:
        spec["terminationGracePeriodSeconds"] = grace
    merged = {"spec": {**spec, **(template or {}).get("spec", {})}}
    if "metadata" in (template or {}):
        merged["metadata"] = template["metadata"]
    return {"cores": cores, "memory": memory, "localDisk": disk, "template": merged}


class Application:
    def __init__(self, context, name):
        self.context, self.api, self.namespace, self.name = context, context.api, context.namespace, name

    def get(self):
        found = self.api.get("gapp", self.namespace, self.name)
        check(found is not None, f"the application {self.name} is gone")
        return found

    def status(self):
        return self.get().get("status", {})

    def state(self):
        return self.status().get("state", "")

    def progress(self):
        return self.status().get("progress", {})

    def cause(self):
        return self.status().get("cause", "")

    def wait_state(self, *states, seconds=90):
        """The status, once its state is one of these. A final state that was not asked for is a failure at once."""
        def there():
            status = self.status()
            state = status.get("state", "")
            if state in states:
                return status
            if state in FINAL:
                raise Failure(f"{self.name} is {state}, not {' or '.join(states)}: {status.get('cause')!r}; {self.last_words()}")
            return None
        try:
            return wait_for(f"{self.name} to be {' or '.join(states)}", there, seconds)
        except Failure as failure:
            if "in vain" in str(failure):
                raise Failure(f"{failure}; its status: {json.dumps(self.status())[:800]}") from None
            raise

    def wait_running(self, executors=1, seconds=60):
        """Until so many executors have registered and the API server knows it: the kubelet may tell it later that a container runs."""
        def there():
            status = self.status()
            return (status.get("state") == "Running" and status.get("executors", {}).get("running", 0) >= executors
                    and len(self.executor_pods()) >= executors or self.fail_if_final())
        return wait_for(f"{executors} executors of {self.name} to run", there, seconds)

    def wait_tasks(self, done, stage=None, seconds=60):
        """Until so many tasks of the job are done (and, with stage, it is in that stage)."""
        def there():
            progress = self.progress()
            return progress.get("tasksDone", 0) >= done and (stage is None or progress.get("stage", 0) >= stage) or self.fail_if_final()
        return wait_for(f"{done} tasks of {self.name} to be done" + ("" if stage is None else f" in stage {stage}"), there, seconds)

    def fail_if_final(self):
        status = self.status()
        if status.get("state") in FINAL:
            raise Failure(f"{self.name} is {status['state']} already: {status.get('cause')!r}; {self.last_words()}")
        return None

    def pods(self, which=None):
        selector = f"galley.dev/application={self.name}" + (f",galley.dev/role={which}" if which else "")
        return self.api.list("pod", self.namespace, labelSelector=selector)

    def executor_pods(self, running=True):
        return [p for p in self.pods("executor") if not running or
                (p["status"].get("phase") == "Running" and "deletionTimestamp" not in p["metadata"])]

    def driver_pod(self):
        return self.status().get("driver", {}).get("pod") or f"{self.name}-driver"

    def output(self, pod=None):
        """(the job's own output, its log records): kubectl logs mixes the two streams, a record is a JSON object on a line."""
        text = kubectl("-n", self.namespace, "logs", pod or self.driver_pod())
        rows, records = [], []
        for line in text.splitlines(keepends=True):
            try:
                record = json.loads(line) if line.startswith("{") else None
            except ValueError:
                record = None
            if record is None or "level" not in record:
                rows.append(line)
            else:
                records.append(record)
        return "".join(rows), records

    def last_words(self):
        try:
            text = kubectl("-n", self.namespace, "logs", "--tail=4", self.driver_pod())
        except Failure as failure:
            return str(failure)
        return "the driver's last lines: " + text.strip()[-900:]

    def events(self):
        return [e for e in self.api.list("event", self.namespace) if e["involvedObject"].get("name") == self.name]

    def wait_event(self, reason, seconds=10):
        return wait_for(f"an Event {reason} of {self.name}", lambda: next((e for e in self.events() if e["reason"] == reason), None), seconds)

    def condition(self, kind):
        return next((c for c in self.status().get("conditions", []) if c["type"] == kind), None)

    def succeed(self, query=None, seconds=120, recomputed=None):
        """Waits for Succeeded; compares the answer with that of an undisturbed run; remembers hash and recomputed tasks for the report."""
        status = self.wait_state("Succeeded", seconds=seconds)
        answer, _ = self.output()
        again = status.get("progress", {}).get("recomputedTasks", 0)
        self.context.result(answer, again)
        if query is not None:
            expected = self.context.reference.answer(query)
            check(answer == expected, f"the answer of {self.name} is {answer!r}, an undisturbed run's {expected!r}")
        if recomputed is not None:
            check(again == recomputed, f"{again} tasks of {self.name} were computed again, {recomputed} expected; {self.last_words()}")
        return status

    def delete(self, wait=True):
        kubectl("-n", self.namespace, "delete", "gapp", self.name, f"--wait={'true' if wait else 'false'}", "--ignore-not-found", "--timeout=60s")

    def wait_gone(self, seconds=60):
        """Nothing of it is left: no pod, no secret, no ConfigMap, no Service."""
        def left():
            found = []
            for kind in ("pod", "secret", "configmap", "service"):
                for item in self.api.list(kind, self.namespace):
                    owners = [o.get("name") for o in item["metadata"].get("ownerReferences", [])]
                    if self.name in owners or item["metadata"].get("labels", {}).get("galley.dev/application") == self.name:
                        found.append(f"{kind} {item['metadata']['name']}")
            return found
        try:
            wait_for("x", lambda: not left(), seconds)
        except Failure:
            raise Failure(f"{seconds:g} s after {self.name} was deleted there are still: {', '.join(left())}") from None


class Context:
    """What one test works with: a namespace of its own (for the time), the API, and what it reports."""

    def __init__(self, api, settings, reference, namespace):
        self.api, self.settings, self.reference, self.namespace = api, settings, reference, namespace
        self.applications, self.notes = [], []
        self.answer_hash, self.recomputed = "-", "-"

    def note(self, text):
        self.notes.append(text)

    def result(self, answer, recomputed):
        self.answer_hash, self.recomputed = digest(answer), str(recomputed)

    def application(self, name, sql=None, apply=True, **spec):
        """Makes an application; driver and executor get small pods unless the test says otherwise."""
        body = {"driver": role("galley-driver"), "executor": role("galley-executor"), "output": "csv", "conf": CONF, **spec}
        if sql is not None:
            body["sql"] = sql
        application = Application(self, name)
        self.applications.append(application)
        if apply:
            self.apply({"apiVersion": "galley.dev/v1alpha1", "kind": "GalleyApplication", "metadata": {"name": name},
                        "spec": {key: value for key, value in body.items() if value is not None}})
        return application

    def apply(self, manifest, check_code=True):
        """(exit code, stderr) of kubectl apply: a manifest as text or as an object."""
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        code, out, err = run("kubectl", "-n", self.namespace, "apply", "-f", "-", input=text, check_code=check_code)
        return code, err

    def apply_server_side(self, body):
        """(exit code, stderr); for objects that are too large for kubectl's annotation."""
        code, _, err = run("kubectl", "-n", self.namespace, "apply", "--server-side", "-f", "-", input=json.dumps(body), check_code=False)
        return code, err

    def kubectl(self, *words, **options):
        return kubectl("-n", self.namespace, *words, **options)

    def clean(self):
        """Every application and schedule of the namespace, and what tests put beside them, is removed."""
        for kind in ("gsched", "gapp"):
            for item in self.api.list(kind, self.namespace):
                self.api.delete(kind, self.namespace, item["metadata"]["name"])
        for kind in ("configmap", "secret", "quota"):
            for item in self.api.list(kind, self.namespace, labelSelector="e2e=true"):
                self.api.delete(kind, self.namespace, item["metadata"]["name"])
        wait_for(f"{self.namespace} to be empty",
                 lambda: not self.api.list("pod", self.namespace) and not self.api.list("gapp", self.namespace), 90)


# --- Faults -----------------------------------------------------------------------------------------------------------

SHARED = {"spec": {"shareProcessNamespace": True}}  # so that the executor is not process 1, which ignores what comes from inside


def signal_executor(context, pod, signal="KILL"):
    """Sends a signal to the executor in a pod that was made with SHARED. The shell that sends it lives in the executor's container: where the container
    ends at once, the runtime kills the shell too, which kubectl reports as 137. That is the fault taking effect, not a failure to bring it about."""
    script = (f'for d in /proc/[0-9]*; do read -r c <$d/comm; [ "$c" = galley-executor ] && kill -{signal} ${{d#/proc/}} && exit 0; done; '
              "echo 'there is no galley-executor' >&2; exit 1")
    words = ["kubectl", "-n", context.namespace, "exec", pod, "-c", "galley-executor", "--", "sh", "-c", script]
    code, _, err = run(*words, check_code=False)
    if code not in ((0, 137) if signal == "KILL" else (0,)):
        raise Failure(f"signal {signal} to the executor in {pod}: kubectl exec ended with {code}: {err.strip()[-600:]}")


def node_of(pod):
    return pod["spec"].get("nodeName", "")


def helm_install_words(settings, *more):
    """helm upgrade --install of the chart as the tests use it. CRDs that somebody else applied are taken over."""
    values = {"image.tag": settings.tag, "executorImage.tag": settings.tag, "image.repository": "galley-driver",
              "executorImage.repository": "galley-executor"}
    words = ["upgrade", "--install", settings.release, str(ROOT / "charts/galley"), "-n", settings.namespace, "--wait", "--timeout", "120s",
             "--take-ownership", "--set-json", "watchNamespaces=" + json.dumps(settings.jobs)]
    for key, value in values.items():
        words += ["--set", f"{key}={value}"]
    return [*words, *more]
