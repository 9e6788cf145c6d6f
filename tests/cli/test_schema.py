"""``chainrule schema``: valid JSON Schemas, byte for byte those of the package.

That documents fit them is tested where the documents are.
"""

import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from chainrule.cli import schema
from chainrule.explanation import example_schema
from tests.cli.conftest import Call


@pytest.mark.parametrize("name", list(schema.SCHEMAS))
def test_a_schema_is_printed(call: Call, name: str):
    code, out, err = call("schema", name)
    assert (code, err) == (0, "")
    Draft202012Validator.check_schema(json.loads(out))


def test_the_example_has_the_default_schema(call: Call):
    assert call("schema").out == call("schema", "example").out == example_schema()


def test_every_schema_of_the_package_is_offered():
    found = {
        path.name
        for room in files("chainrule").iterdir()
        if room.is_dir()
        for path in room.iterdir()
        if path.name.endswith(".schema.json")
    }
    assert found == {place.rpartition("/")[2] for place in schema.SCHEMAS.values()}
