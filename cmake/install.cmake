# Installs the client library: headers, shared library, and what find_package(logcask) and pkg-config logcask need.
include(CMakePackageConfigHelpers)
set(LOGCASK_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/logcask)

install(TARGETS logcask_client_shared EXPORT logcask-targets COMPONENT client
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client)
# Public is what stands in an include folder; everything there is <logcask/...>, so that one -I serves.
install(DIRECTORY base/include/logcask proto/include/logcask client/include/logcask
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT client FILES_MATCHING PATTERN "*.h")

install(EXPORT logcask-targets NAMESPACE logcask:: DESTINATION ${LOGCASK_CONFIG_DIR} COMPONENT client)
configure_package_config_file(cmake/logcask-config.cmake.in ${PROJECT_BINARY_DIR}/logcask-config.cmake
  INSTALL_DESTINATION ${LOGCASK_CONFIG_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/logcask-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/logcask-config.cmake ${PROJECT_BINARY_DIR}/logcask-config-version.cmake
  DESTINATION ${LOGCASK_CONFIG_DIR} COMPONENT client)

# Relative to where it lies, so that an installed tree may be moved.
file(RELATIVE_PATH LOGCASK_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" LOGCASK_PC_TO_PREFIX "${LOGCASK_PC_TO_PREFIX}")
configure_file(cmake/logcask.pc.in ${PROJECT_BINARY_DIR}/logcask.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/logcask.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT client)
