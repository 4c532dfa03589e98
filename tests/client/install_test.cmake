# Installs the client library to a fresh prefix and builds the examples against nothing but that, in WORK_DIR/build;
# examples_test.sh runs them there. Called with -DBUILD_DIR, -DSOURCE_DIR, -DWORK_DIR, -DCXX, -DCXX_FLAGS,
# -DGENERATOR, -DNM, -DPKG_CONFIG, -DSANITIZE.
cmake_policy(VERSION 3.25)
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

# pkg-config leads to the same library, also from a tree that was moved.
file(GLOB_RECURSE pc ${WORK_DIR}/prefix/*/logcask.pc)
get_filename_component(pc_folder "${pc}" DIRECTORY)
execute_process(COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${pc_folder} ${PKG_CONFIG} --cflags --libs logcask
  RESULT_VARIABLE result OUTPUT_VARIABLE flags ERROR_VARIABLE error OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "pkg-config logcask: ${error}")
endif()
separate_arguments(flags UNIX_COMMAND "${flags}")
separate_arguments(own_flags UNIX_COMMAND "${CXX_FLAGS}")
run(${CXX} -std=c++20 ${own_flags} ${SOURCE_DIR}/client/examples/produce.cc -o ${WORK_DIR}/by_pkg_config ${flags})

# A failure cannot be dropped unseen: the compiler warns, for each way a call tells of one.
file(WRITE ${WORK_DIR}/own/dropped.cc "
#include <logcask/admin.h>
#include <logcask/consumer.h>
#include <logcask/future.h>
#include <logcask/replay.h>
#include <logcask/table.h>
using namespace logcask::client;
void drop(Table& table, Producer& producer, Consumer& consumer, Replay& replay, Admin& admin, const OutRecord& record) {
  table.put(\"k\", \"v\");
  table.erase(\"k\");
  table.get(\"k\");
  table.watch({}, {});
  producer.send(record);
  producer.send_and_wait(record);
  send_future(producer, record);
  producer.flush();
  consumer.poll(1);
  consumer.commit();
  replay.poll(1);
  admin.delete_topic(\"t\");
}
")
execute_process(COMMAND ${CXX} -std=c++20 -Wall -Wextra -fsyntax-only -I${WORK_DIR}/prefix/include ${WORK_DIR}/own/dropped.cc
  RESULT_VARIABLE result ERROR_VARIABLE error)
string(REGEX MATCHALL "\\[-Wunused-result\\]" warnings "${error}")
list(LENGTH warnings count)
if(NOT result EQUAL 0 OR NOT count EQUAL 12)
  message(FATAL_ERROR "12 dropped failures, ${count} warnings:\n${error}")
endif()

# The library shows what is ours and meant for others, and nothing it is made of.
if(NOT SANITIZE)
  file(GLOB_RECURSE libraries ${WORK_DIR}/prefix/*/liblogcask-client.so)
  execute_process(COMMAND ${NM} --dynamic --defined-only --demangle --format=posix ${libraries}
    RESULT_VARIABLE result OUTPUT_VARIABLE shown ERROR_VARIABLE error)
  if(NOT result EQUAL 0 OR NOT shown MATCHES "logcask::client::Client::connect\\(")
    message(FATAL_ERROR "${NM} ${libraries}: ${error}${shown}")
  endif()
  string(REPLACE ";" "," shown "${shown}")
  string(REPLACE "\n" ";" shown "${shown}")
  set(foreign "")
  foreach(symbol ${shown})
    # Name, kind, value, size. A name of ours, of no generated class, and of no inside.
    if(NOT symbol MATCHES "^logcask::" OR symbol MATCHES "^logcask::v1::|Impl::|::Core::|^logcask::client::(Core|Connection)::")
      list(APPEND foreign "${symbol}")
    endif()
  endforeach()
  list(LENGTH shown count)
  list(LENGTH foreign strangers)
  if(NOT strangers EQUAL 0)
    list(SUBLIST foreign 0 10 some)
    message(FATAL_ERROR "${strangers} of ${count} exported symbols are none of the interface, for example:\n${some}")
  endif()
  message(STATUS "${count} exported symbols, all of the interface")
endif()

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
