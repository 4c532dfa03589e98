#pragma once
// Bugs that can be switched on, to see that the tests find them: for test builds with -DLOGCASK_MUTANTS=ON only.
//
// Each is one `if (mutant(Mutant::...))` at the place where somebody could make the mistake. In such a build the
// environment variable LOGCASK_MUTANT names the one that is active; in every other build all of them are constant
// false and leave no code. scripts/mutants.py runs the tests against each. Threads: any.

#include <cstdint>

// name, and the bug it makes again
#define LOGCASK_MUTANT_LIST(X)                                                                               \
  X(tombstone_dropped_early, "bitcask#82: a merge drops a tombstone, an older file still has the key")       \
  X(hint_without_tombstones, "bitcask f472b88: out-of-date tombstone skipped, the key comes back")           \
  X(older_record_wins, "bitcask fd88ca7: a delete raced the merge, the older value won")                     \
  X(any_entry_removed, "bitcask 860eb0d: removes whatever entry is current, not the one judged")             \
  X(crc_not_checked, "bitcask 15007b6: a scan loads keys from records whose CRC fails")                      \
  X(half_loaded_keydir, "bitcask 4862bf6: an error while loading leaves half a keydir")                      \
  X(inputs_removed_after_failure, "bitcask 956cec0: the inputs go although the merge failed")                \
  X(tombstone_age_from_append, "KAFKA-4545, -8522: tombstone age counted from the segment's time")           \
  X(compacted_above_bound, "KAFKA-13194: the cleaner cleans above its bound")                                \
  X(uncommitted_evidence, "ours: compaction drops a record for one that is not on disk yet")                 \
  X(clean_mark_of_the_end, "ours: a rewrite says it is clean through what came while it ran")                \
  X(lost_evidence_unnoticed, "ours: a log that has lost what compaction judged by opens as sound")           \
  X(segment_name_not_synced, "KAFKA-3968: the directory of a new segment is not synced")                     \
  X(replaced_file_not_synced, "KAFKA-16541: a checkpoint is renamed before it is on disk")                   \
  X(clean_mark_survives, "KAFKA-10471, -15375: the mark of a clean stop survives the next start")            \
  X(ceiling_used_before_sync, "ours: offsets are given that no synced entry of the sync log reserves")       \
  X(failed_sync_forgotten, "KAFKA-10778: acknowledgements go on after a disk error")                         \
  X(segment_span_unchecked, "KAFKA-5413, -6264: gaps of offsets overflow 32 bits of an index")               \
  X(broken_segment_retried, "KAFKA-7215, -8764: the cleaner meets the same odd segment for ever")            \
  X(reads_beyond_committed, "KAFKA-9835: a consumer reads above the high watermark")                         \
  X(offsets_given_twice, "redpanda#24306: an offset is assigned to a second record")                         \
  X(sync_credits_later_writes, "redpanda#16105: a flush vouches for bytes written after it began")           \
  X(output_not_synced, "nats#8475, #8456: compaction's output replaces synced data unsynced")                \
  X(deletion_marker_not_last, "nats#7676: a kill in the middle of a purge leaves half of it")                \
  X(damage_taken_for_torn_tail, "nats#7549: one flipped bit cuts the log there")                             \
  X(acked_before_sync, "etcd#14370: acknowledged before it is on disk")                                      \
  X(dropped_batch_remembered, "redpanda#3039: the retry of a batch that was dropped is a duplicate")         \
  X(no_entry_means_dead, "ours: compaction drops a value because the keydir has no entry for its key")       \
  X(active_log_is_leftover, "ours: recovery takes the active segment for a leftover of compaction")          \
  X(caught_up_too_early, "ours: caught_up is sent at the first S, not at the one read after the walk")       \
  X(caught_up_before_compaction, "ours: caught_up passes a version that compaction has taken away")          \
  X(duplicate_acked_before_sync, "ours: a duplicate is acknowledged before the original is on disk")         \
  X(every_line_unescaped, "ours: every line of text is unescaped, a JSON \\n becomes a line feed")           \
  X(line_end_kept_in_value, "ours: the CR of a CR LF file stays in the values, deletes are lost")            \
  X(marker_ends_copy, "ours: produce stops at the marker that replay has printed")                           \
  X(first_fill_always_later, "ours: a start with little room lets records have what is to be reserved")      \
  X(reserve_only_counted, "ours: the room kept for deletions is a number, another process takes it")         \
  X(records_take_reserve, "ours: records of clients use up the room that deletions need")                    \
  X(unlinked_log_acknowledged, "ours: records go on being acknowledged into a file that was removed")        \
  X(read_error_sticks, "ours: health complains of a read error that is over until a restart")                \
  X(rest_keeps_descriptors, "ours: partitions at rest hold every descriptor there is")                       \
  X(wrong_budget_named, "ours: a refusal names the topic's budget where the broker's refused")               \
  X(removal_holds_up_stop, "ours: a stop waits until a large deleted topic's last file is gone")             \
  X(record_size_estimated, "ours: a record just within max.message.bytes is refused by an estimate")         \
  X(starts_beyond_the_end, "ours: a consumer begins beyond the end, and commits that")                       \
  X(readers_ask_producer_id, "ours: whoever only reads a table asks for a producer id")                      \
  X(active_segment_outlives_retention, "ours: retention waits for segment.ms")                               \
  X(stale_placement_admitted, "ours: what was checked under an older partitioner is let in")                 \
  X(writes_miss_their_key, "ours: a delete by key goes to murmur2's partition, the value is elsewhere")      \
  X(repeat_written_elsewhere, "ours: a batch sent twice is written again where its key stands by now")       \
  X(foreign_log_adopted, "ours: a log and its sync log of another partition are taken for ours")             \
  X(sync_log_gone_too_early, "ours: a sync log is removed before the manifest lists its segment")            \
  X(position_of_any_log, "ours: a position of another log of the same name is read on from")                 \
  X(unreadable_is_damaged, "ours: a manifest that may not be read counts as a damaged one")                  \
  X(allowance_granted_anew, "ours: each start lets the append clock run ahead once more")                    \
  X(log_start_forgotten, "ours: a manifest made anew brings deleted records back")                           \
  X(partition_number_masked, "ours: a number above 2^31-1 becomes another partition's")                      \
  X(looked_up_before_asked, "ours: a topic is looked up before the authorizer is asked")                     \
  X(partitioner_changed_over_records, "ours: a partitioner changes under records, lookups miss them")        \
  X(unknown_delete_forgotten, "ours: a delete of an unknown key has its entry after a restart only")         \
  X(foreign_offset_of_a_delete, "ours: a resumed watch tells a delete at another key's offset")              \
  X(new_partition_loads, "ours: a topic is there before its keydir answers")                                 \
  X(merged_watch_asks_every_partition, "ours: a watch asks partitions that do not hold the key")             \
  X(commit_beyond_end, "ours: a group commits an offset that was never given out")                           \
  X(writer_outruns_compaction, "ours: a fast writer fills the disk with garbage")                            \
  X(wake_up_told_without_records, "ours: who is woken hears of it only when a poll brings nothing")          \
  X(horizon_of_the_old_log, "ours: a reader takes another log's horizon for this one's")                     \
  X(offsets_of_two_partitions, "ours: a watch compares offsets of two partitions, a change is lost")         \
  X(stuck_watches_pile_up, "ours: changes that wait for watchers without credit fill the memory")            \
  X(placed_without_a_look, "ours: a refused change of the partitioner keeps records out")                    \
  X(every_reopen_waits, "ours: reopens that wait hold every thread of blocking requests")                    \
  X(undecided_change_lifted, "ours: an alter that fails lets records in under either partitioner")           \
  X(gone_key_in_partition_0, "ours: a key that is gone moves the position of a partition it was not in")     \
  X(false_switch_unheard, "ours: a switch that a card sets stays on whatever the command line says")         \
  X(units_not_of_limit, "ours: a need is told in MB beside a limit in MiB and looks like more")              \
  X(verdict_not_strict, "ours: exactly three quarters of the budget is called tight")                        \
  X(loss_not_strict, "ours: an interval as long as what may be lost is called short enough")                 \
  X(waiting_member_expires, "ours: a member that waits in a rebalance is dropped as silent")                 \
  X(group_saves_race, "ours: two records of one group are on their way at once")                             \
  X(members_without_bound, "ours: what members of groups send to join is kept without a bound")              \
  X(keyless_records_compacted, "ours: a topic becomes compacted over records without a key")                 \
  X(every_topic_read_at_once, "ours: readings of whole topics hold every thread of blocking requests")       \
  X(keyless_slips_in, "ours: records on their way while a topic becomes compacted are not asked for keys")   \
  X(leader_cannot_ask, "ours: a leader that joins again gets its old generation back")                       \
  X(static_return_rebalances, "ours: a static member that comes back makes everybody join again")            \
  X(sync_of_any_generation, "ours: a sync of an earlier generation gets this one's assignment")              \
  X(assigned_before_stored, "ours: assignments are handed out that a restart would forget")                  \
  X(stranger_commits, "ours: who is no member commits offsets of a group that has members")                  \
  X(clock_jump_expires, "ours: a wall clock that jumps makes committed offsets expire")                      \
  X(asked_listener_left_out, "ours: a Kafka listener that was asked for is left out when its port is taken") \
  X(fetch_epoch_unchecked, "ours: a fetch session answers requests out of their order")                      \
  X(fetch_error_not_forgotten, "ours: a fetch session never tells that a partition's error has gone")        \
  X(growth_recorded_first, "ours: a topic's growth is recorded before its new partitions are there")         \
  X(kafka_commit_judged, "ours: a Kafka client's commit is refused beyond the end of the log")               \
  X(handed_out_ids_not_awaited, "ours: a rebalance ends before members that have only an id have come")      \
  X(fenced_member_lives, "ours: a member whose instance id another one has by now goes on")                  \
  X(compact_client_id, "KIP-482: the client id of a flexible Kafka header is read in compact form")          \
  X(flexible_answer_to_versions, "KIP-511: the answer to ApiVersions has a flexible Kafka header")           \
  X(null_in_every_version, "ours: a null of Kafka's is read where the version has none")                     \
  X(entries_unbounded, "ours: a small Kafka request becomes a large multiple of itself in memory")           \
  X(unknown_tag_stays, "KIP-482: the bytes of a tagged field nobody knows are not stepped over")             \
  X(newer_subscription_refused, "ours: a leader cannot read members of newer Kafka clients")                 \
  X(answer_of_an_earlier_share, "ours: what was fetched before a rebalance is read after it")                \
  X(readers_of_written_sync, "ours: who waits for what is written has each record synced")                   \
  X(session_takes_ids_for_names, "ours: a fetch session goes on by ids where it began by names")             \
  X(id_charged_as_no_name, "ours: a small Kafka request by ids becomes gigabytes of names")                  \
  X(end_before_shown, "ours: who asks for the end of a partition misses what was taken just now")            \
  X(backup_never_expires, "ours: a backup that stands still keeps deleted files for ever")                   \
  X(damaged_backup_restored, "ours: a restore believes the files of a backup without their digests")         \
  X(restored_producers_known, "ours: a restored topic takes a new batch for a repeat of one in the backup")  \
  X(restore_keeps_epoch, "ours: a restored log grows on in the epoch of the records it has lost")

namespace logcask {

#define LOGCASK_MUTANT_NAME(name, bug) name,
enum class Mutant : std::uint8_t { LOGCASK_MUTANT_LIST(LOGCASK_MUTANT_NAME) };
#undef LOGCASK_MUTANT_NAME

#ifdef LOGCASK_MUTANTS
bool mutant(Mutant which);
#else
constexpr bool mutant(Mutant) { return false; }
#endif

}  // namespace logcask
