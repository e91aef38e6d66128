#!/usr/bin/env python3
"""operator_test.py BIN [WORD...] - galley-operator as a process of this machine against the cluster that KUBECONFIG names.

Drivers are not needed: their pods ask for a node that does not exist, and this program plays the kubelet by writing
their status. So what is tested is the operator alone, including its death by SIGKILL at any moment. BIN is a build's bin
directory. Uses namespaces of its own and leaves nothing; applies k8s/crd first. WORDs choose tests by parts of their names.
"""
import atexit
import datetime
import http.client
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = uuid.uuid4().hex[:6]
SEED = random.randrange(1 << 30)
rng = random.Random(SEED)
GROUP = "/apis/galley.dev/v1alpha1"


class Api:
    """JSON over `kubectl proxy`."""

    def __init__(self):
        self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
        atexit.register(self.proxy.kill)
        self.port = int(re.search(r":(\d+)\s*$", self.proxy.stdout.readline()).group(1))
        self.connection = None

    def call(self, method, path, body=None, patch=False):
        data = None if body is None else json.dumps(body)
        kind = "application/merge-patch+json" if patch else "application/json"
        for attempt in range(3):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                self.connection.request(method, path, data, {"Content-Type": kind} if data else {})
                answer = self.connection.getresponse()
                return answer.status, json.loads(answer.read() or b"{}")
            except (OSError, http.client.HTTPException):
                self.connection = None
                if attempt == 2:
                    raise
        return None

    def get(self, path):
        code, body = self.call("GET", path)
        return body if code == 200 else None

    def items(self, path):
        code, body = self.call("GET", path)
        assert code == 200, (path, body)
        return body["items"]


api = Api()


class Namespace:
    def __init__(self, label):
        self.name = f"galley-op-{label}-{RUN}"
        code, body = api.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.name}})
        assert code == 201, body
        # Without its service account a pod is refused.
        code, body = api.call("POST", self.core("serviceaccounts"), {"metadata": {"name": "galley-driver"}})
        assert code == 201, body

    def core(self, path):
        return f"/api/v1/namespaces/{self.name}/{path}"

    def apps(self, name="", sub=""):
        return f"{GROUP}/namespaces/{self.name}/galleyapplications" + (f"/{name}" if name else "") + sub

    def schedules(self, name=""):
        return f"{GROUP}/namespaces/{self.name}/galleyschedules" + (f"/{name}" if name else "")

    def submit(self, name, **spec):
        template = {"spec": {"nodeSelector": {"galley.dev/test": "nowhere"}}}
        body = {"apiVersion": "galley.dev/v1alpha1", "kind": "GalleyApplication", "metadata": {"name": name},
                "spec": {"sql": "SELECT 1", "driver": {"template": template}, **spec}}
        code, answer = api.call("POST", self.apps(), body)
        assert code == 201, answer
        return answer

    def app(self, name):
        return api.get(self.apps(name))

    def status(self, name):
        return (self.app(name) or {}).get("status", {})

    def change(self, name, spec):
        code, answer = api.call("PATCH", self.apps(name), {"spec": spec}, patch=True)
        assert code == 200, answer

    def pods(self, role="driver"):
        return api.items(self.core(f"pods?labelSelector=galley.dev%2Frole%3D{role}"))

    def events(self, name, reason=None):
        found = [e for e in api.items(self.core("events")) if e["involvedObject"]["name"] == name
                 and e["involvedObject"]["kind"].startswith("Galley")]
        return [e for e in found if reason is None or e["reason"] == reason]

    def play(self, pod, phase, exit_code=None, reason=None):
        """The kubelet's part: a pod's status."""
        state = {"running": {}} if exit_code is None else {"terminated": {"exitCode": exit_code, "reason": reason or "Error"}}
        containers = [{"name": "galley-driver", "state": state, "ready": phase == "Running", "restartCount": 0, "image": "x",
                       "imageID": ""}]
        body = {"status": {"phase": phase, "conditions": [], "containerStatuses": containers}}
        if phase == "Failed" and exit_code is None:  # evicted before a container started
            body["status"]["containerStatuses"] = []
            body["status"]["reason"] = reason
        code, answer = api.call("PATCH", self.core(f"pods/{pod}/status"), body, patch=True)
        assert code == 200, answer

    def remove(self):
        api.call("DELETE", f"/api/v1/namespaces/{self.name}")


