#pragma once
// The broker's configuration file: TOML flattened to setting names. The only place that sees toml++.

#include <string>

#include "base/result.h"
#include "broker/settings/config_sources.h"

namespace logcask {

// `[frame.max] bytes = 1` and `frame.max.bytes = 1` both yield {"frame.max.bytes", "1"}. invalid_config names file and
// line when the text is not TOML or holds arrays or dates.
Result<SettingValues> parse_config_text(std::string_view text, const std::string& file_name);
// The same from a file; not_found names the path.
Result<SettingValues> read_config_file(const std::string& path);

}  // namespace logcask
