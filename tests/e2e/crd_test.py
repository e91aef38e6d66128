#!/usr/bin/env python3
"""crd_test.py - what the CustomResourceDefinitions take and refuse, on the cluster that KUBECONFIG names.

One line per case; what is refused must be refused with a message that names the field. Uses a namespace of its own and
leaves nothing there; applies k8s/crd first. Most cases are dry runs on the server. `crd_test.py WORD...` runs the cases
whose names contain a word.
"""
import copy
import json
import pathlib
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMESPACE = f"galley-crd-{uuid.uuid4().hex[:6]}"
ABSENT = object()
failures = []
cases = 0


def kubectl(*args, stdin=None):
    done = subprocess.run(["kubectl", *args], input=stdin, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).strip()


def report(name, good, text):
    global cases
    cases += 1
    print(f"{'ok  ' if good else 'FAIL'} {name}: {' '.join(text.split())[:230]}", flush=True)
    if not good:
        failures.append(name)


def set_path(thing, path, value):
    keys = path.split("/")
    for key in keys[:-1]:
        thing = thing.setdefault(key, {})
    if value is ABSENT:
        thing.pop(keys[-1], None)
    else:
        thing[keys[-1]] = value


def application(changes=None, name="case"):
    made = {"apiVersion": "galley.dev/v1alpha1", "kind": "GalleyApplication",
            "metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"sql": "SELECT 1"}}
    for path, value in (changes or {}).items():
        set_path(made["spec"], path, value)
    return made


def schedule(changes=None, name="case"):
    made = {"apiVersion": "galley.dev/v1alpha1", "kind": "GalleySchedule",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"schedule": "*/5 * * * *", "template": {"spec": {"sql": "SELECT 1"}}}}
    for path, value in (changes or {}).items():
        set_path(made["spec"], path, value)
    return made


def apply(thing, dry=True):
    return kubectl("apply", "--server-side", "--force-conflicts", *(["--dry-run=server"] if dry else []), "-f", "-",
                   stdin=json.dumps(thing))


def accepted(name, thing, dry=True):
    if wanted(name):
        code, text = apply(thing, dry)
        report(name, code == 0, text)


def refused(name, thing, *words):
    """Every word must be in the message: the field's name, and what is wrong with it."""
    if wanted(name):
        code, text = apply(thing)
        report(name, code != 0 and all(word in text for word in words), text)


def wanted(name):
    return len(sys.argv) < 2 or any(word in name for word in sys.argv[1:])


POD_TEMPLATE = {
    "metadata": {"labels": {"team": "shop"}, "annotations": {"note": "x" * 1000}},
    "spec": {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"operator": "Exists"}],
             "containers": [{"name": "galley-executor", "env": [{"name": "A", "value": "b"}]},
                            {"name": "logs", "image": "fluent-bit"}]}}


def valid_applications():
    accepted("only sql", application())
    accepted("an s3 file", application({"sql": ABSENT, "sqlFile": "s3://jobs/a b/ü.sql"}))
    accepted("a file of the image", application({"sql": ABSENT, "sqlFile": "/opt/job.sql"}))
    accepted("a ConfigMap", application({"sql": ABSENT, "configMap": {"name": "jobs", "key": "shopflow.sql"}}))
    accepted("everything", application({
        "image": {"driver": "d:1", "executor": "e:1", "pullPolicy": "Never"}, "output": "json",
        "driver": {"cores": 2, "memory": "1Gi", "localDisk": "2Gi", "template": POD_TEMPLATE},
        "executor": {"cores": 4, "memory": 2147483648, "localDisk": "0.5Ti", "template": POD_TEMPLATE},
        "executors": 8, "s3": {"endpoint": "http://172.30.0.1:9000", "region": "us-east-1",
                               "credentialsSecret": "s3-keys", "pathStyle": False},
        "conf": {"spark.sql.shuffle.partitions": "64", "galley.task.width": "2"},
        "restartPolicy": {"type": "OnInfrastructureFailure", "maxAttempts": 5, "backoff": "1m30s"},
        "suspend": True, "ttlAfterFinished": "1h", "serviceAccount": "driver"}))
    accepted("dynamic allocation by default", application({"dynamicAllocation": {}}))
    accepted("dynamic allocation in full", application({"dynamicAllocation": {
        "min": 1, "initial": 2, "max": 20, "backlogTimeout": "500ms", "sustainedBacklogTimeout": "2s",
        "idleTimeout": "1h"}}))
    accepted("initial is min", application({"dynamicAllocation": {"min": 3, "initial": 3, "max": 3}}))
    accepted("no executors", application({"executors": 0}))
    accepted("a fraction of a gibibyte", application({"executor/memory": "1.5Gi"}))
    accepted("bytes as a text", application({"executor/memory": "1073741824"}))
    accepted("500 KiB of SQL", application({"sql": "SELECT 1 -- " + "x" * 500 * 1024}))
    accepted("a name of 253 characters", application(name=".".join(["a" * 50] * 5)[:253]))
    accepted("256 settings", application({"conf": {f"spark.x{i}": "1" for i in range(256)}}))
    accepted("unicode in SQL", application({"sql": "SELECT 'größe', '数', '\U0001f600'"}))


