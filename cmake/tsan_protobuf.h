// Forced into every file that sees messages with maps, in ThreadSanitizer builds only: protobuf's map_field.h gives a
// class two more members when it is compiled with ThreadSanitizer, and the distribution's libprotobuf is not.
// The standard headers come first, because theirs must know the sanitizer.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>
#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")
