"""The HTTP API: closed unless listed here, throttled, and open to no foreign origin by default."""

from tests.template.reading import Json, Template

PUBLIC_ROUTES = {
    "GET /health",
    "GET /program",
    "GET /program/schema",
    "POST /webhooks/{provider}",
    # The link in a mail: its token is signed.
    "GET /unsubscribe",
    "POST /unsubscribe",
    # Pages, and what judges a password or a session's cookie itself.
    "GET /openapi.json",
    "GET /portal",
    "GET /console",
    "GET /portal/{proxy+}",
    "POST /session",
    "POST /session/new-password",
    "POST /session/forgotten-password",
    "POST /session/reset-password",
    "POST /session/renewal",
    "DELETE /session",
}


def routes(template: Template) -> dict[str, Json]:
    return {
        f"{event['Method']} {event['Path']}": event
        for function in template.functions
        for event in function.events_of("HttpApi")
    }


def test_every_route_but_the_public_ones_has_the_authorizer(template: Template) -> None:
    api = template.resources["Api"]["Properties"]
    assert api["Auth"]["DefaultAuthorizer"] in api["Auth"]["Authorizers"]
    open_routes = {
        route for route, event in routes(template).items() if event.get("Auth") is not None
    }
    assert open_routes == PUBLIC_ROUTES


def test_both_app_clients_are_audiences(template: Template) -> None:
    [authorizer] = template.resources["Api"]["Properties"]["Auth"]["Authorizers"].values()
    audience = {client["Ref"] for client in authorizer["JwtConfiguration"]["audience"]}
    assert audience == set(template.of_type("AWS::Cognito::UserPoolClient"))
    # Id tokens carry no scopes, so a route that asked for one would refuse every person.
    assert "AuthorizationScopes" not in authorizer


def test_no_origin_is_allowed_by_default(template: Template) -> None:
    assert template.parameters["CorsOrigins"]["Default"] == ""
    cors = template.resources["Api"]["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == {
        "Fn::If": ["HasCorsOrigins", {"Ref": "CorsOrigins"}, {"Ref": "AWS::NoValue"}]
    }
    assert "*" not in cors["AllowMethods"]
    assert "*" not in cors["AllowHeaders"]


def test_all_routes_are_throttled_and_the_webhooks_on_their_own(template: Template) -> None:
    api = template.resources["Api"]["Properties"]
    for settings in (
        api["DefaultRouteSettings"],
        api["RouteSettings"]["POST /webhooks/{provider}"],
    ):
        assert settings["ThrottlingRateLimit"]
        assert settings["ThrottlingBurstLimit"]
    assert set(api["RouteSettings"]) <= set(routes(template))


def test_access_is_logged_and_kept_for_a_while(template: Template) -> None:
    api = template.resources["Api"]["Properties"]
    assert api["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["ApiLogGroup", "Arn"]}
    assert template.resources["ApiLogGroup"]["Properties"]["RetentionInDays"]