def defaults():
    """The same numbers as in test_application.c, so that both readings of a small application agree."""
    if not wanted("defaults"):
        return
    expected = {"sql": "SELECT 1", "output": "table", "suspend": False,
                "driver": {"cores": 1, "memory": "512Mi", "localDisk": "1Gi"},
                "executor": {"cores": 1, "memory": "1Gi", "localDisk": "10Gi"},
                "restartPolicy": {"type": "Never", "maxAttempts": 3, "backoff": "30s"}}
    given = {"dynamicAllocation": {"min": 0, "max": 10, "backlogTimeout": "1s", "idleTimeout": "60s"},
             "s3": {"pathStyle": True}}
    for name, changes, more in (("a small application", {}, {}),
                                ("optional parts", {"dynamicAllocation": {}, "s3": {}}, given)):
        _, text = kubectl("apply", "--server-side", "--dry-run=server", "-o", "json", "-f", "-",
                          stdin=json.dumps(application(changes)))
        report(f"defaults of {name}", json.loads(text)["spec"] == {**expected, **more}, json.dumps(json.loads(text)["spec"]))


def invalid_applications():
    one_of = "exactly one of spec.sql, spec.sqlFile and spec.configMap"
    refused("nothing to run", application({"sql": ABSENT}), one_of)
    refused("two things to run", application({"sqlFile": "s3://a/b.sql"}), one_of)
    refused("three things to run", application({"sqlFile": "s3://a/b", "configMap": {"name": "a", "key": "b"}}), one_of)
    refused("empty sql", application({"sql": ""}), "spec.sql")
    refused("sql is a number", application({"sql": 7}), "spec.sql")
    refused("600 KiB of SQL", application({"sql": "x" * 600 * 1024}), "spec.sql")
    refused("sqlFile is relative", application({"sql": ABSENT, "sqlFile": "job.sql"}), "spec.sqlFile", "s3://")
    refused("sqlFile without a key", application({"sql": ABSENT, "sqlFile": "s3://jobs/"}), "spec.sqlFile")
    refused("a ConfigMap without a key", application({"sql": ABSENT, "configMap": {"name": "jobs"}}),
            "spec.configMap.key")
    refused("a ConfigMap's key with a slash", application({"sql": ABSENT, "configMap": {"name": "j", "key": "../x"}}),
            "spec.configMap.key")
    refused("a ConfigMap's name in capitals", application({"sql": ABSENT, "configMap": {"name": "J", "key": "x"}}),
            "spec.configMap.name")
    refused("output is xml", application({"output": "xml"}), "spec.output", "table")
    refused("12 apples of memory", application({"executor/memory": "12 apples"}), "spec.executor.memory", "512Mi")
    refused("Spark's 2g of memory", application({"executor/memory": "2g"}), "spec.executor.memory", "2Gi")
    refused("512m of memory", application({"executor/memory": "512m"}), "spec.executor.memory", "512Mi")
    refused("negative memory", application({"driver/memory": "-1Gi"}), "spec.driver.memory")
    refused("too little memory", application({"driver/memory": "1Mi"}), "spec.driver.memory", "32Mi")
    refused("memory is a fraction", application({"driver/memory": 1.5}), "spec.driver.memory")
    refused("memory is a list", application({"driver/memory": []}), "spec.driver.memory")
    refused("too little disk", application({"executor/localDisk": "1Mi"}), "spec.executor.localDisk", "16Mi")
    refused("no cores", application({"executor/cores": 0}), "spec.executor.cores")
    refused("a text of cores", application({"executor/cores": "2"}), "spec.executor.cores")
    refused("half a core", application({"executor/cores": 0.5}), "spec.executor.cores")
    refused("2000 cores", application({"driver/cores": 2000}), "spec.driver.cores")
    refused("the template is a text", application({"executor/template": "x"}), "spec.executor.template")
    refused("-1 executors", application({"executors": -1}), "spec.executors")
    refused("100,000 executors", application({"executors": 100000}), "spec.executors")
    refused("executors and dynamic allocation", application({"executors": 2, "dynamicAllocation": {"max": 3}}),
            "spec.executors", "spec.dynamicAllocation")
    refused("min above max", application({"dynamicAllocation": {"min": 5, "max": 4}}), "spec.dynamicAllocation.min")
    refused("min above the default of max", application({"dynamicAllocation": {"min": 11}}),
            "spec.dynamicAllocation.min")
    refused("initial above max", application({"dynamicAllocation": {"initial": 5, "max": 4}}),
            "spec.dynamicAllocation.initial")
    refused("initial below min", application({"dynamicAllocation": {"min": 2, "initial": 1}}),
            "spec.dynamicAllocation.initial")
    refused("max of 0", application({"dynamicAllocation": {"max": 0}}), "spec.dynamicAllocation.max")
    refused("a time-out without a unit", application({"dynamicAllocation": {"idleTimeout": "60"}}),
            "spec.dynamicAllocation.idleTimeout", "30s")
    refused("a time-out in days", application({"dynamicAllocation": {"backlogTimeout": "1d"}}),
            "spec.dynamicAllocation.backlogTimeout")
    refused("a time-out of nothing", application({"dynamicAllocation": {"idleTimeout": "0s"}}),
            "spec.dynamicAllocation.idleTimeout", "more than 0")
    refused("a ConfigMap's key of two dots", application({"sql": ABSENT, "configMap": {"name": "j", "key": ".."}}),
            "spec.configMap.key")
    refused("the endpoint has no scheme", application({"s3": {"endpoint": "minio:9000"}}), "spec.s3.endpoint", "http")
    refused("the Secret's name in capitals", application({"s3": {"credentialsSecret": "Keys"}}),
            "spec.s3.credentialsSecret")
    refused("pathStyle is a text", application({"s3": {"pathStyle": "yes"}}), "spec.s3.pathStyle")
    refused("a setting is a number", application({"conf": {"spark.sql.shuffle.partitions": 64}}), "spec.conf")
    refused("a setting of somebody else", application({"conf": {"hive.x": "1"}}), "spec.conf")
    refused("300 settings", application({"conf": {f"spark.x{i}": "1" for i in range(300)}}), "spec.conf")
    refused("an unknown restart policy", application({"restartPolicy": {"type": "Sometimes"}}),
            "spec.restartPolicy.type", "OnFailure")
    refused("no attempts", application({"restartPolicy": {"maxAttempts": 0}}), "spec.restartPolicy.maxAttempts")
    refused("back-off of soon", application({"restartPolicy": {"backoff": "soon"}}), "spec.restartPolicy.backoff")
    refused("ttl is a number", application({"ttlAfterFinished": 3600}), "spec.ttlAfterFinished")
    refused("a negative ttl", application({"ttlAfterFinished": "-1h"}), "spec.ttlAfterFinished")
    refused("suspend is a text", application({"suspend": "true"}), "spec.suspend")
    refused("a bad pull policy", application({"image": {"pullPolicy": "Sometimes"}}), "spec.image.pullPolicy")
    refused("an empty image", application({"image": {"driver": ""}}), "spec.image.driver")
    refused("a bad service account", application({"serviceAccount": "a b"}), "spec.serviceAccount")
    bare = application()
    del bare["spec"]
    refused("no spec", bare, "spec")
    refused("a misspelt field", application({"executor/memmory": "1Gi"}), "memmory")
    refused("a name in capitals", application(name="ShopFlow"), "metadata.name")
    refused("a name of 254 characters", application(name="a" * 254), "metadata.name")


