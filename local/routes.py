"""Routes of the HTTP API: the emulator ignores the ``Body`` of an API, so it is replayed.

The template transform puts every route, authorizer and CORS rule of an ``AWS::Serverless::HttpApi``
into the OpenAPI body of one ``AWS::ApiGatewayV2::Api``. AWS reads it at creation; here each part is
created through the API of the service instead. The result is the same for a client.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.cloud import Cloud
from local.error import StepError

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client

API_TYPE = "AWS::ApiGatewayV2::Api"
FUNCTION_TYPE = "AWS::Lambda::Function"
INTEGRATED_FUNCTION = re.compile(r".*/functions/(?P<arn>.*)/invocations$")
PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")

# A template is JSON of any shape, and the functions of CloudFormation may stand anywhere in it.
Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedTemplate:
    """A processed template with what its references mean in one stack."""

    resources: Mapping[str, Json]
    conditions: Mapping[str, Json]
    references: Mapping[str, Json]

    def physical_id(self, logical_id: str) -> str:
        """Return the name that a resource got."""
        return str(self.references[logical_id])

    def resolve(self, value: Json) -> Json:
        """Return a value with every CloudFormation function in it carried out."""
        match value:
            case list():
                items = [self.resolve(item) for item in value]
                return [item for item in items if item is not _NO_VALUE]
            case {"Ref": name}:
                return self.references[name]
            case {"Fn::GetAtt": [resource, attribute]}:
                return self._attribute(resource, attribute)
            case {"Fn::GetAtt": str(path)}:
                return self._attribute(*path.split(".", 1))
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self.resolve(parts))
            case {"Fn::If": [condition, then, otherwise]}:
                return self.resolve(then if self._holds(condition) else otherwise)
            case {"Fn::Sub": [text, names]}:
                return self._substitute(text, self.resolve(names))
            case {"Fn::Sub": text}:
                return self._substitute(text, {})
            case dict():
                fields = {key: self.resolve(item) for key, item in value.items()}
                return {key: item for key, item in fields.items() if item is not _NO_VALUE}
            case _:
                return value

    def _attribute(self, resource: str, attribute: str) -> str:
        if attribute == "Arn" and self.resources[resource]["Type"] == FUNCTION_TYPE:
            region, account = self.references["AWS::Region"], self.references["AWS::AccountId"]
            return f"arn:aws:lambda:{region}:{account}:function:{self.references[resource]}"
        raise StepError("Routes", f"The attribute {resource}.{attribute} is not known here.")

    def _substitute(self, text: str, names: Mapping[str, Json]) -> str:
        def replacement(found: re.Match[str]) -> str:
            name = found[1]
            if name in names:
                return str(names[name])
            return (
                self._attribute(*name.split(".", 1)) if "." in name else str(self.references[name])
            )

        return PLACEHOLDER.sub(replacement, text)

    def _holds(self, condition: str) -> bool:
        return self._evaluate(self.conditions[condition])

    def _evaluate(self, expression: Json) -> bool:
        match expression:
            case {"Fn::Equals": [left, right]}:
                return str(self.resolve(left)) == str(self.resolve(right))
            case {"Fn::Not": [operand]}:
                return not self._evaluate(operand)
            case {"Condition": name}:
                return self._holds(name)
            case _:
                raise StepError("Routes", f"The condition {expression} is not known here.")


_NO_VALUE = object()


def deployed_template(cloud: Cloud, stack_name: str) -> DeployedTemplate:
    """Read the processed template of a stack, its parameters and its resources."""
    answer = cloud.cloudformation.get_template(StackName=stack_name, TemplateStage="Processed")
    # Typed as an object, sent as text.
    body: Json = answer["TemplateBody"]
    template: Json = json.loads(body) if isinstance(body, str) else body
    stack = cloud.cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    region, account = stack["StackId"].split(":")[3:5]
    references: dict[str, Json] = {
        "AWS::NoValue": _NO_VALUE,
        "AWS::Region": region,
        "AWS::AccountId": account,
        "AWS::Partition": "aws",
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    for parameter in stack.get("Parameters", []):
        name, value = parameter["ParameterKey"], parameter["ParameterValue"]
        is_list = template["Parameters"][name]["Type"] == "CommaDelimitedList"
        references[name] = value.split(",") if is_list else value
    for page in cloud.cloudformation.get_paginator("list_stack_resources").paginate(
        StackName=stack_name
    ):
        for resource in page["StackResourceSummaries"]:
            references[resource["LogicalResourceId"]] = resource.get("PhysicalResourceId", "")
    return DeployedTemplate(
        resources=template["Resources"],
        conditions=template.get("Conditions", {}),
        references=references,
    )


def create_routes(cloud: Cloud, stack_name: str) -> None:
    """Replace the routes of every HTTP API of the stack by those of its body; idempotent."""
    template = deployed_template(cloud, stack_name)
    for logical_id, resource in template.resources.items():
        if resource["Type"] != API_TYPE:
            continue
        api_id = template.physical_id(logical_id)
        body = template.resolve(resource["Properties"]["Body"])
        _remove_routes(cloud.http_apis, api_id)
        if cors := body.get("x-amazon-apigateway-cors"):
            cloud.http_apis.update_api(ApiId=api_id, CorsConfiguration=_with_capitals(cors))
        authorizers = _create_authorizers(cloud.http_apis, api_id, body)
        _create_routes(cloud.http_apis, api_id, body, authorizers)


def _remove_routes(apis: "ApiGatewayV2Client", api_id: str) -> None:
    for route in apis.get_routes(ApiId=api_id)["Items"]:
        apis.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    for integration in apis.get_integrations(ApiId=api_id)["Items"]:
        apis.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])
    for authorizer in apis.get_authorizers(ApiId=api_id)["Items"]:
        apis.delete_authorizer(ApiId=api_id, AuthorizerId=authorizer["AuthorizerId"])


def _create_authorizers(apis: "ApiGatewayV2Client", api_id: str, body: Json) -> dict[str, str]:
    authorizer_ids = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        if definition := scheme.get("x-amazon-apigateway-authorizer"):
            created = apis.create_authorizer(
                ApiId=api_id,
                Name=name,
                AuthorizerType="JWT",
                IdentitySource=[definition["identitySource"]],
                JwtConfiguration=_with_capitals(definition["jwtConfiguration"]),
            )
            authorizer_ids[name] = created["AuthorizerId"]
    return authorizer_ids


def _create_routes(
    apis: "ApiGatewayV2Client", api_id: str, body: Json, authorizers: Mapping[str, str]
) -> None:
    integration_ids: dict[tuple[str, str], str] = {}
    for route_key, operation in _operations(body):
        integration = operation["x-amazon-apigateway-integration"]
        version = integration.get("payloadFormatVersion", "2.0")
        function = INTEGRATED_FUNCTION.sub(r"\g<arn>", integration["uri"])
        if (function, version) not in integration_ids:
            integration_ids[function, version] = apis.create_integration(
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                PayloadFormatVersion=version,
                IntegrationUri=function,
            )["IntegrationId"]
        target = f"integrations/{integration_ids[function, version]}"
        requirement = _authorizer_and_scopes(operation, authorizers)
        if requirement is None:
            apis.create_route(ApiId=api_id, RouteKey=route_key, Target=target)
        else:
            authorizer, scopes = requirement
            apis.create_route(
                ApiId=api_id,
                RouteKey=route_key,
                Target=target,
                AuthorizationType="JWT",
                AuthorizerId=authorizers[authorizer],
                AuthorizationScopes=scopes,
            )


def _operations(body: Json) -> Iterator[tuple[str, Json]]:
    for path, operations in body.get("paths", {}).items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "x-amazon-apigateway-integration" in operation:
                verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                yield "$default" if path == "/$default" else f"{verb} {path}", operation


def _authorizer_and_scopes(
    operation: Json, authorizers: Mapping[str, str]
) -> tuple[str, list[str]] | None:
    for requirement in operation.get("security", []):
        for name, scopes in requirement.items():
            if name in authorizers:
                return name, scopes
    return None


def _with_capitals(properties: Mapping[str, Json]) -> Json:
    """Return OpenAPI properties under the names that the service's own API gives them."""
    return {name[0].upper() + name[1:]: value for name, value in properties.items()}
