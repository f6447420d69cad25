"""Every function: logs kept for a while, bounded time, traced, and no failure that nobody sees."""

import pytest

from points_ledger.runtime import sweeping
from points_ledger.runtime.settings import FUNCTION_SETTINGS, variables
from tests.template.reading import ROOT, Function, Template, attribute_of, named, read_template

FUNCTIONS = read_template().functions
LONGEST_REQUEST_SECONDS = 29
# A backtest comes again for as long as it makes progress; it gives itself up before SQS does.
# A retry of an outbound webhook is handed out at least once per try. A mail waits for the end of
# the quiet hours, which takes two turns at most.
# A shard of a sweep comes again whenever its worker runs out of time.
TURNS = {
    "simulations": 1000,
    "outbound_retries": 100,
    "notifications": 8,
    **dict.fromkeys(("hold_release", "expiry", "tier_review"), sweeping.TURNS),
}

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda found: found.folder)


def test_every_folder_of_a_function_is_deployed() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert folders <= {function.folder for function in FUNCTIONS}


@each_function
def test_log_group_has_retention_and_is_the_only_place_to_log_to(
    function: Function, template: Template
) -> None:
    log_group = named(function.properties["LoggingConfig"]["LogGroup"])
    assert template.resources[log_group]["Properties"]["RetentionInDays"]
    logging = [
        statement
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
        for statement in template.grants(function, action)
    ]
    assert {attribute_of(statement["Resource"]) for statement in logging} == {log_group}
    assert not list(template.grants(function, "logs:CreateLogGroup"))


@each_function
def test_time_and_memory_are_bounded(function: Function) -> None:
    assert function.properties["Timeout"] <= 120
    assert function.properties["MemorySize"] >= 512
    if function.events_of("HttpApi"):
        # The gateway gives up after 30 seconds.
        assert function.properties["Timeout"] <= LONGEST_REQUEST_SECONDS


@each_function
def test_names_the_layers_that_it_imports(function: Function) -> None:
    layers = [named(layer) for layer in function.properties["Layers"]]
    # Files are served by the standard library alone.
    own = ["LedgerLayer"] if function.folder == "portal" else ["DependenciesLayer", "LedgerLayer"]
    assert layers == own


@each_function
def test_is_traced(function: Function, template: Template) -> None:
    assert function.properties["Tracing"] == "Active"
    assert list(template.grants(function, "xray:PutTraceSegments"))


@each_function
def test_environment_is_what_its_settings_read(function: Function) -> None:
    assert set(function.environment) == variables(FUNCTION_SETTINGS[function.folder])
    assert function.environment["POWERTOOLS_SERVICE_NAME"] == function.folder


@each_function
def test_a_failure_goes_where_its_trigger_puts_it(function: Function, template: Template) -> None:
    kinds = {event["Type"] for event in function.events}
    match kinds:
        case _ if kinds == {"HttpApi"}:
            return  # the caller is told
        case _ if kinds == {"SQS"}:
            check_queue(function, template)
            return
        case _ if kinds in ({"ScheduleV2"}, {"ScheduleV2", "SQS"}):
            if "SQS" in kinds:
                check_queue(function, template)
            configuration = function.properties["EventInvokeConfig"]
            assert configuration["MaximumRetryAttempts"] == 2
        case _ if kinds == {"DynamoDB"}:
            [configuration] = function.events_of("DynamoDB")
            assert configuration["BisectBatchOnFunctionError"] is True
            assert configuration["ParallelizationFactor"] == 1
            if function.folder == "report_totals":
                # What was passed over would be missing from the totals for ever: it is tried again
                # as long as the stream has it. The window is what tells the shard.
                assert {"MaximumRetryAttempts", "MaximumRecordAgeInSeconds"}.isdisjoint(
                    configuration
                )
                assert configuration["TumblingWindowInSeconds"] > 0
                # Totals are items of the table: counting them would set off the next batch.
                filters = str(configuration["FilterCriteria"])
                assert all(f'"{kind}#"' in filters for kind in ("MEMBER", "EARNING", "REDEMPTION"))
                assert "TOTALS" not in filters
            else:
                assert configuration["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
                assert configuration["MaximumRetryAttempts"] > 0
        case _:
            pytest.fail(f"no failure destination is known for {kinds}")
    destination = configuration["DestinationConfig"]["OnFailure"]
    assert destination["Type"] == "SQS"
    queue_id = attribute_of(destination["Destination"])
    allowed = [
        attribute_of(resource)
        for statement in template.grants(function, "sqs:SendMessage")
        for resource in statement["Resource"]
    ]
    assert queue_id in allowed
    senders = [
        other.folder
        for other in FUNCTIONS
        if queue_id in str(other.properties.get("EventInvokeConfig"))
        or queue_id in str(other.events)
    ]
    assert senders == [function.folder], "a failure queue belongs to one function"


def check_queue(function: Function, template: Template) -> None:
    [event] = function.events_of("SQS")
    queue = template.resources[attribute_of(event["Queue"])]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == TURNS.get(function.folder, 5)
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(
    "function",
    [found for found in FUNCTIONS if found.events_of("ScheduleV2")],
    ids=lambda found: found.folder,
)
def test_schedule_passes_its_time_retries_and_has_dead_letters(
    function: Function, template: Template
) -> None:
    [schedule] = function.events_of("ScheduleV2")
    assert schedule["Input"] == '{"scheduled_time": "<aws.scheduler.scheduled-time>"}'
    assert schedule["RetryPolicy"]["MaximumRetryAttempts"] > 0
    dead_letters = template.resources[attribute_of(schedule["DeadLetterConfig"]["Arn"])]
    assert dead_letters["Type"] == "AWS::SQS::Queue"
    # Two stacks of one account must not claim the same schedule.
    assert "AWS::StackName" in str(schedule["Name"])


def test_layers_are_built_for_what_the_template_says(template: Template) -> None:
    makefile = (ROOT / "layers/dependencies/Makefile").read_text()
    assert f"LAMBDA_RUNTIME ?= {template.parameters['RuntimeVersion']['Default']}\n" in makefile
    architecture = template.parameters["Architecture"]["Default"]
    assert f"LAMBDA_ARCHITECTURE ?= {architecture}\n" in makefile
