// produce: records from a file or standard input into a topic.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/progress.h"
#include "cli/record_input.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"
#include "logcask/producer.h"

namespace logcask::cli {
namespace {

struct ProduceArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::optional<std::string> file;
  std::string key_separator = "\\t";
  std::string acks = "all";
  std::string input = "text";
  bool tombstone_on_empty = false;
  std::optional<std::string> condition;
};

// How long the producer may go on trying after its flush has failed.
constexpr std::int64_t kGiveUpMs = 1;

// What became of the records so far. Deliveries arrive on the client's thread.
class Tally {
 public:
  void count(const client::Delivery& delivery, std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    if (delivery.ok()) {
      ++written_;
      auto& last = last_offsets_.try_emplace(delivery.partition.value(), kNoOffset).first->second;
      if (delivery.offset > last) last = delivery.offset;
      return;
    }
    if (failed_++ == 0 || number < failed_number_) {
      failed_number_ = number;
      failure_ = delivery.status.error();
      if (failure_.code == Errc::condition_failed)
        failure_.message = "the condition does not hold: " + where_it_is(delivery);
    }
  }
  bool any_failed() const {
    const std::lock_guard lock(mutex_);
    return failed_ > 0;
  }
  std::uint64_t written() const {
    const std::lock_guard lock(mutex_);
    return written_;
  }
  // Only when all deliveries are in.
  std::uint64_t failed_number() const { return failed_number_; }
  const Error& failure() const { return failure_; }
  const std::map<std::int32_t, Offset>& last_offsets() const { return last_offsets_; }

 private:
  static std::string where_it_is(const client::Delivery& delivery) {
    if (delivery.current_offset == kNoOffset) return "the key has no record";
    return std::string("the key's latest record is ") + (delivery.current_is_tombstone ? "a delete" : "a value") +
           " at offset " + std::to_string(delivery.current_offset.value());
  }

  mutable std::mutex mutex_;
  std::uint64_t written_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t failed_number_ = 0;
  Error failure_{Errc::ok, {}};
  std::map<std::int32_t, Offset> last_offsets_;
};

client::OutRecord out_record(const RecordIn& record, std::vector<client::HeaderView>& headers) {
  client::OutRecord out;
  if (record.key) out.key = *record.key;
  if (record.value) out.value = *record.value;
  out.timestamp = record.timestamp;
  headers.clear();
  for (const auto& [name, value] : record.headers)
    headers.push_back({name, value ? std::optional<ByteView>(*value) : std::nullopt});
  out.headers = headers;
  return out;
}

class ProduceRun {
 public:
  ProduceRun(const ProduceArgs& args, client::Producer producer, RecordInput input, client::Condition condition,
             bool keys_needed)
      : args_(args),
        producer_(std::move(producer)),
        input_(std::move(input)),
        condition_(condition),
        keys_needed_(keys_needed) {}

  int run() {
    const auto start = std::chrono::steady_clock::now();
    const Status sent = send_all();
    const Status flushed = producer_.flush();
    if (!flushed.ok()) producer_.close(kGiveUpMs).ok();
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (tally_.any_failed())
      return stopped(Error(tally_.failure()).in(input_.place(tally_.failed_number())),
                     exit_code_for(tally_.failure().code));
    if (!sent.ok() && sent.code() == Errc::cancelled) return stopped(sent.error(), kExitInterrupted);
    if (!sent.ok()) return stopped(sent.error(), exit_code_for(sent.code()));
    if (!flushed.ok()) return stopped(flushed.error(), exit_code_for(flushed.code()));
    return summary();
  }

