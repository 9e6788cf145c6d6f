"""A command for tables names the one extra that brings all it needs."""

import pytest

from chainrule.cli import requirements
from tests.cli.conftest import Call

COMMANDS = [
    ("train", "iris"),
    ("cv", "iris"),
    ("predict", "m.safetensors", "iris"),
    ("evaluate", "m.safetensors", "iris"),
    ("inspect", "m.safetensors"),
    ("explain", "m.safetensors", "--row", "0"),
    ("check", "m.safetensors"),
    ("export", "m.safetensors", "-o", "m.onnx"),
    ("import", "m.onnx"),
]


@pytest.mark.parametrize("package", requirements.PACKAGES)
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_missing_package_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], package: str
):
    absent = requirements.PACKAGES[package]
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == absent else name)
    code, out, err = call(*arguments)
    assert (code, out) == (3, "")
    assert f"needs {package}, which is not installed; run: pip install 'chainrule[files]'" in err
