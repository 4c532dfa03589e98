#include "cli/verbs.h"

namespace logcask::cli {

std::vector<Verb> all_verbs() {
  return {serve_verb(),       topic_create_verb(), topic_list_verb(), topic_describe_verb(),
          topic_alter_verb(), topic_delete_verb(), produce_verb(),    consume_verb(),
          get_verb(),         put_verb(),          delete_verb(),     keys_verb(),
          watch_verb(),       replay_verb(),       group_list_verb(), group_describe_verb(),
          group_reset_verb(), compact_verb(),      segments_verb(),   records_delete_verb(),
          reopen_verb(),      health_verb(),       inspect_verb(),    verify_verb(),
          backup_verb(),      restore_verb(),      bench_verb(),      plan_verb(),
          completion_verb()};
}

}  // namespace logcask::cli
