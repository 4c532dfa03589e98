#include <algorithm>

#include "base/json_writer.h"
#include "cli/plan_output.h"
#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

using sizing::Figures;
using sizing::Plan;
using sizing::whole;

void append_workload(JsonWriter& json, const Plan& plan, const ToldWorkload& told) {
  json.name("workload").begin().field("name", plan.workload.name).field("about", plan.workload.about);
  json.name("knobs").begin();
  for (const sizing::Knob& knob : sizing::knobs()) {
    json.name(knob.name);
    if (const auto* number = std::get_if<std::uint64_t sizing::Workload::*>(&knob.field))
      json.value(plan.workload.*(*number));
    else if (const auto* flag = std::get_if<bool sizing::Workload::*>(&knob.field))
      json.value(plan.workload.*(*flag));
    else if (const auto* text = std::get_if<std::string sizing::Workload::*>(&knob.field))
      json.value(plan.workload.*(*text));
    else if (const auto& maybe =
                 plan.workload.*(std::get<std::optional<std::uint64_t> sizing::Workload::*>(knob.field)))
      json.value(*maybe);
    else
      json.null();
  }
  json.end().name("told").begin_list();
  for (const sizing::Knob& knob : sizing::knobs())
    if (told.told.contains(knob.name)) json.value(knob.name);
  json.end_list().name("reckoned").begin_list();
  for (const sizing::Knob& knob : sizing::knobs())
    if (told.reckoned.contains(knob.name)) json.value(knob.name);
  json.end_list().end();
}

void append_model(JsonWriter& json, const Figures& f) {
  json.name(f.cost.name)
      .begin()
      .field("ram_bytes_per_key", f.ram_per_key)
      .field("ram_bytes", whole(f.ram))
      .field("ram_bytes_per_partition", whole(f.ram_per_partition))
      .field("ram_bytes_resident", whole(f.ram_resident))
      .field("ram_bytes_all_copies", whole(f.ram_all_copies))
      .field("ram_bytes_needed", whole(f.ram_needed))
      .field("limit", f.limit)
      .field("limit_bytes", whole(f.limit_bytes))
      .field("limit_used_bytes", whole(f.limit_used))
      .field("ram_share", f.limit_used / std::max(1.0, f.limit_bytes))
      .field("verdict", verdict_text(f.verdict))
      .field("above_quarter", f.above_quarter)
      .field("disk_live_bytes", whole(f.disk_live))
      .field("disk_high_bytes", whole(f.disk_high))
      .field("disk_bytes_all_copies", whole(f.disk_all_copies))
      .field("data_files_per_partition", f.data_files_per_partition)
      .field("data_files", f.data_files)
      .field("files", f.files)
      .field("descriptors", f.descriptors)
      .field("restart_clean_seconds", f.restart.clean_s)
      .field("restart_killed_seconds", f.restart.killed_s)
      .field("restart_without_hints_seconds", f.restart.without_hints_s)
      .field("write_amplification", f.write_amplification)
      .end();
}

void append_advice(JsonWriter& json, const Plan& plan) {
  const auto& r = plan.recommendation;
  json.name("engine")
      .begin()
      .field("recommended", engine_text(r.engine))
      .field("alternative", engine_text(r.alternative))
      .field("reason", r.reason)
      .field("delete_mode_keep", r.delete_mode_keep)
      .field("create", plan.proposes_topic() ? create_command(plan.workload, r) : "");
  json.name("create_needs").begin_list();
  if (plan.proposes_topic())
    for (const auto& need : broker_needs(plan.workload)) json.value(need);
  json.end_list();
  json.name("axes").begin_list();
  for (const auto& axis : plan.axes)
    json.begin()
        .field("axis", axis.name)
        .field("logcask", axis.logcask)
        .field("lsm_tree", axis.lsm_tree)
        .field("b_plus_tree", axis.b_plus_tree)
        .end();
  json.end_list().end();
  json.name("scores").begin_list();
  for (const auto& score : plan.scores) {
    json.begin().field("score", score.name).field("begins", score.begins).field("value", score.value);
    json.name("moves").begin_list();
    for (const auto& move : score.moves)
      json.begin().field("by", move.by).field("rule", move.rule).field("why", move.why).end();
    json.end_list().end();
  }
  json.end_list();
}

}  // namespace

void append_plan_json(std::string& out, const Plan& plan, const ToldWorkload& told, int exit_code) {
  JsonWriter json(out);
  json.begin();
  append_workload(json, plan, told);
  json.field("model", plan.judged.cost.name)
      .field("verdict", verdict_text(plan.judged.verdict))
      .field("rejected", plan.rejected())
      .field("exit_code", exit_code);
  json.name("models").begin();
  append_model(json, plan.logcask);
  append_model(json, plan.bitcask);
  if (!plan.judged_is_shown()) append_model(json, plan.judged);
  json.end().name("findings").begin_list();
  for (const auto& finding : plan.findings)
    json.begin()
        .field("rule", finding.rule)
        .field("severity", severity_text(finding.severity))
        .field("message", finding.message)
        .field("mend", finding.mend)
        .end();
  json.end_list();
  append_advice(json, plan);
  json.name("sums")
      .begin()
      .field("ram_budget_bytes", plan.workload.ram_budget)
      .field("keys", plan.sums.keys)
      .field("disk_bytes_of_keys", whole(plan.sums.disk_of_keys))
      .field("disk_bytes", whole(plan.sums.disk))
      .field("ram_bytes_of_disk", whole(plan.sums.ram_of_that_disk))
      .end();
  json.end();
  out += '\n';
}

}  // namespace logcask::cli