def wait(what, check, seconds=20.0):
    begin = time.time()
    last = None
    while time.time() - begin < seconds:
        last = check()
        if last:
            return last
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}; last: {last}")


class Operator:
    count = 0

    def __init__(self, namespaces, *arguments, leader=False, env=None):
        Operator.count += 1
        self.log = pathlib.Path(tempfile.gettempdir()) / f"galley-operator-{RUN}-{Operator.count}.log"
        names = [argument for n in namespaces for argument in ("--namespace", n.name)]
        command = [str(BIN / "galley-operator"), *names, "--metrics-address", "127.0.0.1:0", *arguments]
        command += ["--lease-namespace", namespaces[0].name] if leader else ["--leader-elect=false"]
        self.process = subprocess.Popen(command, stderr=open(self.log, "wb"), env={**os.environ, **(env or {})})

    def text(self):
        return self.log.read_text(errors="replace")

    def kill(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(30)

    def metrics(self, path="/metrics"):
        port = int(re.search(r'"metrics_port":(\d+)', self.text()).group(1))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


class Scene:
    """A namespace and an operator, both gone in the end; the log is shown if the test fails."""

    def __init__(self, label, *arguments, operator=True):
        self.label, self.arguments, self.wants = label, arguments, operator

    def __enter__(self):
        self.namespace = Namespace(self.label)
        self.operators = []
        if self.wants:
            self.start(*self.arguments)
        return self.namespace, self

    def start(self, *arguments, leader=False, env=None):
        self.operators.append(Operator([self.namespace], *arguments, leader=leader, env=env))
        return self.operators[-1]

    def __exit__(self, kind, value, trace):
        for operator in self.operators:
            operator.kill()
            if kind is not None:
                print(f"  log {operator.log}:\n" + "\n".join("    " + line for line in operator.text().splitlines()[-12:]))
            else:
                operator.log.unlink(missing_ok=True)
        self.namespace.remove()


def state_is(ns, name, *states, seconds=30.0):
    return wait(f"{name} is {' or '.join(states)}", lambda: ns.status(name).get("state") in states and ns.status(name), seconds)


def running(ns, name, pod=None):
    pod = pod or f"{name}-driver"
    uid = ns.app(name)["metadata"]["uid"]

    def is_there():  # and of this application, not of a deleted one of the same name
        found = api.get(ns.core(f"pods/{pod}"))
        return found and found["metadata"]["ownerReferences"][0]["uid"] == uid
    wait(f"pod {pod}", is_there)
    ns.play(pod, "Running")
    state_is(ns, name, "Running")


# --- tests ---

def test_a_good_life():
    with Scene("life") as (ns, scene):
        ns.submit("job")
        running(ns, "job")
        ns.play("job-driver", "Succeeded", 0, "Completed")
        status = state_is(ns, "job", "Succeeded")
        assert [h["state"] for h in status["history"]] == ["Submitted", "Starting", "Running", "Succeeding", "Succeeded"]
        conditions = {c["type"]: c for c in status["conditions"]}
        assert conditions["Complete"]["status"] == "True" and conditions["Failed"]["status"] == "False"
        assert all(c["observedGeneration"] == 1 and c["lastTransitionTime"] for c in conditions.values())
        secrets = {s["metadata"]["name"]: s for s in api.items(ns.core("secrets"))}
        assert sorted(secrets["job-driver-tls"]["data"]) == ["ca.crt", "ca.key"]
        assert sorted(secrets["job-executor-tls"]["data"]) == ["ca.crt", "tls.crt", "tls.key"]
        assert "ca.key" not in secrets["job-executor-tls"]["data"]
        code, text = scene.operators[0].metrics()
        assert code == 200 and 'galley_applications{state="Succeeded"} 1' in text
        assert scene.operators[0].metrics("/readyz")[0] == 200 and scene.operators[0].metrics("/healthz")[0] == 200
        assert scene.operators[0].metrics("/etc/passwd")[0] == 404
        return "history and conditions right"


def test_killed_at_any_line():
    """30 submissions while the operator is killed at random moments: one driver pod each."""
    with Scene("kill", operator=False) as (ns, scene):
        kills = 0
        names = [f"job-{i}" for i in range(30)]
        left = list(names)
        end = time.time() + 60
        while time.time() < end:
            operator = scene.start()
            moment = time.time() + rng.uniform(0.02, 0.9)
            while time.time() < moment:
                if left:
                    ns.submit(left.pop())
                time.sleep(0.01)
            done = not left and all(ns.status(n).get("state") in ("Starting", "Running") for n in names)
            if done and kills >= 8:
                operator.kill()
                break
            operator.kill()
            kills += 1
            if kills % 3 == 0:
                for pod in ns.pods():  # some run meanwhile
                    if rng.random() < 0.3 and pod["status"]["phase"] == "Pending":
                        ns.play(pod["metadata"]["name"], "Running")
        scene.start()
        for name in names:
            state_is(ns, name, "Starting", "Running")
        pods = ns.pods()
        assert len(pods) == 30, f"{len(pods)} pods"
        for name in names:
            status = ns.status(name)
            assert status["attempts"] == 1 and status["driver"]["pod"] == f"{name}-driver", status
            created = ns.events(name, "DriverCreated")
            assert len(created) == 1, created
        secrets = [s["metadata"]["name"] for s in api.items(ns.core("secrets"))]
        assert len(secrets) == 60, secrets
        check_identities(ns, names)
        return f"{kills} kills, 30 pods, 30 DriverCreated Events"


def check_identities(ns, names):
    """The executors' certificate is signed by the authority that the driver has, whoever made which."""
    import base64
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            for secret, key in ((f"{name}-driver-tls", "ca.crt"), (f"{name}-executor-tls", "tls.crt")):
                data = api.get(ns.core(f"secrets/{secret}"))["data"][key]
                pathlib.Path(folder, key).write_bytes(base64.b64decode(data))
            done = subprocess.run(["openssl", "verify", "-CAfile", f"{folder}/ca.crt", f"{folder}/tls.crt"],
                                  capture_output=True, text=True)
            assert done.returncode == 0, (name, done.stdout + done.stderr)


def test_two_operators_one_leads():
    with Scene("lead", operator=False) as (ns, scene):
        first = scene.start(leader=True)
        wait("the first leads", lambda: '"leading"' in first.text())
        second = scene.start(leader=True)
        ns.submit("before")
        state_is(ns, "before", "Starting")
        assert '"leading"' not in second.text()
        assert second.metrics("/readyz")[0] == 200  # a stand-by is ready
        first.kill(signal.SIGKILL)
        begin = time.time()
        ns.submit("after")
        wait("the second leads", lambda: '"leading"' in second.text(), 40)
        took = time.time() - begin
        state_is(ns, "after", "Starting")
        third = scene.start(leader=True)
        wait("the third is up", lambda: '"started"' in third.text())
        time.sleep(2.5)  # it has seen the lease
        begin = time.time()
        second.kill(signal.SIGTERM)
        wait("the third leads", lambda: '"leading"' in third.text(), 10)
        given = time.time() - begin
        assert len(ns.pods()) == 2
        return f"taken over after SIGKILL in {took:.1f} s, after SIGTERM in {given:.1f} s"


def start_proxy(port, *arguments):
    return subprocess.Popen(["kubectl", "proxy", f"--port={port}", *arguments], stdout=subprocess.PIPE, text=True)


def write_kubeconfig(folder, port):
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {}}],
              "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
              "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}]}
    path = pathlib.Path(folder, "config")
    path.write_text(json.dumps(config))
    return path


