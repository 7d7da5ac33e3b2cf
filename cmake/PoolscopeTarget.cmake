# What every target of ours shares: warnings as errors and the chosen sanitizers.
add_library(poolscope_warnings INTERFACE)
add_library(poolscope::warnings ALIAS poolscope_warnings)
target_compile_options(poolscope_warnings INTERFACE -Wall -Wextra -Wundef -Werror)

if(POOLSCOPE_SANITIZE)
  target_compile_options(poolscope_warnings INTERFACE -fsanitize=${POOLSCOPE_SANITIZE} -fno-omit-frame-pointer
                                                     -fno-sanitize-recover=all)
  target_link_options(poolscope_warnings INTERFACE -fsanitize=${POOLSCOPE_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Without this ccache does not keep what was compiled with a precompiled header.
  set(CMAKE_C_COMPILER_LAUNCHER /usr/bin/env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

# poolscope_library(NAME SOURCES... [LINKS ...]): static library poolscope_NAME, alias poolscope::NAME, includes from the root.
function(poolscope_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(poolscope_${name} STATIC ${ARG_SOURCES})
  add_library(poolscope::${name} ALIAS poolscope_${name})
  target_include_directories(poolscope_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(poolscope_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS} poolscope::warnings)
endfunction()
