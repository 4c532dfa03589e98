#pragma once
// Words that people bring along from other tools (Kafka's scripts, kcat, redis-cli, etcdctl), and what says it here.

#include <string>

namespace logcask::cli {

// " ('put' writes one key)" for a verb of another tool, else nothing.
std::string foreign_verb_hint(const std::string& word);
// The same for a flag given to one of our verbs; `verb` is its path.
std::string foreign_flag_hint(const std::string& verb, const std::string& flag);

}  // namespace logcask::cli