def test_a_namespace_without_rights_stops_no_other():
    """Two namespaces, all requests to one of them are refused (by a proxy, as missing rights would)."""
    with Scene("seen", operator=False) as (ns, scene), tempfile.TemporaryDirectory() as folder:
        dark = Namespace("dark")
        proxy = start_proxy(0, f"--reject-paths=^/.*/namespaces/{dark.name}/.*")
        try:
            port = re.search(r":(\d+)\s*$", proxy.stdout.readline()).group(1)
            scene.operators.append(Operator([ns, dark], env={"KUBECONFIG": str(write_kubeconfig(folder, port))}))
            ns.submit("job")
            begin = time.time()
            state_is(ns, "job", "Starting", seconds=20)
            assert scene.operators[0].metrics("/readyz")[0] == 200
            assert "watching is in trouble" in scene.operators[0].text()
            return f"a driver pod after {time.time() - begin:.1f} s, though nothing is seen of the other namespace"
        finally:
            proxy.kill()
            dark.remove()


def test_api_server_away():
    """The way to the API server (a proxy) hangs, then is gone for longer than the lease lasts."""
    with Scene("away", operator=False) as (ns, scene), tempfile.TemporaryDirectory() as folder:
        proxy = start_proxy(0)
        port = re.search(r":(\d+)\s*$", proxy.stdout.readline()).group(1)
        path = write_kubeconfig(folder, port)
        try:
            operator = scene.start(leader=True, env={"KUBECONFIG": str(path)})
            ns.submit("before")
            running(ns, "before")
            proxy.send_signal(signal.SIGSTOP)
            ns.submit("hanging")
            wait("it steps down", lambda: "not leading any more" in operator.text(), 30)
            proxy.kill()
            proxy.wait()
            ns.submit("away")
            ns.play("before-driver", "Succeeded", 0, "Completed")
            time.sleep(3)
            assert operator.process.poll() is None and operator.metrics("/healthz")[0] == 200
            proxy = start_proxy(port)
            begin = time.time()
            state_is(ns, "before", "Succeeded")
            state_is(ns, "hanging", "Starting")
            state_is(ns, "away", "Starting")
            assert len(ns.pods()) == 3
            return f"stepped down, and {time.time() - begin:.1f} s after the way was free everything was done"
        finally:
            proxy.kill()


