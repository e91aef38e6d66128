"""Rows of the fault table on the cluster, each a test by its number: the answer is that of an undisturbed run, or there is one clear error."""
import datetime
import subprocess
import threading
import time

from support import CONF, MAPS, SHARED, NotRun, check, kubectl, node_of, role, run, signal_executor, slow_query, test, wait_for
from test_bad_input import warned


def start(t, name, query, executors=3, grace=None, **spec):
    app = t.application(name, query, executors=executors, executor=role("galley-executor", template=SHARED, grace=grace), **spec)
    app.wait_running(executors)
    return app


def victim(app):
    return app.executor_pods()[0]["metadata"]["name"]


def only_lost(t, app):
    again = int(t.recomputed)
    # A pod that is deleted by force may count as one that left, as its executor was told to end; what it had is computed again all the same.
    check(app.status()["executors"].get("lost", 0) >= 1 or again >= 1, "no executor was lost: the fault was not brought about")
    check(again < MAPS, f"{again} tasks were computed again: not only what was lost")


@test()
def fault_03_kill_in_map_stage(t):
    query = slow_query(map_ms=500)
    app = start(t, "kill-map", query)
    app.wait_tasks(6)
    signal_executor(t, victim(app))
    app.succeed(query)
    only_lost(t, app)


@test()
def fault_03_kill_after_map_stage(t):
    """Killed as soon as the reduce stage has begun: its map outputs are computed again, the others' are not."""
    query = slow_query(map_ms=150, reduce_ms=600)
    app = start(t, "kill-between", query)
    app.wait_tasks(MAPS)
    signal_executor(t, victim(app))
    app.succeed(query)
    only_lost(t, app)


@test()
def fault_03_kill_in_reduce_stage(t):
    query = slow_query(map_ms=100, reduce_ms=900)
    app = start(t, "kill-reduce", query)
    app.wait_tasks(MAPS + 2)
    signal_executor(t, victim(app))
    app.succeed(query)
    only_lost(t, app)


@test()
def fault_04_delete_executor_pod(t):
    """kubectl delete pod within its grace period: blocks move to the others, nothing is computed again."""
    query = slow_query(map_ms=700)
    app = start(t, "delete-pod", query, grace=30)
    app.wait_tasks(9)
    pod = victim(app)
    begin = time.monotonic()
    t.kubectl("delete", "pod", pod, "--wait=true", "--timeout=60s")
    t.note(f"the pod was gone after {time.monotonic() - begin:.1f} s")
    app.succeed(query, recomputed=0)


@test()
def fault_05_delete_executor_pod_by_force(t):
    query = slow_query(map_ms=600)
    app = start(t, "force-pod", query)
    app.wait_tasks(9)
    t.kubectl("delete", "pod", victim(app), "--force", "--grace-period=0")
    app.succeed(query)
    only_lost(t, app)


@test(alone=True)
def fault_06_drain(t):
    """kubectl drain of a node with an executor: as a deleted pod, nothing is computed again; the others take over."""
    query = slow_query(map_ms=800)
    # An executor on every node, and after the drain on every node that is left; asked for softly, the scheduler may prefer one node for all.
    spread = {"spec": {"topologySpreadConstraints": [{
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule", "nodeTaintsPolicy": "Honor",
        "labelSelector": {"matchLabels": {"galley.dev/role": "executor", "galley.dev/application": "drained"}}}]}}
    app = t.application("drained", query, executors=3, executor=role("galley-executor", template=spread, grace=30))
    app.wait_running(3)
    driver = node_of(app.pods("driver")[0])
    nodes = {node_of(p) for p in app.executor_pods()} - {driver}
    if not nodes:
        raise NotRun("all executors are on the driver's node: this needs a cluster of at least 2 nodes")
    node = sorted(nodes)[0]
    app.wait_tasks(8)
    try:
        kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", f"--pod-selector=galley.dev/application={app.name}", "--timeout=60s")
        check(not [p for p in app.executor_pods() if node_of(p) == node], f"there are executors on {node} after it was drained")
        app.succeed(query, recomputed=0)
    finally:
        kubectl("uncordon", node)
    t.note(f"drained {node}")