 private:
  Status send_all() {
    Progress progress("produced");
    RecordIn record;
    std::vector<client::HeaderView> headers;
    while (!tally_.any_failed()) {
      if (interrupted()) return Error{Errc::cancelled, "interrupted"};
      auto more = input_.next(record);
      if (!more.ok()) return bad_input(std::move(more).error());
      if (!*more) break;
      // The broker would refuse the whole batch, and name the record by its place in there.
      if (keys_needed_ && !record.key)
        return bad_input(Error{Errc::invalid_record, input_.place(input_.number()) + ": a null key; '" + args_.topic +
                                                         "' is compacted, give every record a key"});
      client::OutRecord out = out_record(record, headers);
      out.condition = condition_;
      LOGCASK_TRY(send(out));
      bytes_ += (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
      progress.update(++sent_, 0);
    }
    return {};
  }

  Status send(const client::OutRecord& out) {
    const std::uint64_t number = input_.number();
    // A batch stands or falls with each of its conditions, so conditional records travel alone.
    if (condition_.kind != client::Condition::Kind::none) {
      tally_.count(producer_.send_and_wait(out), number);
      return {};
    }
    Tally* tally = &tally_;
    auto taken =
        producer_.send(out, [tally, number](const client::Delivery& delivery) { tally->count(delivery, number); });
    if (!taken.ok()) return std::move(taken).error().in(input_.place(number));
    return {};
  }

  Error bad_input(Error error) {
    bad_input_ = error.code == Errc::invalid_record || error.code == Errc::message_too_large;
    return error;
  }

  int stopped(const Error& error, int code) {
    const std::uint64_t written = tally_.written();
    print_error(
        error.to_string() + std::string(mend_for(error.code)) + " (" + std::to_string(written) +
        (written == 1 ? " record was written, nothing after it)" : " records were written, nothing after them)"));
    return bad_input_ && !tally_.any_failed() ? static_cast<int>(kExitBadInput) : code;
  }

  int summary() {
    Output out;
    const double rate = static_cast<double>(sent_) / std::max(seconds_, 1e-6);
    if (args_.format == "json") {
      JsonWriter json(out.buffer());
      json.begin()
          .field("topic", args_.topic)
          .field("records", sent_)
          .field("bytes", bytes_)
          .field("seconds", seconds_);
      json.name("last_offsets").begin_list();
      for (const auto& [partition, offset] : tally_.last_offsets())
        if (offset != kNoOffset) json.begin().field("partition", partition).field("offset", offset.value()).end();
      json.end_list().end();
    } else {
      out.buffer() += std::to_string(sent_) + (sent_ == 1 ? " record, " : " records, ") + bytes_text(bytes_) + " in " +
                      seconds_text(seconds_) + " (" + std::to_string(static_cast<std::uint64_t>(rate)) + "/s)";
      std::string separator = "; last offsets ";
      for (const auto& [partition, offset] : tally_.last_offsets()) {
        if (offset == kNoOffset) continue;  // --acks 0 is not told
        out.buffer() += separator + std::to_string(partition) + ":" + std::to_string(offset.value());
        separator = " ";
      }
    }
    out.buffer() += '\n';
    return out.finish();
  }

  const ProduceArgs& args_;
  // Before the producer: its destructor may still deliver.
  Tally tally_;
  client::Producer producer_;
  RecordInput input_;
  client::Condition condition_;
  bool keys_needed_;
  std::uint64_t sent_ = 0;
  std::uint64_t bytes_ = 0;
  double seconds_ = 0;
  bool bad_input_ = false;
};

Result<int> open_input(const ProduceArgs& args) {
  if (!args.file || *args.file == "-") return 0;
  const int descriptor = ::open(args.file->c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return error_from_errno(errno, "open " + *args.file);
  return descriptor;
}

// Of a record batch around its records.
constexpr std::int64_t kBatchHeaderBytes = 61;

// What the topic's settings say about its records. A batch larger than max.message.bytes would be refused whole.
Status follow_topic(client::Client& client, const std::string& topic, client::ProducerOptions& options,
                    bool& compacted) {
  LOGCASK_ASSIGN(const auto description, client::Admin(client).describe_topic(topic));
  for (const auto& setting : description.settings) {
    if (setting.name == "cleanup.policy") compacted = setting.value.find("compact") != std::string::npos;
    if (setting.name != "max.message.bytes") continue;
    LOGCASK_ASSIGN(const auto limit, parse_number(setting.value));
    options.batch_bytes = std::min(options.batch_bytes, static_cast<std::size_t>(limit));
    options.max_record_bytes = static_cast<std::size_t>(std::max<std::int64_t>(limit - kBatchHeaderBytes, 1));
  }
  return {};
}

int produce(const ProduceArgs& args) {
  client::Condition condition;
  if (args.condition) {
    LOGCASK_CLI_ASSIGN(condition, parse_condition(*args.condition));
  }
  TextRules rules;
  rules.tombstone_on_empty = args.tombstone_on_empty;
  LOGCASK_CLI_ASSIGN(const auto separator, parse_text_field(args.key_separator));
  if (!separator || separator->empty()) return fail(Error{Errc::invalid_argument, "--key-separator must not be empty"});
  rules.key_separator = *separator;
  client::ProducerOptions options;
  options.acks = args.acks == "0" ? client::Acks::none : args.acks == "1" ? client::Acks::one : client::Acks::all;
  LOGCASK_CLI_ASSIGN(const int descriptor, open_input(args));
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  bool compacted = false;
  LOGCASK_CLI_TRY(follow_topic(client, args.topic, options, compacted));
  LOGCASK_CLI_ASSIGN(auto producer, client::Producer::open(client, args.topic, options));
  return ProduceRun(args, std::move(producer), RecordInput(descriptor, args.input, rules), condition, compacted).run();
}

}  // namespace

Verb produce_verb() {
  auto args = std::make_shared<ProduceArgs>();
  Verb verb;
  verb.path = "produce";
  verb.summary = "Writes records from standard input or a file.";
  verb.details =
      "One record a line, in any form that consume prints. Nothing is skipped: the first malformed line ends the verb "
      "with "
      "exit code 7 and its number, what stood before it is written, nothing after it is. Prints how many records were "
      "written and the last offset per partition, as 'get --min-offset' takes it.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag("--file", "F", "read from here instead of standard input", &args->file);
  verb.flag("--input", "FORM", "the form of the input (default text)", &args->input).choices = {"text", "json", "raw"};
  verb.flag("--key-separator", "SEP", "between key and value in text (default \\t; the first one in a line counts)",
            &args->key_separator);
  verb.flag("--tombstone-on-empty", "", "an empty value deletes the key (text; else \\N does, and empty is a value)",
            &args->tombstone_on_empty);
  verb.flag("--acks", "WHEN", "all: on disk (default); 1: survives a killed broker; 0: no answer", &args->acks)
      .choices = {"0", "1", "all"};
  verb.flag("--if", "CONDITION", "write only if the key is absent, exists, or its latest record is at offset:N",
            &args->condition);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitCondition, kExitTryAgain, kExitBadInput, kExitInterrupted};
  verb.examples = {
      {"printf 'k\\tv\\n' | logcask produce prices", "one record: key k, value v"},
      {"printf 'k\\t\\\\N\\n' | logcask produce prices", "delete k"},
      {"logcask consume prices -o json --exit-at-end | logcask produce copy --input json", "copy a topic"},
      {"printf 'lock=me\\n' | logcask produce locks --key-separator = --if absent", "take a lock, or exit 5"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return produce(*args); };
  return verb;
}

}  // namespace logcask::cli
