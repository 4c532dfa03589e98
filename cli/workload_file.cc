#include "cli/workload_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "broker/settings/config_file.h"
#include "cli/args.h"

namespace logcask::cli {
namespace {

namespace fs = std::filesystem;

// The shipped ones lie beside the program, in an installed tree and in a built one: ../share/logcask/workloads.
fs::path shipped_workloads() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "share" / "logcask" / "workloads";
}

std::string shipped_names() {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(shipped_workloads(), error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".toml") names.push_back(at->path().stem().string());
  std::sort(names.begin(), names.end());
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Result<ToldWorkload> workload_of(const SettingValues& values, const std::string& name, const std::string& where) {
  ToldWorkload told;
  told.workload.name = name;
  for (const auto& [knob_name, text] : values) {
    if (knob_name == "about") {
      told.workload.about = text;
      continue;
    }
    const sizing::Knob* knob = sizing::find_knob(knob_name);
    if (knob == nullptr) {
      std::vector<std::string> known = {"about"};
      for (const sizing::Knob& one : sizing::knobs()) known.emplace_back(one.name);
      return Error{Errc::invalid_config, where + ": no knob is called '" + knob_name + "'" +
                                             did_you_mean(knob_name, known) + "; logcask plan names them all"};
    }
    if (auto set = set_knob(told.workload, *knob, text, sizing::KnobSource::file); !set.ok())
      return Error{Errc::invalid_config, where + ": " + set.error().message};
    told.told.insert(knob_name);
  }
  return told;
}

// TOML knows no units: `keys = 10M` wants quotes. The mend, where a line of the text is of that kind; else nothing.
std::string quotes_wanted(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto trimmed = [](std::string_view part) {
      const std::size_t from = std::min(part.find_first_not_of(" \t\r"), part.size());
      return std::string(part.substr(from, part.find_last_not_of(" \t\r") + 1 - from));
    };
    const std::string name = trimmed(std::string_view(line).substr(0, equals));
    const std::string value = trimmed(std::string_view(line).substr(equals + 1, line.find('#', equals) - equals - 1));
    const sizing::Knob* knob = sizing::find_knob(name);
    if (knob == nullptr || value.empty() || value[0] < '0' || value[0] > '9') continue;
    sizing::Workload scratch;
    if (value.find_first_not_of("0123456789_") != std::string::npos &&
        set_knob(scratch, *knob, value, sizing::KnobSource::file).ok())
      return "; a number with a unit stands in quotes: " + name + " = \"" + value + "\"";
  }
  return "";
}

// A topic could be called so, too: it becomes the name in the `topic create` that the plan prints.
std::string name_of(const fs::path& path) { return path.stem().string(); }

}  // namespace

Result<ToldWorkload> read_workload(const std::string& given) {
  std::error_code error;
  fs::path path = given;
  const bool bare = given.find('/') == std::string::npos;
  if (bare && !fs::is_regular_file(path, error)) {
    const fs::path shipped = shipped_workloads() / (given + ".toml");
    if (fs::is_regular_file(shipped, error)) path = shipped;
  }
  if (!fs::exists(path, error)) {
    const std::string names = shipped_names();
    return Error{Errc::not_found, "no workload file " + given +
                                      (names.empty() ? "" : ", and none of that name is shipped; those are " + names)};
  }
  if (!fs::is_regular_file(path, error)) return Error{Errc::not_found, given + " is no file"};
  auto values = read_config_file(path.string());
  if (!values.ok()) {
    std::ifstream in(path);
    return Error{values.error().code, values.error().message + quotes_wanted({std::istreambuf_iterator<char>(in), {}})};
  }
  return workload_of(*values, name_of(path), path.string());
}

Result<ToldWorkload> parse_workload(const std::string& text, const std::string& name, const std::string& where) {
  const auto values = parse_config_text(text, where);
  if (!values.ok()) return Error{values.error().code, values.error().message + quotes_wanted(text)};
  return workload_of(*values, name, where);
}

}  // namespace logcask::cli
