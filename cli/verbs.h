#pragma once
// Every verb of the program, one function and one file each (cli/verb_*.cc).

#include <vector>

#include "cli/args.h"

namespace logcask::cli {

Verb serve_verb();
Verb topic_create_verb();
Verb topic_list_verb();
Verb topic_describe_verb();
Verb topic_alter_verb();
Verb topic_delete_verb();
Verb produce_verb();
Verb consume_verb();
Verb get_verb();
Verb put_verb();
Verb delete_verb();
Verb keys_verb();
Verb watch_verb();
Verb replay_verb();
Verb group_list_verb();
Verb group_describe_verb();
Verb group_reset_verb();
Verb compact_verb();
Verb segments_verb();
Verb records_delete_verb();
Verb reopen_verb();
Verb health_verb();
Verb inspect_verb();
Verb verify_verb();
Verb backup_verb();
Verb restore_verb();
Verb bench_verb();
Verb plan_verb();
Verb completion_verb();

// In the order of the help.
std::vector<Verb> all_verbs();

}  // namespace logcask::cli
