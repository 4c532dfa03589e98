#!/usr/bin/env python3
"""Tests the tests: switches on one known bug after the other and shows which test finds it, and how fast.

  scripts/mutants.py [--no-build] [--only NAME]... [--jobs N] [--all]

The bugs are those of base/mutant.h, built in by the preset `mutants` alone. For each the tests named below run until
one fails; before that all of them must pass with no bug switched on. --all runs every test of the list and shows each
that finds the bug. Prints a table; exits 1 when a bug survives or a test fails without one, 2 on wrong arguments.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "mutants"
TIMEOUT_S = 120  # a bug may make a test hang: that finds it, too

# Program -> where it lies below build/mutants.
PROGRAMS = {
    "segment_tests": "tests/segment",
    "partition_tests": "tests/partition",
    "partition_unit_tests": "tests/partition",
    "partition_hint_tests": "tests/partition",
    "compactor_tests": "tests/compactor",
    "runner_tests": "tests/broker",
    "group_tests": "tests/broker",
    "kafka_wire_tests": "tests/proto",
    "kafka_tests": "tests/broker",
    "compaction_disk_tests": "tests/broker",
    "broker_tests": "tests/broker",
    "cli_forms_tests": "tests/cli",
    "positions_tests": "tests/broker",
    "cli_tests": "tests/cli",
    "cli_verify_tests": "tests/cli",
    "model_tests": "tests/model",
    "schedule_tests": "tests/model",
    "crash_enumeration": "tests/crash",
    "client_tests": "tests/client",
    "sizing_tests": "tests/sizing",
    "backup_tests": "tests/backup",
}


def crash(workload):
    return ("crash_enumeration", "--workload", workload, "--images", "1500", "--second-level", "0")


SEGMENT = "segment_tests"
PARTITION = "partition_tests"
HINT = "partition_hint_tests"
COMPACTOR = "compactor_tests"
RUNNER = "runner_tests"
COMPACTION = "compaction_disk_tests"
MODEL = "model_tests"
GROUP = "group_tests"
KAFKA_WIRE = "kafka_wire_tests"

# Bug -> the tests that may find it, the quickest first; each a program with its arguments (Catch2 filters).
TESTS = {
    "tombstone_dropped_early": [(COMPACTOR,)],
    "hint_without_tombstones": [(HINT,), (COMPACTOR,)],
    "older_record_wins": [(PARTITION,)],
    "any_entry_removed": [(COMPACTION, "a key that is written while*"), (MODEL,)],
    "crc_not_checked": [(HINT,), (PARTITION,), (SEGMENT,)],
    "half_loaded_keydir": [(MODEL, "[regression]")],
    "inputs_removed_after_failure": [(COMPACTION, "an error at any operation*")],
    "tombstone_age_from_append": [(COMPACTION, "a tombstone stays*"), (MODEL, "[regression]")],
    "compacted_above_bound": [(COMPACTOR,)],
    "uncommitted_evidence": [(COMPACTION, "a record stays until*"), crash("compaction")],
    "clean_mark_of_the_end": [(COMPACTOR,)],
    "lost_evidence_unnoticed": [(PARTITION,)],
    "segment_name_not_synced": [crash("roll")],
    "replaced_file_not_synced": [(PARTITION,), crash("manifest")],
    "clean_mark_survives": [("broker_tests", "the mark of a clean stop*")],
    "failed_sync_forgotten": [(RUNNER,), (SEGMENT,), crash("failed-sync")],
    "segment_span_unchecked": [(SEGMENT,)],
    "broken_segment_retried": [(COMPACTOR,)],
    "reads_beyond_committed": [(RUNNER,)],
    "offsets_given_twice": [(PARTITION,), crash("ceiling")],
    "ceiling_used_before_sync": [(SEGMENT,), crash("ceiling")],
    "sync_credits_later_writes": [(RUNNER,)],
    "output_not_synced": [(COMPACTOR,), crash("compaction")],
    "deletion_marker_not_last": [("broker_tests", "whatever a power loss leaves of a removal*")],
    "damage_taken_for_torn_tail": [(PARTITION,)],
    "acked_before_sync": [(RUNNER,), crash("group-commit")],
    "dropped_batch_remembered": [(MODEL, "[model]")],
    "no_entry_means_dead": [(COMPACTOR,)],
    "active_log_is_leftover": [(PARTITION,), (RUNNER,)],
    "caught_up_too_early": [("broker_tests", "a key that is overwritten or deleted during the walk*")],
    "caught_up_before_compaction": [("schedule_tests", "what compaction takes away*")],
    "duplicate_acked_before_sync": [(RUNNER,)],
    "every_line_unescaped": [("cli_forms_tests", "JSON, Windows paths*")],
    "line_end_kept_in_value": [("cli_forms_tests", "the CR of CR LF*")],
    "marker_ends_copy": [("cli_forms_tests", "produce takes what every verb prints*")],
    "first_fill_always_later": [("broker_tests", "[disk_full]")],
    "reserve_only_counted": [(SEGMENT, "[reserve]")],
    "records_take_reserve": [(PARTITION, "[reserve]")],
    "unlinked_log_acknowledged": [(RUNNER, "a log that is removed*")],
    "read_error_sticks": [(RUNNER, "a read error*")],
    "rest_keeps_descriptors": [(RUNNER, "a partition at rest*")],
    "wrong_budget_named": [("broker_tests", "a refusal for want of keydir*")],
    "removal_holds_up_stop": [("broker_tests", "the files of a deleted topic*")],
    "record_size_estimated": [("client_tests", "A record of exactly max_record_bytes*")],
    "starts_beyond_the_end": [("client_tests", "A start beyond the end*")],
    "readers_ask_producer_id": [("client_tests", "A table that only reads*")],
    "active_segment_outlives_retention": [(RUNNER, "records past retention.ms go*")],
    "writes_miss_their_key": [("broker_tests", "a write by key goes where*")],
    "repeat_written_elsewhere": [("broker_tests", "a batch sent twice is not written*")],
    "stale_placement_admitted": [("broker_tests", "records on their way while*")],
    "foreign_log_adopted": [(PARTITION, "[identity]"), (SEGMENT,)],
    "sync_log_gone_too_early": [(RUNNER, "a closed segment's sync log*")],
    "position_of_any_log": [(PARTITION, "[runs]"), ("positions_tests",)],
    "unreadable_is_damaged": [(PARTITION, "[manifest]")],
    "allowance_granted_anew": [("partition_unit_tests", "however often it is started*")],
    "log_start_forgotten": [(RUNNER, "log start is noted*"), ("cli_verify_tests", "a manifest that is made anew*")],
    "partition_number_masked": [("broker_tests", "a partition number above*")],
    "looked_up_before_asked": [("broker_tests", "[authorization]")],
    "partitioner_changed_over_records": [("broker_tests", "a partitioner changes*")],
    "unknown_delete_forgotten": [(RUNNER, "a delete of an unknown key*"), (MODEL, "[model]")],
    "foreign_offset_of_a_delete": [("broker_tests", "a key whose delete*")],
    "new_partition_loads": [(RUNNER, "a new partition answers*")],
    "merged_watch_asks_every_partition": [("broker_tests", "a watch registers*")],
    "commit_beyond_end": [("broker_tests", "a group commits*")],
    "writer_outruns_compaction": [(RUNNER, "a writer that outruns*")],
    "wake_up_told_without_records": [("client_tests", "A wake-up is told*")],
    "horizon_of_the_old_log": [("client_tests", "Who goes on in another log*")],
    "offsets_of_two_partitions": [("client_tests", "A watch of a key in several*"),
                                  ("broker_tests", "a resumed watch tells a key's newest*")],
    "stuck_watches_pile_up": [("broker_tests", "watchers that take nothing*")],
    "gone_key_in_partition_0": [("broker_tests", "a key that is gone from several*")],
    "placed_without_a_look": [("broker_tests", "a refused change of the partitioner*")],
    "undecided_change_lifted": [("broker_tests", "a change of the partitioner that may turn up*")],
    "every_reopen_waits": [("broker_tests", "while a reopen waits*")],
    "false_switch_unheard": [("cli_tests", "a switch is on, off*")],
    "units_not_of_limit": [("sizing_tests", "a figure stands in the units of the limit*")],
    "verdict_not_strict": [("sizing_tests", "exactly three quarters*")],
    "loss_not_strict": [("sizing_tests", "an interval as long as*")],
    "waiting_member_expires": [(GROUP,)],
    "group_saves_race": [(GROUP,)],
    "keyless_records_compacted": [("broker_tests", "one record without a key*")],
    "every_topic_read_at_once": [("broker_tests", "while the records of a topic are read*")],
    "keyless_slips_in": [("broker_tests", "while the records of a topic are read*")],
    "members_without_bound": [(GROUP,)],
    "leader_cannot_ask": [(GROUP,)],
    "static_return_rebalances": [(GROUP,)],
    "sync_of_any_generation": [(GROUP,)],
    "assigned_before_stored": [(GROUP,)],
    "stranger_commits": [(GROUP,)],
    "clock_jump_expires": [("broker_tests", "a wall clock that jumps expires*")],
    "asked_listener_left_out": [("broker_tests", "a listener that was asked for*")],
    "fetch_epoch_unchecked": [("kafka_tests", "[fetch-session]")],
    "fetch_error_not_forgotten": [("kafka_tests", "[fetch-session]")],
    "growth_recorded_first": [("broker_tests", "[growth]")],
    "kafka_commit_judged": [("broker_tests", "a Kafka client commits any offset*")],
    "handed_out_ids_not_awaited": [(GROUP,)],
    "fenced_member_lives": [(GROUP,)],
    "compact_client_id": [(KAFKA_WIRE, "the head of a Kafka request*")],
    "flexible_answer_to_versions": [(KAFKA_WIRE, "the answer to ApiVersions*")],
    "null_in_every_version": [(KAFKA_WIRE, "a null list*")],
    "entries_unbounded": [(KAFKA_WIRE, "entries that would be*")],
    "unknown_tag_stays": [(KAFKA_WIRE, "a Kafka message in a flexible version*")],
    "newer_subscription_refused": [(KAFKA_WIRE, "a Kafka client's subscription is read*")],
    "answer_of_an_earlier_share": [("client_tests", "What was fetched of an earlier share*")],
    "readers_of_written_sync": [(RUNNER, "a reader that waits has what is written synced*")],
    "session_takes_ids_for_names": [("kafka_tests", "[fetch-session]")],
    "id_charged_as_no_name": [("kafka_tests", "an id is charged*")],
    "end_before_shown": [("broker_tests", "[offsets]")],
    "backup_never_expires": [("backup_tests", "a backup that stands still*")],
    "damaged_backup_restored": [("backup_tests", "a damaged file of a backup*")],
    "restored_producers_known": [("backup_tests", "a producer's first batch*")],
    "restore_keeps_epoch": [("backup_tests", "whoever comes with positions*")],
}


def bugs():
    text = (ROOT / "base" / "mutant.h").read_text(encoding="utf-8")
    return dict(re.findall(r'X\((\w+), "([^"]+)"\)', text))


def build():
    subprocess.run(["cmake", "--preset", "mutants"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    jobs = ["-j", os.environ.get("LOGCASK_BUILD_JOBS", str(os.cpu_count() or 1))]
    targets = sorted({test[0] for tests in TESTS.values() for test in tests})
    subprocess.run(["cmake", "--build", "--preset", "mutants", *jobs, "--target", *targets], cwd=ROOT, check=True)


def name_of(test):
    return " ".join([test[0], *(f"'{a}'" if re.search(r"[^\w\-:,./]", a) else a for a in test[1:])])


def failed_case(output):
    """The name of the first failed test of Catch2's report; the lines between its first two rules of dashes."""
    rule = r"-{70,}\n"
    found = re.search(rule + r"(.+?)\n" + rule, output, re.S)
    return " ".join(line.strip() for line in found.group(1).splitlines()) if found else None


