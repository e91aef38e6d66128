"""The chart: lint, dry runs, refusals, install, test, upgrade under running jobs, uninstall."""
import json

from support import ROOT, check, helm, helm_install_words, kubectl, run, slow_query, test, wait_for

CHART = str(ROOT / "charts/galley")
# Everything that can be turned on, so that every template is rendered.
FULL = {
    "nameOverride": "gly", "commonLabels": {"team": "shop"}, "imagePullSecrets": [{"name": "registry"}],
    "operator": {"replicas": 2, "extraArgs": ["--workers=2"], "extraEnv": [{"name": "A", "value": "b"}], "podLabels": {"x": "y"},
                 "podAnnotations": {"a": "b"}, "nodeSelector": {"kubernetes.io/os": "linux"}, "priorityClassName": "system-cluster-critical",
                 "tolerations": [{"key": "t", "operator": "Exists"}],
                 "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                     {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}}]}},
                 "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
                                                "labelSelector": {"matchLabels": {"a": "b"}}}],
                 "serviceAccount": {"annotations": {"cloud": "role"}}},
    "driver": {"serviceAccount": {"annotations": {"cloud": "role"}}},
    "metrics": {"service": {"annotations": {"a": "b"}}},
    "networkPolicy": {"enabled": True, "metricsFrom": [{"namespaceSelector": {}}]}, "podDisruptionBudget": {"enabled": True},
}
REFUSED = {
    "an unknown key": ("--set", "operater.replicas=2", "operater"),
    "an unknown inner key": ("--set", "operator.replica=2", "replica"),
    "a text for a number": ("--set-string", "operator.replicas=two", "replicas"),
    "too many replicas": ("--set", "operator.replicas=99", "replicas"),
    "a pull policy that is none": ("--set", "image.pullPolicy=Sometimes", "pullPolicy"),
    "an image without a name": ("--set", "image.repository=", "repository"),
    "a tag with a blank": ("--set", "image.tag=a b", "tag"),
    "a digest that is none": ("--set", "image.digest=sha256:12", "digest"),
    "a namespace that is none": ("--set-json", 'watchNamespaces=["Not_A_Name"]', "watchNamespaces"),
    "namespaces as a text": ("--set", "jobNamespaces=jobs", "jobNamespaces"),
    "a pull secret as a text": ("--set-json", 'imagePullSecrets=["registry"]', "imagePullSecrets"),
    "a port that is none": ("--set", "metrics.service.port=70000", "port"),
    "memory that is none": ("--set-json", 'operator.resources={"limits":{"memory":"12 apples"}}', "memory"),
    "a timeout without a unit": ("--set-string", "test.timeout=120", "timeout"),
    "a test without SQL": ("--set", "test.sql=", "sql"),
    "a job namespace that nobody watches": ("--set-json", 'watchNamespaces=["a"],jobNamespaces=["b"]', "jobNamespaces"),
}


def render(t, *words, values=None):
    """The manifests, as helm would install them into the test's namespace; helm test's hooks are among them."""
    return helm("template", "full", CHART, "-n", t.namespace, "-f", "-", *words, input=json.dumps(values or {}))


def server_accepts(t, text):
    """A server-side dry run: the API server validates everything and stores nothing. (Not the test's pod: its service account is not there.)"""
    text = "\n---\n".join(part for part in text.split("\n---\n") if "\nkind: Pod\n" not in part)
    code, out, err = run("kubectl", "apply", "--dry-run=server", "-f", "-", input=text, check_code=False)
    real = [line for line in err.splitlines() if line and not line.startswith("Warning:")]
    check(code == 0, f"the API server refuses what helm renders: {' | '.join(real)[:900]}")
    warned = [line for line in err.splitlines() if line.startswith("Warning:") and "last-applied-configuration" not in line]
    check(not warned, f"the API server warns: {' | '.join(warned)[:600]}")
    return out


@test()
def chart_lint_and_dry_run(t):
    out = helm("lint", "--strict", CHART)
    check("0 chart(s) failed" in out, out)
    plain = render(t)
    kinds = server_accepts(t, plain)
    for kind in ("deployment", "customresourcedefinition", "clusterrole", "serviceaccount", "galleyapplication"):
        check(kind in kinds, f"there is no {kind} in the chart: {kinds}")
    server_accepts(t, render(t, values=FULL))
    full = render(t, values={**FULL, "watchNamespaces": [t.namespace]})
    check("kind: ClusterRole" not in full, "with watchNamespaces there is still a ClusterRole")
    server_accepts(t, full)
    monitored = render(t, "--set", "metrics.podMonitor.enabled=true")
    check("kind: PodMonitor" in monitored, "metrics.podMonitor.enabled makes no PodMonitor")
    check(plain.count("helm.sh/resource-policy: keep") == plain.count("kind: CustomResourceDefinition") == 2,
          "not every custom resource is kept when the release is uninstalled")
    check("CustomResourceDefinition" not in render(t, "--set", "crds.install=false"), "crds.install=false installs them")
    t.note("3 renderings accepted by the API server")


