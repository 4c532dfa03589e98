# In unity builds the headers that nearly every test wants are compiled once for all test programs: Catch2, the standard
# library, and the wire's messages where a program sees them. Libraries gain nothing by it: optimising is what they cost.
# Where each file is compiled by itself nothing is added to it, so that a missing #include shows.
set(LOGCASK_PRECOMPILED <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <cstring> <deque> <filesystem>
    <fstream> <functional> <future> <iostream> <limits> <map> <memory> <mutex> <optional> <set> <span> <sstream> <string>
    <string_view> <thread> <unordered_map> <utility> <variant> <vector> "${PROJECT_SOURCE_DIR}/tests/support/catch.h")

# logcask_add_precompiled(NAME LIBS ... HEADERS ...): the target whose compiled headers test programs reuse.
function(logcask_add_precompiled name)
  cmake_parse_arguments(ARG "" "" "LIBS;HEADERS" ${ARGN})
  file(WRITE ${PROJECT_BINARY_DIR}/precompiled.cc "")
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/precompiled.cc)
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  target_precompile_headers(${name} PRIVATE ${LOGCASK_PRECOMPILED} ${ARG_HEADERS})
  # As programs are compiled, not as code of a shared library.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIE)
endfunction()

# Whether a program that links `library` sees the wire's messages.
function(logcask_sees_wire library seen)
  if(library STREQUAL logcask_wire)
    set(${seen} YES PARENT_SCOPE)
  elseif(TARGET ${library} AND library MATCHES "^logcask_")
    get_target_property(libraries ${library} INTERFACE_LINK_LIBRARIES)
    foreach(below ${libraries})
      logcask_sees_wire(${below} ${seen})
    endforeach()
    set(${seen} ${${seen}} PARENT_SCOPE)
  endif()
endfunction()

# logcask_reuse_precompiled(PROGRAM LIBRARY...): for a test program that links these.
function(logcask_reuse_precompiled program)
  if(NOT CMAKE_UNITY_BUILD)
    return()
  endif()
  set(wire NO)
  foreach(library ${ARGN})
    logcask_sees_wire(${library} wire)
  endforeach()
  if(NOT TARGET logcask_test_headers)
    logcask_add_precompiled(logcask_test_headers LIBS logcask_test_main)
    logcask_add_precompiled(logcask_wire_test_headers LIBS logcask_test_main logcask_wire HEADERS <logcask/v1/native.pb.h>)
  endif()
  if(wire)
    target_precompile_headers(${program} REUSE_FROM logcask_wire_test_headers)
  else()
    target_precompile_headers(${program} REUSE_FROM logcask_test_headers)
  endif()
endfunction()
