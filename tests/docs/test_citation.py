"""The citation file names the version that the package has, and the paper that the README names."""

from __future__ import annotations

import re

import bispike
from tests.docs.pages import ROOT

CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_version_is_that_of_the_package() -> None:
    assert re.findall(r"^version: (.+)$", CITATION, flags=re.MULTILINE) == [bispike.__version__]


def test_the_paper_is_that_of_the_readme() -> None:
    papers = set(re.findall(r"arxiv\.org/abs/([\d.]+\d)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert papers == set(re.findall(r"arxiv\.org/abs/([\d.]+\d)", CITATION))


def test_the_licence_is_that_of_the_package() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r"^license: (.+)$", CITATION, flags=re.MULTILINE) == re.findall(
        r'^license = "(.+)"$', pyproject, flags=re.MULTILINE
    )
