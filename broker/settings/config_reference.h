#pragma once
// Every setting of broker and topics as Markdown: docs/CONFIG.md is what this prints.

#include <string>

namespace logcask {

std::string config_reference_markdown();

}  // namespace logcask
