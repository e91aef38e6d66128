#!/usr/bin/env python3
"""chart_tests.py - what of the chart can be checked without helm: generated files are up to date, and every value is in the
schema and the other way round. helm lint, dry runs and refusals are in tests/e2e, where there is a cluster."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
sys.path.insert(0, str(ROOT / "tools"))
import chart_readme  # noqa: E402
from galley import Checks  # noqa: E402

checks = Checks("chart")


def schema_keys(schema, definitions, path=""):
    """Paths of the schema's leaves: what has no listed properties of its own."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    if "properties" not in schema:
        yield path
        return
    checks.that(f"the schema refuses unknown keys below '{path}'", schema.get("additionalProperties") is False)
    for key, inner in schema["properties"].items():
        yield from schema_keys(inner, definitions, f"{path}.{key}" if path else key)


def covers(key, others):
    return any(key == other or key.startswith(other + ".") or other.startswith(key + ".") for other in others)


def main():
    for path, text in chart_readme.wanted_files().items():
        checks.that(f"{path.name} is up to date (make chart)", path.exists() and path.read_text() == text)
    made = {path.name for path in (ROOT / "charts/galley/files/crd").glob("*.yaml")}
    checks.that("the chart has no other custom resources", made == {path.name for path in (ROOT / "k8s/crd").glob("*.yaml")}, str(made))
    schema = json.loads((ROOT / "charts/galley/values.schema.json").read_text())
    in_schema = set(schema_keys(schema, schema["definitions"])) - {"global"}
    in_values = {row[0] for row in chart_readme.read_values((ROOT / "charts/galley/values.yaml").read_text())}
    for key in sorted(in_values):
        checks.that(f"{key} is in the schema", covers(key, in_schema))
    for key in sorted(in_schema):
        checks.that(f"{key} is in values.yaml", covers(key, in_values))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