def run(test, mutant):
    """(failed, name of what failed, seconds, output)"""
    program = BUILD / PROGRAMS[test[0]] / test[0]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOGCASK_")}
    if mutant:
        environment["LOGCASK_MUTANT"] = mutant
    if test[0] == "crash_enumeration":
        arguments = [str(program), *test[1:]]
    else:
        # A comma in a name stands for "or" otherwise.
        names = [a if a.startswith(("[", "-")) else re.sub(r"(?<!\\),", r"\\,", a) for a in test[1:]]
        arguments = [str(program), *names, "--abort"]
    start = time.monotonic()
    try:
        done = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT_S, cwd=BUILD, check=False)
        output, failed = done.stdout.decode("utf-8", "replace"), done.returncode != 0
    except subprocess.TimeoutExpired as late:
        output, failed = (late.stdout or b"").decode("utf-8", "replace") + "\nhangs", True
    seconds = time.monotonic() - start
    if test[0] == "crash_enumeration":
        name = name_of(test[:3])
    else:
        name = f"{test[0]}: {failed_case(output) or name_of(test)}"
    return failed, name + (" (hangs)" if output.endswith("\nhangs") else ""), seconds, output


def hunt(mutant, everything):
    found = []
    for test in TESTS.get(mutant, []):
        failed, name, seconds, _ = run(test, mutant)
        if failed:
            found.append((name, seconds))
            if not everything:
                break
    return mutant, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-build", action="store_true", help="take build/mutants as it is")
    parser.add_argument("--only", action="append", metavar="NAME", help="this bug only")
    parser.add_argument("--all", action="store_true", help="every test that finds a bug, not only the first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    known = bugs()
    unlisted = sorted(set(known) ^ set(TESTS))
    if unlisted:
        print(f"mutants: base/mutant.h and the list of tests differ: {', '.join(unlisted)}", file=sys.stderr)
        return 1
    chosen = arguments.only or list(known)
    if unknown := sorted(set(chosen) - set(known)):
        print(f"mutants: unknown: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    if not arguments.no_build:
        build()

    start = time.monotonic()
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tests = sorted({test for mutant in chosen for test in TESTS[mutant]})
        for test, (failed, name, _, output) in zip(tests, pool.map(lambda t: run(t, None), tests)):
            if failed:
                print(f"mutants: fails with no bug switched on: {name}\n{output}", file=sys.stderr)
                bad += 1
        if bad:
            return 1
        print("| mutant | bug it makes again | caught by | seconds |\n|---|---|---|---|")
        for mutant, found in pool.map(lambda m: hunt(m, arguments.all), chosen):
            bad += not found
            for name, seconds in found or [("SURVIVES", 0.0)]:
                print(f"| {mutant} | {known[mutant]} | {name} | {seconds:.1f} |", flush=True)
    print(f"mutants: {len(chosen) - bad} of {len(chosen)} found in {time.monotonic() - start:.0f} s, "
          f"{len(tests)} tests passed without them")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