@test()
def fault_07_out_of_memory(t):
    """A task that takes more than the pod has: OOMKilled with the number in the cause, tried again a few times, not for ever."""
    sql = "SELECT sum(CASE WHEN id = 3 THEN galley_test_hold(600000000) ELSE id END) AS s FROM range(0, 8, 1, 8)"
    app = t.application("hungry", sql, executors=2)
    begin, budgets = time.monotonic(), set()

    def has_failed():
        for pod in app.executor_pods(running=False):
            args = pod["spec"]["containers"][0]["args"]
            budgets.add(int(args[args.index("--memory") + 1]))
        return app.status().get("state") == "Failed"
    wait_for("the application's end", has_failed, 120)
    status = app.status()
    check("OOMKilled" in status["cause"] or "out of memory" in status["cause"].lower(), f"the cause does not say what happened: {status['cause']!r}")
    check("256" in status["cause"] or "268435456" in status["cause"], f"the cause does not name the limit: {status['cause']!r}")
    check(len(budgets) > 1, f"executors that replaced killed ones were given the same budget: {budgets}")
    t.note(f"after {time.monotonic() - begin:.0f} s, {status['executors'].get('lost', 0)} executors lost, budgets {sorted(budgets)}: {status['cause']}")


@test()
def fault_08_kill_all_executors(t):
    query = slow_query(map_ms=500)
    app = start(t, "kill-all", query, executors=2)
    app.wait_tasks(8)
    for pod in app.executor_pods():
        signal_executor(t, pod["metadata"]["name"])
    app.succeed(query)


@test()
def fault_09_crash_loop(t):
    """Executors that die as they start: the application fails after a few and says why."""
    app = t.application("crashing", slow_query(), executors=2, image={"executor": f"galley-driver:{t.settings.tag}"})
    begin = time.monotonic()
    status = app.wait_state("Failed", seconds=90)
    check("galley-executor" in status["cause"], f"the cause is {status['cause']!r}")
    t.note(f"after {time.monotonic() - begin:.0f} s: {status['cause']}")


@test()
def fault_10_executor_quota(t):
    """A quota with room for one executor of three: the job runs with one, and says so."""
    t.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "narrow", "labels": {"e2e": "true"}}, "spec": {"hard": {"pods": "2"}}})
    wait_for("the quota to be counted", lambda: t.api.get("quota", t.namespace, "narrow").get("status", {}).get("hard"), 10)
    query = slow_query(map_ms=200)
    app = t.application("narrowed", query, executors=3)
    warned(t, app, "quota", "narrow")
    app.succeed(query)


@test()
def fault_10_executor_unschedulable(t):
    """Executors that fit on no node: the scheduler's words are shown. Room made by scaling down does not change the answer."""
    template = {"spec": {"nodeSelector": {"galley.dev/no-such-node": "true"}}}
    app = t.application("homeless", slow_query(), executors=1, executor=role("galley-executor", template=template))
    warned(t, app, "node")
    check(app.state() == "Running", f"it is {app.state()}")
    app.delete()
    app.wait_gone()


@test()
def fault_10_executor_image(t):
    app = t.application("unpulled", slow_query(), executors=1, conf={**CONF, "galley.kubernetes.imageTimeout": "6s"},
                        image={"executor": "galley-executor:no-such-tag", "pullPolicy": "Never"})
    warned(t, app, "galley-executor:no-such-tag")
    status = app.wait_state("Failed", seconds=120)
    check("no-such-tag" in status["cause"], f"the cause is {status['cause']!r}")
    t.note(f"cause: {status['cause']}")


@test()
def fault_12_disk_budget(t):
    """A shuffle that is larger than the executors' disk: an error that says so, and no pod is evicted."""
    sql = ("SELECT count(*) AS n, sum(length(s)) AS bytes FROM (SELECT k, max(s) AS s FROM (SELECT id AS k, concat(CAST(xxhash64(id) AS STRING), "
           "CAST(xxhash64(id, 1) AS STRING), CAST(xxhash64(id, 2) AS STRING)) AS s FROM range(0, 3000000, 1, 8)) GROUP BY k)")
    app = t.application("diskless", sql, executors=2, executor=role("galley-executor", disk="24Mi"))
    evicted = []

    def ended():
        for pod in app.pods("executor"):
            if pod["status"].get("reason") == "Evicted" and pod["metadata"]["name"] not in evicted:
                evicted.append(pod["metadata"]["name"])
        return app.status() if app.state() in ("Succeeded", "Failed") else None
    status = wait_for("it to end", ended, 120)
    check(not evicted, f"pods were evicted: {evicted}")
    if status["state"] == "Failed":
        check("local disk is full" in status["cause"], f"the cause is {status['cause']!r}")
    shuffled = status["progress"].get("shuffleBytes", 0)
    check(status["state"] == "Failed" or shuffled < 2 * 24 << 20, f"it succeeded with {shuffled >> 20} MiB of shuffle files on 2 x 24 MiB of disk")
    t.note(f"{status['state']}: {status.get('cause', '')}; {shuffled >> 20} MiB of shuffle files on 2 x 24 MiB of disk")


