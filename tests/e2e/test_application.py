"""What a person does with an application: apply, watch, read logs, scale, describe, suspend, delete, schedule."""
import re
import subprocess
import time

from s3 import Bucket
from support import FINAL, ROOT, Failure, NotRun, check, role, slow_query, test, wait_for


def example(t, name, *replacements):
    """An example of the repository, with what is different here."""
    text = (ROOT / "examples" / name).read_text()
    for old, new in replacements:
        check(old in text, f"examples/{name} has no {old}")
        text = text.replace(old, new)
    return text


@test()
def application_hello(t):
    """The smallest example as it stands: applied, finished, its columns, its output and log, its Events."""
    t.apply(example(t, "hello-application.yaml"))
    app = t.application("hello", apply=False)
    app.succeed()
    answer, records = app.output()
    for row in ("34", "33"):
        check(row in answer, f"the answer on standard output is {answer!r}")
    check(len(records) >= 3, f"the driver logs {len(records)} JSON lines: {records}")
    for record in records:
        check({"time", "level", "message"} <= set(record), f"a log record lacks time, level or message: {record}")
    header, row = t.kubectl("get", "gapp", "hello").splitlines()
    check(header.split() == ["NAME", "STATE", "STAGE", "TASKS", "EXECUTORS", "SPILL", "AGE", "CAUSE"], f"kubectl get shows {header}")
    check(row.split()[1] == "Succeeded", f"kubectl get shows {row}")
    description = t.kubectl("describe", "gapp", "hello")
    check("Events:" in description and "Succeeded" in description.split("Events:")[1], f"kubectl describe shows no Event of the end: {description[-500:]}")
    status = app.status()
    check(status.get("startTime") and status.get("completionTime"), f"start and end are not in the status: {status}")
    check([h["state"] for h in status["history"]][-1] == "Succeeded", f"the history is {status['history']}")
    left = [p["metadata"]["name"] for p in app.pods("executor")]
    wait_for("the executors' pods to go", lambda: not app.pods("executor"), 30)
    t.note(f"history {' '.join(h['state'] for h in status['history'])}; {len(left)} executor pods when it ended")


@test()
def application_watch(t):
    """kubectl get -w: state, stage, tasks and executors change as it runs."""
    query = slow_query(map_ms=400, reduce_ms=150)
    watch = subprocess.Popen(["kubectl", "-n", t.namespace, "get", "gapp", "-w", "--no-headers", "--field-selector=metadata.name=watched"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        app = t.application("watched", query, executors=2)
        app.succeed(query)
        time.sleep(1)
    finally:
        watch.terminate()
    rows = [re.split(r"\s{2,}", line.strip()) for line in watch.communicate()[0].splitlines()]
    states = list(dict.fromkeys(row[1] for row in rows if len(row) > 2))
    stages = list(dict.fromkeys(row[2] for row in rows if len(row) > 2 and "/" in row[2]))
    tasks = list(dict.fromkeys(row[3] for row in rows if len(row) > 3 and "/" in row[3]))
    check("Running" in states and states[-1] == "Succeeded", f"kubectl get -w showed the states {states}")
    check(len(stages) >= 2, f"kubectl get -w showed the stages {stages}")
    check(len(tasks) >= 3, f"kubectl get -w showed the tasks {tasks}")
    t.note(f"states {' '.join(states)}; stages {' '.join(stages)}; {len(tasks)} task counts, the last {tasks[-1]}")


@test()
def application_dynamic_allocation(t):
    """A long queue doubles executors 1, 2, 4, 8 up to max; idle ones go until min is left."""
    sql = slow_query(map_ms=1000, maps=96) + ";\nSELECT sum(galley_test_sleep(500)) AS slept FROM range(0, 40, 1, 1)"
    app = t.application("dynamic", sql, dynamicAllocation={"min": 1, "initial": 1, "max": 8, "backlogTimeout": "1s",
                                                           "sustainedBacklogTimeout": "1s", "idleTimeout": "4s"})
    app.wait_state("Running")
    line, start = [], time.monotonic()
    while True:
        status = app.status()
        executors = status.get("executors", {})
        now = (executors.get("wanted", 0), executors.get("running", 0))
        if not line or line[-1][1:] != now:
            line.append((time.monotonic() - start, *now))
        if status["state"] in FINAL or time.monotonic() - start > 120:
            break
        time.sleep(0.1)
    t.note("time line (wanted/running): " + ", ".join(f"{at:.1f} s {wanted}/{running}" for at, wanted, running in line))
    app.succeed(recomputed=0)
    # The status is written once a second and may miss a step; the driver's log has them all.
    changes = [r for r in app.output()[1] if r["message"] == "executors wanted"]
    wanted = [changes[0]["before"]] + [r["wanted"] for r in changes] if changes else []
    t.note("log: " + ", ".join(f"{r['time'][17:23]} {r['before']} -> {r['wanted']} ({r['reason']})" for r in changes))
    rising = wanted[:wanted.index(8) + 1] if 8 in wanted else wanted
    check(rising[-4:] == [1, 2, 4, 8], f"wanted executors went {wanted}, not 1, 2, 4, 8")
    check(max(r for _, _, r in line) == 8, "never were 8 executors running")
    check(1 in [r for _, _, r in line[[r for _, _, r in line].index(8):]], "idle executors did not go until one was left")


@test()
def application_dynamic_scale_refused(t):
    """kubectl scale of an application with dynamic allocation is refused with a sentence that says what to change instead."""
    from support import run
    t.application("elastic", slow_query(map_ms=300), dynamicAllocation={"min": 1, "max": 2})
    code, _, err = run("kubectl", "-n", t.namespace, "scale", "gapp/elastic", "--replicas=4", check_code=False)
    check(code != 0 and "dynamicAllocation" in err, f"kubectl scale: exit {code}: {err}")


@test()
def application_starts_suspended(t):
    app = t.application("later", slow_query(), executors=1, suspend=True)
    app.wait_state("Suspended", seconds=15)
    check(not app.pods(), "a suspended application has pods")


@test()
def application_ttl(t):
    app = t.application("brief", slow_query(), executors=1, ttlAfterFinished="3s")
    app.wait_state("Succeeded")
    wait_for("it to be deleted", lambda: t.api.get("gapp", t.namespace, "brief") is None, 15)
    app.wait_gone(30)


@test()
def application_from_config_map(t):
    """spec.configMap: several statements in one session."""
    sql = "CREATE TEMPORARY VIEW v AS SELECT id AS k FROM range(10);\nSELECT sum(k) AS s FROM v;\nSELECT max(k) AS m FROM v\n"
    t.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "jobs", "labels": {"e2e": "true"}}, "data": {"job.sql": sql}})
    app = t.application("mapped", configMap={"name": "jobs", "key": "job.sql"}, executors=1)
    app.succeed()
    answer, _ = app.output()
    check(answer.split() == ["s", "45", "m", "9"], f"the answer is {answer!r}")


