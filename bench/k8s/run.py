#!/usr/bin/env python3
"""run.py BUILD [--rounds N] [--only PART]... - measures on the cluster that KUBECONFIG names, where `make bench-k8s` has installed the chart.

Parts: start (kubectl apply to first task, executor start to registered), operator (operator_bench.py), executors (the
1,000 simulated executors of simulated_executors.c). Prints one table with the bars, appends
one line to bench/results/results.jsonl. What each part measures, and how: bench/README.md.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import support  # noqa: E402


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class PodWatch:
    """When this process saw, in wall-clock time, each pod of a namespace made, scheduled, and so on."""

    def __init__(self, api, namespace):
        self.seen, self.lock = {}, threading.Lock()
        pods = api.call("GET", api.path("pod", namespace))
        url = api.base + api.path("pod", namespace, None, {"watch": "true", "resourceVersion": pods["metadata"]["resourceVersion"]})
        self.answer = urllib.request.urlopen(url, timeout=600)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.answer:
                now, event = time.time(), json.loads(line)
                pod = event["object"]
                with self.lock:
                    times = self.seen.setdefault(pod["metadata"]["name"], {})
                    times.setdefault("made", now)
                    if pod["spec"].get("nodeName"):
                        times.setdefault("scheduled", now)
                    if pod.get("status", {}).get("podIP"):
                        times.setdefault("address", now)
        except (OSError, ValueError, AttributeError):
            pass

    def of(self, name):
        with self.lock:
            return dict(self.seen.get(name, {}))


def record(records, message):
    found = next((r for r in records if r["message"] == message), None)
    if found is None:
        raise SystemExit(f"bench: no log record '{message}' in {[r['message'] for r in records]}")
    return found


def start_round(context, watch, number):
    """Milliseconds of one application from apply to its first task, by who spends them."""
    name = f"bench-start-{number}"
    body = {"apiVersion": "galley.dev/v1alpha1", "kind": "GalleyApplication", "metadata": {"name": name},
            "spec": {"sql": "SELECT sum(galley_test_sleep(2000)) AS slept FROM range(0, 1, 1, 1)", "executors": 1, "conf": support.CONF, "output": "csv",
                     "driver": support.role("galley-driver"), "executor": support.role("galley-executor")}}
    applied = time.time()
    context.api.create("gapp", context.namespace, body)
    app = support.Application(context, name)
    app.wait_state("Running", seconds=60)
    executor = support.wait_for("an executor pod", lambda: app.executor_pods(), 60)[0]["metadata"]["name"]
    app.wait_tasks(0, stage=0)
    support.wait_for("registration", lambda: app.status().get("executors", {}).get("running"), 60)
    executor_records = [json.loads(line) for line in context.kubectl("logs", executor).splitlines() if line.startswith("{")]
    app.wait_state("Succeeded", seconds=60)
    _, driver_records = app.output()
    driver = app.driver_pod()
    added = record(driver_records, "executor added")
    # The first line of main: a few ms of the dynamic linker's are counted with the container's start.
    driver_born, executor_born = (seconds(record(r, "starting")["time"]) for r in (driver_records, executor_records))
    driver_pod, executor_pod = watch.of(driver), watch.of(executor)
    first_task = seconds(added["time"])
    ms = {
        "operator: apply to driver pod": driver_pod["made"] - applied,
        "scheduler: driver pod": driver_pod["scheduled"] - driver_pod["made"],
        "kubelet and containerd: driver pod": driver_born - driver_pod["scheduled"],
        "driver: started to executor pod": executor_pod["made"] - driver_born,
        "scheduler: executor pod": executor_pod["scheduled"] - executor_pod["made"],
        "kubelet and containerd: executor pod": executor_born - executor_pod["scheduled"],
        "executor: started to registered": first_task - executor_born,
        "apply to first task": first_task - applied,
    }
    app.delete()
    ms = {key: 1000 * value for key, value in ms.items()}
    ms["of it ours"] = sum(value for key, value in ms.items() if key.split(":")[0] in ("operator", "driver", "executor"))
    return ms


def measure_start(arguments, measures):
    api = support.Api()
    try:
        settings = support.Settings(arguments.build, "e2e", arguments.prefix)
        context = support.Context(api, settings, None, f"{arguments.prefix}-1")
        context.clean()
        watch = PodWatch(api, context.namespace)
        for number in range(arguments.rounds):
            for key, value in start_round(context, watch, number).items():
                measures.setdefault(f"start: {key} (ms)", []).append(round(value, 1))
    finally:
        api.close()


def run_program(words, measures, part):
    """A program that prints JSON lines {"measure": ..., "value": ...} (or a text of its own, shown as it is)."""
    print(f"--- {part}: {' '.join(map(str, words))}", flush=True)
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=900)
    for line in done.stdout.splitlines():
        try:
            found = json.loads(line)
            measures.setdefault(f"{part}: {found['measure']}", []).append(found["value"])
        except (ValueError, KeyError, TypeError):
            print("    " + line)
    if done.returncode != 0:
        raise SystemExit(f"bench: {words[0]}: exit {done.returncode}: {done.stderr.strip()[-800:]}")


BARS = {"start: apply to first task (ms)": 3000, "start: of it ours (ms)": 300, "start: executor: started to registered (ms)": 100,
        "driver: scheduler thread, of a core": 1, "driver: executors lost to missed heartbeats": 1}


def show(measures):
    print(f"\n{'measure':64} {'min':>9} {'median':>9} {'max':>9}  bar")
    for key, values in measures.items():
        if all(isinstance(v, (int, float)) for v in values):
            bar = BARS.get(key)
            verdict = "" if bar is None else f"  < {bar}" + ("" if statistics.median(values) < bar else "  MISSED")
            print(f"{key:64} {min(values):9.1f} {statistics.median(values):9.1f} {max(values):9.1f}{verdict}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--prefix", default=os.environ.get("E2E_PREFIX", "galley-e2e"))
    arguments = parser.parse_args()
    wanted = arguments.only or ["start", "operator", "executors"]
    measures = {}
    if "start" in wanted:
        measure_start(arguments, measures)
    if "operator" in wanted:
        run_program([sys.executable, HERE / "operator_bench.py", arguments.build / "bin"], measures, "operator")
    if "executors" in wanted:
        run_program([arguments.build / "bin/galley-simulated-executors"], measures, "driver")
    show(measures)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    line = {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit,
            "machine": f"{os.cpu_count()} cores, {os.uname().machine}, Kubernetes", "rounds": arguments.rounds, "measures": measures}
    with open(ROOT / "bench/results/results.jsonl", "a") as results:
        results.write(json.dumps(line) + "\n")
    return 1 if any(statistics.median(measures[k]) >= bar for k, bar in BARS.items() if k in measures) else 0


if __name__ == "__main__":
    sys.exit(main())
