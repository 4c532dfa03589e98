# Installs the client library to a fresh prefix and builds the examples against nothing but that, in WORK_DIR/build;
# examples_test.sh runs them there. Called with -DBUILD_DIR, -DSOURCE_DIR, -DWORK_DIR, -DCXX, -DCXX_FLAGS, -DGENERATOR.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix --component client)
run(${CMAKE_COMMAND} -S ${SOURCE_DIR}/client/examples -B ${WORK_DIR}/build -G ${GENERATOR}
  -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix -DCMAKE_CXX_COMPILER=${CXX} "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
  -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)

# They start, and say what they need.
foreach(example produce consume table replay)
  execute_process(COMMAND ${WORK_DIR}/build/${example} RESULT_VARIABLE result ERROR_VARIABLE error)
  if(NOT result EQUAL 2 OR NOT error MATCHES "usage: ${example} BROKER TOPIC")
    message(FATAL_ERROR "${example}: exit ${result}: ${error}")
  endif()
endforeach()

# Each header compiles by itself, with one -I, also where the program has a base/result.h of its own that comes first.
file(GLOB headers RELATIVE ${WORK_DIR}/prefix/include ${WORK_DIR}/prefix/include/logcask/*.h)
if(NOT "logcask/client.h" IN_LIST headers)
  message(FATAL_ERROR "no <logcask/client.h> among the installed headers: ${headers}")
endif()
foreach(folder base client proto)
  foreach(header client compression errc record result types)
    file(WRITE ${WORK_DIR}/own/${folder}/${header}.h "#error a header of the program was taken for one of the library\n")
  endforeach()
endforeach()
foreach(header ${headers})
  file(WRITE ${WORK_DIR}/own/alone.cc "#include <${header}>\n#include <${header}>\n")
  run(${CXX} -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I${WORK_DIR}/own -I${WORK_DIR}/prefix/include
    ${WORK_DIR}/own/alone.cc)
endforeach()

# The installed headers know neither Asio nor protobuf, and nothing of ours that is not installed.
file(GLOB_RECURSE headers ${WORK_DIR}/prefix/*.h)
foreach(header ${headers})
  file(STRINGS ${header} includes REGEX "^#include")
  foreach(line ${includes})
    if(line MATCHES "boost|google|pb\\.h|\"")
      message(FATAL_ERROR "${header}: ${line}")
    endif()
  endforeach()
endforeach()