@test()
def chart_refuses_wrong_values(t):
    for what, (option, value, named) in REFUSED.items():
        code, _, err = run("helm", "template", "x", CHART, option, value, check_code=False)
        check(code != 0, f"helm accepts {what}: {option} {value}")
        check(named in err, f"helm refuses {what} without naming {named}: {err.strip()[-300:]}")
    t.note(f"{len(REFUSED)} kinds of mistakes refused by name")


@test(alone=True)  # its application is in a namespace that other tests would clear
def chart_helm_test(t):
    out = helm("test", t.settings.release, "-n", t.settings.namespace, "--timeout", "150s", timeout=200)
    check("Phase:          Succeeded" in out, out)


@test(alone=True)
def chart_upgrade_keeps_jobs(t):
    """helm upgrade replaces the operator while a query runs: the query does not notice, and its end is reported by the new one."""
    query = slow_query(map_ms=1500)
    app = t.application("upgraded", query, executors=2)
    app.wait_running(2)
    before = {p["metadata"]["uid"] for p in app.pods()}
    old = {p["metadata"]["uid"] for p in t.api.list("pod", t.settings.namespace)}
    helm(*helm_install_words(t.settings, "--set", "operator.podAnnotations.upgraded=again", "--set", "operator.replicas=2"), timeout=180)
    wait_for("the old operator's pod to be replaced", lambda: not old & {
        p["metadata"]["uid"] for p in t.api.list("pod", t.settings.namespace) if "deletionTimestamp" not in p["metadata"]}, 20)
    check(app.state() == "Running", f"the query was over before helm upgrade was: {app.state()}")
    check(before == {p["metadata"]["uid"] for p in app.pods()}, "helm upgrade replaced the application's pods")
    app.succeed(query, recomputed=0)
    deployment = t.api.get("deployment", t.settings.namespace, f"{t.settings.release}-operator")
    check(deployment["status"].get("readyReplicas") == 2, f"2 operators are not ready: {deployment['status']}")
    helm(*helm_install_words(t.settings), timeout=180)


@test(alone=True)
def chart_whole_cluster(t):
    """Without watchNamespaces: the operator works by its ClusterRole, for every namespace."""
    words = [w for w in helm_install_words(t.settings) if not w.startswith("watchNamespaces=")]
    del words[words.index("--set-json")]
    try:
        helm(*words, "--set-json", "jobNamespaces=" + json.dumps(t.settings.jobs), "--set", "metrics.service.port=9090", timeout=180)
        check(not [r for r in t.api.list("role", t.namespace) if r["metadata"]["name"].endswith("-operator")], "there is still a Role of the operator")
        query = slow_query()
        app = t.application("anywhere", query, executors=1)
        app.succeed(query)
        check(app.events(), "there are no Events of it")
    finally:
        helm(*helm_install_words(t.settings), timeout=180)


@test(last=True)
def chart_uninstall(t):
    """helm uninstall leaves nothing but the custom resources: no pod, no role, no service account."""
    app = t.application("orphan", slow_query(), executors=1)
    app.wait_state("Succeeded")
    helm("uninstall", t.settings.release, "-n", t.settings.namespace, "--wait", timeout=120)
    wait_for("the operator's pods to go", lambda: not t.api.list("pod", t.settings.namespace, labelSelector="app.kubernetes.io/component=operator"), 60)
    for namespace in [t.settings.namespace, *t.settings.jobs]:
        for kind in ("deployment", "role", "service"):
            left = [i["metadata"]["name"] for i in t.api.list(kind, namespace)]
            check(not left, f"helm uninstall leaves {kind} {left} in {namespace}")
        check([i["metadata"]["name"] for i in t.api.list("serviceaccount", namespace)] in (["default"], []),
              f"helm uninstall leaves a service account in {namespace}")
    for name in ("galleyapplications.galley.dev", "galleyschedules.galley.dev"):
        check(t.api.get("crd", None, name) is not None, f"helm uninstall removed the custom resource {name}, and with it every application")
    check(t.api.get("gapp", t.namespace, "orphan") is not None, "helm uninstall removed an application")
    leases = [i["metadata"]["name"] for i in t.api.list("lease", t.settings.namespace)]
    t.note(f"left: custom resources, applications{', lease ' + leases[0] if leases else ''}")
    kubectl("-n", t.namespace, "delete", "gapp", "orphan", "--timeout=60s")
    app.wait_gone()
    helm(*helm_install_words(t.settings), timeout=180)
