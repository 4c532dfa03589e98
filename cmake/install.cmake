# Installs the client library: headers, shared library, and what find_package(logcask) needs.
include(CMakePackageConfigHelpers)
set(LOGCASK_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/logcask)

install(TARGETS logcask_client_shared EXPORT logcask-targets COMPONENT client
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client)
install(FILES base/check.h base/errc.h base/result.h base/types.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/logcask/base COMPONENT client)
install(FILES proto/compression.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/logcask/proto COMPONENT client)
install(FILES client/admin.h client/async.h client/client.h client/consumer.h client/producer.h client/record.h
  client/replay.h client/table.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/logcask/client COMPONENT client)

install(EXPORT logcask-targets NAMESPACE logcask:: DESTINATION ${LOGCASK_CONFIG_DIR} COMPONENT client)
configure_package_config_file(cmake/logcask-config.cmake.in ${PROJECT_BINARY_DIR}/logcask-config.cmake
  INSTALL_DESTINATION ${LOGCASK_CONFIG_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/logcask-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/logcask-config.cmake ${PROJECT_BINARY_DIR}/logcask-config-version.cmake
  DESTINATION ${LOGCASK_CONFIG_DIR} COMPONENT client)