def changes():
    """What may change while an application exists, and what may not."""
    full = application({"image": {"driver": "d:1"}, "s3": {"region": "a"}, "conf": {"spark.a": "1"}, "executors": 2,
                        "executor/template": POD_TEMPLATE, "serviceAccount": "driver"}, "changes")
    code, text = apply(full, dry=False)
    report("an application is made", code == 0, text)

    def change(path, value):
        thing = copy.deepcopy(full)
        set_path(thing["spec"], path, value)
        return thing

    for path, value in {"executors": 5, "suspend": True, "ttlAfterFinished": "5m"}.items():
        accepted(f"{path} may change", change(path, value))
    dynamic = change("executors", ABSENT)
    dynamic["spec"]["dynamicAllocation"] = {"max": 4}
    accepted("executors may become dynamic", dynamic)
    template = copy.deepcopy(POD_TEMPLATE)
    template["spec"]["nodeSelector"]["disk"] = "hdd"
    for path, value in {"sql": "SELECT 2", "image/driver": "d:2", "output": "csv", "driver/memory": "2Gi",
                        "executor/cores": 2, "executor/template": template, "s3/region": "b", "conf/spark.a": "2",
                        "restartPolicy/type": "Always", "serviceAccount": "other"}.items():
        field = "spec." + path.split("/")[0]
        refused(f"{path} may not change", change(path, value), field + " cannot be changed", "delete the application")
    for path in ("conf", "s3", "image", "serviceAccount"):
        refused(f"{path} may not go", change(path, ABSENT), f"spec.{path} cannot be changed")
    file = change("sql", ABSENT)
    file["spec"]["sqlFile"] = "s3://a/b.sql"
    refused("sql may not become sqlFile", file, "spec.sql cannot be changed", "spec.sqlFile cannot be changed")


