#include "cli/foreign_words.h"

#include <string_view>

namespace logcask::cli {
namespace {

struct ForeignWord {
  std::string_view words;  // with spaces around each
  std::string_view hint;
};

constexpr ForeignWord kForeignVerbs[] = {
    {" set insert upsert write add ", "'put TOPIC KEY VALUE' writes one key, 'produce' many"},
    {" del rm remove unset drop tombstone ", "'delete TOPIC KEY...' deletes keys, 'topic delete' a topic"},
    {" scan ls list-keys iterate range ", "'keys TOPIC [--prefix P]' lists keys"},
    {" exists mget read lookup query ", "'get TOPIC KEY...' answers for keys"},
    {" pub publish send producer console-producer ", "'produce TOPIC' writes records"},
    {" sub subscribe tail cat consumer console-consumer fetch ", "'consume TOPIC' prints records"},
    {" topics create-topic ", "'topic create | list | describe | alter | delete'"},
    {" groups consumer-groups lag offsets ", "'group list | describe | reset'"},
    {" server start broker daemon ", "'serve --data DIR' is the server"},
    {" status ping info ", "'health' asks the broker how it is"},
    {" check fsck repair scrub ", "'verify DIR [--repair]' reads a data directory"},
    {" dump ", "'inspect FILE' shows a file, 'consume' a topic"},
    {" snapshot ", "'backup' copies topics, 'replay --live-only' prints the state"},
    {" export import ", "'replay --live-only' prints the state, 'produce' reads it"},
    {" size count dbsize ", "'keys TOPIC --count' counts keys"},
    {" sizing capacity estimate calculate budget ", "'plan' says what a workload costs and whether it fits"},
    {" cleanup clean gc compaction ", "'compact TOPIC' compacts"},
};

struct ForeignFlag {
  std::string_view verbs;  // with spaces around each; empty = all
  std::string_view flags;
  std::string_view hint;
};

// The first that fits counts.
constexpr ForeignFlag kForeignFlags[] = {
    {" get ", " --prefix --key-prefix ",
     "get takes whole keys, since the key directory is a hash and has no order; 'keys --prefix' and 'watch --prefix' "
     "read the log for them"},
    {" delete ", " --prefix --key-prefix ",
     "delete takes whole keys, since the key directory is a hash and has no order; 'keys --prefix' lists them"},
    {" replay ", " --prefix ", "--key-prefix P"},
    {" keys watch ", " --key-prefix ", "--prefix P"},
    {"", " --bootstrap-server --bootstrap-servers --broker-list --brokers --server --endpoints --host -b -h ",
     "--broker HOST:PORT, or LOGCASK_BROKER"},
    {" produce consume get put delete keys watch replay compact segments reopen topic create topic describe topic "
     "alter "
     "topic delete ",
     " --topic -t ", "the topic is an argument without a flag, behind the verb"},
    {" consume ", " -n -c --max-messages --max-records-per-poll --count --limit --num ", "--max-records N"},
    {" consume watch replay ", " --from-beginning --beginning ", "--from earliest, which consume does anyway"},
    {" consume ", " --offset --since --start --from-offset ", "--from WHERE"},
    {" consume ", " --tail ", "--last N"},
    {" consume replay ", " -e --exit --exit-eof --no-follow --to-end ", "--exit-at-end"},
    {" consume ", " -g -G --group-id --consumer-group ", "--group G"},
    {" produce ", " -K --separator --key-delimiter --property ", "--key-separator SEP"},
    {" consume replay ", " -K --delimiter --separator --key-delimiter --property ", "--key-separator SEP"},
    {" consume replay get ", " -f --format --formatter --json -J ", "-o json, one object a line"},
    {"", " -p ", "--partition N"},
    {" produce ", " -k --key ", "'put TOPIC KEY VALUE' writes one key"},
    {" produce ", " -l ", "--file F"},
    {" produce ", " -Z --null ", "--tombstone-on-empty"},
    {"", " -C -P -L -Q ", "a verb says what to do: consume, produce, topic list"},
    {" put delete produce ", " --nx --xx --create-only --prev-exist --cas --expect ",
     "--if absent | exists | offset:N"},
    {" topic create ", " --replication-factor ", "there is one node, nothing to set"},
    {" topic create ", " -p --partition --num-partitions ", "--partitions N"},
    {" topic create topic alter ", " --add-config --config-file -c ", "--config NAME=VALUE"},
    {"", " --json -j ", "-o json"},
    {"", " -v --verbose -q --quiet -X --command-config --consumer.config --producer.config ",
     "there is no such setting; what matters is said on stderr"},
};

bool listed_in(std::string_view words, std::string_view word) {
  return word.find(' ') == std::string_view::npos &&
         words.find(" " + std::string(word) + " ") != std::string_view::npos;
}

std::string in_brackets(std::string_view hint) { return " (" + std::string(hint) + ")"; }

}  // namespace

std::string foreign_verb_hint(const std::string& word) {
  for (const auto& foreign : kForeignVerbs)
    if (listed_in(foreign.words, word)) return in_brackets(foreign.hint);
  return "";
}

std::string foreign_flag_hint(const std::string& verb, const std::string& flag) {
  for (const auto& foreign : kForeignFlags) {
    const bool here = foreign.verbs.empty() || foreign.verbs.find(" " + verb + " ") != std::string_view::npos;
    if (here && listed_in(foreign.flags, flag)) return in_brackets(foreign.hint);
  }
  return "";
}

}  // namespace logcask::cli
