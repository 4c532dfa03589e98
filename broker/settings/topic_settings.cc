#include "broker/settings/topic_settings.h"

namespace logcask {
namespace {

constexpr std::int64_t kSegmentBytesMax = INT32_MAX;

}  // namespace

const std::vector<TopicSettingRow>& topic_setting_rows() {
  using enum SettingType;
  static const std::vector<TopicSettingRow> table = {
      {{.name = "cleanup.policy",
        .type = choices,
        .default_text = "compact",
        .choices = "compact|delete",
        .description = "What happens to old records. compact: the latest record of every key stays, and keys can be "
                       "looked up. delete: closed segments go by age or size. Both may be given. A topic may gain "
                       "compact when each of its records has a key (all are read first), and never lose it."},
       &TopicValues::cleanup_policy},
      {{.name = "segment.bytes",
        .type = bytes,
        .default_text = "1073741824",
        .min = 1024,
        .max = kSegmentBytesMax,
        .description =
            "Size at which the active segment is closed and a new one begins. Only closed segments are compacted; "
            "compaction writes segments of up to 1 MiB where this is less."},
       &TopicValues::segment_bytes},
      {{.name = "segment.ms",
        .type = milliseconds,
        .default_text = "604800000",
        .min = 1,
        .description = "Age at which the active segment is closed even when it is small."},
       &TopicValues::segment_ms},
      {{.name = "retention.ms",
        .type = milliseconds,
        .default_text = "604800000",
        .description =
            "With cleanup.policy delete: age of its newest record at which a segment goes; the active one is closed "
            "for it.",
        .special = -1,
        .special_meaning = "unlimited"},
       &TopicValues::retention_ms},
      {{.name = "retention.bytes",
        .type = bytes,
        .default_text = "-1",
        .description =
            "With cleanup.policy delete: size of a partition above which its oldest closed segments go, whole ones: up "
            "to a closed and an active segment more may stay.",
        .special = -1,
        .special_meaning = "unlimited"},
       &TopicValues::retention_bytes},
      {{.name = "min.cleanable.dirty.ratio",
        .type = ratio,
        .default_text = "0.5",
        .max = 1,
        .description = "Share of dead records at which a closed segment is compacted."},
       &TopicValues::min_cleanable_dirty_ratio},
      {{.name = "min.compaction.lag.ms",
        .type = milliseconds,
        .default_text = "0",
        .description = "Records younger than this are never removed by compaction."},
       &TopicValues::min_compaction_lag_ms},
      {{.name = "max.compaction.lag.ms",
        .type = milliseconds,
        .default_text = "9223372036854775807",
        .min = 1,
        .description =
            "Superseded records are removed at this age at the latest; the active segment is closed for it."},
       &TopicValues::max_compaction_lag_ms},
      {{.name = "delete.retention.ms",
        .type = milliseconds,
        .default_text = "86400000",
        .description = "How long a tombstone stays after everything older of its key has been cleaned away. A reader "
                       "that needs less than this from the start to the end sees every delete."},
       &TopicValues::delete_retention_ms},
      {{.name = "compression.type",
        .type = choice,
        .default_text = "producer",
        .choices = "producer|none|gzip|snappy|lz4|zstd",
        .description =
            "Codec of stored batches. producer: as they were sent; anything else re-encodes batches that differ."},
       &TopicValues::compression_type},
      {{.name = "max.message.bytes",
        .type = bytes,
        .default_text = "1048588",
        .min = 100,
        .max = kSegmentBytesMax,
        .description = "Largest record batch that is taken. Where segment.bytes is lower, that counts."},
       &TopicValues::max_message_bytes},
      {{.name = "message.timestamp.type",
        .type = choice,
        .default_text = "CreateTime",
        .choices = "CreateTime|LogAppendTime",
        .description = "Whose clock a record's timestamp shows: the producer's or the broker's."},
       &TopicValues::timestamp_type},
      {{.name = "flush.ms",
        .type = milliseconds,
        .default_text = "100",
        .description =
            "Longest time that a written record waits for a sync nobody asked for. Above an hour counts as an "
            "hour, 0 as 1."},
       &TopicValues::flush_ms},
      {{.name = "flush.messages",
        .type = integer,
        .default_text = "9223372036854775807",
        .min = 1,
        .description = "Number of written records at which a sync is started that nobody asked for."},
       &TopicValues::flush_messages},
      {{.name = "compaction.dead.bytes",
        .type = bytes,
        .default_text = "536870912",
        .min = 1,
        .description = "Estimated dead bytes at which a closed segment is compacted, whatever its ratio."},
       &TopicValues::compaction_dead_bytes},
      {{.name = "compaction.window",
        .default_text = "always",
        .description =
            "Hours of the day (UTC) in which compaction runs, e.g. 1-5 or 22-4. Ignored when the disk runs low."},
       &TopicValues::compaction_window},
      {{.name = "delete.mode",
        .type = choice,
        .default_text = "drop",
        .choices = "drop|keep",
        .description =
            "drop: tombstones go after delete.retention.ms. keep: they stay for ever, and so does their keydir entry."},
       &TopicValues::delete_mode},
      {{.name = "keydir.max.bytes",
        .type = bytes,
        .default_text = "-1",
        .min = 65536,
        .description = "RAM that the topic's keydirs may take, all partitions together. At the limit new keys are "
                       "refused; overwrites and deletes of known keys pass.",
        .special = -1,
        .special_meaning = "only the broker's keydir.total.max.bytes counts"},
       &TopicValues::keydir_max_bytes},
      {{.name = "keydir.expected.keys",
        .type = integer,
        .default_text = "0",
        .max = 100'000'000'000,
        .description =
            "Keys that the topic will have, over all partitions. Their share of RAM is taken when a partition "
            "opens (when the topic is created and at each start), so that growing costs no work later and "
            "too little RAM shows at once. 0: the keydir grows with its keys."},
       &TopicValues::keydir_expected_keys},
      {{.name = "read.visibility",
        .type = choice,
        .default_text = "committed",
        .choices = "committed|written",
        .description = "committed: readers see a record when it is on disk. written: as soon as it is written; a power "
                       "loss may take back what was seen."},
       &TopicValues::read_visibility},
      {{.name = "partitioner",
        .type = choice,
        .default_text = "any",
        .choices = "any|murmur2|crc32|fnv1a",
        .description = "Which partition a key belongs to. any: producers may differ, a lookup asks every "
                       "partition, and a write by key goes where the key has its value. Otherwise a lookup asks one "
                       "partition, and a keyed produce to another is refused."},
       &TopicValues::partitioner},
  };
  return table;
}

std::span<const SettingInfo* const> topic_settings() {
  static const std::vector<const SettingInfo*> infos = [] {
    std::vector<const SettingInfo*> result;
    for (const TopicSettingRow& row : topic_setting_rows()) result.push_back(&row.info);
    return result;
  }();
  return infos;
}

}  // namespace logcask