def scaling():
    if not wanted("scale"):
        return
    for name, extra in {"scale-static": {"executors": 2}, "scale-unsaid": {}}.items():
        apply(application(extra, name), dry=False)
        code, text = kubectl("-n", NAMESPACE, "scale", f"gapp/{name}", "--replicas=7")
        _, executors = kubectl("-n", NAMESPACE, "get", "gapp", name, "-o", "jsonpath={.spec.executors}")
        report(f"kubectl {name}", code == 0 and executors == "7", f"{text} (executors: {executors})")
    apply(application({"dynamicAllocation": {"max": 3}}, "scale-dynamic"), dry=False)
    code, text = kubectl("-n", NAMESPACE, "scale", "gapp/scale-dynamic", "--replicas=7")
    report("kubectl scale with dynamic allocation is refused", code != 0 and "spec.dynamicAllocation" in text, text)
    code, text = kubectl("-n", NAMESPACE, "scale", "gapp/scale-static", "--replicas=-1")
    report("kubectl scale to -1 is refused", code != 0, text)
    code, text = kubectl("-n", NAMESPACE, "scale", "gapp/scale-static", "--replicas=20000")
    report("kubectl scale to 20000 is refused", code != 0 and "spec.executors" in text, text)


def big_objects():
    """Objects near etcd's limit are kept and can be changed: the rules' costs stay below the API server's budget."""
    if not wanted("1 MB"):
        return
    template = {"metadata": {"annotations": {"note": "x" * 200000}},
                "spec": {"containers": [{"name": "galley-executor",
                                         "env": [{"name": f"V{i}", "value": "y" * 1000} for i in range(600)]}]}}
    big = application({"sql": "SELECT 1 -- " + "z" * 200 * 1024, "executor/template": template}, "big")
    code, text = apply(big, dry=False)
    report(f"an application of 1 MB ({len(json.dumps(big))} bytes)", code == 0, text)
    big["spec"]["executors"] = 9
    code, text = apply(big, dry=False)
    report("an application of 1 MB may be scaled", code == 0, text)
    big["spec"]["executor"]["template"]["spec"]["containers"][0]["env"][599]["value"] = "other"
    code, text = apply(big)
    report("an application of 1 MB may not change", code != 0 and "spec.executor cannot be changed" in text, text)
    many = application({"executor/template": {"spec": {"containers": [
        {"name": f"c{i}", "env": [{"name": "a"}] * 3} for i in range(20000)]}}}, "many")
    code, text = apply(many, dry=False)
    report(f"a template of 20,000 containers ({len(json.dumps(many))} bytes)", code == 0, text)
    huge = application({"executor/template": {"metadata": {"annotations": {"note": "x" * 4000000}}}}, "huge")
    code, text = apply(huge)
    report("an application of 4 MB is refused", code != 0, text)


