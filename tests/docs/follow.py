#!/usr/bin/env python3
"""Does what a page says, word for word, in a folder that has but the programs of examples/shell and examples/sdk.

Of a manual page all displays: C is saved as program.c, CMake builds it, everything else is run by sh. Of a page in
Markdown the ```console blocks: what a line behind a $ prints must be as shown, where an ellipsis stands for anything.

usage: follow.py PAGE PREFIX        PREFIX is where otlpkit is installed
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

PATIENCE_S = 60
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(program LANGUAGES C)
add_executable(program program.c)
"""
HERE = os.path.dirname(os.path.abspath(__file__))


def displays(text):
    found = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", text, re.DOTALL | re.MULTILINE)
    return [block.replace(r"\&", "").replace(r"\(aq", "'").replace(r"\-", "-").replace(r"\e", "\\") for block in found]


def consoles(text):
    """Commands, each with the lines that it prints."""
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [shown for block in blocks for shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)]


def save(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)


def sh(script):
    return subprocess.run(
        ["sh", "-eu", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S
    )


def follow(block):
    if block.startswith("#include"):
        save("program.c", block)
        return True
    if block.startswith("find_package"):
        save("CMakeLists.txt", PROJECT + block)
        block = "cmake -B build && cmake --build build\n"
    done = sh(block)
    if done.returncode:
        print(f"{block}exit {done.returncode}\n{done.stdout}")
    return not done.returncode


def prints(command, shown):
    done = sh(command)
    if re.fullmatch(re.escape(shown).replace("…", ".*"), done.stdout, re.DOTALL):
        return True
    print(f"$ {command}\nshown:\n{shown}printed:\n{done.stdout}")
    return False


def main():
    page, prefix = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        del os.environ[name]
    os.environ["PATH"] = f"{prefix}/bin:{os.environ['PATH']}"
    os.environ["PKG_CONFIG_PATH"] = os.path.dirname(glob.glob(f"{prefix}/**/otlpkit-sdk.pc", recursive=True)[0])
    os.environ["CMAKE_PREFIX_PATH"] = prefix
    os.environ.setdefault("CMAKE_GENERATOR", "Ninja")
    with tempfile.TemporaryDirectory() as work:
        for folder in ("shell", "sdk"):
            shutil.copytree(f"{HERE}/../../examples/{folder}", work, dirs_exist_ok=True)
        os.chdir(work)
        results = [follow(block) for block in displays(text)] + [prints(*shown) for shown in consoles(text)]
    print(f"{len(results)} steps of {page}, {results.count(False)} fail")
    sys.exit(not results or not all(results))


main()
