"""The few words of JSON Schema that the files in docs/ use."""
import json

from kit.pythons import REPOSITORY

TYPES = {"object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,),
         "integer": (int,), "number": (int, float), "null": (type(None),)}


def load(name):
    return json.loads((REPOSITORY / "docs" / name).read_text(encoding="utf-8"))


def check(value, schema, root):
    """That value has all that the schema tells of, and nothing else."""
    if "$ref" in schema:
        return check(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    wanted = schema.get("type", [])
    if wanted:
        names = [wanted] if isinstance(wanted, str) else wanted
        assert type(value) in [kind for name in names for kind in TYPES[name]], (value, schema)
    assert value == schema.get("const", value), (value, schema)
    assert value in schema.get("enum", [value]), (value, schema)
    if isinstance(value, (int, float)):
        assert value >= schema.get("minimum", value), (value, schema)
    elif isinstance(value, str):
        assert schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    elif isinstance(value, dict):
        optional = set(schema["properties"]) - set(schema["required"])
        assert set(schema["required"]) == set(value) - optional, value.keys()
        for name, member in value.items():
            check(member, schema["properties"][name], root)
    elif isinstance(value, list):
        for item in value:
            check(item, schema["items"], root)
    return None