def status():
    if not wanted("status"):
        return
    apply(application(name="status"), dry=False)
    words = {"state": "Running", "attempts": 1, "failures": 1, "driver": {"pod": "status-driver", "attempt": 1}, "cause": "none",
             "conditions": [{"type": "Running", "status": "True", "reason": "DriverRunning", "message": "m",
                             "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1}],
             "history": [{"time": "2026-01-02T03:04:05Z", "state": "Running", "attempt": 1, "reason": "r"}],
             "startTime": "2026-01-02T03:04:05Z", "observedGeneration": 1,
             "executors": {"wanted": 6, "running": 4, "pending": 2, "lost": 0, "selector": "a=b"},
             "progress": {"job": 0, "jobs": 1, "stage": 1, "stages": 2, "tasksDone": 130, "tasksFailed": 1, "tasks": 208,
                          "recomputedTasks": 3, "spilledBytes": 1288490188, "shuffleBytes": 5},
             "display": {"stage": "1/2", "tasks": "130/208", "executors": "4/6", "spill": "1.2 GiB"},
             "warnings": [{"time": "2026-01-02T03:04:05Z", "reason": "Unschedulable", "message": "no node"}]}
    code, text = kubectl("-n", NAMESPACE, "patch", "gapp", "status", "--subresource=status", "--type=merge", "-p",
                         json.dumps({"status": words}))
    report("the status is written", code == 0, text)
    _, text = kubectl("-n", NAMESPACE, "get", "gapp", "status", "-o", "json")
    report("nothing of the status is dropped", json.loads(text)["status"] == words, "compared")
    _, text = kubectl("-n", NAMESPACE, "get", "gapp", "status")
    report("the status in columns", all(word in text for word in ("Running", "1/2", "130/208", "4/6", "1.2 GiB")), text)
    path = f"/apis/galley.dev/v1alpha1/namespaces/{NAMESPACE}/galleyapplications/status/scale"
    apply(application({"executors": 6}, "status"), dry=False)
    _, text = kubectl("get", "--raw", path)
    scale = json.loads(text)
    report("the status in the scale subresource",
           scale["status"].get("replicas") == 6 and scale["status"].get("selector") == "a=b", text)
    code, text = kubectl("explain", "gapp.spec.dynamicAllocation.idleTimeout")
    report("kubectl explain (status)", code == 0 and "idle" in text, text)


def schedules():
    for text in ("0 * * * *", "*/15 0-6,22 1,15 * MON-FRI", "@hourly", "@daily", "0 0 1 JAN *", "5 4 * * sun", "0 0 ? * 7"):
        accepted(f"schedule {text}", schedule({"schedule": text}))
    accepted("a schedule with everything", schedule({
        "timeZone": "America/Argentina/Buenos_Aires", "concurrencyPolicy": "Forbid", "suspend": True, "startingDeadline": "5m",
        "successfulRunsHistoryLimit": 0, "failedRunsHistoryLimit": 5,
        "template": {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "spec": application()["spec"]}}))
    for text, words in {"60 * * * *": ["first field", "minute"], "* 24 * * *": ["second field", "hour"],
                        "* * 32 * *": ["third field", "day of the month"], "* * * 13 *": ["fourth field", "month"],
                        "* * * * 8": ["fifth field", "day of the week"], "* * * *": ["five fields"],
                        "* * * * * *": ["five fields"], "@noon": ["five fields"], "*/0 * * * *": ["first field"],
                        "1,,2 * * * *": ["first field"], "every day at noon !": ["spec.schedule"],
                        "": ["spec.schedule"]}.items():
        refused(f"schedule '{text}'", schedule({"schedule": text}), "spec.schedule", *words)
    refused("a time zone with blanks", schedule({"timeZone": "Central Europe"}), "spec.timeZone")
    refused("a time zone outside of the data base", schedule({"timeZone": "../../etc/passwd"}), "spec.timeZone")
    refused("a bad concurrency policy", schedule({"concurrencyPolicy": "Maybe"}), "spec.concurrencyPolicy")
    refused("a schedule without a template", schedule({"template": ABSENT}), "spec.template")
    refused("a schedule with nothing to run", schedule({"template": {"spec": {}}}), "spec.template.spec", "exactly one")
    refused("a schedule with a bad memory", schedule({"template/spec/driver": {"memory": "much"}}),
            "spec.template.spec.driver.memory")
    refused("a schedule with a negative limit", schedule({"failedRunsHistoryLimit": -1}), "spec.failedRunsHistoryLimit")
    refused("a schedule with a bad deadline", schedule({"startingDeadline": "soon"}), "spec.startingDeadline")
    if wanted("a schedule may change"):
        apply(schedule(name="changes"), dry=False)
        accepted("a schedule may change", schedule({"template/spec/sql": "SELECT 2", "schedule": "@daily"}, "changes"))


def main():
    checked = subprocess.run([sys.executable, ROOT / "k8s/crd/update_schedule.py", "--check"], capture_output=True, text=True)
    report("both definitions have the same specification", checked.returncode == 0, checked.stderr)
    for name in ("galleyapplications", "galleyschedules"):
        code, text = kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / f"k8s/crd/{name[:-1]}.yaml"))
        report(f"{name} is defined", code == 0, text)
        code, text = kubectl("wait", "--for=condition=Established", f"crd/{name}.galley.dev", "--timeout=30s")
        report(f"{name} is established", code == 0, text)
    kubectl("create", "namespace", NAMESPACE)
    try:
        valid_applications()
        defaults()
        invalid_applications()
        changes()
        scaling()
        big_objects()
        status()
        schedules()
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    print(f"{cases} cases, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
