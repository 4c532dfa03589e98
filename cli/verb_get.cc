// get: the latest value of keys.
#include <memory>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/lookup_printer.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/record_printer.h"
#include "cli/verbs.h"
#include "logcask/table.h"

namespace logcask::cli {
namespace {

struct GetArgs {
  std::string broker;
  std::string format = "auto";
  std::string topic;
  std::vector<std::string> keys;
  std::vector<std::string> min_offsets;
};

void append_value(std::string& out, const std::string& format, const client::Lookup& lookup) {
  if (format == "raw")
    out += lookup.value;
  else
    append_text_value(out, lookup.value, output_style());
}

int print_one(const GetArgs& args, const client::Lookup& lookup) {
  Output out;
  if (args.format == "json")
    append_json_lookup(out.buffer(), args.topic, args.keys[0], lookup);
  else if (lookup.found())
    append_value(out.buffer(), args.format, lookup);
  else if (lookup.status == client::Lookup::Status::deleted)
    print_error("deleted: the key's latest record in '" + args.topic + "' is a delete at offset " +
                std::to_string(lookup.offset.value()));
  else
    print_error("absent: '" + args.topic + "' holds no value of the key" +
                (args.keys[0].find_first_of("*?") == std::string::npos
                     ? ""
                     : "; keys are taken whole, 'logcask keys --prefix' lists those that start so"));
  if (lookup.ambiguous)
    print_error("several partitions of '" + args.topic +
                "' hold the key; the newest is shown (topic setting partitioner)");
  return out.finish(lookup.found() ? kExitOk : kExitAbsent);
}

void append_lookup_line(std::string& out, ByteView key, const client::Lookup& lookup) {
  append_text_lookup(out, key, lookup, output_style());
  if (const std::string remark = lookup_remark(key, lookup); !remark.empty()) print_error(remark);
}

int print_several(const GetArgs& args, const std::vector<client::Lookup>& lookups) {
  Output out;
  int code = kExitOk;
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    if (!lookups[i].found() && code == kExitOk) code = kExitAbsent;
    if (lookups[i].status == client::Lookup::Status::failed)
      code = fail(Error(lookups[i].error).in("key " + std::to_string(i + 1)));
    if (args.format == "text")
      append_lookup_line(out.buffer(), args.keys[i], lookups[i]);
    else
      append_json_lookup(out.buffer(), args.topic, args.keys[i], lookups[i]);
    if (!out.flush_if_large()) break;
  }
  return out.finish(code);
}

int get(const GetArgs& args) {
  if (args.format == "raw" && args.keys.size() > 1)
    return fail(Error{Errc::invalid_argument, "-o raw prints the bytes of one value; give one key, or -o json"});
  client::GetOptions options;
  for (const auto& text : args.min_offsets) {
    LOGCASK_CLI_ASSIGN(const auto min_offset, parse_min_offset(text));
    options.min_offsets.push_back(min_offset);
  }
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  LOGCASK_CLI_ASSIGN(auto table, client::Table::open(client, args.topic));
  const std::vector<ByteView> keys(args.keys.begin(), args.keys.end());
  LOGCASK_CLI_ASSIGN(const auto lookups, table.multi_get(keys, options));
  if (lookups.size() > 1) return print_several(args, lookups);
  if (lookups[0].status == client::Lookup::Status::failed) return fail(lookups[0].error);
  return print_one(args, lookups[0]);
}

}  // namespace

Verb get_verb() {
  auto args = std::make_shared<GetArgs>();
  Verb verb;
  verb.path = "get";
  verb.summary = "Prints the latest value of keys: one probe of the key directory, one read.";
  verb.details =
      "One key: prints its value as it stands and a newline (-o raw: without the newline); absent and deleted keys "
      "print "
      "one line on stderr. Several keys: one JSON object a key with status found, absent or deleted (-o text: records "
      "as consume prints them, absent keys on stderr).";
  verb.positional("TOPIC", "a compacted topic", &args->topic);
  verb.positional("KEY", "the keys", &args->keys);
  verb.flag("--min-offset", "P:N", "wait until partition P has committed offset N: what produce printed",
            &args->min_offsets);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format, {"text", "json", "raw"});
  verb.exits = {kExitAbsent, kExitUnreachable, kExitTryAgain, kExitDamaged};
  verb.examples = {{"logcask get prices eur-usd", "the latest price"},
                   {"logcask get prices eur-usd gbp-usd -o json", "one object a key"},
                   {"logcask get images logo -o raw > logo.png", "exactly the bytes"}};
  verb.run = [args] { return get(*args); };
  return verb;
}

}  // namespace logcask::cli
