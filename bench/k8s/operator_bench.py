#!/usr/bin/env python3
"""operator_bench.py BIN [--count N] [--idle SECONDS] [--record] - galley-operator's speed, memory and idle cost on the cluster of KUBECONFIG.

The operator runs as a process of this machine; drivers name a scheduler that does not exist, so that no pod
ever starts and nothing but operator and API server works. Two waves of N applications (500): one that comes while the operator
runs, one that waits for it (with the first to be looked at again, too). Prints {"measure": ..., "value": ...} lines, then a table with the bars; --record appends a line to
bench/results/results.jsonl. Uses a namespace of its own and deletes it.
"""
import argparse
import datetime
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMESPACE = f"galley-bench-{uuid.uuid4().hex[:6]}"
APPS = f"/apis/galley.dev/v1alpha1/namespaces/{NAMESPACE}/galleyapplications"
CLIENTS = 4
BARS = {"submissions a minute, while they come": (">=", 1000),
        "resident memory with all applications (MB)": ("<", 30), "cores when idle": ("<", 0.01)}


def connect(port):
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def call(connection, method, path, body=None):
    connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {answer.status} {text[:500]}")
    return json.loads(text)


def submit_all(port, prefix, count):
    """Seconds until all are accepted."""
    numbers = iter(range(count))
    lock = threading.Lock()
    driver = {"template": {"spec": {"schedulerName": "galley-bench-paused"}}}

    def client():
        connection = connect(port)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            call(connection, "POST", APPS, {"apiVersion": "galley.dev/v1alpha1", "kind": "GalleyApplication", "metadata": {
                "name": f"{prefix}-{number}"}, "spec": {"sql": "SELECT 1", "executors": 2, "driver": driver}})
    begin = time.time()
    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.time() - begin


class Operator:
    def __init__(self, binaries):
        self.log = tempfile.NamedTemporaryFile(prefix="galley-operator-bench-", suffix=".log")
        self.process = subprocess.Popen([binaries / "galley-operator", "--namespace", NAMESPACE, "--leader-elect=false",
                                         "--metrics-address", "127.0.0.1:0"], stderr=self.log)
        end = time.time() + 20
        while time.time() < end and b"metrics_port" not in pathlib.Path(self.log.name).read_bytes():
            time.sleep(0.02)
        self.port = int(re.search(rb'"metrics_port":(\d+)', pathlib.Path(self.log.name).read_bytes()).group(1))

    def metrics(self):
        connection = connect(self.port)
        connection.request("GET", "/metrics")
        values = {}
        for line in connection.getresponse().read().decode().splitlines():
            if line and not line.startswith("#"):
                key, value = line.rsplit(" ", 1)
                values[key] = float(value)
        return values

    def wait_for(self, pods, seconds=300):
        end = time.time() + seconds
        while time.time() < end:
            if self.metrics()["galley_applications_submitted_total"] >= pods:
                return time.time()
            time.sleep(0.02)
        raise SystemExit(f"bench: not {pods} driver pods within {seconds} s; see {self.log.name}")

    def rest(self):
        while self.metrics()["galley_workqueue_in_flight"] > 0:
            time.sleep(0.1)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def peak_mb(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def measure(binaries, port, count, idle_seconds):
    found = {}
    operator = Operator(binaries)
    try:
        time.sleep(0.5)
        begin, before = time.time(), operator.metrics()
        accepted = submit_all(port, "live", count)
        took = operator.wait_for(count) - begin
        operator.rest()
        after = operator.metrics()
        found["submissions a minute, while they come"] = round(60 * count / took)
        found["applications a minute accepted by the API server meanwhile"] = round(60 * count / accepted)
        cpu = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
        found["processor time of a submission (ms)"] = round(1000 * cpu / count, 2)
        latency = "galley_application_submit_latency_seconds"
        found["seen to driver pod, mean (ms)"] = round(1000 * after[f"{latency}_sum"] / after[f"{latency}_count"], 1)
        found["requests of a submission"] = round(sum(v for k, v in after.items() if k.startswith("galley_api_requests")) / count, 1)
        time.sleep(2)
        start = operator.metrics()
        time.sleep(idle_seconds)
        end = operator.metrics()
        idle = end["process_cpu_seconds_total"] - start["process_cpu_seconds_total"]
        found["cores when idle"] = round(idle / idle_seconds, 4)
        found["resident memory with all applications (MB)"] = round(end["process_resident_memory_bytes"] / 1e6, 1)
        found["resident memory, peak (MB)"] = round(peak_mb(operator.process.pid), 1)
    finally:
        operator.stop()
    submit_all(port, "backlog", count)
    begin = time.time()
    operator = Operator(binaries)
    try:
        took = operator.wait_for(count) - begin
        found["submissions a minute, of a backlog after a restart"] = round(60 * count / took)
    finally:
        operator.stop()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--idle", type=float, default=20)
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    subprocess.run(["kubectl", "apply", "-f", str(ROOT / "k8s/crd")], check=True, capture_output=True)
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
    port = int(re.search(r":(\d+)\s*$", proxy.stdout.readline()).group(1))
    try:
        connection = connect(port)
        call(connection, "POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        call(connection, "POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": "galley-driver"}})
        found = measure(arguments.binaries, port, arguments.count, arguments.idle)
        call(connect(port), "DELETE", f"/api/v1/namespaces/{NAMESPACE}")
    finally:
        proxy.terminate()
    for key, value in found.items():
        print(json.dumps({"measure": key, "value": value}))
    missed = 0
    for key, value in found.items():
        sign, bar = BARS.get(key, ("", None))
        is_good = bar is None or (value >= bar if sign == ">=" else value < bar)
        missed += not is_good
        print(f"# {key:60} {value:10}  {sign} {'' if bar is None else bar}{'' if is_good else '  MISSED'}")
    if arguments.record:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        line = {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "commit": commit,
                "machine": f"{os.cpu_count()} cores, {os.uname().machine}, Kubernetes", "rounds": 1,
                "measures": {f"operator: {key}": [value] for key, value in found.items()}}
        with open(ROOT / "bench/results/results.jsonl", "a") as results:
            results.write(json.dumps(line) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
