"""``chainrule schema``: it prints the valid JSON Schemas of the package, byte for byte.

Whether documents conform to them is tested with the documents.
"""

import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from chainrule.cli import schema
from chainrule.explanation import example_schema
from tests.cli.conftest import Call


@pytest.mark.parametrize("name", list(schema.SCHEMAS))
def test_schema_is_printed(call: Call, name: str):
    code, out, err = call("schema", name)
    assert (code, err) == (0, "")
    Draft202012Validator.check_schema(json.loads(out))


def test_schema_of_the_example_is_the_default(call: Call):
    assert call("schema").out == call("schema", "example").out == example_schema()


def test_every_schema_of_the_package_is_offered():
    found = {
        path.name
        for folder in files("chainrule").iterdir()
        if folder.is_dir()
        for path in folder.iterdir()
        if path.name.endswith(".schema.json")
    }
    assert found == {place.rpartition("/")[2] for place in schema.SCHEMAS.values()}
