# SPDX-License-Identifier: MIT
# Compiler settings shared by every target, and `blend_library` / `blend_test`, which keep the
# folder = target rule: one static library a folder, linked only to the folders it may use.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

set(BLEND_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
option(BLEND_WERROR "Treat warnings as errors" ON)

add_library(blend_options INTERFACE)
target_compile_options(blend_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  $<$<BOOL:${BLEND_WERROR}>:-Werror>)
target_compile_definitions(blend_options INTERFACE _FILE_OFFSET_BITS=64 _GNU_SOURCE)
target_include_directories(blend_options INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
if(BLEND_SANITIZE)
  target_compile_options(blend_options INTERFACE -fsanitize=${BLEND_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(blend_options INTERFACE -fsanitize=${BLEND_SANITIZE})
endif()
include(BlendHardening)
find_package(Threads REQUIRED)

# blend_library(<name> SOURCES a.cc b.cc LINKS other_targets...)
function(blend_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC blend_options Threads::Threads ${arg_LINKS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE blend_options Threads::Threads ${arg_LINKS})
  endif()
endfunction()

# blend_test(<name> SOURCES a_test.cc LINKS targets... [LABELS unit])
function(blend_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT BLEND_TESTS)
    return()
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 300)
endfunction()
