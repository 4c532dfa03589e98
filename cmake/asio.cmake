# Boost.Asio, compiled once. Whoever includes <boost/asio/...> links logcask_asio.
find_package(Threads REQUIRED)
add_library(logcask_asio STATIC ${PROJECT_SOURCE_DIR}/cmake/asio_src.cc)
target_compile_definitions(logcask_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_include_directories(logcask_asio SYSTEM PUBLIC ${Boost_INCLUDE_DIRS})
target_link_libraries(logcask_asio PUBLIC Threads::Threads)
