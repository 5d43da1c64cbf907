# SPDX-License-Identifier: MIT
# Settings of what is shipped as a package: hardened, without the build machine's paths, and without libraries
# whose names change from one release of the distribution to the next. All off for other builds.

option(BLEND_HARDEN "Compile and link with hardening, and leave out the paths of the source tree" OFF)
option(BLEND_HEADER_ONLY "Take libfmt and toml++ as headers only, so that no shared library of theirs is needed" OFF)

if(BLEND_HARDEN)
  if(BLEND_SANITIZE)
    message(FATAL_ERROR "BLEND_HARDEN and BLEND_SANITIZE exclude each other: choose one")
  endif()
  target_compile_options(blend_options INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
    "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.")
  # A program that is marked BLEND_STATIC needs no libraries, and may lie anywhere in memory all the same.
  target_link_options(blend_options INTERFACE
    "LINKER:-z,relro,-z,now"
    $<IF:$<BOOL:$<TARGET_PROPERTY:BLEND_STATIC>>,-static-pie,-pie>)
endif()

# blend_static(<program>): links it with nothing but the kernel to be there at run time.
function(blend_static name)
  set_target_properties(${name} PROPERTIES BLEND_STATIC ON)
  if(NOT BLEND_HARDEN)
    target_link_options(${name} PRIVATE -static)
  endif()
endfunction()