@test()
def application_output_json(t):
    app = t.application("lines", "SELECT id, id * 2 AS twice FROM range(0, 3, 1, 1) ORDER BY id", executors=1, output="json")
    app.succeed()
    answer, _ = app.output()
    check([line.replace(" ", "") for line in answer.splitlines()] == [f'{{"id":{i},"twice":{2 * i}}}' for i in range(3)], f"the answer is {answer!r}")


@test()
def application_restarts(t):
    """restartPolicy: a job that fails by its own fault is tried maxAttempts times with OnFailure, once with OnInfrastructureFailure."""
    policy = {"maxAttempts": 2, "backoff": "1s"}
    broken = "SELECT raise_error('no luck') FROM range(0, 2, 1, 2)"
    often = t.application("often", broken, executors=1, restartPolicy={"type": "OnFailure", **policy})
    once = t.application("once", broken, executors=1, restartPolicy={"type": "OnInfrastructureFailure", **policy})
    for app, attempts in ((often, 2), (once, 1)):
        status = app.wait_state("Failed")
        check("no luck" in status.get("cause", ""), f"the cause of {app.name} is {status.get('cause')!r}")
        check(status.get("attempts") == attempts, f"{app.name} was tried {status.get('attempts')} times, not {attempts}")
    t.note(f"cause: {often.cause()}")


@test()
def application_schedule(t):
    """A schedule that fires every minute makes an application, which runs; deleting the schedule deletes it."""
    t.apply({"apiVersion": "galley.dev/v1alpha1", "kind": "GalleySchedule", "metadata": {"name": "minutely"},
             "spec": {"schedule": "* * * * *", "timeZone": "Europe/Berlin", "concurrencyPolicy": "Forbid",
                      "template": {"metadata": {"labels": {"team": "shop"}},
                                   "spec": {"sql": "SELECT count(*) AS n FROM range(100)", "executors": 1, "driver": role("galley-driver"),
                                            "executor": role("galley-executor")}}}})

    def made():
        return [a for a in t.api.list("gapp", t.namespace) if a["metadata"].get("labels", {}).get("galley.dev/schedule") == "minutely"]
    first = wait_for("the schedule to make an application", made, 75)[0]
    name = first["metadata"]["name"]
    check(first["metadata"]["labels"].get("team") == "shop", "the template's labels are not on the application")
    app = t.application(name, apply=False)
    app.succeed(seconds=60)
    status = t.api.get("gsched", t.namespace, "minutely").get("status", {})
    check(status.get("lastScheduleTime") and status.get("nextScheduleTime"), f"the schedule's status is {status}")
    t.kubectl("delete", "gsched", "minutely", "--timeout=30s")
    wait_for("the schedule's applications to go", lambda: t.api.get("gapp", t.namespace, name) is None, 30)
    app.wait_gone(60)
    t.note(f"made {name}")


