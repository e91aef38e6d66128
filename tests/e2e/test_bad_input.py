"""What is wrong is refused by name, or shown within 10 seconds as cause, condition and Event; nobody else suffers."""
import sys
import time

from support import CONF, ROOT, Failure, check, role, run, slow_query, test, wait_for


def shown(t, app, *words, reason=None, seconds=10, state=None):
    """Within 10 s of applying: the cause names the words, and there is a Warning Event and a condition that says the same."""
    start = time.monotonic()
    cause = wait_for(f"{app.name}'s cause to name {' and '.join(words)}",
                     lambda: app.cause() if all(word.lower() in app.cause().lower() for word in words) else None, seconds)
    took = time.monotonic() - start
    event = wait_for(f"a Warning Event of {app.name} with {words[0]}", lambda: next(
        (e for e in app.events() if e["type"] == "Warning" and words[0].lower() in e["message"].lower()), None), 5)
    check(any(words[0].lower() in c.get("message", "").lower() for c in app.status()["conditions"]),
          f"no condition of {app.name} says so: {app.status()['conditions']}")
    if state:
        check(app.state() == state, f"{app.name} is {app.state()}, not {state}")
    t.note(f"{event['reason']} after {took:.1f} s: {cause}")


def warned(t, app, *words, seconds=20):
    """The driver's view, soon after it runs: a warning in the status that names the words, and an Event of it."""
    app.wait_state("Running", "Succeeding", "Succeeded")
    def there():
        return next((w for w in app.status().get("warnings", []) if all(word.lower() in w["message"].lower() for word in words)), None)
    try:
        warning = wait_for("x", there, seconds)
    except Failure:
        raise Failure(f"no warning of {app.name} names {' and '.join(words)} after {seconds} s: {app.status().get('warnings')}; {app.last_words()}") from None
    wait_for(f"an Event {warning['reason']} of {app.name}", lambda: any(e["reason"] == warning["reason"] for e in app.events()), 10)
    t.note(f"{warning['reason']}: {warning['message']}")


def others_go_on(t):
    """A healthy application beside the bad one."""
    query = slow_query()
    t.application("healthy", query, executors=1).succeed(query)


@test()
def bad_fields(t):
    """What kubectl apply and kubectl scale refuse, field by field (crd_test.py)."""
    code, out, err = run(sys.executable, str(ROOT / "tests/e2e/crd_test.py"), check_code=False, timeout=300)
    last = (out.strip().splitlines() or [""])[-1]
    check(code == 0, f"{last}: " + " | ".join(line for line in out.splitlines() if line.startswith("FAIL"))[:1200] + err[-300:])
    t.note(last)


@test()
def bad_missing_secret(t):
    app = t.application("keyless", "SELECT 1", executors=1, s3={"credentialsSecret": "no-such-secret", "endpoint": "http://127.0.0.1:1"})
    shown(t, app, "no-such-secret")
    others_go_on(t)


@test()
def bad_missing_config_map(t):
    app = t.application("mapless", configMap={"name": "no-such-map", "key": "a.sql"}, executors=1)
    shown(t, app, "no-such-map")


@test()
def bad_driver_image(t):
    app = t.application("imageless", "SELECT 1", executors=1, image={"driver": "galley-driver:no-such-tag", "pullPolicy": "Never"})
    shown(t, app, "galley-driver:no-such-tag")
    others_go_on(t)


@test()
def bad_driver_quota(t):
    """A quota that leaves no room for the driver: said within 10 s; it starts as soon as there is room."""
    t.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight", "labels": {"e2e": "true"}}, "spec": {"hard": {"pods": "0"}}})
    wait_for("the quota to be counted", lambda: t.api.get("quota", t.namespace, "tight").get("status", {}).get("hard"), 10)
    query = slow_query()
    app = t.application("crowded", query, executors=1)
    shown(t, app, "quota", "tight")
    t.api.delete("quota", t.namespace, "tight")
    app.succeed(query, seconds=120)


@test()
def bad_sql(t):
    """A column that is not there: failed at once, the cause is the compiler's sentence with the place."""
    app = t.application("typo", "SELECT ID2 FROM range(10)", executors=1)
    status = app.wait_state("Failed", seconds=30)
    check("ID2" in status["cause"] and "line 1" in status["cause"], f"the cause is {status['cause']!r}")
    t.note(status["cause"])


