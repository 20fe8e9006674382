"""Are the examples in the docstrings and in the README true?"""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.layout import ROOT, modules

HELPERS = ["tests.oracle", "tests.layout", "tests.golden.counts"]


@pytest.mark.parametrize("name", [n for n in modules() if not n.endswith("__main__")] + HELPERS)
def test_docstring_examples(name: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failures == 0


def test_the_readme_example_prints_what_the_readme_says(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    example = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    said = re.search(r"emitted source: begin -->\s*```python\n(.*?)```", readme, re.DOTALL)
    assert example is not None
    script = tmp_path / "logistic.py"
    script.write_text(example[1])
    environment = {k: v for k, v in os.environ.items() if k != "RETROGRAD_CHECKED"}
    ran = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert said is None or ran.stdout.rstrip() == said[1].rstrip()