def need_s3(t):
    if not t.settings.has_s3():
        raise NotRun("no S3 server: set E2E_S3_ENDPOINT, E2E_S3_BUCKET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")


@test()
def application_deleted_while_writing_s3(t):
    """An application that is deleted, or whose driver is killed, while it writes: nothing is visible, no upload stays open; the next one writes there."""
    need_s3(t)
    bucket = Bucket(t.settings.s3, t.settings.s3["own_endpoint"])
    s3 = {"endpoint": t.settings.s3["endpoint"], "region": t.settings.s3["region"], "credentialsSecret": "s3-credentials"}
    sql = ("INSERT OVERWRITE DIRECTORY 's3://{}/{}' USING parquet SELECT id, repeat(CAST(xxhash64(id) AS STRING), 8) AS t FROM range(0, {}, 1, 4) "
           "WHERE CASE WHEN pmod(id, 200000) = 0 THEN galley_test_sleep({}) ELSE 0 END >= 0")
    for name, grace in (("written", "30"), ("beheaded", "0")):
        prefix = f"{t.namespace}-{name}-{int(time.time())}/"
        app = t.application(name, sql.format(t.settings.s3["bucket"], prefix, 8000000, 400), executors=2, s3=s3, restartPolicy={"type": "Never"})
        wait_for("something to be written", lambda: bucket.keys(prefix) or bucket.uploads(prefix) or app.fail_if_final(), 60)
        app.wait_tasks(1)  # what it wrote waits for the commit; some servers list only uploads of a key that one knows
        seen = (bucket.keys(prefix) + bucket.uploads(prefix) + ["nothing"])[0].removeprefix(prefix)
        if grace == "0":
            t.kubectl("delete", "pod", app.driver_pod(), "--force", "--grace-period=0")
            app.wait_state("Failed", seconds=60)
        app.delete()
        app.wait_gone()
        left = [k for k in bucket.keys(prefix) if "_temporary" not in k and not k.split("/")[-1].startswith((".", "_"))]
        check(not left, f"after {name} was deleted {left[:3]} are visible")
        try:
            wait_for("uploads to be aborted", lambda: not bucket.uploads(prefix), 15)
        except Failure:
            raise Failure(f"{name}: uploads are still open: {bucket.uploads(prefix)[:3]}") from None
        again = t.application(f"{name}-again", sql.format(t.settings.s3["bucket"], prefix, 1000, 0), executors=1, s3=s3)
        again.wait_state("Succeeded")
        keys = bucket.keys(prefix)
        check(prefix + "_SUCCESS" in keys and not [k for k in keys if "_temporary" in k], f"after writing again there are {keys[:6]}")
        t.note(f"{name} when {seen} was there")


@test()
def application_shopflow_on_s3(t):
    """The ShopFlow examples from S3 to S3: data made by one application, summed by another."""
    need_s3(t)
    rows, place = 2000000, f"s3://{t.settings.s3['bucket']}/{t.namespace}-{int(time.time())}/"
    changes = (("s3://shopflow/", place), ("http://172.30.0.1:9000", t.settings.s3["endpoint"]))
    t.apply(example(t, "shopflow-data-application.yaml", *changes, ("10000000", str(rows)), ("2500000", str(rows // 4))))
    t.application("shopflow-data", apply=False).wait_state("Succeeded", seconds=120)
    t.apply(example(t, "shopflow-application.yaml", *changes))
    app = t.application("shopflow", apply=False)
    app.succeed(seconds=120)
    answer, _ = app.output()
    expected = t.reference.answer(
        "SELECT count(*) AS orders, sum(quantity) AS items FROM (SELECT order_id, sum(quantity) AS quantity FROM (SELECT "
        f"pmod(xxhash64(id), {rows // 4}) AS order_id, CAST(pmod(xxhash64(id, 2), 12) - 1 AS INT) AS quantity FROM range(0, {rows}, 1, 8)) "
        "WHERE quantity > 0 GROUP BY order_id)").splitlines()[1].split(",")
    for number in expected:
        check(number in answer, f"the answer {answer!r} lacks {number}")
    t.note(f"{expected[0]} orders, {expected[1]} items")