@test()
def bad_template_overrides_container(t):
    """A template that would replace our image, command, user and volumes: ours stand, and the job runs."""
    container = {"name": "galley-driver", "image": "evil:1", "command": ["/bin/sh", "-c", "exit 0"], "args": ["--evil"],
                 "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "50m"}},
                 "volumeMounts": [{"name": "galley-tls", "mountPath": "/elsewhere"}], "workingDir": "/tmp"}
    template = {"metadata": {"name": "evil", "namespace": "kube-system", "labels": {"galley.dev/role": "executor", "team": "shop"}},
                "spec": {"containers": [container], "restartPolicy": "Always"}}
    query = slow_query()
    app = t.application("overridden", query, executors=1, driver={"memory": "256Mi", "localDisk": "256Mi", "template": template})
    app.succeed(query)
    pod = app.pods("driver")[0]
    check(pod["metadata"]["name"] == "overridden-driver" and pod["metadata"]["labels"].get("team") == "shop", f"the driver's pod is {pod['metadata']}")
    ours = next(c for c in pod["spec"]["containers"] if c["name"] == "galley-driver")
    check(ours["image"].startswith("galley-driver:") and ours["resources"]["limits"]["memory"] == "256Mi" and pod["spec"]["restartPolicy"] == "Never",
          f"the template changed what must hold: {ours['image']} {ours['resources']} {pod['spec']['restartPolicy']}")


@test()
def bad_long_name(t):
    """A name of 253 characters: pods and secrets get shorter ones, everything works."""
    name = "n" * 120 + "." + "m" * 132
    query = slow_query()
    app = t.application(name, query, executors=1)
    app.context.applications.append(app)
    status = app.wait_state("Succeeded")
    answer, _ = app.output(status["driver"]["pod"])
    check(answer == t.reference.answer(query), f"the answer is {answer!r}")
    t.result(answer, status["progress"].get("recomputedTasks", 0))
    check(len(status["driver"]["pod"]) <= 63, f"the driver's pod is called {status['driver']['pod']}")
    t.note(f"driver pod {status['driver']['pod']}")
    app.delete()
    wait_for("its pods to go", lambda: not t.api.list("pod", t.namespace), 60)


def operator_memory(t):
    """(resident bytes, restarts) of the operator; its own number from /metrics."""
    pods = [p for p in t.api.list("pod", t.settings.namespace, labelSelector="app.kubernetes.io/component=operator") if "deletionTimestamp" not in p["metadata"]]
    text = t.api.call("GET", f"/api/v1/namespaces/{t.settings.namespace}/pods/{pods[0]['metadata']['name']}:8080/proxy/metrics")
    line = next((line for line in text.splitlines() if line.startswith("process_resident_memory_bytes")), None)
    check(line is not None, "the operator's metrics have no process_resident_memory_bytes")
    return int(float(line.split()[-1])), sum(s["restartCount"] for p in pods for s in p["status"]["containerStatuses"])


@test()
def bad_big_object(t):
    """An object of nearly 1 MB runs (or is refused with a sentence); the operator's memory stays bounded."""
    conf = {f"spark.filler.k{i}": "x" * 3500 for i in range(250)}
    code, err = t.apply_server_side({"apiVersion": "galley.dev/v1alpha1", "kind": "GalleyApplication", "metadata": {"name": "big"},
                                     "spec": {"sql": "SELECT 1 AS one", "executors": 1, "conf": {**CONF, **conf}, "driver": role("galley-driver"),
                                              "executor": role("galley-executor")}})
    if code != 0:
        t.note(f"refused: {err.strip()[:200]}")
    else:
        app = t.application("big", apply=False)
        status = wait_for("it to end", lambda: app.status() if app.state() in ("Succeeded", "Failed") else None, 60)
        check(status["state"] == "Succeeded" or status.get("cause"), f"it failed without a cause: {status}")
        t.note(f"{status['state']} {status.get('cause', '')[:120]}")
    memory, restarts = operator_memory(t)
    check(memory < 100 << 20 and restarts == 0, f"the operator has {memory >> 20} MiB and {restarts} restarts")
    others_go_on(t)
    t.note(f"operator {memory / 2**20:.1f} MiB")


@test()
def bad_700_config_maps(t):
    """700 ConfigMaps of 60 kB that are none of our business do not fill the operator's memory."""
    before, _ = operator_memory(t)
    data = {"filler": "x" * 60000}
    for i in range(700):
        t.api.create("configmap", t.namespace, {"metadata": {"name": f"big-{i}", "labels": {"e2e": "true"}}, "data": data})
    others_go_on(t)
    after, restarts = operator_memory(t)
    t.api.call("DELETE", t.api.path("configmap", t.namespace, None, {"labelSelector": "e2e=true"}))
    check(after - before < 8 << 20 and restarts == 0, f"the operator went from {before >> 20} to {after >> 20} MiB, {restarts} restarts")
    t.note(f"operator {before / 2**20:.1f} -> {after / 2**20:.1f} MiB with 42 MB of ConfigMaps")
