"""Writes what `otlpkit conform` found of the clients here into a page, between its two markers.

    usage: table.py FOLDER PAGE        FOLDER/LANGUAGE.json are its reports
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
BEGIN, END = "<!-- found: begin -->\n", "<!-- found: end -->\n"
SHOWN = {"pass": "pass", "may": "*may*", "fail": "**fail**", "skipped": "–"}


def first(path, pattern):
    return re.search(pattern, (HERE / path).read_text(), re.MULTILINE).group(1)


def locked(package):
    packages = json.loads((HERE / "javascript/package-lock.json").read_text())["packages"]
    return packages[f"node_modules/{package}"]["version"]


CLIENTS = {
    "c": ("C", "otlpkit", lambda: first("../../CMakeLists.txt", r"^project\(otlpkit VERSION (\S+)")),
    "logfire": ("Logfire", "logfire", lambda: first("logfire/requirements.txt", r"^logfire==(\S+)")),
    "python": ("Python", "opentelemetry-sdk", lambda: first("python/requirements.txt", r"^opentelemetry-sdk==(\S+)")),
    "javascript": (
        "JavaScript",
        "@opentelemetry/exporter-trace-otlp-proto",
        lambda: locked("@opentelemetry/exporter-trace-otlp-proto"),
    ),
    "go": ("Go", "go.opentelemetry.io/otel", lambda: first("go/go.mod", r"^\tgo\.opentelemetry\.io/otel v(\S+)")),
    "rust": (
        "Rust",
        "opentelemetry-otlp",
        lambda: first("rust/Cargo.lock", r'^name = "opentelemetry-otlp"\nversion = "(\S+)"'),
    ),
    "java": ("Java", "opentelemetry-java", lambda: first("java/pom.xml", r"<opentelemetry\.version>([^<]+)<")),
}


def escaped(text):
    return re.sub(r"([|<*_`\\])", r"\\\1", text)


def table(reports):
    names = [CLIENTS[language][0] for language in reports]
    yield f"| case | expected | {' | '.join(names)} | specification |"
    yield "|---" * (len(names) + 3) + "|"
    for of_case in zip(*(report["cases"] for report in reports.values())):
        case = of_case[0]
        cells = [SHOWN[found["verdict"]] for found in of_case]
        cells = [f"`{case['case']}`", escaped(case["expected"]), *cells, f"{case['level']}: {case['specification']}"]
        yield f"| {' | '.join(cells)} |"
    sums = [f"{report['pass']} pass, {report['may']} may, {report['fail']} fail" for report in reports.values()]
    yield f"| | | {' | '.join(sums)} | |"


def otherwise(language, report):
    name, package, version = CLIENTS[language]
    yield f"### {name}: {package} {version()}"
    yield ""
    for case in report["cases"]:
        if case["verdict"] != "pass":
            yield f"- {case['verdict']}, `{case['case']}`: {escaped(case['seen'])}"
    yield ""


def main():
    folder, page = map(pathlib.Path, sys.argv[1:])
    reports = {language: json.loads((folder / f"{language}.json").read_text()) for language in CLIENTS}
    lines = [*table(reports), "", "## What was seen otherwise than expected", ""]
    for language, report in reports.items():
        lines += otherwise(language, report)
    head, rest = page.read_text().split(BEGIN)
    page.write_text(head + BEGIN + "\n" + "\n".join(lines) + END + rest.split(END)[1])


main()