def test_restarts():
    policy = {"type": "OnInfrastructureFailure", "maxAttempts": 3, "backoff": "1s"}
    with Scene("restart") as (ns, scene):
        ns.submit("job", restartPolicy=policy)
        running(ns, "job")
        leftover = {"metadata": {"name": "job-exec-1", "labels": {
            "galley.dev/role": "executor", "galley.dev/application-uid": ns.app("job")["metadata"]["uid"]}},
            "spec": {"containers": [{"name": "c", "image": "x"}], "nodeSelector": {"galley.dev/test": "nowhere"}}}
        assert api.call("POST", ns.core("pods"), leftover)[0] == 201
        ns.play("job-driver", "Failed", 137, "OOMKilled")
        state_is(ns, "job", "Restarting", "Starting")
        running(ns, "job", "job-driver-2")
        assert not ns.pods("executor"), "the executors of the failed attempt are still there"
        assert any("OOMKilled" in h["reason"] for h in ns.status("job")["history"])
        assert api.call("DELETE", ns.core("pods/job-driver-2"))[0] == 200  # lost altogether
        running(ns, "job", "job-driver-3")
        ns.play("job-driver-3", "Failed", reason="Evicted")  # and before a container started
        status = state_is(ns, "job", "Failed")
        assert status["attempts"] == 3 and status["failures"] == 3, status
        assert status["cause"] and "job-driver-3" in status["cause"], status["cause"]
        ns.submit("own", restartPolicy=policy)
        running(ns, "own")
        ns.play("own-driver", "Failed", 1)
        status = state_is(ns, "own", "Failed")
        assert status["attempts"] == 1
        assert len(ns.pods()) == 3  # of failed attempts, for their logs; the deleted one is gone
        return f"3 attempts, then: {ns.status('job')['cause']}"


