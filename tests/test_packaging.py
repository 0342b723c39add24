"""What is built holds every folder of code and every data file."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from tests.support.shared import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
BUILD = PROJECT["tool"]["setuptools"]
FOLDERS = {
    "modelsizer": "modelsizer",
    "modelsizer.optimizer": "optimizer",
    "modelsizer.plots": "plots",
    "modelsizer.problems": "problems",
}


def folders() -> dict[str, Path]:
    """Import names of all folders of code, and where they lie."""
    found = {}
    for name, top in FOLDERS.items():
        for init in (ROOT / top).rglob("__init__.py"):
            inner = init.parent.relative_to(ROOT / top).parts
            found[".".join((name, *inner))] = init.parent
    return found


def test_every_folder_of_code_is_a_package_that_is_built() -> None:
    assert BUILD["package-dir"] == FOLDERS
    assert BUILD["packages"] == sorted(folders())
    for top in FOLDERS.values():
        for path in (ROOT / top).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path


def test_every_data_file_is_built() -> None:
    packages = folders()
    inside: dict[Path, set[Path]] = {folder: set() for folder in packages.values()}
    for top in FOLDERS.values():
        for path in (ROOT / top).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                inside[next(each for each in path.parents if each in inside)].add(path)
    for name, folder in packages.items():
        patterns = BUILD["package-data"].get(name, [])
        built = {path for pattern in patterns for path in folder.glob(pattern)}
        assert inside[folder] == built, name


def test_optional_packages_are_in_the_extras_alone() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    core = {re.split(r"[^a-z-]", line.lower())[0] for line in PROJECT["project"]["dependencies"]}
    for extra, packages in {
        "hub": ("huggingface_hub",),
        "plots": ("matplotlib",),
        "tables": ("pandas", "pyarrow"),
    }.items():
        assert {re.split(r"[^a-z_-]", line.lower())[0] for line in extras[extra]} == {*packages}
        assert not core & {*packages}


def test_a_checkout_runs_at_its_root_without_being_installed() -> None:
    # Python's own finders, in order; an editable install adds one behind them.
    code = """
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
sys.meta_path[:] = BuiltinImporter, FrozenImporter, PathFinder
import modelsizer.optimizer, modelsizer.plots, modelsizer.problems as problems
for module in (modelsizer, modelsizer.optimizer, modelsizer.plots, problems):
    print(module.__file__)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = [Path(line).parent for line in ran.stdout.splitlines()]
    assert found == [ROOT / top for top in FOLDERS.values()]


@pytest.mark.parametrize(("beside", "searched"), [(True, 1), (False, 2)])
def test_an_installed_copy_searches_its_own_folder_alone(
    tmp_path: Path, beside: bool, searched: int
) -> None:
    folder = tmp_path / "modelsizer"
    (folder / "problems" if beside else folder).mkdir(parents=True)
    path = folder / "__init__.py"
    path.write_bytes((ROOT / "modelsizer" / "__init__.py").read_bytes())
    spec = spec_from_file_location("copy", path, submodule_search_locations=[str(folder)])
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__path__ == [str(folder), str(tmp_path)][:searched]
