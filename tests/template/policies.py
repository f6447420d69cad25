"""What IAM decides about a request, from the policies of template.yaml.

A model of the rules that matter here (IAM user guide, "Policy evaluation logic"): nothing is
allowed unless a statement allows it, and a statement of any policy that denies it wins. What a
policy says in a way that the model does not know is an error, never a guess: a new operator has to
be taught first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tests.template.reading import Function, Json, Template, listed

TABLE = "Table.Arn"
LEADING_KEYS = "dynamodb:LeadingKeys"
UNUSED_ACCOUNT_FEATURES = frozenset({"NotAction", "NotResource", "NotPrincipal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: an action on a resource, and what its context has under each condition key.

    Resources are named as the template names them: `Table.Arn`, `Table.Arn/index/by_score`. A key
    that is not in `context` is absent from the request, which is not the same as empty.
    """

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def on_table(action: str, *partition_keys: str) -> Asked:
    """A request to the table that names items by their partition keys."""
    context = {LEADING_KEYS: partition_keys} if partition_keys else {}
    return Asked(action=f"dynamodb:{action}", resource=TABLE, context=context)


class Policies:
    """The policies of one template, with its parameters at their defaults."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._defaults = {
            name: str(parameter.get("Default", ""))
            for name, parameter in template.parameters.items()
        }

    def allows(self, function: Function, asked: Asked) -> bool:
        """Whether a function's role may do it."""
        statements = [*self._template.statements(function), *self.of_table(asked)]
        applying = [each["Effect"] for each in statements if self._applies(each, asked)]
        return "Allow" in applying and "Deny" not in applying

    def role_allows(self, function: Function, asked: Asked) -> bool:
        """Whether it may as far as its role goes, whatever the table's own policy says."""
        statements = self._template.statements(function)
        applying = [each["Effect"] for each in statements if self._applies(each, asked)]
        return "Allow" in applying and "Deny" not in applying

    def table_denies(self, asked: Asked) -> bool:
        """Whether the table's own policy denies it to everybody."""
        return any(
            each["Effect"] == "Deny" and each["Principal"] == "*" and self._applies(each, asked)
            for each in self.of_table(asked)
        )

    def of_table(self, asked: Asked) -> list[Json]:
        """The statements of the table's policy, where the request is to the table."""
        if asked.resource != TABLE:
            return []
        table = self._template.resources["Table"]["Properties"]
        found: list[Json] = table["ResourcePolicy"]["PolicyDocument"]["Statement"]
        return found

    def _applies(self, statement: Json, asked: Asked) -> bool:
        assert not UNUSED_ACCOUNT_FEATURES & statement.keys(), statement
        return (
            any(
                _matches(asked.action.lower(), each.lower()) for each in listed(statement["Action"])
            )
            and any(
                _matches(asked.resource, self._named(each))
                for each in listed(statement["Resource"])
            )
            and all(
                self._holds(operator, key, listed(wanted), asked)
                for operator, keys in statement.get("Condition", {}).items()
                for key, wanted in keys.items()
            )
        )

    def _holds(self, operator: str, key: str, wanted: list[Json], asked: Asked) -> bool:
        values = asked.context.get(key)
        patterns = [self._text(each) for each in wanted]
        match operator:
            case "Null":
                return (values is None) == (patterns == ["true"])
            case "ForAllValues:StringLike":
                # Also of a request without the key, which is why "Null" has to stand beside it.
                return all(_like(value, patterns) for value in values or ())
            case "ForAnyValue:StringLike":
                return any(_like(value, patterns) for value in values or ())
            case "StringEquals" | "ArnEquals":
                return values is not None and all(value in patterns for value in values)
            case "StringLike":
                return values is not None and all(_like(value, patterns) for value in values)
        raise AssertionError(f"an operator that this model does not know: {operator}")

    def _text(self, value: Json) -> str:
        return self._defaults[value["Ref"]] if isinstance(value, Mapping) else str(value)

    def _named(self, resource: Json) -> str:
        """A resource in the words of the template."""
        match resource:
            case str():
                return resource
            case {"Fn::GetAtt": [name, attribute]}:
                return f"{name}.{attribute}"
            case {"Fn::Sub": str(text)}:
                return text.replace("${", "").replace("}", "")
            case {"Ref": str(name)}:
                return name
            case {"Fn::If": [_, *choices]}:
                # Either may come true: what is named here is only ever compared with the table.
                return "|".join(self._named(each) for each in choices)
        raise AssertionError(f"a resource that this model does not know: {resource}")


def _matches(text: str, pattern: str) -> bool:
    return fnmatchcase(text, _literal(pattern))


def _like(value: str, patterns: list[str]) -> bool:
    return any(_matches(value, pattern) for pattern in patterns)


def _literal(pattern: str) -> str:
    """Brackets stand for themselves in a policy; `*` and `?` do not."""
    return pattern.replace("[", "[[]")