def test_suspend_and_resume():
    with Scene("suspend") as (ns, scene):
        ns.submit("job")
        running(ns, "job")
        ns.change("job", {"suspend": True})
        state_is(ns, "job", "Suspended")
        wait("no pods", lambda: not ns.pods())
        time.sleep(0.5)
        assert not ns.pods() and ns.status("job")["state"] == "Suspended"
        ns.change("job", {"suspend": False})
        running(ns, "job", "job-driver-2")
        ns.change("job", {"suspend": True})
        ns.change("job", {"suspend": False})  # at once
        wait("a new driver or the old one", lambda: ns.status("job").get("state") in ("Starting", "Running"))
        ns.submit("waits", suspend=True)
        state_is(ns, "waits", "Suspended")
        assert not [p for p in ns.pods() if p["metadata"]["name"].startswith("waits")]
        ns.change("waits", {"suspend": False})
        running(ns, "waits")
        reasons = [e["reason"] for e in ns.events("waits")]
        assert "Suspended" in reasons and "Resumed" in reasons, reasons
        return "suspended, resumed, twice"


def test_ttl_and_delete_leave_nothing():
    with Scene("ttl") as (ns, scene):
        ns.submit("short", ttlAfterFinished="2s")
        ns.submit("long")
        for name in ("short", "long"):
            running(ns, name)
            ns.play(f"{name}-driver", "Succeeded", 0, "Completed")
            state_is(ns, name, "Succeeded")
        wait("the ttl", lambda: ns.app("short") is None, 10)
        time.sleep(1)
        assert ns.app("long") is not None
        assert api.call("DELETE", ns.apps("long"))[0] == 200
        wait("nothing is left", lambda: not ns.pods() and not api.items(ns.core("secrets")), 30)
        for _ in range(8):  # a name may be used again at once
            ns.submit("again")
            running(ns, "again")
            assert api.call("DELETE", ns.apps("again"))[0] == 200
        ns.submit("again")
        running(ns, "again")
        code, text = scene.operators[0].metrics()
        assert 'galley_applications{state="Running"} 1' in text, text
        return "deleted after 2 s; nothing left; the name was used again"


def test_bad_ones_do_not_stop_others():
    """Each is shown in cause, condition and Event within 10 s, and a good one goes on."""
    with Scene("bad") as (ns, scene):
        nowhere = {"nodeSelector": {"galley.dev/test": "nowhere"}}
        pod = {"spec": {**nowhere, "containers": [{"name": "galley-driver"}, {"name": "Not A Name!", "image": "x"}]}}
        ns.submit("template", driver={"template": pod})
        long = {"metadata": {"annotations": {"big": "x" * 300000}}, "spec": nowhere}
        ns.submit("annotation", driver={"template": long})
        ns.submit("account", serviceAccount="nobody")
        foreign = {"metadata": {"name": "taken-driver"}, "spec": {**nowhere, "containers": [{"name": "c", "image": "x"}]}}
        assert api.call("POST", ns.core("pods"), foreign)[0] == 201
        ns.submit("taken")
        ns.submit("nodes")
        ns.submit("good")
        running(ns, "good")
        seen = {}
        for name, reason in (("template", "DriverPodInvalid"), ("annotation", "DriverPodInvalid"),
                             ("account", "Forbidden"), ("taken", "NameTaken"), ("nodes", "Unschedulable")):
            wait(f"{name} is shown as {reason}", lambda: [
                c for c in ns.status(name).get("conditions", []) if c["type"] == "Ready" and c["reason"] == reason], 10)
            seen[name] = ns.status(name)["cause"]
            assert seen[name], name
            assert len(ns.events(name, reason)) == 1, ns.events(name)
        assert ns.status("template")["state"] == "Failed" and ns.status("account")["state"] == "Submitted"
        assert api.call("POST", ns.core("serviceaccounts"), {"metadata": {"name": "nobody"}})[0] == 201
        api.call("DELETE", ns.core("pods/taken-driver"))
        for name in ("account", "taken"):  # what was missing is there now
            running(ns, name)
            assert ns.status(name)["cause"] == ""
        return "; ".join(f"{k}: {v[:60]}" for k, v in seen.items())


def test_quota():
    with Scene("quota") as (ns, scene):
        quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
        assert api.call("POST", ns.core("resourcequotas"), quota)[0] == 201
        wait("the quota is in force", lambda: (api.get(ns.core("resourcequotas/q")) or {}).get("status", {}).get("hard"))
        ns.submit("one")
        state_is(ns, "one", "Starting")
        ns.submit("two")
        begin = time.time()
        wait("shown", lambda: "exceeded quota" in ns.status("two").get("cause", ""), 10)
        shown = time.time() - begin
        assert len(ns.events("two", "QuotaExceeded")) == 1
        assert api.call("DELETE", ns.apps("one"))[0] == 200
        begin = time.time()
        wait("the second starts", lambda: ns.status("two").get("state") == "Starting", 45)
        return f"shown after {shown:.1f} s, started {time.time() - begin:.1f} s after there was room"


