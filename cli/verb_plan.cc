// plan: what a workload costs and whether it fits, before it is there.
#include <algorithm>
#include <map>
#include <memory>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/plan_output.h"
#include "cli/topic_workload.h"
#include "cli/verbs.h"
#include "cli/workload_file.h"
#include "sizing/plan.h"
#include "sizing/rules.h"

namespace logcask::cli {
namespace {

struct PlanArgs {
  std::string broker;
  std::string format;
  std::optional<std::string> workload;
  std::optional<std::string> topic;
  std::string model = "logcask";
  bool strict = false;
  std::optional<std::string> explain;
  std::map<std::string, std::optional<std::string>, std::less<>> values;  // of knobs
  std::map<std::string, std::optional<bool>, std::less<>> switches;
};

const char* value_name_of(sizing::KnobKind kind) {
  switch (kind) {
    case sizing::KnobKind::bytes:
      return "SIZE";
    case sizing::KnobKind::milliseconds:
      return "TIME";
    case sizing::KnobKind::percent:
      return "PERCENT";
    case sizing::KnobKind::choice:
      return "MODE";
    case sizing::KnobKind::yes_no:
      return "";
    case sizing::KnobKind::count:
      break;
  }
  return "N";
}

int explain_rule(const PlanArgs& args) {
  const sizing::Rule* rule = sizing::find_rule(*args.explain);
  Output out;
  if (args.format == "json") {
    JsonWriter(out.buffer()).begin().field("rule", rule->name).field("explanation", rule->explanation).end();
    out.buffer() += '\n';
  } else {
    append_rule_text(out.buffer(), *rule);
  }
  return out.finish();
}

Status set_by_flags(const PlanArgs& args, ToldWorkload& told) {
  for (const sizing::Knob& knob : sizing::knobs()) {
    if (knob.kind == sizing::KnobKind::yes_no) {
      const std::optional<bool> on = args.switches.find(knob.name)->second;
      if (!on) continue;
      LOGCASK_TRY(set_knob(told.workload, knob, *on ? "true" : "false", sizing::KnobSource::flag));
    } else {
      const auto& text = args.values.find(knob.name)->second;
      if (!text) continue;
      LOGCASK_TRY(set_knob(told.workload, knob, *text, sizing::KnobSource::flag));
    }
    told.told.emplace(knob.name);
    told.reckoned.erase(std::string(knob.name));
    // What the topic takes on disk is no answer for other keys and values.
    if (knob.name == "keys" || knob.name == "value-bytes" || knob.name == "updates-per-key") {
      told.workload.live_disk_bytes.reset();
      told.workload.dead_disk_bytes.reset();
    }
  }
  return {};
}

Result<ToldWorkload> base_workload(const PlanArgs& args) {
  if (args.workload && args.topic)
    return Error{Errc::invalid_argument, "--workload and --from-topic both say what the workload is; give one of them"};
  if (args.workload) return read_workload(*args.workload);
  if (!args.topic) return ToldWorkload{};
  ToldWorkload flags;
  LOGCASK_TRY(set_by_flags(args, flags));
  LOGCASK_ASSIGN(const auto client, connect(args.broker));
  return topic_workload(client, *args.topic, flags.workload.key_bytes);
}

int exit_code_of(const sizing::Plan& plan, bool strict) {
  if (plan.rejected() || plan.judged.verdict == sizing::Verdict::oom) return kExitNoFit;
  if (plan.judged.verdict == sizing::Verdict::tight || (strict && plan.warned())) return kExitTight;
  return kExitOk;
}

int plan_workload(const PlanArgs& args) {
  if (args.explain) return explain_rule(args);
  LOGCASK_CLI_ASSIGN(ToldWorkload told, base_workload(args));
  LOGCASK_CLI_TRY(set_by_flags(args, told));
  if (args.topic) free_partitions(told);
  const sizing::Plan plan = sizing::make_plan(told.workload, *sizing::cost_model(args.model));
  const int code = exit_code_of(plan, args.strict);
  Output out;
  if (args.format == "json")
    append_plan_json(out.buffer(), plan, told, code);
  else
    append_plan_text(out.buffer(), plan, told);
  return out.finish(code);
}

void add_knob_flags(Verb& verb, PlanArgs& args) {
  for (const sizing::Knob& knob : sizing::knobs()) {
    const std::string name(knob.name);
    std::string help(knob.help);
    const std::string text = knob_text(sizing::Workload{}, knob);
    if (knob.kind == sizing::KnobKind::yes_no) {
      verb.flag("--" + name, "", help, &args.switches[name]);
      continue;
    }
    if (text != sizing::kNoLimit) help += " (default " + text + ")";
    Argument& flag = verb.flag("--" + name, value_name_of(knob.kind), help, &args.values[name]);
    for (const std::string_view choice : choices_of(knob)) flag.choices.emplace_back(choice);
  }
}

}  // namespace

Verb plan_verb() {
  auto args = std::make_shared<PlanArgs>();
  Verb verb;
  verb.path = "plan";
  verb.summary = "Says what a workload costs in RAM and disk, and whether it fits.";
  verb.details =
      "Every key costs RAM, whatever its value's size. Tells the need by our measured cost (logcask) and by the "
      "classic 44.5 bytes and the key (bitcask), judges by --model, checks the workload by six rules, each with its "
      "mend, names the engine to use, and turns the sums round. Without flags it shows the default workload, every "
      "knob named; nothing is asked, and no broker is needed but for --from-topic. Sizes: KB is 1000, KiB 1024; counts "
      "take k, M and B; times ms, s, min, h. What a card or a topic says, a flag takes back: --disk any, "
      "--needs-range=false. "
      "docs/SIZING.md teaches all of it.";
  verb.flag("--workload", "FILE",
            "the knobs, as TOML; or the name of a shipped one: photo-blobs, event-tags, idempotency-keys",
            &args->workload);
  verb.flag("--from-topic", "TOPIC", "a live topic's keys, bytes, partitions and settings", &args->topic);
  add_knob_flags(verb, *args);
  verb.flag("--model", "MODEL", "whose RAM a key verdict, checks and engine follow (default logcask)", &args->model)
      .choices = {"logcask", "bitcask", "bare-entry"};
  verb.flag("--strict", "", "a warning ends with exit code 9, too", &args->strict);
  std::vector<std::string> names;
  for (const sizing::Rule& rule : sizing::rules()) names.emplace_back(rule.name);
  verb.flag("--explain", "RULE", "say what a rule compares, why, and what mends it; nothing else", &args->explain)
      .choices = names;
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {4, 6, kExitTight, kExitNoFit};
  verb.examples = {
      {"logcask plan --keys 50M --key-bytes 36 --value-bytes 1KiB --ram-budget 4GB", "50 million sessions"},
      {"logcask plan --workload photo-blobs --model bitcask", "a shipped workload by the classic formula"},
      {"logcask plan --from-topic prices --keys 10M", "a live topic with ten million keys"},
      {"logcask plan --keys 12M --strict -o json", "for scripts: exit code 9 where it warns"}};
  verb.run = [args] { return plan_workload(*args); };
  return verb;
}

}  // namespace logcask::cli
