#include "broker/settings/config_reference.h"

#include <span>
#include <string_view>

#include "broker/settings/broker_settings.h"
#include "broker/settings/config_sources.h"
#include "broker/settings/topic_settings.h"

namespace logcask {
namespace {

std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void append_table(std::string& out, std::span<const SettingInfo* const> settings, bool with_environment) {
  out += with_environment ? "| setting | environment | default | takes | meaning |\n|---|---|---|---|---|\n"
                          : "| setting | default | takes | meaning |\n|---|---|---|---|\n";
  for (const SettingInfo* info : settings) {
    out += "| `" + std::string(info->name) + "` | ";
    if (with_environment) out += "`" + environment_name(info->name) + "` | ";
    out += (info->default_text.empty() ? "" : "`" + std::string(info->default_text) + "`") + " | " +
           cell(setting_range(*info)) + " | " + cell(info->description) +
           (info->reload ? " Read again at SIGHUP." : "") + " |\n";
  }
}

// Constants where they are used; what has a setting of its own is not repeated here.
constexpr std::string_view kFixedLimits = R"(
## Fixed limits

| what | limit | beyond it |
|---|---|---|
| name of a topic | 200 bytes | `invalid_topic_name` |
| name of a group | 255 bytes | `invalid_argument` |
| metadata of a committed offset | 4,096 bytes | `invalid_argument` for the entry |
| header of a frame, without its attachment | 1 MiB | `frame_too_large`, closed |
| requests of a connection that are being worked on | 10,000 | nothing more is read from it until some are answered |
| keys of one Get | 65,536 | `invalid_argument` |
| keys of one Watch | 10,000 | `invalid_argument` |
| changes queued for a Watch, of all its partitions | 4,096 | only the newest version of each key that changed is sent |
| changes queued for all Watches together | 1,048,576 | Watches without credit get only the newest version of each key that changed |
| appends waiting for room, or for compaction, in a partition | 4,096, or 32 MiB together | `throttled` |
| idempotent producers remembered per partition | 100,000 | the longest idle one is forgotten if it was idle for 10 minutes; else `limit_exceeded` |
| stored batch that is unpacked for a Watch or for the broker's own records | 64 MiB | a Watch sends the key's newest version instead |
| stored batch that is unpacked for anything else | 256 MiB | `batch.decompressed.max.bytes` allows no more |
| part of `disk.reserve.bytes` that compaction leaves to manifests and deletion markers | a quarter | compaction waits |
| free disk space below which `compaction.window` is ignored | 1 GiB, or twice what the rewrite needs | |
)";

}  // namespace

std::string config_reference_markdown() {
  std::string out =
      "# Settings\n\nPrinted from the tables in `broker/settings/broker_settings.cc` and "
      "`broker/settings/topic_settings.cc`; do not edit by hand.\n\n"
      "## Broker\n\nA flag wins over the environment, the environment over the file (`--config FILE`, TOML), the file "
      "over\n"
      "the default. Sizes take the suffixes KB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (of 1024), times "
      "take ms, s, min, h and d.\n"
      "At SIGHUP a running broker reads them again and takes those whose row says so; one warning names the others "
      "that\n"
      "differ, which wait for a restart.\n\n";
  append_table(out, broker_settings(), true);
  out +=
      "\n## Topics\n\nSet with `logcask topic create NAME --config name=value` and changed with `logcask topic alter`. "
      "Names and\n"
      "defaults are Kafka's where Kafka has the setting; the one difference is `cleanup.policy`.\n\n";
  append_table(out, topic_settings(), false);
  out += kFixedLimits;
  return out;
}

}  // namespace logcask
