#pragma once
// What requests say behind the "?" of their address.

#include <initializer_list>
#include <string_view>

#include "base/result.h"
#include "broker/http/http_request.h"

namespace logcask {

// Every parameter must be one of `known`, and be there once: one that is passed over would be a promise that is not
// kept.
Status check_parameters(const HttpRequest& request, std::initializer_list<std::string_view> known);
// For requests that are about no single record: 400 for what would be passed over.
Status check_no_preconditions(const HttpRequest& request);
// encoding=base64: values are written so, whatever they are.
Result<bool> read_base64(const HttpRequest& request);
// NAME=true or NAME=false; `absent` where there is none.
Result<bool> read_flag(const HttpRequest& request, std::string_view name, bool absent);

}  // namespace logcask
