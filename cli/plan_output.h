#pragma once
// A plan for people, within 80 columns, and as one JSON object (docs/plan.schema.json).

#include <string>

#include "cli/workload_file.h"
#include "sizing/plan.h"
#include "sizing/rules.h"

namespace logcask::cli {

// `told` says which knobs were told; the others are at their defaults.
void append_plan_text(std::string& out, const sizing::Plan& plan, const ToldWorkload& told);
void append_plan_json(std::string& out, const sizing::Plan& plan, const ToldWorkload& told, int exit_code);

void append_rule_text(std::string& out, const sizing::Rule& rule);

}  // namespace logcask::cli