@test(alone=True)
def fault_20_operator_killed(t):
    """The operator's pod is killed again and again while applications are made and end: one driver each, every answer right."""
    query = slow_query(map_ms=150)
    stop = threading.Event()
    killed = []

    def kill():
        while not stop.is_set():
            for pod in t.api.list("pod", t.settings.namespace, labelSelector="app.kubernetes.io/component=operator"):
                t.api.delete("pod", t.settings.namespace, pod["metadata"]["name"], gracePeriodSeconds=0)
                killed.append(pod["metadata"]["name"])
            stop.wait(2.5)
    thread = threading.Thread(target=kill)
    thread.start()
    try:
        apps = []
        for i in range(4):
            apps.append(t.application(f"orphan-{i}", query, executors=1))
            time.sleep(0.7)
        time.sleep(6)
    finally:
        stop.set()
        thread.join()
    for app in apps:
        app.succeed(query, seconds=150)
        check(len(app.pods("driver")) == 1 and app.status()["attempts"] == 1, f"{app.name} had {len(app.pods('driver'))} drivers, {app.status()['attempts']} attempts")
    t.note(f"{len(set(killed))} operators killed")


@test(alone=True)
def fault_20_two_operators(t):
    """Two operators, the leader killed: the other takes over, no application has two drivers."""
    deployment = f"{t.settings.release}-operator"
    kubectl("-n", t.settings.namespace, "scale", f"deployment/{deployment}", "--replicas=2")
    kubectl("-n", t.settings.namespace, "rollout", "status", f"deployment/{deployment}", "--timeout=60s")
    try:
        lease = t.api.get("lease", t.settings.namespace, deployment)
        holder = lease["spec"]["holderIdentity"]
        pods = [p["metadata"]["name"] for p in t.api.list("pod", t.settings.namespace, labelSelector="app.kubernetes.io/component=operator")]
        leader = next((p for p in pods if p in holder), None)
        check(leader is not None, f"the lease is held by {holder}, which is none of {pods}")
        query = slow_query()
        first = t.application("before", query, executors=1)
        t.api.delete("pod", t.settings.namespace, leader, gracePeriodSeconds=0)
        begin = time.monotonic()
        second = t.application("behind", query, executors=1)
        for app in (first, second):
            app.succeed(query, seconds=120)
            check(len(app.pods("driver")) == 1 and app.status()["attempts"] == 1, f"{app.name} had more than one driver")
        now = t.api.get("lease", t.settings.namespace, deployment)["spec"]["holderIdentity"]
        check(now != holder, f"the lease is still held by {holder}")
        t.note(f"{time.monotonic() - begin:.0f} s until both had ended")
    finally:
        kubectl("-n", t.settings.namespace, "scale", f"deployment/{deployment}", "--replicas=1")


