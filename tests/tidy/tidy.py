#!/usr/bin/env python3
"""tidy.py - what STYLE.md says and a program can check: includes, names, sizes, headers, banned calls.

Prints a line for each finding and a closing count; exits 1 if there is any.
"""
import pathlib
import re
import subprocess
import sys

try:
    import tomllib
except ImportError:  # Python before 3.11
    tomllib = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
BANNED = r"\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|gets|alloca|assert|rand|srand)\s*\("
PRIVATE = re.compile(r"/(work|root|tmp)/(main|shared|build-)|\.\./shared|helper session", re.I)
RESERVED = {"main"}


def load_rooms():
    text = (ROOT / "tests/tidy/rooms.toml").read_text()
    if tomllib:
        return tomllib.loads(text)
    import ast  # enough of TOML for our own file
    result, section = {}, None
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            section = result.setdefault(line.strip("[]"), {})
        elif "=" in line:
            key, value = line.split("=", 1)
            section[key.strip().strip('"')] = ast.literal_eval(value.strip())
    return result


CONFIG = load_rooms()
findings = []


def report(path, line, text):
    findings.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def sources():
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h", "*.def"], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def room_of(name):
    return next((room for room in CONFIG["rooms"] if name.startswith(room + "/")), None)


def strip_comments(text):
    """Comments and strings blanked, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_includes(path, name, text):
    room = room_of(name)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        target = match.group(2)
        if match.group(1) == '"' and room:
            allowed = [room] + CONFIG["rooms"][room]
            if target.endswith("main.c") or not any(target == a or target.startswith(a + "/") for a in allowed):
                report(path, number, f"{room} may not include {target}")
            if target.endswith("_internal.h") and str(pathlib.Path(target).parent) != str(pathlib.Path(name).parent):
                report(path, number, f"{target} is internal to its folder")
        for prefix, owners in CONFIG["third_party"].items():
            if match.group(1) == "<" and target.startswith(prefix) and room:
                if not any(name == owner or name.startswith(owner + "/") for owner in owners):
                    report(path, number, f"<{target}> belongs to {', '.join(owners)}")


def check_shape(path, name, text):
    limits = CONFIG["limits"]
    lines = text.splitlines()
    if len(lines) > limits["file_lines"]:
        report(path, len(lines), f"the file has {len(lines)} lines, {limits['file_lines']} are allowed")
    if name.endswith((".c", ".h")) and not text.startswith("/*"):
        report(path, 1, "the file does not open with its paragraph")
    elif name.endswith(".c") and not text.startswith(f"/* {pathlib.Path(name).name}"):
        report(path, 1, "the opening paragraph does not begin with the file's name")
    for number, line in enumerate(lines, 1):
        if len(line) > limits["columns"] + 20 and "https://" not in line and not name.endswith(".def"):
            report(path, number, f"the line has {len(line)} columns")
        if line != line.rstrip():
            report(path, number, "white space at the end of the line")
        if PRIVATE.search(line):
            report(path, number, "a path or word of one machine")


def check_functions(path, code):
    start = None
    for number, line in enumerate(code.splitlines(), 1):
        if start is None and re.match(r"^[A-Za-z_].*\)\s*\{\s*$", line) or (start is None and line == "{"):
            start = number
        elif start is None and re.match(r"^\s+.*\)\s*\{\s*$", line) is None:
            pass
        if line == "}" and start is not None:
            if number - start > CONFIG["limits"]["function_lines"]:
                report(path, start, f"the function has {number - start} lines")
            start = None


def check_banned(path, code):
    for number, line in enumerate(code.splitlines(), 1):
        match = re.search(BANNED, line)
        if match and "static" not in line:
            report(path, number, f"{match.group(1)}() is not used here")


def check_names(path, name, code):
    """Exported functions of x.c are called gly_x_... (or gly_x)."""
    if not name.endswith(".c") or room_of(name) is None:
        return
    stem = path.stem
    for number, line in enumerate(code.splitlines(), 1):
        match = re.match(r"^(?!static|typedef|return|else|extern)[A-Za-z_][\w\s\*]*?\b(gly_\w+)\s*\([^;]*$", line)
        if match and "=" not in line and stem not in RESERVED:
            symbol = match.group(1)
            header = path.with_suffix(".h")
            declared = header.exists() and re.search(rf"\b{symbol}\b", header.read_text())
            if not symbol.startswith("gly_" + stem) and not declared and not symbol_in_room(path, symbol):
                report(path, number, f"{symbol} is exported, but {stem}.h does not declare it")


def symbol_in_room(path, symbol):
    return any(re.search(rf"\b{symbol}\b", h.read_text()) for h in list(path.parent.glob("*.h")) + list(path.parent.parent.glob("*.h")))


def check_rooms():
    stems = {}
    for path in sources():
        name = str(path.relative_to(ROOT))
        if name.endswith(".c") and room_of(name) and path.stem not in RESERVED:
            if path.stem in stems:
                report(path, 1, f"the file stem {path.stem} is used twice (see {stems[path.stem]})")
            stems[path.stem] = name
    for room in CONFIG["rooms"]:
        if (ROOT / room).is_dir() and not (ROOT / room / "README.md").exists():
            findings.append(f"{room}: the room has no README.md")
    architecture = ROOT / "ARCHITECTURE.md"
    if architecture.exists():
        for number, line in enumerate(architecture.read_text().splitlines(), 1):
            for target in re.findall(r"`((?:lib|driver|executor|cli|proto|tests|bench|k8s|tools|examples)/[\w./-]+\.\w+)`", line):
                if not (ROOT / target).exists():
                    report(architecture, number, f"{target} does not exist")


def main():
    files = sources()
    for path in files:
        name = str(path.relative_to(ROOT))
        text = path.read_text()
        code = strip_comments(text)
        check_includes(path, name, text)
        check_shape(path, name, text)
        if not name.endswith(".def"):
            check_functions(path, code)
            if not name.startswith("tests/"):
                check_banned(path, code)
            check_names(path, name, code)
    check_rooms()
    for finding in sorted(set(findings)):
        print(finding)
    print(f"tidy: {len(files)} files, {len(set(findings))} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
