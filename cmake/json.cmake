# Boost.JSON, compiled once. Whoever includes <boost/json.hpp> links logcask_json.
add_library(logcask_json STATIC ${PROJECT_SOURCE_DIR}/cmake/json_src.cc)
target_include_directories(logcask_json SYSTEM PUBLIC ${Boost_INCLUDE_DIRS})