def test_missing_volumes_and_images():
    """On a real node: what only the kubelet knows."""
    with Scene("kubelet") as (ns, scene):
        mount = {"name": "galley-driver", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        volume = {"spec": {"volumes": [{"name": "v", "secret": {"secretName": "nowhere"}}], "containers": [mount]}}
        ns.submit("volume", driver={"template": volume, "memory": "64Mi"})
        ns.submit("image", driver={"template": {"spec": {}}, "memory": "64Mi"}, image={"driver": "galley.invalid/no:1"})
        begin = time.time()
        seen = {}
        for name, word in (("volume", "nowhere"), ("image", "galley.invalid/no:1")):
            wait(f"{name} is shown", lambda: word in ns.status(name).get("cause", ""), 25)
            seen[name] = f"{ns.status(name)['conditions'][0]['reason']} after {time.time() - begin:.1f} s"
            assert ns.status(name)["state"] == "Starting"
        return json.dumps(seen)


def test_hostile_sizes():
    with Scene("sizes") as (ns, scene):
        name = "-".join(["a" * 60] * 4) + ".b" * 4 + "cc"
        assert len(name) == 253
        ns.submit(name)
        wait("a pod for the longest name", lambda: ns.pods())
        pod = ns.pods()[0]["metadata"]["name"]
        assert len(pod) <= 63, pod
        ns.play(pod, "Running")
        state_is(ns, name, "Running")
        conf = {f"spark.test.k{i}": "v" * 3500 for i in range(128)}
        ns.submit("big", sql="SELECT 1 -- " + "x" * 500000, conf=conf)
        running(ns, "big")
        assert api.call("DELETE", ns.apps("big"))[0] == 200
        for i in range(700):  # they are never read
            data = {"k": "x" * (900000 if i < 10 else 60000)}
            assert api.call("POST", ns.core("configmaps"), {"metadata": {"name": f"c{i}"}, "data": data})[0] == 201
        rss = float(re.search(r"\nprocess_resident_memory_bytes (\S+)", scene.operators[0].metrics()[1]).group(1))
        is_sanitized = b"__asan_init" in (BIN / "galley-operator").read_bytes()
        assert rss < (40e6 if not is_sanitized else 200e6), rss
        return f"a name of {len(name)} characters, an application of 0.95 MB, 700 ConfigMaps; {rss / 1e6:.1f} MB resident"


def test_status_conflicts():
    """A driver that writes its part of the status as fast as it can."""
    with Scene("conflict") as (ns, scene):
        names = [f"job-{i}" for i in range(4)]
        for name in names:
            ns.submit(name)
        end = time.time() + 5
        writes = 0
        phase = 0
        while time.time() < end:
            for name in names:
                code, _ = api.call("PATCH", ns.apps(name, "/status"), {"status": {"progress": {"tasksDone": writes}}}, patch=True)
                assert code == 200
                writes += 1
            if phase == 0 and time.time() > end - 3 and len(ns.pods()) == 4:
                for name in names:
                    ns.play(f"{name}-driver", "Running")
                phase = 1
            if phase == 1 and time.time() > end - 1.5:
                for name in names:
                    ns.play(f"{name}-driver", "Succeeded", 0, "Completed")
                phase = 2
        for name in names:
            status = state_is(ns, name, "Succeeded")
            assert status["progress"]["tasksDone"] > 0
            assert len(ns.events(name, "Succeeded")) == 1
        conflicts = re.search(r"\ngalley_reconcile_conflicts_total (\d+)", scene.operators[0].metrics()[1]).group(1)
        return f"{writes} writes of drivers, {conflicts} conflicts"


def test_warnings_become_events_once():
    with Scene("warn") as (ns, scene):
        ns.submit("job")
        running(ns, "job")
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        warnings = [{"time": now, "reason": "ExecutorOOMKilled", "message": f"executor pod job-exec-{i} was killed"} for i in (1, 2)]
        body = {"status": {"warnings": warnings}}
        assert api.call("PATCH", ns.apps("job", "/status"), body, patch=True)[0] == 200
        wait("two Events", lambda: len(ns.events("job", "ExecutorOOMKilled")) == 2)
        scene.operators[0].kill()
        scene.start()
        body["status"]["warnings"].append({"time": now, "reason": "ExecutorOOMKilled", "message": "executor pod job-exec-3 was killed"})
        assert api.call("PATCH", ns.apps("job", "/status"), body, patch=True)[0] == 200
        wait("a third", lambda: len(ns.events("job", "ExecutorOOMKilled")) >= 3)
        time.sleep(1)
        found = ns.events("job", "ExecutorOOMKilled")
        assert len(found) == 3, found
        return "3 warnings, 3 Events, over a restart of the operator"


def test_schedule():
    with Scene("cron") as (ns, scene):
        template = {"metadata": {"labels": {"team": "x"}}, "spec": {"sql": "SELECT 1", "driver": {
            "template": {"spec": {"nodeSelector": {"galley.dev/test": "nowhere"}}}}}}
        body = {"apiVersion": "galley.dev/v1alpha1", "kind": "GalleySchedule", "metadata": {"name": "tick"},
                "spec": {"schedule": "* * * * *", "timeZone": "Europe/Zurich", "template": template}}
        code, answer = api.call("POST", ns.schedules(), body)
        assert code == 201, answer
        bad = json.loads(json.dumps(body))
        bad["metadata"]["name"] = "bad"
        bad["spec"]["timeZone"] = "Middle/Earth"
        assert api.call("POST", ns.schedules(), bad)[0] == 201
        wait("the next time is shown", lambda: api.get(ns.schedules("tick")).get("status", {}).get("nextScheduleTime"))
        wait("the bad one is shown", lambda: "Middle/Earth" in api.get(ns.schedules("bad")).get("status", {}).get("cause", ""))
        apps = wait("an application", lambda: api.items(ns.apps()), 70)
        minute = int(time.time() // 60)
        assert apps[0]["metadata"]["name"] in (f"tick-{minute}", f"tick-{minute - 1}"), apps[0]["metadata"]["name"]
        assert apps[0]["metadata"]["labels"]["team"] == "x"
        name = apps[0]["metadata"]["name"]
        running(ns, name)
        status = wait("it is shown as active", lambda: api.get(ns.schedules("tick"))["status"].get("active"))
        assert status[0]["name"] == name
        ns.play(f"{name}-driver", "Succeeded", 0, "Completed")
        state_is(ns, name, "Succeeded")
        wait("and not any more", lambda: not api.get(ns.schedules("tick"))["status"].get("active"))
        assert api.call("PATCH", ns.schedules("tick"), {"spec": {"successfulRunsHistoryLimit": 0}}, patch=True)[0] == 200
        wait("history limit", lambda: ns.app(name) is None)
        assert api.call("DELETE", ns.schedules("tick"))[0] == 200
        return f"{name} was made, ran, was cleared away"


TESTS = [value for key, value in list(globals().items()) if key.startswith("test_")]


def main():
    global BIN
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    BIN = pathlib.Path(sys.argv[1]).resolve()
    words = sys.argv[2:]
    subprocess.run(["kubectl", "apply", "-f", str(ROOT / "k8s/crd")], check=True, stdout=subprocess.DEVNULL)
    print(f"seed {SEED}")
    failed = []
    for test in TESTS:
        name = test.__name__.removeprefix("test_")
        if words and not any(word in name for word in words):
            continue
        begin = time.time()
        try:
            text = test()
            print(f"ok   {name}: {time.time() - begin:.1f} s: {text}", flush=True)
        except Exception as error:  # every test is reported
            failed.append(name)
            print(f"FAIL {name}: {time.time() - begin:.1f} s: {type(error).__name__}: {str(error)[:600]}", flush=True)
    api.proxy.terminate()
    print(f"{len(failed)} failed" + (": " + ", ".join(failed) if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
