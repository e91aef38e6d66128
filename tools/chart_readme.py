#!/usr/bin/env python3
"""chart_readme.py [--check] - what in charts/galley is made of something else: the table of values in README.md, of the
comments of values.yaml, and the CustomResourceDefinitions, which are those of k8s/crd. --check says what is out of date."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
CHART = ROOT / "charts/galley"
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"


def read_values(text):
    """[(key, default, description)] of a values.yaml as ours is: two spaces a level, a comment above each key."""
    rows, path, comment, whole = [], [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"^( *)([A-Za-z]\w*):(?: (.*))?$", line)
        if line.strip().startswith("#"):
            comment.append(line.strip().lstrip("# "))
        elif not line.strip():
            comment = []
        elif match:
            level, value = len(match.group(1)) // 2, match.group(3)
            if whole is not None and level > whole:  # below a key that is described as a whole
                rows[-1][1] += (", " if rows[-1][1] else "") + line.strip()
                continue
            whole = None
            path[level:] = [match.group(2)]
            if comment:
                rows.append([".".join(path), value or "", " ".join(comment)])
                whole = level if value is None else None
            elif value is not None:
                raise SystemExit(f"values.yaml:{number}: {'.'.join(path)} has no comment above it")
            comment = []
        else:
            raise SystemExit(f"values.yaml:{number}: chart_readme.py cannot read this line")
    return rows


def table():
    rows = read_values((CHART / "values.yaml").read_text())
    escape = lambda text: text.replace("|", "\\|")  # noqa: E731
    lines = ["| value | what | default |", "|---|---|---|"]
    lines += [f"| `{key}` | {escape(what)} | `{escape(default)}` |" for key, default, what in rows]
    return "\n".join(lines) + "\n"


def wanted_files():
    readme = (CHART / "README.md").read_text()
    head, rest = readme.split(BEGIN)
    tail = rest.split(END)[1]
    wanted = {CHART / "README.md": head + BEGIN + table() + END + tail}
    for path in sorted((ROOT / "k8s/crd").glob("*.yaml")):
        wanted[CHART / "files/crd" / path.name] = path.read_text()
    return wanted


def main():
    wanted = wanted_files()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    gone = [path for path in (CHART / "files/crd").glob("*.yaml") if path not in wanted]
    if "--check" in sys.argv[1:]:
        for path in stale + gone:
            print(f"{path.relative_to(ROOT)} is out of date: make chart")
        return 1 if stale or gone else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
        print(f"wrote {path.relative_to(ROOT)}")
    for path in gone:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
