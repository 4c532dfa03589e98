#pragma once
// The library's version, told to the broker in Hello. The number is the project's (CMakeLists.txt).

namespace logcask::client {

inline constexpr char kClientVersion[] = LOGCASK_CLIENT_VERSION;

}  // namespace logcask::client
