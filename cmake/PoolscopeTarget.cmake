# What every target of ours shares: warnings as errors and the chosen sanitizers. poolscope::test_warnings is for tests of what is in libraries:
# what UndefinedBehaviorSanitizer adds takes as long to compile as the tests themselves, and it looks at the libraries.
foreach(kind warnings test_warnings)
  add_library(poolscope_${kind} INTERFACE)
  add_library(poolscope::${kind} ALIAS poolscope_${kind})
  target_compile_options(poolscope_${kind} INTERFACE -Wall -Wextra -Wundef -Werror)
  if(POOLSCOPE_SANITIZE)
    target_compile_options(poolscope_${kind} INTERFACE -fsanitize=${POOLSCOPE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(poolscope_${kind} INTERFACE -fsanitize=${POOLSCOPE_SANITIZE})
  endif()
endforeach()
# Checks of each access: without them a source compiles in two thirds of the time. AddressSanitizer sees a null pointer and an overrun, too; the
# fuzz targets, which have them all, look at the alignment of what parsers and pools read.
if(POOLSCOPE_SANITIZE_LESS)
  target_compile_options(poolscope_warnings INTERFACE -fno-sanitize=${POOLSCOPE_SANITIZE_LESS})
endif()
if(POOLSCOPE_SANITIZE MATCHES undefined)
  target_compile_options(poolscope_test_warnings INTERFACE -fno-sanitize=undefined,float-cast-overflow)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Without this ccache does not keep what was compiled with a precompiled header.
  set(CMAKE_C_COMPILER_LAUNCHER /usr/bin/env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

# poolscope_together(TARGET): compiles the sources of TARGET eight at a time: most of the time goes to the headers that they share. Names
# in anonymous namespaces must then differ within a target. `debug` and `lint` compile each source alone.
function(poolscope_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${POOLSCOPE_UNITY})
endfunction()

# poolscope_computes(TARGET): tests of it run for longer under sanitizers than the optimiser takes.
function(poolscope_computes target)
  if(POOLSCOPE_SANITIZE)
    target_compile_options(${target} PRIVATE -O1)
  endif()
endfunction()

# poolscope_library(NAME [APART] SOURCES... [LINKS ...]): static library poolscope_NAME, alias poolscope::NAME, includes from the root. APART:
# not poolscope_together(), its sources have the same names for different things.
function(poolscope_library name)
  cmake_parse_arguments(ARG "APART" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(poolscope_${name} STATIC ${ARG_SOURCES})
  add_library(poolscope::${name} ALIAS poolscope_${name})
  target_include_directories(poolscope_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(poolscope_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS} poolscope::warnings)
  if(NOT ARG_APART)
    poolscope_together(poolscope_${name})
  endif()
endfunction()
