#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "cli/plan_output.h"
#include "cli/text_table.h"
#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

using sizing::both_bytes;
using sizing::Figures;
using sizing::Plan;

constexpr std::size_t kPlanWidth = 80;
constexpr std::size_t kBarWidth = 40;

void append_hex_bytes(std::string& out, std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
}

std::string to_width(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// Of a file, and so not to be trusted with a terminal: bytes that steer one are shown, not sent.
std::string shown(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_character(std::string_view(text).substr(at));
    const auto byte = static_cast<unsigned char>(text[at]);
    // Beside the controls of ASCII those of Latin-1, 0xC2 0x80 to 0x9F.
    const bool steers =
        length == 0 || byte < 0x20 || byte == 0x7F || (byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0);
    const std::size_t taken = std::max<std::size_t>(1, length);
    if (steers)
      append_hex_bytes(out, std::string_view(text).substr(at, taken));
    else
      out.append(text, at, taken);
    at += taken;
  }
  return out;
}

// `first` begins the first line, spaces of its length the others; `broken` ends each line but the last.
void append_wrapped(std::string& out, const std::string& first, const std::string& text,
                    const std::string& broken = "") {
  std::string line = first;
  bool empty = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (!empty && line.size() + 1 + word.size() + broken.size() > kPlanWidth) {
      out += line + broken + "\n";
      line.assign(first.size(), ' ');
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  out += line + "\n";
}

// `used` of `whole` as '#', up to `high` as '='; the quarter and three quarters are marked where the bar is empty.
// Whatever is used shows, and only what is beyond the whole ends in '>'.
std::string bar(double used, double high, double whole, bool marks) {
  const auto cells = [&](double part) {
    if (part <= 0 || whole <= 0) return std::size_t{0};
    return std::min(kBarWidth, static_cast<std::size_t>(std::ceil(part / whole * static_cast<double>(kBarWidth))));
  };
  std::string text(kBarWidth, '.');
  if (marks) text[kBarWidth / 4] = text[kBarWidth * 3 / 4] = '|';
  std::fill_n(text.begin(), cells(high), '=');
  std::fill_n(text.begin(), cells(used), '#');
  if (std::max(used, high) > whole) text.back() = '>';
  return "[" + text + "]";
}

// Exact where that is short; a budget that is a part of the machine's RAM is an odd number of bytes. JSON has it exact.
std::string knob_cell(const sizing::Workload& workload, const sizing::Knob& knob) {
  const std::string exact = knob_text(workload, knob);
  if (knob.kind != sizing::KnobKind::bytes) return exact;
  const auto bytes = sizing::parse_quantity(sizing::Unit::bytes, exact);
  return bytes.ok() ? sizing::short_bytes(*bytes) : exact;
}

void append_knobs(std::string& out, const Plan& plan, const ToldWorkload& told) {
  out += told.reckoned.empty() ? "knobs (* told, the others are defaults)\n"
                               : "knobs (* told, ~ reckoned, the others are defaults)\n";
  std::string line;
  for (const sizing::Knob& knob : sizing::knobs()) {
    const char* mark = told.told.contains(knob.name) ? "* " : told.reckoned.contains(knob.name) ? "~ " : "  ";
    const std::string cell = mark + std::string(knob.name) + " " + knob_cell(plan.workload, knob);
    const std::size_t column = line.empty() ? 0 : 42;
    if (line.size() >= 42 || (column != 0 && column + cell.size() > kPlanWidth)) {
      out += line + "\n";
      line = cell;
    } else {
      line = column == 0 ? cell : to_width(line, column) + cell;
    }
  }
  out += line + "\n";
}

std::string verdict_line(const Plan& plan) {
  std::string text(verdict_text(plan.judged.verdict));
  if (plan.rejected()) text += ", rejected";
  const auto warnings = std::count_if(plan.findings.begin(), plan.findings.end(),
                                      [](const auto& f) { return f.severity == sizing::Severity::warn; });
  if (warnings > 0) text += ", " + std::to_string(warnings) + (warnings == 1 ? " warning" : " warnings");
  return text;
}

void append_bars(std::string& out, const Plan& plan) {
  const auto& w = plan.workload;
  const Figures& f = plan.judged;
  const double disk = w.disk_bytes ? static_cast<double>(*w.disk_bytes) : f.disk_high;
  out += "verdict " + verdict_line(plan) + "\n";
  std::string budget = sizing::short_bytes(w.ram_budget) + " a node, " +
                       (w.ram_budget_per_topic ? sizing::short_bytes(*w.ram_budget_per_topic) + " the topic, " : "") +
                       sizing::short_bytes(w.ram_budget_per_partition) + " a partition" +
                       (w.ram_budget_per_topic ? "; judged by " + std::string(f.limit) : "");
  append_wrapped(out, "budget  ", budget);
  out += "  RAM   " + bar(f.limit_used, f.limit_used, f.limit_bytes, true) + " " +
         sizing::bytes_beside(f.limit_used, sizing::whole(f.limit_bytes), 2) + ", " +
         sizing::percent_of(f.limit_used, f.limit_bytes) + "\n";
  const auto on_disk = [&](double bytes) {
    return w.disk_bytes ? sizing::bytes_beside(bytes, *w.disk_bytes) : sizing::decimal_bytes(bytes);
  };
  out += "  disk  " + bar(f.disk_live, f.disk_high, disk, false) + " " + on_disk(f.disk_live) +
         (f.disk_high > f.disk_live ? " to " + on_disk(f.disk_high) : "") + "\n";
  out += "        # needed, = dead records before compaction, | a quarter, three quarters\n";
}

void append_figures(std::string& out, const Plan& plan) {
  std::vector<std::string> heads = {"", std::string(plan.logcask.cost.name), std::string(plan.bitcask.cost.name)};
  if (!plan.judged_is_shown()) heads.emplace_back(plan.judged.cost.name);
  TextTable table(heads);
  const auto row = [&](const std::string& name, auto&& text) {
    std::vector<std::string> cells = {"  " + name, text(plan.logcask), text(plan.bitcask)};
    if (!plan.judged_is_shown()) cells.push_back(text(plan.judged));
    table.row(cells);
  };
  // Three columns leave no room for both.
  const auto bytes = [&](double number) {
    return plan.judged_is_shown() ? both_bytes(number, 2) : sizing::decimal_bytes(number, 2);
  };
  const std::string measured = " B (" + sizing::rounded(sizing::kLogcaskMeasuredHigh, 1) + " measured)";
  row("RAM a key", [&](const Figures& f) {
    return sizing::rounded(f.ram_per_key, 1) + (f.cost.name == sizing::kLogcask.name ? measured : " B");
  });
  row("RAM", [&](const Figures& f) { return bytes(f.ram); });
  row("RAM a partition", [&](const Figures& f) { return bytes(f.ram_per_partition); });
  row("RAM resident, most", [&](const Figures& f) { return bytes(f.ram_resident); });
  if (plan.workload.replication > 1)
    row("RAM of all copies", [&](const Figures& f) { return bytes(f.ram_all_copies); });
  row("of the budget", [](const Figures& f) {
    return sizing::percent_of(f.limit_used, f.limit_bytes) + " " + std::string(verdict_text(f.verdict));
  });
  row("disk, live", [&](const Figures& f) { return bytes(f.disk_live); });
  row("disk, with dead", [&](const Figures& f) { return bytes(f.disk_high); });
  if (plan.workload.replication > 1)
    row("disk of all copies", [&](const Figures& f) { return bytes(f.disk_all_copies); });
  row("files a partition", [](const Figures& f) { return sizing::grouped(f.data_files_per_partition); });
  row("files of live data", [](const Figures& f) { return sizing::grouped(f.data_files); });
  row("bytes written a byte", [](const Figures& f) { return sizing::rounded(f.write_amplification, 2); });
  table.append_to(out);
  const Figures& f = plan.logcask;
  append_wrapped(out, "  ",
                 "logcask: up to " + sizing::grouped(f.files) + " files of all kinds and " +
                     sizing::grouped(f.descriptors) + " descriptors (open.files.max bounds those); restart " +
                     sizing::about_seconds(f.restart.clean_s) + ", after a kill " +
                     sizing::about_seconds(f.restart.killed_s));
  if (plan.workload.replication > 1)
    append_wrapped(out, "  ",
                   "copies: this version of logcask keeps one; the totals are for copies kept by other means");
}

void append_findings(std::string& out, const Plan& plan) {
  out += "checks\n";
  for (const auto& finding : plan.findings) {
    const std::string head = "  " + to_width(std::string(severity_text(finding.severity)), 7) +
                             to_width(std::string(finding.rule), 14) + " ";
    append_wrapped(out, head, finding.message);
    if (!finding.mend.empty()) append_wrapped(out, std::string(head.size(), ' ') + "-> ", finding.mend);
  }
}

void append_engine(std::string& out, const Plan& plan) {
  const auto& r = plan.recommendation;
  std::string text = std::string(engine_text(r.engine)) + ": " + r.reason;
  if (r.engine != r.alternative)
    text += "; " + std::string(engine_text(r.alternative)) + " where reads outweigh writes";
  append_wrapped(out, "engine  ", text);
  TextTable table({"", "logcask", "lsm-tree", "b+tree"});
  for (const auto& axis : plan.axes)
    table.row({"  " + std::string(axis.name), axis.logcask, std::string(axis.lsm_tree), std::string(axis.b_plus_tree)});
  table.append_to(out);
}

void append_scores(std::string& out, const Plan& plan) {
  out += "scores of 5 (complexity: less is better)\n";
  for (const auto& score : plan.scores) {
    std::string why = "begins at " + std::to_string(score.begins);
    for (const auto& move : score.moves)
      why += "; " + std::string(move.by > 0 ? "+" : "") + std::to_string(move.by) + " " + std::string(move.rule) +
             ": " + move.why;
    append_wrapped(out, "  " + to_width(std::string(score.name), 12) + std::to_string(score.value) + "  ", why);
  }
}

void append_sums(std::string& out, const Plan& plan) {
  const auto& s = plan.sums;
  out += "sums by " + std::string(plan.judged.cost.name) + "\n";
  out += "  RAM to keys  " + sizing::short_bytes(plan.workload.ram_budget) + " hold " + sizing::grouped(s.keys) +
         " keys\n";
  out += "  RAM to disk  their records fill " + both_bytes(s.disk_of_keys, 2) + "\n";
  out += "  disk to RAM  " + both_bytes(s.disk, 2) + " of records need " + both_bytes(s.ram_of_that_disk, 2) + "\n";
}

}  // namespace

void append_rule_text(std::string& out, const sizing::Rule& rule) {
  out += std::string(rule.name) + "\n";
  append_wrapped(out, "  ", std::string(rule.explanation));
}

void append_plan_text(std::string& out, const Plan& plan, const ToldWorkload& told) {
  append_wrapped(out, "plan    ",
                 shown(plan.workload.name + (plan.workload.about.empty() ? "" : ": " + plan.workload.about)) + " (by " +
                     std::string(plan.judged.cost.name) + ")");
  append_knobs(out, plan, told);
  out += "\n";
  append_bars(out, plan);
  append_figures(out, plan);
  out += "\n";
  append_findings(out, plan);
  out += "\n";
  append_engine(out, plan);
  out += "\n";
  append_scores(out, plan);
  append_sums(out, plan);
  if (!plan.proposes_topic()) return;
  append_wrapped(out, "create  ", create_command(plan.workload, plan.recommendation), " \\");
  for (const auto& need : broker_needs(plan.workload)) append_wrapped(out, "        ", need);
}

}  // namespace logcask::cli
