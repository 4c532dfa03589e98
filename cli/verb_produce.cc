// produce: records from a file or standard input into a topic.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/parse_values.h"
#include "cli/produce_tally.h"
#include "cli/progress.h"
#include "cli/record_input.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"
#include "logcask/producer.h"
#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

struct ProduceArgs {
  std::string broker;
  std::string format;
  std::string topic;
  std::optional<std::string> file;
  std::optional<std::string> key_separator;
  std::string acks = "all";
  std::string input = "text";
  bool tombstone_on_empty = false;
  bool keep_cr = false;
  std::optional<std::string> key_field;
  std::optional<std::string> value_field;
  std::optional<std::string> key_column;
  std::optional<std::string> value_column;
  bool header = false;
  std::optional<std::string> delimiter;
  std::optional<std::string> condition;
  std::int64_t timeout_ms = kWriteTimeoutMs;
};

// How long the producer may go on trying after its flush has failed.
constexpr std::int64_t kGiveUpMs = 1;
// How often a wait for answers looks whether a signal has come.
constexpr std::int64_t kLookMs = 200;

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
  ProduceRun(const ProduceArgs& args, client::Producer producer, std::unique_ptr<RecordInput> input,
             client::Condition condition, bool keys_needed)
      : args_(args),
        producer_(std::move(producer)),
        input_(std::move(input)),
        condition_(condition),
        keys_needed_(keys_needed) {}

  int run() {
    const auto start = std::chrono::steady_clock::now();
    const Status sent = send_all();
    const Status flushed = flush();
    if (!flushed.ok()) producer_.close(kGiveUpMs).ok();
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (tally_.any_failed()) return stopped(Error(tally_.failure()).in(input_->place(tally_.failed_number())));
    if (!sent.ok()) return stopped(sent.error());
    if (!flushed.ok()) return stopped(flushed.error());
    return summary();
  }

 private:
  Status send_all() {
    Progress progress("produced");
    RecordIn record;
    std::vector<client::HeaderView> headers;
    while (!tally_.any_failed()) {
      if (interrupted()) return Error{Errc::cancelled, "interrupted"};
      auto more = input_->next(record);
      if (!more.ok()) return std::move(more).error();
      if (!*more) break;
      // The broker would refuse the whole batch, and name the record by its place in there.
      if (keys_needed_ && !record.key)
        return Error{Errc::invalid_record, input_->place(input_->number()) + ": a null key; '" + args_.topic +
                                               "' is compacted, give every record a key"};
      client::OutRecord out = out_record(record, headers);
      out.condition = condition_;
      LOGCASK_TRY(send(out));
      bytes_ += (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
      progress.update(++sent_, 0);
    }
    return {};
  }

  // A signal ends the wait: an outage may last as long as delivery_timeout_ms.
  Status flush() {
    while (true) {
      const Status flushed = producer_.flush(kLookMs);
      if (flushed.code() != Errc::timed_out) return flushed;
      if (interrupted()) return Error{Errc::cancelled, "interrupted"};
    }
  }

  Status send(const client::OutRecord& out) {
    const std::uint64_t number = input_->number();
    // A batch stands or falls with each of its conditions, so conditional records travel alone.
    if (condition_.kind != client::Condition::Kind::none) {
      tally_.count(producer_.send_and_wait(out), number);
      return {};
    }
    ProduceTally* tally = &tally_;
    auto taken =
        producer_.send(out, [tally, number](const client::Delivery& delivery) { tally->count(delivery, number); });
    if (!taken.ok()) return std::move(taken).error().in(input_->place(number));
    return {};
  }

  int stopped(const Error& error) {
    const std::uint64_t written = tally_.written();
    std::string what = std::to_string(written) + (written == 1 ? " record was written" : " records were written");
    if (tally_.any_failed() && tally_.written_behind_failure())
      what += ", some of them from behind it";
    else
      what += written == 1 ? ", nothing after it" : ", nothing after them";
    print_error(error.to_string() + std::string(mend_for(error.code)) + " (" + what + ")");
    if (error.code == Errc::cancelled && interrupted()) return kExitInterrupted;
    return exit_code_for_input(error.code);
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
                      sizing::about_seconds(seconds_) + " (" + std::to_string(static_cast<std::uint64_t>(rate)) + "/s)";
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
  ProduceTally tally_;
  client::Producer producer_;
  std::unique_ptr<RecordInput> input_;
  client::Condition condition_;
  bool keys_needed_;
  std::uint64_t sent_ = 0;
  std::uint64_t bytes_ = 0;
  double seconds_ = 0;
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

// A flag of one form of input says nothing of another, and is refused there instead of passed over.
Status check_form(const ProduceArgs& args) {
  const auto only = [&](bool given, const char* flag, const char* form) -> Status {
    if (!given || args.input == form) return {};
    return Error{Errc::invalid_argument, std::string(flag) + " is for --input " + form + ", not " + args.input};
  };
  LOGCASK_TRY(only(args.key_separator.has_value(), "--key-separator", "text"));
  LOGCASK_TRY(only(args.keep_cr, "--keep-cr", "text"));
  LOGCASK_TRY(only(args.key_field.has_value(), "--key-field", "json"));
  LOGCASK_TRY(only(args.value_field.has_value(), "--value-field", "json"));
  LOGCASK_TRY(only(args.key_column.has_value(), "--key-column", "csv"));
  LOGCASK_TRY(only(args.value_column.has_value(), "--value-column", "csv"));
  LOGCASK_TRY(only(args.header, "--header", "csv"));
  LOGCASK_TRY(only(args.delimiter.has_value(), "--delimiter", "csv"));
  if (args.value_field && !args.key_field) return Error{Errc::invalid_argument, "--value-field wants --key-field, too"};
  if (args.tombstone_on_empty && args.input == "raw")
    return Error{Errc::invalid_argument,
                 "--tombstone-on-empty is not for --input raw, which tells null and empty apart"};
  return {};
}

Result<InputRules> input_rules(const ProduceArgs& args) {
  LOGCASK_TRY(check_form(args));
  InputRules rules;
  rules.form = args.input;
  LOGCASK_ASSIGN(rules.text.key_separator, parse_key_separator(args.key_separator.value_or("\\t")));
  rules.text.tombstone_on_empty = args.tombstone_on_empty;
  rules.keep_carriage_returns = args.keep_cr;
  if (args.key_field) rules.document = DocumentRules{*args.key_field, args.value_field};
  rules.csv.key_column = args.key_column.value_or("");
  rules.csv.value_column = args.value_column;
  rules.csv.header = args.header;
  auto delimiter = parse_escapes(args.delimiter.value_or(","));
  if (!delimiter.ok() || delimiter->size() != 1 || std::string("\"\r\n").find(*delimiter) != std::string::npos)
    return Error{Errc::invalid_argument, "--delimiter must be one byte such as ; or \\t, and no quote or line end"};
  rules.csv.delimiter = (*delimiter)[0];
  return rules;
}

int produce(const ProduceArgs& args) {
  client::Condition condition;
  if (args.condition) {
    LOGCASK_CLI_ASSIGN(condition, parse_condition(*args.condition));
  }
  LOGCASK_CLI_ASSIGN(auto rules, input_rules(args));
  client::ProducerOptions options;
  options.delivery_timeout_ms = args.timeout_ms;
  options.acks = args.acks == "0" ? client::Acks::none : args.acks == "1" ? client::Acks::one : client::Acks::all;
  LOGCASK_CLI_ASSIGN(const int descriptor, open_input(args));
  LOGCASK_CLI_ASSIGN(auto input, open_record_input(descriptor, std::move(rules)));
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  bool compacted = false;
  LOGCASK_CLI_TRY(follow_topic(client, args.topic, options, compacted));
  LOGCASK_CLI_ASSIGN(auto producer, client::Producer::open(client, args.topic, options));
  return ProduceRun(args, std::move(producer), std::move(input), condition, compacted).run();
}

}  // namespace

Verb produce_verb() {
  auto args = std::make_shared<ProduceArgs>();
  Verb verb;
  verb.path = "produce";
  verb.summary = "Writes records from standard input or a file.";
  verb.details =
      "Text is KEY, a tab, VALUE, every byte as it stands. Only a line that begins with \\: is read as escaped, as "
      "every "
      "verb prints a record that does not fit a plain line (a delete is \\:KEY, a tab, \\N). CR LF and a byte order "
      "mark "
      "are adapted with one line on stderr. JSON is one record a line as any verb prints it with -o json; with "
      "--key-field it is documents of any make, also over several lines or in arrays, and the value is the document as "
      "it stands. CSV is read by RFC 4180; the value of a row is a JSON object of its columns, without --header the "
      "row "
      "as it stands. Nothing is skipped: the first malformed line ends the verb with exit code 7 and its number, what "
      "stood before it is written, nothing after it is. Prints how many records were written and the last offset per "
      "partition, as 'get --min-offset' takes it.";
  verb.positional("TOPIC", "the topic", &args->topic);
  verb.flag("--file", "F", "read from here instead of standard input", &args->file);
  verb.flag("--input", "FORM", "the form of the input (default text)", &args->input).choices = {"text", "json", "csv",
                                                                                                "raw"};
  verb.flag("--key-separator", "SEP", "text: between key and value (default \\t; the first one in a line counts)",
            &args->key_separator);
  verb.flag("--keep-cr", "", "text: a carriage return at the end of a line belongs to the value", &args->keep_cr);
  verb.flag("--key-field", "FIELD", "json: documents of any make, and this field is the key (a.b: b inside a)",
            &args->key_field);
  verb.flag("--value-field", "FIELD", "json: this field is the value (default: the whole document)",
            &args->value_field);
  verb.flag("--key-column", "COLUMN", "csv: the key, by its name in the header or its number from 1",
            &args->key_column);
  verb.flag("--value-column", "COLUMN", "csv: the value (default: the whole row)", &args->value_column);
  verb.flag("--header", "", "csv: the first row names the columns", &args->header);
  verb.flag("--delimiter", "BYTE", "csv: between the fields (default ,)", &args->delimiter);
  verb.flag("--tombstone-on-empty", "", "an empty value deletes the key (else it is a value)",
            &args->tombstone_on_empty);
  verb.flag("--acks", "WHEN", "all: on disk (default); 1: survives a killed broker; 0: no answer", &args->acks)
      .choices = {"0", "1", "all"};
  verb.flag("--if", "CONDITION", "write only if the key is absent, exists, or its latest record is at offset:N",
            &args->condition);
  add_write_timeout_flag(verb, &args->timeout_ms);
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitCondition, kExitTryAgain, kExitBadInput, kExitInterrupted};
  verb.examples = {
      {"printf 'k\\tv\\n' | logcask produce prices", "one record: key k, value v"},
      {"logcask produce users --input json --key-field id --file users.json", "JSON of any make, by its field id"},
      {"logcask produce users --input csv --header --key-column id --file users.csv", "a table, by its column id"},
      {"logcask consume prices -o json --exit-at-end | logcask produce copy --input json", "copy a topic"},
      {"printf 'lock=me\\n' | logcask produce locks --key-separator = --if absent", "take a lock, or exit 5"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return produce(*args); };
  return verb;
}

}  // namespace logcask::cli