@test(alone=True)
def fault_21_no_api_server(t):
    """The API server is away for 60 s: the running query does not notice; what was applied before and after ends well, no pod is left."""
    if not t.settings.stop_api or not t.settings.start_api:
        raise NotRun("E2E_STOP_API and E2E_START_API do not say how to stop the API server and let it go on")
    query = slow_query(map_ms=1500, reduce_ms=400, maps=48)  # 24 s in the map stage, some in the next
    app = start(t, "unaware", query, executors=3)
    app.wait_tasks(3)
    subprocess.run(t.settings.stop_api, shell=True, check=True)
    try:
        time.sleep(60)
    finally:
        subprocess.run(t.settings.start_api, shell=True, check=True)
    back = time.time()
    app.wait_state("Succeeded", seconds=120)
    reported = time.time() - back
    status = app.succeed(query, recomputed=0)
    done, tasks = status["progress"]["tasksDone"], status["progress"]["tasks"]
    check(done == tasks and status["display"]["tasks"] == f"{tasks}/{tasks}",
          f"the driver could not say so any more, but all tasks were done: the status has {status['display']}")
    check(reported < 20, f"its end was known {reported:.0f} s after the API server was back")
    _, records = app.output()
    ends = [datetime.datetime.fromisoformat(r["time"].replace("Z", "+00:00")).timestamp() for r in records]
    query_end = max((e for e, r in zip(ends, records) if "job" in r["message"] or "stage" in r["message"]), default=None)
    check(query_end is None or query_end < back, f"the query ended {query_end - back if query_end else 0:.1f} s after the API server was back: it waited for it")
    after = t.application("afterwards", slow_query(), executors=1)
    after.succeed(slow_query())
    wait_for("the executors' pods to go", lambda: not app.pods("executor"), 60)
    t.note(f"the query ended {back - query_end:.0f} s before the API server was back" if query_end else "no record of the query's end")
    t.note(f"{reported:.0f} s after that its end was known, after {time.time() - back:.0f} s another one had run and no executor was left")


@test()
def fault_24_scaled_while_running(t):
    """kubectl scale on the running query, up and down; who goes gives its blocks away first: nothing is computed again."""
    query = slow_query(map_ms=900, maps=40)
    app = t.application("scaled", query, executors=2)
    app.wait_running(2)
    t.kubectl("scale", "gapp/scaled", "--replicas=4")
    app.wait_running(4)
    up = app.progress().get("tasksDone", 0)
    wait_for("every executor to have done something", lambda: app.progress().get("tasksDone", 0) >= up + 8 or app.fail_if_final(), 60)
    t.kubectl("scale", "gapp/scaled", "--replicas=1")
    down = app.progress().get("tasksDone", 0)
    wait_for("one executor to be left", lambda: len(app.executor_pods()) == 1 and app.status()["executors"]["running"] == 1
             or app.fail_if_final(), 60)
    scale = t.kubectl("get", "gapp", "scaled", "-o", "jsonpath={.status.executors.selector}")
    check("galley.dev/" in scale, f"the scale subresource's selector is {scale!r}")
    app.succeed(query, recomputed=0, seconds=150)
    t.note(f"2 -> 4 executors at {up} tasks, 4 -> 1 at {down} of 40")


@test()
def fault_24_suspended_while_running(t):
    query = slow_query(map_ms=500)
    app = t.application("paused", query, executors=2)
    app.wait_running(1)
    t.kubectl("patch", "gapp", "paused", "--type=merge", "-p", '{"spec":{"suspend":true}}')
    app.wait_state("Suspended")
    wait_for("its pods to go", lambda: not app.pods(), 60)
    t.kubectl("patch", "gapp", "paused", "--type=merge", "-p", '{"spec":{"suspend":false}}')
    app.succeed(query)
    t.note("history " + " ".join(h["state"] for h in app.status()["history"]))


@test()
def fault_24_deleted_while_running(t):
    """kubectl delete of a running application: nothing is left."""
    app = t.application("doomed", slow_query(map_ms=2000), executors=2)
    app.wait_running(2)
    start = time.monotonic()
    app.delete()
    app.wait_gone(60)
    t.note(f"gone after {time.monotonic() - start:.1f} s")


@test()
def fault_24_edited_while_running(t):
    """What may change while it runs is scale, suspend, ttl; anything else is refused with the field's name."""
    query = slow_query(map_ms=300)
    app = t.application("edited", query, executors=1)
    app.wait_running(1)
    for field, patch in (("sql", '{"sql":"SELECT 2"}'), ("executor", '{"executor":{"memory":"512Mi"}}'), ("conf", '{"conf":{"spark.app.name":"x"}}'),
                         ("executors", '{"executors":-1}'), ("restartPolicy", '{"restartPolicy":{"type":"Sometimes"}}')):
        code, _, err = run("kubectl", "-n", t.namespace, "patch", "gapp", "edited", "--type=merge", "-p", f'{{"spec":{patch}}}', check_code=False)
        check(code != 0 and f"spec.{field}" in err, f"a change of spec.{field}: exit {code}: {err.strip()}")
    t.kubectl("patch", "gapp", "edited", "--type=merge", "-p", '{"spec":{"ttlAfterFinished":"1h"}}')
    app.succeed(query, recomputed=0)
