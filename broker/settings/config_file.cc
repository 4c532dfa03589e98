#include "broker/settings/config_file.h"

#include <toml++/toml.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace logcask {
namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;

Error at_line(const std::string& file_name, const toml::source_region& where, std::string_view what) {
  return Error{Errc::invalid_config,
               file_name + " line " + std::to_string(where.begin.line) + ": " + std::string(what)};
}

std::string scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  std::ostringstream out;
  out.precision(17);
  if (const auto* number = node.as_integer()) out << number->get();
  if (const auto* number = node.as_floating_point()) out << number->get();
  if (const auto* flag = node.as_boolean()) out << (flag->get() ? "true" : "false");
  return out.str();
}

Status flatten(const toml::table& table, const std::string& prefix, const std::string& file_name, SettingValues& out) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
    if (const auto* inner = node.as_table()) {
      LOGCASK_TRY(flatten(*inner, name, file_name, out));
    } else if (node.is_string() || node.is_integer() || node.is_floating_point() || node.is_boolean()) {
      out[name] = scalar_text(node);
    } else {
      return at_line(file_name, node.source(), "'" + name + "' is neither text, number nor true/false");
    }
  }
  return {};
}

}  // namespace

Result<SettingValues> parse_config_text(std::string_view text, const std::string& file_name) {
  SettingValues values;
  try {
    const toml::table table = toml::parse(text, file_name);
    LOGCASK_TRY(flatten(table, "", file_name, values));
  } catch (const toml::parse_error& failure) {
    return at_line(file_name, failure.source(), failure.description());
  }
  return values;
}

Result<SettingValues> read_config_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return error_from_errno(errno, "open configuration file " + path);
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return error_from_errno(errno, "read configuration file " + path);
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kFileBytesMax) return Error{Errc::invalid_config, path + ": a configuration file is below 1 MiB"};
  return parse_config_text(text, path);
}

}  // namespace logcask
