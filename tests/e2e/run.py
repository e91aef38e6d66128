#!/usr/bin/env python3
"""run.py BIN [--only NAME]... [--without NAME]... [--workers N] [--keep] - installs the chart and runs the tests of test_*.py.

Called by run.sh, when the images are in the cluster. Each worker has a namespace of its own, under the restricted Pod
Security Standard; tests that disturb the whole cluster run alone. One line for each test: name, seconds, the hash of the
answer, how many tasks were computed again. --only and --without take the beginning of a name.
"""
import argparse
import importlib
import os
import pathlib
import queue
import sys
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import support  # noqa: E402

printing = threading.Lock()


def say(text):
    with printing:
        print(text, flush=True)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--prefix", default=os.environ.get("E2E_PREFIX", "galley-e2e"))
    parser.add_argument("--tag", default=os.environ.get("E2E_TAG", "e2e"))
    parser.add_argument("--keep", action="store_true", help="leave the release and the namespaces there in the end")
    parser.add_argument("--prepare", action="store_true", help="install the chart, run nothing, leave it there")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def chosen(arguments):
    for path in sorted(HERE.glob("test_*.py")):
        importlib.import_module(path.stem)
    named = {name for name, *_ in support.TESTS}
    for text in arguments.only + arguments.without:
        if not any(name.startswith(text) for name in named):
            raise SystemExit(f"run.py: no test begins with '{text}'; --list shows them")
    return [t for t in support.TESTS if (not arguments.only or any(t[0].startswith(o) for o in arguments.only))
            and not any(t[0].startswith(w) for w in arguments.without)]


def install(api, settings):
    """The release, watching its job namespaces only, so that it minds its own business on a cluster with others."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "e2e": settings.prefix}
    def is_ending(name):
        return "deletionTimestamp" in (api.get("namespace", None, name) or {"metadata": {}})["metadata"]

    for name in [settings.namespace, *settings.jobs]:
        support.wait_for(f"namespace {name} of the run before to be gone", lambda n=name: not is_ending(n), 120)
        if api.get("namespace", None, name) is None:
            api.create("namespace", None, {"metadata": {"name": name, "labels": labels}})
    if settings.has_s3():
        for name in settings.jobs:
            api.delete("secret", name, "s3-credentials")
            api.create("secret", name, {"metadata": {"name": "s3-credentials"}, "stringData": {
                "AWS_ACCESS_KEY_ID": settings.s3["key"], "AWS_SECRET_ACCESS_KEY": settings.s3["secret"]}})
    support.helm(*support.helm_install_words(settings), timeout=180)


def uninstall(api, settings):
    for name in settings.jobs:
        for kind in ("gsched", "gapp"):
            for item in api.list(kind, name):
                api.delete(kind, name, item["metadata"]["name"])
    support.helm("uninstall", settings.release, "-n", settings.namespace, "--ignore-not-found", "--wait", check_code=False, timeout=180)
    for name in [settings.namespace, *settings.jobs]:
        api.delete("namespace", None, name)


def keep_evidence(context, name):
    """What there is to know about a test that failed, in a file: applications, pods, Events, the logs of operator and pods."""
    folder = pathlib.Path(os.environ.get("E2E_LOGS", HERE.parents[1] / "build/e2e"))
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for words in (["-n", context.namespace, "get", "gapp,pods", "-o", "yaml"], ["-n", context.namespace, "get", "events"],
                  ["-n", context.settings.namespace, "get", "pods,lease", "-o", "yaml"],
                  ["-n", context.settings.namespace, "logs", "-l", "app.kubernetes.io/component=operator", "--tail=400", "--prefix"],
                  ["-n", context.namespace, "logs", "-l", "galley.dev/role=driver", "--tail=400", "--prefix"],
                  ["-n", context.namespace, "logs", "-l", "galley.dev/role=executor", "--tail=100", "--prefix"]):
        code, out, err = support.run("kubectl", *words, check_code=False)
        parts.append(f"=== kubectl {' '.join(words)}\n{out}{err}")
    (folder / f"{name}.txt").write_text("\n".join(parts))
    return str(folder / f"{name}.txt")


def run_one(entry, api, settings, reference, namespace):
    """(name, passed)"""
    name, function, _, _ = entry
    context = support.Context(api, settings, reference, namespace)
    start, verdict, detail = time.monotonic(), "ok", ""
    try:
        function(context)
    except support.NotRun as reason:
        verdict, detail = "NOT RUN", str(reason)
    except support.Failure as failure:
        verdict, detail = "FAILED", str(failure)
    except Exception:  # a fault of the test itself; the others go on
        verdict, detail = "FAILED", traceback.format_exc(limit=4).strip()
    seconds = time.monotonic() - start
    if verdict == "FAILED":
        try:
            detail += f"\n        more in {keep_evidence(context, name)}"
        except Exception as error:
            detail += f"\n        no evidence was kept: {error}"
    notes = "; ".join(context.notes)
    say(f"{verdict:7} {name:44} {seconds:6.1f} s  answer {context.answer_hash:16}  recomputed {context.recomputed:>3}  {notes}".rstrip()
        + (f"\n        {detail}" if detail else ""))
    try:
        context.clean()
    except Exception as error:
        say(f"        {name}: cleaning up after it: {error}")
    return name, verdict == "ok"


def run_all(entries, api, settings, reference):
    results, waiting = [], queue.Queue()
    together = [e for e in entries if not e[2] and not e[3]]
    for entry in together:
        waiting.put(entry)

    def work(namespace):
        while True:
            try:
                entry = waiting.get_nowait()
            except queue.Empty:
                return
            results.append(run_one(entry, api, settings, reference, namespace))

    threads = [threading.Thread(target=work, args=(namespace,)) for namespace in settings.jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for entry in sorted((e for e in entries if e[2] or e[3]), key=lambda e: e[3]):
        results.append(run_one(entry, api, settings, reference, settings.jobs[0]))
    return results


def main():
    arguments = options()
    entries = chosen(arguments)
    if arguments.list:
        print("\n".join(name for name, *_ in entries))
        return 0
    start = time.monotonic()
    api = support.Api()
    settings = support.Settings(arguments.binaries, arguments.tag, arguments.prefix)
    settings.jobs = [f"{arguments.prefix}-{i + 1}" for i in range(max(1, min(arguments.workers, len(entries))))]
    results = []
    try:
        install(api, settings)
        say(f"installed release {settings.release} in {time.monotonic() - start:.1f} s")
        if arguments.prepare:
            return 0
        results = run_all(entries, api, settings, support.Reference(settings.binaries))
    finally:
        if not arguments.keep and not arguments.prepare:
            uninstall(api, settings)
        api.close()
    failed = [name for name, passed in results if not passed]
    say(f"e2e: {len(results) - len(failed)} passed, {len(failed)} not passed, {time.monotonic() - start:.0f} s" +
        "".join(f"\nnot passed: {name}" for name in sorted(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
