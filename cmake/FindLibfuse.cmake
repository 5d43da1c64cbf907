# SPDX-License-Identifier: MIT
# Finds libfuse 3 (>= 3.14), preferring 3.18 or newer built by setup/ over the system's own.
#
# Searched, newest first: ${BLEND_CACHE}/libfuse/*, the checkout's .cache/libfuse/*, then pkg-config's path.
# BLEND_CACHE defaults to $BLEND_CACHE, else $XDG_CACHE_HOME/blendfs, else ~/.cache/blendfs.
# Defines: Libfuse::fuse3 (the static archive if there is one, so that no private library path has to be known
# at run time), Libfuse::static (only with the archive), Libfuse_VERSION, Libfuse_USE_VERSION
# (for FUSE_USE_VERSION) and Libfuse_FOUND.

find_package(PkgConfig QUIET)

if(NOT DEFINED BLEND_CACHE)
  if(DEFINED ENV{BLEND_CACHE})
    set(_libfuse_cache "$ENV{BLEND_CACHE}")
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(_libfuse_cache "$ENV{XDG_CACHE_HOME}/blendfs")
  else()
    set(_libfuse_cache "$ENV{HOME}/.cache/blendfs")
  endif()
  set(BLEND_CACHE "${_libfuse_cache}" CACHE PATH "Where everything downloaded or built outside the checkout lives")
endif()

set(Libfuse_FOUND FALSE)

# Looks for fuse3.pc in one prefix ("" is the system) and keeps it if it is newer than what was found.
macro(_libfuse_try prefix)
  if(PKG_CONFIG_FOUND)
    set(_saved_path "$ENV{PKG_CONFIG_PATH}")
    if(NOT "${prefix}" STREQUAL "")
      file(GLOB _libfuse_pc_dirs "${prefix}/lib/pkgconfig" "${prefix}/lib/*/pkgconfig" "${prefix}/lib64/pkgconfig")
      list(JOIN _libfuse_pc_dirs ":" _joined)
      set(ENV{PKG_CONFIG_PATH} "${_joined}:${_saved_path}")
    endif()
    unset(_libfuse_pc_FOUND CACHE)
    unset(_libfuse_pc_FOUND)
    pkg_check_modules(_libfuse_pc QUIET "fuse3>=3.14")
    if(_libfuse_pc_FOUND)
      pkg_get_variable(_libfuse_pc_libdir fuse3 libdir)
      if(NOT Libfuse_FOUND OR _libfuse_pc_VERSION VERSION_GREATER Libfuse_VERSION)
        set(Libfuse_FOUND TRUE)
        set(Libfuse_VERSION "${_libfuse_pc_VERSION}")
        set(Libfuse_INCLUDE_DIRS "${_libfuse_pc_INCLUDE_DIRS}")
        set(Libfuse_LIBDIR "${_libfuse_pc_libdir}")
        # What the archive needs when libfuse was built with FUSE over io_uring.
        set(Libfuse_PRIVATE_LIBRARIES ${_libfuse_pc_STATIC_LIBRARIES})
        list(FILTER Libfuse_PRIVATE_LIBRARIES INCLUDE REGEX "^(uring|numa)$")
      endif()
    endif()
    set(ENV{PKG_CONFIG_PATH} "${_saved_path}")
  endif()
endmacro()

file(GLOB _libfuse_prefixes LIST_DIRECTORIES true
  "${BLEND_CACHE}/libfuse/*" "${PROJECT_SOURCE_DIR}/.cache/libfuse/*")
foreach(_prefix IN LISTS _libfuse_prefixes)
  if(IS_DIRECTORY "${_prefix}")
    _libfuse_try("${_prefix}")
  endif()
endforeach()
_libfuse_try("")

if(Libfuse_FOUND)
  # pkg-config leaves out include directories the compiler searches anyway; ours wants .../include/fuse3.
  find_path(Libfuse_INCLUDE fuse_lowlevel.h
    HINTS ${Libfuse_INCLUDE_DIRS} "${Libfuse_LIBDIR}/../include/fuse3" "${Libfuse_LIBDIR}/../../include/fuse3"
    PATH_SUFFIXES fuse3 NO_CACHE REQUIRED)
  set(Libfuse_ARCHIVE "${Libfuse_LIBDIR}/libfuse3.a")
  string(REGEX MATCH "^([0-9]+)\\.([0-9]+)" _unused "${Libfuse_VERSION}")
  math(EXPR Libfuse_USE_VERSION "${CMAKE_MATCH_1} * 100 + ${CMAKE_MATCH_2}")
  if(Libfuse_USE_VERSION GREATER 318)
    set(Libfuse_USE_VERSION 318)  # the newest interface this source is written for
  endif()

  foreach(_kind fuse3 static)
    if(_kind STREQUAL "static" AND NOT EXISTS "${Libfuse_ARCHIVE}")
      continue()
    endif()
    if(NOT TARGET Libfuse::${_kind})
      add_library(Libfuse::${_kind} INTERFACE IMPORTED GLOBAL)
      target_include_directories(Libfuse::${_kind} SYSTEM INTERFACE "${Libfuse_INCLUDE}")
      target_compile_definitions(Libfuse::${_kind} INTERFACE FUSE_USE_VERSION=${Libfuse_USE_VERSION})
      if(EXISTS "${Libfuse_ARCHIVE}")
        target_link_libraries(Libfuse::${_kind} INTERFACE "${Libfuse_ARCHIVE}" ${Libfuse_PRIVATE_LIBRARIES} Threads::Threads ${CMAKE_DL_LIBS} rt)
      else()
        find_library(Libfuse_LIBRARY fuse3 HINTS "${Libfuse_LIBDIR}" NO_CACHE REQUIRED)
        target_link_libraries(Libfuse::${_kind} INTERFACE "${Libfuse_LIBRARY}" Threads::Threads)
      endif()
    endif()
  endforeach()

  if(NOT Libfuse_FIND_QUIETLY)
    if(EXISTS "${Libfuse_ARCHIVE}")
      set(_libfuse_kind "static archive")
    else()
      set(_libfuse_kind "shared library only: no blendfs-static")
    endif()
    message(STATUS "Found libfuse ${Libfuse_VERSION} (${Libfuse_LIBDIR}, ${_libfuse_kind})")
  endif()
  if(Libfuse_VERSION VERSION_LESS 3.17)
    message(WARNING "libfuse ${Libfuse_VERSION} is older than 3.17: blendfs is built without passthrough, so reads and "
      "writes of upper files go through the daemon, and without O_TMPFILE and birth times. "
      "setup/ builds a newer libfuse.")
  endif()
elseif(Libfuse_FIND_REQUIRED)
  message(FATAL_ERROR "libfuse 3.14 or newer was not found (pkg-config fuse3). "
    "Run setup/, or install libfuse3-dev, or configure with -DBLENDFS=OFF.")
endif()
