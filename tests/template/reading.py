"""Reading of ``template.yaml``; the short forms of CloudFormation's functions become objects."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

# A template is of any shape; the tests say what they expect of it.
Json = Any


class _Loader(yaml.SafeLoader):
    """Reads ``!Ref`` and its like.

    Of two resources of one name YAML would keep the second without a word; here it is an error.
    """

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT002 - as yaml has it
    ) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        assert not twice, f"named twice in {node.start_mark}: {twice}"
        return super().construct_mapping(node, deep=deep)


def _construct(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            value: Json = loader.construct_scalar(node)
            return {name: value.split(".", 1) if suffix == "GetAtt" else value}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case yaml.MappingNode():
            return {name: loader.construct_mapping(node, deep=True)}
    raise AssertionError(node)


_Loader.add_multi_constructor("!", _construct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function with what the global section adds to it."""

    logical_id: str
    folder: str
    properties: dict[str, Json]
    environment: dict[str, Json]

    @property
    def events(self) -> list[Json]:
        return list(self.properties.get("Events", {}).values())

    def events_of(self, kind: str) -> list[Json]:
        return [event["Properties"] for event in self.events if event["Type"] == kind]


@dataclass(frozen=True)
class Template:
    document: dict[str, Json]

    @property
    def resources(self) -> dict[str, Json]:
        found: dict[str, Json] = self.document["Resources"]
        return found

    @property
    def parameters(self) -> dict[str, Json]:
        found: dict[str, Json] = self.document["Parameters"]
        return found

    def of_type(self, resource_type: str) -> dict[str, Json]:
        """Return the properties of the resources of a type by their logical ids."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    @cached_property
    def functions(self) -> list[Function]:
        common = self.document["Globals"]["Function"]
        return [
            Function(
                logical_id=name,
                folder=properties["CodeUri"].removeprefix("functions/").rstrip("/"),
                properties=common | properties,
                environment=common["Environment"]["Variables"]
                | properties["Environment"]["Variables"],
            )
            for name, properties in self.of_type("AWS::Serverless::Function").items()
        ]

    def statements(self, function: Function) -> list[Json]:
        """Return the statements of all policies of the function's role."""
        role = self.resources[attribute_of(function.properties["Role"])]["Properties"]
        assert "ManagedPolicyArns" not in role
        return [
            statement
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def grants(self, function: Function, action: str) -> Iterator[Json]:
        """Yield the statements that allow an action."""
        for statement in self.statements(function):
            assert statement["Effect"] == "Allow"
            if action in listed(statement["Action"]):
                yield statement


def read_template() -> Template:
    # A safe loader with constructors for the tags of CloudFormation.
    return Template(yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader))  # noqa: S506


def listed(value: Json) -> list[Json]:
    """Return a value that may also be written without its list."""
    return value if isinstance(value, list) else [value]


def attribute_of(value: Json) -> str:
    """Return the logical id that ``!GetAtt`` names."""
    logical_id: str = value["Fn::GetAtt"][0]
    return logical_id


def named(properties: Json) -> str:
    """Return the logical id that ``!Ref`` names."""
    logical_id: str = properties["Ref"]
    return logical_id
