"""Every fault that the ledger is tested against, with what has to happen and the tests that say so.

`python -m tests.faults.document` writes docs/faults.md from it; test_catalogue.py holds it against
the tests that there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault; a test is `file::name`, the file below tests/."""

    fault: str
    required: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Faults of one kind."""

    name: str
    entries: Sequence[Entry]


FAULTS: Final = (
    Group(
        "Messages and requests",
        (
            Entry(
                "an event is delivered twice",
                "it changes nothing the second time",
                (
                    "functions/test_work_queues.py::test_a_fact_twice_in_one_batch_is_posted_once",
                    "stack/test_convergence.py::test_stripe_in_any_order_and_every_event_twice",
                    "property/test_convergence.py::test_a_history_told_again_posts_nothing",
                ),
            ),
            Entry(
                "an event is delivered twice at the same moment",
                "one of the two posts; balances, events and mails are those of one",
                (
                    "faults/test_story.py::test_after_one_fault_at_any_write_all_is_as_without_it",
                    "faults/test_storms.py::test_two_hundred_deliveries_of_one_purchase_are_one",
                    "service/test_write_path.py::test_two_first_purchases_at_once_enrol_one_member",
                    "stack/test_parallel.py::test_one_request_sent_many_times_at_once_is_redeemed_once",
                ),
            ),
            Entry(
                "paid, voided or refunded before posted; any other order",
                "the early fact is kept and counts when the purchase comes; the same balances",
                (
                    "property/test_convergence.py::test_any_order_ends_in_the_same_balances",
                    "property/test_histories.py::test_histories_told_in_any_order_end_alike",
                    "stack/test_convergence.py::test_random_orders_of_one_history_end_in_the_same_balance",
                    "stack/test_convergence.py::test_a_refund_waits_for_the_payment_that_it_names_and_is_woken",
                ),
            ),
            Entry(
                "a message that can never be a fact",
                "it alone is refused, with its reason, and ends in the dead letters",
                (
                    "functions/test_work_queues.py::test_poisoned_messages_come_again_and_the_rest_is_recorded",
                    "functions/test_work_queues.py::test_refused_messages_leave_nothing_behind",
                    "unit/runtime/test_batch.py::test_a_poisoned_message_fails_alone_with_its_code",
                    "stack/test_queues.py::test_poison_ends_in_the_dead_letters_and_the_rest_of_the_batch_is_posted",
                ),
            ),
            Entry(
                "a part of a batch fails",
                "exactly the ids of that part come again",
                (
                    "functions/test_work_queues.py::test_poisoned_messages_come_again_and_the_rest_is_recorded",
                    "unit/runtime/test_batch.py::test_an_error_fails_its_record_and_no_other",
                    "functions/test_work_queues.py::test_an_error_of_the_table_fails_its_message_and_no_other",
                    "functions/test_work_queues.py::test_when_time_runs_out_what_was_not_begun_comes_again",
                ),
            ),
            Entry(
                "a whole batch comes again",
                "nothing more is written",
                (
                    "functions/test_work_queues.py::test_the_same_batch_again_changes_nothing_at_all",
                    "stack/test_convergence.py::test_a_whole_history_again_changes_nothing",
                ),
            ),
            Entry(
                "a request is sent again with its key, also at the same moment",
                "the first result; another input under the key is refused",
                (
                    "service/test_write_path.py::test_the_same_request_at_the_same_moment_gets_one_answer",
                    "stack/test_api_refused.py::test_a_key_used_for_another_redemption",
                    "faults/test_story.py::test_after_one_fault_at_any_write_all_is_as_without_it",
                ),
            ),
        ),
    ),
    Group(
        "Processes and the table",
        (
            Entry(
                "a process is killed at any line of any handler",
                "the event comes again and all ends as if nothing had happened",
                (
                    "faults/test_story.py::test_after_one_fault_at_any_write_all_is_as_without_it",
                    "faults/test_story.py::test_every_function_that_writes_is_in_the_story",
                    "simulation/test_schedules.py::test_whatever_the_order_the_ledger_is_as_if_everything_had_happened_alone",
                    "functions/test_reconciliation.py::test_killed_after_freezing_nothing_is_frozen_or_counted_twice",
                    "functions/test_outbound_deliveries.py::test_a_worker_that_is_killed_before_it_notes_its_try_posts_again",
                ),
            ),
            Entry(
                "a process is killed after the commit and before the reply",
                "the own write answers as a duplicate",
                (
                    "faults/test_story.py::test_after_one_fault_at_any_write_all_is_as_without_it",
                    "simulation/test_schedules.py::test_schedules_meet_every_fault_and_lose_many_races",
                ),
            ),
            Entry(
                "a worker is killed while it sends a mail",
                "no second mail: one that may be out already is not sent again",
                (
                    "functions/test_notifications.py::test_a_worker_that_is_killed_while_it_sends_leaves_no_second_mail",
                ),
            ),
            Entry(
                "processes are killed with SIGKILL under load",
                "nothing is lost, nothing is doubled, every chain and receipt verifies",
                (
                    "stack/test_faults.py::test_processes_killed_under_load_lose_nothing_and_double_nothing",
                ),
            ),
            Entry(
                "the reply of a commit is lost",
                "everything is read again; the own write is a duplicate",
                (
                    "faults/test_story.py::test_after_one_fault_at_any_write_all_is_as_without_it",
                    "contract/test_outcomes.py::TestRequests::test_nobody_knows_what_is_stored",
                ),
            ),
            Entry(
                "30 % of all requests are throttled, cancelled or unanswered",
                "the final state equals that of the clean run",
                (
                    "faults/test_story.py::test_when_every_third_request_fails_all_ends_as_without_failures",
                    "simulation/test_schedules.py::test_whatever_the_order_the_ledger_is_as_if_everything_had_happened_alone",
                ),
            ),
            Entry(
                "200 writers of one member at the same moment",
                "each is posted once or told that nothing was decided; the sum is exact",
                (
                    "faults/test_storms.py::test_two_hundred_purchases_of_one_member_are_each_posted_once",
                    "faults/test_storms.py::test_two_hundred_redemptions_spend_what_is_there_and_every_one_knows",
                    "stack/test_faults.py::test_two_hundred_writers_of_one_member_are_each_in_once",
                    "stack/test_parallel.py::test_parallel_redemptions_never_overspend",
                ),
            ),
            Entry(
                "clocks of workers differ by up to five minutes",
                "an entry is never recorded before the one before it; the balances are the same",
                (
                    "faults/test_clocks.py::test_workers_whose_clocks_differ_end_alike",
                    "unit/runtime/test_schedule.py::test_five_minutes_ahead_are_a_clock_that_differs",
                    "functions/test_sweeps.py::test_a_schedule_may_be_five_minutes_ahead_of_the_clock",
                    "service/test_sweep_shards.py::test_a_worker_whose_clock_is_behind_the_tick_s_says_that_it_is_through",
                    "functions/test_sweep_workers.py::test_a_worker_may_be_behind_a_tick_that_is_ahead",
                ),
            ),
        ),
    ),
    Group(
        "The stream",
        (
            Entry(
                "records come again, and in other batches",
                "the same events under the same ids; totals count each change once",
                (
                    "faults/test_streams.py::test_a_stream_in_any_batches_tells_the_same_events",
                    "service/test_totalling.py::test_any_batches_any_repeats_and_any_death_count_each_change_once",
                    "service/test_totalling.py::test_two_copies_of_a_batch_at_once_count_once",
                    "property/test_ledger_totals.py::test_totals_are_what_a_recount_of_all_entries_gives",
                    "functions/test_notifications.py::test_every_event_of_a_history_is_told_once",
                    "functions/test_outbound_deliveries.py::test_an_event_that_is_told_twice_is_one_delivery",
                ),
            ),
            Entry(
                "the bus or a queue takes nothing",
                "the whole batch comes again",
                (
                    "functions/test_ledger_events.py::test_an_event_that_the_bus_does_not_take_brings_the_batch_again",
                    "functions/test_ledger_events.py::test_a_queue_that_takes_nothing_brings_the_batch_again",
                ),
            ),
            Entry(
                "an entry is changed or removed by somebody",
                "LedgerInconsistent, at once",
                (
                    "functions/test_ledger_events.py::test_an_entry_that_changes_or_vanishes_is_an_alarm",
                ),
            ),
        ),
    ),
    Group(
        "Schedules",
        (
            Entry(
                "a schedule fires twice, late, or for an earlier time",
                "nothing is posted twice",
                (
                    "functions/test_sweeps.py::test_a_second_run_posts_nothing",
                    "functions/test_sweeps.py::test_a_run_for_an_earlier_time_after_a_later_one_posts_nothing",
                    "stack/test_schedules.py::test_the_same_sweep_again_posts_nothing",
                ),
            ),
            Entry(
                "two runs of a sweep overlap",
                "each target is posted once",
                ("faults/test_story.py::test_after_one_fault_at_any_write_all_is_as_without_it",),
            ),
            Entry(
                "a sweep is killed at any page, at any request",
                "the next one goes on; everything due is posted once",
                (
                    "faults/test_story.py::test_after_one_fault_at_any_write_all_is_as_without_it",
                    "functions/test_sweeps.py::test_when_time_runs_out_the_next_run_goes_on",
                ),
            ),
            Entry(
                "a target cannot be read",
                "it fails alone and is looked at again",
                (
                    "functions/test_sweeps.py::test_a_member_whose_account_cannot_be_read_fails_alone",
                    "functions/test_sweeps.py::test_an_account_that_makes_no_sense_fails_alone",
                    "functions/test_sweep_workers.py::test_a_target_that_dynamodb_never_takes_fails_alone",
                    "service/test_sweep_shards.py::test_one_target_that_always_fails_does_not_keep_workers_busy",
                ),
            ),
        ),
    ),
    Group(
        "Input",
        (
            Entry(
                "JSON that is too large, too deep, with a name twice, or no JSON",
                "413 or 400, and nothing is read, written or logged of it",
                (
                    "faults/test_input.py::test_a_body_that_is_no_strict_json_is_refused_by_every_route",
                    "faults/test_input.py::test_a_body_that_is_too_large_is_refused_by_every_route",
                    "faults/test_input.py::test_every_route_that_takes_a_body_is_asked",
                    "functions/test_bad_input.py::test_what_is_no_proper_json_is_refused",
                    "functions/test_webhooks.py::test_what_cannot_be_read_is_invalid",
                    "functions/test_webhooks.py::test_a_byte_too_many_is_refused_before_its_signature_is_checked",
                    "stack/test_api_refused.py::test_a_body_that_is_too_large",
                ),
            ),
            Entry(
                "ids of any characters",
                "equal after normalisation and only then; none can forge another's key",
                (
                    "functions/test_work_queues.py::test_an_id_is_taken_whatever_is_in_it_and_none_can_pass_for_another",
                    "functions/test_work_queues.py::test_ids_are_equal_after_normalisation",
                    "stack/test_convergence.py::test_ids_of_any_characters_name_one_purchase",
                    "stack/test_convergence.py::test_customers_of_any_characters_are_found_by_their_external_id",
                ),
            ),
            Entry(
                "input that is meant to forge lines of the log",
                "one line per outcome, bounded, with ids and codes only",
                (
                    "functions/test_logs.py::test_nothing_that_is_sent_makes_a_line_long_or_begins_one",
                    "unit/runtime/test_observability.py::test_a_value_cannot_begin_a_line_of_its_own",
                ),
            ),
        ),
    ),
    Group(
        "Signatures and tokens",
        (
            Entry(
                "a forged or stale signature",
                "401, unread",
                (
                    "functions/test_webhooks.py::test_what_is_not_proven_is_refused_unread",
                    "functions/test_webhooks.py::test_a_wrong_signature_of_shopify_is_refused_unread",
                    "functions/test_webhooks.py::TestRotation::test_the_secret_of_another_provider_proves_nothing",
                    "stack/test_webhooks_refused.py::test_messages_outside_the_replay_window",
                    "stack/test_webhooks_refused.py::test_a_body_changed_after_it_was_signed",
                ),
            ),
            Entry(
                "a delivery is replayed",
                "refused after five minutes where the scheme has a time; else the same facts again",
                (
                    "stack/test_convergence.py::test_stripe_in_any_order_and_every_event_twice",
                    "stack/test_webhooks_refused.py::test_messages_outside_the_replay_window",
                ),
            ),
            Entry(
                "the secret is rotated under load",
                "nothing is lost; the old secret ends",
                (
                    "stack/test_faults.py::test_a_secret_is_rotated_under_load_and_nothing_is_lost",
                    "functions/test_webhooks.py::TestRotation::test_both_secrets_work_while_one_is_replaced",
                    "functions/test_webhooks.py::TestRotation::test_a_new_secret_works_at_once_and_an_old_one_ends",
                ),
            ),
            Entry(
                "token confusion: no algorithm, HS256 with the public key, a key of one's own, "
                "another issuer or pool, an access or refresh token for an id token",
                "401 from the gateway",
                (
                    "stack/test_faults.py::test_no_token_but_one_of_our_pool_for_our_clients_is_believed",
                    "stack/test_access.py::test_nobody_without_a_valid_token",
                    "stack/test_access.py::test_the_access_token_of_a_person_is_refused",
                ),
            ),
            Entry(
                "a client without the scope of a till",
                "refused; nothing is written",
                (
                    "stack/test_faults.py::test_a_client_without_the_scope_of_a_till_may_do_nothing",
                    "functions/test_authorization_of_routes.py::test_a_route_refuses_who_is_nobody_here",
                ),
            ),
        ),
    ),
)
